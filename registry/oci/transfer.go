package oci

import (
	"context"
	"errors"
	"fmt"

	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
	"oras.land/oras-go/v2"
	"oras.land/oras-go/v2/content"
	"oras.land/oras-go/v2/registry/remote"

	"github.com/latticenet/lattice-host/registry/release"
)

// Push copies a packed release from src to a repository, and gives it a tag there when tag is not
// empty. A registry that cannot list referrers gets the tag that replaces the list
// (distribution-spec, "referrers tag schema").
func Push(ctx context.Context, src content.ReadOnlyStorage, a Artifact, to *remote.Repository, tag string) error {
	// Each bundle's manifest names the artifact as its subject, so that copying it copies both.
	for _, bundle := range a.Bundles {
		if err := oras.CopyGraph(ctx, src, to, bundle, oras.DefaultCopyGraphOptions); err != nil {
			return fmt.Errorf("%s: %w", to.Reference, err)
		}
	}
	if tag == "" {
		return nil
	}
	if err := to.Tag(ctx, a.Manifest, tag); err != nil {
		return fmt.Errorf("%s: tag %s: %w", to.Reference, tag, err)
	}
	return nil
}

// Pulled is a release as a repository has it. Nothing in it was verified but its digests.
type Pulled struct {
	// Manifest is the digest of the artifact's manifest, in the form of release.Digest.
	Manifest string
	// Wasm is the module.
	Wasm []byte
	// Bundles are the release bundles that the repository lists for it, in the order of their
	// manifests' digests. One that cannot be read is left out: anybody who may write to the
	// repository can add one.
	Bundles [][]byte
}

// Pull reads the artifact with a manifest's digest from a repository. A tag is not a digest: who
// may write to a repository can move it, so that only digests that are signed somewhere name what
// is installed.
//
// Errors: [ErrLayout] when the artifact is not a plugin release.
func Pull(ctx context.Context, from *remote.Repository, manifest string) (*Pulled, error) {
	p, err := pull(ctx, from, manifest)
	if err != nil {
		return nil, fmt.Errorf("%s@%s: %w", from.Reference, manifest, err)
	}
	return p, nil
}

func pull(ctx context.Context, from *remote.Repository, manifest string) (*Pulled, error) {
	if !release.ValidDigest(manifest) {
		return nil, errors.New("must be named by a digest: sha256: and 64 lower-case hexadecimal digits")
	}
	artifact, err := from.Resolve(ctx, manifest)
	if err != nil {
		return nil, err
	}
	wasm, err := readModule(ctx, from, artifact)
	if err != nil {
		return nil, err
	}
	referrers, err := bundlesOf(ctx, from, artifact)
	if err != nil {
		return nil, err
	}
	p := &Pulled{Manifest: artifact.Digest.String(), Wasm: wasm}
	for _, r := range referrers {
		if bundle, err := readBundle(ctx, from, r, artifact); err == nil {
			p.Bundles = append(p.Bundles, bundle)
		} else if ctx.Err() != nil {
			return nil, err
		}
	}
	return p, nil
}

var errEnough = errors.New("enough")

// bundlesOf returns the first manifests of release bundles that a repository lists for an artifact,
// in the order of their digests.
func bundlesOf(ctx context.Context, from *remote.Repository, artifact ocispec.Descriptor) ([]ocispec.Descriptor, error) {
	var all []ocispec.Descriptor
	err := from.Referrers(ctx, artifact, MediaTypeBundle, func(page []ocispec.Descriptor) error {
		all = append(all, page...)
		if len(all) >= MaxBundles {
			return errEnough
		}
		return nil
	})
	if err != nil && !errors.Is(err, errEnough) {
		return nil, err
	}
	sortByDigest(all)
	return all[:min(len(all), MaxBundles)], nil
}
