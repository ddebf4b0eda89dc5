package directory

import (
	"cmp"
	"errors"
	"maps"
	"slices"
	"strings"

	"github.com/latticenet/lattice-host/abi"
	"github.com/latticenet/lattice-host/abi/bundle"
	"github.com/latticenet/lattice-host/internal/exactjson"
	"github.com/latticenet/lattice-host/runtime"
	"github.com/latticenet/lattice-host/runtime/layout"
)

// wanted is a file that the folder should have.
type wanted struct {
	file
	content []byte
}

// compareFiles orders files as they are written: by stage, then by object.
func compareFiles(a, b *file) int {
	return cmp.Or(cmp.Compare(a.Stage, b.Stage), a.Object.Compare(b.Object), strings.Compare(a.Path, b.Path))
}

// files returns the files for bundles, in the order in which they are written.
func files(bundles []runtime.Bundle) ([]wanted, error) {
	resources := make([]abi.Ref, len(bundles))
	for i, b := range bundles {
		resources[i] = b.Content.Resource
	}
	folders := layout.Folders(resources)
	owners := runtime.Owners(bundles)
	var all []wanted
	seen := map[string]bool{}
	for i, b := range bundles {
		names := layout.Files(b.Content)
		for j := range b.Content.Outputs {
			o := &b.Content.Outputs[j]
			if owners[o.Ref] != b.Content.Resource {
				continue
			}
			content, err := layout.Content(b.Content, o)
			if err != nil {
				return nil, err
			}
			f := file{
				Path: folders[i] + "/" + names[j], Digest: bundle.Digest(content),
				Object: o.Ref, Resource: b.Content.Resource, Stage: o.Stage,
			}
			if !validPath(f.Path) || seen[f.Path] {
				return nil, &runtime.Error{Kind: runtime.ErrInvalid, Object: o.Ref.String(), Problem: "its name gives no file of its own; rename it"}
			}
			seen[f.Path] = true
			all = append(all, wanted{f, content})
		}
	}
	slices.SortFunc(all, func(a, b wanted) int { return compareFiles(&a.file, &b.file) })
	return all, nil
}

// planner compares what should be with what is there.
type planner struct {
	session *session
	force   bool
	// owned is what the executor wrote and may change, held what it wrote and must leave alone, by path.
	owned, held map[string]file
	// revoked are objects that are removed though they are of a resource that is held.
	revoked   map[abi.Ref]bool
	changes   []runtime.Change
	conflicts []error
	// seen is what was found in the folder, by path, in the order of looking.
	seen []seenFile
}

type seenFile struct {
	Path   string `json:"path"`
	Digest string `json:"digest"`
}

// plan completes a draft that says what the folder shall hold: bundles, in the order of their resources, and which of them
// are held and revoked, all of which the set has.
func (s *session) plan(draft runtime.Plan) (*runtime.Plan, error) {
	want, err := files(draft.Bundles)
	if err != nil {
		return nil, err
	}
	held := objectsOf(runtime.Only(draft.Bundles, draft.Hold))
	p := &planner{
		session: s, force: draft.Force, owned: map[string]file{}, held: map[string]file{},
		revoked: runtime.Revoked(draft.Bundles, draft.Revoke),
	}
	for object := range p.revoked {
		delete(held, object)
	}
	if s.inventory != nil {
		for _, f := range s.inventory.Files {
			if held[f.Object] {
				p.held[f.Path] = f
			} else {
				p.owned[f.Path] = f
			}
		}
	}
	for i := range want {
		if held[want[i].Object] || p.revoked[want[i].Object] {
			continue
		}
		if err := p.write(&want[i].file); err != nil {
			return nil, err
		}
	}
	if err := p.removeRest(); err != nil {
		return nil, err
	}
	if err := p.leaveHeld(); err != nil {
		return nil, err
	}
	if len(p.conflicts) > 0 {
		return nil, errors.Join(p.conflicts...)
	}
	plan := draft
	plan.Target, plan.Changes, plan.Records = s.executor.Target(), p.changes, s.records(draft.Cause, draft.Bundles)
	if plan.State, err = p.state(); err != nil {
		return nil, err
	}
	return &plan, plan.Seal()
}

// objectsOf returns the objects of bundles.
func objectsOf(bundles []runtime.Bundle) map[abi.Ref]bool {
	objects := map[abi.Ref]bool{}
	for _, b := range bundles {
		for i := range b.Content.Outputs {
			objects[b.Content.Outputs[i].Ref] = true
		}
	}
	return objects
}

