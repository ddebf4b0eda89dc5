package main

import (
	"context"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/latticenet/lattice-host/abi"
	"github.com/latticenet/lattice-host/runtime"
)

func (a *app) deleteCommand() *cobra.Command {
	var f targetFlags
	var policies policyFlags
	var all bool
	c := &cobra.Command{
		Use:   "delete --to " + dirFormat + "PATH {KIND/[NAMESPACE/]NAME... | --all}",
		Short: "Remove what was applied for documents",
		Long: `Delete takes documents out of the set of a target and removes all that was applied for them, and nothing else. --all removes the
set with its history. What somebody changed since is a conflict, unless --force is given.

Removing something needs no permission, so gates are not asked; it is noted in the audit log before it happens.`,
		Example: `  lattice-host delete --to dir=deploy LatticeService/media/plex
  lattice-host delete --to dir=deploy --all`,
		Args: arguments(0, -1, "the name of a document"),
	}
	f.register(c)
	f.registerForce(c)
	policies.register(c)
	c.Flags().BoolVar(&all, "all", false, "remove the whole set")
	c.RunE = a.does(func(ctx context.Context, names []string) error {
		if all == (len(names) > 0) {
			return usagef("either name documents as KIND/NAMESPACE/NAME, or remove all of them with --all")
		}
		t, err := f.open(a)
		if err != nil {
			return err
		}
		return a.delete(ctx, t, &policies, names)
	})
	return c
}

// delete removes the named resources of a target's set, all of them when none is named.
func (a *app) delete(ctx context.Context, t *target, policies *policyFlags, names []string) error {
	home, err := a.openHome()
	if err != nil {
		return err
	}
	set, err := policies.load(home)
	if err != nil {
		return err
	}
	status, err := t.executor.Observe(ctx, t.set)
	if err != nil {
		return asTarget(err)
	}
	x := &execution{target: t}
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
	for _, b := range gone {
		x.decisions = append(x.decisions, set.Remove(ctx, b.Resource, b.Digest))
	}
	if len(gone) == 0 {
		x.decisions = append(x.decisions, set.Remove(ctx, abi.Ref{Kind: "Set", Name: t.set}, x.plan.Digest))
	}
	for _, d := range x.decisions {
		if err := decisionError(d, nil); err != nil {
			return err
		}
	}
	x.approving = x.decisions
	result, err := a.execute(ctx, x)
	if err != nil {
		return err
	}
	return a.emitResult(x.plan, result, nil, false)
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
			return nil, inputf("%s: the set %s has nothing that is named %s; it has: %s", t, t.set, name, orNothing(all))
		case len(same) > 1:
			return nil, inputf("%s: several are named %s; write KIND/NAMESPACE/NAME", t, name)
		case !slices.Contains(found, same[0]):
			found = append(found, same[0])
		}
	}
	return found, nil
}
