package oci

import (
	"bytes"
	"context"
	"errors"
	"io"
	"testing"

	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
	"oras.land/oras-go/v2/content"
	"oras.land/oras-go/v2/errdef"
)

// documents is a registry with nothing but the blobs in it.
type documents map[string][]byte

func (d documents) Fetch(_ context.Context, want ocispec.Descriptor) (io.ReadCloser, error) {
	data, ok := d[want.Digest.String()]
	if !ok {
		return nil, errdef.ErrNotFound
	}
	return io.NopCloser(bytes.NewReader(data)), nil
}

func (d documents) add(mediaType string, data []byte) ocispec.Descriptor {
	desc := content.NewDescriptorFromBytes(mediaType, data)
	d[desc.Digest.String()] = data
	return desc
}

// FuzzManifest reads a registry's documents as an artifact and as a bundle's manifest.
func FuzzManifest(f *testing.F) {
	f.Add([]byte(`{"schemaVersion":2,"config":{"mediaType":"application/vnd.wasm.config.v0+json","digest":"sha256:44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a","size":2},"layers":[]}`), []byte(`{}`))
	f.Add([]byte(`{"layers":[{"mediaType":"application/wasm","digest":"md5:x","size":-1}],"subject":null}`), []byte(`{"layerDigests":[""]}`))
	f.Add([]byte(`null`), []byte(`[]`))
	f.Fuzz(func(t *testing.T, manifest, config []byte) {
		registry := documents{}
		registry.add(MediaTypeWasmConfig, config)
		d := registry.add(ocispec.MediaTypeImageManifest, manifest)
		for _, err := range []error{second(readModule(t.Context(), registry, d)), second(readBundle(t.Context(), registry, d, d))} {
			if err != nil && !errors.Is(err, ErrLayout) && !errors.Is(err, errdef.ErrNotFound) && !errors.Is(err, content.ErrMismatchedDigest) &&
				!errors.Is(err, content.ErrTrailingData) && !errors.Is(err, content.ErrInvalidDescriptorSize) && !errors.Is(err, io.ErrUnexpectedEOF) {
				t.Error(err)
			}
		}
	})
}

func second(_ []byte, err error) error { return err }
