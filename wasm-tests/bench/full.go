package main

import (
	"context"
	"os"
	"path/filepath"

	"github.com/latticenet/lattice-host/host/pipeline"
	"github.com/latticenet/lattice-host/host/resource"
)

// barFull is what a byte of output may cost for a service that uses everything, next to one of the orders example.
const barFull = 1.2

// measureFull compares deriving a service that uses nearly everything, by all plugins, with deriving orders, each divided by the
// bytes of its objects.
func measureFull(ctx context.Context, f *fixture) ([]row, error) {
	examples := filepath.Join(f.root, "examples")
	text, err := os.ReadFile(filepath.Join(examples, "platforms", "full.yaml"))
	if err != nil {
		return nil, err
	}
	c := pipeline.Config{Plugins: f.sandboxed}
	if c.Settings, err = pipeline.DefaultSettings().WithPlatform("full.yaml", text); err != nil {
		return nil, err
	}
	if c.Peers, err = resource.Read([]string{filepath.Join(examples, "peers")}, nil, resource.Options{}); err != nil {
		return nil, err
	}
	engine, err := pipeline.New(ctx, c)
	if err != nil {
		return nil, err
	}
	documents, err := resource.Read([]string{filepath.Join(examples, "full.yaml")}, nil, resource.Options{})
	if err != nil {
		return nil, err
	}
	orders, err := f.orders.Engine(ctx, f.sandboxed)
	if err != nil {
		return nil, err
	}
	var run [2]func() error
	var bytes [2]float64
	for i, e := range []*pipeline.Engine{engine, orders} {
		document := f.orders.Service
		if i == 0 {
			document = documents[0]
		}
		run[i] = func() error { _, err := e.Derive(ctx, document); return err }
		b, err := e.Derive(ctx, document)
		if err != nil {
			return nil, err
		}
		for _, o := range b.Outputs {
			bytes[i] += float64(len(o.Document))
		}
	}
	full, small, err := f.effort.compare(pair{ours: run[0], peer: run[1]})
	if err != nil {
		return nil, err
	}
	return []row{newRow("full service / orders, time for a byte of output", barFull, float64(full)/bytes[0], float64(small)/bytes[1])}, nil
}
