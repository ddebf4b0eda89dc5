package meter_test

import (
	"math"
	"testing"

	"github.com/latticenet/lattice-host/host/sandbox/meter"
	"github.com/latticenet/lattice-host/wasm-tests/wasmbuild"
)

// Instructions that only these tests use.
const (
	block     = 0x02
	brTable   = 0x0e
	ret       = 0x0f
	i32Eqz    = 0x45
	i32Sub    = 0x6b
	miscBegin = 0xfc
)

var (
	oneI32  = []byte{wasmbuild.I32}
	noTypes []byte
)

func body(parts ...any) []byte { return wasmbuild.Body(parts...) }

func localGet(i byte) []byte { return []byte{wasmbuild.LocalGet, i} }
func localSet(i byte) []byte { return []byte{wasmbuild.LocalSet, i} }
func br(depth byte) []byte   { return []byte{wasmbuild.Br, depth} }
func brIf(depth byte) []byte { return []byte{wasmbuild.BrIf, depth} }

// begin opens a block without results.
func begin(op byte) []byte { return []byte{op, wasmbuild.NoResult} }

func misc(op byte, operands ...byte) []byte { return append([]byte{miscBegin, op}, operands...) }

// TestCost compares fuel with counting by hand. The function under test gets one i32.
func TestCost(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		reason string
		code   []byte
		arg    int32
		want   int64
	}{
		{"an empty function is free", body(), 0, 0},
		{"nop and blocks are free", body(0x01, begin(block), 0x01, wasmbuild.End, begin(wasmbuild.Loop), wasmbuild.End), 0, 0},
		{"each instruction costs one", body(wasmbuild.Int32(1), wasmbuild.Int32(2), wasmbuild.I32Add, 0x1a), 0, 4},
		{"a return ends the cost", body(ret, wasmbuild.Int32(1), 0x1a), 0, 1},
		{"an if that is taken", body(localGet(0), begin(wasmbuild.If), 0x01, wasmbuild.Int32(7), localSet(0), wasmbuild.End, wasmbuild.Int32(1), 0x1a), 1, 6},
		{"an if that is not", body(localGet(0), begin(wasmbuild.If), 0x01, wasmbuild.Int32(7), localSet(0), wasmbuild.End, wasmbuild.Int32(1), 0x1a), 0, 4},
		{"the first arm", body(localGet(0), begin(wasmbuild.If), wasmbuild.Int32(7), localSet(0), wasmbuild.Else, ret, wasmbuild.End), 1, 4},
		{"the second arm", body(localGet(0), begin(wasmbuild.If), wasmbuild.Int32(7), localSet(0), wasmbuild.Else, ret, wasmbuild.End), 0, 3},
		{"what a return in an arm skips is given back", body(localGet(0), begin(wasmbuild.If), ret, wasmbuild.End, wasmbuild.Int32(1), 0x1a), 1, 3},
		{"and what follows is paid once", body(localGet(0), begin(wasmbuild.If), ret, wasmbuild.End, wasmbuild.Int32(1), 0x1a), 0, 4},
		{"a branch skips to the end of its block", body(begin(block), br(0), wasmbuild.Int32(1), 0x1a, wasmbuild.End, localGet(0), 0x1a), 0, 3},
		{"a conditional branch that is taken", body(begin(block), localGet(0), brIf(0), localGet(0), 0x1a, wasmbuild.End, localGet(0), 0x1a), 1, 4},
		{"a conditional branch that is not", body(begin(block), localGet(0), brIf(0), localGet(0), 0x1a, wasmbuild.End, localGet(0), 0x1a), 0, 6},
		{"a loop that counts down by a conditional branch", countdown(), 10, 10 * 6},
		{"a loop that counts down by an unconditional branch", body(
			begin(block), begin(wasmbuild.Loop), localGet(0), i32Eqz, brIf(1), localGet(0), wasmbuild.Int32(1), i32Sub, localSet(0), br(0), wasmbuild.End, wasmbuild.End,
		), 5, 5*8 + 3},
		{"a loop in a loop", body(
			begin(wasmbuild.Loop), wasmbuild.Int32(3), localSet(1),
			begin(wasmbuild.Loop), localGet(1), wasmbuild.Int32(1), i32Sub, []byte{wasmbuild.LocalTee, 1}, brIf(0), wasmbuild.End,
			localGet(0), wasmbuild.Int32(1), i32Sub, []byte{wasmbuild.LocalTee, 0}, brIf(0), wasmbuild.End,
		), 2, 2 * (2 + 3*5 + 5)},
		{"the first label of a table", table(), 0, 2 + 2 + 2},
		{"the second label of a table", table(), 1, 2 + 2},
		{"the default label of a table", table(), 9, 2},
		{"a jump forward through a table at the begin of a loop", body(
			begin(block), begin(wasmbuild.Loop), begin(block), begin(block), localGet(1), []byte{brTable, 1, 0, 1}, wasmbuild.End,
			wasmbuild.Int32(1), localSet(1), br(1), wasmbuild.End, br(1), wasmbuild.End, wasmbuild.End,
		), 0, 2 + 3 + 2 + 1},
		{"memory.fill pays for its bytes", body(wasmbuild.Int32(0), wasmbuild.Int32(0), localGet(0), misc(0x0b, 0)), 1000, 4 + 125},
		{"memory.copy rounds down", body(wasmbuild.Int32(0), wasmbuild.Int32(0), localGet(0), misc(0x0a, 0, 0)), 7, 4},
		{"memory.grow pays for its pages", body(localGet(0), []byte{wasmbuild.MemoryGrow, 0}, 0x1a), 2, 2 + 256 + 2*8192},
		{"memory.grow pays although it does not grow", body(localGet(0), []byte{wasmbuild.MemoryGrow, 0}, 0x1a), 65_536, 2 + 256 + 65_536*8192},
		{"memory.grow by more than there can be pays for no page", body(localGet(0), []byte{wasmbuild.MemoryGrow, 0}, 0x1a), 65_537, 2 + 256},
		{"memory.grow by a negative number is, too", body(localGet(0), []byte{wasmbuild.MemoryGrow, 0}, 0x1a), -1, 2 + 256},
		{"table.grow pays for its elements", body([]byte{wasmbuild.RefNull, wasmbuild.FuncRef}, localGet(0), wasmbuild.TableGrow(), 0x1a), 9, 3 + 256 + 9*16},
		{"table.fill pays for its elements", body(wasmbuild.Int32(0), []byte{wasmbuild.RefNull, wasmbuild.FuncRef}, localGet(0), misc(0x11, 0)), 3, 4 + 3},
		{"table.copy pays for its elements", body(wasmbuild.Int32(0), wasmbuild.Int32(0), localGet(0), misc(0x0e, 0, 0)), 2, 4 + 2},
		{"a call costs eight, what it calls, and a frame", body(localGet(0), []byte{wasmbuild.Call, 0}, 0x1a), 1, 2 + 8 + 1 + 32},
		{"a call by table", body(localGet(0), wasmbuild.Int32(0), []byte{0x11, 1, 0}, 0x1a), 1, 3 + 8 + 1 + 32},
		{"a load", body(localGet(0), []byte{wasmbuild.I32Load, 0, 0}, 0x1a), 0, 2 + 48},
		{"a load of 32 bits of 64", body(localGet(0), []byte{0x35, 0, 0}, 0x1a), 0, 2 + 48},
		{"a store", body(localGet(0), localGet(0), []byte{wasmbuild.I32Store, 0, 0}), 0, 3},
		{"a load of a vector", body(localGet(0), []byte{0xfd, 0x0a, 0, 0}, 0x1a), 0, 2 + 48},
		{"a load of a lane", body(localGet(0), wasmbuild.Int32(0), []byte{0xfd, 0x0f, 0xfd, 0x57, 0, 0, 0}, 0x1a), 0, 4 + 48},
		{"a load of a vector's begin", body(localGet(0), []byte{0xfd, 0x5d, 0, 0}, 0x1a), 0, 2 + 48},
		{"a store of a vector", body(localGet(0), wasmbuild.Int32(0), []byte{0xfd, 0x0f, 0xfd, 0x0b, 0, 0}), 0, 4},
		{"a store of a lane", body(localGet(0), wasmbuild.Int32(0), []byte{0xfd, 0x0f, 0xfd, 0x58, 0, 0, 0}), 0, 4},
		{"ref.func", body(refFunc(0), 0x1a), 0, 2},
	} {
		t.Run(c.reason, func(t *testing.T) {
			t.Parallel()
			wasm := testModule(c.code)
			for name, rewrite := range map[string]func([]byte) (*meter.Module, error){
				"merged":   func(wasm []byte) (*meter.Module, error) { return meter.Rewrite(wasm, meter.Options{}) },
				"unmerged": meter.RewriteUnmerged,
			} {
				m, err := rewrite(wasm)
				if err != nil {
					t.Fatal(err)
				}
				k := &tank{left: math.MaxInt64}
				i := instantiate(t, newEngine(t, config(), k), m.Wasm)
				for range 2 {
					before := k.spent(t, i, m)
					if _, err := i.ExportedFunction("f").Call(t.Context(), uint64(uint32(c.arg))); err != nil {
						t.Fatal(err)
					}
					if got := k.spent(t, i, m) - before; got != c.want {
						t.Errorf("%s: spent %d, counted %d", name, got, c.want)
					}
				}
			}
		})
	}
}

