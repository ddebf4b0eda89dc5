package release

import (
	"bytes"
	"crypto/ed25519"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/latticenet/lattice-host/abi"
	"github.com/latticenet/lattice-host/internal/kind"
	"github.com/latticenet/lattice-host/internal/problem"
	"github.com/latticenet/lattice-host/registry/internal/strictjson"
)

// ErrNotTrusted marks everything that must not run: a signature, a digest or a statement is wrong
// or missing.
var ErrNotTrusted = problem.New(problem.Untrusted, "not trusted")

// notTrustedError names what is not trusted, and why.
type notTrustedError struct {
	subject, digest string
	problem         error
}

func (e *notTrustedError) Error() string {
	at := e.subject
	if e.digest != "" {
		at += ": " + e.digest
	}
	return at + ": not trusted: " + e.problem.Error()
}

func (e *notTrustedError) Unwrap() []error { return []error{ErrNotTrusted, e.problem} }

// NotTrusted returns an error that wraps [ErrNotTrusted] and problem. Subject is the plugin as
// publisher/name@version, or the file in question; digest may be empty if none exists.
func NotTrusted(subject, digest string, problem error) error {
	return &notTrustedError{subject: subject, digest: digest, problem: problem}
}

// Want is the release that a caller asked for, known from somewhere it trusts: a signed index or a
// lock file.
type Want struct {
	// Publisher, Name and Version are those of the manifest.
	Publisher, Name, Version string
	// Digest is the SHA-256 of the module as [Digest] returns it.
	Digest string
	// Rule says who must have signed.
	Rule
}

// Reference returns publisher/name@version.
func (w Want) Reference() string { return w.Publisher + "/" + w.Name + "@" + w.Version }

// Sign returns the bundle of a release: a statement about the module and the manifest in its custom
// section, signed with key. Equal arguments give equal bytes.
func Sign(key PrivateKey, wasm []byte) (bundle []byte, err error) {
	manifest, b, err := sign(key, wasm)
	if err != nil {
		return nil, err
	}
	return b.encodeFor(manifest)
}

// AddSignature returns a bundle of the same release with the signature of key as well, in place of
// one that claims to be by this key. The signatures that are there are kept as they are,
// unverified: their keys need not be at hand. It is an error when they are of something else than
// this module.
func AddSignature(key PrivateKey, wasm, bundle []byte) ([]byte, error) {
	manifest, b, err := sign(key, wasm)
	if err != nil {
		return nil, err
	}
	present, err := ParseBundle(bundle)
	if err != nil {
		return nil, err
	}
	if !bytes.Equal(present.Payload, b.Payload) {
		return nil, errors.New("bundle: its signatures are of another module, or of another manifest")
	}
	for _, s := range present.Signatures {
		if s.KeyID != key.ID {
			b.Signatures = append(b.Signatures, s)
		}
	}
	if len(b.Signatures) > MaxSignatures {
		return nil, fmt.Errorf("bundle: has %d signatures, a release may have %d", len(present.Signatures), MaxSignatures)
	}
	slices.SortStableFunc(b.Signatures, func(x, y Signature) int { return strings.Compare(x.KeyID, y.KeyID) })
	return b.encodeFor(manifest)
}

func sign(key PrivateKey, wasm []byte) (*abi.Manifest, *Bundle, error) {
	if err := key.check(); err != nil {
		return nil, nil, err
	}
	section, manifest, err := readManifest(wasm)
	if err != nil {
		return nil, nil, err
	}
	payload, err := newStatement(manifest, section, wasm)
	if err != nil {
		return nil, nil, err
	}
	signature := ed25519.Sign(key.Ed25519, preAuthEncoding(PayloadType, payload))
	return manifest, &Bundle{Payload: payload, Signatures: []Signature{{KeyID: key.ID, Ed25519: signature}}}, nil
}

