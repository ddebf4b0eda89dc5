package main

import (
	"slices"

	"github.com/latticenet/lattice-host/abi"
	b "github.com/latticenet/lattice-host/wasm-tests/wasmbuild"
)

// How much a row does in a call: about a few milliseconds.
const (
	inLoop     = 32
	loopRounds = 50_000
)

// rows returns everything that is measured.
func rows() []row {
	return slices.Concat(instructionRows(), accessRows(), callRows(), tableRows(), bulkRows(), wasiRows(), hostRows(), extismRows())
}

// plain returns a row that repeats instructions.
func plain(name string, work []byte) row {
	return row{name: name, wasm: (&guest{work: work, times: inLoop, rounds: loopRounds}).build()}
}

// instructionRows are instructions on locals, each on the result of the one before.
func instructionRows() []row {
	drop := []byte{b.Drop}
	small := slices.Concat(b.Int64(3), b.Body(0x84))
	rows := []row{
		plain("i32.const, drop", slices.Concat(b.Int32(7), drop)),
		plain("local.get, local.set", unary(a)),
		plain("global.get, global.set", []byte{b.GlobalGet, 0, b.GlobalSet, 0}),
		plain("memory.size", slices.Concat([]byte{b.MemorySize, 0}, drop)),
		plain("ref.null, ref.is_null", []byte{b.RefNull, b.FuncRef, b.RefIsNull, b.LocalSet, a}),
		plain("select", slices.Concat(get(x), get(y), get(a), []byte{0x1b}, set(y))),
		plain("block, br_if", slices.Concat([]byte{b.Block, b.NoResult}, get(a), []byte{b.BrIf, 0, b.End})),
		plain("if, else", slices.Concat(get(a), []byte{b.If, b.NoResult}, get(a), set(c), []byte{b.Else}, get(c), set(a), []byte{b.End})),
		plain("br_table", slices.Concat([]byte{b.Block, b.NoResult, b.Block, b.NoResult}, get(a), []byte{b.BrTable, 1, 0, 1, b.End, b.End}, unary(a, 0x67))),
		plain("v128.const", slices.Concat(simd(0x0c), make([]byte, 16), set(v))),
		plain("i64.div_u", slices.Concat(get(y), get(x), small, []byte{0x80}, set(y))),
		plain("i64.div_s", slices.Concat(get(y), get(x), small, []byte{0x7f}, set(y))),
		plain("i64.rem_s", slices.Concat(get(y), get(x), small, []byte{0x81}, set(y))),
		plain("i32.rem_u", slices.Concat(get(c), b.Int32(7), []byte{0x70}, set(c))),
	}
	for _, n := range []struct {
		name  string
		local byte
		op    []byte
	}{
		{"i32.clz", a, []byte{0x67}}, {"i64.popcnt", x, []byte{0x7b}}, {"i64.eqz, extend", x, []byte{0x50, 0xad}},
		{"f64.sqrt", f, []byte{0x9f}}, {"f64.nearest", f, []byte{0x9e}}, {"f64.ceil", f, []byte{0x9b}},
		{"f32.sqrt", s, []byte{0x91}}, {"f32.demote, promote", f, []byte{0xb6, 0xbb}},
		{"i64.trunc_f64_s, convert_s", f, []byte{0xb0, 0xb9}}, {"i64.trunc_f64_u, convert_u", f, []byte{0xb1, 0xba}},
		{"i64.trunc_sat_f64_u, convert_u", f, []byte{0xfc, 0x07, 0xba}}, {"i32.trunc_sat_f32_u, convert_u", s, []byte{0xfc, 0x01, 0xb3}},
		{"i64.reinterpret, f64.reinterpret", f, []byte{0xbd, 0xbf}},
		{"i8x16.popcnt", v, simd(0x62)}, {"f32x4.nearest", v, simd(0x6a)}, {"f64x2.sqrt", v, simd(0xef)},
		{"i32x4.trunc_sat_f32x4_u", v, simd(0xf9)}, {"f32x4.convert_i32x4_u", v, simd(0xfb)}, {"i32x4.trunc_sat_f64x2_u_zero", v, simd(0xfd)},
		{"i64x2.abs", v, simd(0xc0)}, {"i32x4.extadd_pairwise_i16x8_s", v, simd(0x7e)},
	} {
		rows = append(rows, plain(n.name, unary(n.local, n.op...)))
	}
	for _, n := range []struct {
		name         string
		local, other byte
		op           []byte
	}{
		{"i32.add", a, c, []byte{0x6a}}, {"i64.mul", x, y, []byte{0x7e}}, {"i64.rotl", x, y, []byte{0x89}}, {"i32.lt_s", a, c, []byte{0x48}},
		{"f64.add", f, g, []byte{0xa0}}, {"f64.mul", f, g, []byte{0xa2}}, {"f64.div", f, g, []byte{0xa3}}, {"f64.min", f, g, []byte{0xa4}},
		{"f64.copysign", f, g, []byte{0xa6}},
		{"i8x16.add", v, w, simd(0x6e)}, {"i64x2.mul", v, w, simd(0xd5)}, {"i32x4.mul", v, w, simd(0xb5)}, {"i8x16.swizzle", v, w, simd(0x0e)},
		{"i16x8.q15mulr_sat_s", v, w, simd(0x82)}, {"f64x2.div", v, w, simd(0xf3)}, {"f64x2.min", v, w, simd(0xf4)}, {"i32x4.dot_i16x8_s", v, w, simd(0xba)},
		{"i8x16.narrow_i16x8_u", v, w, simd(0x66)}, {"i64x2.ge_s", v, w, simd(0xdb)}, {"i16x8.extmul_high_i8x16_s", v, w, simd(0x9d)},
		{"i8x16.shuffle", v, w, append(simd(0x0d), 31, 2, 29, 4, 27, 6, 25, 8, 23, 10, 21, 12, 19, 14, 17, 0)},
	} {
		rows = append(rows, plain(n.name, binary(n.local, n.other, n.op...)))
	}
	for _, n := range []struct {
		name string
		op   uint32
	}{{"i8x16.shl", 0x6b}, {"i8x16.shr_s", 0x6c}, {"i64x2.shr_s", 0xcc}} {
		rows = append(rows, plain(n.name, slices.Concat(get(v), get(a), simd(n.op), set(v))))
	}
	// Numbers too small for the fast path of a processor: 1e-310 times 0.5 and back.
	denormal := slices.Concat([]byte{b.F64Const}, []byte{0x58, 0x0b, 0xda, 0xb5, 0x68, 0x12, 0, 0}, set(f), []byte{b.F64Const, 0, 0, 0, 0, 0, 0, 0xe0, 0x3f}, set(g))
	return append(rows, row{name: "f64.mul, f64.div of denormal numbers", wasm: (&guest{
		before: denormal, work: slices.Concat(binary(f, g, 0xa2), binary(f, g, 0xa3)), times: inLoop, rounds: loopRounds,
	}).build()})
}

