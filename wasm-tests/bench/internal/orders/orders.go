// Package orders is the orders example: its documents, and what its derivation asks of each plugin.
package orders

import (
	"context"
	"path/filepath"
	"sync"

	"github.com/latticenet/lattice-host/abi"
	"github.com/latticenet/lattice-host/host/pipeline"
	"github.com/latticenet/lattice-host/host/resource"
	"github.com/latticenet/lattice-host/wasm-tests/builtins"
)

// Example is the example as documents.
type Example struct {
	// Files are the document's file and that of the other sides of its agreements.
	File, PeersFile string
	// Service is the document, Peers are the other sides.
	Service *resource.Document
	Peers   []*resource.Document
}

// Read reads the example. Root is the top folder of the repository.
func Read(root string) (*Example, error) {
	e := &Example{
		File: filepath.Join(root, "examples", "orders.yaml"), PeersFile: filepath.Join(root, "examples", "orders-peers.yaml"),
	}
	docs, err := resource.Read([]string{e.File}, nil, resource.Options{})
	if err != nil {
		return nil, err
	}
	e.Service = docs[0]
	e.Peers, err = resource.Read([]string{e.PeersFile}, nil, resource.Options{})
	return e, err
}

// Engine returns an engine that knows the other sides.
func (e *Example) Engine(ctx context.Context, plugins pipeline.Plugins) (*pipeline.Engine, error) {
	return pipeline.New(ctx, pipeline.Config{Plugins: plugins, Peers: e.Peers})
}

// Request is one call of a plugin in a derivation.
type Request struct {
	// Message is the request, CBOR is as the guest gets it.
	Message *abi.Request
	CBOR    []byte
}

// Requests derives the example and returns what each plugin that it calls is asked, by its name.
func (e *Example) Requests(ctx context.Context, plugins builtins.Set) (map[string][]Request, error) {
	requests := map[string][]Request{}
	recording, mu := builtins.Set{}, new(sync.Mutex)
	for name, p := range plugins {
		recording[name] = recorder{p, mu, requests}
	}
	engine, err := e.Engine(ctx, recording)
	if err != nil {
		return nil, err
	}
	if _, err := engine.Derive(ctx, e.Service); err != nil {
		return nil, err
	}
	return requests, nil
}

// recorder passes requests on to a plugin and keeps them.
type recorder struct {
	pipeline.Plugin
	mu   *sync.Mutex
	into map[string][]Request
}

// Derive implements pipeline.Plugin.
func (r recorder) Derive(ctx context.Context, req *abi.Request) (*abi.Response, []string, error) {
	kept := *req
	r.mu.Lock()
	name := r.Manifest().Name
	r.into[name] = append(r.into[name], Request{&kept, req.AppendCBOR(nil)})
	r.mu.Unlock()
	return r.Plugin.Derive(ctx, req)
}
