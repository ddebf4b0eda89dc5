package hostile

import (
	"bytes"

	b "github.com/latticenet/lattice-host/wasm-tests/wasmbuild"
)

// ownMemory returns a change to one memory with the limits.
func ownMemory(limits ...byte) func([]byte) []byte {
	return changed(memorySection, func([]byte) []byte { return append([]byte{1}, limits...) })
}

// hasPages returns the shape of a guest with so many pages of memory.
func hasPages(pages uint32, most int64) func(*guest) {
	return func(g *guest) { g.pages, g.mostPages = pages, most }
}

const gigabyte = 1 << 30 / pageSize

// declarationCases declare more than there may be.
func declarationCases() []hostile {
	return []hostile{
		{name: "memory-twice", reason: "two memories", guest: func(g *guest) { g.Memory(1, -1) }, want: contract},
		{name: "memory-64-bit", reason: "memory with 64-bit addresses", bytes: ownMemory(4, 2), want: refused},
		{name: "memory-shared", reason: "memory that threads share", bytes: ownMemory(3, 2, 2), want: refused},
		{name: "memory-page-size", reason: "memory with pages of its own size", bytes: ownMemory(8, 2, 0), want: refused},
		{name: "memory-gigabyte", reason: "1 GiB of memory from the beginning", guest: hasPages(gigabyte, -1), want: contract},
		{name: "memory-gigabyte-later", reason: "up to 1 GiB of memory, none of which is taken", guest: hasPages(2, gigabyte), want: ok},
		{name: "memory-four-gigabytes", reason: "all memory that there can be", guest: hasPages(65_536, 65_536), want: contract},
		{name: "memory-beyond-addresses", reason: "more pages than addresses", guest: hasPages(65_537, -1), want: refused},
		{name: "memory-backwards", reason: "a maximum below the minimum", guest: hasPages(2, 1), want: refused},
		{name: "memory-above-manifest", reason: "one page more than the manifest says", guest: hasPages(memoryBytes/pageSize+1, -1), want: contract},
		{name: "table-too-large", reason: "a table of a million and one elements", guest: func(g *guest) { g.Table(1_000_001, -1) }, want: contract},
		{name: "table-four-billion", reason: "a table of 32 GiB", guest: func(g *guest) { g.Table(1<<32-1, -1) }, want: contract},
		{name: "table-largest", reason: "a table of a million elements for every instance", guest: func(g *guest) { g.Table(1_000_000, -1) }, want: ok},
		{name: "table-twice", reason: "two tables", guest: func(g *guest) { g.Table(1, -1); g.Table(1, -1) }, want: contract},
		{name: "type-flood", reason: "more types than any compiler makes", bytes: instead(header + string(b.Section(nil, typeSection,
			append(b.Unsigned(1_000_001), bytes.Repeat([]byte{0x60, 0, 0}, 1_000_001)...)))), want: refused},
		{name: "type-giant", reason: "a function type of a hundred thousand parameters", guest: func(g *guest) { g.Type(i32s(100_000), nil) }, want: refused},
		{name: "type-thousand", reason: "a function that returns a thousand values", guest: func(g *guest) {
			g.Function(nil, i32s(1000), 0, bytes.Repeat(b.Int32(7), 1000))
		}, want: ok},
		{name: "globals-many", reason: "ten thousand variables to put back", guest: func(g *guest) {
			for i := range int32(10_000) {
				g.GlobalInt32(i)
			}
		}, want: ok},
		{name: "functions-many", reason: "ten thousand functions", guest: func(g *guest) {
			for range 10_000 {
				g.procedure()
			}
		}, want: ok},
		{name: "functions-without-code", reason: "functions whose code is missing", bytes: instead(header +
			string(b.Section(b.Section(nil, typeSection, []byte{1, 0x60, 0, 0}), functionSection, append(b.Unsigned(1000), make([]byte, 1000)...)))), want: refused},
		{name: "start-missing", reason: "a start function that does not exist", guest: func(g *guest) { g.Start(1 << 30) }, want: refused},
		{name: "start-type", reason: "a start function with a parameter", guest: func(g *guest) { g.Start(g.Function(i32s(1), nil, 0, nil)) }, want: refused},
		{name: "data-out-of-range", reason: "data after the end of memory", guest: func(g *guest) { g.Data(2*pageSize-1, []byte("xx")) }, want: trap},
		{name: "data-negative", reason: "data at a negative address", guest: func(g *guest) { g.Data(-1, []byte("x")) }, want: trap},
		{name: "data-huge", reason: "8 MiB of data for a memory of 128 KiB", guest: func(g *guest) { g.Data(0, make([]byte, 8<<20)); g.pages = 2 }, want: trap},
		{name: "data-huge-passive", reason: "8 MiB of data that is never used", guest: func(g *guest) { g.PassiveData(make([]byte, 8<<20)) }, want: ok},
		{name: "data-flood", reason: "fifty thousand empty segments", guest: func(g *guest) {
			for range 50_000 {
				g.Data(0, nil)
			}
		}, want: ok},
		{name: "data-count-lies", reason: "a count of data without data", bytes: func(wasm []byte) []byte {
			return bytes.Replace(wasm, sectionOf(wasm, codeSection), append([]byte{countSection, 1, 9}, sectionOf(wasm, codeSection)...), 1)
		}, want: refused},
		{name: "elements-out-of-range", reason: "functions after the end of a table, which the engine skips", guest: func(g *guest) {
			g.Table(1, -1)
			g.Elements(1, g.procedure())
		}, want: ok},
		{name: "elements-missing-function", reason: "a table of functions that do not exist", guest: func(g *guest) {
			g.Table(1, -1)
			g.Elements(0, 1<<30)
		}, want: refused},
	}
}
