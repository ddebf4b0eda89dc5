package main

import (
	"context"
	"crypto/rand"
	"fmt"
	"runtime"
	"time"

	"github.com/latticenet/lattice-host/abi"
	"github.com/latticenet/lattice-host/host/sandbox"
	"github.com/latticenet/lattice-host/registry/release"
)

// row is a guest that does one thing over and over.
type row struct {
	name      string
	wasm      []byte
	transport abi.Transport
}

// result is what a row took.
type result struct {
	name string
	fuel int64
	// best is the least processor time of a call.
	best time.Duration
}

func (r result) perUnit() float64 { return float64(r.best.Nanoseconds()) / float64(r.fuel) }

// measure runs all rows so many times.
func measure(ctx context.Context, rows []row, turns int) ([]result, error) {
	host, err := sandbox.New(ctx, sandbox.Config{})
	if err != nil {
		return nil, err
	}
	defer func() { _ = host.Close(ctx) }()
	results := make([]result, len(rows))
	// A plugin is closed before the next one is loaded: what is idle would only take memory.
	for i, r := range rows {
		results[i] = result{name: r.name, best: time.Hour}
		if err := measureRow(ctx, host, r, turns, &results[i]); err != nil {
			return nil, fmt.Errorf("%s: %w", r.name, err)
		}
	}
	return results, nil
}

func measureRow(ctx context.Context, host *sandbox.Runtime, r row, turns int, into *result) error {
	plugin, err := load(ctx, host, r)
	if err != nil {
		return err
	}
	defer func() { _ = plugin.Close(ctx) }()
	for range turns {
		if err := turn(ctx, plugin, into); err != nil {
			return err
		}
	}
	return nil
}

// turn measures one call.
func turn(ctx context.Context, plugin *sandbox.Plugin, into *result) error {
	ctx = withStore(ctx)
	runtime.GC()
	begin, err := processorTime()
	if err != nil {
		return err
	}
	_, usage, err := plugin.Measure(ctx, "fuel", abi.OpDerive, []byte("{}"))
	if err != nil {
		return err
	}
	end, err := processorTime()
	if err != nil {
		return err
	}
	into.fuel = usage.Fuel
	into.best = min(into.best, end-begin)
	return nil
}

// load signs and loads the module of a row.
func load(ctx context.Context, host *sandbox.Runtime, r row) (*sandbox.Plugin, error) {
	manifest := manifest(r.transport)
	wasm, err := release.AppendManifestSection(r.wasm, manifest.CanonicalJSON())
	if err != nil {
		return nil, err
	}
	key, err := release.GenerateKey(rand.Reader)
	if err != nil {
		return nil, err
	}
	bundle, err := release.Sign(key, wasm)
	if err != nil {
		return nil, err
	}
	module, err := release.Verify(bundle, wasm, release.Want{
		Publisher: manifest.Publisher, Name: manifest.Name, Version: manifest.Version,
		Digest: release.Digest(wasm), Rule: release.AnyOf(key.Public()),
	})
	if err != nil {
		return nil, err
	}
	return host.Load(ctx, module)
}
