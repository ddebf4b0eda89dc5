package meter

import (
	"time"

	"github.com/latticenet/lattice-host/host/sandbox/internal/wasmbin"
)

// RewriteUnmerged charges every segment where it begins, which is plainly right and slower.
func RewriteUnmerged(wasm []byte) (*Module, error) { return rewrite(wasm, Options{}, false) }

// MaxUnpaid is [maxUnpaid].
const MaxUnpaid = maxUnpaid

// CompilesWithin reports whether compiling a module takes at most a share of what is allowed: a
// third when share is 3.
func CompilesWithin(wasm []byte, share int64) (Compile, error) {
	m, err := wasmbin.Parse(wasm)
	if err != nil {
		return Compile{}, err
	}
	w := newRewriter(wasm, m, Options{}.withDefaults())
	c := &w.code.compilation
	c.limit.Time, c.limit.Memory, c.slowest = c.limit.Time/time.Duration(share), c.limit.Memory/share, c.slowest/time.Duration(share)
	_, err = w.module()
	return c.estimate(), err
}
