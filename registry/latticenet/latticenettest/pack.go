// Package latticenettest packs bundles for tests, as a publisher for the LatticeNet server does.
package latticenettest

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"slices"
	"time"
)

// The modes of what is packed; an import sets those of what it stores itself.
const (
	folderMode  fs.FileMode = 0o700
	fileMode    fs.FileMode = 0o600
	programMode fs.FileMode = 0o700
)

// Pack returns the bundle of a folder. Programs are the paths of files that may be executed. Equal
// content gives equal bytes: entries are in the bytewise order of their paths, and all times,
// owners and modes are fixed.
func Pack(folder fs.FS, programs ...string) ([]byte, error) {
	paths, err := sortedPaths(folder)
	if err != nil {
		return nil, err
	}
	var b bytes.Buffer
	// The level is valid, the only thing that could be wrong.
	zipped, _ := gzip.NewWriterLevel(&b, gzip.BestCompression)
	t := tar.NewWriter(zipped)
	for _, path := range paths {
		if err := packEntry(t, folder, path, programs); err != nil {
			return nil, fmt.Errorf("%s: %w", path, err)
		}
	}
	if err := errors.Join(t.Close(), zipped.Close()); err != nil {
		return nil, err
	}
	return b.Bytes(), nil
}

func sortedPaths(folder fs.FS) ([]string, error) {
	var paths []string
	err := fs.WalkDir(folder, ".", func(path string, _ fs.DirEntry, err error) error {
		if path != "." {
			paths = append(paths, path)
		}
		return err
	})
	slices.Sort(paths)
	return paths, err
}

func packEntry(t *tar.Writer, folder fs.FS, path string, programs []string) (err error) {
	info, err := fs.Lstat(folder, path)
	if err != nil {
		return err
	}
	h := &tar.Header{Typeflag: tar.TypeDir, Name: path + "/", Mode: int64(folderMode), ModTime: time.Unix(0, 0)}
	if info.IsDir() {
		return t.WriteHeader(h)
	}
	if !info.Mode().IsRegular() {
		return errors.New("is neither a file nor a folder")
	}
	h.Typeflag, h.Name, h.Mode, h.Size = tar.TypeReg, path, int64(fileMode), info.Size()
	if slices.Contains(programs, path) {
		h.Mode = int64(programMode)
	}
	if err := t.WriteHeader(h); err != nil {
		return err
	}
	f, err := folder.Open(path)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	_, err = io.Copy(t, f)
	return err
}
