package directory

import (
	"github.com/latticenet/lattice-host/abi"
	"github.com/latticenet/lattice-host/abi/bundle"
	"github.com/latticenet/lattice-host/runtime"
	"github.com/latticenet/lattice-host/runtime/layout"
	"github.com/latticenet/lattice-host/runtime/planner"
)

// wanted is a file that the folder should have.
type wanted struct {
	file
	content []byte
}

// files returns the files for bundles, in any order.
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
		for j, o := range b.Content.Applied() {
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
	return all, nil
}

// set returns what is recorded about the set of a name, and an error when the folder holds another.
func (s *session) set(name string) (*planner.Set, error) {
	if err := s.holds(name); err != nil {
		return nil, err
	}
	kept := s.history(name)
	set := &planner.Set{Name: name, Target: s.executor.dir, Load: kept.Bundles, History: kept.Revisions}
	if s.inventory != nil {
		set.Exists, set.Bundles = true, s.inventory.Bundles
	}
	return set, nil
}

// plan completes a draft for a set.
func (s *session) plan(set *planner.Set, draft runtime.Plan) (*runtime.Plan, error) {
	want, err := files(draft.Bundles)
	if err != nil {
		return nil, err
	}
	draft.Target = s.executor.Target()
	in := planner.Input{Draft: draft, Set: set, Look: s.look, Record: s.inventory}
	for i := range want {
		in.Want = append(in.Want, s.item(&want[i].file))
	}
	if s.inventory != nil {
		for i := range s.inventory.Files {
			in.Wrote = append(in.Wrote, s.item(&s.inventory.Files[i]))
		}
	}
	return planner.Make(in)
}

// item returns a file as the planner knows it.
func (s *session) item(f *file) planner.Item {
	return planner.Item{Object: f.Object, Resource: f.Resource, Stage: f.Stage, Where: s.place(f.Path), Digest: f.Digest}
}

// look returns what the target has at the path of a file.
func (s *session) look(item *planner.Item) (planner.Found, error) {
	if s.disk == nil {
		return planner.Found{}, nil
	}
	sum, err := s.disk.digest(s.name(item.Where))
	if isOdd(sum) {
		return planner.Found{Obstacle: sum}, err
	}
	return planner.Found{Digest: sum}, err
}
