package store

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"

	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
	"oras.land/oras-go/v2/content"
	"oras.land/oras-go/v2/errdef"
)

// Blobs returns the store's files as what oras copies from and to. A blob is read whole and hashed
// before the first byte is handed out.
func (s *Store) Blobs() content.Storage { return blobs{s} }

type blobs struct{ store *Store }

// Fetch implements content.Fetcher.
func (b blobs) Fetch(_ context.Context, d ocispec.Descriptor) (io.ReadCloser, error) {
	data, err := b.store.Get(d.Digest.String(), d.Size)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("%s: %w", d.Digest, errdef.ErrNotFound)
	}
	if err != nil {
		return nil, err
	}
	return io.NopCloser(bytes.NewReader(data)), nil
}

// Exists implements content.ReadOnlyStorage. A damaged blob does not exist, so that it is put
// again.
func (b blobs) Exists(_ context.Context, d ocispec.Descriptor) (bool, error) {
	_, err := b.store.Get(d.Digest.String(), d.Size)
	if errors.Is(err, fs.ErrNotExist) || errors.Is(err, ErrCorrupt) {
		return false, nil
	}
	return err == nil, err
}

// Push implements content.Pusher.
func (b blobs) Push(_ context.Context, d ocispec.Descriptor, r io.Reader) error {
	data, err := content.ReadAll(r, d)
	if err != nil {
		return err
	}
	_, err = b.store.Put(data)
	return err
}
