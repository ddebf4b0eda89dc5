package builtins

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"sync/atomic"
	"testing"

	"github.com/latticenet/lattice-host/abi"
	"github.com/latticenet/lattice-host/host/pipeline"
)

// requestsDir names a folder that gets the requests of the orders example, to look at or to profile
// plugins with.
const requestsDir = "LATTICE_REQUESTS"

// TestRequests writes each request of a derivation to a file of its own, named by its order and
// plugin: those of a run without the variable are looked at here and forgotten.
func TestRequests(t *testing.T) {
	t.Parallel()
	root, err := Root()
	if err != nil {
		t.Fatal(err)
	}
	plugins, err := NewNative(root)
	if err != nil {
		t.Fatal(err)
	}
	dir := os.Getenv(requestsDir)
	if dir == "" {
		dir = t.TempDir()
	}
	var calls atomic.Int64
	recorders := Set{}
	for name, p := range plugins {
		recorders[name] = &recorder{p, dir, &calls}
	}
	orders := examples()[1]
	if _, err := orders.engine(t, root, recorders).Derive(t.Context(), read(t, root, orders.files)[0]); err != nil {
		t.Fatal(err)
	}
	files, err := filepath.Glob(filepath.Join(dir, "*.cbor"))
	if err != nil || int64(len(files)) < calls.Load() || calls.Load() == 0 {
		t.Errorf("%d calls left %d files, %v", calls.Load(), len(files), err)
	}
}

// recorder keeps the requests that a plugin gets.
type recorder struct {
	pipeline.Plugin
	dir   string
	calls *atomic.Int64
}

func (r *recorder) Derive(ctx context.Context, req *abi.Request) (*abi.Response, []string, error) {
	file := fmt.Sprintf("%02d-%s.cbor", r.calls.Add(1), r.Manifest().Name)
	if err := os.WriteFile(filepath.Join(r.dir, file), req.AppendCBOR(nil), 0o600); err != nil {
		return nil, nil, err
	}
	return r.Plugin.Derive(ctx, req)
}
