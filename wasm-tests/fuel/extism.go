package main

import (
	"slices"

	"github.com/latticenet/lattice-host/abi"
	b "github.com/latticenet/lattice-host/wasm-tests/wasmbuild"
)

// extismRows are the functions of modules that were made with an Extism PDK. A load and a store
// speak for all that do no more.
func extismRows() []row {
	i64, i64x2 := []byte{b.I64}, []byte{b.I64, b.I64}
	// With returns a row whose work calls functions that it imports. While it does, y is the
	// address of a block, whose begin is the answer.
	with := func(name string, block int64, rounds int, work func(call func(name string, params, results []byte) []byte) []byte) row {
		u := &guest{extism: true, times: 1, rounds: rounds}
		indexes := map[string]uint32{}
		call := func(name string, params, results []byte) []byte {
			index, found := indexes[name]
			if !found {
				index = u.ImportFunction(abi.ExtismModule, name, params, results)
				indexes[name] = index
			}
			return b.Body(b.Call, int(index))
		}
		u.before = slices.Concat(b.Int64(block), call("alloc", i64, i64), set(y))
		u.work = work(call)
		u.after = slices.Concat(get(y), b.Int64(8), call("output_set", i64x2, nil))
		return row{name: "extism: " + name, wasm: u.build(), transport: abi.TransportExtism}
	}
	type caller = func(name string, params, results []byte) []byte
	drop := []byte{b.Drop}
	return []row{
		with("alloc, free", 8, 500, func(call caller) []byte {
			return slices.Concat(b.Int64(64), call("alloc", i64, i64), call("free", i64, nil))
		}),
		with("alloc", 8, 500, func(call caller) []byte { return slices.Concat(b.Int64(64), call("alloc", i64, i64), drop) }),
		with("alloc of 1 MiB", 8, 40, func(call caller) []byte { return slices.Concat(b.Int64(1<<20), call("alloc", i64, i64), drop) }),
		with("load_u64", 8, 20_000, func(call caller) []byte { return slices.Concat(get(y), call("load_u64", i64, i64), drop) }),
		with("store_u64", 8, 20_000, func(call caller) []byte { return slices.Concat(get(y), get(x), call("store_u64", i64x2, nil)) }),
		with("input_offset", 8, 20_000, func(call caller) []byte { return slices.Concat(call("input_offset", nil, i64), drop) }),
		with("output_set", 8, 20_000, func(call caller) []byte { return slices.Concat(get(y), b.Int64(8), call("output_set", i64x2, nil)) }),
		with("log_info of 8 KiB that cannot be printed", abi.MaxLogBytes, 500, func(call caller) []byte {
			return slices.Concat(get(y), call("log_info", i64, nil))
		}),
		with("error_set of 8 KiB that cannot be printed, and of nothing", abi.MaxLogBytes, 500, func(call caller) []byte {
			return slices.Concat(get(y), call("error_set", i64, nil), b.Int64(0), call("error_set", i64, nil))
		}),
		with("var_set", 8, 20_000, func(call caller) []byte { return slices.Concat(get(y), get(y), call("var_set", i64x2, nil)) }),
		with("var_set of 500 KiB", 500<<10, 100, func(call caller) []byte { return slices.Concat(get(y), get(y), call("var_set", i64x2, nil)) }),
		with("var_get of 500 KiB", 500<<10, 100, func(call caller) []byte {
			return slices.Concat(get(y), get(y), call("var_set", i64x2, nil), get(y), call("var_get", i64, i64), call("free", i64, nil))
		}),
	}
}
