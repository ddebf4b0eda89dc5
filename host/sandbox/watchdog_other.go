//go:build !linux

package sandbox

// processMemory returns what Go's runtime has: the system is not asked.
func processMemory() uint64 { return goMemory() }

// availableMemory returns 0: the system is not asked.
func availableMemory() uint64 { return 0 }
