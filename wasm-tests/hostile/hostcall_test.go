package hostile

import (
	"github.com/latticenet/lattice-host/abi"
	b "github.com/latticenet/lattice-host/wasm-tests/wasmbuild"
)

// asksForKV asks for a capability, which opens host_call. No one grants it, so that each call is
// answered with denied.
func asksForKV(m *abi.Manifest) {
	m.Capabilities = []abi.Capability{{Name: abi.CapabilityKV, Reason: "to remember"}}
}

// callsHost returns the shape of a guest that runs the instructions after host_call, which is
// function 0, and then answers. What is at scratchAt is a request of kv.get.
func callsHost(parts ...any) func(*guest) {
	return func(g *guest) {
		g.ImportFunction(abi.ImportModule, abi.ImportHostCall, i32s(3), []byte{b.I64})
		g.Data(scratchAt, []byte(`{"key":"a"}`))
		g.call = b.Body(append(parts, answered())...)
	}
}

// roomThen returns a body of alloc that makes room for the request and does something else for
// answers.
func roomThen(parts ...any) []byte {
	return b.Body(b.GlobalGet, 0, b.I32Eqz, b.If, b.I32, b.Int32(1), b.GlobalSet, 0, b.Int32(requestAt),
		b.Else, b.Body(parts...), b.End)
}

// withAlloc changes the alloc of a guest, which has a variable for it.
func withAlloc(shape func(*guest), alloc []byte) func(*guest) {
	return func(g *guest) {
		shape(g)
		g.GlobalInt32(0)
		g.alloc = alloc
	}
}

func hostCallCases() []hostile {
	get := ignore(0, int32(abi.HostKVGet), scratchAt, 11)
	cases := []hostile{
		{name: "host-call-denied", reason: "a call of what was not granted", guest: callsHost(get), want: ok},
		{name: "host-call-flood", reason: "calls without end", guest: callsHost(forever(get)), want: endless},
		{name: "host-call-unknown", reason: "an operation that does not exist", guest: callsHost(ignore(0, 1234, scratchAt, 11)), want: trap},
		{name: "host-call-zero", reason: "operation 0", guest: callsHost(ignore(0, 0, scratchAt, 11)), want: trap},
		{name: "host-call-pointer", reason: "a request outside of memory", guest: callsHost(ignore(0, 1, -8, 11)), want: trap},
		{name: "host-call-length", reason: "a request that is longer than memory", guest: callsHost(ignore(0, 1, scratchAt, -1)), want: trap},
		{name: "host-call-large", reason: "a request beyond its limit", guest: func(g *guest) {
			callsHost(ignore(0, 2, 0, 1<<20))(g)
			g.pages = 32
		}, want: ok},
		{name: "host-call-not-a-message", reason: "an invalid request", guest: callsHost(ignore(0, 1, scratchAt, 0), ignore(0, 2, requestAt, 9)), want: ok},
		{name: "host-call-from-alloc", reason: "a call while the host waits for room", want: trap,
			guest: withAlloc(callsHost(get), roomThen(get, b.Int32(requestAt)))},
		{name: "host-call-no-room", reason: "no room for the answer", guest: withAlloc(callsHost(get), roomThen(b.Int32(0))), want: trap},
		{name: "host-call-room-outside", reason: "room outside of memory", guest: withAlloc(callsHost(get), roomThen(b.Int32(-1))), want: trap},
		{name: "host-call-room-endless", reason: "an alloc that never comes back", want: endless,
			guest: withAlloc(callsHost(get), roomThen(b.Loop, b.NoResult, b.Br, 0, b.End, b.Int32(1)))},
		{name: "host-call-room-trap", reason: "an alloc that traps", guest: withAlloc(callsHost(get), roomThen(b.Unreachable)), want: trap},
		{name: "host-call-room-memory-bomb", reason: "an alloc that takes all memory", want: memory,
			guest: withAlloc(callsHost(get), roomThen(forever(b.Int32(1), b.MemoryGrow, 0, trapIfRefused())))},
		{name: "host-call-room-is-request", reason: "the answer over the request", guest: withAlloc(callsHost(get), roomThen(b.Int32(scratchAt))), want: ok},
		{name: "host-call-at-start", reason: "a call before there was a request", want: ok, guest: func(g *guest) {
			callsHost()(g)
			g.initialize = get
		}},
	}
	for i := range cases {
		cases[i].manifest = asksForKV
	}
	return cases
}
