package lattice_test

import (
	"testing"

	"github.com/latticenet/lattice-host/abi/cbor"
	"github.com/latticenet/lattice-host/abi/lattice"
)

func TestHasLabel(t *testing.T) {
	document, err := cbor.FromJSON(nil, []byte(`{"metadata":{"labels":{"a":"b"}},"spec":{"workload":{"resources":{
		"used":{"type":"volume","id":"used"},"owned":{"type":"volume","id":"owned","params":{"size":"1Gi"}},
		"other":{"type":"secret","id":"other","params":{"size":"1Gi"}}}}}}`), 32)
	if err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		key, value string
		want       bool
	}{
		{"a", "b", true}, {"a", "c", false}, {"b", "b", false},
		{"lattice.io/vol-owned", "true", true}, {"lattice.io/vol-owned", "false", false},
		{"lattice.io/vol-used", "true", false}, {"lattice.io/vol-other", "true", false}, {"lattice.io/vol-", "true", false},
	} {
		if got := lattice.HasLabel(document, tt.key, tt.value); got != tt.want {
			t.Errorf("%s=%s: %v", tt.key, tt.value, got)
		}
	}
	if lattice.HasLabel(cbor.Raw{0xf6}, "lattice.io/vol-owned", "true") {
		t.Error("null has a label")
	}
}
