//go:build !race

package hostile

import (
	"bytes"

	b "github.com/latticenet/lattice-host/wasm-tests/wasmbuild"
)

// functions returns the shape of a guest with n more functions of type () → () of the same code.
func functions(n int, code []byte) func(*guest) {
	return func(g *guest) {
		for range n {
			g.Code(nil, nil, code)
		}
	}
}

// emptyWith is the code of a function that has locals and does nothing.
func emptyWith(n uint32, valueType byte) []byte { return append(b.Locals(n, valueType), b.End) }

// setAll sets n locals of type i32 to different values.
func setAll(n int) []byte {
	var code []byte
	for i := range uint32(n) {
		code = append(code, b.Body(b.LocalGet, 0, b.Int32(int32(i)), b.I32Add, b.LocalSet, b.Unsigned(i))...)
	}
	return code
}

// sumAll leaves the sum of n locals of type i32.
func sumAll(n int) []byte {
	code := b.Int32(0)
	for i := range uint32(n) {
		code = append(code, b.Body(b.LocalGet, b.Unsigned(i), b.I32Add)...)
	}
	return code
}

// across returns the shape of a guest with a function that sets locals, runs instructions, and
// reads the locals.
func across(locals int, parts ...any) func(*guest) {
	return func(g *guest) {
		g.Function(nil, i32s(1), uint32(locals), b.Body(setAll(locals), b.Body(parts...), sumAll(locals)))
	}
}

// localCosts have many locals, and many blocks between which each may change hands.
func localCosts() []costly {
	emptyIf := b.Body(b.LocalGet, 0, b.If, b.NoResult, b.End)
	branch := b.Body(b.Block, b.NoResult, b.LocalGet, 0, b.BrIf, 0, b.End)
	choice := b.Body(b.Block, b.NoResult, b.Block, b.NoResult, b.LocalGet, 0, b.BrTable, 2, 0, 1, 0, b.End, b.End)
	changing := b.Body(b.LocalGet, 0, b.If, b.NoResult, b.Int32(3), b.LocalSet, 1, b.Else, b.Int32(4), b.LocalSet, 1, b.End)
	rarely := b.Body(b.Loop, b.NoResult, b.LocalGet, 0, b.BrIf, 0, b.End)
	var cases []costly
	add := func(name, reason string, guest func(*guest)) {
		cases = append(cases, costly{name: name, reason: reason, guest: guest})
	}
	add("locals-times-functions", "20,000 functions with 50,000 locals each, in 160 KB", functions(20_000, emptyWith(50_000, b.I32)))
	add("locals-times-functions-i64", "5,000 functions with 40,000 wide locals each", functions(5_000, emptyWith(40_000, b.I64)))
	add("locals-times-functions-f64", "50,000 functions with 2,000 locals each", functions(50_000, emptyWith(2_000, b.F64)))
	add("locals-times-functions-v128", "2,000 functions with 50,000 vectors each", functions(2_000, emptyWith(50_000, b.V128)))
	add("locals-times-functions-reference", "10,000 functions with 20,000 references each", functions(10_000, emptyWith(20_000, b.FuncRef)))
	add("locals-times-ifs", "4,000 locals across 4,000 ifs, in 70 KB", across(4_000, bytes.Repeat(emptyIf, 4_000)))
	add("locals-times-branches", "5,000 locals across 3,000 blocks that are left early", across(5_000, bytes.Repeat(branch, 3_000)))
	add("locals-times-choices", "3,000 locals across 3,000 tables of branches", across(3_000, bytes.Repeat(choice, 3_000)))
	add("locals-times-loops", "2,000 locals across 2,000 loops", across(2_000, bytes.Repeat(rarely, 2_000)))
	add("locals-times-nested-ifs", "2,000 locals across 2,000 ifs in each other", across(2_000,
		bytes.Repeat(b.Body(b.LocalGet, 0, b.If, b.NoResult), 2_000), bytes.Repeat([]byte{b.End}, 2_000)))
	add("locals-times-changes", "3,000 locals across 5,000 ifs that set one of them", across(3_000, bytes.Repeat(changing, 5_000)))
	add("locals-times-ifs-functions", "200 functions of 300 locals across 300 ifs", func(g *guest) {
		for range 200 {
			across(300, bytes.Repeat(emptyIf, 300))(g)
		}
	})
	add("locals-times-checks", "4,000 locals across 20,000 calls that may cost something, in 92 KB", func(g *guest) {
		f := g.procedure()
		across(4_000, bytes.Repeat(b.Body(b.Call, b.Unsigned(f+2)), 20_000))(g)
		g.procedure()
	})
	return ofKind(kindCompile, cases)
}

