package main

import (
	"math"
	"runtime/debug"
	"testing"

	"github.com/latticenet/lattice-host/host/sandbox"
)

// The soft limit of the runtime is the host's to set, unless the operator did. It is not parallel:
// the limit is the process's.
func TestWatchMemory(t *testing.T) {
	before := debug.SetMemoryLimit(-1)
	defer debug.SetMemoryLimit(before)
	for _, c := range []struct {
		environment string
		want        int64
	}{
		{"", sandbox.SoftMemoryLimit(sandbox.MemoryLimit(), sandbox.DefaultMemoryBudget)},
		{"7GiB", math.MaxInt64},
	} {
		t.Setenv("GOMEMLIMIT", c.environment)
		debug.SetMemoryLimit(math.MaxInt64)
		r, err := sandbox.New(t.Context(), sandbox.Config{})
		if err != nil {
			t.Fatal(err)
		}
		watchMemory(r)
		if got := debug.SetMemoryLimit(-1); got != c.want || got <= 0 {
			t.Errorf("with GOMEMLIMIT %q the soft limit is %d, want %d", c.environment, got, c.want)
		}
		if err := r.Close(t.Context()); err != nil {
			t.Error(err)
		}
	}
}
