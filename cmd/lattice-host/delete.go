package main

import (
	"context"
	"errors"
	"strings"

	"github.com/spf13/cobra"

	"github.com/latticenet/lattice-host/host/engine"
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

// engineOfRemoval opens an engine with the policies that a removal is noted with. When they do not
// load and that may be, those decide that come with the program, and the error broken says why.
func (a *app) engineOfRemoval(f *deleteFlags, t *engine.Target) (e *engine.Engine, progress *progress, broken error, err error) {
	home, err := a.openHome()
	if err == nil {
		e, progress, err = a.plainEngine(home, &f.policies)
	}
	switch {
	case err == nil:
		return e, progress, nil, nil
	case !f.ignoreBroken:
		return nil, nil, nil, errors.Join(err, inputf(
			"%s: nothing is removed; fix the policies, or remove anyway with --ignore-broken-policies", t))
	}
	a.note("warning: the policies do not load, what is named is removed anyway: %s", strings.ReplaceAll(err.Error(), "\n", "; "))
	e, progress, openErr := a.plainEngine(nil, new(policyFlags))
	return e, progress, err, openErr
}

// delete removes the named resources of a target's set, all of them when none is named.
func (a *app) delete(ctx context.Context, f *deleteFlags, names []string) error {
	t, err := f.target.open(a)
	if err != nil {
		return err
	}
	e, progress, broken, err := a.engineOfRemoval(f, t)
	if err != nil {
		return err
	}
	defer progress.end()
	x, err := e.Delete(ctx, t, names, broken)
	if err != nil {
		return err
	}
	if f.dryRun {
		return a.emitDiff(ctx, x, nil)
	}
	result, err := e.Apply(ctx, x)
	if err != nil {
		return err
	}
	progress.end()
	return a.emitResult(x.Plan, result, nil, false)
}
