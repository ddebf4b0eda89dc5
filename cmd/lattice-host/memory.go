package main

import (
	"os"
	"runtime/debug"

	"github.com/latticenet/lattice-host/host/sandbox"
)

// watchMemory bounds the memory of the process while plugins run: a soft limit for Go's runtime,
// unless the operator set one with GOMEMLIMIT, and a watchdog that ends calls before the system
// ends the process.
func watchMemory(runtime *sandbox.Runtime) {
	limit := sandbox.MemoryLimit()
	if soft := sandbox.SoftMemoryLimit(limit, sandbox.DefaultMemoryBudget); soft > 0 && os.Getenv("GOMEMLIMIT") == "" {
		debug.SetMemoryLimit(soft)
	}
	runtime.Watch(sandbox.WatchdogConfig{LimitBytes: limit})
}
