package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

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
the exit code is 10. When one of them derives from a plugin that is revoked by now nothing is changed either, and the exit code
is 11, unless a policy permits to run it.`,
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
	problems := []error{j.checkPlugins(ctx, x.plan.Bundles)}
	if err := j.judge(ctx, x); err != nil {
		return err
	}
	for _, d := range x.decisions {
		problems = append(problems, decisionError(d, nil))
	}
	if len(x.plan.Bundles) == 0 {
		// A revision without documents: only something is removed.
		x.removal(ctx, j.set, []runtime.RevisionBundle{{Resource: abi.Ref{Kind: "Set", Name: t.set}, Digest: x.plan.Digest}})
	}
	x.decisions = append(x.decisions, j.revoked...)
	if err := errors.Join(problems...); err != nil {
		err = errors.Join(err, denied(fmt.Errorf("%s: nothing is rolled back", t)))
		if f.dryRun {
			return err
		}
		return errors.Join(err, a.noteDenied(ctx, x.decisions))
	}
	if f.dryRun {
		return a.emitDiff(ctx, x, nil)
	}
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
	installed *market.Snapshot
	// revoked are the decisions about revoked plugins.
	revoked []*gate.Decision
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
		kinds, kindsErr := a.kinds(ctx)
		peers, err := resource.Read(f.with, a.stdin, resource.Options{AllowTags: settings.AllowTags, Kinds: kinds})
		if err != nil {
			return nil, errors.Join(kindsErr, err)
		}
		j.peers = objectsOf(peers)
	}
	keep := func(d *gate.Decision) { j.revoked = append(j.revoked, d) }
	if j.installed, err = home.Snapshot(ctx, market.Policy{RunRevoked: a.runRevoked(set, keep)}); err != nil {
		return nil, err
	}
	j.staleDays = j.installed.StaleDays()
	return j, nil
}

// checkPlugins returns an error for each plugin that bundles derive from and that is revoked by now.
func (j *revisionJudge) checkPlugins(ctx context.Context, bundles []runtime.Bundle) error {
	type plugin struct{ path, version, digest string }
	var plugins []plugin
	for _, b := range bundles {
		for _, s := range b.Content.Steps {
			plugins = append(plugins, plugin{s.Plugin, s.Version, s.Digest})
		}
	}
	slices.SortFunc(plugins, func(a, b plugin) int {
		return cmp.Or(strings.Compare(a.path, b.path), strings.Compare(a.version, b.version), strings.Compare(a.digest, b.digest))
	})
	var problems []error
	for _, p := range slices.Compact(plugins) {
		publisher, name, _ := strings.Cut(p.path, "/")
		problems = append(problems, j.installed.CheckRevoked(ctx, publisher, name, p.version, p.digest))
	}
	return errors.Join(problems...)
}

// judge asks about each bundle of a plan whether its document may be admitted today, and whether the bundle may be applied.
func (j *revisionJudge) judge(ctx context.Context, x *execution) error {
	bundles := make([]runtime.Bundle, len(x.plan.Bundles))
	documents := make([]facts.Object, len(bundles))
	for i, b := range x.plan.Bundles {
		var err error
		if bundles[i], err = runtime.ReadBundle(b.Raw); err != nil {
			return err
		}
		x.judged = append(x.judged, bundles[i].Digest())
		documents[i] = objectOfBundle(bundles[i].Content)
	}
	judges := map[abi.Platform]*policy.Judge{}
	for i, b := range bundles {
		platform := b.Content.Platform
		if judges[platform] == nil {
			judge, err := j.set.For(policy.Run{Documents: documents, Peers: j.peers, Platform: platform, Force: x.target.options.Force})
			if err != nil {
				return asInput(err)
			}
			judges[platform] = judge
		}
		d := judges[platform].Execute(ctx, documents[i], outputsOf(b.Content), x.target.kind, x.target.name, j.staleDays)
		x.decisions = append(x.decisions, judges[platform].Admit(ctx, documents[i]), d)
		x.approving = append(x.approving, d)
	}
	return ctx.Err()
}
