package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"

	"github.com/spf13/cobra"

	"github.com/latticenet/lattice-host/abi"
	"github.com/latticenet/lattice-host/host/gate"
	"github.com/latticenet/lattice-host/host/gate/facts"
	"github.com/latticenet/lattice-host/host/gate/policy"
	"github.com/latticenet/lattice-host/host/resource"
	"github.com/latticenet/lattice-host/registry/market"
	"github.com/latticenet/lattice-host/runtime"
)

// rollbackFlags are those of rollback.
type rollbackFlags struct {
	target   targetFlags
	policies policyFlags
	with     []string
	settings string
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
the exit code is 10.`,
		Example: "  lattice-host rollback --to dir=deploy 3",
		Args:    arguments(1, 1, "REVISION"),
	}
	f.target.register(c)
	f.target.registerForce(c)
	f.policies.register(c)
	c.Flags().StringArrayVar(&f.with, "with", nil, "`file` or folder with documents that those of the revision refer to; repeatable")
	c.Flags().StringVar(&f.settings, "settings", "", "`file` with the settings of the platform, for reading --with")
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
	j, err := a.newRevisionJudge(ctx, f)
	if err != nil {
		return err
	}
	x := &execution{target: t}
	if x.plan, err = t.executor.Rollback(ctx, t.set, revision, t.options); err != nil {
		return asTarget(err)
	}
	if x.decisions, err = j.judge(ctx, x.plan.Bundles, t); err != nil {
		return err
	}
	var problems []error
	for _, d := range x.decisions {
		problems = append(problems, decisionError(d, nil))
	}
	if len(x.decisions) == 0 {
		// A revision without documents: only something is removed.
		x.decisions = append(x.decisions, j.set.Remove(ctx, abi.Ref{Kind: "Set", Name: t.set}, x.plan.Digest))
	}
	if err := errors.Join(problems...); err != nil {
		err = errors.Join(err, denied(fmt.Errorf("%s: nothing is rolled back", t)))
		if f.dryRun {
			return err
		}
		return errors.Join(err, a.noteDenied(ctx, x.decisions))
	}
	if f.dryRun {
		return a.emitDiff(x.plan, nil)
	}
	x.approving = slices.DeleteFunc(slices.Clone(x.decisions), func(d *gate.Decision) bool { return d.Point == gate.Admit })
	result, err := a.execute(ctx, x)
	if err != nil {
		return err
	}
	return a.emitResult(x.plan, result, nil, false)
}

// revisionJudge judges bundles that were applied before.
type revisionJudge struct {
	set       *policy.Set
	peers     []facts.Object
	staleDays int
}

func (a *app) newRevisionJudge(ctx context.Context, f *rollbackFlags) (*revisionJudge, error) {
	home, err := a.openHome()
	if err != nil {
		return nil, err
	}
	set, err := f.policies.load(home)
	if err != nil {
		return nil, err
	}
	settings, err := readSettings(f.settings)
	if err != nil {
		return nil, err
	}
	j := &revisionJudge{set: set}
	if len(f.with) > 0 {
		peers, err := resource.Read(f.with, a.stdin, resource.Options{AllowTags: settings.AllowTags})
		if err != nil {
			return nil, err
		}
		j.peers = objectsOf(peers)
	}
	installed, err := home.Snapshot(ctx, market.Policy{})
	if err != nil {
		return nil, err
	}
	j.staleDays = installed.StaleDays()
	return j, nil
}

// judge asks about each bundle whether its document may be admitted today, and whether the bundle may be applied.
func (j *revisionJudge) judge(ctx context.Context, bundles []runtime.Bundle, t *target) ([]*gate.Decision, error) {
	documents := make([]facts.Object, len(bundles))
	for i, b := range bundles {
		if documents[i] = objectOfBundle(b.Content); documents[i].Document == nil {
			return nil, denied(fmt.Errorf("%s: cannot be judged: its bundle was applied without the document; derive and apply it anew",
				facts.Subject(b.Content.Resource)))
		}
	}
	judges := map[abi.Platform]*policy.Judge{}
	var decisions []*gate.Decision
	for i, b := range bundles {
		platform := b.Content.Platform
		if judges[platform] == nil {
			judge, err := j.set.For(policy.Run{Documents: documents, Peers: j.peers, Platform: platform})
			if err != nil {
				return nil, asInput(err)
			}
			judges[platform] = judge
		}
		decisions = append(decisions, judges[platform].Admit(ctx, documents[i]),
			judges[platform].Execute(ctx, documents[i], outputsOf(b.Content), t.kind, t.name, j.staleDays))
	}
	return decisions, ctx.Err()
}
