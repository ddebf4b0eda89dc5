package hostile

import (
	"github.com/latticenet/lattice-host/abi"
	b "github.com/latticenet/lattice-host/wasm-tests/wasmbuild"
)

// allMemory asks for as much memory as the contract allows.
func allMemory(m *abi.Manifest) { m.Limits.MemoryBytes = abi.MaxMemoryBytes }

// grow adds pages of memory and leaves what memory.grow answers.
func grow(pages int32) []byte { return b.Body(b.Int32(pages), b.MemoryGrow, 0) }

// growTable adds null to table 0 and leaves what table.grow answers.
func growTable(by int32) []byte {
	return b.Body(b.RefNull, b.FuncRef, b.Int32(by), b.TableGrow())
}

// growthCases ask for more and more.
func growthCases() []hostile {
	return []hostile{
		{name: "memory-grow-loop", reason: "memory page by page until it is refused", guest: calls(forever(grow(1), trapIfRefused())), want: memory},
		{name: "memory-grow-whole-contract", reason: "all memory that the contract allows, in steps of 1 MiB", manifest: allMemory,
			guest: calls(forever(grow(16), trapIfRefused())), want: memory},
		{name: "memory-grow-at-once", reason: "4 GiB at once", guest: calls(grow(60_000), trapIfRefused(), answered()), want: memory},
		{name: "memory-grow-negative", reason: "a negative number of pages", guest: calls(grow(-1), trapIfRefused(), answered()), want: trap},
		{name: "memory-grow-most", reason: "as much at once as the contract allows anyone", guest: calls(grow(abi.MaxMemoryBytes/pageSize), trapIfRefused(), answered()), want: memory},
		{name: "memory-grow-stubborn", reason: "memory again and again, whatever the host says", guest: calls(forever(grow(1), b.Drop)), want: endless},
		{name: "memory-grow-nothing", reason: "no memory, forever", guest: calls(forever(grow(0), b.Drop)), want: endless},
		{name: "memory-grow-at-start", reason: "memory in the start function", guest: func(g *guest) {
			g.Start(g.procedure(forever(grow(1), trapIfRefused())))
		}, want: memory},
		{name: "memory-grow-at-initialize", reason: "memory in _initialize", guest: func(g *guest) {
			g.initialize = forever(grow(1), trapIfRefused())
		}, want: memory},
		{name: "memory-grow-in-alloc", reason: "memory for every request", guest: func(g *guest) {
			g.alloc = forever(grow(1), trapIfRefused())
		}, want: memory},
		{name: "memory-own-maximum", reason: "more memory than the module itself allows", guest: func(g *guest) {
			g.pages, g.mostPages = 2, 3
			g.call = forever(grow(1), trapIfRefused())
		}, want: trap},
		{name: "memory-bomb", reason: "25 MiB in a few bytes of code, all of it written", manifest: allMemory, guest: calls(
			grow(400), b.Drop, b.Int32(pageSize*2), b.Int32(0xff), b.Int32(400*pageSize), b.Bulk, 11, 0, answered()), want: ok},
		{name: "table-grow-at-once", reason: "a table of 16 GiB at once", guest: func(g *guest) {
			g.Table(1, -1)
			g.call = b.Body(growTable(1<<31-1), trapIfRefused(), answered())
		}, want: stopped},
		{name: "table-grow-loop", reason: "a table in steps of a thousand until it is refused", guest: func(g *guest) {
			g.Table(1, -1)
			g.call = forever(growTable(1000), trapIfRefused())
		}, want: trap},
		{name: "table-grow-stubborn", reason: "a table again and again", guest: func(g *guest) {
			g.Table(1, -1)
			g.call = forever(growTable(100_000), b.Drop)
		}, want: endless},
		{name: "table-grow-nothing", reason: "no elements, forever", guest: func(g *guest) {
			g.Table(1, -1)
			g.call = forever(growTable(0), b.Drop)
		}, want: endless},
	}
}

// bulk is an instruction on memory or tables with three operands.
func bulk(to, from, size int32, opcode ...int) []byte {
	code := b.Body(b.Int32(to), b.Int32(from), b.Int32(size), b.Bulk)
	for _, o := range opcode {
		code = append(code, byte(o))
	}
	return code
}

