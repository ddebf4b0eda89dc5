package release

import (
	"fmt"

	"github.com/latticenet/lattice-host/abi"
)

// Claims are what a release bundle says of a release. Nothing of it is proven: see [Verify].
type Claims struct {
	// Manifest is the manifest in the statement.
	Manifest *abi.Manifest
	// Digest is that of the module, in the form of [Digest].
	Digest string
	// Bundle has the signatures.
	*Bundle
}

// ReadClaims reads a release bundle without its module, to list or look for releases.
func ReadClaims(bundle []byte) (*Claims, error) {
	b, err := ParseBundle(bundle)
	if err != nil {
		return nil, err
	}
	s, err := parseStatement(b.Payload)
	if err != nil {
		return nil, err
	}
	manifest, err := ParseManifest(s.Predicate.Manifest)
	if err != nil {
		return nil, fmt.Errorf("statement: predicate.manifest: %w", err)
	}
	digest := digestPrefix + s.Subject[0].Digest.SHA256
	want := Want{Publisher: manifest.Publisher, Name: manifest.Name, Version: manifest.Version, Digest: digest}
	if err := checkSubject(s.Subject[0], manifest, want); err != nil {
		return nil, err
	}
	if !ValidDigest(digest) {
		return nil, fmt.Errorf("statement: subject.0.digest.sha256: %q is not 64 lower-case hexadecimal digits", s.Subject[0].Digest.SHA256)
	}
	return &Claims{Manifest: manifest, Digest: digest, Bundle: b}, nil
}
