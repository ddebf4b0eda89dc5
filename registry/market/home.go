package market

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"

	"github.com/latticenet/lattice-host/abi"
	"github.com/latticenet/lattice-host/internal/diskfile"
	"github.com/latticenet/lattice-host/registry/internal/strictjson"
	"github.com/latticenet/lattice-host/registry/lock"
	"github.com/latticenet/lattice-host/registry/release"
	"github.com/latticenet/lattice-host/registry/store"
)

// Home is an installation: a folder with plugins and the decisions about whom to trust. It keeps nothing in memory, so
// that several processes can use one folder.
type Home struct {
	dir   string
	store *store.Store
}

// Create makes an installation in dir, which trusts nobody. The error is fs.ErrExist when there is one already.
func Create(dir string) (*Home, error) {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return nil, err
	}
	h := home(dir)
	data, err := strictjson.MarshalIndent(newTrust())
	if err != nil {
		return nil, err
	}
	return h, diskfile.Create(h.trustFile(), data, 0o644)
}

// Open returns the installation in dir. The error is fs.ErrNotExist when there is none.
func Open(dir string) (*Home, error) {
	h := home(dir)
	if _, err := h.readTrust(); err != nil {
		return nil, err
	}
	return h, nil
}

func home(dir string) *Home { return &Home{dir: dir, store: store.Open(filepath.Join(dir, "store"))} }

// Dir returns the folder of the installation.
func (h *Home) Dir() string { return h.dir }

func (h *Home) trustFile() string { return filepath.Join(h.dir, "trust.json") }

func (h *Home) lockFile() string { return filepath.Join(h.dir, lock.FileName) }

// Load returns the installed plugin with the given name (see lock.Lock.Find), verified from the bytes on disk up. Every
// error wraps release.ErrNotTrusted and names the plugin, and its version and digest when the lock has it.
func (h *Home) Load(name string) (*release.Module, error) {
	m, _, err := h.LoadGranted(name)
	return m, err
}

// LoadGranted is [Home.Load], and also returns the names of the capabilities that were granted to the plugin when it was
// installed.
func (h *Home) LoadGranted(name string) (*release.Module, []string, error) {
	t, l, err := h.read()
	if err != nil {
		return nil, nil, release.NotTrusted(name, "", err)
	}
	p, err := l.Find(name)
	if err != nil {
		return nil, nil, err
	}
	m, err := h.load(t, p)
	return m, p.Capabilities, err
}

func (h *Home) read() (*trust, *lock.Lock, error) {
	// The lock comes first: an install writes it last, so that what it names is in the trust that is read after it.
	l, err := lock.Read(h.lockFile())
	if err != nil {
		return nil, nil, err
	}
	t, err := h.readTrust()
	return t, l, err
}

func (h *Home) load(t *trust, p lock.Plugin) (*release.Module, error) {
	want, err := wanted(t, p)
	if err != nil {
		return nil, release.NotTrusted(p.Reference(), p.Digest, err)
	}
	wasm, err := h.get(p, p.Digest, abi.MaxModuleBytes)
	if err != nil {
		return nil, err
	}
	bundle, err := h.get(p, p.Bundle, release.MaxBundleBytes)
	if err != nil {
		return nil, err
	}
	m, err := release.Verify(bundle, wasm, want)
	if err != nil {
		return nil, err
	}
	if err := sameAsLocked(p, m); err != nil {
		return nil, release.NotTrusted(p.Reference(), p.Digest, err)
	}
	return m, nil
}

// wanted returns what must be verified: the lock says which release, trust.json by whom.
func wanted(t *trust, p lock.Plugin) (release.Want, error) {
	publisher, ok := t.publisher(p.Publisher)
	if !ok {
		return release.Want{}, fmt.Errorf("this installation has no record of the publisher %s: run %s", p.Publisher, installAgain(p))
	}
	if publisher.Index != p.Index {
		return release.Want{}, fmt.Errorf("%s says that it came from the index %s, the publisher %s belongs to %s: run %s",
			lock.FileName, p.Index, p.Publisher, publisher.Index, installAgain(p))
	}
	keys, err := publicKeys(publisher.Keys)
	if err != nil {
		return release.Want{}, err
	}
	// The key that the lock names must be the one, even where the publisher has several.
	keys = slices.DeleteFunc(keys, func(k release.PublicKey) bool { return k.ID != p.KeyID })
	if len(keys) == 0 {
		return release.Want{}, fmt.Errorf("%s says that the key %s signed, which is none of the publisher's keys: run %s",
			lock.FileName, p.KeyID, installAgain(p))
	}
	return release.Want{Publisher: p.Publisher, Name: p.Name, Version: p.Version, Digest: p.Digest, Keys: keys}, nil
}

