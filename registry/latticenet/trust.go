package latticenet

import (
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"slices"
	"strings"

	"github.com/latticenet/lattice-host/registry/internal/check"
	"github.com/latticenet/lattice-host/registry/internal/strictjson"
	"github.com/latticenet/lattice-host/registry/release"
)

const signatureBytes = ed25519.SignatureSize

// MaxPolicyBytes is the largest trust policy.
const MaxPolicyBytes = 1 << 20

// The first lines of what is signed, so that no other document has the same signature.
const (
	payloadV1 = "lattice-plugin-manifest-v1"
	payloadV2 = "LATTICE-PLUGIN-MANIFEST-V2"
)

// Policy says whom to trust. The zero value trusts no one.
type Policy struct {
	// Publishers are in the order of their ids, which are distinct.
	Publishers []Publisher
	// AllowUnsignedHostRisk lets plugins of version 1 with capabilities of host risk come without a
	// signature. It is for development.
	AllowUnsignedHostRisk bool
}

// Publisher is somebody whose signature counts for plugins that name this id.
type Publisher struct {
	ID  string
	Key release.PublicKey
}

// ParsePolicy reads a trust policy strictly: {"trusted_publishers": {ID: KEY},
// "allow_unsigned_host_risk": false}. A key is the base64 of 32 bytes. The second field may be left
// out.
func ParsePolicy(data []byte) (*Policy, error) {
	var document struct {
		TrustedPublishers     map[string]string `json:"trusted_publishers"`
		AllowUnsignedHostRisk *bool             `json:"allow_unsigned_host_risk,omitempty"`
	}
	if err := strictjson.Decode(data, MaxPolicyBytes, &document); err != nil {
		return nil, err
	}
	var c checker
	c.Require(document.TrustedPublishers != nil, "trusted_publishers", "must be an object")
	ids := make([]string, 0, len(document.TrustedPublishers))
	for id := range document.TrustedPublishers {
		ids = append(ids, id)
	}
	slices.Sort(ids)
	p := &Policy{AllowUnsignedHostRisk: document.AllowUnsignedHostRisk != nil && *document.AllowUnsignedHostRisk}
	for _, id := range ids {
		at := "trusted_publishers." + id
		c.id(at, id)
		raw, err := check.DecodeBase64(document.TrustedPublishers[id], ed25519.PublicKeySize)
		if err != nil {
			c.Fail(at, err.Error())
			continue
		}
		key, err := release.NewPublicKey(raw)
		if err != nil {
			c.Fail(at, err.Error())
		}
		p.Publishers = append(p.Publishers, Publisher{id, key})
	}
	if err := c.Err(); err != nil {
		return nil, err
	}
	return p, nil
}

// Payload returns the bytes that are signed.
func (m *Manifest) Payload() ([]byte, error) {
	if m.IsV2() {
		unsigned := *m
		unsigned.Signature = ""
		// HTML in texts is escaped: so publishers sign it.
		encoded, err := json.Marshal(&unsigned)
		return append([]byte(payloadV2+"\n"), encoded...), err
	}
	capabilities := slices.Sorted(slices.Values(m.Capabilities))
	lines := []string{
		payloadV1, m.ID, m.Name, m.Type, m.Version, m.Entrypoint, m.Publisher, m.DigestSHA256, strings.Join(capabilities, "\x00"),
	}
	// Manifests from before there were contributions keep their signatures.
	if m.UI != nil || len(m.Interfaces) > 0 {
		ui, err := json.Marshal(m.UI)
		if err != nil {
			return nil, err
		}
		interfaces, err := json.Marshal(m.Interfaces)
		if err != nil {
			return nil, err
		}
		lines = append(lines, string(ui), string(interfaces))
	}
	return []byte(strings.Join(lines, "\n")), nil
}

