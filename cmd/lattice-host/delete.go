package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/latticenet/lattice-host/abi"
	"github.com/latticenet/lattice-host/host/gate/policy"
	"github.com/latticenet/lattice-host/runtime"
)

// deleteFlags are those of delete.
type deleteFlags struct {
	target                    targetFlags
	policies                  policyFlags
	all, dryRun, ignoreBroken bool
}

func (a *app) deleteCommand() *cobra.Command {
	f := new(deleteFlags)
	c := &cobra.Command{
		Use:   "delete --to " + dirFormat + "PATH {KIND/[NAMESPACE/]NAME... | --all}",
		Short: "Remove what was applied for documents",
		Long: `Delete takes documents out of the set of a target and removes all that was applied for them, and nothing else. --all removes the
set with its history. What somebody changed since is a conflict, unless --force is given.

Removing something needs no permission, so gates are not asked; it is noted in the audit log before it happens, with the
policies of that moment. Where these do not load nothing is removed, unless --ignore-broken-policies is given: then the log says
that they did not.`,
		Example: `  lattice-host delete --to dir=deploy LatticeService/media/plex
  lattice-host delete --to dir=deploy --all`,
		Args: arguments(0, -1, "the name of a document"),
	}
	f.target.register(c)
	f.target.registerForce(c)
	f.policies.register(c)
	c.Flags().BoolVar(&f.all, "all", false, "remove the whole set")
	c.Flags().BoolVar(&f.dryRun, "dry-run", false, "print what would be removed, and change nothing")
	c.Flags().BoolVar(&f.ignoreBroken, "ignore-broken-policies", false, "remove although the policies do not load")
	c.RunE = a.does(func(ctx context.Context, names []string) error {
		if f.all == (len(names) > 0) {
			return usagef("either name documents as KIND/NAMESPACE/NAME, or remove all of them with --all")
		}
		return a.delete(ctx, f, names)
	})
	return c
}

// policiesOfRemoval loads the policies that a removal is noted with. When they do not load and that may be, those are returned
// that come with the program, and why.
func (a *app) policiesOfRemoval(f *deleteFlags, t *target) (set *policy.Set, broken error, err error) {
	home, err := a.openHome()
	if err == nil {
		set, err = f.policies.load(home)
	}
	switch {
	case err == nil:
		return set, nil, nil
	case !f.ignoreBroken:
		return nil, nil, errors.Join(err, inputf(
			"%s: nothing is removed; mend the policies, or remove all the same with --ignore-broken-policies", t))
	}
	a.note("warning: the policies do not load, what is named is removed all the same: %s", strings.ReplaceAll(err.Error(), "\n", "; "))
	set, loadErr := new(policyFlags).load(nil)
	return set, err, loadErr
}

// delete removes the named resources of a target's set, all of them when none is named.
func (a *app) delete(ctx context.Context, f *deleteFlags, names []string) error {
	t, err := f.target.open(a)
	if err != nil {
		return err
	}
	set, broken, err := a.policiesOfRemoval(f, t)
	if err != nil {
		return err
	}
	status, err := t.executor.Observe(ctx, t.set)
	if err != nil {
		return asTarget(err)
	}
	if status.Revision == 0 {
		return t.noSet()
	}
	x := &execution{target: t, brokenPolicies: broken}
	gone := status.Bundles
	if len(names) == 0 {
		x.plan, err = t.executor.Destroy(ctx, t.set, t.options)
	} else {
		if gone, err = findResources(t, status.Bundles, names); err != nil {
			return err
		}
		refs := make([]abi.Ref, len(gone))
		for i, b := range gone {
			refs[i] = b.Resource
		}
		x.plan, err = t.executor.Prune(ctx, t.set, refs, t.options)
	}
	if err != nil {
		return asTarget(err)
	}
	if f.dryRun {
		return a.emitDiff(ctx, x, nil)
	}
	if len(gone) == 0 {
		gone = []runtime.RevisionBundle{{Resource: abi.Ref{Kind: "Set", Name: t.set}, Digest: x.plan.Digest}}
	}
	x.removal(ctx, set, gone)
	for _, d := range x.decisions {
		if err := decisionError(d, nil); err != nil {
			return err
		}
	}
	result, err := a.execute(ctx, x)
	if err != nil {
		return err
	}
	return a.emitResult(x.plan, result, nil, false)
}

// maxNamed is how many names are listed for somebody who gave a wrong one.
const maxNamed = 10

// someOf returns the first of the names in a set, and how many more there are.
func someOf(names []string) string {
	if len(names) <= maxNamed {
		return orNothing(names)
	}
	return fmt.Sprintf("%s and %d more, see status -o json", orNothing(names[:maxNamed]), len(names)-maxNamed)
}

// findResources finds the resources of a set that the user named, each once.
func findResources(t *target, there []runtime.RevisionBundle, names []string) ([]runtime.RevisionBundle, error) {
	all := make([]string, len(there))
	for i, b := range there {
		all[i] = objectName(b.Resource)
	}
	var found []runtime.RevisionBundle
	for _, name := range names {
		kind, rest, _ := strings.Cut(name, "/")
		same := slices.DeleteFunc(slices.Clone(there), func(b runtime.RevisionBundle) bool { return !isNamed(b.Resource, kind, rest) })
		switch {
		case len(same) == 0:
			return nil, inputf("%s: the set %s has nothing that is named %s; it has: %s", t, t.set, name, someOf(all))
		case len(same) > 1:
			return nil, inputf("%s: several are named %s; write KIND/NAMESPACE/NAME", t, name)
		case !slices.Contains(found, same[0]):
			found = append(found, same[0])
		}
	}
	return found, nil
}
