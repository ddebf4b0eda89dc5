package hostile

import (
	"bytes"
	"math"
	"testing"

	b "github.com/latticenet/lattice-host/wasm-tests/wasmbuild"
)

// exponential adds functions of which each calls the one before twice, and returns the last:
// 2^depth calls without a loop.
func exponential(g *guest, depth int) uint32 {
	f := g.procedure()
	for range depth {
		f = g.procedure(b.Call, b.Unsigned(f), b.Call, b.Unsigned(f))
	}
	return f
}

// loops nests n loops of a million rounds. Each counts in a local of its own, the first of which is
// given.
func loops(n, local int) []byte {
	if n == 0 {
		return nil
	}
	return b.Body(b.Int32(0), b.LocalSet, local, times(1_000_000, local, loops(n-1, local+1)))
}

// recursive adds a function that calls itself, with so many locals on every frame.
func recursive(g *guest, locals uint32) uint32 {
	// Its index is that which the next function gets.
	self := g.procedure() + 1
	return g.Function(nil, nil, locals, b.Body(b.Call, b.Unsigned(self)))
}

// endlessCases do not come to an end.
func endlessCases() []hostile {
	return []hostile{
		{name: "endless-loop", reason: "a loop without end", guest: calls(forever()), want: endless},
		{name: "endless-loop-of-nothing", reason: "a loop of instructions that cost nothing", guest: calls(forever(bytes.Repeat([]byte{0x01}, 100))), want: endless},
		{name: "endless-loop-by-table", reason: "a loop that branches by a table", guest: calls(
			b.Loop, b.NoResult, branchTable(0, 0, 0), b.End, b.Unreachable), want: endless},
		{name: "endless-loop-conditional", reason: "a loop that seems to have an end", guest: calls(
			b.Loop, b.NoResult, b.Int32(1), b.BrIf, 0, b.End, answered()), want: endless},
		{name: "endless-loop-in-alloc", reason: "a loop instead of room for the request", guest: func(g *guest) { g.alloc = forever() }, want: endless},
		{name: "endless-start", reason: "a loop in the start function", guest: func(g *guest) { g.Start(g.procedure(forever())) }, want: endless},
		{name: "endless-initialize", reason: "a loop in _initialize", guest: func(g *guest) { g.initialize = forever() }, want: endless},
		{name: "endless-validate", reason: "a loop when settings are checked", validate: true, guest: calls(forever()), want: endless},
		{name: "nested-loops", reason: "10^48 rounds in a hundred bytes", guest: func(g *guest) {
			g.callLocals = 8
			g.call = b.Body(loops(8, 3), answered())
		}, want: endless},
		{name: "endless-recursion", reason: "a function that calls itself", guest: func(g *guest) {
			g.call = b.Body(b.Call, b.Unsigned(recursive(g, 0)), answered())
		}, want: stopped},
		{name: "endless-recursion-large-frames", reason: "a function with ten thousand locals that calls itself", guest: func(g *guest) {
			g.call = b.Body(b.Call, b.Unsigned(recursive(g, 10_000)), answered())
		}, want: stopped},
		{name: "endless-recursion-at-start", reason: "a start function that calls itself", guest: func(g *guest) { g.Start(recursive(g, 0)) }, want: stopped},
		{name: "endless-recursion-of-two", reason: "two functions that call each other", guest: func(g *guest) {
			second := g.procedure() + 2
			g.call = b.Body(b.Call, b.Unsigned(g.procedure(b.Call, b.Unsigned(second))), answered())
			g.procedure(b.Call, b.Unsigned(second-1))
		}, want: stopped},
		{name: "endless-recursion-by-table", reason: "a function that calls itself through a table", guest: func(g *guest) {
			g.Table(1, -1)
			f := g.procedure(b.Int32(0), b.CallIndirect, b.Unsigned(g.Type(nil, nil)), 0)
			g.Elements(0, f)
			g.call = b.Body(b.Call, b.Unsigned(f), answered())
		}, want: stopped},
		{name: "exponential-recursion", reason: "2^60 calls without a loop", guest: func(g *guest) {
			g.call = b.Body(b.Call, b.Unsigned(exponential(g, 60)), answered())
		}, want: endless},
		{name: "reentrant-call", reason: "a plugin that calls its own exports in turn", guest: func(g *guest) {
			// alloc is the first function of the module, call the second.
			g.alloc = b.Body(b.Int32(2), b.Int32(0), b.Int32(0), b.Call, 1, b.Drop, b.Int32(requestAt))
			g.call = b.Body(b.Int32(1), b.Call, 0, b.Drop, answered())
		}, want: stopped},
	}
}

