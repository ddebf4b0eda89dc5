package directory

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"time"

	"github.com/latticenet/lattice-host/abi"
	"github.com/latticenet/lattice-host/internal/filelock"
	"github.com/latticenet/lattice-host/runtime"
	"github.com/latticenet/lattice-host/runtime/planner"
)

// Executor keeps a set in a folder. See the package for how.
type Executor struct {
	dir   string
	clock func() time.Time
	// before is called before each operation on the folder that changes something.
	before func() error
}

// Options configure an executor. The zero value is good.
type Options struct {
	// Clock tells the time of revisions; nil is the system's.
	Clock func() time.Time
}

var _ runtime.Executor = (*Executor)(nil)

// New returns the executor for a folder, which need not be there before something is applied.
func New(dir string, o Options) (*Executor, error) {
	abs, err := filepath.Abs(dir)
	if err != nil {
		return nil, err
	}
	e := &Executor{dir: abs, clock: o.Clock, before: func() error { return nil }}
	if e.clock == nil {
		e.clock = time.Now
	}
	return e, nil
}

// Target says what is changed.
func (e *Executor) Target() string { return "directory:" + e.dir }

// session is the folder while its lock is held.
type session struct {
	executor *Executor
	// disk is nil when there is no folder.
	disk *disk
	// inventory is nil when there is no set.
	inventory *inventory
	// progress is called at every step of a change; nil when no one wants to know.
	progress func(runtime.Progress)
}

// with runs do while it holds the lock of the folder, after an interrupted change was completed.
func (e *Executor) with(ctx context.Context, do func(*session) error) error {
	err := e.locked(ctx, do)
	var own *runtime.Error
	var pathErr *fs.PathError
	var link *os.LinkError
	switch {
	case errors.As(err, &own), err == nil, errors.As(err, &pathErr) && pathErr.Path == e.dir:
		return err
	case errors.As(err, &pathErr), errors.As(err, &link):
		return fmt.Errorf("%s: %w", e.dir, err)
	}
	return err
}

func (e *Executor) locked(ctx context.Context, do func(*session) error) (err error) {
	if err := ctx.Err(); err != nil {
		return context.Cause(ctx)
	}
	root, err := os.OpenRoot(e.dir)
	if errors.Is(err, fs.ErrNotExist) {
		return do(&session{executor: e})
	}
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, root.Close()) }()
	lock, err := root.Open(".")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, lock.Close()) }()
	if err := filelock.Hold(ctx, lock); err != nil {
		return err
	}
	s := &session{executor: e, disk: &disk{root: root, before: e.before}}
	if err := s.load(); err != nil {
		return s.at(err)
	}
	return s.at(do(s))
}

// load reads what the executor keeps, and completes an interrupted change.
func (s *session) load() error {
	switch info, err := s.disk.root.Lstat(ownFolder); {
	case errors.Is(err, fs.ErrNotExist):
		return nil
	case err != nil:
		return err
	case !info.IsDir():
		return &runtime.Error{Kind: runtime.ErrConflict, Where: s.place(ownFolder), Problem: "is not a folder; remove it"}
	case !s.disk.hasOn(info):
		return &runtime.Error{Kind: runtime.ErrConflict, Where: s.place(ownFolder), Problem: "is " + elsewhere + "; remove it"}
	}
	data, err := s.disk.read(pendingFile, maxStateBytes)
	if err != nil {
		return err
	}
	if data != nil {
		p, err := parsePending(data)
		if err != nil {
			return err
		}
		if _, err := s.complete(p); err != nil {
			return err
		}
	}
	if data, err = s.disk.read(inventoryFile, maxStateBytes); err != nil {
		return err
	}
	if data == nil {
		// The history goes before the inventory, and comes with it.
		if names, err := s.disk.list(historyFolder); err != nil || len(names) > 0 {
			return cmp.Or(err, runtime.Damaged(inventoryName, errors.New("it is missing, though there is a history")))
		}
		return s.clear()
	}
	s.inventory, err = parseInventory(data)
	return err
}

// place returns the path of a file as people can find it.
func (s *session) place(name string) string {
	return filepath.Join(s.executor.dir, filepath.FromSlash(name))
}

