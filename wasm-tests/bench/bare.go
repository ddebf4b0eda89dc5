package main

import (
	"context"
	"errors"
	"fmt"

	"github.com/tetratelabs/wazero"
	"github.com/tetratelabs/wazero/api"
	"github.com/tetratelabs/wazero/experimental"
	"github.com/tetratelabs/wazero/imports/wasi_snapshot_preview1"

	"github.com/latticenet/lattice-host/abi"
	"github.com/latticenet/lattice-host/host/sandbox/meter"
)

// bareHost runs plugins on the engine with nothing around it: the engine's own WASI, no limits, no
// reset. It is what an ordinary program on the engine would be.
type bareHost struct {
	engine wazero.Runtime
	cache  wazero.CompilationCache
}

// compilationWorkers are as many as the sandbox has.
const compilationWorkers = 2

// fuelSlice is as much as the sandbox grants at a time.
const fuelSlice = 1_000_000

// newBareHost returns a host that keeps compiled modules in dir, or nowhere when dir is empty.
func newBareHost(ctx context.Context, dir string, closeOnContextDone bool) (*bareHost, error) {
	config := wazero.NewRuntimeConfig().WithDebugInfoEnabled(false).WithCloseOnContextDone(closeOnContextDone)
	h := new(bareHost)
	if dir != "" {
		var err error
		if h.cache, err = wazero.NewCompilationCacheWithDir(dir); err != nil {
			return nil, err
		}
		config = config.WithCompilationCache(h.cache)
	}
	h.engine = wazero.NewRuntimeWithConfig(ctx, config)
	if _, err := wasi_snapshot_preview1.Instantiate(ctx, h.engine); err != nil {
		return nil, errors.Join(err, h.close())
	}
	_, err := h.engine.NewHostModuleBuilder(abi.ImportModule).NewFunctionBuilder().
		WithFunc(func(int32, uint32, uint32) {}).Export(abi.ImportLog).Instantiate(ctx)
	if err == nil {
		_, err = h.engine.NewHostModuleBuilder(meter.DefaultImportModule).NewFunctionBuilder().
			WithGoFunction(api.GoFunc(refill), []api.ValueType{api.ValueTypeI64}, []api.ValueType{api.ValueTypeI64}).
			Export(meter.DefaultImportName).Instantiate(ctx)
	}
	if err != nil {
		return nil, errors.Join(err, h.close())
	}
	return h, nil
}

// refill grants slices without end, and looks at the context as the sandbox does.
func refill(ctx context.Context, stack []uint64) {
	if err := ctx.Err(); err != nil {
		panic(err)
	}
	stack[0] = fuelSlice
}

func (h *bareHost) close() error {
	err := h.engine.Close(context.Background())
	if h.cache != nil {
		err = errors.Join(err, h.cache.Close(context.Background()))
	}
	return err
}

func (h *bareHost) compile(ctx context.Context, wasm []byte) (wazero.CompiledModule, error) {
	return h.engine.CompileModule(experimental.WithCompilationWorkers(ctx, compilationWorkers), wasm)
}

// start makes an instance and initialises it.
func (h *bareHost) start(ctx context.Context, compiled wazero.CompiledModule) (*bareGuest, error) {
	config := wazero.NewModuleConfig().WithName("").WithStartFunctions().WithArgs("plugin")
	module, err := h.engine.InstantiateModule(ctx, compiled, config)
	if err != nil {
		return nil, err
	}
	if _, err := module.ExportedFunction(abi.ExportInitialize).Call(ctx); err != nil {
		return nil, errors.Join(err, module.Close(ctx))
	}
	return &bareGuest{module, module.ExportedFunction(abi.ExportAlloc), module.ExportedFunction(abi.ExportCall)}, nil
}

// load compiles a module and starts an instance.
func (h *bareHost) load(ctx context.Context, wasm []byte) (*bareGuest, error) {
	compiled, err := h.compile(ctx, wasm)
	if err != nil {
		return nil, err
	}
	return h.start(ctx, compiled)
}

// bareGuest is an instance of a plugin.
type bareGuest struct {
	module      api.Module
	alloc, exec api.Function
}

// call writes a request, runs the operation and returns a copy of the answer.
func (g *bareGuest) call(ctx context.Context, op abi.Op, request []byte) ([]byte, error) {
	at, err := g.alloc.Call(ctx, uint64(len(request)))
	if err != nil {
		return nil, err
	}
	if !g.module.Memory().Write(uint32(at[0]), request) {
		return nil, fmt.Errorf("no room for a request of %d bytes", len(request))
	}
	packed, err := g.exec.Call(ctx, uint64(op), at[0], uint64(len(request)))
	if err != nil {
		return nil, err
	}
	answer, ok := g.module.Memory().Read(uint32(packed[0]>>32), uint32(packed[0]))
	if !ok {
		return nil, errors.New("the answer is outside of the memory")
	}
	return append([]byte(nil), answer...), nil
}
