package pipeline

import (
	"github.com/latticenet/lattice-host/abi"
	"github.com/latticenet/lattice-host/abi/cbor"
	"github.com/latticenet/lattice-host/host/resource"
)

// Matching returns what a requirement asks for among documents.
func Matching(documents []*resource.Document, r abi.Requirement) []cbor.Raw {
	return newPeers(documents).match(r, abi.Ref{})
}