// address is a = (a * 1664525 + 1013904223) & mask, so that what follows is anywhere in memory.
func address(mask int32) []byte {
	return slices.Concat(get(a), b.Int32(1664525), []byte{0x6c}, b.Int32(1013904223), []byte{0x6a}, b.Int32(mask), []byte{0x71}, set(a))
}

// accessRows are ways to use 64 MiB of memory.
func accessRows() []row {
	const top = abi.MaxMemoryBytes - 64
	load := func(op ...byte) []byte { return append(op, 0, 0) }
	over := func(name string, rounds int, before, work []byte) row {
		return row{name: name, wasm: (&guest{before: before, work: work, times: inLoop, rounds: rounds, pages: memoryPages}).build()}
	}
	// A cycle through all of memory in an order that no processor foresees: word i leads to (i *
	// 26405 + 12345) mod 2^14 pages.
	cycle := slices.Concat([]byte{b.Loop, b.NoResult},
		get(count), b.Int32(4160), []byte{0x6c}, b.Int32(67108800), []byte{0x71},
		get(count), b.Int32(26405), []byte{0x6c}, b.Int32(12345), []byte{0x6a}, b.Int32(4160), []byte{0x6c}, b.Int32(67108800), []byte{0x71},
		load(b.I32Store), get(count), b.Int32(1), []byte{0x6a, b.LocalTee, count}, b.Int32(1<<20), []byte{0x49, b.BrIf, 0, b.End})
	touch := slices.Concat([]byte{b.Loop, b.NoResult}, get(count), b.Int32(1), load(b.I32Store), get(count), b.Int32(4096), []byte{0x6a, b.LocalTee, count},
		b.Int32(abi.MaxMemoryBytes), []byte{0x49, b.BrIf, 0, b.End})
	step := slices.Concat(get(a), b.Int32(64), []byte{0x6a}, b.Int32(top), []byte{0x71}, set(a))
	return []row{
		plain("i32.load of one place", slices.Concat(get(c), load(b.I32Load), set(c))),
		plain("i64.store to one place", slices.Concat(b.Int32(scratchAt), get(x), load(b.I64Store))),
		plain("i64.load across lines", slices.Concat(b.Int32(scratchAt+61), load(0x29), set(x))),
		plain("i64.store, i64.load across pages", slices.Concat(b.Int32(2*4096-3), get(x), load(b.I64Store), b.Int32(2*4096-3), load(0x29), set(x))),
		plain("v128.load across lines", slices.Concat(b.Int32(scratchAt+55), load(simd(0)...), set(v))),
		plain("v128.store", slices.Concat(b.Int32(scratchAt), get(v), load(simd(0x0b)...))),
		plain("v128.load8_lane", slices.Concat(b.Int32(scratchAt), get(v), load(simd(0x54)...), []byte{3}, set(v))),
		over("loads in order", loopRounds, touch, slices.Concat(step, get(a), load(b.I32Load), set(c))),
		over("loads anywhere", loopRounds/4, touch, slices.Concat(address(top), get(c), get(a), load(b.I32Load), []byte{0x6a}, set(c))),
		over("stores anywhere", loopRounds/4, touch, slices.Concat(address(top), get(a), get(c), load(b.I32Store))),
		over("v128 loads anywhere", loopRounds/4, touch, slices.Concat(address(top), get(a), load(simd(0)...), set(v))),
		over("loads that depend on each other", loopRounds, cycle, slices.Concat(get(a), load(b.I32Load), set(a))),
		over("loads in loads", loopRounds/8, cycle, slices.Concat(get(a), slices.Repeat(load(b.I32Load), 16), set(a))),
		over("first touch of memory", 1, nil, slices.Concat([]byte{b.Loop, b.NoResult}, get(a), get(a), load(b.I32Store), get(a), b.Int32(4096), []byte{0x6a, b.LocalTee, a},
			b.Int32(abi.MaxMemoryBytes), []byte{0x49, b.BrIf, 0, b.End}, b.Int32(0), set(a))),
	}
}