// Sign binds the manifest to the artifact and signs it with key. It changes the digest and the
// signature.
func (m *Manifest) Sign(key release.PrivateKey, artifact []byte) error {
	if len(key.Ed25519) != ed25519.PrivateKeySize {
		return errors.New("the publisher's key is not an Ed25519 key")
	}
	signed := *m
	if m.Bundle != nil {
		signed.Bundle = &Bundle{Format: m.Bundle.Format, DigestSHA256: Digest(artifact)}
	} else {
		signed.DigestSHA256 = Digest(artifact)
	}
	payload, err := signed.Payload()
	if err != nil {
		return err
	}
	signed.Signature = base64.StdEncoding.EncodeToString(ed25519.Sign(key.Ed25519, payload))
	if err := signed.Check(); err != nil {
		return err
	}
	if signed.Publisher == "" {
		return errors.New("publisher: a signed manifest must name its publisher")
	}
	*m = signed
	return nil
}

// Digest returns the SHA-256 of an artifact in lower-case hexadecimal.
func Digest(artifact []byte) string {
	sum := sha256.Sum256(artifact)
	return hex.EncodeToString(sum[:])
}

// Verified is a manifest and its artifact that a policy was found to trust. Only [Policy.Verify]
// makes one, so that nothing else can be stored.
type Verified struct {
	manifest           *Manifest
	document, artifact []byte
	digest, keyID      string
}

// Manifest returns the manifest, which must not be changed.
func (v *Verified) Manifest() *Manifest { return v.manifest }

// Digest returns the SHA-256 of the artifact in hexadecimal.
func (v *Verified) Digest() string { return v.digest }

// KeyID returns the id of the key that signed; empty when the policy lets this plugin come without
// a signature.
func (v *Verified) KeyID() string { return v.keyID }

// Verify reads a manifest and finds out whether the policy trusts it and the artifact. What is
// wrong with the manifest itself is an ordinary error; that the artifact is another one, or that
// the signature or the publisher is wrong or missing, wraps [release.ErrNotTrusted]. The document
// and the artifact must not be changed afterwards.
func (p *Policy) Verify(document, artifact []byte) (*Verified, error) {
	m, err := Parse(document)
	if err != nil {
		return nil, err
	}
	v := &Verified{manifest: m, document: document, artifact: artifact, digest: Digest(artifact)}
	if v.keyID, err = p.verify(m, v.digest); err != nil {
		return nil, release.NotTrusted(m.Reference(), "sha256:"+v.digest, err)
	}
	return v, nil
}

func (p *Policy) verify(m *Manifest, digest string) (keyID string, err error) {
	if m.Digest() != "" && m.Digest() != digest {
		return "", errors.New("the manifest is for an artifact with the digest sha256:" + m.Digest())
	}
	if m.Publisher == "" && m.Signature == "" {
		return "", p.acceptUnsigned(m)
	}
	if m.Publisher == "" {
		return "", errors.New("publisher: is missing, a signature is somebody's")
	}
	i := slices.IndexFunc(p.Publishers, func(t Publisher) bool { return t.ID == m.Publisher })
	if i < 0 {
		return "", errors.New("the publisher " + m.Publisher + " is not among the trusted publishers")
	}
	key, err := release.NewPublicKey(p.Publishers[i].Key.Ed25519)
	switch {
	case err != nil:
		return "", errors.New("the publisher " + m.Publisher + ": " + err.Error())
	case m.Signature == "":
		return "", errors.New("signature_ed25519: is missing")
	case m.Digest() == "":
		return "", errors.New("digest_sha256: is missing, the signature would be good for any artifact")
	}
	signature, err := check.DecodeBase64(m.Signature, signatureBytes)
	if err != nil {
		return "", errors.New("signature_ed25519: " + err.Error())
	}
	payload, err := m.Payload()
	if err != nil {
		return "", err
	}
	if !ed25519.Verify(key.Ed25519, payload, signature) {
		return "", errors.New("signature_ed25519: is not a signature of this manifest by the key " + key.ID)
	}
	return key.ID, nil
}

// acceptUnsigned returns why a manifest without publisher and signature is not accepted.
func (p *Policy) acceptUnsigned(m *Manifest) error {
	switch {
	case m.IsV2():
		return errors.New("signature_ed25519: is missing, schema " + SchemaV2 + " asks for it")
	case m.hostRisk() && !p.AllowUnsignedHostRisk:
		return errors.New("signature_ed25519: is missing, the plugin asks for a capability of host risk")
	}
	return nil
}
