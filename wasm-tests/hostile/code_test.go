package hostile

import (
	"bytes"

	b "github.com/latticenet/lattice-host/wasm-tests/wasmbuild"
)

// codes returns the shape of a guest with one more function, of type () → (), whose code is as it
// is.
func codes(code ...byte) func(*guest) {
	return func(g *guest) { g.Code(nil, nil, code) }
}

// code returns the shape of a guest with one more function, of type () → (), with these
// instructions.
func code(parts ...any) func(*guest) {
	return func(g *guest) { g.procedure(parts...) }
}

// nested returns n blocks in each other, with the instructions in the innermost.
func nested(n int, parts ...any) []byte {
	return b.Body(bytes.Repeat([]byte{b.Block, b.NoResult}, n), b.Body(parts...), bytes.Repeat([]byte{b.End}, n))
}

// branchTable branches to the labels, each as often as it is there; the last one is the default.
func branchTable(labels ...uint32) []byte {
	code := b.Body(b.Int32(0), b.BrTable, b.Unsigned(uint32(len(labels)-1)))
	for _, l := range labels {
		code = append(code, b.Unsigned(l)...)
	}
	return code
}

func labels(n int) []uint32 {
	all := make([]uint32, n)
	for i := range all {
		all[i] = uint32(i)
	}
	return all
}

// codeCases hold code that does not read, does not type, or is too much to compile.
func codeCases() []hostile {
	million := b.Body(1, b.Unsigned(1_000_000), b.I32, b.End)
	return []hostile{
		{name: "locals-million", reason: "a million locals in six bytes", guest: codes(million...), want: contract},
		{name: "locals-four-billion", reason: "2^32-1 locals", guest: codes(1, 0xff, 0xff, 0xff, 0xff, 0x0f, b.I32, b.End), want: contract},
		{name: "locals-overflow", reason: "two times 2^31 locals, which overflows to 0 in 32 bits", guest: codes(b.Body(2,
			b.Unsigned(1<<31), b.I32, b.Unsigned(1<<31), b.I64, b.End)...), want: contract},
		{name: "locals-thousands", reason: "forty thousand locals on every stack frame", guest: func(g *guest) { g.callLocals = 40_000 }, want: ok},
		{name: "locals-type", reason: "a local of a type that does not exist", guest: codes(1, 1, 0x01, b.End), want: contract},
		{name: "leb-overlong", reason: "an index in six bytes", guest: codes(0, b.Call, 0x80, 0x80, 0x80, 0x80, 0x80, 0x00, b.End), want: contract},
		{name: "leb-too-wide", reason: "a constant of 35 bits", guest: codes(0, b.I32Const, 0xff, 0xff, 0xff, 0xff, 0x3f, b.Drop, b.End), want: contract},
		{name: "leb-endless", reason: "a constant that ends with the code", guest: codes(0, b.I32Const, 0x80), want: contract},
		{name: "body-empty", reason: "a body of no bytes", guest: codes(), want: contract},
		{name: "body-no-end", reason: "a body that does not end", guest: codes(0, b.Block, b.NoResult, b.End), want: contract},
		{name: "body-after-end", reason: "instructions after the end", guest: codes(0, b.End, b.Unreachable, b.End), want: contract},
		{name: "opcode-unknown", reason: "an instruction that does not exist", guest: code(0xff), want: contract},
		{name: "opcode-unknown-long", reason: "an instruction that does not exist, after a prefix", guest: code(b.Bulk, b.Unsigned(1<<31)), want: contract},
		{name: "opcode-atomic", reason: "an instruction for threads", guest: code(0xfe, 0x03, 0), want: contract},
		{name: "opcode-exception", reason: "an instruction for exceptions", guest: code(0x06, b.NoResult, b.End), want: contract},
		{name: "opcode-tail-call", reason: "a tail call, which would recurse without a stack", guest: code(0x12, 0), want: contract},
		{name: "opcode-relaxed", reason: "an instruction whose result depends on the processor", guest: code(
			b.Vector, 12, make([]byte, 16), b.Vector, 12, make([]byte, 16), b.Vector, b.Unsigned(0x100), b.Drop), want: contract},
		{name: "stack-underflow", reason: "an instruction without operands", guest: code(b.I32Add, b.Drop), want: contract},
		{name: "stack-leftover", reason: "a function that leaves too much", guest: code(b.Int32(1)), want: contract},
		{name: "type-confusion", reason: "a number as an address of another type", guest: code(b.Int64(1), b.I32Load, 0, 0, b.Drop), want: contract},
		{name: "local-missing", reason: "a local that does not exist", guest: code(b.LocalGet, b.Unsigned(1<<31), b.Drop), want: contract},
		{name: "global-missing", reason: "the variable after the last, where the meter keeps the fuel", guest: code(b.Int64(1<<40), b.GlobalSet, 0), want: contract},
		{name: "function-missing", reason: "a call of the function after the last", guest: code(b.Call, 3), want: contract},
		{name: "function-far", reason: "a call of function 2^32-1", guest: code(b.Call, b.Unsigned(1<<32-1)), want: contract},
		{name: "branch-too-deep", reason: "a branch to a block that does not exist", guest: code(b.Br, 9), want: contract},
		{name: "alignment-too-large", reason: "an alignment of 2^31", guest: code(b.Int32(0), b.I32Load, 31, 0, b.Drop), want: contract},
		{name: "reference-undeclared", reason: "a reference to a function that was not declared", guest: code(b.RefFunc, 0, b.Drop), want: contract},
		{name: "br-table-large", reason: "a table of twenty thousand branches, as large state machines have", guest: code(b.Block, b.NoResult,
			branchTable(make([]uint32, 20_000)...), b.End), want: ok},
		{name: "br-table-lies", reason: "a table of 4 billion branches in no bytes", guest: code(b.Int32(0), b.BrTable, b.Unsigned(1<<32-1)), want: contract},
		{name: "br-table-deep", reason: "a table that branches out of each of ten thousand blocks", guest: code(
			nested(10_000, branchTable(labels(10_000)...))), want: ok},
		{name: "br-table-nested", reason: "a table that branches out of each of a thousand blocks", guest: code(
			nested(1000, branchTable(labels(1000)...))), want: ok},
		{name: "blocks-deep", reason: "ten thousand blocks in each other", guest: code(nested(10_000)), want: ok},
		{name: "blocks-too-deep", reason: "a hundred thousand blocks in each other", guest: code(nested(100_000)), want: contract},
		{name: "code-long", reason: "two hundred thousand instructions in one function", guest: code(
			bytes.Repeat(b.Body(b.Int32(1), b.Drop), 100_000)), want: ok},
		{name: "operands-many", reason: "a hundred thousand numbers on the stack", guest: code(
			bytes.Repeat(b.Int32(1), 100_000), bytes.Repeat([]byte{b.Drop}, 100_000)), want: ok},
		{name: "code-lies", reason: "code for more functions than there are", bytes: changed(codeSection, func(content []byte) []byte {
			return append(append([]byte{content[0] + 1}, content[1:]...), 2, 0, b.End)
		}), want: refused},
	}
}
