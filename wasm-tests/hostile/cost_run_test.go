//go:build !race

package hostile

import (
	"bytes"
	"slices"

	"github.com/latticenet/lattice-host/abi"
	"github.com/latticenet/lattice-host/wasm-tests/hostile/probe"
	b "github.com/latticenet/lattice-host/wasm-tests/wasmbuild"
)

// leaf adds a function without calls and loops that costs about n units.
func leaf(g *guest, n int) uint32 {
	return g.procedure(bytes.Repeat(b.Body(b.Int32(1), b.Drop), n/2))
}

// littleFuel is less than straight code spends.
const littleFuel = 50_000

// little gives a call that much.
func little(m *abi.Manifest) { m.Limits.Fuel = littleFuel }

// straightCosts run long without coming past a check, or spend what they do not have.
func straightCosts() []costly {
	straight := bytes.Repeat(b.Body(b.Int32(1), b.Drop), 50_000)
	return ofKind(kindStraight, []costly{
		{name: "leaves-in-a-row", reason: "200,000 calls of functions that check nothing", again: spends,
			guest: func(g *guest) {
				f := leaf(g, 60)
				g.call = b.Body(bytes.Repeat(b.Body(b.Call, b.Unsigned(f)), 40_000), answered())
			}},
		{name: "leaves-by-table", reason: "indirect calls of functions that check nothing", again: spends,
			guest: func(g *guest) {
				g.Table(1, 1)
				f := leaf(g, 60)
				g.Elements(0, f)
				g.call = b.Body(bytes.Repeat(b.Body(b.Int32(0), b.CallIndirect, b.Unsigned(g.Type(nil, nil)), 0), 20_000), answered())
			}},
		{name: "leaves-in-functions", reason: "a hundred functions in a row with leaves each", again: spends,
			guest: func(g *guest) {
				f := leaf(g, 60)
				var all []byte
				for range 100 {
					all = append(all, b.Body(b.Call, b.Unsigned(g.procedure(bytes.Repeat(b.Body(b.Call, b.Unsigned(f)), 400))))...)
				}
				g.call = b.Body(all, answered())
			}},
		{name: "straight-code", reason: "100,000 instructions without a branch", again: spends,
			guest: calls(straight, answered())},
		{name: "straight-blocks", reason: "100,000 instructions in blocks that are never left early", again: spends,
			guest: calls(bytes.Repeat(b.Body(b.Block, b.NoResult, bytes.Repeat(b.Body(b.Int32(1), b.Drop), 50), b.End), 1_000), answered())},
		{name: "straight-ifs", reason: "ifs that are never taken, with a long way on", again: spends,
			guest: calls(bytes.Repeat(b.Body(b.Int32(0), b.If, b.NoResult, b.End, bytes.Repeat(b.Body(b.Int32(1), b.Drop), 50)), 1_000), answered())},
		{name: "straight-in-loop", reason: "100,000 instructions in each round of a loop", ends: spends, calls: 100,
			guest: calls(forever(straight))},
		{name: "tails-of-recursion", reason: "a recursion that does its work on the way back", again: spends,
			guest: func(g *guest) {
				self := g.procedure() + 1
				g.Function(i32s(1), nil, 0, b.Body(
					b.LocalGet, 0, b.If, b.NoResult, b.LocalGet, 0, b.Int32(1), b.I32Sub, b.Call, b.Unsigned(self), b.End,
					bytes.Repeat(b.Body(b.Int32(1), b.Drop), 1_000)))
				g.call = b.Body(b.Int32(1_000), b.Call, b.Unsigned(self), answered())
			}},
		{name: "spent-at-the-end", reason: "all fuel spent by the last straight code before the answer", again: spends,
			guest: func(g *guest) {
				f := leaf(g, 60)
				g.call = b.Body(bytes.Repeat(b.Body(b.Call, b.Unsigned(f)), 790), bytes.Repeat(b.Body(b.Int32(1), b.Drop), 4_000), answered())
			}},
		{name: "spent-in-alloc", reason: "straight code in place of room for the request", again: spends,
			guest: func(g *guest) { g.alloc = b.Body(straight, b.Int32(requestAt)) }},
		{name: "spent-in-start", reason: "straight code at the start", manifest: little, ends: spends,
			guest: func(g *guest) { g.Start(g.procedure(straight)) }},
	})
}

// table adds a table of n functions.
func table(g *guest, n uint32) { g.Table(n, int64(n)) }

