package directory

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"path"
	"slices"
	"strings"
	"time"

	"github.com/latticenet/lattice-host/internal/exactjson"
	"github.com/latticenet/lattice-host/runtime"
	"github.com/latticenet/lattice-host/runtime/history"
)

// Apply does what a plan says. Once the change is on the disk as pending, it is completed whatever
// ctx says.
func (e *Executor) Apply(
	ctx context.Context, plan *runtime.Plan, approval *runtime.Approval, o runtime.ApplyOptions,
) (result *runtime.Result, err error) {
	approved, err := approval.Check(plan)
	if err != nil {
		return nil, err
	}
	if approved.Target != e.Target() {
		return nil, &runtime.Error{Kind: runtime.ErrNotApproved, Where: e.dir, Problem: "the plan is for " + approved.Target}
	}
	if !approved.Empty() {
		if err := os.MkdirAll(e.dir, 0o755); err != nil {
			return nil, err
		}
	}
	err = e.with(ctx, func(s *session) error {
		s.progress = o.Progress
		result, err = s.apply(ctx, approved, approval.Decisions)
		return err
	})
	return result, err
}

func (s *session) apply(ctx context.Context, approved *runtime.Plan, decisions []string) (*runtime.Result, error) {
	set, err := s.set(approved.Set)
	if err != nil {
		return nil, err
	}
	// Whatever was approved, only what follows from the bytes of the bundles and from what is there
	// now is done.
	now, err := s.plan(set, runtime.Plan{
		Set: approved.Set, Cause: approved.Cause, Force: approved.Force, Bundles: approved.Bundles, Hold: approved.Hold, Revoke: approved.Revoke,
	})
	if err != nil {
		return nil, err
	}
	if err := approved.Difference(now); err != nil {
		return nil, err
	}
	result := &runtime.Result{Changes: now.Changes}
	if s.inventory != nil {
		result.Revision = s.inventory.Revision
	}
	if now.Empty() {
		return result, nil
	}
	p, err := s.stage(now, decisions)
	if err != nil {
		// On a full disk what was staged is in the way of a smaller change. The next process tries
		// again.
		_ = s.unstage()
		return nil, err
	}
	if err := ctx.Err(); err != nil {
		return nil, context.Cause(ctx)
	}
	if err := s.writeOwn(pendingFile, p); err != nil {
		return nil, err
	}
	left, err := s.complete(p)
	if err != nil {
		return nil, err
	}
	result.Revision = p.Inventory.Revision
	if p.Revision == nil && len(left) == 0 {
		result.Revision = 0
	}
	result.Changes = slices.DeleteFunc(result.Changes, func(c runtime.Change) bool { return left[s.name(c.Where)] != nil })
	return result, joined(left)
}

// joined returns the errors of a change in the order of the files.
func joined(left map[string]error) error {
	var errs []error
	for _, name := range slices.Sorted(maps.Keys(left)) {
		errs = append(errs, left[name])
	}
	return errors.Join(errs...)
}

// stage puts all new content on the disk and returns the change that uses it.
func (s *session) stage(plan *runtime.Plan, decisions []string) (*pending, error) {
	for _, folder := range []string{ownFolder, historyFolder, bundleFolder, stagedFolder} {
		if err := s.disk.mkdirOwn(folder); err != nil {
			return nil, err
		}
	}
	if err := s.unstage(); err != nil {
		return nil, err
	}
	kept := &values{disk: s.disk}
	for _, b := range plan.Bundles {
		if err := history.Open(kept, plan.Set).KeepBundle(b); err != nil {
			return nil, err
		}
	}
	written := kept.unsynced
	p := s.pending(plan, decisions)
	want, err := files(plan.Bundles)
	if err != nil {
		return nil, err
	}
	content := make(map[string][]byte, len(want))
	for _, w := range want {
		content[w.Path] = w.content
	}
	for i, step := range p.Steps {
		if step.Delete {
			continue
		}
		if err := s.disk.write(stagedFile(i), content[step.File.Path], objectMode); err != nil {
			return nil, err
		}
		written = append(written, stagedFile(i))
	}
	if err := s.disk.syncAll(written); err != nil {
		return nil, err
	}
	for _, folder := range []string{stagedFolder, bundleFolder, ownFolder, "."} {
		if err := s.disk.sync(folder); err != nil {
			return nil, err
		}
	}
	return p, nil
}

