package sandbox

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/latticenet/lattice-host/abi"
	"github.com/latticenet/lattice-host/wasm-tests/wasmbuild"
)

// BenchmarkCall measures one call, instance included.
func BenchmarkCall(b *testing.B) {
	for _, c := range []struct {
		name string
		wasm []byte
	}{
		{"assembled", (&guestModule{answer: "{}"}).build()},
		{"go", buildGoGuest(b).wasm},
	} {
		b.Run(c.name, func(b *testing.B) {
			p := load(b, newRuntime(b, Config{}), jsonManifest(), c.wasm)
			b.ReportAllocs()
			for b.Loop() {
				if _, err := p.Call(b.Context(), "main", abi.OpDerive, []byte("{}")); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// BenchmarkGrowingCall measures calls of a guest that grows its memory by so many pages and writes
// to all of them.
func BenchmarkGrowingCall(b *testing.B) {
	for _, pages := range []int32{0, 1, 4, 16, 64, 256} {
		b.Run(fmt.Sprintf("%d pages", pages), func(b *testing.B) {
			p := load(b, newRuntime(b, Config{}), jsonManifest(), grower(pages, -1).build())
			for b.Loop() {
				if _, err := p.Call(b.Context(), "main", abi.OpDerive, []byte("{}")); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// BenchmarkReset measures calls of a Go plugin, and in reset-ns/op what putting back the instance
// takes of each.
func BenchmarkReset(b *testing.B) {
	guest := buildGoGuest(b)
	for name, m := range everyMemories(b) {
		b.Run(name, func(b *testing.B) {
			p := loadWith(b, Config{CacheDir: guest.cacheDir()}, m, jsonManifest(), guest.wasm)
			_, i := borrow(b, p)
			defer p.instances.pool.drop(i)
			var resets time.Duration
			for b.Loop() {
				// Each call has a full tank.
				ctx, _ := p.withGuest(b.Context(), "main")
				if _, err := i.exchange(ctx, abi.OpDerive, []byte(`{"abi":1}`)); err != nil {
					b.Fatal(err)
				}
				begin := time.Now()
				if err := i.reset(); err != nil {
					b.Fatal(err)
				}
				resets += time.Since(begin)
			}
			b.ReportMetric(float64(resets.Nanoseconds())/float64(b.N), "reset-ns/op")
		})
	}
}

// BenchmarkMake measures making one more instance of a Go plugin, from the snapshot and without
// one.
func BenchmarkMake(b *testing.B) {
	guest := buildGoGuest(b)
	for name, m := range everyMemories(b) {
		p := loadWith(b, Config{CacheDir: guest.cacheDir()}, m, jsonManifest(), guest.wasm)
		if _, err := p.Call(b.Context(), "main", abi.OpDerive, []byte(`{"abi":1}`)); err != nil {
			b.Fatal(err)
		}
		settle(b, p.runtime.pool)
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				i := &instance{plugin: p.instances}
				if _, err := p.make(b.Context(), i, ""); err != nil {
					b.Fatal(err)
				}
				i.close()
			}
		})
		b.Run(name+", initialised", func(b *testing.B) {
			for b.Loop() {
				i := &instance{plugin: p.instances}
				ctx, _ := p.withGuest(b.Context(), "")
				if err := p.instances.instantiate(ctx, i); err != nil {
					b.Fatal(err)
				}
				if err := i.initialize(ctx); err != nil {
					b.Fatal(err)
				}
				i.close()
			}
		})
	}
}

// BenchmarkLoadCached measures loading a module that another process has compiled.
func BenchmarkLoadCached(b *testing.B) {
	guest := buildGoGuest(b)
	module := sign(b, jsonManifest(), guest.wasm)
	loadOnce := func() {
		r, err := New(b.Context(), Config{CacheDir: guest.cacheDir()})
		if err != nil {
			b.Fatal(err)
		}
		if _, err := r.Load(b.Context(), module); err != nil {
			b.Fatal(err)
		}
		if err := r.Close(b.Context()); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportAllocs()
	for b.Loop() {
		loadOnce()
	}
}

// BenchmarkCancel measures how long a guest runs on after its caller gave up: cancel-ns on average,
// worst-ns at most.
func BenchmarkCancel(b *testing.B) {
	var logging, filling guestModule
	log := logging.ImportFunction(abi.ImportModule, abi.ImportLog, i32x3, noTypes)
	logging.call = wasmbuild.Body(wasmbuild.Loop, wasmbuild.NoResult, wasmbuild.Int32(0), wasmbuild.Int32(0), wasmbuild.Int32(8),
		wasmbuild.Call, wasmbuild.Unsigned(log), wasmbuild.Br, 0, wasmbuild.End, wasmbuild.Unreachable)
	filling.pages = abi.MaxMemoryBytes / pageSize
	filling.call = wasmbuild.Body(wasmbuild.Loop, wasmbuild.NoResult, wasmbuild.Int32(0), wasmbuild.Int32(0), wasmbuild.Int32(abi.MaxMemoryBytes),
		[]byte{0xfc, 0x0b, 0}, wasmbuild.Br, 0, wasmbuild.End, wasmbuild.Unreachable)
	for _, c := range []struct {
		name, request string
		wasm          []byte
	}{
		{"loop", "{}", (&guestModule{call: forever()}).build()},
		{"log", "{}", logging.build()},
		{"fill-64MiB", "{}", filling.build()},
		{"go", `"do-spin"`, buildGoGuest(b).wasm},
	} {
		b.Run(c.name, func(b *testing.B) {
			started := make(chan struct{}, 1)
			manifest := jsonManifest()
			manifest.Limits = abi.Limits{Fuel: abi.MaxFuel, TimeoutMillis: abi.MaxTimeoutMillis}
			p := load(b, newRuntime(b, Config{CacheDir: buildGoGuest(b).cacheDir(), Refilled: func(_ context.Context, spent int64) {
				if spent > DefaultFuelSlice {
					select {
					case started <- struct{}{}:
					default:
					}
				}
			}}), manifest, c.wasm)
			var total, worst time.Duration
			for b.Loop() {
				took := cancelLatency(b, p, c.request, started)
				total += took
				worst = max(worst, took)
			}
			b.ReportMetric(float64(total.Nanoseconds())/float64(b.N), "cancel-ns")
			b.ReportMetric(float64(worst.Nanoseconds()), "worst-ns")
		})
	}
}

// cancelLatency cancels one call that would not end, a moment after it started.
func cancelLatency(b *testing.B, p *Plugin, request string, started chan struct{}) time.Duration {
	b.Helper()
	ctx, cancel := context.WithCancel(b.Context())
	defer cancel()
	var gaveUp time.Time
	go func() {
		<-started
		time.Sleep(2 * time.Millisecond)
		gaveUp = time.Now()
		cancel()
	}()
	_, err := p.Call(ctx, "main", abi.OpDerive, []byte(request))
	ended := time.Now()
	if !errors.Is(err, context.Canceled) {
		b.Fatal(err)
	}
	select {
	case <-started:
	default:
	}
	return ended.Sub(gaveUp)
}