// alive returns the shape of a guest with a function that has values on the stack in front of
// instructions that leave nothing, and uses them after them. The instructions get the index of a
// function of type () → ().
func alive(values int, between func(g *guest, f uint32) []byte) func(*guest) {
	return func(g *guest) {
		f := g.procedure()
		g.Table(1, -1)
		g.Function(i32s(1), i32s(1), 0, b.Body(
			bytes.Repeat(b.Body(b.LocalGet, 0, b.I32Load, 2, 0), values), between(g, f), bytes.Repeat([]byte{b.I32Add}, values-1)))
	}
}

// valueCosts have many values that live across what the compiler must keep them from.
func valueCosts() []costly {
	again := func(n int, parts ...any) func(*guest, uint32) []byte {
		return func(*guest, uint32) []byte { return bytes.Repeat(b.Body(parts...), n) }
	}
	call := func(n int) func(*guest, uint32) []byte {
		return func(_ *guest, f uint32) []byte { return bytes.Repeat(b.Body(b.Call, b.Unsigned(f)), n) }
	}
	emptyIf := b.Body(b.LocalGet, 0, b.If, b.NoResult, b.End)
	var cases []costly
	add := func(name, reason string, guest func(*guest)) {
		cases = append(cases, costly{name: name, reason: reason, guest: guest})
	}
	add("values-across-calls", "8,000 values that live across 20,000 calls, in 70 KB", alive(8_000, call(20_000)))
	add("values-across-few-calls", "20,000 values that live across 2,000 calls", alive(20_000, call(2_000)))
	add("values-across-memory-grow", "5,000 values that live across 10,000 growths", alive(5_000, again(10_000, grow(0), b.Drop)))
	add("values-across-indirect-calls", "5,000 values that live across 10,000 indirect calls", alive(5_000, func(g *guest, _ uint32) []byte {
		typ := b.Unsigned(g.Type(nil, nil))
		return bytes.Repeat(b.Body(b.Int32(0), b.CallIndirect, typ, 0), 10_000)
	}))
	add("values-across-ifs", "8,000 values that live across 10,000 ifs", alive(8_000, again(10_000, emptyIf)))
	add("values-across-loops", "5,000 values that live across 10,000 loops", alive(5_000, again(10_000,
		b.Loop, b.NoResult, b.LocalGet, 0, b.BrIf, 0, b.End)))
	add("values-across-table-grow", "5,000 values that live across 10,000 growths of a table", alive(5_000, again(10_000, growTable(0), b.Drop)))
	add("values-across-calls-functions", "100 functions in which 500 values live across 500 calls", func(g *guest) {
		f := g.procedure()
		for range 100 {
			g.Function(i32s(1), i32s(1), 0, b.Body(bytes.Repeat([]byte{b.LocalGet, 0}, 500),
				bytes.Repeat(b.Body(b.Call, b.Unsigned(f)), 500), bytes.Repeat([]byte{b.I32Add}, 499)))
		}
	})
	add("values-over-br-tables", "1,000 results handed to each of 200 tables of 100 branches", func(g *guest) {
		typ := b.Unsigned(g.Type(nil, i32s(1_000)))
		for range 100 {
			g.procedure(b.Block, typ, bytes.Repeat(b.Int32(1), 1_000), branchTable(make([]uint32, 200)...), b.End,
				bytes.Repeat([]byte{b.Drop}, 1_000))
		}
	})
	return ofKind(kindCompile, cases)
}

