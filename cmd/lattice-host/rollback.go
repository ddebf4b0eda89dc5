package main

import (
	"context"
	"errors"
	"strconv"

	"github.com/spf13/cobra"

	"github.com/latticenet/lattice-host/host/resource"
)

// rollbackFlags are those of rollback.
type rollbackFlags struct {
	target   targetFlags
	policies policyFlags
	with     []string
	settings settingsFlags
	dryRun   bool
}

func (a *app) rollbackCommand() *cobra.Command {
	f := new(rollbackFlags)
	c := &cobra.Command{
		Use:   "rollback --to " + dirFormat + "PATH REVISION",
		Short: "Make a target hold what it held before",
		Long: `Rollback makes the target hold exactly what it held at a revision that history lists. No plugin runs: the very bytes that were
applied then are applied again.

Gates judge them by the policies of today, with the documents that they derive from, which are kept with them: who owns a
volume and consents is what those documents say, and those of --with. When a gate denies one of them nothing is changed, and
the exit code is 10. When one of them derives from a plugin that is revoked by now nothing is changed either, and the exit code
is 11, unless a policy permits to run it.`,
		Example: "  lattice-host rollback --to dir=deploy 3",
		Args:    arguments(1, 1, "REVISION"),
	}
	f.target.register(c)
	f.target.registerForce(c)
	f.policies.register(c)
	c.Flags().StringArrayVar(&f.with, "with", nil, "`file` or folder with documents that those of the revision refer to; repeatable")
	f.settings.register(c, ", for reading --with")
	c.Flags().BoolVar(&f.dryRun, "dry-run", false, "print what would be changed, and change nothing")
	for _, name := range []string{"with", "settings"} {
		// The flags were defined just above, the only thing that can be wrong.
		_ = c.MarkFlagFilename(name, "yaml", "yml", "json")
	}
	c.RunE = a.does(func(ctx context.Context, args []string) error {
		revision, err := strconv.Atoi(args[0])
		if err != nil || revision < 1 {
			return usagef("%q is not the number of a revision; history lists them", args[0])
		}
		return a.rollback(ctx, f, revision)
	})
	return c
}

func (a *app) rollback(ctx context.Context, f *rollbackFlags, revision int) error {
	t, err := f.target.open(a)
	if err != nil {
		return err
	}
	home, err := a.openHome()
	if err != nil {
		return err
	}
	e, progress, err := a.plainEngine(home, &f.policies)
	if err != nil {
		return err
	}
	defer progress.end()
	peers, err := a.readPeers(ctx, f)
	if err != nil {
		return err
	}
	x, err := e.Rollback(ctx, t, revision, peers)
	switch {
	case err != nil && (x == nil || f.dryRun):
		return err
	case err != nil:
		return errors.Join(err, e.Deny(ctx, x))
	case f.dryRun:
		return a.emitDiff(ctx, x, nil)
	}
	result, err := e.Apply(ctx, x)
	if err != nil {
		return err
	}
	progress.end()
	return a.emitResult(x.Plan, result, nil, false)
}

// readPeers reads the documents that those of the revision refer to.
func (a *app) readPeers(ctx context.Context, f *rollbackFlags) ([]*resource.Document, error) {
	settings, err := f.settings.read()
	if err != nil || len(f.with) == 0 {
		return nil, err
	}
	kinds, kindsErr := a.kinds(ctx)
	return a.readDocuments(f.with, settings.Documents(kinds), kindsErr)
}
