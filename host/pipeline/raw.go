package pipeline

import (
	"github.com/latticenet/lattice-host/abi/bundle"
	"github.com/latticenet/lattice-host/abi/cbor"
)

// digestOf returns the SHA-256 of a value's canonical JSON.
func digestOf(raw cbor.Raw) (string, error) {
	text, err := cbor.ToJSON(nil, raw)
	if err != nil {
		return "", err
	}
	return bundle.Digest(text), nil
}
