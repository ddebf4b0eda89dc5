//go:build !race

package hostile

import (
	"bytes"

	"github.com/latticenet/lattice-host/abi"
	"github.com/latticenet/lattice-host/wasm-tests/hostile/probe"
	b "github.com/latticenet/lattice-host/wasm-tests/wasmbuild"
)

// The ways in which the call of a costly module may end.
var (
	// spends ends with the fuel.
	spends = []probe.Class{probe.Fuel}
	// overflows ends with the stack or with the fuel, whichever comes first.
	overflows = []probe.Class{probe.Trap, probe.Fuel}
	// silent is a call of a module made with an Extism PDK that sets no output.
	silent = []probe.Class{probe.BadAnswer}
)

// plenty is enough fuel for some ten million instructions.
func plenty(m *abi.Manifest) { m.Limits.Fuel = 5 * fuel }

// rounds is how often the loop of a call runs that answers.
const rounds = 10_000

// calledOften returns the shape of a guest whose call runs instructions that leave nothing so many
// times and answers. They get a guest with a table of a thousand functions that may grow, and the
// index of a function that is declared.
func calledOften(n int32, instructions func(g *guest, f uint32) []byte) func(*guest) {
	return func(g *guest) {
		f := g.procedure()
		g.Table(1_000, -1)
		g.DeclaredElements(f)
		g.callLocals = 1
		g.call = b.Body(times(n, 3, instructions(g, f)), answered())
	}
}

// dropped is ref.func ten times, without use.
func dropped(_ *guest, f uint32) []byte { return bytes.Repeat(b.Body(b.Reference(f), b.Drop), 10) }

// hostMemoryCosts have instructions of the guest that could take memory of the host.
func hostMemoryCosts() []costly {
	cases := []costly{
		{name: "ref-func-memory", reason: "ten million references, none of them used", calls: 5, manifest: plenty,
			guest: calledOften(1_000_000, dropped)},
		{name: "ref-func-pooled", reason: "references in every call of an instance that is kept",
			guest: calledOften(rounds/10, dropped)},
		{name: "ref-func-functions", reason: "references in each of a hundred functions",
			guest: calledOften(10, func(g *guest, f uint32) []byte {
				var all []byte
				for range 100 {
					all = append(all, b.Body(b.Call, b.Unsigned(g.procedure(dropped(g, f))))...)
				}
				return all
			})},
		{name: "ref-func-many", reason: "references to a thousand functions", guest: func(g *guest) {
			var all []byte
			for range 1_000 {
				f := g.procedure()
				g.DeclaredElements(f)
				all = append(all, b.Body(b.Reference(f), b.Drop)...)
			}
			g.callLocals = 1
			g.call = b.Body(times(10, 3, all), answered())
		}},
		{name: "ref-func-into-table", reason: "a reference put into a table again and again",
			guest: calledOften(rounds, func(_ *guest, f uint32) []byte {
				return b.Body(b.Int32(7), b.Reference(f), b.TableSet, 0)
			})},
		{name: "ref-func-fill", reason: "a table filled with a new reference each time",
			guest: calledOften(100, func(_ *guest, f uint32) []byte {
				return b.Body(b.Int32(0), b.Reference(f), b.Int32(100), b.Bulk, 17, 0)
			})},
		{name: "ref-func-grow", reason: "a table that grows by one reference each time",
			guest: calledOften(rounds, func(_ *guest, f uint32) []byte {
				return b.Body(b.Reference(f), b.Int32(1), b.TableGrow(), b.Drop)
			})},
		{name: "ref-func-select", reason: "one of two references",
			guest: calledOften(rounds, func(_ *guest, f uint32) []byte {
				return b.Body(b.Reference(f), b.Reference(f), b.LocalGet, 3, b.SelectTyped, 1, b.FuncRef, b.Drop)
			})},
		{name: "ref-func-argument", reason: "references handed over and returned",
			guest: calledOften(rounds, func(g *guest, f uint32) []byte {
				reference := []byte{b.FuncRef}
				same := g.Function(reference, reference, 0, b.Body(b.LocalGet, 0))
				return b.Body(b.Reference(f), b.Call, b.Unsigned(same), b.Drop)
			})},
		{name: "ref-func-endless", reason: "references without end", calls: 100, ends: spends, guest: func(g *guest) {
			f := g.procedure()
			g.DeclaredElements(f)
			g.call = forever(dropped(g, f))
		}},
		{name: "ref-func-initialize", reason: "ten million references in _initialize, which each instance would keep", calls: 5, manifest: plenty,
			guest: func(g *guest) {
				f := g.procedure()
				g.DeclaredElements(f)
				initialize := g.Function(nil, nil, 1, times(1_000_000, 0, dropped(g, f)))
				g.initialize = b.Body(b.Call, b.Unsigned(initialize))
			}},
		{name: "ref-func-start", reason: "references in the start function", guest: func(g *guest) {
			f := g.procedure()
			g.DeclaredElements(f)
			g.Start(g.Function(nil, nil, 1, times(rounds/10, 0, dropped(g, f))))
		}},
		{name: "table-grow-by-one", reason: "a table that grows by one null each time",
			guest: calledOften(rounds, func(*guest, uint32) []byte { return b.Body(growTable(1), b.Drop) })},
		{name: "table-grow-zero", reason: "a table that grows by nothing",
			guest: calledOften(rounds, func(*guest, uint32) []byte { return b.Body(growTable(0), b.Drop) })},
		{name: "table-grow-refused", reason: "a table that cannot grow",
			guest: calledOften(rounds, func(*guest, uint32) []byte { return b.Body(growTable(1<<30), b.Drop) })},
		{name: "table-init-again", reason: "functions copied into a table again and again",
			guest: calledOften(rounds/10, func(g *guest, f uint32) []byte {
				g.PassiveElements(f, f, f, f, f, f, f, f)
				return bulk(0, 0, 8, tableInit, 1, 0)
			})},
		{name: "table-extern-grow", reason: "a table of foreign references that grows", guest: func(g *guest) {
			g.TableOf(b.ExternRef, 1, -1)
			g.callLocals = 1
			g.call = b.Body(times(rounds, 3, b.RefNull, b.ExternRef, b.Int32(1), b.TableGrow(), b.Drop), answered())
		}},
		{name: "memory-grow-zero", reason: "memory that grows by nothing",
			guest: calledOften(rounds, func(*guest, uint32) []byte { return b.Body(grow(0), b.Drop) })},
		{name: "memory-grow-by-one", reason: "memory that grows page by page in every call",
			guest: calledOften(60, func(*guest, uint32) []byte { return b.Body(grow(1), b.Drop) })},
		{name: "memory-grow-unaffordable", reason: "memory beyond every limit, again and again",
			guest: calledOften(rounds, func(*guest, uint32) []byte { return b.Body(grow(60_000), b.Drop) })},
	}
	return ofKind(kindHostMemory, cases)
}

// ofKind sets the kind of cases.
func ofKind(kind string, cases []costly) []costly {
	for i := range cases {
		cases[i].kind = kind
	}
	return cases
}