// at completes the place in an error about one of the executor's own files, which is relative to
// their folder.
func (s *session) at(err error) error {
	var e *runtime.Error
	if !errors.As(err, &e) || e.Where == "" || filepath.IsAbs(e.Where) {
		return err
	}
	return &runtime.Error{Kind: e.Kind, Where: s.place(path.Join(ownFolder, e.Where)), Object: e.Object, Problem: e.Problem}
}

// holds checks that the folder does not hold another set.
func (s *session) holds(set string) error {
	if err := runtime.CheckSet(set); err != nil {
		return err
	}
	if s.inventory != nil && s.inventory.Set != set {
		return &runtime.Error{
			Kind: runtime.ErrConflict, Where: s.executor.dir,
			Problem: "the folder holds the set " + s.inventory.Set + ", not " + set + "; use another folder",
		}
	}
	return nil
}

// Plan says what makes the folder hold what is desired.
func (e *Executor) Plan(ctx context.Context, desired *runtime.Desired) (*runtime.Plan, error) {
	return e.draft(ctx, desired.Set, func(s *planner.Set) (runtime.Plan, error) { return s.Apply(desired) })
}

// Prune says what takes resources out of the set.
func (e *Executor) Prune(ctx context.Context, set string, resources []abi.Ref, o runtime.Options) (*runtime.Plan, error) {
	return e.draft(ctx, set, func(s *planner.Set) (runtime.Plan, error) { return s.Prune(resources, o) })
}

// Destroy says what removes the set.
func (e *Executor) Destroy(ctx context.Context, set string, o runtime.Options) (*runtime.Plan, error) {
	return e.draft(ctx, set, func(s *planner.Set) (runtime.Plan, error) { return s.Destroy(o) })
}

// Rollback says what makes the folder hold what it held at a revision.
func (e *Executor) Rollback(ctx context.Context, set string, number int, o runtime.Options) (*runtime.Plan, error) {
	return e.draft(ctx, set, func(s *planner.Set) (runtime.Plan, error) { return s.Rollback(number, o) })
}

// draft completes the plan that a request for a set gives.
func (e *Executor) draft(ctx context.Context, name string, request func(*planner.Set) (runtime.Plan, error)) (plan *runtime.Plan, err error) {
	err = e.with(ctx, func(s *session) error {
		set, err := s.set(name)
		if err != nil {
			return err
		}
		draft, err := request(set)
		if err != nil {
			return err
		}
		plan, err = s.plan(set, draft)
		return err
	})
	return plan, err
}

// Observe says what became of the files.
func (e *Executor) Observe(ctx context.Context, set string) (*runtime.Status, error) {
	status := &runtime.Status{Target: e.Target(), Set: set, Bundles: []runtime.RevisionBundle{}, Objects: []runtime.ObjectStatus{}}
	err := e.with(ctx, func(s *session) error {
		if err := s.holds(set); err != nil || s.inventory == nil {
			return err
		}
		status.Revision, status.Bundles = s.inventory.Revision, s.inventory.Bundles
		files := slices.SortedFunc(slices.Values(s.inventory.Files), func(a, b file) int {
			one, other := s.item(&a), s.item(&b)
			return one.Compare(&other)
		})
		for _, f := range files {
			o := runtime.ObjectStatus{Object: f.Object, Resource: f.Resource, Where: s.place(f.Path), Presence: runtime.Present}
			switch sum, err := s.disk.digest(f.Path); {
			case err != nil:
				return err
			case sum == "":
				o.Presence = runtime.Missing
			case isOdd(sum):
				o.Presence, o.Message = runtime.Modified, "is "+sum
			case sum != f.Digest:
				o.Presence, o.Message = runtime.Modified, "was changed since it was written"
			}
			status.Objects = append(status.Objects, o)
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return status, nil
}

// History returns the revisions that are kept, the newest first.
func (e *Executor) History(ctx context.Context, set string) (revisions []runtime.Revision, err error) {
	err = e.with(ctx, func(s *session) error {
		if err := s.holds(set); err != nil || s.inventory == nil {
			return err
		}
		revisions, err = s.history(set).Revisions()
		return err
	})
	return revisions, err
}