func (h *Home) get(p lock.Plugin, digest string, limit int64) ([]byte, error) {
	data, err := h.store.Get(digest, limit)
	if err == nil {
		return data, nil
	}
	if errors.Is(err, fs.ErrNotExist) {
		err = fmt.Errorf("the store has no file with the digest %s: %w", digest, fs.ErrNotExist)
	}
	return nil, release.NotTrusted(p.Reference(), p.Digest, fmt.Errorf("%w: run %s", err, installAgain(p)))
}

func installAgain(p lock.Plugin) string { return "lattice-host install --index DIR " + p.Reference() }

// sameAsLocked compares what the lock says about a release beyond its identity with the signed manifest.
func sameAsLocked(p lock.Plugin, m *release.Module) error {
	switch {
	case p.Size != int64(len(m.Wasm())):
		return fmt.Errorf("%s says that the module has %d bytes, it has %d", lock.FileName, p.Size, len(m.Wasm()))
	case p.ABI != m.Manifest().ABI:
		return fmt.Errorf("%s says abi %d, the manifest %d", lock.FileName, p.ABI, m.Manifest().ABI)
	case !slices.Equal(p.Capabilities, release.CapabilityNames(m.Manifest())):
		return fmt.Errorf("%s says that the capabilities %q were granted, the manifest asks for %q",
			lock.FileName, p.Capabilities, release.CapabilityNames(m.Manifest()))
	}
	return nil
}

// Entry is an installed plugin and whether it would load.
type Entry struct {
	lock.Plugin
	// Err is why the plugin would not load, or nil.
	Err error
}

// List returns the installed plugins in the order of publisher and name. Each is verified as [Home.Load] does.
func (h *Home) List(ctx context.Context) ([]Entry, error) {
	t, l, err := h.read()
	if err != nil {
		return nil, release.NotTrusted(h.dir, "", err)
	}
	entries := make([]Entry, len(l.Plugins))
	for i, p := range l.Plugins {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		_, err := h.load(t, p)
		entries[i] = Entry{Plugin: p, Err: err}
	}
	return entries, nil
}

// Verify returns what is wrong with the installed plugins, in the order of publisher and name. Each error wraps
// release.ErrNotTrusted, unless ctx is done.
func (h *Home) Verify(ctx context.Context) []error {
	entries, err := h.List(ctx)
	if err != nil {
		return []error{err}
	}
	var problems []error
	for _, e := range entries {
		if e.Err != nil {
			problems = append(problems, e.Err)
		}
	}
	return problems
}

// Remove takes an installed plugin out of the lock and its files out of the store. The publisher's recorded keys stay.
func (h *Home) Remove(name string) error {
	var removed lock.Plugin
	err := lock.Update(h.lockFile(), func(l *lock.Lock) error {
		p, err := l.Find(name)
		if err != nil {
			return err
		}
		l.Delete(p)
		removed = p
		return nil
	})
	if err != nil {
		return err
	}
	// Only after the lock is written: a crash leaves a file too many, never a locked plugin without its files.
	return h.collect(removed)
}

// collect removes the files of a release from the store, unless the lock has use for them.
func (h *Home) collect(removed lock.Plugin) error {
	return lock.Update(h.lockFile(), func(l *lock.Lock) error {
		var keep []string
		for _, p := range l.Plugins {
			if p.Reference() == removed.Reference() {
				// Another process has installed it again.
				return nil
			}
			keep = append(keep, p.Digest, p.Bundle)
		}
		if err := h.store.Untag(removed.Reference()); err != nil {
			return err
		}
		return h.store.Sweep(keep)
	})
}
