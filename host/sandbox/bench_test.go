package sandbox

import (
	"testing"

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
