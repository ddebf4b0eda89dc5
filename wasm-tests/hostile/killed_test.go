package hostile

import (
	"bytes"
	"context"
	"errors"
	"path/filepath"
	"runtime"
	"testing"
	"time"

	"github.com/latticenet/lattice-host/abi"
	"github.com/latticenet/lattice-host/host/sandbox"
	"github.com/latticenet/lattice-host/registry/release"
	b "github.com/latticenet/lattice-host/wasm-tests/wasmbuild"

	"github.com/latticenet/lattice-host/wasm-tests/builtins"
)

// victim is a healthy plugin that gets killed, and what it is asked.
type victim struct {
	name    string
	module  func(t *testing.T) *release.Module
	request func(t *testing.T) []byte
}

// killParts is how many times a call is killed: at every percent of it. A slice is a part of that.
const (
	killParts     = 100
	slicesPerPart = 10
)

// Bounds on what killing a plugin some two hundred times may leave over.
const (
	maxKilledHeap       = 48 << 20
	maxKilledGoroutines = 8
)

func victims() []victim {
	return []victim{
		{"go", goModule("deployment"), ordersRequest("deployment")},
		{"go-rounds", goModule("network-policy"), ordersRequest("network-policy")},
		{"assembled", assembled(busy()), plainRequest},
		{"bulk-memory", assembled(bulky()), plainRequest},
	}
}

func plainRequest(*testing.T) []byte { return []byte("{}") }

func goModule(name string) func(t *testing.T) *release.Module {
	return func(t *testing.T) *release.Module {
		t.Helper()
		modules, err := builtins.Modules()
		if err != nil {
			t.Fatal(err)
		}
		return modules[name]
	}
}

// ordersRequest returns the largest request that a built-in plugin gets for the orders example.
func ordersRequest(name string) func(t *testing.T) []byte {
	return func(t *testing.T) []byte {
		t.Helper()
		all, err := builtins.OrdersRequests(t.Context(), repository(t))
		if err != nil {
			t.Fatal(err)
		}
		var largest []byte
		for _, request := range all[name] {
			if len(request) > len(largest) {
				largest = request
			}
		}
		return largest
	}
}

func repository(t *testing.T) string {
	t.Helper()
	root, err := builtins.Root()
	if err != nil {
		t.Fatal(err)
	}
	return root
}

func assembled(shape func(*guest)) func(t *testing.T) *release.Module {
	return func(t *testing.T) *release.Module {
		t.Helper()
		var g guest
		shape(&g)
		m, err := newPublisher(t).release(healthyManifest(), g.bytes())
		if err != nil {
			t.Fatal(err)
		}
		return m
	}
}

// busy counts in memory and in a variable, and says so now and then: all that a call can leave
// over.
func busy() func(*guest) {
	return func(g *guest) {
		log := g.log()
		g.GlobalInt32(0)
		g.callLocals = 2
		count := b.Body(b.Int32(scratchAt), b.Int32(scratchAt), b.I32Load, 2, 0, b.Int32(1), b.I32Add, b.I32Store, 2, 0,
			b.GlobalGet, 0, b.Int32(1), b.I32Add, b.GlobalSet, 0)
		g.call = b.Body(
			times(50, 3, b.Int32(0), b.LocalSet, 4, times(2_000, 4, count), invoke(log, 0, scratchAt, 4)),
			// The count is the second half of the answer, so that a trace of an earlier call would
			// show.
			b.Int32(scratchAt+4), b.GlobalGet, 0, b.I32Store, 2, 0, packed(scratchAt, 8),
		)
	}
}

// bulky moves memory around, grows it, and answers with what came of it.
func bulky() func(*guest) {
	return func(g *guest) {
		g.pages = 4
		g.callLocals = 1
		g.call = b.Body(
			times(200, 3,
				b.Int32(2*pageSize), b.LocalGet, 3, b.Int32(pageSize), b.Bulk, memoryFill, 0,
				bulk(pageSize, 2*pageSize, pageSize, memoryCopy, 0, 0)),
			grow(1), b.Drop, packed(pageSize, 1000),
		)
	}
}

// killing is a victim in a host of its own, which can be interrupted at every slice of fuel.
type killing struct {
	runtime *sandbox.Runtime
	plugin  *sandbox.Plugin
	request []byte
	// answer and usage are those of a call that no one kills.
	answer []byte
	usage  sandbox.Usage
}

// killKey marks the context of the call that gets killed.
type killKey struct{}

// killAt ends a call when it has spent so much fuel.
type killAt struct {
	fuel int64
	kill context.CancelFunc
}

func refilled(ctx context.Context, spent int64) {
	if k, ok := ctx.Value(killKey{}).(*killAt); ok && spent >= k.fuel {
		k.kill()
	}
}

