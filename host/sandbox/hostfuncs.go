package sandbox

import (
	"context"

	"github.com/tetratelabs/wazero"
	"github.com/tetratelabs/wazero/api"

	"github.com/latticenet/lattice-host/abi"
	"github.com/latticenet/lattice-host/host/sandbox/internal/wasmbin"
)

// hostFunction is a function that a guest may import. Its parameters are in stack, where its result
// goes, too.
type hostFunction struct {
	module, name string
	signature    wasmbin.FuncType
	call         func(f frame, stack []uint64)
}

// frame is where a host function was called from.
type frame struct {
	ctx    context.Context
	guest  *guest
	module api.Module
}

// onMemory adapts a function that needs no more of the frame than the guest and its memory.
func onMemory(call func(g *guest, memory api.Memory, stack []uint64)) func(frame, []uint64) {
	return func(f frame, stack []uint64) { call(f.guest, f.module.Memory(), stack) }
}

// hostFunctions returns everything that the host offers.
func hostFunctions() []hostFunction {
	functions := []hostFunction{
		{abi.ImportModule, abi.ImportLog, signature("iii", ""), onMemory(logMessage)},
		{abi.ImportModule, abi.ImportHostCall, signature("iii", "I"), hostCall},
	}
	for _, f := range wasiFunctions() {
		functions = append(functions, f.hostFunction())
	}
	return append(functions, hostFunction{wasiModule, "proc_exit", signature("i", ""), onMemory(procExit)})
}

// provide makes the functions known to the engine. Functions of one module are together.
func provide(ctx context.Context, engine wazero.Runtime, functions []hostFunction) error {
	for i := 0; i < len(functions); {
		module := functions[i].module
		builder := engine.NewHostModuleBuilder(module)
		for ; i < len(functions) && functions[i].module == module; i++ {
			f := functions[i]
			builder.NewFunctionBuilder().
				WithGoModuleFunction(f.engineFunction(), engineTypes(f.signature.Params), engineTypes(f.signature.Results)).
				Export(f.name)
		}
		if _, err := builder.Instantiate(ctx); err != nil {
			return err
		}
	}
	return provideRefill(ctx, engine)
}

func (f hostFunction) engineFunction() api.GoModuleFunc {
	return func(ctx context.Context, m api.Module, stack []uint64) {
		// A guest that does little but call the host spends its slices slowly, so that it is
		// interrupted here too.
		if ctx.Err() != nil {
			panic(errInterrupted)
		}
		g := guestOf(ctx)
		g.fuel.bind(m)
		g.fuel.spend(hostCallFuel)
		f.call(frame{ctx, g, m}, stack)
	}
}

// engineTypes returns types as the engine has them: by their binary form.
func engineTypes(types []wasmbin.ValueType) []api.ValueType {
	out := make([]api.ValueType, len(types))
	for i, t := range types {
		out[i] = api.ValueType(t)
	}
	return out
}

// logMessage is lattice_v1.log(level, ptr, len).
func logMessage(g *guest, memory api.Memory, stack []uint64) {
	level, ptr, size := int32(stack[0]), uint32(stack[1]), uint32(stack[2])
	text, ok := memory.Read(ptr, size)
	if !ok {
		panic(misuseError(abi.ImportModule + "." + abi.ImportLog + " was called with a pointer outside of memory"))
	}
	g.fuel.spend(logByteFuel * int64(min(size, abi.MaxLogBytes)))
	g.log.message(min(max(Level(level), LevelDebug), LevelError), text)
}