// instanceCosts are expensive before their first instruction.
func instanceCosts() []costly {
	many := func(f uint32, n int) []uint32 {
		all := make([]uint32, n)
		for i := range all {
			all[i] = f
		}
		return all
	}
	allMemoryUsed := func(m *abi.Manifest) { m.Limits.MemoryBytes = abi.MaxMemoryBytes }
	return ofKind(kindInstance, []costly{
		{name: "elements-active", reason: "a table of a million functions, filled a hundred times", guest: func(g *guest) {
			f := g.procedure()
			table(g, 1_000_000)
			for range 100 {
				g.Elements(0, many(f, 1_000_000/10)...)
			}
		}},
		{name: "elements-passive", reason: "a hundred passive segments of 100,000 functions", guest: func(g *guest) {
			f := g.procedure()
			table(g, 1)
			for range 100 {
				g.PassiveElements(many(f, 100_000)...)
			}
		}},
		{name: "elements-segments", reason: "200,000 segments of one function", guest: func(g *guest) {
			f := g.procedure()
			table(g, 1)
			for range 200_000 {
				g.Elements(0, f)
			}
		}},
		{name: "elements-expressions", reason: "500,000 references, each an expression", guest: func(g *guest) {
			f := g.procedure()
			table(g, 1)
			g.ElementExpressions(slices.Repeat([][]byte{b.Reference(f)}, 500_000)...)
		}},
		{name: "elements-reasonable", reason: "a table of 10,000 functions, as a large program has", guest: func(g *guest) {
			f := g.procedure()
			table(g, 10_000)
			g.Elements(0, many(f, 10_000)...)
		}},
		{name: "table-largest", reason: "the largest table, of nothing", calls: 100, guest: func(g *guest) { table(g, 1_000_000) }},
		{name: "table-largest-rewritten", reason: "the largest table, which cannot be put back", calls: 100, guest: func(g *guest) {
			table(g, 1_000_000)
			g.call = b.Body(b.Int32(0), b.RefNull, b.FuncRef, b.TableSet, 0, answered())
		}},
		{name: "data-segments", reason: "200,000 segments of a byte, which nothing joins", guest: func(g *guest) {
			for i := range int32(200_000) {
				g.Data(scratchAt+i%16, []byte{1})
			}
			g.PassiveData([]byte{1})
		}},
		{name: "data-passive", reason: "100,000 passive segments", guest: func(g *guest) {
			for range 100_000 {
				g.PassiveData([]byte{1})
			}
		}},
		{name: "data-out-of-range", reason: "data that ends after memory", ends: []probe.Class{probe.Trap}, guest: func(g *guest) {
			g.Data(2*pageSize-1, []byte("xx"))
		}},
		{name: "memory-largest", reason: "64 MiB that are there from the start, with a byte in each MiB", calls: 100, manifest: allMemoryUsed,
			guest: func(g *guest) {
				g.pages = abi.MaxMemoryBytes / pageSize
				for i := range int32(64) {
					g.Data(i<<20|8, []byte{1})
				}
			}},
		{name: "memory-largest-written", reason: "64 MiB written by _initialize", calls: 20, manifest: allMemoryUsed,
			guest: func(g *guest) {
				g.pages = abi.MaxMemoryBytes / pageSize
				g.initialize = bulk(pageSize, 1, (abi.MaxMemoryBytes/pageSize-1)*pageSize, memoryFill, 0)
			}},
		{name: "start-loops", reason: "a start function that does not end", calls: 20, ends: spends, guest: func(g *guest) {
			g.Start(g.procedure(forever(b.Int32(1), b.Drop)))
		}},
		{name: "start-grows", reason: "a start function that takes all memory", calls: 100, ends: []probe.Class{probe.Memory}, guest: func(g *guest) {
			g.Start(g.procedure(forever(grow(1), trapIfRefused())))
		}},
		{name: "start-fills", reason: "a start function that fills all memory", calls: 20, guest: func(g *guest) {
			g.Start(g.procedure(grow(60), b.Drop, bulk(0, 1, 60*pageSize, memoryFill, 0)))
		}},
		{name: "initialize-loops", reason: "an _initialize that does not end", calls: 20, ends: spends, guest: func(g *guest) {
			g.initialize = forever(b.Int32(1), b.Drop)
		}},
	})
}

// deep adds a function that calls itself so often, with so many locals and operands on each frame.
func deep(g *guest, locals uint32, operands int) uint32 {
	self := g.procedure() + 1
	return g.Function(i32s(1), nil, locals, b.Body(
		bytes.Repeat([]byte{b.LocalGet, 0}, operands),
		b.LocalGet, 0, b.If, b.NoResult, b.LocalGet, 0, b.Int32(1), b.I32Sub, b.Call, b.Unsigned(self), b.End,
		bytes.Repeat([]byte{b.Drop}, operands)))
}

