package extism

import (
	"path/filepath"
	"testing"

	"github.com/latticenet/lattice-host/host/sandbox"
)

// BenchmarkDerive compares the same derivation through both transports, checks of the answer
// included.
func BenchmarkDerive(b *testing.B) {
	r, err := sandbox.New(b.Context(), sandbox.Config{})
	if err != nil {
		b.Fatal(err)
	}
	defer func() { _ = r.Close(b.Context()) }()
	dir := sources(b)
	for name, p := range map[string]*sandbox.Plugin{
		"assemblyscript": load(b, r, filepath.Join(dir, "example"), compile(b, dir, "example/plugin.ts")),
		"go":             load(b, r, "goplugin", ""),
	} {
		for _, golden := range []string{"plain", "many"} {
			b.Run(name+"/"+golden, func(b *testing.B) {
				request := request(b, filepath.Join("testdata", golden+".txtar"))
				for b.Loop() {
					if _, _, err := p.Derive(b.Context(), request); err != nil {
						b.Fatal(err)
					}
				}
			})
		}
	}
}
