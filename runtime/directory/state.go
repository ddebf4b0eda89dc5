package directory

import (
	"errors"
	"fmt"
	"path"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/latticenet/lattice-host/abi"
	"github.com/latticenet/lattice-host/internal/exactjson"
	"github.com/latticenet/lattice-host/runtime"
	"github.com/latticenet/lattice-host/runtime/history"
)

// The names of what the executor keeps for itself.
const (
	ownFolder     = ".lattice"
	inventoryName = "inventory"
	inventoryFile = ownFolder + "/" + inventoryName
	pendingName   = "pending"
	pendingFile   = ownFolder + "/" + pendingName
	stagedFolder  = ownFolder + "/staged"
)

// The forms of the files.
const (
	inventorySchema = "lattice.directory.inventory.v1"
	pendingSchema   = "lattice.directory.pending.v1"
)

const (
	// maxStateBytes is far above the inventory of the largest set.
	maxStateBytes = 256 << 20
)

// inventory is what the executor wrote.
type inventory struct {
	Schema   string `json:"schema"`
	Set      string `json:"set"`
	Revision int    `json:"revision"`
	// Files are sorted by path.
	Files []file `json:"files"`
	// Bundles are sorted by resource.
	Bundles []runtime.RevisionBundle `json:"bundles"`
}

// file is one file that was written.
type file struct {
	Path string `json:"path"`
	// Digest is the SHA-256 of the content.
	Digest   string  `json:"digest"`
	Object   abi.Ref `json:"object"`
	Resource abi.Ref `json:"resource"`
	Stage    int     `json:"stage"`
}

// pending is a change that is being made.
type pending struct {
	Schema string `json:"schema"`
	Steps  []step `json:"steps"`
	// Inventory and Revision are what holds afterwards. A set that is destroyed has no revision.
	Inventory inventory      `json:"inventory"`
	Revision  *history.Entry `json:"revision,omitempty"`
}

// step is what happens to one file: the staged content with the number of the step takes its place,
// or it is removed.
type step struct {
	File file `json:"file"`
	// Before is the digest of what was in its place; empty when nothing was.
	Before string `json:"before,omitempty"`
	Delete bool   `json:"delete,omitempty"`
}

func parseInventory(data []byte) (*inventory, error) {
	v := new(inventory)
	if err := exactjson.Unmarshal(data, maxStateBytes, v); err != nil {
		return nil, runtime.Damaged(inventoryName, err)
	}
	if err := v.check(); err != nil {
		return nil, runtime.Damaged(inventoryName, err)
	}
	return v, nil
}

func parsePending(data []byte) (*pending, error) {
	p := new(pending)
	if err := exactjson.Unmarshal(data, maxStateBytes, p); err != nil {
		return nil, runtime.Damaged(pendingName, err)
	}
	if err := p.check(); err != nil {
		return nil, runtime.Damaged(pendingName, err)
	}
	return p, nil
}

func (v *inventory) check() error {
	if v.Schema != inventorySchema {
		return fmt.Errorf("schema is %.80q, must be %s", v.Schema, inventorySchema)
	}
	if v.Files == nil || v.Bundles == nil || v.Revision < 1 {
		return errors.New("files, bundles or revision is missing")
	}
	for i, f := range v.Files {
		if err := f.check(); err != nil {
			return err
		}
		if i > 0 && v.Files[i-1].Path >= f.Path {
			return fmt.Errorf("%.300q: the files are not sorted by path", f.Path)
		}
	}
	return errors.Join(runtime.CheckSet(v.Set), runtime.CheckRecorded(v.Bundles))
}

func (f *file) check() error {
	switch {
	case !validPath(f.Path):
		return fmt.Errorf("%.300q is not the path of an object's file", f.Path)
	case !runtime.IsDigest(f.Digest):
		return fmt.Errorf("%s: %.100q is not a digest", f.Path, f.Digest)
	}
	return nil
}

func (p *pending) check() error {
	if p.Schema != pendingSchema {
		return fmt.Errorf("schema is %.80q, must be %s", p.Schema, pendingSchema)
	}
	if p.Steps == nil {
		return errors.New("steps is missing")
	}
	for _, s := range p.Steps {
		if err := s.File.check(); err != nil {
			return err
		}
		if s.Before != "" && !runtime.IsDigest(s.Before) {
			return fmt.Errorf("%s: %.100q is not a digest", s.File.Path, s.Before)
		}
	}
	if err := p.Inventory.check(); err != nil {
		return err
	}
	if p.Revision == nil {
		return nil
	}
	if p.Revision.Number != p.Inventory.Revision || p.Revision.Set != p.Inventory.Set {
		return errors.New("the revision is not that of the inventory")
	}
	return p.Revision.Check()
}

// component is one part of a path as package layout makes it.
var component = regexp.MustCompile(`^[a-z0-9_.-]{1,255}$`)

// validPath reports whether a path is that of an object's file: one folder deep, and nowhere else.
func validPath(p string) bool {
	folder, name, ok := strings.Cut(p, "/")
	return ok && path.Clean(p) == p && folder != ownFolder && folder != ".." && folder != "." &&
		component.MatchString(folder) && component.MatchString(name) && strings.HasSuffix(name, ".yaml")
}

func stagedFile(number int) string { return stagedFolder + "/" + strconv.Itoa(number) }

// put sets the entry of a file.
func (v *inventory) put(f file) {
	at, found := slices.BinarySearchFunc(v.Files, f.Path, func(e file, p string) int { return strings.Compare(e.Path, p) })
	if found {
		v.Files[at] = f
		return
	}
	v.Files = slices.Insert(v.Files, at, f)
}
