package sandbox

import (
	"bytes"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/latticenet/lattice-host/abi"
	"github.com/latticenet/lattice-host/wasm-tests/wasmbuild"
)

// settle waits until no instance is being put back.
func settle(t testing.TB, p *pool) {
	t.Helper()
	deadline := time.Now().Add(time.Minute)
	for {
		p.mu.Lock()
		resets := p.resets
		p.mu.Unlock()
		if resets == 0 {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("%d instances are still being put back", resets)
		}
		time.Sleep(10 * time.Microsecond)
	}
}

// idleMemories returns copies of the memories of all instances that wait for a call and were put back.
func idleMemories(t testing.TB, p *Plugin) [][]byte {
	t.Helper()
	settle(t, p.runtime.pool)
	p.runtime.pool.mu.Lock()
	defer p.runtime.pool.mu.Unlock()
	var all [][]byte
	for _, i := range p.instances.idle {
		if !i.dirty {
			all = append(all, bytes.Clone(i.memory.buffer))
		}
	}
	return all
}

// searchFor calls the plugin with a canary in the request and fails when an instance that waits for its next call holds
// it.
func searchFor(t *testing.T, p *Plugin, canary, request string) (kept bool) {
	t.Helper()
	_, _ = p.Call(t.Context(), "main", abi.OpDerive, []byte(request))
	memories := idleMemories(t, p)
	for _, memory := range memories {
		if bytes.Contains(memory, []byte(canary)) {
			t.Fatalf("an idle instance holds %s", canary)
		}
	}
	return len(memories) > 0
}

func TestNoCallSeesAnother(t *testing.T) {
	t.Parallel()
	t.Run("10,000 calls of a small module", func(t *testing.T) {
		t.Parallel()
		// It answers with what it was asked, copied to another place.
		echo := guestModule{call: wasmbuild.Body(
			wasmbuild.Int32(answerAt), wasmbuild.LocalGet, 1, wasmbuild.LocalGet, 2, []byte{0xfc, 0x0a, 0, 0},
			packed(answerAt, 8),
		)}
		p := load(t, newRuntime(t, Config{}), jsonManifest(), echo.build())
		for n := range 10_000 {
			canary := fmt.Sprintf("canary-%08d", n)
			if !searchFor(t, p, canary, canary) {
				t.Fatal("no instance was kept, so that nothing was searched")
			}
		}
	})
	t.Run("traps and growth between calls of a Go plugin", func(t *testing.T) {
		t.Parallel()
		p := loadGoGuest(t, nil, func(m *abi.Manifest) { m.Limits.MemoryBytes = 8 << 20 })
		want := ""
		for n := range 40 {
			canary := fmt.Sprintf("canary-%08d", n)
			for _, does := range []string{"nothing", "do-panic", "do-exit", "do-hoard"} {
				searchFor(t, p, canary, `"`+does+canary+`"`)
			}
			answer, err := p.Call(t.Context(), "main", abi.OpDerive, []byte(`{"abi":1}`))
			if err != nil {
				t.Fatal(err)
			}
			if want == "" {
				want = string(answer)
			}
			if diff := cmp.Diff(want, string(answer)); diff != "" {
				t.Fatalf("after %d rounds (-want +got):\n%s", n, diff)
			}
		}
	})
}

func TestInstancesAreKept(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		reason string
		guest  guestModule
		kept   int
	}{
		{"one that came to no harm is used again", guestModule{answer: "{}"}, 1},
		{"one that trapped is not", guestModule{call: []byte{wasmbuild.Unreachable}}, 0},
		{"one that grew is not", guestModule{
			answer: "{}", call: wasmbuild.Body(wasmbuild.Int32(1), []byte{0x40, 0, 0x1a}, packed(answerAt, 2)),
		}, 0},
		{"one without a good answer is not", guestModule{call: packed(answerAt, 0)}, 0},
	} {
		p := load(t, newRuntime(t, Config{}), jsonManifest(), c.guest.build())
		for range 3 {
			_, _ = p.Call(t.Context(), "main", abi.OpDerive, []byte("{}"))
		}
		if got := len(idleMemories(t, p)); got != c.kept {
			t.Errorf("%s: %d instances are idle, want %d", c.reason, got, c.kept)
		}
	}
}

func TestFuel(t *testing.T) {
	t.Parallel()
	r := newRuntime(t, Config{})
	endless := guestModule{call: forever()}
	manifest := jsonManifest()
	manifest.Limits.Fuel = 3_000_000
	p := load(t, r, manifest, endless.build())
	for range 2 {
		_, err := p.Call(t.Context(), "main", abi.OpDerive, []byte("{}"))
		if !errors.Is(err, ErrFuel) || !errors.Is(err, ErrPlugin) || errors.Is(err, ErrTrap) {
			t.Errorf("got %v", err)
		}
		const want = "out of fuel: it spent its 3000000 units of fuel (limits.fuel of the manifest)"
		if err == nil || !bytes.HasSuffix([]byte(err.Error()), []byte(want)) {
			t.Errorf("got %v, want %s", err, want)
		}
	}
}

// The least fuel that is enough for a call must be so in a new instance and in one that was kept, whatever ran before.
func TestFuelIsSpentAlike(t *testing.T) {
	t.Parallel()
	enough := func(fuel int64, calls int) bool {
		good := guestModule{answer: "{}", call: wasmbuild.Body(
			wasmbuild.Int32(10_000), wasmbuild.LocalSet, 0,
			wasmbuild.Loop, wasmbuild.NoResult,
			wasmbuild.LocalGet, 0, wasmbuild.Int32(1), []byte{0x6b}, []byte{0x22, 0}, []byte{0x0d, 0},
			wasmbuild.End, packed(answerAt, 2),
		)}
		manifest := jsonManifest()
		manifest.Limits.Fuel = fuel
		p := load(t, newRuntime(t, Config{}), manifest, good.build())
		var err error
		for range calls {
			_, err = p.Call(t.Context(), "main", abi.OpDerive, []byte("{}"))
		}
		if err != nil && !errors.Is(err, ErrFuel) {
			t.Fatal(err)
		}
		return err == nil
	}
	low, high := int64(1), int64(1_000_000)
	for low < high {
		if middle := (low + high) / 2; enough(middle, 1) {
			high = middle
		} else {
			low = middle + 1
		}
	}
	if low < 10_000 || low > 200_000 {
		t.Errorf("10,000 rounds of a loop cost %d", low)
	}
	if !enough(low, 3) {
		t.Error("what is enough for a new instance is too little for one that was kept")
	}
	if enough(low-1, 3) {
		t.Error("an instance that was kept needs less than a new one")
	}
}
