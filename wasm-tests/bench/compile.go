package main

import (
	"context"

	"github.com/latticenet/lattice-host/host/sandbox/meter"
	"github.com/latticenet/lattice-host/wasm-tests/builtins"
)

const barMeter = 0.15

// measureMeter compares rewriting the largest built-in module with compiling it as it is, which
// nothing has cached.
func measureMeter(ctx context.Context, f *fixture) ([]row, error) {
	largest := ""
	var wasm []byte
	for _, name := range builtins.Names() {
		if module := f.modules[name].Wasm(); len(module) > len(wasm) {
			largest, wasm = name, module
		}
	}
	rewrite := func() error { _, err := meter.Rewrite(wasm, meter.Options{}); return err }
	compile := func() error {
		// A runtime keeps what it compiled, so each compilation has one of its own.
		host, err := newBareHost(ctx, "", false)
		if err != nil {
			return err
		}
		if _, err := host.compile(ctx, wasm); err != nil {
			return err
		}
		return host.close()
	}
	return f.compareAll([]comparison{{"metering / compiling: " + largest, barMeter, pair{ours: rewrite, peer: compile}}})
}
