//go:build ignore

// The module of the observability plugin. It is built by its file name, because the folder's
// package is importable.
package main

import (
	"github.com/latticenet/lattice-host/plugins/builtin/observability"
	"github.com/latticenet/lattice-host/plugins/sdk/go/guest"
)

var plugin = observability.Plugin()

//go:wasmexport lattice_v1_alloc
func alloc(size uint32) uint32 { return guest.Alloc(size) }

//go:wasmexport lattice_v1_call
func call(op, ptr, size uint32) uint64 { return guest.Call(plugin, op, ptr, size) }

func main() {}