// nestingCosts are nested deep in each other.
func nestingCosts() []costly {
	in := func(n int, open []byte, inside ...any) []byte {
		return b.Body(bytes.Repeat(open, n), b.Body(inside...), bytes.Repeat([]byte{b.End}, n))
	}
	loop := b.Body(b.Loop, b.NoResult, b.LocalGet, 0, b.BrIf, 0)
	choice := b.Body(b.LocalGet, 0, b.If, b.NoResult)
	one := func(body []byte) func(*guest) { return func(g *guest) { g.Function(i32s(1), nil, 0, body) } }
	outward := func(n int) []byte {
		// Each block branches out of all.
		var code []byte
		for i := range uint32(n) {
			code = append(code, b.Body(b.Block, b.NoResult, b.LocalGet, 0, b.BrIf, b.Unsigned(i))...)
		}
		return append(code, bytes.Repeat([]byte{b.End}, n)...)
	}
	return ofKind(kindCompile, []costly{
		{name: "loops-9000-deep", reason: "9,000 loops in each other, in 126 KB with two functions alike", guest: func(g *guest) {
			one(in(9_000, loop))(g)
			one(in(9_000, loop))(g)
		}},
		{name: "loops-deep-infinite", reason: "9,000 loops in each other that branch to the outermost", guest: one(in(9_000,
			b.Body(b.Loop, b.NoResult), b.LocalGet, 0, b.BrIf, b.Unsigned(8_999)))},
		{name: "ifs-deep", reason: "9,000 ifs in each other", guest: one(in(9_000, choice))},
		{name: "ifs-deep-with-values", reason: "5,000 ifs in each other that each leave a value", guest: func(g *guest) {
			g.Function(i32s(1), i32s(1), 0, b.Body(bytes.Repeat(b.Body(b.LocalGet, 0, b.If, b.I32), 5_000), b.Int32(1),
				bytes.Repeat(b.Body(b.Else, b.Int32(2), b.End), 5_000)))
		}},
		{name: "blocks-deep-outward", reason: "9,000 blocks in each other that each branch out of all", guest: one(outward(9_000))},
		{name: "loops-and-blocks-deep", reason: "4,000 loops and 4,000 blocks in each other by turns", guest: one(in(4_000,
			loop, bytes.Repeat([]byte{b.Block, b.NoResult}, 4_000), bytes.Repeat([]byte{b.End}, 4_000)))},
		{name: "loops-deep-functions", reason: "100 functions with 300 loops in each other", guest: functions(100,
			b.Body(1, 1, b.I32, in(300, loop), b.End))},
	})
}

// sizeCosts have very long functions of one instruction.
func sizeCosts() []costly {
	long := func(n int, parts ...any) func(*guest) {
		return func(g *guest) {
			g.procedure()
			g.Table(1, -1)
			g.Type(i32s(3), i32s(1))
			g.Function(i32s(1), nil, 0, bytes.Repeat(b.Body(parts...), n))
		}
	}
	vector := b.Body(b.Vector, 12, make([]byte, 16))
	var cases []costly
	add := func(name, reason string, guest func(*guest)) {
		cases = append(cases, costly{name: name, reason: reason, guest: guest})
	}
	add("loads", "500,000 loads in one function", long(500_000, b.LocalGet, 0, b.I32Load, 2, 0, b.Drop))
	add("loads-dependent", "300,000 loads, each from where the last one says", func(g *guest) {
		g.Function(i32s(1), i32s(1), 0, b.Body(b.LocalGet, 0, bytes.Repeat(b.Body(b.I32Load, 2, 0), 300_000)))
	})
	add("stores", "500,000 stores in one function", long(500_000, b.LocalGet, 0, b.LocalGet, 0, b.I32Store, 2, 0))
	add("constants", "a million constants in one function", long(1_000_000, b.Int64(1<<40), b.Drop))
	add("divisions", "300,000 divisions in one function", long(300_000, b.LocalGet, 0, b.LocalGet, 0, b.I32DivS, b.LocalSet, 0))
	add("selects", "500,000 selects in one function", long(500_000, b.LocalGet, 0, b.LocalGet, 0, b.LocalGet, 0, b.Select, b.LocalSet, 0))
	add("calls", "300,000 calls in one function", long(300_000, b.Call, 0))
	add("calls-indirect", "200,000 indirect calls in one function", long(200_000, b.Int32(0), b.CallIndirect, 0, 0))
	add("vectors", "100,000 vectors in one function", long(100_000, vector, vector, b.Vector, b.Unsigned(0xae), b.Drop))
	add("shuffles", "60,000 shuffles in one function", long(60_000, vector, vector, b.Vector, 13, make([]byte, 16), b.Drop))
	add("fills", "200,000 fills of memory in one function", long(200_000, bulk(0, 0, 1, memoryFill, 0)))
	add("conversions", "500,000 conversions in one function", long(500_000, b.F64Const, make([]byte, 8), b.I32TruncF64S, b.Drop))
	add("ifs", "40,000 ifs one after the other, in 160 KB", long(40_000, b.Int32(0), b.If, b.NoResult, b.End))
	add("growths", "200,000 growths of memory in one function", long(200_000, grow(0), b.Drop))
	add("br-tables-many", "2,000 functions with a table of 500 branches each", func(g *guest) {
		for range 2_000 {
			g.procedure(b.Block, b.NoResult, branchTable(make([]uint32, 500)...), b.End)
		}
	})
	return ofKind(kindCompile, cases)
}

