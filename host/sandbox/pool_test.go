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

// idleMemories returns copies of the memories of all instances that wait for a call and were put
// back.
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

// searchFor calls the plugin with a canary in the request and fails when an instance that waits for
// its next call holds it.
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

// spreader answers with its request, after copying it to several places of its memory. Then it does
// what the first byte of the request says: t traps, g grows the memory by a page.
func spreader() *guestModule {
	copyTo := func(place int32) []byte {
		return wasmbuild.Body(wasmbuild.Int32(place), wasmbuild.LocalGet, 1, wasmbuild.LocalGet, 2, wasmbuild.Bulk, 0x0a, 0, 0)
	}
	const pages = 3
	when := func(letter byte, code ...any) []byte {
		return wasmbuild.Body(
			// i32.load8_u
			wasmbuild.LocalGet, 1, 0x2d, 0, 0, wasmbuild.Int32(int32(letter)), wasmbuild.I32Eq,
			wasmbuild.If, wasmbuild.NoResult, wasmbuild.Body(code...), wasmbuild.End,
		)
	}
	return &guestModule{pages: pages, call: wasmbuild.Body(
		// The first and the last bytes, and one that lies on two pages of any kernel.
		copyTo(0), copyTo(answerAt), copyTo(pageSize-7), copyTo(pages*pageSize-canarySize),
		when('t', wasmbuild.Unreachable),
		when('g', wasmbuild.Int32(1), wasmbuild.MemoryGrow, 0, wasmbuild.Drop),
		packed(answerAt, canarySize),
	)}
}

// canarySize is the length of canaryFor.
const canarySize = 16

func canaryFor(letter byte, n int) string { return fmt.Sprintf("%c-canary%08d", letter, n) }

func TestNoCallSeesAnother(t *testing.T) {
	t.Parallel()
	for name, m := range everyMemories(t) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			t.Run("10,000 calls with traps and growth", func(t *testing.T) {
				t.Parallel()
				p := loadWith(t, Config{}, m, jsonManifest(), spreader().build())
				searched := 0
				for n := range 10_000 {
					letter := "............tg"[n%14]
					canary := canaryFor(letter, n)
					if searchFor(t, p, canary[2:], canary) {
						searched++
					}
				}
				if want := 10_000 * 13 / 14 * 9 / 10; searched < want {
					t.Errorf("%d instances were kept and searched, want at least %d", searched, want)
				}
			})
			t.Run("traps and growth between calls of a Go plugin", func(t *testing.T) {
				t.Parallel()
				manifest := jsonManifest()
				manifest.Limits.MemoryBytes = 8 << 20
				manifest.Limits.TimeoutMillis = abi.MaxTimeoutMillis
				s := buildGoGuest(t)
				p := loadWith(t, Config{CacheDir: s.cacheDir()}, m, manifest, s.wasm)
				want := ""
				for n := range 40 {
					canary := canaryFor('c', n)
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
		})
	}
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
		{"one that grew is, too", guestModule{
			answer: "{}", call: wasmbuild.Body(wasmbuild.Int32(1), []byte{0x40, 0, 0x1a}, packed(answerAt, 2)),
		}, 1},
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

// The least fuel that is enough for a call must be so in a new instance and in one that was kept,
// whatever ran before.
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
