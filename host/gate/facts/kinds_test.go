package facts

import (
	"maps"
	"slices"
	"testing"

	"github.com/latticenet/lattice-host/internal/outputkind"
)

// TestReadersHaveRows checks that every reader is that of a kind that the table of output kinds
// has: a reader under a wrong name would never run.
func TestReadersHaveRows(t *testing.T) {
	t.Parallel()
	left := maps.Clone(readers())
	for _, k := range outputkind.All() {
		delete(left, k.String())
	}
	if len(left) > 0 {
		t.Errorf("readers without a row: %v", slices.Sorted(maps.Keys(left)))
	}
}
