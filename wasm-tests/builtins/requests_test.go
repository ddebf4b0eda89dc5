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
	"github.com/latticenet/lattice-host/host/resource"
)

// requestsDir names a folder that gets the requests of the orders example, to look at or to profile plugins with.
const requestsDir = "LATTICE_REQUESTS"

// writeRequests writes each request of a derivation to a file of its own, named by its order and plugin.
func writeRequests(b *testing.B, root string, plugins Set, e example, doc *resource.Document) {
	b.Helper()
	dir := os.Getenv(requestsDir)
	if dir == "" {
		return
	}
	var calls atomic.Int64
	recorders := Set{}
	for name, p := range plugins {
		recorders[name] = &recorder{p, dir, &calls}
	}
	if _, err := e.engine(b, root, recorders).Derive(b.Context(), doc); err != nil {
		b.Fatal(err)
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
