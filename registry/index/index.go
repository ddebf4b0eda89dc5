// Package index reads, checks, signs and makes the static list of plugin releases,
// lattice.plugin.index.v1.
//
// It is one of the targets of the signed index, see package tuf, for readers of this format.
//
// An index is one JSON document that says which publishers and releases there are. It is signed as
// a whole: Ed25519 over "LATTICE-PLUGIN-INDEX-V1\n" and the canonical JSON of the document without
// its signatures. The index vouches for publishers' keys and for digests; that a publisher made a
// release is proved by the release bundle, which the publisher signed and which package release
// verifies. Anyone who holds the index key alone cannot forge a release of a publisher that an
// installation knows.
//
// Two points go beyond the published format. An index that lies in a folder may name files of that
// folder: manifest_url and artifact_url are then relative paths with forward slashes, below the
// folder of the index, such as oci/blobs/sha256/0123…. And manifest_url leads to the release
// bundle, whose signed statement contains the manifest. The id of a plugin of this contract is
// publisher.name, and its type is wasm.
package index

import (
	"crypto/ed25519"
	"encoding/base64"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/latticenet/lattice-host/registry/internal/check"
	"github.com/latticenet/lattice-host/registry/internal/strictjson"
	"github.com/latticenet/lattice-host/registry/release"
)

// FileName is the name of the document.
const FileName = "index.json"

// Schema is the value of [Index.Schema].
const Schema = "lattice.plugin.index.v1"

// MaxBytes is the largest index: some ten thousand releases.
const MaxBytes = 16 << 20

// signaturePrefix is in front of the canonical JSON that is signed, so that no other document has
// the same signature.
const signaturePrefix = "LATTICE-PLUGIN-INDEX-V1\n"

// Index is the whole document.
type Index struct {
	// Schema is [Schema].
	Schema string `json:"schema"`
	// GeneratedAt is when the document was written, in RFC 3339 ending in Z.
	GeneratedAt string `json:"generated_at"`
	// Status is one of the Status constants.
	Status string `json:"status"`
	// Publishers have distinct ids.
	Publishers []Publisher `json:"publishers"`
	// Plugins have distinct ids.
	Plugins []Plugin `json:"plugins"`
	// Signatures are over everything else.
	Signatures []Signature `json:"signatures"`
}

// The values of [Index.Status].
const (
	// StatusOfficial is an index for use; it must be signed.
	StatusOfficial = "official"
	// StatusDraft is an index in the making.
	StatusDraft = "draft"
	// StatusExample is an index for show.
	StatusExample = "example"
)

// Publisher may release plugins.
type Publisher struct {
	// ID is what the publisher's manifests say.
	ID string `json:"id"`
	// Name is for people.
	Name string `json:"name"`
	// PublicKey is the base64 of the 32 bytes of an Ed25519 key.
	PublicKey string `json:"public_key_ed25519"`
}

// Key returns the publisher's key.
func (p Publisher) Key() (release.PublicKey, error) {
	raw, err := check.DecodeBase64(p.PublicKey, ed25519.PublicKeySize)
	if err != nil {
		return release.PublicKey{}, err
	}
	return release.NewPublicKey(raw)
}

// Plugin is one plugin with its releases.
type Plugin struct {
	// ID is publisher.name for plugins of this contract.
	ID string `json:"id"`
	// Name is for people.
	Name string `json:"name"`
	// Publisher is the id of one of the index's publishers.
	Publisher string `json:"publisher"`
	// Type is one of the Type constants.
	Type string `json:"type"`
	// Summary is one line for people.
	Summary string `json:"summary"`
	// Latest is the version in the stable channel, for old readers.
	Latest string `json:"latest,omitempty"`
	// Channels name the release that each channel offers.
	Channels Channels `json:"channels"`
	// Capabilities are the names of the capabilities that the offered release asks for. They are
	// shown; the signed manifest decides.
	Capabilities []string `json:"capabilities"`
	// Releases have distinct versions.
	Releases []Release `json:"releases"`
}

// The values of [Plugin.Type].
const (
	// TypeWasm is a module for the sandbox. It is the only type that this host installs.
	TypeWasm = "wasm"
	// TypeSystem is a native program.
	TypeSystem = "system"
	// TypeWorker is a script for an edge worker.
	TypeWorker = "worker"
)

// Channels name versions. An empty one offers nothing.
type Channels struct {
	// Stable is never a prerelease.
	Stable string `json:"stable,omitempty"`
	// Alpha is an -alpha prerelease.
	Alpha string `json:"alpha,omitempty"`
}

// The values of [Release.Channel].
const (
	// ChannelStable is for releases that are not prereleases.
	ChannelStable = "stable"
	// ChannelAlpha is for -alpha prereleases.
	ChannelAlpha = "alpha"
)

// Release is one version of a plugin.
type Release struct {
	// Version is distinct within the plugin.
	Version string `json:"version"`
	// Channel is one of the Channel constants.
	Channel string `json:"channel"`
	// Capabilities are those of this release; required when the plugin uses both channels.
	Capabilities []string `json:"capabilities,omitzero"`
	// ManifestURL is where the release bundle is.
	ManifestURL string `json:"manifest_url"`
	// ArtifactURL is where the module is.
	ArtifactURL string `json:"artifact_url"`
	// ArtifactSHA256 is the SHA-256 of the module, in lower-case hexadecimal.
	ArtifactSHA256 string `json:"artifact_sha256"`
	// Signature is the base64 of the signature in the release bundle.
	Signature string `json:"signature_ed25519"`
}

