package builtins_test

import (
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/latticenet/lattice-host/wasm-tests/builtins"
)

// TestNames checks that no built-in plugin is left out of the tests and benchmarks that run all of
// them.
func TestNames(t *testing.T) {
	t.Parallel()
	root, err := builtins.Root()
	if err != nil {
		t.Fatal(err)
	}
	manifests, err := filepath.Glob(builtins.Folder(root, "*") + "/plugin.yaml")
	if err != nil {
		t.Fatal(err)
	}
	var folders []string
	for _, m := range manifests {
		folders = append(folders, filepath.Base(filepath.Dir(m)))
	}
	if diff := cmp.Diff(folders, builtins.Names()); diff != "" {
		t.Errorf("built-in plugins (-folders +code):\n%s", diff)
	}
}
