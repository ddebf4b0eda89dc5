package market

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/latticenet/lattice-host/internal/diskfile"
	"github.com/latticenet/lattice-host/internal/filelock"
	"github.com/latticenet/lattice-host/registry/internal/strictjson"
	"github.com/latticenet/lattice-host/registry/lock"
	"github.com/latticenet/lattice-host/registry/store"
)

// Home is an installation: a folder with plugins and the decisions about whom to trust. It keeps
// nothing in memory, so that several processes can use one folder.
type Home struct {
	dir   string
	store *store.Store
	clock func() time.Time
}

// Create makes an installation in dir, which trusts no one. The error is fs.ErrExist when there is
// one already. Clock tells the time; nil is time.Now.
func Create(dir string, clock func() time.Time) (*Home, error) {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return nil, err
	}
	h := home(dir, clock)
	data, err := strictjson.MarshalIndent(newTrust())
	if err != nil {
		return nil, err
	}
	return h, diskfile.Create(h.trustFile(), data, 0o644)
}

// Open returns the installation in dir. The error is fs.ErrNotExist if none exists. Clock tells the
// time; nil is time.Now.
func Open(dir string, clock func() time.Time) (*Home, error) {
	h := home(dir, clock)
	if _, err := h.readTrust(); err != nil {
		return nil, err
	}
	return h, nil
}

func home(dir string, clock func() time.Time) *Home {
	if clock == nil {
		clock = time.Now
	}
	return &Home{dir: dir, store: store.Open(filepath.Join(dir, "store")), clock: clock}
}

// Dir returns the folder of the installation.
func (h *Home) Dir() string { return h.dir }

func (h *Home) trustFile() string { return filepath.Join(h.dir, "trust.json") }

func (h *Home) lockFile() string { return filepath.Join(h.dir, lock.FileName) }

// read returns what was decided and what is installed.
func (h *Home) read() (*trust, *lock.Lock, error) {
	// The lock comes first: an install writes it last, so that what it names is in the trust that
	// is read after it.
	l, err := lock.Read(h.lockFile())
	if err != nil {
		return nil, nil, err
	}
	t, err := h.readTrust()
	return t, l, err
}

// Remove takes an installed plugin out of the lock and its files out of the store. The consent that
// was given for it is forgotten; the publisher's record stays.
func (h *Home) Remove(name string) error {
	var removed lock.Plugin
	err := lock.Update(h.lockFile(), func(l *lock.Lock) error {
		p, err := l.Find(name)
		if err != nil {
			return err
		}
		l.Delete(p)
		l.DropIndexes()
		removed = p
		return nil
	})
	if err != nil {
		return err
	}
	// Only after the lock is written: a crash leaves a file too many, never a locked plugin without
	// its files.
	return h.exclusively(func(l *lock.Lock) error {
		if slices.ContainsFunc(l.Plugins, func(p lock.Plugin) bool { return p.Path() == removed.Path() }) {
			// Another process has installed it again.
			return nil
		}
		return errors.Join(h.forgetState(removed.Path()), h.forgetReceipts(removed.Path()), h.collect(l, []lock.Plugin{removed}))
	})
}

// exclusively runs do with the lock as it is, while nothing else changes the installation.
func (h *Home) exclusively(do func(*lock.Lock) error) error {
	return filelock.With(h.lockFile(), func() error {
		l, err := lock.Read(h.lockFile())
		if err != nil {
			return err
		}
		return do(l)
	})
}

// tidy removes what processes left that were killed while they wrote.
func (h *Home) tidy() error {
	problems := []error{diskfile.Tidy(h.dir), diskfile.Tidy(h.receiptsDir()), h.store.Tidy()}
	indexes, err := filepath.Glob(h.indexDir("*"))
	for _, dir := range indexes {
		problems = append(problems, diskfile.Tidy(dir))
	}
	return errors.Join(append(problems, err)...)
}

// collect removes the files of releases from the store that neither the lock nor the list to keep
// has use for, and the names of those removed.
func (h *Home) collect(l *lock.Lock, removed []lock.Plugin, keep ...lock.Plugin) error {
	digests := l.Blobs()
	for _, p := range keep {
		digests = append(digests, p.Digest, p.Bundle)
	}
	for _, p := range removed {
		if slices.ContainsFunc(l.Plugins, func(o lock.Plugin) bool { return o.Reference() == p.Reference() }) {
			continue
		}
		if err := h.store.Untag(p.Reference()); err != nil {
			return err
		}
	}
	return h.store.Sweep(digests)
}

// removeIfThere removes a file.
func removeIfThere(file string) error {
	if err := os.Remove(file); !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}
