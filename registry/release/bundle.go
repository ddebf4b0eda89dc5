package release

import (
	"bytes"
	"crypto/ed25519"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"

	"github.com/latticenet/lattice-host/registry/internal/strictjson"
)

// BundleMediaType is the mediaType of a Sigstore bundle v0.3.
const BundleMediaType = "application/vnd.dev.sigstore.bundle.v0.3+json"

// MaxBundleBytes is the largest release bundle: a manifest of abi.MaxManifestBytes fits several
// times in base64.
const MaxBundleBytes = 1 << 20

// MaxSignatures is how many signatures a release may have: as many as a publisher has keys.
const MaxSignatures = 32

// Bundle is what a release bundle says. Reading one proves nothing: only [Verify] does.
type Bundle struct {
	// Payload is the signed statement.
	Payload []byte
	// Signatures are those of the payload, at least one.
	Signatures []Signature
}

// Signature is one signature of a statement.
type Signature struct {
	// KeyID is the id of the key that signed, as the bundle claims.
	KeyID string
	// Ed25519 is the signature, 64 bytes.
	Ed25519 []byte
}

// bundleDocument is the JSON of a bundle. It has no field for a key or a certificate: keys never
// come from a bundle.
type bundleDocument struct {
	MediaType            string   `json:"mediaType"`
	VerificationMaterial material `json:"verificationMaterial"`
	DSSEEnvelope         envelope `json:"dsseEnvelope"`
}

type material struct {
	PublicKey   keyHint    `json:"publicKey"`
	TlogEntries []struct{} `json:"tlogEntries"`
}

type keyHint struct {
	Hint string `json:"hint"`
}

type envelope struct {
	PayloadType string              `json:"payloadType"`
	Payload     string              `json:"payload"`
	Signatures  []envelopeSignature `json:"signatures"`
}

type envelopeSignature struct {
	Sig   string `json:"sig"`
	KeyID string `json:"keyid"`
}

// ParseBundle reads a release bundle of at most [MaxBundleBytes] strictly. It is one Sigstore
// bundle for each signature, of the same statement, one after the other: a Sigstore bundle has one
// signature, and readers of that format read each.
func ParseBundle(data []byte) (*Bundle, error) {
	b, err := parseBundle(data)
	if err != nil {
		return nil, fmt.Errorf("bundle: %w", err)
	}
	return b, nil
}

func parseBundle(data []byte) (*Bundle, error) {
	parts, err := SplitBundle(data)
	if err != nil {
		return nil, err
	}
	all := &Bundle{}
	for i, part := range parts {
		payload, signature, err := parseSigned(part)
		if err == nil && i > 0 && !bytes.Equal(payload, all.Payload) {
			err = errors.New("dsseEnvelope.payload: is another statement than the one that the first signature is of")
		}
		if err != nil && len(parts) > 1 {
			err = fmt.Errorf("signature %d: %w", i+1, err)
		}
		if err != nil {
			return nil, err
		}
		all.Payload = payload
		all.Signatures = append(all.Signatures, signature)
	}
	return all, nil
}

// SplitBundle returns the Sigstore bundles in a release bundle, one for each signature. What each
// says is not looked at.
func SplitBundle(data []byte) ([][]byte, error) {
	if len(data) > MaxBundleBytes {
		return nil, fmt.Errorf("the document has %d bytes, the limit is %d", len(data), MaxBundleBytes)
	}
	d := json.NewDecoder(bytes.NewReader(data))
	var parts [][]byte
	for {
		var part json.RawMessage
		err := d.Decode(&part)
		end := errors.Is(err, io.EOF)
		if end && len(parts) > 1 {
			return parts, nil
		}
		if err != nil && len(parts) == 0 || end {
			// The file is one signature, whose digest is that of all its bytes; the strict parser
			// reports what is wrong with it.
			return [][]byte{data}, nil
		}
		if err != nil {
			return nil, fmt.Errorf("after signature %d: %w", len(parts), err)
		}
		if len(parts) == MaxSignatures {
			return nil, fmt.Errorf("has more than %d signatures", MaxSignatures)
		}
		parts = append(parts, part)
	}
}