func (b *Bundle) encodeFor(manifest *abi.Manifest) ([]byte, error) {
	encoded, err := b.encode()
	if err != nil {
		return nil, fmt.Errorf("%s: %w", manifest.Reference(), err)
	}
	return encoded, nil
}

// Verify returns the module if the bundle proves that as many keys as want.Rule asks for signed
// exactly these bytes as the release that want names, with the manifest that they carry. The module
// has its own copy of wasm. Every error wraps [ErrNotTrusted] and names the release and the digest.
func Verify(bundle, wasm []byte, want Want) (*Module, error) {
	m, err := verify(bundle, slices.Clone(wasm), want)
	if err != nil {
		return nil, NotTrusted(want.Reference(), want.Digest, err)
	}
	return m, nil
}

func verify(bundle, wasm []byte, want Want) (*Module, error) {
	if err := checkSize(wasm); err != nil {
		return nil, err
	}
	if digest := Digest(wasm); digest != want.Digest {
		return nil, errors.New("the module has the digest " + digest)
	}
	if len(bundle) == 0 {
		return nil, errors.New("the release has no signature bundle")
	}
	b, err := ParseBundle(bundle)
	if err != nil {
		return nil, err
	}
	signers, err := want.Check(b)
	if err != nil {
		return nil, err
	}
	s, err := parseStatement(b.Payload)
	if err != nil {
		return nil, err
	}
	section, manifest, err := readManifest(wasm)
	if err != nil {
		return nil, err
	}
	if err := checkSubject(s.Subject[0], manifest, want); err != nil {
		return nil, err
	}
	if err := sameManifest(section, s.Predicate.Manifest); err != nil {
		return nil, err
	}
	return &Module{manifest: manifest, digest: want.Digest, wasm: wasm, signers: signers}, nil
}

// checkSubject keeps a valid statement about one release from being served as another.
func checkSubject(s subject, manifest *abi.Manifest, want Want) error {
	switch {
	case manifest.Reference() != want.Reference():
		return errors.New("manifest: the module is " + manifest.Reference())
	case s.Name != want.Reference():
		return errors.New("statement: subject.0.name: is " + strconv.Quote(s.Name) + ", must be " + want.Reference())
	case digestPrefix+s.Digest.SHA256 != want.Digest:
		return errors.New("statement: subject.0.digest.sha256: is " + strconv.Quote(s.Digest.SHA256))
	}
	return nil
}

func sameManifest(section, signed []byte) error {
	inModule, err := strictjson.Canonical(section)
	if err != nil {
		return fmt.Errorf("section %s: %w", abi.ManifestSection, err)
	}
	inStatement, err := strictjson.Canonical(signed)
	if err != nil {
		return fmt.Errorf("statement: predicate.manifest: %w", err)
	}
	if !bytes.Equal(inModule, inStatement) {
		return errors.New("statement: predicate.manifest: differs from the section " + abi.ManifestSection + " of the module")
	}
	return nil
}

// readManifest returns the manifest section of a module, as it is and read.
func readManifest(wasm []byte) (section []byte, manifest *abi.Manifest, err error) {
	if section, err = ManifestSection(wasm); err != nil {
		return nil, nil, err
	}
	if manifest, err = ParseManifest(section); err != nil {
		return nil, nil, fmt.Errorf("manifest: %w", err)
	}
	return section, manifest, nil
}

// ParseManifest reads a manifest as every door to a plugin does: as abi.ParseManifest, and the
// kinds that it brings.
func ParseManifest(data []byte) (*abi.Manifest, error) {
	m, err := abi.ParseManifest(data)
	if err != nil {
		return nil, err
	}
	_, err = kind.ParseAll(m)
	return m, err
}

// CapabilityNames returns the names of the capabilities that a manifest asks for, sorted.
func CapabilityNames(m *abi.Manifest) []string {
	names := make([]string, len(m.Capabilities))
	for i, c := range m.Capabilities {
		names[i] = c.Name
	}
	slices.Sort(names)
	return names
}
