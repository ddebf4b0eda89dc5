// Package crds obtains the CustomResourceDefinitions of the projects that plugins emit objects for:
// from the release archives of their Go modules, through the go command, which brings caching and
// verified checksums with it.
//
// The CRDs are not committed. They are large, they belong to others, and a pin and a checksum say
// the same in one line.
package crds

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"golang.org/x/mod/modfile"
)

// Manifest is the file next to the CRDs that says where each of them came from.
const Manifest = "SOURCES.json"

const rootModule = "github.com/latticenet/lattice-host"

type manifest struct {
	CRDs []entry `json:"crds"`
}

// An entry is one CRD in the folder.
type entry struct {
	File    string `json:"file"`
	Module  string `json:"module"`
	Version string `json:"version"`
	Sum     string `json:"sum"`
	Path    string `json:"path"`
	SHA256  string `json:"sha256"`
}

// Dir returns the folder that tests share, build/crds in the repository around the working
// directory. It need not exist yet.
//
// # Errors
//
// Outside of the repository there is no such folder.
func Dir() (string, error) {
	start, err := os.Getwd()
	if err != nil {
		return "", err
	}
	for dir := start; ; dir = filepath.Dir(dir) {
		text, err := os.ReadFile(filepath.Join(dir, "go.mod"))
		if err == nil && modfile.ModulePath(text) == rootModule {
			return filepath.Join(dir, "build", "crds"), nil
		}
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return "", err
		}
		if dir == filepath.Dir(dir) {
			return "", fmt.Errorf("%s is not inside the module %s", start, rootModule)
		}
	}
}

// Fetch makes a folder hold the pinned CRDs, each in a file named after it, and the manifest. When
// the manifest matches the pins and the files match the manifest, nothing is downloaded or written.
// Files from earlier pins are removed; files that no fetch has written are left alone.
//
// Several processes may fetch into one folder: files appear whole, and the manifest appears last.
//
// # Errors
//
// A missing go command, a module that does not download, an archive with another checksum than the
// pinned one, and an archive that does not have the expected CRDs. After an error the folder may
// hold old files and new ones, and the next fetch repairs it.
func Fetch(ctx context.Context, dir string) error {
	return fetch(ctx, dir, sources())
}

func fetch(ctx context.Context, dir string, pinned []source) error {
	old := readManifest(dir)
	if complete(dir, old, expected(pinned)) {
		return nil
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	archives, err := download(ctx, pinned)
	if err != nil {
		return err
	}
	entries := expected(pinned)
	for _, s := range pinned {
		found, err := extract(archives[s.module], s)
		if err != nil {
			return err
		}
		for name, text := range found {
			i := slices.IndexFunc(entries, func(e entry) bool { return e.File == name+".yaml" })
			entries[i].SHA256 = digest(text)
			if err := write(dir, entries[i].File, text); err != nil {
				return err
			}
		}
	}
	if err := removeStale(dir, old, entries); err != nil {
		return err
	}
	text, err := json.MarshalIndent(manifest{CRDs: entries}, "", "  ")
	if err != nil {
		return err
	}
	return write(dir, Manifest, append(text, '\n'))
}

// expected lists what a complete folder holds, except for the digests, which only the archives
// know.
func expected(pinned []source) []entry {
	var entries []entry
	for _, s := range pinned {
		for _, f := range s.files {
			for _, crd := range f.crds {
				entries = append(entries, entry{File: crd + ".yaml", Module: s.module, Version: s.version, Sum: s.sum, Path: f.path})
			}
		}
	}
	slices.SortFunc(entries, func(a, b entry) int { return strings.Compare(a.File, b.File) })
	return entries
}

// readManifest treats a manifest that cannot be used like one that is missing: a fetch replaces it
// either way.
func readManifest(dir string) []entry {
	text, err := os.ReadFile(filepath.Join(dir, Manifest))
	if err != nil {
		return nil
	}
	var m manifest
	if err := json.Unmarshal(text, &m); err != nil {
		return nil
	}
	return m.CRDs
}

func complete(dir string, have, want []entry) bool {
	return slices.EqualFunc(have, want, func(h, w entry) bool {
		w.SHA256 = h.SHA256
		if h != w {
			return false
		}
		text, err := os.ReadFile(filepath.Join(dir, h.File))
		return err == nil && digest(text) == h.SHA256
	})
}

// removeStale runs before the new manifest is written. The other way round, an interruption in
// between would leave files that no manifest knows and no later fetch removes.
func removeStale(dir string, old, current []entry) error {
	for _, e := range old {
		if slices.ContainsFunc(current, func(c entry) bool { return c.File == e.File }) || !filepath.IsLocal(e.File) {
			continue
		}
		if err := os.Remove(filepath.Join(dir, e.File)); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	return nil
}

// write puts a file in place whole. The temporary name does not end in .yaml, so that no one reads
// half a CRD.
func write(dir, name string, text []byte) (err error) {
	temp, err := os.CreateTemp(dir, "."+name+".*")
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			os.Remove(temp.Name())
		}
	}()
	_, err = temp.Write(text)
	if err := errors.Join(err, temp.Chmod(0o644), temp.Close()); err != nil {
		return fmt.Errorf("write %s: %w", name, err)
	}
	return os.Rename(temp.Name(), filepath.Join(dir, name))
}

func digest(text []byte) string {
	sum := sha256.Sum256(text)
	return hex.EncodeToString(sum[:])
}
