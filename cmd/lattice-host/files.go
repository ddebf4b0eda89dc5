package main

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
)

// readFile reads a file of at most limit bytes that the user named.
func readFile(path string, limit int64) (data []byte, err error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, asInput(err)
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	if data, err = io.ReadAll(io.LimitReader(f, limit+1)); err != nil {
		return nil, asInput(err)
	}
	if int64(len(data)) > limit {
		return nil, inputf("%s: has more than %d bytes", path, limit)
	}
	return data, nil
}

// writeFile writes a file that is complete under its name or not there at all. Its folder must exist. What is there and is no
// file, such as a device, stays: it would be replaced, not written to.
func writeFile(path string, data []byte, mode fs.FileMode) error {
	if info, err := os.Stat(path); err == nil && !info.Mode().IsRegular() {
		return inputf("%s: is there and is not a regular file; name another one", path)
	}
	err := writeTemporary(path, data, mode)
	if err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	return nil
}

func writeTemporary(path string, data []byte, mode fs.FileMode) (err error) {
	f, err := os.CreateTemp(filepath.Dir(path), ".lattice-host-*")
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, os.Remove(f.Name()))
		}
	}()
	_, err = f.Write(data)
	if err == nil {
		err = f.Chmod(mode)
	}
	if err == nil {
		err = f.Sync()
	}
	if err = errors.Join(err, f.Close()); err != nil {
		return err
	}
	return os.Rename(f.Name(), path)
}
