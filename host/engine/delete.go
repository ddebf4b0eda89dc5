package engine

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/latticenet/lattice-host/abi"
	"github.com/latticenet/lattice-host/internal/problem"
	"github.com/latticenet/lattice-host/runtime"
)

// Delete plans to remove the named resources of a target's set, as KIND/NAME or
// KIND/NAMESPACE/NAME, or the whole set when none is named. Removing needs no permission.
// BrokenPolicies, when not nil, is why the policies of the operator did not load; the audit log
// says so.
func (e *Engine) Delete(ctx context.Context, t *Target, names []string, brokenPolicies error) (*Execution, error) {
	s, end := e.use()
	defer end()
	status, err := t.Executor.Observe(ctx, t.Set)
	if err != nil {
		return nil, AsTarget(err)
	}
	if status.Revision == 0 {
		return nil, t.NoSet()
	}
	x := &Execution{Target: t, setup: s, brokenPolicies: brokenPolicies}
	gone := status.Bundles
	if len(names) == 0 {
		x.Plan, err = t.Executor.Destroy(ctx, t.Set, t.Options)
	} else {
		if gone, err = findResources(t, status.Bundles, names); err != nil {
			return nil, err
		}
		refs := make([]abi.Ref, len(gone))
		for i, b := range gone {
			refs[i] = b.Resource
		}
		x.Plan, err = t.Executor.Prune(ctx, t.Set, refs, t.Options)
	}
	if err != nil {
		return nil, AsTarget(err)
	}
	if len(gone) == 0 {
		gone = []runtime.RevisionBundle{{Resource: abi.Ref{Kind: "Set", Name: t.Set}, Digest: x.Plan.Digest}}
	}
	x.removal(ctx, gone)
	var problems []error
	for _, d := range x.decisions {
		problems = append(problems, decisionError(d, nil))
	}
	return x, errors.Join(problems...)
}

// maxNamed is how many names are listed for somebody who gave a wrong one.
const maxNamed = 10

// someOf returns the first of the names in a set, and how many more there are.
func someOf(names []string) string {
	switch n := len(names); {
	case n == 0:
		return "none"
	case n <= maxNamed:
		return strings.Join(names, ", ")
	default:
		return fmt.Sprintf("%s and %d more, see status -o json", strings.Join(names[:maxNamed], ", "), n-maxNamed)
	}
}

// findResources finds the resources of a set that the user named, each once.
func findResources(t *Target, there []runtime.RevisionBundle, names []string) ([]runtime.RevisionBundle, error) {
	all := make([]string, len(there))
	for i, b := range there {
		all[i] = ObjectName(b.Resource)
	}
	var found []runtime.RevisionBundle
	for _, name := range names {
		kind, rest, _ := strings.Cut(name, "/")
		same := slices.DeleteFunc(slices.Clone(there), func(b runtime.RevisionBundle) bool { return !isNamed(b.Resource, kind, rest) })
		switch {
		case len(same) == 0:
			return nil, problem.Errorf(problem.Invalid, "%s: the set %s has nothing that is named %s; it has: %s", t, t.Set, name, someOf(all))
		case len(same) > 1:
			return nil, problem.Errorf(problem.Invalid, "%s: several are named %s; write KIND/NAMESPACE/NAME", t, name)
		case !slices.Contains(found, same[0]):
			found = append(found, same[0])
		}
	}
	return found, nil
}