// callRows are calls within a guest.
func callRows() []row {
	i32 := []byte{b.I32}
	with := func(name string, times, rounds int, add func(u *guest) []byte) row {
		u := &guest{times: times, rounds: rounds}
		u.work = add(u)
		return row{name: name, wasm: u.build()}
	}
	return []row{
		with("call of a leaf", inLoop, loopRounds, func(u *guest) []byte { return b.Body(b.Call, int(u.Function(nil, nil, 0, nil))) }),
		with("call of a function that calls", inLoop, loopRounds/4, func(u *guest) []byte {
			leaf := u.Function(nil, nil, 0, nil)
			return b.Body(b.Call, int(u.Function(nil, nil, 0, b.Body(b.Call, int(leaf), b.Call, int(leaf)))))
		}),
		with("call_indirect", inLoop, loopRounds, func(u *guest) []byte {
			u.Table(1, 1)
			u.Elements(0, u.Function(nil, nil, 0, nil))
			return slices.Concat(b.Int32(0), []byte{b.CallIndirect, 0, 0})
		}),
		with("a function with 1,000 locals", inLoop, 20_000, func(u *guest) []byte { return b.Body(b.Call, int(u.Function(nil, nil, 1_000, nil))) }),
		with("a function with 1,000 parameters", 1, 500, func(u *guest) []byte {
			return slices.Concat(slices.Repeat(b.Int32(0), 1_000), b.Body(b.Call, int(u.Function(slices.Repeat(i32, 1_000), nil, 0, nil))))
		}),
		with("recursion 10,000 deep, again and again", 1, 100, func(u *guest) []byte { return recursion(u, 10_000) }),
		with("recursion 500,000 deep, once", 1, 1, func(u *guest) []byte { return recursion(u, 500_000) }),
	}
}

// recursion returns a call of a function that calls itself so deep.
func recursion(u *guest, depth int32) []byte {
	self := u.Function([]byte{b.I32}, nil, 0, slices.Concat(get(0), []byte{b.If, b.NoResult}, get(0), b.Int32(1), []byte{0x6b, b.Call, 0, b.End}))
	return slices.Concat(b.Int32(depth), b.Body(b.Call, int(self)))
}

