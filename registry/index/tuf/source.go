package tuf

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"strings"

	"github.com/latticenet/lattice-host/internal/diskfile"
)

// Source is where an index comes from: a server, a folder, an archive. Nothing that it returns is
// trusted.
type Source interface {
	// Metadata returns the file of metadata with the given name, such as 3.root.json.
	Metadata(ctx context.Context, file string, limit int64) ([]byte, error)
	// Target returns the target at the given path, such as releases/acme/web/HASH.1.0.0.json.
	Target(ctx context.Context, path string, limit int64) ([]byte, error)
	// Close ends the use of the source.
	Close() error
}

// Errors of sources, besides fs.ErrNotExist for a missing file.
var (
	// ErrTooLarge marks a file of more bytes than allowed. A source reads at most one byte beyond
	// the limit.
	ErrTooLarge = diskfile.ErrTooLarge
	// ErrTooSlow marks a source that sends less than [MinBytesPerSecond].
	ErrTooSlow = errors.New("the source is too slow")
)

// The folders of an index, below the address of a server, in a folder and in an archive.
const (
	metadataFolder = "metadata"
	targetsFolder  = "targets"
)

// OpenSource returns the index at a location: an http or https URL, a folder, or a tar file. All
// have the same layout: the folders metadata and targets.
func OpenSource(location string) (Source, error) {
	if strings.HasPrefix(location, "https://") || strings.HasPrefix(location, "http://") {
		return OpenHTTP(location, HTTPOptions{})
	}
	info, err := os.Stat(location)
	if err != nil {
		var failed *fs.PathError
		if errors.As(err, &failed) {
			err = failed.Err
		}
		return nil, fmt.Errorf("%s: %w; an index is a URL, a folder or a tar file", location, err)
	}
	if info.IsDir() {
		return OpenFolder(location)
	}
	return OpenTar(location)
}

// files is a source of files on disk.
type files struct {
	read  func(name string, limit int64) ([]byte, error)
	close func() error
}

// OpenFolder returns the index in a folder. Links that leave the folder are not followed.
func OpenFolder(dir string) (Source, error) {
	root, err := os.OpenRoot(dir)
	if err != nil {
		return nil, err
	}
	read := func(name string, limit int64) ([]byte, error) { return diskfile.Read(root.OpenFile, name, limit) }
	return &files{read: read, close: root.Close}, nil
}

func (f *files) Metadata(ctx context.Context, file string, limit int64) ([]byte, error) {
	return f.get(ctx, metadataFolder, file, limit)
}

func (f *files) Target(ctx context.Context, file string, limit int64) ([]byte, error) {
	return f.get(ctx, targetsFolder, file, limit)
}

func (f *files) Close() error { return f.close() }

func (f *files) get(ctx context.Context, folder, file string, limit int64) ([]byte, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	if !fs.ValidPath(file) {
		return nil, fmt.Errorf("%q cannot name a file: %w", file, fs.ErrNotExist)
	}
	return f.read(path.Join(folder, file), limit)
}
