package tuf

import (
	"context"
	"fmt"
	"io/fs"
	"strings"

	"github.com/latticenet/lattice-host/registry/release"
)

// LayoutFolder is the folder of an index that holds the files of its releases, an OCI image layout
// next to metadata and targets.
const LayoutFolder = "oci"

// Blobs is a [Source] that also has the files of releases. All sources of this package are.
type Blobs interface {
	// Blob returns the file with a digest, in the form of release.Digest, of at most limit bytes.
	// It is not verified. The error is fs.ErrNotExist when the source does not have it.
	Blob(ctx context.Context, digest string, limit int64) ([]byte, error)
}

// blobPath returns where a blob lies below [LayoutFolder].
func blobPath(digest string) (string, error) {
	if !release.ValidDigest(digest) {
		return "", fmt.Errorf("%q is not a digest: %w", digest, fs.ErrNotExist)
	}
	return "blobs/" + strings.Replace(digest, ":", "/", 1), nil
}

// Blob implements [Blobs].
func (f *files) Blob(ctx context.Context, digest string, limit int64) ([]byte, error) {
	path, err := blobPath(digest)
	if err != nil {
		return nil, err
	}
	return f.get(ctx, LayoutFolder, path, limit)
}

// Blob implements [Blobs].
func (s *server) Blob(ctx context.Context, digest string, limit int64) ([]byte, error) {
	path, err := blobPath(digest)
	if err != nil {
		return nil, err
	}
	if s.blobs == nil {
		return nil, fmt.Errorf("%s: the server has no files of releases: %w", path, fs.ErrNotExist)
	}
	ctx, cancel := context.WithTimeout(ctx, blobTimeout)
	defer cancel()
	return s.get(ctx, s.blobs.String()+path, limit)
}