// tableRows are instructions on tables and references.
func tableRows() []row {
	with := func(name string, times, rounds int, work ...[]byte) row {
		u := &guest{times: times, rounds: rounds, work: slices.Concat(work...)}
		u.Table(10_000, 1_000_000)
		first := u.Function(nil, nil, 0, nil)
		u.PassiveElements(slices.Repeat([]uint32{first}, 10_000)...)
		return row{name: name, wasm: u.build()}
	}
	zero, null, drop := b.Int32(0), []byte{b.RefNull, b.FuncRef}, []byte{b.Drop}
	return []row{
		with("ref.func", inLoop, loopRounds, []byte{b.RefFunc, 0}, drop),
		with("table.get", inLoop, loopRounds, zero, []byte{b.TableGet, 0}, drop),
		with("table.set", inLoop, loopRounds, zero, null, []byte{b.TableSet, 0}),
		with("table.size", inLoop, loopRounds, bulk(0x10, 0), drop),
		with("table.grow by 0", inLoop, loopRounds/10, null, zero, bulk(0x0f, 0), drop),
		with("table.grow by 1", 1, 5_000, null, b.Int32(1), bulk(0x0f, 0), drop),
		with("table.grow by 50,000", 1, 10, []byte{b.RefFunc, 0}, b.Int32(50_000), bulk(0x0f, 0), drop),
		with("table.grow beyond its most", inLoop, loopRounds/10, null, b.Int32(-1), bulk(0x0f, 0), drop),
		with("table.fill of nothing", inLoop, loopRounds, zero, null, zero, bulk(0x11, 0)),
		with("table.fill of one", inLoop, loopRounds, zero, null, b.Int32(1), bulk(0x11, 0)),
		with("table.fill", 1, 1_000, zero, null, b.Int32(10_000), bulk(0x11, 0)),
		with("table.copy of nothing", inLoop, loopRounds, zero, zero, zero, bulk(0x0e, 0, 0)),
		with("table.copy", 1, 1_000, zero, zero, b.Int32(10_000), bulk(0x0e, 0, 0)),
		with("table.init of nothing", inLoop, loopRounds, zero, zero, zero, bulk(0x0c, 0, 0)),
		with("table.init", 1, 1_000, zero, zero, b.Int32(10_000), bulk(0x0c, 0, 0)),
		with("elem.drop", inLoop, loopRounds, bulk(0x0d, 0)),
	}
}

// bulkRows are instructions on ranges of memory, and growth.
func bulkRows() []row {
	with := func(name string, times, rounds int, work ...[]byte) row {
		u := &guest{times: times, rounds: rounds, pages: memoryPages, work: slices.Concat(work...)}
		u.PassiveData(make([]byte, 100_000))
		return row{name: name, wasm: u.build()}
	}
	zero, half, drop := b.Int32(0), b.Int32(abi.MaxMemoryBytes/2), []byte{b.Drop}
	grow := &guest{times: 1, rounds: 500, work: slices.Concat(b.Int32(1), []byte{b.MemoryGrow, 0}, drop)}
	return []row{
		with("memory.copy of nothing", inLoop, loopRounds, zero, zero, zero, bulk(0x0a, 0, 0)),
		with("memory.copy of 7 bytes", inLoop, loopRounds, b.Int32(dataAt), zero, b.Int32(7), bulk(0x0a, 0, 0)),
		with("memory.copy of 4 KiB", inLoop, loopRounds/50, b.Int32(dataAt), zero, b.Int32(4096), bulk(0x0a, 0, 0)),
		with("memory.copy of 30 MiB", 1, 10, half, b.Int32(dataAt), b.Int32(30<<20), bulk(0x0a, 0, 0)),
		with("memory.fill of nothing", inLoop, loopRounds, zero, zero, zero, bulk(0x0b, 0)),
		with("memory.fill of 7 bytes", inLoop, loopRounds, b.Int32(dataAt), zero, b.Int32(7), bulk(0x0b, 0)),
		with("memory.fill of 60 MiB", 1, 10, b.Int32(dataAt), zero, b.Int32(60<<20), bulk(0x0b, 0)),
		with("memory.init of nothing", inLoop, loopRounds, zero, zero, zero, bulk(0x08, 0, 0)),
		with("memory.init", 1, 1_000, b.Int32(dataAt), zero, b.Int32(100_000), bulk(0x08, 0, 0)),
		with("data.drop", inLoop, loopRounds, bulk(0x09, 0)),
		with("memory.grow by 0", inLoop, loopRounds/10, zero, []byte{b.MemoryGrow, 0}, drop),
		with("memory.grow beyond its most", inLoop, loopRounds/10, b.Int32(-1), []byte{b.MemoryGrow, 0}, drop),
		{name: "memory.grow by 1", wasm: grow.build()},
	}
}
