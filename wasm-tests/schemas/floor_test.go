package schemas_test

import (
	"bytes"
	"testing"

	"github.com/latticenet/lattice-host/host/floor"
)

// TestFloor judges what a cluster needs once.
func TestFloor(t *testing.T) {
	documents := floor.Objects(nil)
	if n := judge(t, "floor", bytes.Join(raw(documents), []byte("\n---\n"))); n != len(documents) {
		t.Errorf("judged %d of %d objects", n, len(documents))
	}
}

func raw[T ~[]byte](list []T) [][]byte {
	texts := make([][]byte, len(list))
	for i, text := range list {
		texts[i] = text
	}
	return texts
}