// listCosts have many of something.
func listCosts() []costly {
	return ofKind(kindCompile, []costly{
		{name: "functions-many", reason: "200,000 functions that do nothing", guest: functions(200_000, []byte{0, b.End})},
		{name: "functions-small", reason: "20,000 functions that call each other", guest: func(g *guest) {
			for i := range uint32(20_000) {
				g.procedure(b.Call, b.Unsigned(i))
			}
		}},
		{name: "types-many", reason: "100,000 types of functions", guest: func(g *guest) {
			for i := range 100_000 {
				g.NewType([]byte{b.I32, b.I64, b.F32, b.F64}[:1+i%4], i32s(i/4%3))
			}
		}},
		{name: "types-wide", reason: "500 types with a thousand parameters and results", guest: func(g *guest) {
			for range 500 {
				g.NewType(i32s(1_000), i32s(1_000))
			}
		}},
		{name: "globals-many", reason: "30,000 variables, each of which the host reads before each call", guest: func(g *guest) {
			for range 30_000 {
				g.GlobalInt32(1)
			}
		}},
		{name: "parameters-times-functions", reason: "1,000 functions that take and return a thousand values", guest: func(g *guest) {
			for range 1_000 {
				g.Function(i32s(1_000), i32s(1_000), 0, localsOnStack(1_000))
			}
		}},
		{name: "parameters-times-calls", reason: "100 functions that hand on a thousand values a hundred times", guest: func(g *guest) {
			same := g.Function(i32s(1_000), i32s(1_000), 0, b.Body(b.Unreachable))
			for range 100 {
				g.procedure(bytes.Repeat(b.Int32(1), 1_000), bytes.Repeat(b.Body(b.Call, b.Unsigned(same)), 100),
					bytes.Repeat([]byte{b.Drop}, 1_000))
			}
		}},
	})
}

// extismBombs are twins of these in modules made with an Extism PDK.
func extismBombs() []costly {
	return ofKind(kindExtism, []costly{
		{name: "extism-locals", reason: "20,000 functions with 50,000 locals each", ends: silent, guest: func(g *guest) {
			functions(20_000, emptyWith(50_000, b.I32))(g)
			derive()(g)
		}},
		{name: "extism-loops", reason: "9,000 loops in each other", ends: silent, guest: func(g *guest) {
			g.Function(i32s(1), nil, 0, b.Body(bytes.Repeat(b.Body(b.Loop, b.NoResult, b.LocalGet, 0, b.BrIf, 0), 9_000), bytes.Repeat([]byte{b.End}, 9_000)))
			derive()(g)
		}},
		{name: "extism-values", reason: "8,000 values that live across 20,000 calls", ends: silent, guest: func(g *guest) {
			alive(8_000, func(_ *guest, f uint32) []byte { return bytes.Repeat(b.Body(b.Call, b.Unsigned(f)), 20_000) })(g)
			derive()(g)
		}},
	})
}