// divideByZero traps.
func divideByZero() []byte {
	return b.Body(b.Int32(1), b.Int32(0), b.I32DivS, b.Drop)
}

// trapCases end with a trap of WebAssembly.
func trapCases() []hostile {
	indirect := func(index int32, setUp func(g *guest)) func(*guest) {
		return func(g *guest) {
			g.Table(2, -1)
			if setUp != nil {
				setUp(g)
			}
			g.call = b.Body(b.Int32(index), b.CallIndirect, b.Unsigned(g.Type(nil, nil)), 0, answered())
		}
	}
	return []hostile{
		{name: "unreachable", reason: "the instruction that traps", guest: calls(b.Unreachable), want: trap},
		{name: "unreachable-in-alloc", reason: "a trap instead of room for the request", guest: func(g *guest) { g.alloc = []byte{b.Unreachable} }, want: trap},
		{name: "unreachable-start", reason: "a trap in the start function", guest: func(g *guest) { g.Start(g.procedure(b.Unreachable)) }, want: trap},
		{name: "unreachable-initialize", reason: "a trap in _initialize", guest: func(g *guest) { g.initialize = []byte{b.Unreachable} }, want: trap},
		{name: "unreachable-validate", reason: "a trap when settings are checked", validate: true, guest: calls(b.Unreachable), want: trap},
		{name: "divide-by-zero", reason: "a division by zero", guest: calls(divideByZero(), answered()), want: trap},
		{name: "divide-overflow", reason: "the one division that overflows", guest: calls(b.Int64(math.MinInt64), b.Int64(-1), b.I64DivS), want: trap},
		{name: "float-to-int", reason: "NaN as an integer", guest: calls(b.F64Const, float(math.NaN()), b.I32TruncF64S, b.Drop, answered()), want: trap},
		{name: "load-out-of-range", reason: "a byte after the end of memory", guest: calls(b.Int32(2*pageSize-3), b.I32Load, 0, 0, b.Drop, answered()), want: trap},
		{name: "load-far", reason: "an address and an offset that make 8 GiB", guest: calls(
			b.Int32(-1), b.I32Load, 0, b.Unsigned(1<<32-1), b.Drop, answered()), want: trap},
		{name: "store-out-of-range", reason: "a write at a negative address", guest: calls(b.Int32(-4), b.Int32(1), b.I32Store, 0, 0, answered()), want: trap},
		{name: "load-misaligned", reason: "a load that is not aligned as it says", guest: calls(b.Int32(1), b.I32Load, 2, 0, b.Drop, answered()), want: ok},
		{name: "indirect-null", reason: "a call of null", guest: indirect(0, nil), want: trap},
		{name: "indirect-type", reason: "a call of a function of another type", guest: indirect(0, func(g *guest) {
			g.Elements(0, g.Function(i32s(1), i32s(1), 0, b.Int32(1)))
		}), want: trap},
		{name: "indirect-out-of-range", reason: "a call after the end of a table", guest: indirect(-1, nil), want: trap},
		{name: "table-get-out-of-range", reason: "an element after the end of a table", guest: func(g *guest) {
			g.Table(1, -1)
			g.call = b.Body(b.Int32(1), b.TableGet, 0, b.Drop, answered())
		}, want: trap},
	}
}

