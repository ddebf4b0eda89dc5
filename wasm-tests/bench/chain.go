package main

import (
	"context"

	"github.com/latticenet/lattice-host/host/memo"
	"github.com/latticenet/lattice-host/host/pipeline"
	"github.com/latticenet/lattice-host/host/resource"
	"github.com/latticenet/lattice-host/wasm-tests/builtins"
)

// Bars of the cases about the whole chain.
const (
	barNative     = 6
	barMemoAnswer = 0.05
)

// measureNative compares deriving orders, from the bytes of the document to those of the objects,
// with an ordinary Go program.
func measureNative(ctx context.Context, f *fixture) ([]row, error) {
	document := f.orders.Service.JSON()
	prog := newProgram(f.orders.Peers)
	peer := func() error { _, err := prog.run(document); return err }
	var rows []row
	for _, c := range []struct {
		name    string
		bar     float64
		plugins builtins.Set
	}{
		{"LatticeService chain / native program with encoding/json", barNative, f.sandboxed},
		{"LatticeService chain, plugins native / native program with encoding/json", 0, f.native},
	} {
		engine, err := f.orders.Engine(ctx, c.plugins)
		if err != nil {
			return nil, err
		}
		ours := func() error {
			docs, err := resource.Decode("orders.json", document, resource.Options{})
			if err != nil {
				return err
			}
			_, err = engine.Derive(ctx, docs[0])
			return err
		}
		o, b, err := f.effort.compare(pair{ours: ours, peer: peer})
		if err != nil {
			return nil, err
		}
		rows = append(rows, timeRow(c.name, c.bar, o, b))
	}
	return rows, nil
}

// remembered returns the plugins with their answers kept in memory.
func remembered(plugins builtins.Set) builtins.Set {
	store, set := memo.Open(""), builtins.Set{}
	for name, p := range plugins {
		set[name] = store.Wrap(p)
	}
	return set
}

// comparison is one pair with its name and bar.
type comparison struct {
	name string
	bar  float64
	pair pair
}

func (f *fixture) compareAll(all []comparison) (rows []row, err error) {
	for _, c := range all {
		ours, peer, err := f.effort.compare(c.pair)
		if err != nil {
			return nil, err
		}
		rows = append(rows, timeRow(c.name, c.bar, ours, peer))
	}
	return rows, nil
}

// measureMemo compares answers that are kept with making them. No gate is asked in either.
func measureMemo(ctx context.Context, f *fixture) ([]row, error) {
	kept := remembered(f.sandboxed)
	// ask makes all calls of an orders derivation.
	ask := func(plugins builtins.Set) func() error {
		return func() error {
			for _, name := range f.called() {
				for _, r := range f.requests[name] {
					if _, _, err := plugins[name].Derive(ctx, r.Message); err != nil {
						return err
					}
				}
			}
			return nil
		}
	}
	chain := make([]func() error, 2)
	for i, plugins := range []pipeline.Plugins{kept, f.sandboxed} {
		var err error
		if chain[i], err = f.derive(ctx, plugins); err != nil {
			return nil, err
		}
	}
	return f.compareAll([]comparison{
		{"memo hit / derivation, the plugins' calls for orders", barMemoAnswer, pair{ours: ask(kept), peer: ask(f.sandboxed)}},
		{"memo hit / derivation, whole chain", 0, pair{ours: chain[0], peer: chain[1]}},
	})
}
