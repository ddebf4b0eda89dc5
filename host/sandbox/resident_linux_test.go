package sandbox

import (
	"os"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/latticenet/lattice-host/abi"
	"github.com/latticenet/lattice-host/wasm-tests/wasmbuild"
)

// statusBytes returns a figure of /proc/self/status in bytes.
func statusBytes(t testing.TB, name string) int {
	t.Helper()
	text, err := os.ReadFile("/proc/self/status")
	if err != nil {
		t.Fatal(err)
	}
	_, rest, _ := strings.Cut(string(text), "\n"+name+":")
	kib, err := strconv.Atoi(strings.Fields(rest)[0])
	if err != nil {
		t.Fatal(err)
	}
	return kib << 10
}

// maxGain is how much more memory the process may have after what hostile guests did in it.
const maxGain = 64 << 20

// wantGain fails when the process has much more memory than before once it has settled, without
// help from the test.
func wantGain(t *testing.T, name string, before int) {
	t.Helper()
	var gain int
	// Collecting happens after the calls.
	for range 100 {
		if gain = statusBytes(t, "VmRSS") - before; gain <= maxGain {
			break
		}
		time.Sleep(50 * time.Millisecond)
	}
	t.Logf("%s: %d MiB more than before", name, gain>>20)
	if gain > maxGain {
		t.Errorf("%s: the process has %d MiB more than before, at most %d are right", name, gain>>20, maxGain>>20)
	}
}

// Whatever guests take, they leave the process within bounds. It is not parallel: others would
// change the memory.
func TestHostileGuestsLeaveNothing(t *testing.T) {
	hidden := func(change func(*guestModule)) *guestModule {
		// Its table changes, so that each call has an instance of its own.
		g := &guestModule{answer: "{}"}
		change(g)
		g.call = wasmbuild.Body(
			wasmbuild.RefNull, wasmbuild.FuncRef, wasmbuild.Int32(200_000), wasmbuild.TableGrow(), wasmbuild.Drop, packed(answerAt, 2))
		return g
	}
	for _, c := range []struct {
		name  string
		guest *guestModule
		calls int
	}{
		{"memory that grows", grower(64, -1), 1_000},
		{"all memory there may be", grower(abi.MaxMemoryBytes/pageSize-growerPages, -1), 30},
		{"deep recursion", deepGuest(20_000), 1_000},
		{"the deepest recursion", deepGuest(1_000_000_000), 20},
		{"a table that grows", hidden(func(g *guestModule) { g.Table(1, -1) }), 1_000},
		{"elements", hidden(func(g *guestModule) {
			g.Table(1, -1)
			g.PassiveElements(repeated(20_000)...)
		}), 1_000},
		{"globals", hidden(func(g *guestModule) {
			g.Table(1, -1)
			for range 2_000 {
				g.GlobalInt32(1)
			}
		}), 1_000},
	} {
		p := load(t, newRuntime(t, Config{}), jsonManifest(), c.guest.build())
		_, _ = p.Call(t.Context(), "", abi.OpDerive, []byte("{}"))
		before := residentBytes(t)
		for range c.calls {
			_, _ = p.Call(t.Context(), "", abi.OpDerive, []byte("{}"))
		}
		wantGain(t, c.name, before)
		if err := p.Close(t.Context()); err != nil {
			t.Error(err)
		}
	}
}

// Modules made with an Extism PDK wait for memory as others do, for that which they begin with and
// for that which an earlier call came to have, and leave none.
func TestExtismKeepsToTheBudget(t *testing.T) {
	const budget, calls, pages = 64 << 20, 8, 256
	for _, c := range []struct {
		name   string
		begins uint32
	}{{"memory to begin with", pages}, {"memory that grows", 1}} {
		r := newRuntime(t, Config{MemoryBudget: budget})
		r.pool.cores = calls
		var plugins []*Plugin
		for n := range calls {
			var g extismGuest
			answer := g.answer("{}")
			// It has 16 MiB in the end, all of which it fills.
			g.derive = wasmbuild.Body(
				wasmbuild.Int32(int32(pages-c.begins)), wasmbuild.MemoryGrow, 0, wasmbuild.Drop,
				wasmbuild.Int32(0), wasmbuild.Int32(1), wasmbuild.Int32(pages*pageSize), []byte{0xfc, 0x0b, 0}, answer)
			g.pages = c.begins
			plugins = append(plugins, loadExtismGuest(t, r, func(m *abi.Manifest) { m.Name += strconv.Itoa(n) }, &g))
		}
		call := func(p *Plugin) {
			if _, err := p.Call(t.Context(), "", abi.OpDerive, []byte("{}")); err != nil {
				t.Errorf("%s: %v", c.name, err)
			}
		}
		for _, p := range plugins {
			call(p)
		}
		before := residentBytes(t)
		var most uint64
		var mu sync.Mutex
		var group sync.WaitGroup
		for _, p := range plugins {
			group.Go(func() {
				for range 20 {
					call(p)
					used := bookkeepingOf(plugins).Used
					mu.Lock()
					most = max(most, used)
					mu.Unlock()
				}
			})
		}
		group.Wait()
		if most > budget || most < pages*pageSize {
			t.Errorf("%s: %d bytes were counted at once, the budget is %d, and each call had more than %d", c.name, most, budget, pages*pageSize)
		}
		if used := bookkeepingOf(plugins).Used; used != 0 {
			t.Errorf("%s: all calls are over, and %d bytes are counted", c.name, used)
		}
		wantGain(t, c.name, before)
	}
}
