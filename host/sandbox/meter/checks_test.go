package meter_test

import (
	"context"
	"testing"

	"github.com/tetratelabs/wazero/api"

	"github.com/latticenet/lattice-host/host/sandbox/meter"
	"github.com/latticenet/lattice-host/wasm-tests/wasmbuild"
)

// mostBetweenChecks is what a function and the leaves that it calls may spend between two checks of
// fuel.
const mostBetweenChecks = 10_000

// watch is a host that gives nothing: every check that finds something spent calls it.
type watch struct{ checks, most int64 }

func (w *watch) refill(_ context.Context, _ api.Module, stack []uint64) {
	w.checks++
	w.most = max(w.most, -int64(stack[0]))
	stack[0] = 0
}

// run calls f and returns what it spent between checks.
func (w *watch) run(t *testing.T, wasm []byte, arg uint64) {
	t.Helper()
	m := rewrite(t, wasm)
	r := newEngineWith(t, config(), w.refill)
	i := instantiate(t, r, m.Wasm)
	if _, err := i.ExportedFunction("f").Call(t.Context(), arg); err != nil {
		t.Fatal(err)
	}
	w.most = max(w.most, -int64(i.ExportedGlobal(m.FuelExport).Get()))
}

func repeat(n int, parts ...any) []byte {
	code := body(parts...)
	out := make([]byte, 0, n*len(code))
	for range n {
		out = append(out, code...)
	}
	return out
}

// work returns instructions that cost 4 n.
func work(n int) []byte { return repeat(n, localGet(0), wasmbuild.Int32(1), i32Sub, localSet(0)) }

// module returns a module whose f, function 1, gets one i32 and has one more; function 0 has the
// other code.
func callModule(other, code []byte) []byte {
	var b wasmbuild.Module
	b.Memory(1, -1)
	b.Table(1, -1)
	b.Function(oneI32, oneI32, 0, other)
	b.Export("f", wasmbuild.Function, b.Function(oneI32, oneI32, 1, code))
	b.Elements(0, 0)
	return b.Bytes()
}

// TestRunsAreBounded has functions that would run long without a loop.
func TestRunsAreBounded(t *testing.T) {
	t.Parallel()
	leaf := body(work(40), localGet(0))
	callLeaf := body(localGet(0), []byte{wasmbuild.Call, 0}, localSet(1))
	for _, c := range []struct {
		reason string
		wasm   []byte
	}{
		{"straight code", callModule(localGet(0), body(work(20_000), localGet(0)))},
		{"calls of leaves", callModule(leaf, body(repeat(3_000, callLeaf), localGet(1)))},
		{"calls of leaves by table", callModule(leaf, body(repeat(3_000, localGet(0), wasmbuild.Int32(0), []byte{0x11, 0, 0}, localSet(1)), localGet(1)))},
		{"calls of leaves in arms", callModule(leaf, body(repeat(1_000, localGet(0), begin(wasmbuild.If), callLeaf, wasmbuild.Else, callLeaf, callLeaf, wasmbuild.End), localGet(1)))},
		{"conditions in a row", callModule(localGet(0), body(repeat(4_000, begin(block), localGet(0), brIf(0), localGet(0), localSet(1), wasmbuild.End), localGet(1)))},
		{"conditions in a row that hold", callModule(localGet(0), body(repeat(4_000, localGet(0), begin(wasmbuild.If), work(2), wasmbuild.End), localGet(1)))},
		{"a jump forward through a table over long code", callModule(localGet(0), body(
			begin(block), begin(wasmbuild.Loop), begin(block), begin(block), localGet(1), []byte{brTable, 1, 0, 1}, wasmbuild.End,
			work(10_000), wasmbuild.Int32(1), localSet(1), br(1), wasmbuild.End, work(10_000), br(1), wasmbuild.End, wasmbuild.End, localGet(0)))},
	} {
		t.Run(c.reason, func(t *testing.T) {
			t.Parallel()
			for arg := range uint64(2) {
				w := new(watch)
				w.run(t, c.wasm, arg)
				if w.most > mostBetweenChecks || w.checks < 5 {
					t.Errorf("with %d: %d checks, up to %d spent between two", arg, w.checks, w.most)
				}
			}
		})
	}
}

// TestReturnsAreBounded has recursions whose frames do something when the call comes back. What all
// do in a row must not add up without a check.
func TestReturnsAreBounded(t *testing.T) {
	t.Parallel()
	const depth = 100_000
	recurse := body(localGet(0), wasmbuild.Int32(1), i32Sub, []byte{wasmbuild.Call, 1}, localSet(1))
	down := func(tail ...any) []byte {
		return callModule(localGet(0), body(localGet(0), i32Eqz, begin(wasmbuild.If), wasmbuild.Int32(1), ret, wasmbuild.End, recurse, body(tail...), localGet(1)))
	}
	loopDown := func(tail ...any) []byte {
		return callModule(localGet(0), body(begin(block), localGet(0), i32Eqz, brIf(0), recurse, body(tail...), wasmbuild.End, wasmbuild.Int32(1)))
	}
	for _, c := range []struct {
		reason string
		wasm   []byte
	}{
		{"a long tail", down(work(200))},
		{"a long conditional tail", down(localGet(1), begin(wasmbuild.If), work(200), wasmbuild.End)},
		{"a conditional tail", down(localGet(1), begin(wasmbuild.If), work(40), wasmbuild.End)},
		{"a conditional tail that calls a leaf", down(localGet(1), begin(wasmbuild.If), work(40), localGet(1), []byte{wasmbuild.Call, 0}, localSet(1), wasmbuild.End)},
		{"a tail that branches on", loopDown(localGet(1), i32Eqz, brIf(0), work(40))},
		{"a tail that returns", down(localGet(1), begin(wasmbuild.If), work(40), localGet(1), ret, wasmbuild.End)},
	} {
		t.Run(c.reason, func(t *testing.T) {
			t.Parallel()
			w := new(watch)
			w.run(t, c.wasm, depth)
			if w.most > mostBetweenChecks || w.checks < 2*depth {
				t.Errorf("%d checks for %d calls and returns, up to %d spent between two", w.checks, 2*depth, w.most)
			}
		})
	}
}

// TestShortTailsArePaid has a recursion with a tail too short for a check of its own: what it costs
// is paid on the way down, all but [meter.MaxUnpaid] a frame.
func TestShortTailsArePaid(t *testing.T) {
	t.Parallel()
	const depth = 50_000
	wasm := callModule(localGet(0), body(localGet(0), i32Eqz, begin(wasmbuild.If), wasmbuild.Int32(1), ret, wasmbuild.End,
		localGet(0), wasmbuild.Int32(1), i32Sub, []byte{wasmbuild.Call, 1}, localSet(1), work(50),
		localGet(1), begin(wasmbuild.If), work(5), wasmbuild.End, localGet(1)))
	w := new(watch)
	w.run(t, wasm, depth)
	if w.most > depth*meter.MaxUnpaid || w.checks > depth+10 {
		t.Errorf("%d checks for %d calls, up to %d spent between two", w.checks, depth, w.most)
	}
}
