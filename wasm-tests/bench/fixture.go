package main

import (
	"context"
	"maps"
	"path/filepath"
	"slices"

	"github.com/latticenet/lattice-host/host/pipeline"
	"github.com/latticenet/lattice-host/host/sandbox"
	"github.com/latticenet/lattice-host/registry/release"
	"github.com/latticenet/lattice-host/wasm-tests/bench/internal/orders"
	"github.com/latticenet/lattice-host/wasm-tests/builtins"
)

// fixture is what the cases share: the orders example, the built-in plugins, and what the example
// asks of each plugin.
type fixture struct {
	effort effort
	root   string
	// modules, native and sandboxed are the built-in plugins by name.
	modules           map[string]*release.Module
	native, sandboxed builtins.Set
	runtime           *sandbox.Runtime
	orders            *orders.Example
	// requests are those of the orders example by plugin.
	requests map[string][]orders.Request
}

// called returns the names of the plugins that the orders example calls, sorted.
func (f *fixture) called() []string { return slices.Sorted(maps.Keys(f.requests)) }

func newFixture(ctx context.Context, e effort) (*fixture, error) {
	f := &fixture{effort: e}
	var err error
	if f.root, err = builtins.Root(); err != nil {
		return nil, err
	}
	if f.modules, err = builtins.Modules(); err != nil {
		return nil, err
	}
	if f.native, err = builtins.NewNative(f.root); err != nil {
		return nil, err
	}
	if f.orders, err = orders.Read(f.root); err != nil {
		return nil, err
	}
	if f.requests, err = f.orders.Requests(ctx, f.native); err != nil {
		return nil, err
	}
	f.sandboxed, f.runtime, err = builtins.NewSandboxed(ctx, f.root)
	return f, err
}

func (f *fixture) close() error { return f.runtime.Close(context.Background()) }

// build returns a path below the folder for what the repository builds.
func (f *fixture) build(path ...string) string {
	return filepath.Join(append([]string{f.root, "build"}, path...)...)
}

// derive returns what derives orders with these plugins.
func (f *fixture) derive(ctx context.Context, plugins pipeline.Plugins) (func() error, error) {
	engine, err := f.orders.Engine(ctx, plugins)
	if err != nil {
		return nil, err
	}
	return func() error {
		_, err := engine.Derive(ctx, f.orders.Service)
		return err
	}, nil
}

// plugin returns a built-in plugin in the sandbox.
func (f *fixture) plugin(name string) *sandbox.Plugin { return f.sandboxed[name].(*sandbox.Plugin) }
