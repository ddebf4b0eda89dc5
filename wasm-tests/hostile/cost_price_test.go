//go:build !race

package hostile

import (
	"bytes"

	"github.com/latticenet/lattice-host/abi"
	"github.com/latticenet/lattice-host/wasm-tests/hostile/probe"
	b "github.com/latticenet/lattice-host/wasm-tests/wasmbuild"
)

// Instructions of patterns of access.
const (
	i32GtU = 0x4b
	i32Or  = 0x72
)

// priced returns the shape of a guest whose call runs the instructions sixteen times a round,
// without end. Locals 3 and 4 are of type i32.
func priced(pages uint32, instructions ...any) func(*guest) {
	return func(g *guest) {
		g.pages, g.callLocals = pages, 2
		g.call = forever(bytes.Repeat(b.Body(instructions...), 16))
	}
}

// pricedTable is priced with a table that can grow.
func pricedTable(instructions func(f uint32) []byte) func(*guest) {
	return func(g *guest) {
		f := g.procedure()
		g.Table(10, 100)
		g.Elements(0, f)
		g.DeclaredElements(f)
		g.call = forever(bytes.Repeat(instructions(f), 16))
	}
}

// pricedImport is priced with a function of WASI, all of whose parameters are the given numbers.
func pricedImport(name string, args ...int32) func(*guest) {
	return func(g *guest) {
		f := g.wasi(name, len(args))
		g.call = forever(ignore(f, args...))
	}
}

// priceCosts take the host more time for a unit of fuel than others. They end with their fuel; what
// a unit costs is measured by the tests of the price list.
func priceCosts() []costly {
	const largest = abi.MaxMemoryBytes / pageSize
	scattered := b.Body(b.LocalGet, 3, b.Int32(1664525), b.I32Mul, b.Int32(1013904223), b.I32Add,
		b.Int32(abi.MaxMemoryBytes-1), b.I32And, b.LocalSet, 3)
	cases := []costly{
		{name: "price-add", reason: "additions", guest: priced(2, b.LocalGet, 3, b.Int32(7), b.I32Add, b.LocalSet, 3)},
		{name: "price-load", reason: "loads, each from where the last one says", guest: priced(2,
			b.LocalGet, 3, b.Int32(4092), b.I32And, b.I32Load, 2, 0, b.LocalSet, 3)},
		{name: "price-mix", reason: "multiplications and shifts", guest: func(g *guest) {
			g.Global(b.I64, b.Int64(1))
			g.call = forever(bytes.Repeat(b.Body(b.GlobalGet, 0, b.Int64(6364136223846793005), b.I64Mul,
				b.GlobalGet, 0, b.Int64(17), b.I64ShrU, b.I64Xor, b.GlobalSet, 0), 16))
		}},
		{name: "price-leaf", reason: "calls of a function that does nothing", guest: pricedTable(func(f uint32) []byte {
			return b.Body(b.Call, b.Unsigned(f))
		})},
		{name: "price-copy", reason: "copies of 32 MiB", manifest: allMemory, guest: priced(largest,
			bulk(abi.MaxMemoryBytes/2, pageSize, abi.MaxMemoryBytes/2-pageSize, memoryCopy, 0, 0))},
		{name: "price-memory-grow", reason: "memory that grows by nothing", guest: priced(2, grow(0), b.Drop)},
		{name: "price-scattered", reason: "loads from all over 64 MiB", manifest: allMemory, guest: priced(largest, scattered,
			b.LocalGet, 3, b.I32Load8U, 0, 0, b.Drop)},
		{name: "price-scattered-stores", reason: "stores all over 64 MiB", manifest: allMemory, guest: priced(largest, scattered,
			b.LocalGet, 3, b.Int32(1), b.Int32(0), i32Or, b.I32Store, 0, 0)},
		{name: "price-chase", reason: "loads from all over 64 MiB, each from where the last one says", manifest: allMemory, guest: priced(largest,
			scattered, b.LocalGet, 3, b.LocalGet, 3, b.I32Load8U, 0, 0, b.Int32(12), i32GtU, b.I32Add, b.LocalSet, 3)},
		{name: "price-ref-func", reason: "references", guest: pricedTable(func(f uint32) []byte { return b.Body(b.Reference(f), b.Drop) })},
		{name: "price-table-grow", reason: "a table that grows by nothing", guest: pricedTable(func(uint32) []byte {
			return b.Body(growTable(0), b.Drop)
		})},
		{name: "price-table-fill", reason: "a table filled with nothing", guest: pricedTable(func(uint32) []byte { return tableFill(0, 0) })},
		{name: "price-copy-nothing", reason: "copies of nothing", guest: priced(2, bulk(0, 0, 0, memoryCopy, 0, 0))},
		{name: "price-fd-write", reason: "1,024 empty buffers written to the log", guest: pricedImport("fd_write", 1, 8192, 1024, 64)},
		{name: "price-poll", reason: "a poll of one clock", guest: pricedImport("poll_oneoff", 8192, 8448, 1, 64)},
		{name: "price-random", reason: "random bytes", guest: pricedImport("random_get", 8192, 65536)},
		{name: "price-random-one", reason: "one random byte at a time", guest: pricedImport("random_get", 8192, 1)},
	}
	for i := range cases {
		cases[i].ends = spends
		cases[i].calls = 100
	}
	return ofKind(kindPrice, cases)
}

// derive returns the shape of a guest for Extism whose call runs instructions and sets no output.
func derive(parts ...any) func(*guest) {
	return func(g *guest) {
		g.extism, g.callLocals = true, 1
		g.call = b.Body(b.Body(parts...), b.Int32(0))
	}
}

// extismCosts are twins of the others in modules made with an Extism PDK. Those have an instance
// for each call, and nothing is answered.
func extismCosts() []costly {
	const manyPages = 950
	cases := []costly{
		{name: "extism-grow", reason: "62 MB written, and 300 million rounds", calls: 10, ends: []probe.Class{probe.Fuel}, manifest: allMemory,
			guest: derive(grow(manyPages), b.Drop, bulk(0, 1, 62_000_000, memoryFill, 0), times(300_000_000, 0))},
		{name: "extism-grow-loop", reason: "memory page by page", ends: []probe.Class{probe.Memory}, calls: 100,
			guest: derive(forever(grow(1), trapIfRefused()))},
		{name: "extism-endless", reason: "a loop without end", ends: spends, calls: 100, guest: derive(forever(b.Int32(1), b.Drop))},
		{name: "extism-ref-func", reason: "references in a loop", ends: silent, guest: func(g *guest) {
			f := g.procedure()
			g.DeclaredElements(f)
			derive(times(rounds/10, 0, dropped(g, f)))(g)
		}},
		{name: "extism-straight", reason: "200,000 calls of functions that check nothing", manifest: little, ends: spends, guest: func(g *guest) {
			f := leaf(g, 60)
			derive(bytes.Repeat(b.Body(b.Call, b.Unsigned(f)), 40_000))(g)
		}},
		{name: "extism-start", reason: "a start function that does not end", ends: spends, calls: 20, guest: func(g *guest) {
			g.Start(g.procedure(forever(b.Int32(1), b.Drop)))
			derive()(g)
		}},
		{name: "extism-elements", reason: "a hundred passive segments of 100,000 functions", guest: func(g *guest) {
			f := g.procedure()
			g.Table(1, 1)
			for range 100 {
				g.PassiveElements(make([]uint32, 100_000)...)
			}
			derive(b.Call, b.Unsigned(f))(g)
		}},
	}
	return ofKind(kindExtism, cases)
}