// countdown counts the parameter down to 0 at 6 a round.
func countdown() []byte {
	return body(begin(wasmbuild.Loop), 0x01, localGet(0), wasmbuild.Int32(1), i32Sub, localSet(0), localGet(0), brIf(0), wasmbuild.End)
}

// table jumps over none, one or two times two instructions.
func table() []byte {
	return body(begin(block), begin(block), begin(block), localGet(0), []byte{brTable, 2, 0, 1, 2}, wasmbuild.End,
		wasmbuild.Int32(1), 0x1a, wasmbuild.End, wasmbuild.Int32(1), 0x1a, wasmbuild.End)
}

// testModule returns a module whose export f has the code, with one parameter and one local.
// Function 0 returns its parameter for 1, and it is the first element of the table, by type 1.
func testModule(code []byte) []byte {
	var m wasmbuild.Module
	m.Type(noTypes, noTypes)
	m.Memory(1, -1)
	m.Table(10, -1)
	m.Function(oneI32, oneI32, 0, localGet(0))
	f := m.Function(oneI32, noTypes, 1, code)
	m.Export("f", wasmbuild.Function, f)
	m.Export("memory", wasmbuild.Memory, 0)
	return withElements(m.Bytes(), "\x01\x00\x41\x00\x0b\x01\x00")
}

// TestMergingKeepsCost compares whole derivations with and without moving charges.
func TestMergingKeepsCost(t *testing.T) {
	t.Parallel()
	const name = "network-policy"
	wasm := builtin(t, name)
	unmerged, err := meter.RewriteUnmerged(wasm)
	if err != nil {
		t.Fatal(err)
	}
	messages := requests(t, name)
	_, want := answers(t, unmerged.Wasm, unmerged, messages)
	m := rewrite(t, wasm)
	_, got := answers(t, m.Wasm, m, messages)
	for i := range want {
		if want[i] != got[i] || got[i] <= 0 {
			t.Errorf("derivation %d: %d unmerged, %d merged", i, want[i], got[i])
		}
	}
}
