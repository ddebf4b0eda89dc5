package market

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/latticenet/lattice-host/internal/diskfile"
	"github.com/latticenet/lattice-host/registry/index/publisher"
	"github.com/latticenet/lattice-host/registry/index/revocation"
	"github.com/latticenet/lattice-host/registry/index/tuf"
	"github.com/latticenet/lattice-host/registry/lock"
	"github.com/latticenet/lattice-host/registry/release"
)

// MaxRootBytes is the largest root metadata that can be pinned.
const MaxRootBytes = 512_000

// TrustIndex pins the root of an index under a name. Nothing is fetched. An index of this name that
// has the same root gets the location; one with another root is an error: it is another index.
func (h *Home) TrustIndex(name, location string, root []byte) (Index, error) {
	x := Index{Name: name, Location: location, Root: release.Digest(root)}
	if err := x.check(); err != nil {
		return x, err
	}
	if _, err := tuf.Open(tuf.Config{Root: root, Dir: h.stateDir(name), Clock: h.clock}); err != nil {
		return x, err
	}
	return x, h.updateTrust(func(t *trust) error {
		if known := t.index(name); known != nil {
			if known.Root != x.Root {
				return fmt.Errorf("%s: an index of this name is trusted with another root: choose another name, or untrust that one first", name)
			}
			known.Location = location
			// It may be missing, or damaged.
			return h.pin(name, root)
		}
		// What was seen of an index that had the name before is not of this one.
		if err := os.RemoveAll(h.indexDir(name)); err != nil {
			return err
		}
		// The pin is there before it counts.
		if err := h.pin(name, root); err != nil {
			return err
		}
		i, _ := slices.BinarySearchFunc(t.Indexes, name, func(o Index, name string) int { return strings.Compare(o.Name, name) })
		t.Indexes = slices.Insert(t.Indexes, i, x)
		return nil
	})
}

func (h *Home) pin(name string, root []byte) error {
	if err := os.MkdirAll(h.indexDir(name), 0o755); err != nil {
		return err
	}
	return replaceChanged(h.rootFile(name), root)
}

// UntrustIndex takes the trust in an index back, and forgets its publishers. It is an error while
// plugins that came from it are installed: without it nothing would tell when they are revoked.
func (h *Home) UntrustIndex(name string) error {
	err := h.updateTrust(func(t *trust) error {
		if t.index(name) == nil {
			return fmt.Errorf("%s: the index %q is not trusted", h.trustFile(), name)
		}
		l, err := lock.Read(h.lockFile())
		if err != nil {
			return err
		}
		var installed []string
		for _, p := range l.Plugins {
			if p.Index == name {
				installed = append(installed, p.Path())
			}
		}
		if len(installed) > 0 {
			return fmt.Errorf("%s: plugins of this index are installed, remove them first: %s", name, strings.Join(installed, ", "))
		}
		t.Indexes = slices.DeleteFunc(t.Indexes, func(x Index) bool { return x.Name == name })
		t.Publishers = slices.DeleteFunc(t.Publishers, func(p trustedPublisher) bool { return p.Index == name })
		return nil
	})
	if err != nil {
		return err
	}
	return os.RemoveAll(h.indexDir(name))
}

// Indexes returns the trusted indexes, sorted by name.
func (h *Home) Indexes() ([]Index, error) {
	t, err := h.readTrust()
	if err != nil {
		return nil, err
	}
	return t.Indexes, nil
}

func (h *Home) indexDir(name string) string { return filepath.Join(h.dir, "indexes", name) }
func (h *Home) stateDir(name string) string { return filepath.Join(h.indexDir(name), "state") }
func (h *Home) rootFile(name string) string { return filepath.Join(h.indexDir(name), "root.json") }

// client returns a client of an index, which starts from the root that trust.json names.
func (h *Home) client(x Index, source tuf.Source) (*tuf.Client, error) {
	root, err := diskfile.Read(os.OpenFile, h.rootFile(x.Name), MaxRootBytes)
	if got := release.Digest(root); err == nil && got != x.Root {
		err = fmt.Errorf("is not the root that was pinned: it has the digest %s, trust.json says %s", got, x.Root)
	}
	if err != nil {
		return nil, release.NotTrusted(h.rootFile(x.Name), "", fmt.Errorf("%w: trust the index %s again with the root that you pinned", err, x.Name))
	}
	return tuf.Open(tuf.Config{
		Root: root, Dir: h.stateDir(x.Name), Source: source, Clock: h.clock,
		Keep: []string{tuf.PublishersTarget, tuf.RevocationsTarget},
	})
}

