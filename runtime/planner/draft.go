package planner

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/latticenet/lattice-host/abi"
	"github.com/latticenet/lattice-host/runtime"
)

// Set is what an executor recorded about a set that a target holds.
type Set struct {
	// Name is the name of the set, Target the target in words for people, such as a path.
	Name, Target string
	// Exists is false when the target does not hold the set.
	Exists bool
	// Bundles are what the set consists of, in the order of their resources.
	Bundles []runtime.RevisionBundle
	// Load returns recorded bundles in the order of the list.
	Load func(list []runtime.RevisionBundle) ([]runtime.Bundle, error)
	// History returns the revisions that can be rolled back to, the newest first.
	History func() ([]runtime.Revision, error)
}

// Apply drafts the plan for what is desired: the bundles of the set afterwards, and which of them
// are held and revoked. Errors are [runtime.ErrInvalid], [runtime.ErrConflict] for two resources
// that derive one object differently, [runtime.ErrNotFound] when there is nothing to revoke from.
func (s *Set) Apply(desired *runtime.Desired) (runtime.Plan, error) {
	if err := desired.Check(); err != nil {
		return runtime.Plan{}, err
	}
	if len(desired.Bundles) == 0 {
		if err := s.mustExist(); err != nil {
			return runtime.Plan{}, err
		}
	}
	kept, err := s.kept(desired)
	if err != nil {
		return runtime.Plan{}, err
	}
	all := runtime.Merge(kept, desired.Bundles, nil)
	if err := runtime.CheckBundles(all); err != nil {
		return runtime.Plan{}, err
	}
	return runtime.Plan{
		Set: s.Name, Cause: runtime.Cause{Verb: runtime.VerbApply}, Force: desired.Force, Bundles: all,
		Hold:   runtime.ResourcesOf(runtime.Only(kept, desired.Hold), nil),
		Revoke: runtime.ResourcesOf(runtime.Only(kept, desired.Revoke), nil),
	}, nil
}

// kept returns the bundles of the set that stay in it without being desired.
func (s *Set) kept(desired *runtime.Desired) ([]runtime.Bundle, error) {
	if !s.Exists || !desired.Keep && len(desired.Hold) == 0 {
		return nil, nil
	}
	before, err := s.Load(s.Bundles)
	if err != nil || desired.Keep {
		return before, err
	}
	return runtime.Only(before, desired.Hold), nil
}

// Prune drafts the plan that takes resources out of the set and holds the others. The error is
// [runtime.ErrNotFound] for a set or a resource that the target does not hold.
func (s *Set) Prune(resources []abi.Ref, o runtime.Options) (runtime.Plan, error) {
	if err := s.mustExist(); err != nil {
		return runtime.Plan{}, err
	}
	before, err := s.Load(s.Bundles)
	if err != nil {
		return runtime.Plan{}, err
	}
	if err := runtime.CheckResources(s.Name, before, resources); err != nil {
		return runtime.Plan{}, err
	}
	return runtime.Plan{
		Set: s.Name, Cause: runtime.Cause{Verb: runtime.VerbPrune}, Force: o.Force,
		Bundles: runtime.Merge(before, nil, resources), Hold: runtime.ResourcesOf(before, resources),
	}, nil
}

// Destroy drafts the plan that removes the set. The error is [runtime.ErrNotFound] when the target
// does not hold it.
func (s *Set) Destroy(o runtime.Options) (runtime.Plan, error) {
	return runtime.Plan{Set: s.Name, Cause: runtime.Cause{Verb: runtime.VerbDestroy}, Force: o.Force}, s.mustExist()
}

// Rollback drafts the plan that makes the set what it was at a revision. The error is
// [runtime.ErrNotFound] for a set that the target does not hold or a revision that is not kept.
func (s *Set) Rollback(revision int, o runtime.Options) (runtime.Plan, error) {
	if err := s.mustExist(); err != nil {
		return runtime.Plan{}, err
	}
	revisions, err := s.History()
	if err != nil {
		return runtime.Plan{}, err
	}
	at := slices.IndexFunc(revisions, func(r runtime.Revision) bool { return r.Number == revision })
	if at < 0 {
		return runtime.Plan{}, &runtime.Error{Kind: runtime.ErrNotFound, Where: s.Target, Problem: fmt.Sprintf(
			"the set %s has no revision %d to go back to; it has %s", s.Name, revision, numbers(revisions))}
	}
	bundles, err := s.Load(revisions[at].Bundles)
	return runtime.Plan{
		Set: s.Name, Cause: runtime.Cause{Verb: runtime.VerbRollback, Revision: revision}, Force: o.Force, Bundles: bundles,
	}, err
}

// Records reports whether a draft makes the set consist of other bundles than before, or of none.
func (s *Set) Records(draft *runtime.Plan) bool {
	return !s.Exists || draft.Cause.Verb == runtime.VerbDestroy || !slices.Equal(s.Bundles, runtime.Recorded(draft.Bundles))
}

func (s *Set) mustExist() error {
	if err := runtime.CheckSet(s.Name); err != nil || s.Exists {
		return err
	}
	return &runtime.Error{Kind: runtime.ErrNotFound, Where: s.Target, Problem: "no set " + s.Name + " in this target"}
}

func numbers(revisions []runtime.Revision) string {
	if len(revisions) == 0 {
		return "none"
	}
	texts := make([]string, len(revisions))
	for i, r := range revisions {
		texts[i] = strconv.Itoa(r.Number)
	}
	return strings.Join(texts, ", ")
}
