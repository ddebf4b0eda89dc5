package extism

import (
	"context"
	"slices"

	sdk "github.com/extism/go-sdk"
	"github.com/tetratelabs/wazero"
	"github.com/tetratelabs/wazero/api"
	"github.com/tetratelabs/wazero/experimental"
)

// KernelBytes is how much memory the kernel has before anything is in it: what extism-runtime.wasm
// declares.
const KernelBytes = 1 << 20

// Function is a function that a module may import.
type Function struct {
	Module, Name    string
	Params, Results []api.ValueType
	// Call gets the guest's module. A panic with an error ends the guest with that error.
	Call api.GoModuleFunc
}

// Module is a compiled module. Its methods may be called by several goroutines at once.
type Module struct{ compiled *sdk.CompiledPlugin }

// Compile compiles a module. It may import functions only, and only those given, and must have what
// modules have that package meter rewrote.
func Compile(ctx context.Context, wasm []byte, engine wazero.RuntimeConfig, functions []Function) (*Module, error) {
	wasm, err := rewrite(wasm)
	if err != nil {
		return nil, err
	}
	offered := make([]sdk.HostFunction, len(functions))
	for i, f := range functions {
		offered[i] = f.hostFunction()
	}
	// Nothing of the SDK's WASI, no host for HTTP, no path, no configuration, no timeout: the
	// engine's way to interrupt a guest is slow, and fuel replaces it.
	config := sdk.PluginConfig{RuntimeConfig: engine}
	manifest := sdk.Manifest{Wasm: []sdk.Wasm{sdk.WasmData{Data: wasm, Name: "main"}}}
	compiled, err := sdk.NewCompiledPlugin(experimental.WithFunctionListenerFactory(ctx, startListener{}), manifest, config, offered)
	if err != nil {
		return nil, err
	}
	return &Module{compiled}, nil
}

// Close frees the module and its engine. No instance may be running.
func (m *Module) Close(ctx context.Context) error { return m.compiled.Close(ctx) }

// Instantiate makes an instance with memory as given, and runs the module's start function. The
// instance must be initialised and closed, the latter also when there is an error. Functions find
// the values of ctx.
func (m *Module) Instantiate(ctx context.Context, memory Memory) (*Instance, error) {
	i := &Instance{memory: budget{Memory: memory}}
	ctx = context.WithValue(ctx, instanceKey{}, i)
	ctx = experimental.WithMemoryAllocator(ctx, &i.memory)
	// The SDK looks for a plugin before it calls any of our functions, and knows none before the
	// start function has run.
	starting := context.WithValue(ctx, sdk.PluginCtxKey("plugin"), new(sdk.Plugin))
	plugin, err := m.compiled.Instance(starting, sdk.PluginInstanceConfig{ModuleConfig: wazero.NewModuleConfig()})
	if err != nil {
		return i, err
	}
	i.plugin = plugin
	// The SDK's own messages tell nothing, and would go to the process's standard error.
	plugin.SetLogger(func(sdk.LogLevel, string) {})
	return i, nil
}

// hostFunction returns the function as the SDK takes it.
func (f Function) hostFunction() sdk.HostFunction {
	host := sdk.NewHostFunctionWithStack(f.Name, func(ctx context.Context, _ *sdk.CurrentPlugin, stack []uint64) {
		i := instanceOf(ctx)
		i.kernel, _ = ctx.Value(sdk.PluginCtxKey("extism")).(api.Module)
		f.Call(ctx, i.guest, stack)
	}, f.Params, f.Results)
	host.SetNamespace(offeredModule(f.Module))
	return host
}

// instanceKey is the key of the [Instance] in a context.
type instanceKey struct{}

func instanceOf(ctx context.Context) *Instance {
	i, _ := ctx.Value(instanceKey{}).(*Instance)
	return i
}

// startListener tells an instance its module when [ownStart] runs, because the SDK keeps it to
// itself. It is not told about functions that a guest could call: the engine walks the whole stack
// to tell.
type startListener struct{}

// NewFunctionListener implements experimental.FunctionListenerFactory.
func (startListener) NewFunctionListener(f api.FunctionDefinition) experimental.FunctionListener {
	if !slices.Contains(f.ExportNames(), ownStart) {
		return nil
	}
	return experimental.FunctionListenerFunc(
		func(ctx context.Context, guest api.Module, _ api.FunctionDefinition, _ []uint64, _ experimental.StackIterator) {
			instanceOf(ctx).guest = guest
		})
}
