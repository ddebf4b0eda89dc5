// Package history keeps the last revisions of a set, and the bundles that they consist of, in a
// store of small values: files in a folder, or objects in a cluster. A bundle or a revision that is
// larger than a value is kept in parts.
//
// A revision is there from the moment that its first part is, and that part is written last; its
// bundles are kept before. A kill at any moment therefore leaves parts that nothing names, which
// [History.Tidy] removes, and never a revision without its bundles.
package history

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"path"
	"slices"
	"strconv"
	"strings"

	"github.com/latticenet/lattice-host/abi/bundle"
	"github.com/latticenet/lattice-host/internal/exactjson"
	"github.com/latticenet/lattice-host/runtime"
)

const (
	// MaxValueBytes is the largest value that a store gets. A Secret holds 1 MiB, and etcd takes
	// requests of 1.5 MiB, in which the value is a third longer as base64.
	MaxValueBytes = 900 << 10
	// Revisions is how many revisions are kept.
	Revisions = 10

	// revisionFolder and bundleFolder are the folders of the store: revisions by number, bundles by
	// the hexadecimal digits of their digest.
	revisionFolder = "history"
	bundleFolder   = "bundles"

	// schema names the form of an entry. Sets that are in use have it.
	schema = "lattice.directory.revision.v1"

	// maxEntryBytes is the largest entry that is read: that of a set with as many resources as a
	// set may have, with the longest names.
	maxEntryBytes = 64 << 20
)

// Store holds values by name: a folder, a slash, and a part of lower-case letters, digits and dots.
// A value is written whole or not at all.
type Store interface {
	// List returns the names in a folder, without it, in any order.
	List(folder string) ([]string, error)
	// Get returns a value, and nil for a name without one.
	Get(name string) ([]byte, error)
	// Put sets a value of at most MaxValueBytes.
	Put(name string, value []byte) error
	// Delete removes a value, if there is one.
	Delete(name string) error
}

// Entry is one revision as it is kept.
type Entry struct {
	Schema string `json:"schema"`
	Set    string `json:"set"`
	runtime.Revision
}

// NewEntry returns the entry for a revision of a set.
func NewEntry(set string, r runtime.Revision) *Entry { return &Entry{schema, set, r} }

// Check returns an error when an entry is not as one is written.
func (e *Entry) Check() error {
	if e.Schema != schema {
		return fmt.Errorf("schema is %.80q, must be %s", e.Schema, schema)
	}
	if e.Number < 1 || e.Bundles == nil || e.Decisions == nil {
		return errors.New("revision, bundles or decisions is missing")
	}
	return errors.Join(runtime.CheckSet(e.Set), runtime.CheckRecorded(e.Bundles))
}

// ParseEntry reads an entry. The error is [runtime.ErrDamaged] unless it is exactly as it is
// written; name says where it is from.
func ParseEntry(name string, data []byte) (*Entry, error) {
	e := new(Entry)
	if err := exactjson.Unmarshal(data, maxEntryBytes, e); err != nil {
		return nil, runtime.Damaged(name, err)
	}
	if err := e.Check(); err != nil {
		return nil, runtime.Damaged(name, err)
	}
	return e, nil
}

// History is the history of one set. The errors of its methods are those of the store, and
// [runtime.ErrDamaged] with the name of what cannot be read.
type History struct {
	store Store
	set   string
}

// Open returns the history of a set in a store that nothing else uses.
func Open(store Store, set string) *History { return &History{store, set} }

// KeepBundle keeps the bytes of a bundle.
func (h *History) KeepBundle(b runtime.Bundle) error {
	name := bundleName(b.Digest())
	if data, err := h.get(name, bundle.MaxBytes); err == nil && bytes.Equal(data, b.Raw) {
		return nil
	}
	return h.put(name, b.Raw)
}

// Bundles returns bundles in the order of a list.
func (h *History) Bundles(list []runtime.RevisionBundle) ([]runtime.Bundle, error) {
	bundles := make([]runtime.Bundle, len(list))
	for i, want := range list {
		name := bundleName(want.Digest)
		data, err := h.get(name, bundle.MaxBytes)
		if err != nil {
			return nil, err
		}
		bundles[i], err = runtime.ReadBundle(data)
		if err == nil && bundles[i].Digest() != want.Digest {
			err = errors.New("it has the digest " + bundles[i].Digest())
		}
		if err != nil {
			return nil, runtime.Damaged(name, fmt.Errorf("it is not the bundle of %s that was kept: %w", want.Resource, err))
		}
	}
	return bundles, nil
}

