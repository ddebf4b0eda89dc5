package pipeline

import "github.com/latticenet/lattice-host/abi/bundle"

// compareOutputs orders outputs by stage, then by reference.
func compareOutputs(a, b *bundle.Output) int {
	if a.Stage != b.Stage {
		return a.Stage - b.Stage
	}
	return a.Ref.Compare(b.Ref)
}
