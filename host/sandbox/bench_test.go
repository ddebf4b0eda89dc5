package sandbox

import (
	"testing"
	"time"

	"github.com/latticenet/lattice-host/abi"
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

// BenchmarkReset measures calls of a Go plugin, and in reset-ns/op what putting back the instance takes of each.
func BenchmarkReset(b *testing.B) {
	guest := buildGoGuest(b)
	for name, m := range everyMemories(b) {
		b.Run(name, func(b *testing.B) {
			p := loadWith(b, Config{CacheDir: guest.cacheDir()}, m, jsonManifest(), guest.wasm)
			ctx, i := borrow(b, p)
			defer p.instances.pool.drop(i)
			var resets time.Duration
			for b.Loop() {
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

// BenchmarkMake measures making one more instance of a Go plugin, from the snapshot and without one.
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
				if err := p.make(b.Context(), i, ""); err != nil {
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