// isLocal reports whether reading the index asks no one else.
func (x Index) isLocal() bool {
	return !strings.HasPrefix(x.Location, "https://") && !strings.HasPrefix(x.Location, "http://")
}

// openIndex is a refreshed index.
type openIndex struct {
	Index
	source     tuf.Source
	view       *tuf.View
	publishers *publisher.List
	revoked    *revocation.List
}

// refresh fetches what is new of an index from a location, its own or a mirror's.
func (h *Home) refresh(ctx context.Context, x Index, location string, l *lock.Lock) (*openIndex, error) {
	source, err := tuf.OpenSource(location)
	if err != nil {
		return nil, fmt.Errorf("the index %s: %w", x.Name, err)
	}
	o, err := h.refreshFrom(ctx, x, source, l)
	if err != nil {
		return nil, errors.Join(inIndex(x.Name, err), source.Close())
	}
	return o, nil
}

// notOlder refuses an index that is older than the one that the lock was written with. What was
// seen since guards against more, until somebody removes it; and where a lock was copied to,
// nothing else was seen. New keys, and with them a new root, may begin to count again.
func notOlder(x Index, view *tuf.View, l *lock.Lock) error {
	seen, ok := l.Index(x.Name)
	now := lockedIndex(x.Name, view)
	var role string
	var offered, known int64
	switch {
	case !ok:
		return nil
	case now.Root < seen.Root:
		role, offered, known = "root", now.Root, seen.Root
	case now.Root == seen.Root && now.Snapshot < seen.Snapshot:
		role, offered, known = "snapshot", now.Snapshot, seen.Snapshot
	default:
		return nil
	}
	return release.NotTrusted("index", "", fmt.Errorf("%w: %s: version %d is offered, and %s was written with version %d: use another mirror",
		tuf.ErrRollback, role, offered, lock.FileName, known))
}

// inIndex says which index an error is about.
func inIndex(name string, err error) error {
	if err == nil {
		return nil
	}
	return &indexError{name, err}
}

type indexError struct {
	name string
	err  error
}

func (e *indexError) Error() string { return e.name + ": " + e.err.Error() }
func (e *indexError) Unwrap() error { return e.err }

func (h *Home) refreshFrom(ctx context.Context, x Index, source tuf.Source, l *lock.Lock) (*openIndex, error) {
	client, err := h.client(x, source)
	if err != nil {
		return nil, err
	}
	o := &openIndex{Index: x, source: source}
	if o.view, err = client.Refresh(ctx); err != nil {
		return nil, err
	}
	if err := notOlder(x, o.view, l); err != nil {
		return nil, err
	}
	if o.publishers, err = readPublishers(ctx, o.view); err != nil {
		return nil, err
	}
	if o.revoked, err = readRevoked(ctx, o.view); err != nil {
		return nil, err
	}
	return o, nil
}

func readPublishers(ctx context.Context, view *tuf.View) (*publisher.List, error) {
	return readList(ctx, view, tuf.PublishersTarget, publisher.New, publisher.Parse)
}

func readRevoked(ctx context.Context, view *tuf.View) (*revocation.List, error) {
	return readList(ctx, view, tuf.RevocationsTarget, revocation.New, revocation.Parse)
}

// readList reads a list that offline keys sign. An index that has none has an empty one.
func readList[T any](ctx context.Context, view *tuf.View, name string, empty func() *T, parse func([]byte) (*T, error)) (*T, error) {
	target, err := view.Target(ctx, name)
	if errors.Is(err, tuf.ErrNotFound) {
		return empty(), nil
	}
	if err != nil {
		return nil, err
	}
	l, err := parse(target.Data)
	if err != nil {
		return nil, release.NotTrusted(name, "", err)
	}
	return l, nil
}

// locked returns the state of the index for the lock.
func (o *openIndex) locked() lock.Index { return lockedIndex(o.Name, o.view) }

func lockedIndex(name string, view *tuf.View) lock.Index {
	x := lock.Index{Name: name, RootKeyIDs: view.RootKeyIDs()}
	for _, role := range view.Roles() {
		switch role.Name {
		case "root":
			x.Root = role.Version
		case "snapshot":
			x.Snapshot = role.Version
		}
	}
	return x
}