// float returns a number as it follows f64.const.
func float(v float64) []byte {
	bits := math.Float64bits(v)
	code := make([]byte, 8)
	for i := range code {
		code[i] = byte(bits >> (8 * i))
	}
	return code
}

// featureCases use what is new in WebAssembly 2.0, and what is not equal on every machine unless
// someone takes care.
func featureCases() []hostile {
	vector := func(lane byte) []byte { return b.Body(b.Vector, 12, bytes.Repeat([]byte{lane}, 16)) }
	const vectorStore, vectorMultiply, vectorDivide = 11, 0xb5, 0xf3
	return []hostile{
		{name: "nan-of-division", reason: "the bits of 0/0, whose sign is the processor's choice", raw: true, guest: calls(
			b.Int32(scratchAt), b.F64Const, float(0), b.F64Const, float(0), b.F64Div, b.F64Store, 3, 0, packed(scratchAt, 8)), want: ok, check: isNaN},
		{name: "nan-payload", reason: "a NaN with a message in its bits, divided", raw: true, guest: calls(
			b.Int32(scratchAt), b.F64Const, float(math.Float64frombits(0x7ff0_dead_beef_cafe)), b.F64Const, float(1), b.F64Div,
			b.F64Store, 3, 0, packed(scratchAt, 8)), want: ok, check: isNaN},
		{name: "simd-heavy", reason: "a million multiplications of vectors", raw: true, guest: func(g *guest) {
			g.callLocals = 1
			g.call = b.Body(times(1_000_000, 3,
				b.Int32(scratchAt), vector(7), vector(9), b.Vector, b.Unsigned(vectorMultiply), b.Vector, vectorStore, 4, 0),
				packed(scratchAt, 16))
		}, want: ok},
		{name: "simd-endless", reason: "vectors without end", guest: calls(forever(
			b.Int32(scratchAt), vector(0), vector(0), b.Vector, b.Unsigned(vectorDivide), b.Vector, vectorStore, 4, 0)), want: endless},
		{name: "simd-state", reason: "a mark in a variable of 128 bits", raw: true, guest: func(g *guest) {
			g.Global(b.V128, vector(0))
			g.call = b.Body(
				b.Int32(scratchAt), b.GlobalGet, 0, b.Vector, vectorStore, 4, 0,
				vector(1), b.GlobalSet, 0, packed(scratchAt, 16))
		}, want: ok},
		{name: "reference-state", reason: "a function in a variable", guest: func(g *guest) {
			g.Global(b.FuncRef, b.Body(b.RefNull, b.FuncRef))
			f := g.procedure()
			g.Export("f", b.Function, f)
			g.call = b.Body(b.GlobalGet, 0, b.RefIsNull, b.I32Eqz, trapUnlessZero(), b.RefFunc, b.Unsigned(f), b.GlobalSet, 0, answered())
		}, want: ok},
		{name: "reference-foreign", reason: "a reference to something of the host, which is never there", guest: func(g *guest) {
			f := g.Function([]byte{b.ExternRef}, i32s(1), 0, b.Body(b.LocalGet, 0, b.RefIsNull))
			g.call = b.Body(b.RefNull, b.ExternRef, b.Call, b.Unsigned(f), b.I32Eqz, trapUnlessZero(), answered())
		}, want: ok},
		{name: "multi-value", reason: "a block that takes and leaves two values", guest: func(g *guest) {
			swap := g.Type(i32s(2), i32s(2))
			g.call = b.Body(b.Int32(1), b.Int32(2), b.Loop, b.Unsigned(swap), b.End, b.I32Add, b.Drop, answered())
		}, want: ok},
	}
}

// isNaN wants the bytes of a NaN.
func isNaN(t *testing.T, answer any, _ []string) {
	t.Helper()
	data, _ := answer.([]byte)
	if len(data) != 8 {
		t.Fatalf("the answer has %d bytes", len(data))
	}
	var bits uint64
	for i, x := range data {
		bits |= uint64(x) << (8 * i)
	}
	if !math.IsNaN(math.Float64frombits(bits)) {
		t.Errorf("%#x is a number", bits)
	}
}