// unstage removes what was staged for a change that did not come to be.
func (s *session) unstage() error {
	if err := s.sweep(stagedFolder, nil); err != nil {
		return err
	}
	if s.inventory == nil {
		return s.sweep(bundleFolder, nil)
	}
	return s.tidy(s.inventory)
}

// pending returns the change that a plan makes.
func (s *session) pending(plan *runtime.Plan, decisions []string) *pending {
	p := &pending{Schema: pendingSchema, Steps: []step{}, Inventory: inventory{
		Schema: inventorySchema, Set: plan.Set, Revision: 1, Files: []file{}, Bundles: runtime.Recorded(plan.Bundles),
	}}
	if s.inventory != nil {
		p.Inventory.Revision = s.inventory.Revision + 1
	}
	for _, c := range plan.Changes {
		f := file{Path: s.name(c.Where), Digest: c.After, Object: c.Object, Resource: c.Resource, Stage: c.Stage}
		switch c.Action {
		case runtime.Delete:
			f.Digest = c.Before
			if c.Before != "" {
				p.Steps = append(p.Steps, step{File: f, Before: c.Before, Delete: true})
			}
			continue
		case runtime.Create, runtime.Update:
			p.Steps = append(p.Steps, step{File: f, Before: c.Before})
		}
		p.Inventory.Files = append(p.Inventory.Files, f)
	}
	slices.SortFunc(p.Inventory.Files, func(a, b file) int { return strings.Compare(a.Path, b.Path) })
	if plan.Cause.Verb != runtime.VerbDestroy {
		p.Revision = history.NewEntry(plan.Set, runtime.Revision{
			Number: p.Inventory.Revision, Time: s.executor.clock().UTC().Truncate(time.Second), Cause: plan.Cause, Plan: plan.Digest,
			Decisions: decisions, Bundles: p.Inventory.Bundles, Objects: len(p.Inventory.Files),
		})
	}
	return p
}

// name is the inverse of place.
func (s *session) name(where string) string {
	return path.Base(path.Dir(where)) + "/" + path.Base(where)
}

// writeOwn writes one of the executor's own files.
func (s *session) writeOwn(name string, v any) error {
	data, err := exactjson.Marshal(v)
	if err != nil {
		return err
	}
	if len(data) > maxStateBytes {
		return fmt.Errorf("%s: would have %d bytes, the limit is %d; split the set", s.place(name), len(data), maxStateBytes)
	}
	if was, err := s.disk.read(name, maxStateBytes); err == nil && string(was) == string(data) {
		return nil
	}
	return s.disk.replace(stagedFolder+"/own", name, data)
}

// complete does what is pending, or what is left to do of it. A file that somebody changed
// meanwhile is left alone; there is an error for each, by its path. They stay in the inventory, so
// that the next plan finds the conflict.
func (s *session) complete(p *pending) (left map[string]error, err error) {
	folders := map[string]bool{}
	left = map[string]error{}
	for i, step := range p.Steps {
		done, err := s.do(i, step)
		if err != nil {
			return nil, err
		}
		folders[path.Dir(step.File.Path)] = true
		s.report(step, i+1, len(p.Steps))
		if done {
			continue
		}
		p.Inventory.put(step.File)
		left[step.File.Path] = &runtime.Error{
			Kind: runtime.ErrConflict, Where: s.place(step.File.Path), Object: step.File.Object.String(),
			Problem: "was changed while the plan was applied, and is left alone; make a new plan",
		}
	}
	for _, folder := range slices.Sorted(maps.Keys(folders)) {
		if err := s.disk.sync(folder); err != nil {
			return nil, err
		}
		if err := s.disk.removeEmpty(folder); err != nil {
			return nil, err
		}
	}
	if err := s.disk.sync("."); err != nil {
		return nil, err
	}
	if p.Revision == nil && len(left) == 0 {
		return nil, s.forget()
	}
	return left, s.record(p)
}