// The instructions of the bulk memory proposal, after their prefix.
const (
	memoryInit = 8
	dataDrop   = 9
	memoryCopy = 10
	memoryFill = 11
	tableInit  = 12
	elemDrop   = 13
	tableCopy  = 14
)

// tableFill fills table 0 with null.
func tableFill(at, size int32) []byte {
	return b.Body(b.Int32(at), b.RefNull, b.FuncRef, b.Int32(size), b.Bulk, 17, 0)
}

// bulkCases move much with few instructions.
func bulkCases() []hostile {
	const much = memoryBytes / 2
	large := func(parts ...any) func(*guest) {
		return func(g *guest) { g.pages, g.call = memoryBytes/pageSize, b.Body(parts...) }
	}
	return []hostile{
		{name: "memory-fill-flood", reason: "megabytes with each instruction", guest: large(forever(bulk(0, 0, much, memoryFill, 0))), want: endless},
		{name: "memory-copy-flood", reason: "megabytes from here to there", guest: large(forever(bulk(0, 100, much, memoryCopy, 0, 0))), want: endless},
		{name: "memory-init-flood", reason: "megabytes of data again and again", guest: func(g *guest) {
			g.PassiveData(make([]byte, much))
			g.pages = memoryBytes / pageSize
			g.call = forever(bulk(0, 0, much, memoryInit, 0, 0))
		}, want: endless},
		{name: "memory-copy-nothing", reason: "copies of nothing, forever", guest: calls(forever(bulk(0, 0, 0, memoryCopy, 0, 0))), want: endless},
		{name: "table-fill-flood", reason: "a table of a million, again and again", guest: func(g *guest) {
			g.Table(1_000_000, -1)
			g.call = forever(tableFill(0, 1_000_000))
		}, want: endless},
		{name: "table-copy-flood", reason: "a table onto itself", guest: func(g *guest) {
			g.Table(1_000_000, -1)
			g.call = forever(bulk(0, 1, 999_999, tableCopy, 0, 0))
		}, want: endless},
		{name: "memory-fill-out-of-range", reason: "filling beyond the end", guest: calls(bulk(0, 0, -1, memoryFill, 0), answered()), want: stopped},
		{name: "memory-copy-out-of-range", reason: "copying from beyond the end", guest: calls(bulk(0, 2*pageSize, 1, memoryCopy, 0, 0), answered()), want: trap},
		{name: "memory-init-out-of-range", reason: "more data than there is", guest: func(g *guest) {
			g.PassiveData([]byte("x"))
			g.call = b.Body(bulk(0, 0, 2, memoryInit, 0, 0), answered())
		}, want: trap},
		{name: "memory-init-missing", reason: "data that does not exist", guest: calls(bulk(0, 0, 0, memoryInit, 5, 0), answered()), want: contract},
		{name: "data-dropped-twice", reason: "data dropped twice", guest: func(g *guest) {
			g.PassiveData([]byte("x"))
			g.call = b.Body(b.Bulk, dataDrop, 0, b.Bulk, dataDrop, 0, answered())
		}, want: ok},
		{name: "data-used-after-drop", reason: "data after it was dropped", guest: func(g *guest) {
			g.PassiveData([]byte("x"))
			g.call = b.Body(b.Bulk, dataDrop, 0, bulk(0, 0, 1, memoryInit, 0, 0), answered())
		}, want: trap},
		{name: "elements-dropped-twice", reason: "functions dropped twice", guest: func(g *guest) {
			g.Table(1, -1)
			g.PassiveElements(g.procedure())
			g.call = b.Body(b.Bulk, elemDrop, 0, b.Bulk, elemDrop, 0, answered())
		}, want: ok},
		{name: "elements-used-after-drop", reason: "functions after they were dropped", guest: func(g *guest) {
			g.Table(1, -1)
			g.PassiveElements(g.procedure())
			g.call = b.Body(b.Bulk, elemDrop, 0, bulk(0, 0, 1, tableInit, 0, 0), answered())
		}, want: trap},
		{name: "table-init-out-of-range", reason: "functions after the end of a table", guest: func(g *guest) {
			g.Table(1, -1)
			g.PassiveElements(g.procedure())
			g.call = b.Body(bulk(1, 0, 1, tableInit, 0, 0), answered())
		}, want: trap},
	}
}

