// Package oci gives releases the shape that OCI registries keep, and moves them between registries
// and the store.
//
// A release is the artifact of the CNCF's Wasm OCI layout: an image manifest with a config of type
// application/vnd.wasm.config.v0+json and the module as its only layer, of type application/wasm.
// Each signature in the release bundle is a manifest of its own that refers to it (its subject), so
// that a registry lists it among the artifact's referrers. Nothing in a manifest is believed: what
// comes out of this package is what a signature is then checked against.
package oci

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/opencontainers/go-digest"
	specs "github.com/opencontainers/image-spec/specs-go"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
	"oras.land/oras-go/v2/content"
	"oras.land/oras-go/v2/errdef"

	"github.com/latticenet/lattice-host/abi"
	"github.com/latticenet/lattice-host/registry/release"
)

// Media types, and what the config of a module says:
// https://tag-runtime.cncf.io/wgs/wasm/deliverables/wasm-oci-artifact/
const (
	MediaTypeWasmConfig = "application/vnd.wasm.config.v0+json"
	MediaTypeWasm       = "application/wasm"
	// MediaTypeBundle is the type of a release bundle, as layer and as artifact.
	MediaTypeBundle = release.BundleMediaType

	architectureWasm = "wasm"
	// osWasip1 is for core modules; components have wasip2.
	osWasip1 = "wasip1"
)

// The annotations of a release's manifest. They are for people and tools that look at a registry:
// the signed statement decides.
const (
	AnnotationABI = "io.lattice.abi"
)

// epoch is the time that every release was made: the same release has the same digest whenever it
// is packed.
const epoch = "1970-01-01T00:00:00Z"

// maxManifestBytes is the largest manifest and config that is read. Ours have less than 1 KiB.
const maxManifestBytes = 64 << 10

// MaxBundles is how many bundles of a release are looked at: a registry may list referrers of
// anyone's making.
const MaxBundles = 16

// ErrLayout marks an artifact that is not a plugin release.
var ErrLayout = errors.New("is not a plugin release")

// Artifact is a packed release.
type Artifact struct {
	// Manifest is what a reference of the registry names.
	Manifest ocispec.Descriptor
	// Bundles are the manifests of the signatures, a Sigstore bundle each, which refer to Manifest.
	Bundles []ocispec.Descriptor
}

// config is the config of a Wasm artifact.
type config struct {
	Created      string          `json:"created"`
	Architecture string          `json:"architecture"`
	OS           string          `json:"os"`
	LayerDigests []digest.Digest `json:"layerDigests"`
}

// Pack writes a release into dst, blobs before what names them. Equal releases give equal
// artifacts.
func Pack(ctx context.Context, dst content.Pusher, wasm, bundle []byte, m *abi.Manifest) (Artifact, error) {
	p := packer{ctx: ctx, dst: dst}
	layer := p.push(MediaTypeWasm, wasm)
	settings := p.pushJSON(MediaTypeWasmConfig, config{
		Created: epoch, Architecture: architectureWasm, OS: osWasip1, LayerDigests: []digest.Digest{layer.Digest},
	})
	manifest := p.pushJSON(ocispec.MediaTypeImageManifest, ocispec.Manifest{
		Versioned: specs.Versioned{SchemaVersion: 2}, MediaType: ocispec.MediaTypeImageManifest,
		Config: settings, Layers: []ocispec.Descriptor{layer},
		Annotations: map[string]string{
			ocispec.AnnotationCreated: epoch,
			ocispec.AnnotationTitle:   m.Publisher + "/" + m.Name,
			ocispec.AnnotationVersion: m.Version,
			AnnotationABI:             fmt.Sprint(m.ABI),
		},
	})
	a := Artifact{Manifest: manifest}
	signatures, err := release.SplitBundle(bundle)
	if err != nil {
		return a, fmt.Errorf("bundle: %w", err)
	}
	for _, signature := range signatures {
		a.Bundles = append(a.Bundles, p.refer(manifest, signature))
	}
	return a, p.err
}

// refer writes a Sigstore bundle and the manifest that refers to the artifact.
func (p *packer) refer(artifact ocispec.Descriptor, bundle []byte) ocispec.Descriptor {
	signed := p.push(MediaTypeBundle, bundle)
	empty := p.push(ocispec.MediaTypeEmptyJSON, ocispec.DescriptorEmptyJSON.Data)
	referrer := p.pushJSON(ocispec.MediaTypeImageManifest, ocispec.Manifest{
		Versioned: specs.Versioned{SchemaVersion: 2}, MediaType: ocispec.MediaTypeImageManifest,
		ArtifactType: MediaTypeBundle, Config: empty, Layers: []ocispec.Descriptor{signed}, Subject: &artifact,
		Annotations: map[string]string{ocispec.AnnotationCreated: epoch},
	})
	referrer.ArtifactType = MediaTypeBundle
	return referrer
}

