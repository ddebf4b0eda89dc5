package builtins

import (
	"context"
	"path/filepath"
	"slices"
	"sync"

	"github.com/latticenet/lattice-host/abi"
	"github.com/latticenet/lattice-host/host/pipeline"
	"github.com/latticenet/lattice-host/host/resource"
)

// Recorder keeps the requests that a set of plugins gets.
type Recorder struct {
	mu       sync.Mutex
	requests map[string][][]byte
}

// Record returns the set, whose plugins now tell the recorder.
func (r *Recorder) Record(set Set) Set {
	recorded := Set{}
	for name, plugin := range set {
		recorded[name] = &recording{plugin, name, r}
	}
	return recorded
}

// Requests returns what a plugin was asked to derive from, in CBOR and sorted, so that the order of
// steps does not show.
func (r *Recorder) Requests(plugin string) [][]byte {
	r.mu.Lock()
	defer r.mu.Unlock()
	requests := slices.Clone(r.requests[plugin])
	slices.SortFunc(requests, slices.Compare)
	return slices.CompactFunc(requests, slices.Equal)
}

func (r *Recorder) add(plugin string, request []byte) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.requests == nil {
		r.requests = map[string][][]byte{}
	}
	r.requests[plugin] = append(r.requests[plugin], request)
}

type recording struct {
	pipeline.Plugin
	name string
	to   *Recorder
}

func (r *recording) Derive(ctx context.Context, req *abi.Request) (*abi.Response, []string, error) {
	r.to.add(r.name, req.AppendCBOR(nil))
	return r.Plugin.Derive(ctx, req)
}

// OrdersRequests returns the requests that every built-in plugin gets when examples/orders.yaml is
// derived, by its name.
func OrdersRequests(ctx context.Context, root string) (map[string][][]byte, error) {
	native, err := NewNative(root)
	if err != nil {
		return nil, err
	}
	recorder := new(Recorder)
	config := pipeline.Config{Plugins: recorder.Record(native)}
	examples := filepath.Join(root, "examples")
	if config.Peers, err = resource.Read([]string{filepath.Join(examples, "orders-peers.yaml")}, nil, resource.Options{}); err != nil {
		return nil, err
	}
	docs, err := resource.Read([]string{filepath.Join(examples, "orders.yaml")}, nil, resource.Options{})
	if err != nil {
		return nil, err
	}
	engine, err := pipeline.New(ctx, config)
	if err != nil {
		return nil, err
	}
	if _, err := engine.DeriveAll(ctx, docs); err != nil {
		return nil, err
	}
	requests := map[string][][]byte{}
	for _, name := range Names() {
		requests[name] = recorder.Requests(name)
	}
	return requests, nil
}
