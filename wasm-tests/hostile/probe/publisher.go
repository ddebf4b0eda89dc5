package probe

import (
	"crypto/rand"

	"github.com/latticenet/lattice-host/abi"
	"github.com/latticenet/lattice-host/registry/release"
	"github.com/latticenet/lattice-host/wasm-tests/wasmbuild"
)

// Publisher signs releases with a key of its own.
type Publisher struct{ Key release.PrivateKey }

// NewPublisher returns a publisher with a new key.
func NewPublisher() (Publisher, error) {
	key, err := release.GenerateKey(rand.Reader)
	return Publisher{key}, err
}

// Release signs a module with its manifest and verifies it.
func (p Publisher) Release(wasm []byte) (*release.Module, error) {
	bundle, err := release.Sign(p.Key, wasm)
	if err != nil {
		return nil, err
	}
	section, err := release.ManifestSection(wasm)
	if err != nil {
		return nil, err
	}
	m, err := abi.ParseManifest(section)
	if err != nil {
		return nil, err
	}
	return p.Verify(bundle, wasm, m)
}

// Verify checks a module of the publisher against its signature.
func (p Publisher) Verify(bundle, wasm []byte, m *abi.Manifest) (*release.Module, error) {
	return release.Verify(bundle, wasm, release.Want{
		Publisher: m.Publisher, Name: m.Name, Version: m.Version,
		Digest: release.Digest(wasm), Rule: release.AnyOf(p.Key.Public()),
	})
}

// Manifest returns the manifest of an honest plugin.
func Manifest() *abi.Manifest {
	return &abi.Manifest{
		Schema: abi.ManifestSchema, Publisher: "acme", Name: "healthy", Version: "1.2.3", ABI: abi.Version,
		Encoding: abi.EncodingJSON,
		Derives:  []abi.Derives{{Group: "lattice.dev", Kind: "LatticeService"}},
		Outputs:  []abi.GroupKind{{Kind: "ConfigMap"}},
	}
}

// WithManifest returns the module with a manifest section at its end.
func WithManifest(wasm []byte, m *abi.Manifest) []byte {
	return wasmbuild.Section(wasm, 0, append(wasmbuild.Name(abi.ManifestSection), m.CanonicalJSON()...))
}