// packer writes blobs until one cannot be written.
type packer struct {
	ctx context.Context
	dst content.Pusher
	err error
}

func (p *packer) pushJSON(mediaType string, value any) ocispec.Descriptor {
	data, err := json.Marshal(value)
	if err != nil && p.err == nil {
		p.err = err
	}
	return p.push(mediaType, data)
}

func (p *packer) push(mediaType string, data []byte) ocispec.Descriptor {
	d := content.NewDescriptorFromBytes(mediaType, data)
	if p.err == nil {
		if err := p.dst.Push(p.ctx, d, bytes.NewReader(data)); !errors.Is(err, errdef.ErrAlreadyExists) {
			p.err = err
		}
	}
	return d
}

// readModule returns the module of an artifact. Every byte on the way is checked against the digest
// that names it.
func readModule(ctx context.Context, src content.Fetcher, manifest ocispec.Descriptor) ([]byte, error) {
	var m ocispec.Manifest
	if err := readJSON(ctx, src, manifest, &m); err != nil {
		return nil, err
	}
	var c config
	if err := checkType(m.Config, MediaTypeWasmConfig); err != nil {
		return nil, err
	}
	if err := readJSON(ctx, src, m.Config, &c); err != nil {
		return nil, err
	}
	switch {
	case len(m.Layers) != 1:
		return nil, fmt.Errorf("%w: it has %d layers, must have one", ErrLayout, len(m.Layers))
	case c.Architecture != architectureWasm || c.OS != osWasip1:
		return nil, fmt.Errorf("%w: it is for %q on %q, must be for %q on %q", ErrLayout, c.Architecture, c.OS, architectureWasm, osWasip1)
	case len(c.LayerDigests) != 1 || c.LayerDigests[0] != m.Layers[0].Digest:
		return nil, fmt.Errorf("%w: its config names the layers %q, its manifest %q", ErrLayout, c.LayerDigests, m.Layers[0].Digest)
	}
	if err := checkType(m.Layers[0], MediaTypeWasm); err != nil {
		return nil, err
	}
	return read(ctx, src, m.Layers[0], abi.MaxModuleBytes)
}

// readBundle returns the bundle in a manifest that refers to the artifact.
func readBundle(ctx context.Context, src content.Fetcher, referrer, artifact ocispec.Descriptor) ([]byte, error) {
	var m ocispec.Manifest
	if err := readJSON(ctx, src, referrer, &m); err != nil {
		return nil, err
	}
	switch {
	case m.Subject == nil || m.Subject.Digest != artifact.Digest:
		return nil, fmt.Errorf("%w: the bundle in %s belongs to another artifact", ErrLayout, referrer.Digest)
	case len(m.Layers) != 1:
		return nil, fmt.Errorf("%w: the bundle in %s has %d layers, must have one", ErrLayout, referrer.Digest, len(m.Layers))
	}
	if err := checkType(m.Layers[0], MediaTypeBundle); err != nil {
		return nil, err
	}
	return read(ctx, src, m.Layers[0], release.MaxBundleBytes)
}

func checkType(d ocispec.Descriptor, want string) error {
	if d.MediaType != want {
		return fmt.Errorf("%w: %s has the media type %q, must have %q", ErrLayout, d.Digest, d.MediaType, want)
	}
	return nil
}

func readJSON(ctx context.Context, src content.Fetcher, d ocispec.Descriptor, into any) error {
	data, err := read(ctx, src, d, maxManifestBytes)
	if err != nil {
		return err
	}
	if err := json.Unmarshal(data, into); err != nil {
		return fmt.Errorf("%w: %s: %w", ErrLayout, d.Digest, err)
	}
	return nil
}

// read returns a blob of at most limit bytes. A descriptor is only a claim: its digest may be of a
// kind that proves nothing, and its size may be anything.
func read(ctx context.Context, src content.Fetcher, d ocispec.Descriptor, limit int64) ([]byte, error) {
	switch {
	case !release.ValidDigest(d.Digest.String()):
		return nil, fmt.Errorf("%w: %q is not a SHA-256 digest", ErrLayout, d.Digest)
	case d.Size < 0 || d.Size > limit:
		return nil, fmt.Errorf("%w: %s is said to have %d bytes, the limit is %d", ErrLayout, d.Digest, d.Size, limit)
	}
	return content.FetchAll(ctx, src, d)
}
