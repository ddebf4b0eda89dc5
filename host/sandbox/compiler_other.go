//go:build !linux

package sandbox

// limitProcess does nothing: this platform does not bound the memory of a process. What the
// estimate allows, and the soft limit of the Go runtime, are all there is.
func (compileBudget) limitProcess() error { return nil }