// stackCosts make the stack grow, which an instance would keep.
func stackCosts() []costly {
	recursion := func(depth int32, locals uint32, operands int) func(*guest) {
		return func(g *guest) {
			g.call = b.Body(b.Int32(depth), b.Call, b.Unsigned(deep(g, locals, operands)), answered())
		}
	}
	return ofKind(kindStack, []costly{
		{name: "ref-func-recursion", reason: "references on every frame of a recursion", calls: 10, ends: overflows, guest: func(g *guest) {
			f := g.procedure()
			g.DeclaredElements(f)
			self := f + 1
			g.procedure(dropped(g, f), b.Call, b.Unsigned(self))
			g.call = b.Body(b.Call, b.Unsigned(self), answered())
		}},
		{name: "extism-recursion", reason: "a deep recursion in a module made with an Extism PDK", calls: 10, ends: silent, guest: func(g *guest) {
			g.extism = true
			g.call = b.Body(b.Int32(200_000), b.Call, b.Unsigned(deep(g, 0, 0)), b.Int32(0))
		}},
		{name: "recursion-then-idle", reason: "a deep recursion, after which the instance waits", calls: 10, guest: recursion(200_000, 0, 0)},
		{name: "recursion-shallow", reason: "a recursion in each call", guest: recursion(1_000, 0, 0)},
		{name: "recursion-locals", reason: "a recursion with a thousand locals on each frame", calls: 10, ends: append(overflows, ""), guest: recursion(5_000, 1_000, 0)},
		{name: "recursion-operands", reason: "a recursion with 200 operands on each frame", calls: 10, ends: append(overflows, ""), guest: recursion(10_000, 0, 200)},
		{name: "recursion-of-two", reason: "two functions that call each other", calls: 10, guest: func(g *guest) {
			first := g.procedure() + 1
			down := func(other uint32) {
				g.Function(i32s(1), nil, 0, b.Body(b.LocalGet, 0, b.If, b.NoResult,
					b.LocalGet, 0, b.Int32(1), b.I32Sub, b.Call, b.Unsigned(other), b.End))
			}
			down(first + 1)
			down(first)
			g.call = b.Body(b.Int32(100_000), b.Call, b.Unsigned(first), answered())
		}},
		{name: "recursion-by-table", reason: "a function that calls itself through a table", calls: 10, guest: func(g *guest) {
			g.Table(1, 1)
			typ := b.Unsigned(g.Type(i32s(1), nil))
			g.Elements(0, g.Function(i32s(1), nil, 0, b.Body(b.LocalGet, 0, b.If, b.NoResult,
				b.LocalGet, 0, b.Int32(1), b.I32Sub, b.Int32(0), b.CallIndirect, typ, 0, b.End)))
			g.call = b.Body(b.Int32(100_000), b.Int32(0), b.CallIndirect, typ, 0, answered())
		}},
		{name: "recursion-parameters", reason: "a recursion that hands on a hundred parameters", calls: 10, ends: append(overflows, ""), guest: func(g *guest) {
			self := g.procedure() + 1
			g.Function(i32s(100), nil, 0, b.Body(b.LocalGet, 0, b.If, b.NoResult,
				b.LocalGet, 0, b.Int32(1), b.I32Sub, localsOnStack(99), b.Call, b.Unsigned(self), b.End))
			g.call = b.Body(b.Int32(20_000), bytes.Repeat(b.Int32(1), 99), b.Call, b.Unsigned(self), answered())
		}},
		{name: "recursion-at-initialize", reason: "a deep recursion in _initialize", calls: 10, guest: func(g *guest) {
			g.initialize = b.Body(b.Int32(100_000), b.Call, b.Unsigned(deep(g, 0, 0)))
		}},
		{name: "recursion-endless", reason: "a recursion until the stack ends", calls: 10, ends: overflows, guest: func(g *guest) {
			g.call = b.Body(b.Call, b.Unsigned(recursive(g, 100)), answered())
		}},
		{name: "recursion-in-alloc", reason: "a deep recursion in place of room for the request", calls: 10, guest: func(g *guest) {
			g.alloc = b.Body(b.Int32(100_000), b.Call, b.Unsigned(deep(g, 0, 0)), b.Int32(requestAt))
		}},
	})
}
