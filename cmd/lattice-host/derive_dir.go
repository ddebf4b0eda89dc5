package main

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/latticenet/lattice-host/abi"
	"github.com/latticenet/lattice-host/abi/bundle"
	"github.com/latticenet/lattice-host/host/pipeline"
)

// bundleFile is the name of the bundle in the folder of a document.
const bundleFile = "bundle.json"

// maxNameBytes keeps file names with an ending below the 255 bytes that file systems allow.
const maxNameBytes = 200

// writeFolder writes each object to a file of its own, below a folder for each document, and says what it wrote.
func (a *app) writeFolder(dir string, results []derived) error {
	refs := make([]abi.Ref, len(results))
	for i, r := range results {
		refs[i] = r.bundle.Resource
	}
	folders := fileNames(refs, func(r abi.Ref) string { return r.Namespace + "-" + r.Name })
	for i, r := range results {
		if err := a.writeObjects(filepath.Join(dir, folders[i]), r.bundle); err != nil {
			return err
		}
	}
	return nil
}

func (a *app) writeObjects(dir string, b *bundle.Bundle) error {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return asInput(err)
	}
	before := objectFiles(earlierBundle(dir))
	names := objectFiles(b)
	for i := range b.Outputs {
		text, err := objectYAML(&b.Outputs[i])
		if err != nil {
			return err
		}
		header := "# " + printable(origin(b, &b.Outputs[i])) + "\n"
		if err := a.writeNoted(filepath.Join(dir, names[i]), append([]byte(header), text...)); err != nil {
			return err
		}
	}
	for _, name := range before {
		if slices.Contains(names, name) {
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
	// The bundle comes last: while the old one is there, an interrupted run can still be tidied up after.
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

// objectFiles returns the names of the files for the outputs of a bundle, in their order.
func objectFiles(b *bundle.Bundle) []string {
	refs := make([]abi.Ref, len(b.Outputs))
	stages := map[abi.Ref]int{}
	for i, o := range b.Outputs {
		refs[i] = o.Ref
		stages[o.Ref] = o.Stage
	}
	names := fileNames(refs, func(r abi.Ref) string {
		parts := []string{strconv.Itoa(stages[r]), r.GroupKind().String(), r.Namespace, r.Name}
		return strings.Join(slices.DeleteFunc(parts, func(part string) bool { return part == "" }), "-")
	})
	for i := range names {
		names[i] += ".yaml"
	}
	return names
}

// fileNames returns a name for each reference: lower case, without characters that mean something to a shell or a file
// system. Where two would be the same, or one is too long, a part of the digest of the reference makes the difference.
func fileNames(refs []abi.Ref, plain func(abi.Ref) string) []string {
	names := make([]string, len(refs))
	count := map[string]int{}
	for i, r := range refs {
		names[i] = strings.Map(fileCharacter, plain(r))
		count[names[i]]++
	}
	for i, r := range refs {
		if name := names[i]; count[name] > 1 || len(name) > maxNameBytes {
			names[i] = name[:min(len(name), maxNameBytes)] + "-" + refDigest(r)
		}
	}
	return names
}

func fileCharacter(r rune) rune {
	switch {
	case r >= 'A' && r <= 'Z':
		return r + 'a' - 'A'
	case r >= 'a' && r <= 'z', r >= '0' && r <= '9', r == '.', r == '-':
		return r
	}
	return '_'
}

// refDigest returns a short text that differs for different references.
func refDigest(r abi.Ref) string {
	sum := sha256.Sum256([]byte(strings.Join([]string{r.APIVersion, r.Kind, r.Namespace, r.Name}, "\x00")))
	return hex.EncodeToString(sum[:6])
}
