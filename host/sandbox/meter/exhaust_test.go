package meter_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/latticenet/lattice-host/wasm-tests/wasmbuild"
)

// TestEndlessGuestsEnd gives guests that never end a budget, and proves that the refusal of more
// ends them, with not much more spent than granted.
func TestEndlessGuestsEnd(t *testing.T) {
	t.Parallel()
	const budget = 3_000_000
	call := func(f byte) []byte { return []byte{wasmbuild.Call, f} }
	simple := func(code ...any) []byte { return testModule(body(code...)) }
	forever := func(code ...any) []byte {
		return simple(begin(wasmbuild.Loop), body(code...), br(0), wasmbuild.End)
	}
	for _, c := range []struct {
		reason string
		wasm   []byte
	}{
		{"a loop of nothing", forever()},
		{"a loop that does something", forever(localGet(0), wasmbuild.Int32(1), wasmbuild.I32Add, localSet(0))},
		{"a loop by a condition that always holds", simple(begin(wasmbuild.Loop), wasmbuild.Int32(1), brIf(0), wasmbuild.End)},
		{"a loop by a table", simple(begin(wasmbuild.Loop), localGet(0), []byte{brTable, 1, 0, 0}, wasmbuild.End)},
		{"a loop from an inner block", simple(begin(wasmbuild.Loop), begin(block), wasmbuild.Int32(1), brIf(1), wasmbuild.End, wasmbuild.End)},
		{"a loop from both arms", simple(begin(wasmbuild.Loop), localGet(0), begin(wasmbuild.If), br(1), wasmbuild.Else, br(1), wasmbuild.End, wasmbuild.End)},
		{"a loop that only an if repeats", simple(begin(wasmbuild.Loop), wasmbuild.Int32(1), begin(wasmbuild.If), br(1), wasmbuild.End, wasmbuild.End)},
		{"two loops in turn", simple(begin(wasmbuild.Loop), begin(wasmbuild.Loop), localGet(0), i32Eqz, localSet(0), localGet(0), brIf(0), br(1), wasmbuild.End, wasmbuild.End)},
		{"a state machine in a loop", simple(begin(wasmbuild.Loop), begin(block), begin(block), localGet(0), []byte{brTable, 1, 0, 1}, wasmbuild.End,
			wasmbuild.Int32(1), localSet(0), br(1), wasmbuild.End, wasmbuild.Int32(0), localSet(0), br(0), wasmbuild.End)},
		{"jumps through a table at the begin of a loop, forth and back", simple(dispatching(1, 1, 1, 0))},
		{"jumps through a table, whose default repeats the loop", simple(dispatching(2, 1, 5, 0))},
		{"jumps through a table, with the wrong local", simple(dispatching(1, 0, 1, 0))},
		{"jumps through a table, to where it is", simple(dispatching(1, 1, 0, 0))},
		{"a loop that grows memory", forever(wasmbuild.Int32(1), []byte{wasmbuild.MemoryGrow, 0}, wasmbuild.Drop)},
		{"a loop that grows a table", forever([]byte{wasmbuild.RefNull, wasmbuild.FuncRef}, wasmbuild.Int32(1000), wasmbuild.TableGrow(), wasmbuild.Drop)},
		{"a loop that fills memory", forever(wasmbuild.Int32(0), wasmbuild.Int32(0), wasmbuild.Int32(65536), misc(0x0b, 0))},
		{"a fill of 4 GiB", simple(wasmbuild.Int32(0), wasmbuild.Int32(0), wasmbuild.Int32(-1), misc(0x0b, 0))},
		{"a copy of 4 GiB", simple(wasmbuild.Int32(0), wasmbuild.Int32(0), wasmbuild.Int32(-1), misc(0x0a, 0, 0))},
		{"a growth by 4 GiB", simple(wasmbuild.Int32(65535), []byte{wasmbuild.MemoryGrow, 0}, wasmbuild.Drop)},
		{"recursion without a loop", simple(localGet(0), begin(wasmbuild.If), wasmbuild.Int32(1), call(1), wasmbuild.Int32(1), call(1), wasmbuild.Else, wasmbuild.End)},
	} {
		t.Run(c.reason, func(t *testing.T) {
			t.Parallel()
			// A guest that the meter does not end is ended by the engine, so that the test fails
			// instead of hanging.
			ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
			defer cancel()
			r := newEngine(t, config().WithCloseOnContextDone(true), &tank{left: budget})
			i := instantiate(t, r, rewrite(t, c.wasm).Wasm)
			if _, err := i.ExportedFunction("f").Call(ctx, 1); !errors.Is(err, errOutOfFuel) {
				t.Errorf("it ended with %v", err)
			}
		})
	}
}

// dispatching returns a loop in Go's manner with two places and the table of both; label 2 would
// repeat the loop. The first place sets a local and jumps, the second sets the choosing local, 1,
// and jumps.
func dispatching(others, local byte, first, second int32) []byte {
	return body(
		begin(wasmbuild.Loop), begin(block), begin(block), localGet(1), []byte{brTable, 2, 0, 1, others}, wasmbuild.End,
		wasmbuild.Int32(first), localSet(local), br(1), wasmbuild.End,
		wasmbuild.Int32(second), localSet(1), br(0), wasmbuild.End,
	)
}

// TestExponentialCallsEnd has a chain of functions that each call the next one twice: 2^40 calls,
// no loop, no recursion.
func TestExponentialCallsEnd(t *testing.T) {
	t.Parallel()
	const depth = 40
	var b wasmbuild.Module
	last := b.Function(nil, nil, 0, nil)
	for range depth {
		last = b.Function(nil, nil, 0, body([]byte{wasmbuild.Call, byte(last), wasmbuild.Call, byte(last)}))
	}
	b.Export("f", wasmbuild.Function, last)
	i := instantiate(t, newEngine(t, config(), &tank{left: 3_000_000}), rewrite(t, b.Bytes()).Wasm)
	if _, err := i.ExportedFunction("f").Call(t.Context()); !errors.Is(err, errOutOfFuel) {
		t.Errorf("it ended with %v", err)
	}
}

// TestMutualRecursionEnds has two functions that call each other until the fuel is gone or the
// stack is.
func TestMutualRecursionEnds(t *testing.T) {
	t.Parallel()
	var b wasmbuild.Module
	b.Function(nil, nil, 0, []byte{wasmbuild.Call, 1})
	b.Export("f", wasmbuild.Function, b.Function(nil, nil, 0, []byte{wasmbuild.Call, 0}))
	i := instantiate(t, newEngine(t, config(), &tank{left: 5_000}), rewrite(t, b.Bytes()).Wasm)
	if _, err := i.ExportedFunction("f").Call(t.Context()); !errors.Is(err, errOutOfFuel) {
		t.Errorf("it ended with %v", err)
	}
}

// TestStartFunctionIsMetered proves that a module cannot run forever before anyone calls it.
func TestStartFunctionIsMetered(t *testing.T) {
	t.Parallel()
	var b wasmbuild.Module
	b.Start(b.Function(nil, nil, 0, body(begin(wasmbuild.Loop), br(0), wasmbuild.End)))
	r := newEngine(t, config(), &tank{left: 1000})
	if _, err := r.Instantiate(t.Context(), rewrite(t, b.Bytes()).Wasm); !errors.Is(err, errOutOfFuel) {
		t.Errorf("it ended with %v", err)
	}
}
