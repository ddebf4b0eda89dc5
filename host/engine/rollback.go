package engine

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/latticenet/lattice-host/abi"
	"github.com/latticenet/lattice-host/host/gate"
	"github.com/latticenet/lattice-host/host/gate/facts"
	"github.com/latticenet/lattice-host/host/gate/policy"
	"github.com/latticenet/lattice-host/host/resource"
	"github.com/latticenet/lattice-host/internal/problem"
	"github.com/latticenet/lattice-host/registry/market"
	"github.com/latticenet/lattice-host/runtime"
)

// Rollback plans to make a target hold what it held at a revision. No plugin runs: the very bytes
// are applied again, and gates judge them by the policies of today, with peers that they refer to.
// The error says what is denied, or not trusted any more because a plugin is revoked; the execution
// is there all the same, for [Engine.Deny].
func (e *Engine) Rollback(ctx context.Context, t *Target, revision int, peers []*resource.Document) (*Execution, error) {
	s, end := e.use()
	defer end()
	if s.Home == nil {
		return nil, errors.New("a rollback needs an installation")
	}
	j := &revisionJudge{setup: s, peers: objectsOf(peers)}
	var err error
	keep := func(d *gate.Decision) { j.revoked = append(j.revoked, d) }
	if j.installed, err = s.Home.Snapshot(ctx, market.Policy{RunRevoked: s.runRevoked(keep)}); err != nil {
		return nil, err
	}
	x := &Execution{Target: t, setup: s}
	if x.Plan, err = t.Executor.Rollback(ctx, t.Set, revision, t.Options); err != nil {
		return nil, AsTarget(err)
	}
	problems := []error{j.checkPlugins(ctx, x.Plan.Bundles)}
	if err := j.judge(ctx, x); err != nil {
		return nil, err
	}
	for _, d := range x.decisions {
		problems = append(problems, decisionError(d, nil))
	}
	if len(x.Plan.Bundles) == 0 {
		// A revision without documents: only something is removed.
		x.removal(ctx, []runtime.RevisionBundle{{Resource: abi.Ref{Kind: "Set", Name: t.Set}, Digest: x.Plan.Digest}})
	}
	x.decisions = append(x.decisions, j.revoked...)
	if err := errors.Join(problems...); err != nil {
		x.approving = nil
		return x, errors.Join(err, denied(fmt.Errorf("%s: nothing is rolled back", t)))
	}
	return x, nil
}

// revisionJudge judges bundles that were applied before.
type revisionJudge struct {
	setup     *setup
	peers     []facts.Object
	installed *market.Snapshot
	// revoked are the decisions about revoked plugins.
	revoked []*gate.Decision
}

// checkPlugins returns an error for each plugin that bundles derive from and that is revoked by
// now.
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

// judge asks about each bundle of a plan whether its document may be admitted today, and whether
// the bundle may be applied.
func (j *revisionJudge) judge(ctx context.Context, x *Execution) error {
	bundles := make([]runtime.Bundle, len(x.Plan.Bundles))
	documents := make([]facts.Object, len(bundles))
	for i, b := range x.Plan.Bundles {
		var err error
		if bundles[i], err = runtime.ReadBundle(b.Raw); err != nil {
			return err
		}
		x.judged = append(x.judged, bundles[i].Digest())
		documents[i] = objectOfBundle(bundles[i].Content)
	}
	judges := map[string]*policy.Judge{}
	for i, b := range bundles {
		platform := string(b.Content.Platform.AppendCBOR(nil))
		judge := judges[platform]
		if judge == nil {
			var err error
			judge, err = j.setup.policies.For(policy.Run{Documents: documents, Peers: j.peers, Platform: b.Content.Platform, Force: x.Target.Options.Force})
			if err != nil {
				return problem.AsInput(err)
			}
			judges[platform] = judge
		}
		d := judge.Execute(ctx, documents[i], outputsOf(b.Content), x.Target.Kind, x.Target.Name, j.installed.StaleDays())
		x.decisions = append(x.decisions, judge.Admit(ctx, documents[i]), d)
		x.approving = append(x.approving, d)
	}
	return ctx.Err()
}
