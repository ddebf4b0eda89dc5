//go:build ignore

// The module of the runtime-policy plugin. It is built by its file name, because the folder's
// package is importable.
package main

import (
	runtimepolicy "github.com/latticenet/lattice-host/plugins/builtin/runtime-policy"
	"github.com/latticenet/lattice-host/plugins/sdk/go/guest"
)

var plugin = runtimepolicy.Plugin()

//go:wasmexport lattice_v1_alloc
func alloc(size uint32) uint32 { return guest.Alloc(size) }

//go:wasmexport lattice_v1_call
func call(op, ptr, size uint32) uint64 { return guest.Call(plugin, op, ptr, size) }

func main() {}
