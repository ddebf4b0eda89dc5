package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/latticenet/lattice-host/host/engine"
	"github.com/latticenet/lattice-host/internal/diskfile"
)

// readFile reads a file of at most limit bytes that the user named.
func readFile(path string, limit int64) ([]byte, error) { return engine.ReadFile(path, limit) }

// writeFile writes a file that is complete under its name or not there at all. Its folder must
// exist. What is there and is no file, such as a device, stays: it would be replaced, not written
// to.
func writeFile(path string, data []byte, mode fs.FileMode) error {
	if err := checkWritten(path); err != nil {
		return err
	}
	if err := diskfile.Replace(path, data, mode); err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	return nil
}

// checkWritten refuses a path at which no file can appear.
func checkWritten(path string) error {
	if info, err := os.Stat(path); err == nil && !info.Mode().IsRegular() {
		return inputf("%s: exists and is not a regular file; name another one", path)
	}
	switch info, err := os.Stat(filepath.Dir(path)); {
	case errors.Is(err, fs.ErrNotExist):
		return inputf("%s: the folder %s does not exist; make it, or name another file", path, filepath.Dir(path))
	case err != nil:
		return asInput(err)
	case !info.IsDir():
		return inputf("%s: %s is not a folder; name another file", path, filepath.Dir(path))
	}
	return nil
}
