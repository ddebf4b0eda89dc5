//go:build !linux

package sandbox

// openMemories returns memories that are copied as a whole: only Linux tells which pages were
// written.
func openMemories() memories { return heapMemories{} }
