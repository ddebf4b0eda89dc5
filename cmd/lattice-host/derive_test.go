package main

import (
	"errors"
	"os"
	"path/filepath"
	"testing"

	"github.com/latticenet/lattice-host/internal/problem"
)

// TestWriteFile checks that a failed write leaves no files.
func TestWriteFile(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	path := filepath.Join(dir, "folder")
	if err := os.Mkdir(path, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := writeFile(path, []byte("x"), 0o644); err == nil {
		t.Error("a folder was replaced by a file")
	}
	// A link, so that a mistake here does not cost the machine its device.
	device := filepath.Join(dir, "device")
	if err := os.Symlink(os.DevNull, device); err != nil {
		t.Fatal(err)
	}
	if err := writeFile(device, []byte("x"), 0o644); !errors.Is(err, problem.Invalid) {
		t.Errorf("writing to a device: %v", err)
	}
	if info, err := os.Lstat(device); err != nil || info.Mode().IsRegular() {
		t.Errorf("the device is now %v, %v", info, err)
	}
	entries, err := os.ReadDir(dir)
	if err != nil || len(entries) != 2 {
		t.Errorf("left %v, %v", entries, err)
	}
}