// Fetched is an index after its refresh.
type Fetched struct {
	Index
	// Roles are its top-level roles.
	Roles []tuf.Role
	// Notices are what the index says about installed releases, sorted by plugin.
	Notices []Notice
}

// FetchIndexes refreshes the named indexes, or all, and notes what they say about installed
// plugins. One that fails does not keep the others from being refreshed. From is where the index is
// now, instead of its own location: a mirror that was carried here; it may be empty.
func (h *Home) FetchIndexes(ctx context.Context, names []string, from string) ([]Fetched, error) {
	t, err := h.readTrust()
	if err != nil {
		return nil, err
	}
	chosen, err := t.chosen(names)
	if err != nil {
		return nil, err
	}
	if from != "" && len(chosen) > 1 {
		return nil, fmt.Errorf("%s: several indexes are trusted, say which one this is: %s", from, t.indexNames())
	}
	var all []Fetched
	var problems []error
	for _, x := range chosen {
		f, err := h.fetch(ctx, x, cmp.Or(from, x.Location))
		if err != nil {
			problems = append(problems, err)
			continue
		}
		all = append(all, f)
	}
	return all, errors.Join(problems...)
}

func (h *Home) fetch(ctx context.Context, x Index, location string) (f Fetched, err error) {
	l, err := lock.Read(h.lockFile())
	if err != nil {
		return f, release.NotTrusted(h.dir, "", err)
	}
	o, err := h.refresh(ctx, x, location, l)
	if err != nil {
		return f, err
	}
	defer func() { err = errors.Join(err, o.source.Close()) }()
	x.Location = location
	f = Fetched{Index: x, Roles: o.view.Roles()}
	f.Notices, err = h.note(ctx, o, l)
	return f, inIndex(x.Name, err)
}

// chosen returns the indexes with the given names, or all.
func (t *trust) chosen(names []string) ([]Index, error) {
	if len(t.Indexes) == 0 {
		return nil, errNoIndex
	}
	if len(names) == 0 {
		return t.Indexes, nil
	}
	var chosen []Index
	var problems []error
	for _, name := range names {
		x := t.index(name)
		if x == nil {
			problems = append(problems, fmt.Errorf("%q is not a trusted index, they are: %s", name, t.indexNames()))
			continue
		}
		chosen = append(chosen, *x)
	}
	return chosen, errors.Join(problems...)
}

var errNoIndex = release.NotTrusted("index", "", errors.New(
	"this installation trusts no index; get the root of one from who runs it, and trust it with lattice-host index trust ROOT --location LOCATION"))

func (t *trust) indexNames() string {
	names := make([]string, len(t.Indexes))
	for i, x := range t.Indexes {
		names[i] = x.Name
	}
	return strings.Join(names, ", ")
}

// known is what was last verified of an index. It is read without asking anybody.
type known struct {
	publishers *publisher.List
	revoked    *revocation.List
	view       *tuf.View
}

// verified returns the index as its last refresh left it.
func (h *Home) verified(ctx context.Context, x Index, l *lock.Lock) (*known, error) {
	client, err := h.client(x, nil)
	if err != nil {
		return nil, err
	}
	k := &known{}
	if k.view, err = client.Verified(); err != nil {
		return nil, err
	}
	if err := notOlder(x, k.view, l); err != nil {
		return nil, err
	}
	if k.publishers, err = readPublishers(ctx, k.view); err != nil {
		return nil, err
	}
	k.revoked, err = readRevoked(ctx, k.view)
	return k, err
}

// catchUp refreshes an index in a local folder or file when there is something new in it, so that
// what is revoked there counts at the next load. That it cannot be read is not an error: what was
// last verified counts.
func (h *Home) catchUp(ctx context.Context, x Index, l *lock.Lock) (err error) {
	if !x.isLocal() {
		return nil
	}
	source, err := tuf.OpenSource(x.Location)
	if err != nil {
		if errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		return err
	}
	defer func() { err = errors.Join(err, source.Close()) }()
	client, err := h.client(x, source)
	if err != nil {
		return err
	}
	changed, err := client.Changed(ctx)
	if err != nil || !changed {
		return err
	}
	o, err := h.refreshFrom(ctx, x, source, l)
	if err != nil {
		return err
	}
	_, err = h.note(ctx, o, l)
	return err
}

func (h *Home) now() time.Time { return h.clock().UTC() }
