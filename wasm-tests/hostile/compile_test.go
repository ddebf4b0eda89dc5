package hostile

import (
	"bytes"

	b "github.com/latticenet/lattice-host/wasm-tests/wasmbuild"
)

// loopsOverLocals returns the code of a function in which every local may change hands at every loop.
func loopsOverLocals(loops, locals int) []byte {
	set, get := []byte{}, []byte{}
	for i := range uint32(locals) {
		set = append(set, b.Body(b.Int32(1), b.LocalSet, b.Unsigned(i))...)
		get = append(get, b.Body(b.LocalGet, b.Unsigned(i), b.Drop)...)
	}
	return b.Body(1, b.Unsigned(uint32(locals)), b.I32, set,
		bytes.Repeat(b.Body(b.Loop, b.NoResult, b.Int32(0), b.BrIf, 0, b.End), loops), get, b.End)
}

// compileCases are small and take the compiler seconds and hundreds of megabytes, far more if they were larger.
func compileCases() []hostile {
	return []hostile{
		{name: "br-table-giant", reason: "a table of a hundred thousand branches, each of which takes 2 KiB to compile", guest: code(b.Block, b.NoResult,
			branchTable(make([]uint32, 100_000)...), b.End), want: contract},
		{name: "loops-times-locals", reason: "a thousand loops over a thousand locals: 17 KB that take 200 MiB to compile", guest: codes(
			loopsOverLocals(1000, 1000)...), want: contract},
	}
}
