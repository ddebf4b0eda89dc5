package main

import (
	"context"
	"errors"
	"fmt"
	"os"

	extism "github.com/extism/go-sdk"
	"github.com/tetratelabs/wazero"

	"github.com/latticenet/lattice-host/abi"
)

const barExtism = 0.4

// extismPlugin is the built-in plugin that there is a guest for.
const extismPlugin = "deployment"

// extismLimits are those of the sandbox: 64 MiB of memory, and a timeout, which is what makes calls
// interruptible.
const (
	extismPages   = abi.MaxMemoryBytes >> 16
	extismTimeout = abi.DefaultTimeoutMillis
)

// measureExtism compares calls of the sandbox, reset included, with calls of the same code through
// Extism, without reset.
func measureExtism(ctx context.Context, f *fixture) (rows []row, err error) {
	file := f.build("bench", "extism-"+extismPlugin+".wasm")
	if err := buildGuest(ctx, file, "./guest/extism"); err != nil {
		return nil, err
	}
	wasm, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	cache, err := wazero.NewCompilationCacheWithDir(f.bareCache())
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, cache.Close(context.Background())) }()
	plugin, err := extism.NewPlugin(ctx, extism.Manifest{
		Wasm:    []extism.Wasm{extism.WasmData{Data: wasm}},
		Memory:  &extism.ManifestMemory{MaxPages: extismPages},
		Timeout: extismTimeout,
	}, extism.PluginConfig{
		EnableWasi: true, RuntimeConfig: wazero.NewRuntimeConfig().WithCompilationCache(cache),
		ModuleConfig: wazero.NewModuleConfig().WithArgs("plugin"),
	}, nil)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, plugin.CloseWithContext(context.Background())) }()
	p, err := f.calls(extismPlugin, sandboxDerive(ctx, f.plugin(extismPlugin)), func(request []byte) ([]byte, error) {
		code, answer, err := plugin.CallWithContext(ctx, "derive", request)
		if err == nil && code != 0 {
			err = fmt.Errorf("the guest ended with %d", code)
		}
		return answer, err
	})
	if err != nil {
		return nil, err
	}
	o, b, err := f.effort.compare(p)
	return []row{timeRow("isolated call / Extism with a timeout: "+extismPlugin, barExtism, o, b)}, err
}
