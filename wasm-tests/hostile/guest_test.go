package hostile

import (
	"bytes"

	"github.com/latticenet/lattice-host/abi"
	b "github.com/latticenet/lattice-host/wasm-tests/wasmbuild"
)

// Where a guest keeps things in its memory.
const (
	requestAt = 1024
	scratchAt = 2048
	answerAt  = 4096
)

const pageSize = 64 << 10

const wasi = "wasi_snapshot_preview1"

// guest collects the parts of a plugin. Parts that are zero are those of a healthy one, which
// answers {}.
type guest struct {
	b.Module
	// alloc, call and initialize are function bodies. A guest without the last does not export it.
	alloc, call, initialize []byte
	// callLocals counts the locals of call, all i32. The first has index 3.
	callLocals uint32
	answer     string
	// pages and mostPages bound the memory; without a maximum when mostPages is 0.
	pages     uint32
	mostPages int64
	// drop names exports that are left out.
	drop []string
	// extism makes call the function of a module for Extism: without parameters, with a result of
	// type i32.
	extism bool
}

func i32s(n int) []byte { return bytes.Repeat([]byte{b.I32}, n) }

// packed pushes what call returns: where the answer lies, and how long it is.
func packed(ptr, size uint32) []byte { return b.Int64(int64(uint64(ptr)<<32 | uint64(size))) }

// answered pushes the place of the answer {}.
func answered() []byte { return packed(answerAt, 2) }

// bytes returns the module without a manifest.
func (g *guest) bytes() []byte {
	if g.answer == "" {
		g.answer = "{}"
	}
	if g.alloc == nil {
		g.alloc = b.Int32(requestAt)
	}
	if g.call == nil {
		g.call = packed(answerAt, uint32(len(g.answer)))
	}
	if g.extism {
		g.Memory(max(g.pages, 1), -1)
		g.export(abi.ExtismDerive, b.Function, g.Function(nil, i32s(1), g.callLocals, g.call))
		return g.Bytes()
	}
	if g.pages == 0 {
		g.pages = uint32(answerAt+len(g.answer))/pageSize + 2
	}
	if g.mostPages == 0 {
		g.mostPages = -1
	}
	g.Memory(g.pages, g.mostPages)
	g.Data(answerAt, []byte(g.answer))
	g.export(abi.ExportMemory, b.Memory, 0)
	g.export(abi.ExportAlloc, b.Function, g.Function(i32s(1), i32s(1), 0, g.alloc))
	g.export(abi.ExportCall, b.Function, g.Function(i32s(3), []byte{b.I64}, g.callLocals, g.call))
	if g.initialize != nil {
		g.export(abi.ExportInitialize, b.Function, g.Function(nil, nil, 0, g.initialize))
	}
	return g.Bytes()
}

func (g *guest) export(name string, kind byte, index uint32) {
	for _, d := range g.drop {
		if d == name {
			return
		}
	}
	g.Export(name, kind, index)
}

// calls returns the shape of a guest whose call runs the instructions.
func calls(parts ...any) func(*guest) {
	return func(g *guest) { g.call = b.Body(parts...) }
}

// answers returns the shape of a guest that answers text.
func answers(text string) func(*guest) { return func(g *guest) { g.answer = text } }

// forever repeats instructions that leave nothing on the stack.
func forever(parts ...any) []byte {
	return b.Body(b.Loop, b.NoResult, b.Body(parts...), b.Br, 0, b.End, b.Unreachable)
}

// times repeats instructions n times, counting in a local that is 0.
func times(n int32, local int, parts ...any) []byte {
	return b.Body(b.Loop, b.NoResult, b.Body(parts...),
		b.LocalGet, local, b.Int32(1), b.I32Add, b.LocalTee, local, b.Int32(n), b.I32LtS, b.BrIf, 0, b.End)
}

// invoke pushes arguments and calls a function.
func invoke(function uint32, args ...int32) []byte {
	var code []byte
	for _, a := range args {
		code = append(code, b.Int32(a)...)
	}
	return b.Body(code, b.Call, b.Unsigned(function))
}

// ignore does what invoke does, and drops the result.
func ignore(function uint32, args ...int32) []byte {
	return b.Body(invoke(function, args...), b.Drop)
}

// wasi imports a function of WASI with parameters of type i32 and one result.
func (g *guest) wasi(name string, params int) uint32 {
	return g.ImportFunction(wasi, name, i32s(params), i32s(1))
}

// log imports the host's log.
func (g *guest) log() uint32 { return g.ImportFunction(abi.ImportModule, abi.ImportLog, i32s(3), nil) }

// exit imports proc_exit.
func (g *guest) exit() uint32 { return g.ImportFunction(wasi, "proc_exit", i32s(1), nil) }

// procedure adds a function without parameters and results.
func (g *guest) procedure(parts ...any) uint32 { return g.Function(nil, nil, 0, b.Body(parts...)) }

// trapIfRefused traps if the number on the stack is -1, which a growth answers that was refused.
func trapIfRefused() []byte {
	return b.Body(b.Int32(-1), b.I32Eq, b.If, b.NoResult, b.Unreachable, b.End)
}
