package release

import (
	"crypto/ed25519"
	"encoding/base64"
	"errors"
	"fmt"
	"strconv"

	"github.com/latticenet/lattice-host/registry/internal/strictjson"
)

// BundleMediaType is the mediaType of a Sigstore bundle v0.3.
const BundleMediaType = "application/vnd.dev.sigstore.bundle.v0.3+json"

// MaxBundleBytes is the largest release bundle: a manifest of abi.MaxManifestBytes fits several times in base64.
const MaxBundleBytes = 1 << 20

// Bundle is what a release bundle says. Reading one proves nothing: only [Verify] does.
type Bundle struct {
	// KeyHint is the id of the key that signed, as the bundle claims.
	KeyHint string
	// Payload is the signed statement.
	Payload []byte
	// Signature is the Ed25519 signature, 64 bytes.
	Signature []byte
}

// bundleDocument is the JSON of a bundle. It has no field for a key or a certificate: keys never come from a bundle.
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

// ParseBundle reads a release bundle of at most [MaxBundleBytes] strictly.
func ParseBundle(data []byte) (*Bundle, error) {
	var d bundleDocument
	if err := strictjson.Decode(data, MaxBundleBytes, &d); err != nil {
		return nil, fmt.Errorf("bundle: %w", err)
	}
	if err := d.check(); err != nil {
		return nil, fmt.Errorf("bundle: %w", err)
	}
	payload, err := decodeBase64(d.DSSEEnvelope.Payload)
	if err != nil {
		return nil, fmt.Errorf("bundle: dsseEnvelope.payload: %w", err)
	}
	signature, err := decodeBase64(d.DSSEEnvelope.Signatures[0].Sig)
	if err == nil && len(signature) != ed25519.SignatureSize {
		err = fmt.Errorf("has %d bytes, an Ed25519 signature has %d", len(signature), ed25519.SignatureSize)
	}
	if err != nil {
		return nil, fmt.Errorf("bundle: dsseEnvelope.signatures.0.sig: %w", err)
	}
	return &Bundle{KeyHint: d.VerificationMaterial.PublicKey.Hint, Payload: payload, Signature: signature}, nil
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

// encode returns the bundle as canonical JSON.
func (b *Bundle) encode() ([]byte, error) {
	return strictjson.Marshal(bundleDocument{
		MediaType: BundleMediaType,
		VerificationMaterial: material{
			PublicKey:   keyHint{Hint: b.KeyHint},
			TlogEntries: []struct{}{},
		},
		DSSEEnvelope: envelope{
			PayloadType: PayloadType,
			Payload:     base64.StdEncoding.EncodeToString(b.Payload),
			Signatures:  []envelopeSignature{{Sig: base64.StdEncoding.EncodeToString(b.Signature)}},
		},
	})
}

// preAuthEncoding returns what a DSSE signature is over (github.com/secure-systems-lab/dsse, protocol.md).
func preAuthEncoding(payloadType string, payload []byte) []byte {
	head := "DSSEv1 " + strconv.Itoa(len(payloadType)) + " " + payloadType + " " + strconv.Itoa(len(payload)) + " "
	return append([]byte(head), payload...)
}

// decodeBase64 reads padded standard base64. One value has one spelling: Go's decoder passes over line breaks.
func decodeBase64(s string) ([]byte, error) {
	data, err := base64.StdEncoding.Strict().DecodeString(s)
	if err != nil || base64.StdEncoding.EncodeToString(data) != s {
		return nil, errors.New("is not padded standard base64")
	}
	return data, nil
}