// Digest returns the digest of the module in the form of release.Digest.
func (r Release) Digest() string { return "sha256:" + r.ArtifactSHA256 }

// SignatureBytes returns the signature in the release bundle, 64 bytes.
func (r Release) SignatureBytes() ([]byte, error) {
	return check.DecodeBase64(r.Signature, ed25519.SignatureSize)
}

// Signature is one signature of the document.
type Signature struct {
	// Publisher is the id of the key that signed.
	Publisher string `json:"publisher"`
	// Signature is the base64 of the 64 bytes.
	Signature string `json:"signature_ed25519"`
}

// Parse reads an index strictly and checks every rule of the format. It proves nothing about the
// origin: see [Index.Verify].
func Parse(data []byte) (*Index, error) {
	var x Index
	if err := strictjson.Decode(data, MaxBytes, &x); err != nil {
		return nil, err
	}
	if err := x.check(); err != nil {
		return nil, err
	}
	return &x, nil
}

// Encode returns the document as indented JSON. Equal indexes give equal bytes.
func (x *Index) Encode() ([]byte, error) {
	if err := x.check(); err != nil {
		return nil, err
	}
	return strictjson.MarshalIndent(x)
}

// Sign adds the signature of key, in place of one that the key made before. Signatures are kept in
// the order of key ids.
func (x *Index) Sign(key release.PrivateKey) error {
	payload, err := x.payload()
	if err != nil {
		return err
	}
	if len(key.Ed25519) != ed25519.PrivateKeySize {
		return errors.New("the index key is not an Ed25519 key")
	}
	x.Signatures = slices.DeleteFunc(x.Signatures, func(s Signature) bool { return s.Publisher == key.ID })
	x.Signatures = append(x.Signatures, Signature{
		Publisher: key.ID,
		Signature: base64.StdEncoding.EncodeToString(ed25519.Sign(key.Ed25519, payload)),
	})
	slices.SortFunc(x.Signatures, func(a, b Signature) int { return strings.Compare(a.Publisher, b.Publisher) })
	return nil
}

// Verify checks that at least threshold different keys of keys signed the document. A threshold
// below 1 is an error. Every error wraps release.ErrNotTrusted.
func (x *Index) Verify(keys []release.PublicKey, threshold int) error {
	if threshold < 1 {
		return notTrusted(fmt.Errorf("a threshold of %d signatures would trust anybody", threshold))
	}
	if len(x.Signatures) == 0 {
		return notTrusted(errors.New("the index is not signed"))
	}
	signers, err := x.Signers(keys)
	if err != nil {
		return notTrusted(err)
	}
	if len(signers) < threshold {
		return notTrusted(fmt.Errorf("%d of the trusted index keys signed this content, %d must", len(signers), threshold))
	}
	return nil
}

// Signers returns the ids of those of keys that signed the document, sorted, each once. Signatures
// by other keys are skipped.
func (x *Index) Signers(keys []release.PublicKey) ([]string, error) {
	payload, err := x.payload()
	if err != nil {
		return nil, err
	}
	var signers []string
	for _, key := range keys {
		if valid, err := release.NewPublicKey(key.Ed25519); err != nil || key.ID != valid.ID {
			return nil, fmt.Errorf("the index key %q is not an Ed25519 key with its own id", key.ID)
		}
		if slices.ContainsFunc(x.Signatures, func(s Signature) bool { return s.madeBy(key, payload) }) {
			signers = append(signers, key.ID)
		}
	}
	slices.Sort(signers)
	return slices.Compact(signers), nil
}

func (s Signature) madeBy(key release.PublicKey, payload []byte) bool {
	if s.Publisher != key.ID {
		return false
	}
	signature, err := check.DecodeBase64(s.Signature, ed25519.SignatureSize)
	return err == nil && ed25519.Verify(key.Ed25519, payload, signature)
}

// payload returns the bytes that are signed.
func (x *Index) payload() ([]byte, error) {
	unsigned := struct {
		Schema      string      `json:"schema"`
		GeneratedAt string      `json:"generated_at"`
		Status      string      `json:"status"`
		Publishers  []Publisher `json:"publishers"`
		Plugins     []Plugin    `json:"plugins"`
	}{x.Schema, x.GeneratedAt, x.Status, x.Publishers, x.Plugins}
	canonical, err := strictjson.Marshal(unsigned)
	if err != nil {
		return nil, err
	}
	return append([]byte(signaturePrefix), canonical...), nil
}

// Plugin returns the plugin publisher/name, or nil when the index has none that this host can
// install.
func (x *Index) Plugin(publisher, name string) *Plugin {
	i := slices.IndexFunc(x.Plugins, func(p Plugin) bool {
		return p.Type == TypeWasm && p.Publisher == publisher && p.ID == publisher+"."+name
	})
	if i < 0 {
		return nil
	}
	return &x.Plugins[i]
}

// Publisher returns the publisher with the given id, or nil.
func (x *Index) Publisher(id string) *Publisher {
	i := slices.IndexFunc(x.Publishers, func(p Publisher) bool { return p.ID == id })
	if i < 0 {
		return nil
	}
	return &x.Publishers[i]
}

func notTrusted(problem error) error { return release.NotTrusted("index", "", problem) }
