package hostile

import (
	"bytes"

	b "github.com/latticenet/lattice-host/wasm-tests/wasmbuild"
)

// loopsOverLocals returns the code of a function in which every local may change hands at every
// loop.
func loopsOverLocals(loops, locals int) []byte {
	set, get := []byte{}, []byte{}
	for i := range uint32(locals) {
		set = append(set, b.Body(b.Int32(1), b.LocalSet, b.Unsigned(i))...)
		get = append(get, b.Body(b.LocalGet, b.Unsigned(i), b.Drop)...)
	}
	return b.Body(1, b.Unsigned(uint32(locals)), b.I32, set,
		bytes.Repeat(b.Body(b.Loop, b.NoResult, b.Int32(0), b.BrIf, 0, b.End), loops), get, b.End)
}

// handedOver is how many values the type has that handsOver works with.
const handedOver = 1000

// handsOver returns the shape of a guest with a function that has a thousand values on the stack in
// front of the instructions, and drops them afterwards. The instructions get the index of a type
// that takes a thousand values and leaves as many, and of a function of that type.
func handsOver(parts func(typ, function []byte) []byte) func(*guest) {
	return func(g *guest) {
		same := g.Type(i32s(handedOver), i32s(handedOver))
		echo := g.Function(i32s(handedOver), i32s(handedOver), 0, localsOnStack(handedOver))
		g.procedure(bytes.Repeat(b.Int32(7), handedOver), parts(b.Unsigned(same), b.Unsigned(echo)), bytes.Repeat([]byte{b.Drop}, handedOver))
	}
}

func localsOnStack(n int) []byte {
	var code []byte
	for i := range uint32(n) {
		code = append(code, b.Body(b.LocalGet, b.Unsigned(i))...)
	}
	return code
}

// compileCases are small and take the compiler seconds and hundreds of megabytes, far more if they
// were larger.
func compileCases() []hostile {
	return []hostile{
		{name: "br-table-giant", reason: "a table of a hundred thousand branches, each of which takes 2 KiB to compile", guest: code(b.Block, b.NoResult,
			branchTable(make([]uint32, 100_000)...), b.End), want: contract},
		{name: "loops-times-locals", reason: "a thousand loops over a thousand locals: 17 KB that take 200 MiB to compile", guest: codes(
			loopsOverLocals(1000, 1000)...), want: contract},
		{name: "calls-times-values", reason: "ten thousand calls that hand over a thousand values: 40 KB that take 8 GiB to compile", guest: handsOver(
			func(_, function []byte) []byte { return bytes.Repeat(b.Body(b.Call, function), 10_000) }), want: contract},
		{name: "blocks-times-values", reason: "ten thousand blocks in each other that each hand over a thousand values", guest: handsOver(
			func(typ, _ []byte) []byte {
				return b.Body(bytes.Repeat(b.Body(b.Block, typ), 10_000), bytes.Repeat([]byte{b.End}, 10_000))
			}), want: contract},
		{name: "branches-times-values", reason: "one block, and a table of thirty thousand branches that each hand over a thousand values", guest: handsOver(
			func(typ, _ []byte) []byte { return b.Body(b.Block, typ, branchTable(make([]uint32, 30_000)...), b.End) }), want: contract},
		{name: "returns-times-values", reason: "a function of a thousand results with a thousand returns", guest: func(g *guest) {
			g.Function(i32s(handedOver), i32s(handedOver), 0, b.Body(
				bytes.Repeat(b.Body(b.LocalGet, 0, b.If, b.NoResult, localsOnStack(handedOver), b.Return, b.End), handedOver), b.Unreachable))
		}, want: contract},
		{name: "values-most", reason: "a hundred calls that hand over a thousand values", guest: handsOver(
			func(_, function []byte) []byte { return bytes.Repeat(b.Body(b.Call, function), 100) }), want: ok},
	}
}