func newKilling(t *testing.T, v *victim, slice int64) *killing {
	t.Helper()
	r, err := sandbox.New(t.Context(), sandbox.Config{
		CacheDir: filepath.Join(repository(t), "build", "cache", "test"), FuelSlice: slice, Refilled: refilled,
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := r.Close(context.Background()); err != nil {
			t.Error(err)
		}
	})
	k := &killing{runtime: r, request: v.request(t)}
	if k.plugin, err = r.Load(t.Context(), v.module(t)); err != nil {
		t.Fatal(err)
	}
	if k.answer, k.usage, err = k.call(t.Context(), k.plugin); err != nil {
		t.Fatal(err)
	}
	return k
}

func (k *killing) call(ctx context.Context, p *sandbox.Plugin) ([]byte, sandbox.Usage, error) {
	ctx, cancel := context.WithTimeout(ctx, safetyNet)
	defer cancel()
	return p.Measure(ctx, "main", abi.OpDerive, k.request)
}

// healthy calls the plugin as if nothing had happened: in the instance that is made in place of the
// one that was killed, and once more in that.
func (k *killing) healthy(t *testing.T, percent int) {
	t.Helper()
	for range 2 {
		answer, usage, err := k.call(t.Context(), k.plugin)
		if err != nil || usage != k.usage || !bytes.Equal(answer, k.answer) {
			t.Errorf("after a call that was killed at %d %%, the next one differs: %+v, was %+v; error %v", percent, usage, k.usage, err)
		}
	}
}

// TestKilledAtEveryPercent kills calls at every percent of their fuel, once because the fuel is
// gone and once because the caller gives up; with -short, at every tenth. Each time the same plugin
// answers the next call as ever.
func TestKilledAtEveryPercent(t *testing.T) {
	stride := 1
	if testing.Short() {
		stride = 10
	}
	for _, v := range victims() {
		t.Run(v.name, func(t *testing.T) {
			whole := newKilling(t, &v, 0)
			sliced := newKilling(t, &v, whole.usage.Fuel/killParts/slicesPerPart)
			if sliced.usage != whole.usage || !bytes.Equal(sliced.answer, whole.answer) {
				t.Fatalf("in slices, a call takes %+v and not %+v, or answers something else", sliced.usage, whole.usage)
			}
			heapBefore, goroutinesBefore := living()
			for percent := 1; percent < killParts; percent += stride {
				starve(t, whole, percent)
				whole.healthy(t, percent)
				interrupt(t, sliced, percent)
				sliced.healthy(t, percent)
			}
			heapAfter, goroutinesAfter := living()
			t.Logf("a whole call takes %d units of fuel and %d KiB; the heap grew by %d KiB", whole.usage.Fuel,
				whole.usage.MemoryBytes>>10, (int64(heapAfter)-int64(heapBefore))>>10)
			if heapAfter > heapBefore+maxKilledHeap {
				t.Errorf("the heap went from %d to %d bytes", heapBefore, heapAfter)
			}
			if goroutinesAfter > goroutinesBefore+maxKilledGoroutines {
				t.Errorf("goroutines went from %d to %d", goroutinesBefore, goroutinesAfter)
			}
		})
	}
}

// starve gives a call a part of the fuel that it takes.
func starve(t *testing.T, k *killing, percent int) {
	t.Helper()
	given := k.usage.Fuel * int64(percent) / killParts
	_, usage, err := k.call(t.Context(), k.plugin.WithFuel(given))
	if !errors.Is(err, sandbox.ErrFuel) || !errors.Is(err, sandbox.ErrPlugin) || usage.Fuel != given {
		t.Errorf("with %d %% of its fuel, which is %d, it took %d and ended with %v", percent, given, usage.Fuel, err)
	}
}

// interrupt cancels a call where it has spent a part of the fuel that it takes.
func interrupt(t *testing.T, k *killing, percent int) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	kill := &killAt{fuel: k.usage.Fuel * int64(percent) / killParts, kill: cancel}
	_, usage, err := k.call(context.WithValue(ctx, killKey{}, kill), k.plugin)
	if !errors.Is(err, context.Canceled) || errors.Is(err, sandbox.ErrPlugin) {
		t.Errorf("canceled at %d %%, it ended with %v", percent, err)
	}
	if usage.Fuel < kill.fuel || usage.Fuel > k.usage.Fuel {
		t.Errorf("canceled at %d %% of %d, it had spent %d", percent, k.usage.Fuel, usage.Fuel)
	}
}

// living returns the bytes on the heap and the goroutines once everything that was given up is
// gone.
func living() (heap uint64, goroutines int) {
	const settle = 10 * time.Millisecond
	goroutines = runtime.NumGoroutine()
	for range 10 {
		runtime.GC()
		time.Sleep(settle)
		goroutines = min(goroutines, runtime.NumGoroutine())
	}
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapAlloc, goroutines
}