// report tells of a step that was done.
func (s *session) report(done step, n, total int) {
	if s.progress == nil {
		return
	}
	p := runtime.Progress{Object: done.File.Object, Action: runtime.Update, Done: n, Total: total}
	switch {
	case done.Delete:
		p.Action = runtime.Delete
	case done.Before == "":
		p.Action = runtime.Create
	}
	s.progress(p)
}

// do does one step. It reports whether the file is as it must be afterwards.
func (s *session) do(number int, step step) (done bool, err error) {
	name := step.File.Path
	is, err := s.disk.digest(name)
	switch {
	case err != nil:
		return false, err
	case step.Delete && is == "":
		return true, nil
	case !step.Delete && is == step.File.Digest:
		return true, nil
	// What was removed in the meantime does not keep a file from being written.
	case is != step.Before && is != "":
		return false, nil
	case step.Delete:
		return true, s.disk.remove(name)
	}
	staged := stagedFile(number)
	switch sum, err := s.disk.digest(staged); {
	case err != nil:
		return false, err
	case sum != step.File.Digest:
		return false, nil
	}
	if err := s.disk.mkdir(path.Dir(name), objectFolderMode); err != nil {
		return false, err
	}
	return true, s.disk.rename(staged, name)
}

// record notes what was done, and tidies up. The change is no longer pending when all of that is
// over.
func (s *session) record(p *pending) error {
	if err := s.disk.mkdirOwn(stagedFolder); err != nil {
		return err
	}
	if p.Revision != nil {
		if err := s.history(p.Revision.Set).Record(p.Revision); err != nil {
			return err
		}
	}
	if err := s.writeOwn(inventoryFile, &p.Inventory); err != nil {
		return err
	}
	if err := s.tidy(&p.Inventory); err != nil {
		return err
	}
	if err := s.sweep(stagedFolder, nil); err != nil {
		return err
	}
	if err := s.disk.removeEmpty(stagedFolder); err != nil {
		return err
	}
	if err := s.disk.remove(pendingFile); err != nil {
		return err
	}
	return s.disk.sync(ownFolder)
}

// forget removes everything that is kept. The pending change goes last: it would be gone half done
// otherwise.
func (s *session) forget() error {
	for _, folder := range []string{historyFolder, bundleFolder} {
		if err := s.sweep(folder, nil); err != nil {
			return err
		}
	}
	for _, name := range []string{inventoryFile, pendingFile} {
		if err := s.disk.remove(name); err != nil {
			return err
		}
		if err := s.disk.sync(ownFolder); err != nil {
			return err
		}
	}
	return s.clear()
}

// clear removes what is left of a set that is no more, or of one that never came to be.
func (s *session) clear() error {
	for _, folder := range []string{stagedFolder, bundleFolder} {
		if err := s.sweep(folder, nil); err != nil {
			return err
		}
	}
	for _, folder := range []string{stagedFolder, historyFolder, bundleFolder, ownFolder} {
		if err := s.disk.removeEmpty(folder); err != nil {
			return err
		}
	}
	return s.disk.sync(".")
}

// sweep removes the files of a folder of the executor's own, except for those to keep.
func (s *session) sweep(folder string, keep map[string]bool) error {
	names, err := s.disk.list(folder)
	if err != nil {
		return err
	}
	for _, name := range names {
		if keep[name] {
			continue
		}
		if err := s.disk.remove(folder + "/" + name); err != nil {
			return err
		}
	}
	return nil
}

// tidy removes the oldest revisions, and the bundles that no revision has any more.
func (s *session) tidy(v *inventory) error { return s.history(v.Set).Tidy(v.Revision, v.Bundles) }