// Record keeps a revision, whose bundles are kept already.
func (h *History) Record(e *Entry) error {
	data, err := exactjson.Marshal(e)
	if err != nil {
		return err
	}
	return h.put(revisionName(e.Number), data)
}

// Revisions returns the revisions that are kept, the newest first.
func (h *History) Revisions() ([]runtime.Revision, error) {
	names, err := h.store.List(revisionFolder)
	if err != nil {
		return nil, err
	}
	var list []runtime.Revision
	for _, name := range names {
		number, err := strconv.Atoi(name)
		if err != nil || strconv.Itoa(number) != name {
			// A further part, or what is not ours.
			continue
		}
		e, err := h.revision(number)
		if err != nil {
			return nil, err
		}
		list = append(list, e.Revision)
	}
	slices.SortFunc(list, func(a, b runtime.Revision) int { return cmp.Compare(b.Number, a.Number) })
	return list, nil
}

func (h *History) revision(number int) (*Entry, error) {
	name := revisionName(number)
	data, err := h.get(name, maxEntryBytes)
	if err != nil {
		return nil, err
	}
	e, err := ParseEntry(name, data)
	switch {
	case err != nil:
		return nil, err
	case e.Number != number:
		return nil, runtime.Damaged(name, fmt.Errorf("it is revision %d", e.Number))
	case e.Set != h.set:
		return nil, runtime.Damaged(name, errors.New("it is of the set "+e.Set))
	}
	return e, nil
}

// Tidy removes what is older than the last [Revisions] up to a number, and bundles that neither a
// revision nor the set has any more. Where a revision is damaged all bundles stay.
func (h *History) Tidy(number int, has []runtime.RevisionBundle) error {
	if err := h.sweep(revisionFolder, func(name string) bool {
		n, err := strconv.Atoi(base(name))
		return err == nil && n > number-Revisions && n <= number
	}); err != nil {
		return err
	}
	kept, err := h.Revisions()
	if errors.Is(err, runtime.ErrDamaged) {
		return nil
	}
	if err != nil {
		return err
	}
	used := map[string]bool{}
	for _, b := range has {
		used[path.Base(bundleName(b.Digest))] = true
	}
	for _, r := range kept {
		for _, b := range r.Bundles {
			used[path.Base(bundleName(b.Digest))] = true
		}
	}
	return h.sweep(bundleFolder, func(name string) bool { return used[base(name)] })
}

// Clear removes everything, revisions first.
func (h *History) Clear() error {
	none := func(string) bool { return false }
	if err := h.sweep(revisionFolder, none); err != nil {
		return err
	}
	return h.sweep(bundleFolder, none)
}

func (h *History) sweep(folder string, keep func(name string) bool) error {
	names, err := h.store.List(folder)
	if err != nil {
		return err
	}
	for _, name := range names {
		if keep(name) {
			continue
		}
		if err := h.store.Delete(folder + "/" + name); err != nil {
			return err
		}
	}
	return nil
}

func revisionName(number int) string { return revisionFolder + "/" + strconv.Itoa(number) }

func bundleName(digest string) string {
	return bundleFolder + "/" + strings.TrimPrefix(digest, "sha256:")
}

// part returns the name of the nth value that holds something.
func part(name string, n int) string {
	if n == 0 {
		return name
	}
	return name + "." + strconv.Itoa(n)
}

// base returns the name that a part is of.
func base(part string) string {
	name, _, _ := strings.Cut(part, ".")
	return name
}

// put keeps data in values, of which the last is shorter than [MaxValueBytes], and the first is
// written last.
func (h *History) put(name string, data []byte) error {
	for n := len(data) / MaxValueBytes; n >= 0; n-- {
		value := data[n*MaxValueBytes : min(len(data), (n+1)*MaxValueBytes)]
		if err := h.store.Put(part(name, n), value); err != nil {
			return err
		}
	}
	return nil
}

// get returns the data that put kept, nothing when it does not exist.
func (h *History) get(name string, limit int) ([]byte, error) {
	var data []byte
	for n := 0; ; n++ {
		value, err := h.store.Get(part(name, n))
		if err != nil {
			return nil, err
		}
		if len(data)+len(value) > limit {
			return nil, runtime.Damaged(name, fmt.Errorf("it has more than %d bytes", limit))
		}
		if data = append(data, value...); len(value) != MaxValueBytes {
			return data, nil
		}
	}
}