// records reports whether the set consists of other bundles than before.
func (s *session) records(cause runtime.Cause, bundles []runtime.Bundle) bool {
	if s.inventory == nil || cause.Verb == runtime.VerbDestroy {
		return true
	}
	return !slices.Equal(s.inventory.Bundles, recorded(bundles))
}

// recorded returns what is kept about bundles.
func recorded(bundles []runtime.Bundle) []runtime.RevisionBundle {
	list := make([]runtime.RevisionBundle, len(bundles))
	for i, b := range bundles {
		list[i] = runtime.RevisionBundle{Resource: b.Content.Resource, Digest: b.Digest()}
	}
	return list
}

// state returns the digest of what the plan rests on.
func (p *planner) state() (string, error) {
	text, err := exactjson.Marshal(struct {
		Inventory *inventory `json:"inventory"`
		Seen      []seenFile `json:"seen"`
	}{p.session.inventory, p.seen})
	return bundle.Digest(text), err
}

// look returns the digest of what is in the place of a file.
func (p *planner) look(path string) (sum string, err error) {
	if p.session.disk != nil {
		sum, err = p.session.disk.digest(path)
	}
	p.seen = append(p.seen, seenFile{path, sum})
	return sum, err
}

// write plans a file that should be there.
func (p *planner) write(f *file) error {
	is, err := p.look(f.Path)
	if err != nil {
		return err
	}
	was, owned := p.owned[f.Path]
	_, held := p.held[f.Path]
	delete(p.owned, f.Path)
	switch {
	case held:
		p.conflict(f, "is the place of an object that is held; rename one of the two")
	case isOdd(is):
		p.conflict(f, "is "+is+"; move it away")
	case is == "" && owned:
		p.change(runtime.Create, f, "", "is missing")
	case is == "":
		p.change(runtime.Create, f, "", "is new")
	case !owned && !p.force:
		p.conflict(f, "was not written by lattice-host; move it away, or replace it with force")
	case !owned:
		p.change(runtime.Update, f, is, "is replaced: somebody else wrote it")
	case is == f.Digest && was == *f:
		p.change(runtime.Unchanged, f, is, "is as desired")
	case is == f.Digest:
		p.change(runtime.Update, f, is, "is as desired, and is noted as written")
	case is == was.Digest:
		p.change(runtime.Update, f, is, "the object changes")
	case !p.force:
		p.conflict(f, "was changed since it was written; undo that, or replace it with force")
	default:
		p.change(runtime.Update, f, is, "is replaced: somebody else changed it")
	}
	return nil
}

// removeRest plans what was written and is no longer wanted, in the reverse of the order in which it was.
func (p *planner) removeRest() error {
	rest := inOrder(p.owned)
	slices.Reverse(rest)
	for i := range rest {
		f := &rest[i]
		is, err := p.look(f.Path)
		if err != nil {
			return err
		}
		switch {
		case isOdd(is):
			p.conflict(f, "is "+is+"; move it away")
		case is == "":
			p.change(runtime.Delete, f, "", "is gone already")
		case is == f.Digest && p.revoked[f.Object]:
			p.change(runtime.Delete, f, is, "fetches secrets that are revoked")
		case is == f.Digest:
			p.change(runtime.Delete, f, is, "is no longer desired")
		case !p.force:
			p.conflict(f, "is no longer desired, but was changed since it was written; move it away, or remove it with force")
		default:
			p.change(runtime.Delete, f, is, "is no longer desired, though somebody else changed it")
		}
	}
	return nil
}

// leaveHeld plans nothing for the files of resources that are held.
func (p *planner) leaveHeld() error {
	for _, f := range inOrder(p.held) {
		is, err := p.look(f.Path)
		if err != nil {
			return err
		}
		p.change(runtime.Unchanged, &f, is, "is left as it is: it is held")
	}
	return nil
}

// inOrder returns files in the order in which they are written.
func inOrder(byPath map[string]file) []file {
	return slices.SortedFunc(maps.Values(byPath), func(a, b file) int { return compareFiles(&a, &b) })
}

func (p *planner) change(action runtime.Action, f *file, before, reason string) {
	c := runtime.Change{
		Action: action, Object: f.Object, Resource: f.Resource, Stage: f.Stage, Where: p.session.place(f.Path),
		Before: before, Reason: reason,
	}
	if action != runtime.Delete {
		c.After = f.Digest
	}
	p.changes = append(p.changes, c)
}

func (p *planner) conflict(f *file, problem string) {
	p.conflicts = append(p.conflicts, &runtime.Error{
		Kind: runtime.ErrConflict, Where: p.session.place(f.Path), Object: f.Object.String(), Problem: problem,
	})
}
