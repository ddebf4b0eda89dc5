// Package store keeps files by the SHA-256 of their content, as an OCI image layout that other
// tools can read:
//
//	DIR/oci-layout         the version of the layout
//	DIR/index.json         the artifacts, with the names of those that have one
//	DIR/blobs/sha256/HEX   one file, named after its digest
//	DIR/quarantine/HEX     a file that no longer had its digest when it was read
//
// Nothing that comes out of a store was not hashed on the way, except for what GetUnverified
// returns. Several processes may use one store at the same time: a file appears complete and under
// its digest, or not at all.
package store

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/latticenet/lattice-host/internal/diskfile"
	"github.com/latticenet/lattice-host/registry/release"
)

// ErrCorrupt marks a file whose content is not what its name says.
var ErrCorrupt = errors.New("corrupt")

// Store is a folder of files named after their digests.
type Store struct{ dir string }

// Open returns the store in dir. The folder is made when the first file is put.
func Open(dir string) *Store { return &Store{dir: dir} }

// Put keeps data and returns its digest. A file that is there already stays when it is intact, and
// is replaced when it is not.
func (s *Store) Put(data []byte) (digest string, err error) {
	digest = release.Digest(data)
	path := s.path(digest)
	if old, err := readFile(path, int64(len(data))); err == nil && release.Digest(old) == digest {
		return digest, nil
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return "", err
	}
	return digest, diskfile.Replace(path, data, 0o644)
}

// Get returns the file with the given digest, of at most maxSize bytes.
//
// Errors: fs.ErrNotExist if none exists; [ErrCorrupt] when its content has another digest, in which
// case the file is moved to quarantine so that putting it again heals the store.
func (s *Store) Get(digest string, maxSize int64) ([]byte, error) {
	if err := checkDigest(digest); err != nil {
		return nil, err
	}
	path := s.path(digest)
	data, err := readFile(path, maxSize)
	if errors.Is(err, errNotRegular) {
		return nil, s.quarantine(path, err)
	}
	if err != nil {
		return nil, err
	}
	if got := release.Digest(data); got != digest {
		return nil, s.quarantine(path, errors.New("the content has the digest "+got))
	}
	return data, nil
}

// GetUnverified returns the file with the given digest as [Store.Get] does, but does not hash it:
// for who compares the digest anyway, and calls Get when it differs.
func (s *Store) GetUnverified(digest string, maxSize int64) ([]byte, error) {
	if err := checkDigest(digest); err != nil {
		return nil, err
	}
	return readFile(s.path(digest), maxSize)
}

// Tidy removes what processes left that were killed while they wrote a file.
func (s *Store) Tidy() error {
	return errors.Join(diskfile.Tidy(s.dir), diskfile.Tidy(filepath.Join(s.dir, "blobs", "sha256")))
}

// Remove deletes the file with the given digest. A missing file is not an error.
func (s *Store) Remove(digest string) error {
	if err := checkDigest(digest); err != nil {
		return err
	}
	if err := os.Remove(s.path(digest)); !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}

func checkDigest(digest string) error {
	if !release.ValidDigest(digest) {
		return errors.New("the digest " + strconv.Quote(digest) + " must be sha256: and 64 lower-case hexadecimal digits")
	}
	return nil
}

// path returns where the file with a digest is, which must have been checked.
func (s *Store) path(digest string) string {
	algorithm, hex, _ := strings.Cut(digest, ":")
	return filepath.Join(s.dir, "blobs", algorithm, hex)
}

// quarantine moves a corrupt file out of the way and returns the error that says so.
func (s *Store) quarantine(path string, problem error) error {
	to := filepath.Join(s.dir, "quarantine", filepath.Base(path))
	err := os.MkdirAll(filepath.Dir(to), 0o755)
	if err == nil {
		err = os.Rename(path, to)
	}
	if err != nil {
		return fmt.Errorf("%s: %w: %w, and it could not be moved to quarantine: %w", path, ErrCorrupt, problem, err)
	}
	return fmt.Errorf("%s: %w: %w, moved to %s", path, ErrCorrupt, problem, to)
}

var errNotRegular = errors.New("is not a regular file")

// readFile reads a file of the store. A link is not a file of the store, wherever it leads.
func readFile(path string, maxSize int64) ([]byte, error) {
	info, err := os.Lstat(path)
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() {
		return nil, errNotRegular
	}
	return diskfile.Read(os.OpenFile, path, maxSize)
}

// Check reads every file of the store, of at most maxSize bytes each, and returns how many there
// are. Corrupt ones are moved to quarantine, and the error, which wraps [ErrCorrupt] then, names
// each.
func (s *Store) Check(ctx context.Context, maxSize int64) (files int, err error) {
	entries, err := os.ReadDir(filepath.Join(s.dir, "blobs", "sha256"))
	if errors.Is(err, fs.ErrNotExist) {
		return 0, nil
	}
	if err != nil {
		return 0, err
	}
	var problems []error
	for _, e := range entries {
		if err := ctx.Err(); err != nil {
			return files, err
		}
		digest := "sha256:" + e.Name()
		if !release.ValidDigest(digest) {
			// A file that was being written when a process was killed.
			continue
		}
		files++
		if _, err := s.Get(digest, maxSize); err != nil && !errors.Is(err, fs.ErrNotExist) {
			problems = append(problems, err)
		}
	}
	x, err := s.readIndex()
	if err == nil && len(x.Manifests) > 0 {
		err = s.checkVersion()
	}
	return files, errors.Join(append(problems, err)...)
}
