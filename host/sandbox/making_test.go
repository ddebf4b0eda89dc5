package sandbox

import (
	"context"
	"errors"
	"runtime"
	"strings"
	"testing"

	"github.com/latticenet/lattice-host/abi"
	"github.com/latticenet/lattice-host/host/sandbox/meter"
	"github.com/latticenet/lattice-host/wasm-tests/wasmbuild"
)

// repeated returns n times the same index.
func repeated(n int) []uint32 { return make([]uint32, n) }

// costly are guests whose instances take as much as may be of one thing.
func costly() map[string]*guestModule {
	guest := func(change func(*guestModule)) *guestModule {
		g := &guestModule{answer: "{}"}
		change(g)
		return g
	}
	return map[string]*guestModule{
		"plain": guest(func(*guestModule) {}),
		"active elements": guest(func(g *guestModule) {
			g.Table(1_000, -1)
			for range meter.MaxElements / 1_000 {
				g.Elements(0, repeated(1_000)...)
			}
		}),
		"passive elements": guest(func(g *guestModule) { g.PassiveElements(repeated(meter.MaxElements)...) }),
		"segments": guest(func(g *guestModule) {
			for range meter.MaxSegments - 1 {
				g.PassiveData(nil)
			}
		}),
		"globals": guest(func(g *guestModule) {
			for range meter.MaxGlobals {
				g.GlobalInt32(1)
			}
		}),
		"a table": guest(func(g *guestModule) { g.Table(maxTableElements, -1) }),
	}
}

// heapBytes returns how much of the heap is in use.
func heapBytes() uint64 {
	var m runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}

// What an instance is said to keep on the heap is what it keeps. It is not parallel: others would
// change the heap.
func TestInstancesKeepWhatIsCounted(t *testing.T) {
	for name, guest := range costly() {
		p := load(t, newRuntime(t, Config{}), jsonManifest(), guest.build())
		const instances = 4
		p.runtime.pool.cores = instances + 1
		ctx, first := borrow(t, p)
		_, _ = ctx, first
		before := heapBytes()
		var taken []*instance
		for range instances {
			_, i := borrow(t, p)
			taken = append(taken, i)
		}
		kept := (heapBytes() - before) / instances
		counted := p.instances.making.bytes()
		t.Logf("%s: an instance keeps %d KiB of the heap, %d KiB are counted", name, kept>>10, counted>>10)
		if kept > counted || counted > 3*kept+2*instanceBytes {
			t.Errorf("%s: an instance keeps %d bytes of the heap, %d are counted", name, kept, counted)
		}
		for _, i := range append(taken, first) {
			p.instances.pool.drop(i)
		}
	}
}

// BenchmarkMaking measures making instances that are as costly as may be, in ns-per-fuel.
func BenchmarkMaking(b *testing.B) {
	for name, guest := range costly() {
		b.Run(name, func(b *testing.B) {
			p := load(b, newRuntime(b, Config{}), jsonManifest(), guest.build())
			for b.Loop() {
				_, i := borrow(b, p)
				p.instances.pool.drop(i)
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(p.instances.making.fuel()), "ns-per-fuel")
		})
	}
}

// Making an instance is paid by the guest that starts in it.
func TestMakingIsPaid(t *testing.T) {
	t.Parallel()
	manifest := jsonManifest()
	manifest.Limits.Fuel = 1_000_000
	p := load(t, newRuntime(t, Config{}), manifest, costly()["passive elements"].build())
	_, usage, err := p.Measure(t.Context(), "", abi.OpDerive, []byte("{}"))
	const want = "at its start: out of fuel: making an instance takes 120036585 units of fuel, it may spend 1000000 (limits.fuel of the manifest)"
	if !errors.Is(err, ErrFuel) || !strings.HasSuffix(err.Error(), want) {
		t.Errorf("got %v, want %s", err, want)
	}
	if usage.Fuel != 1_000_000 {
		t.Errorf("the call that it ended took %d units of fuel", usage.Fuel)
	}
	if b := bookkeepingOf([]*Plugin{p}); b.Live[0] != 0 || b.Used != 0 {
		t.Errorf("all calls are over, and the pool counts %+v", b)
	}
}

// A call that was given up makes no instance.
func TestMakingIsInterrupted(t *testing.T) {
	t.Parallel()
	p := load(t, newRuntime(t, Config{}), jsonManifest(), (&guestModule{answer: "{}"}).build())
	i, err := p.instances.acquire(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := p.make(ctx, i, ""); !interrupted(err) || i.module != nil {
		t.Errorf("got %v and an instance: %t", err, i.module != nil)
	}
	p.instances.pool.drop(i)
}

// A guest that stops before it was called has spent what it spent.
func TestStartIsMeasured(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name string
		code []byte
		kind error
		fuel func(making int64) int64
	}{
		{"a loop", forever(), ErrFuel, func(int64) int64 { return 3_000_000 }},
		{"a trap", wasmbuild.Body(
			wasmbuild.Int32(1_000), wasmbuild.LocalSet, 0,
			wasmbuild.Loop, wasmbuild.NoResult,
			wasmbuild.LocalGet, 0, wasmbuild.Int32(1), []byte{0x6b}, wasmbuild.LocalTee, 0, wasmbuild.BrIf, 0,
			wasmbuild.End, wasmbuild.Unreachable,
		), ErrTrap, func(making int64) int64 { return making + 2 + 5*1_000 + 1 }},
	} {
		guest := &guestModule{answer: "{}"}
		guest.Start(guest.Function(nil, nil, 1, c.code))
		manifest := jsonManifest()
		manifest.Limits.Fuel = 3_000_000
		p := load(t, newRuntime(t, Config{}), manifest, guest.build())
		for range 2 {
			_, usage, err := p.Measure(t.Context(), "", abi.OpDerive, []byte("{}"))
			if !errors.Is(err, c.kind) {
				t.Errorf("%s: got %v", c.name, err)
			}
			want := Usage{Fuel: c.fuel(p.instances.making.fuel()), MemoryBytes: 2 * pageSize}
			if usage != want {
				t.Errorf("%s: took %+v, want %+v", c.name, usage, want)
			}
		}
	}
}
