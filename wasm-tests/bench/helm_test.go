//go:build !lattice_nopeers

package main

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/latticenet/lattice-host/wasm-tests/builtins"
)

// Rendering is compared with deriving, so the chart must emit the same objects, all of them.
func TestChartRendersWhatTheHostDerives(t *testing.T) {
	root, err := builtins.Root()
	if err != nil {
		t.Fatal(err)
	}
	chart, err := loadChart(root)
	if err != nil {
		t.Fatal(err)
	}
	got, err := chart.objects()
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(derived(t), byRef(t, got)); diff != "" {
		t.Errorf("-host +chart\n%s", diff)
	}
}
