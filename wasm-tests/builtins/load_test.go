package builtins

import (
	"testing"

	"github.com/latticenet/lattice-host/host/sandbox"
	"github.com/latticenet/lattice-host/registry/release"
)

// BenchmarkLoad measures what a process pays for a plugin until it can be called: the largest one,
// which no process has compiled, and which one has.
func BenchmarkLoad(b *testing.B) {
	module := largest(b)
	load := func(b *testing.B, dir string) {
		b.Helper()
		r, err := sandbox.New(b.Context(), sandbox.Config{CacheDir: dir})
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
	b.Run("cold", func(b *testing.B) {
		for b.Loop() {
			load(b, b.TempDir())
		}
	})
	b.Run("warm", func(b *testing.B) {
		dir := b.TempDir()
		load(b, dir)
		for b.Loop() {
			load(b, dir)
		}
	})
}

// largest returns the largest of the built-in modules.
func largest(b *testing.B) *release.Module {
	b.Helper()
	all, err := Modules()
	if err != nil {
		b.Fatal(err)
	}
	var found *release.Module
	for _, name := range Names() {
		if found == nil || len(all[name].Wasm()) > len(found.Wasm()) {
			found = all[name]
		}
	}
	return found
}
