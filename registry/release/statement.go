package release

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"

	"github.com/latticenet/lattice-host/abi"
	"github.com/latticenet/lattice-host/registry/internal/strictjson"
)

// The identifiers of the signed statement. Each must be exactly this in a release.
const (
	// StatementType is the _type of an in-toto Statement v1.
	StatementType = "https://in-toto.io/Statement/v1"
	// PredicateType says that the predicate is {"manifest": …}.
	PredicateType = "https://lattice.dev/plugin-release/v1"
	// PayloadType is the payloadType of the DSSE envelope around a statement.
	PayloadType = "application/vnd.in-toto+json"
)

// statement is an in-toto Statement v1 (github.com/in-toto/attestation, spec/v1/statement.md) about
// one module.
type statement struct {
	Type          string    `json:"_type"`
	Subject       []subject `json:"subject"`
	PredicateType string    `json:"predicateType"`
	Predicate     predicate `json:"predicate"`
}

// subject names what the statement is about: publisher/name@version and the digest of the module.
type subject struct {
	Name   string     `json:"name"`
	Digest subjectSum `json:"digest"`
}

type subjectSum struct {
	SHA256 string `json:"sha256"`
}

type predicate struct {
	Manifest json.RawMessage `json:"manifest"`
}

// newStatement returns the canonical JSON of the statement about a module with the given manifest.
func newStatement(manifest *abi.Manifest, manifestJSON, wasm []byte) ([]byte, error) {
	return strictjson.Marshal(statement{
		Type:          StatementType,
		Subject:       []subject{{Name: manifest.Reference(), Digest: subjectSum{SHA256: hexSum(wasm)}}},
		PredicateType: PredicateType,
		Predicate:     predicate{Manifest: manifestJSON},
	})
}

// parseStatement reads a statement and checks its types and that it has one subject.
func parseStatement(payload []byte) (*statement, error) {
	var s statement
	if err := strictjson.Decode(payload, MaxBundleBytes, &s); err != nil {
		return nil, fmt.Errorf("statement: %w", err)
	}
	switch {
	case s.Type != StatementType:
		return nil, errors.New("statement: _type: is " + strconv.Quote(s.Type) + ", must be " + StatementType)
	case s.PredicateType != PredicateType:
		return nil, errors.New("statement: predicateType: is " + strconv.Quote(s.PredicateType) + ", must be " + PredicateType)
	case len(s.Subject) != 1:
		return nil, fmt.Errorf("statement: subject: has %d entries, must have exactly one", len(s.Subject))
	}
	return &s, nil
}

// digestPrefix is the algorithm that every digest of the registry names.
const digestPrefix = "sha256:"

// Digest returns the SHA-256 of data as sha256: and 64 lower-case hexadecimal digits.
func Digest(data []byte) string { return digestPrefix + hexSum(data) }

// ValidDigest reports whether s has the form that [Digest] returns.
func ValidDigest(s string) bool {
	if len(s) != len(digestPrefix)+hex.EncodedLen(sha256.Size) || s[:len(digestPrefix)] != digestPrefix {
		return false
	}
	for _, c := range []byte(s[len(digestPrefix):]) {
		if (c < '0' || c > '9') && (c < 'a' || c > 'f') {
			return false
		}
	}
	return true
}

func hexSum(data []byte) string {
	sum := sha256.Sum256(data)
	return hex.EncodeToString(sum[:])
}