// trapUnlessZero traps if the number on the stack is not 0.
func trapUnlessZero() []byte {
	return b.Body(b.If, b.NoResult, b.Unreachable, b.End)
}

// stateCases change something and trap in the call that finds it changed: the next one must not.
func stateCases() []hostile {
	return []hostile{
		{name: "state-in-memory", reason: "a mark in memory", guest: calls(
			b.Int32(scratchAt), b.I32Load, 2, 0, trapUnlessZero(),
			b.Int32(scratchAt), b.Int32(1), b.I32Store, 2, 0, answered()), want: ok},
		{name: "state-in-last-page", reason: "a mark in the last bytes of memory", guest: calls(
			b.Int32(2*pageSize-4), b.I32Load, 2, 0, trapUnlessZero(),
			b.Int32(2*pageSize-4), b.Int32(1), b.I32Store, 2, 0, answered()), want: ok},
		{name: "state-in-grown-memory", reason: "a mark in memory that was not there before", guest: calls(
			b.MemorySize, 0, b.Int32(2), b.I32Eq, b.I32Eqz, trapUnlessZero(),
			grow(1), b.Drop, b.Int32(2*pageSize), b.I32Load, 2, 0, trapUnlessZero(),
			b.Int32(2*pageSize), b.Int32(1), b.I32Store, 2, 0, answered()), want: ok},
		{name: "state-in-request", reason: "the bytes after the request", guest: func(g *guest) {
			g.call = b.Body(
				b.LocalGet, 1, b.LocalGet, 2, b.I32Add, b.I32Load, 0, 0, trapUnlessZero(),
				b.LocalGet, 1, b.LocalGet, 2, b.I32Add, b.Int32(1), b.I32Store, 0, 0, answered())
		}, want: ok},
		{name: "state-in-global", reason: "a mark in a variable", guest: func(g *guest) {
			g.GlobalInt32(0)
			g.call = b.Body(b.GlobalGet, 0, trapUnlessZero(), b.Int32(1), b.GlobalSet, 0, answered())
		}, want: ok},
		{name: "state-in-exported-global", reason: "a mark in a variable that is exported", guest: func(g *guest) {
			g.GlobalInt32(0)
			g.Export("mark", b.Global, 0)
			g.call = b.Body(b.GlobalGet, 0, trapUnlessZero(), b.Int32(1), b.GlobalSet, 0, answered())
		}, want: ok},
		{name: "state-in-table", reason: "an element taken out of a table", guest: func(g *guest) {
			g.Table(1, -1)
			g.Elements(0, g.procedure())
			g.call = b.Body(b.Int32(0), b.TableGet, 0, b.RefIsNull, trapUnlessZero(),
				b.Int32(0), b.RefNull, b.FuncRef, b.TableSet, 0, answered())
		}, want: ok},
		{name: "state-in-table-size", reason: "a table that has grown", guest: func(g *guest) {
			g.Table(0, -1)
			g.call = b.Body(growTable(1), trapUnlessZero(), answered())
		}, want: ok},
		{name: "state-in-dropped-data", reason: "data that the call before has dropped", guest: func(g *guest) {
			g.PassiveData([]byte("x"))
			g.call = b.Body(bulk(scratchAt, 0, 1, memoryInit, 0, 0), b.Bulk, dataDrop, 0, answered())
		}, want: ok},
		{name: "state-in-dropped-elements", reason: "functions that the call before has dropped", guest: func(g *guest) {
			g.Table(1, -1)
			g.PassiveElements(g.procedure())
			g.call = b.Body(bulk(0, 0, 1, tableInit, 0, 0), b.Bulk, elemDrop, 0, answered())
		}, want: ok},
		{name: "state-of-clock", reason: "how far the clock has come", raw: true, guest: func(g *guest) {
			clock := g.ImportFunction(wasi, "clock_time_get", []byte{b.I32, b.I64, b.I32}, i32s(1))
			g.call = b.Body(b.Int32(1), b.Int64(0), b.Int32(scratchAt), b.Call, b.Unsigned(clock), b.Drop, packed(scratchAt, 8))
		}, want: ok},
		{name: "state-of-random", reason: "how many random numbers were taken", raw: true, guest: func(g *guest) {
			random := g.wasi("random_get", 2)
			g.call = b.Body(ignore(random, scratchAt, 32), packed(scratchAt, 32))
		}, want: ok},
	}
}
