package main

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"

	"github.com/latticenet/lattice-host/abi"
	"github.com/latticenet/lattice-host/abi/bundle"
	"github.com/latticenet/lattice-host/host/engine"
	"github.com/latticenet/lattice-host/host/pipeline"
	"github.com/latticenet/lattice-host/runtime"
	"github.com/latticenet/lattice-host/runtime/layout"
)

// bundleFile is the file in the folder of a document that holds its bundle.
const bundleFile = "bundle.json"

// writeFolder writes each object to a file of its own, below a folder for each document, and says
// what it wrote. An object that derives from several documents is in the folder of the first: a
// kustomization refuses one that is listed twice.
func (a *app) writeFolder(dir string, results []engine.Derived) error {
	refs := make([]abi.Ref, len(results))
	bundles := make([]runtime.Bundle, len(results))
	for i, r := range results {
		refs[i], bundles[i] = r.Bundle.Resource, runtime.BundleOf(r.Bundle)
	}
	folders, owners := layout.Folders(refs), runtime.Owners(bundles)
	for i, r := range results {
		if err := a.writeObjects(filepath.Join(dir, folders[i]), r, owners); err != nil {
			return err
		}
	}
	return nil
}

func (a *app) writeObjects(dir string, r engine.Derived, owners map[abi.Ref]abi.Ref) error {
	b := r.Bundle
	record, err := r.Record(b)
	if err != nil {
		return err
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return asInput(err)
	}
	before := layout.Files(earlierBundle(dir))
	names := layout.Files(b)
	var written []string
	for i, o := range b.Applied() {
		if owners[o.Ref] != b.Resource {
			continue
		}
		text, err := layout.Content(b, o)
		if err != nil {
			return err
		}
		if err := a.writeNoted(filepath.Join(dir, names[i]), text); err != nil {
			return err
		}
		written = append(written, names[i])
	}
	for _, name := range before {
		if slices.Contains(written, name) {
			continue
		}
		path := filepath.Join(dir, name)
		switch err := os.Remove(path); {
		case err == nil:
			a.note("removed %s", path)
		case !errors.Is(err, fs.ErrNotExist):
			return err
		}
	}
	if err := a.writeNoted(filepath.Join(dir, engine.DecisionsFile), append(record, '\n')); err != nil {
		return err
	}
	// The bundle comes last: while the old one is there, an interrupted run can still be tidied up
	// after.
	return a.writeNoted(filepath.Join(dir, bundleFile), append(b.JSON(), '\n'))
}

func (a *app) writeNoted(path string, data []byte) error {
	if err := writeFile(path, data, 0o644); err != nil {
		return asInput(err)
	}
	a.note("wrote %s", path)
	return nil
}

// earlierBundle returns the bundle that an earlier run left in a folder, or an empty one.
func earlierBundle(dir string) *bundle.Bundle {
	data, err := readFile(filepath.Join(dir, bundleFile), bundle.MaxBytes)
	if err != nil {
		return new(bundle.Bundle)
	}
	b, err := pipeline.ParseBundle(data)
	if err != nil {
		return new(bundle.Bundle)
	}
	return b
}
