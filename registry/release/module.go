package release

import "github.com/latticenet/lattice-host/abi"

// Module is a plugin module whose digest and signature were verified. Only this package can make
// one, so that anyone who takes a *Module knows that nothing unverified reaches it.
type Module struct {
	manifest *abi.Manifest
	digest   string
	wasm     []byte
	signers  []string
}

// Manifest returns the manifest that the publisher signed. It must not be changed.
func (m *Module) Manifest() *abi.Manifest { return m.manifest }

// Digest returns the SHA-256 of the module, as sha256: and 64 lower-case hexadecimal digits.
func (m *Module) Digest() string { return m.digest }

// Wasm returns the bytes of the module. They must not be changed.
func (m *Module) Wasm() []byte { return m.wasm }

// Signers returns the ids of the keys that the rule let count and that signed, sorted. It must not
// be changed.
func (m *Module) Signers() []string { return m.signers }
