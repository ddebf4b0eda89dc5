// Package registrytest makes keys, modules and releases for tests of the registry. Everything is
// deterministic.
package registrytest

import (
	"bytes"
	"strings"
	"testing"

	"github.com/latticenet/lattice-host/abi"
	"github.com/latticenet/lattice-host/registry/release"
)

// EmptyModule is the smallest WebAssembly module: its header.
const EmptyModule = "\x00asm\x01\x00\x00\x00"

// Key returns the key whose seed repeats the byte n.
func Key(t testing.TB, n byte) release.PrivateKey {
	t.Helper()
	key, err := release.GenerateKey(bytes.NewReader(bytes.Repeat([]byte{n}, 32)))
	if err != nil {
		t.Fatal(err)
	}
	return key
}

// Release is a signed plugin.
type Release struct {
	Manifest     *abi.Manifest
	Wasm, Bundle []byte
}

// Reference returns publisher/name@version.
func (r Release) Reference() string { return r.Manifest.Reference() }

// Digest returns the digest of the module.
func (r Release) Digest() string { return release.Digest(r.Wasm) }

// Want returns what a caller wants who knows the release and the key.
func (r Release) Want(keys ...release.PublicKey) release.Want {
	m := r.Manifest
	return release.Want{Publisher: m.Publisher, Name: m.Name, Version: m.Version, Digest: r.Digest(), Rule: release.AnyOf(keys...)}
}

// Manifest returns the manifest of publisher/name@version with the named capabilities.
func Manifest(t testing.TB, reference string, capabilities ...abi.Capability) *abi.Manifest {
	t.Helper()
	publisher, rest, _ := strings.Cut(reference, "/")
	name, version, _ := strings.Cut(rest, "@")
	m := &abi.Manifest{
		Schema: abi.ManifestSchema, Publisher: publisher, Name: name, Version: version, ABI: abi.Version,
		Encoding: abi.EncodingJSON, Summary: "derives <a> & b", Capabilities: capabilities,
		Derives: []abi.Derives{{Group: "lattice.dev", Kind: "LatticeService"}},
	}
	if err := m.Check(); err != nil {
		t.Fatal(err)
	}
	return m
}

// Sign returns the release of a module that is nothing but its manifest.
func Sign(t testing.TB, key release.PrivateKey, m *abi.Manifest) Release {
	t.Helper()
	wasm, err := release.AppendManifestSection([]byte(EmptyModule), m.CanonicalJSON())
	if err != nil {
		t.Fatal(err)
	}
	bundle, err := release.Sign(key, wasm)
	if err != nil {
		t.Fatal(err)
	}
	return Release{Manifest: m, Wasm: wasm, Bundle: bundle}
}

// SetField returns the bundle with old, which must occur exactly once, replaced.
func SetField(t testing.TB, document []byte, old, with string) []byte {
	t.Helper()
	if n := bytes.Count(document, []byte(old)); n != 1 {
		t.Fatalf("%q occurs %d times in %s", old, n, document)
	}
	return bytes.Replace(document, []byte(old), []byte(with), 1)
}