// parseSigned reads one Sigstore bundle.
func parseSigned(data []byte) (payload []byte, s Signature, err error) {
	var d bundleDocument
	if err := strictjson.Decode(data, MaxBundleBytes, &d); err != nil {
		return nil, s, err
	}
	if err := d.check(); err != nil {
		return nil, s, err
	}
	if payload, err = decodeBase64(d.DSSEEnvelope.Payload); err != nil {
		return nil, s, fmt.Errorf("dsseEnvelope.payload: %w", err)
	}
	s.KeyID = d.VerificationMaterial.PublicKey.Hint
	s.Ed25519, err = decodeBase64(d.DSSEEnvelope.Signatures[0].Sig)
	if err == nil && len(s.Ed25519) != ed25519.SignatureSize {
		err = fmt.Errorf("has %d bytes, an Ed25519 signature has %d", len(s.Ed25519), ed25519.SignatureSize)
	}
	if err != nil {
		return nil, s, fmt.Errorf("dsseEnvelope.signatures.0.sig: %w", err)
	}
	return payload, s, nil
}

// KeyIDs returns the ids of the keys that signed, as the bundle claims, sorted and each once.
func (b *Bundle) KeyIDs() []string {
	ids := make([]string, len(b.Signatures))
	for i, s := range b.Signatures {
		ids[i] = s.KeyID
	}
	slices.Sort(ids)
	return slices.Compact(ids)
}

func (d *bundleDocument) check() error {
	e := d.DSSEEnvelope
	switch {
	case d.MediaType != BundleMediaType:
		return errors.New("mediaType: is " + strconv.Quote(d.MediaType) + ", must be " + BundleMediaType)
	case d.VerificationMaterial.TlogEntries == nil || len(d.VerificationMaterial.TlogEntries) != 0:
		return errors.New("verificationMaterial.tlogEntries: must be an empty array, releases are not in a transparency log")
	case e.PayloadType != PayloadType:
		return errors.New("dsseEnvelope.payloadType: is " + strconv.Quote(e.PayloadType) + ", must be " + PayloadType)
	case len(e.Signatures) != 1:
		return fmt.Errorf("dsseEnvelope.signatures: has %d entries, must have exactly one", len(e.Signatures))
	case e.Signatures[0].KeyID != "":
		return errors.New("dsseEnvelope.signatures.0.keyid: must be empty, verificationMaterial.publicKey.hint names the key")
	}
	return nil
}

// Extends reports whether a bundle is of the same statement as another, and has all of its
// signatures.
func (b *Bundle) Extends(other *Bundle) bool {
	return bytes.Equal(b.Payload, other.Payload) && !slices.ContainsFunc(other.Signatures, func(s Signature) bool {
		return !slices.ContainsFunc(b.Signatures, func(o Signature) bool { return o.KeyID == s.KeyID && bytes.Equal(o.Ed25519, s.Ed25519) })
	})
}

// encode returns the canonical JSON of a Sigstore bundle for each signature, a line each.
func (b *Bundle) encode() ([]byte, error) {
	var lines [][]byte
	for _, s := range b.Signatures {
		line, err := strictjson.Marshal(bundleDocument{
			MediaType: BundleMediaType,
			VerificationMaterial: material{
				PublicKey:   keyHint{Hint: s.KeyID},
				TlogEntries: []struct{}{},
			},
			DSSEEnvelope: envelope{
				PayloadType: PayloadType,
				Payload:     base64.StdEncoding.EncodeToString(b.Payload),
				Signatures:  []envelopeSignature{{Sig: base64.StdEncoding.EncodeToString(s.Ed25519)}},
			},
		})
		if err != nil {
			return nil, err
		}
		lines = append(lines, line)
	}
	encoded := bytes.Join(lines, []byte("\n"))
	if len(encoded) > MaxBundleBytes {
		return nil, fmt.Errorf("the bundle has %d bytes, the limit is %d", len(encoded), MaxBundleBytes)
	}
	return encoded, nil
}

// preAuthEncoding returns what a DSSE signature is over (github.com/secure-systems-lab/dsse,
// protocol.md).
func preAuthEncoding(payloadType string, payload []byte) []byte {
	head := "DSSEv1 " + strconv.Itoa(len(payloadType)) + " " + payloadType + " " + strconv.Itoa(len(payload)) + " "
	return append([]byte(head), payload...)
}

// decodeBase64 reads padded standard base64. One value has one spelling: Go's decoder skips
// line breaks.
func decodeBase64(s string) ([]byte, error) {
	data, err := base64.StdEncoding.Strict().DecodeString(s)
	if err != nil || base64.StdEncoding.EncodeToString(data) != s {
		return nil, errors.New("is not padded standard base64")
	}
	return data, nil
}
