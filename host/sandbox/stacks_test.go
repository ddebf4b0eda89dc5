package sandbox

import (
	"context"
	"errors"
	"testing"

	"github.com/latticenet/lattice-host/abi"
	"github.com/latticenet/lattice-host/wasm-tests/wasmbuild"
)

// deep is the body of a function (i32) -> (i32) with a local and the index self that calls itself
// so often as its parameter says, with a stack in the engine and not in memory, and then spends
// several slices of fuel.
func deep(self uint32) []byte {
	return wasmbuild.Body(
		wasmbuild.LocalGet, 0, wasmbuild.If, wasmbuild.I32,
		wasmbuild.LocalGet, 0, wasmbuild.Int32(1), 0x6b, wasmbuild.Call, wasmbuild.Unsigned(self),
		wasmbuild.LocalGet, 0, wasmbuild.I32Add,
		wasmbuild.Else,
		wasmbuild.Int32(1_000_000), wasmbuild.LocalSet, 1,
		wasmbuild.Loop, wasmbuild.NoResult,
		wasmbuild.LocalGet, 1, wasmbuild.Int32(1), 0x6b, wasmbuild.LocalTee, 1, wasmbuild.BrIf, 0,
		wasmbuild.End, wasmbuild.LocalGet, 1,
		wasmbuild.End,
	)
}

// deepGuest goes so deep before it answers {}.
func deepGuest(depth int32) *guestModule {
	g := &guestModule{answer: "{}"}
	f := g.Function(i32, i32, 1, deep(0))
	g.call = wasmbuild.Body(wasmbuild.Int32(depth), wasmbuild.Call, wasmbuild.Unsigned(f), wasmbuild.Drop, packed(answerAt, 2))
	return g
}

// The field in which the engine keeps a stack is the one that is looked at.
func TestStackIsSeen(t *testing.T) {
	t.Parallel()
	p := load(t, newRuntime(t, Config{}), jsonManifest(), (&guestModule{answer: "{}"}).build())
	_, i := borrow(t, p)
	defer p.instances.pool.drop(i)
	// internal/engine/wazevo/call_engine.go, requiredInitialStackSize.
	if got := stackBytes(i.entry); got != 10240 {
		t.Errorf("a new function has a stack of %d bytes", got)
	}
}

// A stack that grew counts while the call runs, whatever called the function, and goes after it.
func TestStacksCount(t *testing.T) {
	t.Parallel()
	// A frame has 32 bytes at least.
	const depth, least = 100_000, 100_000 * 32
	for _, c := range []struct {
		name string
		load func(r *Runtime) *Plugin
	}{
		{"lattice", func(r *Runtime) *Plugin { return load(t, r, jsonManifest(), deepGuest(depth).build()) }},
		{"a start function", func(r *Runtime) *Plugin {
			g := &guestModule{answer: "{}"}
			f := g.Function(i32, i32, 1, deep(0))
			g.Start(g.Function(nil, nil, 0, wasmbuild.Body(wasmbuild.Int32(depth), wasmbuild.Call, wasmbuild.Unsigned(f), wasmbuild.Drop)))
			return load(t, r, jsonManifest(), g.build())
		}},
		{"extism", func(r *Runtime) *Plugin {
			var g extismGuest
			answer := g.answer("{}")
			f := g.Function(i32, i32, 1, deep(uint32(len(g.imported))))
			g.derive = wasmbuild.Body(wasmbuild.Int32(depth), wasmbuild.Call, wasmbuild.Unsigned(f), wasmbuild.Drop, answer)
			return loadExtismGuest(t, r, nil, &g)
		}},
	} {
		var r *Runtime
		var most uint64
		r = newRuntime(t, Config{Refilled: func(context.Context, int64) {
			r.pool.mu.Lock()
			defer r.pool.mu.Unlock()
			most = max(most, r.pool.used)
		}})
		p := c.load(r)
		if _, err := p.Call(t.Context(), "", abi.OpDerive, []byte("{}")); err != nil {
			t.Fatalf("%s: %v", c.name, err)
		}
		settle(t, r.pool)
		if most < least {
			t.Errorf("%s: at most %d bytes were counted", c.name, most)
		}
		if now := bookkeepingOf([]*Plugin{p}).Used; now >= least {
			t.Errorf("%s: %d bytes are counted after the call", c.name, now)
		}
		for _, i := range p.instances.idle {
			if kept := stackBytes(i.entry) + stackBytes(i.alloc); kept > keptStackBytes {
				t.Errorf("%s: an idle instance keeps stacks of %d bytes", c.name, kept)
			}
		}
	}
}

// A recursion without an end is the guest's failure.
func TestStackOverflow(t *testing.T) {
	t.Parallel()
	p := load(t, newRuntime(t, Config{}), jsonManifest(), deepGuest(1_000_000_000).build())
	if _, err := p.Call(t.Context(), "", abi.OpDerive, []byte("{}")); !errors.Is(err, ErrTrap) {
		t.Errorf("got %v", err)
	}
}
