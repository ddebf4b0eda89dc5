package engine

import (
	"context"
	"fmt"
	"slices"

	"github.com/latticenet/lattice-host/abi"
	"github.com/latticenet/lattice-host/host/gate"
	"github.com/latticenet/lattice-host/runtime"
)

// Plan asks the gates whether what was derived may be applied to a target, and plans what may be.
// Of documents that are denied the target keeps what it has, except that policies that deny take
// their secrets away. With allOrNothing one denial keeps everything from being changed.
//
// Documents that the gate denies here are among [Outcome.Denied] from then on. The plan of the
// execution is nil when there is nothing to apply because of denials.
func (e *Engine) Plan(ctx context.Context, o *Outcome, t *Target, allOrNothing bool) (*Execution, error) {
	x := &Execution{Target: t, setup: o.setup}
	bundles, err := o.judgeExecution(ctx, x)
	if err != nil {
		return nil, err
	}
	x.decisions = o.Decisions()
	x.Denied = o.Denied
	desired := &runtime.Desired{Set: t.Set, Bundles: bundles, Hold: refsOf(o.Denied), Revoke: o.revoked(), Options: t.Options}
	if len(bundles) == 0 {
		if err := x.revokeOnly(ctx, desired); err != nil {
			return nil, err
		}
	}
	if len(bundles) == 0 && len(desired.Revoke) == 0 || allOrNothing && len(o.Denied) > 0 {
		return x, nil
	}
	if x.Plan, err = t.Executor.Plan(ctx, desired); err != nil {
		return nil, AsTarget(err)
	}
	if len(bundles) == 0 && x.Plan.Empty() {
		x.Plan = nil
	}
	return x, nil
}

// NothingApplied says that denials leave nothing to apply.
func (x *Execution) NothingApplied() error {
	return denied(fmt.Errorf("%s: nothing is applied", x.Target))
}

// revokeOnly completes what is desired when every document is denied: what the target has stays as
// it is, except for what fetches the secrets of these documents.
func (x *Execution) revokeOnly(ctx context.Context, desired *runtime.Desired) error {
	status, err := x.Target.Executor.Observe(ctx, desired.Set)
	if err != nil {
		return AsTarget(err)
	}
	var there []runtime.RevisionBundle
	revoked := desired.Revoke
	desired.Hold, desired.Revoke = nil, nil
	for _, b := range status.Bundles {
		desired.Hold = append(desired.Hold, b.Resource)
		if slices.Contains(revoked, b.Resource) {
			desired.Revoke = append(desired.Revoke, b.Resource)
			there = append(there, b)
		}
	}
	x.removal(ctx, there)
	return nil
}

// judgeExecution asks whether what was derived may be applied to a target, and returns the bundles
// that may be; the execution has the decisions that say so. What may not is denied from then on.
func (o *Outcome) judgeExecution(ctx context.Context, x *Execution) ([]runtime.Bundle, error) {
	all := make([]runtime.Bundle, len(o.Results))
	digests := make([]string, len(o.Results))
	documents := make([]*Judged, len(o.Results))
	for i, r := range o.Results {
		all[i], digests[i], documents[i] = runtime.BundleOf(r.Bundle), r.Bundle.Digest(), r.Judged
	}
	decisions := o.gates.decideAll(documents, func(i int) *gate.Decision {
		b := all[i].Content
		return o.gates.judge.Execute(ctx, objectOfBundle(b), outputsOf(b), x.Target.Kind, x.Target.Name, o.StaleDays)
	})
	var allowed []Derived
	var bundles []runtime.Bundle
	for i, r := range o.Results {
		r.Decisions = append(r.Decisions, decisions[i])
		if !decisions[i].Allowed() {
			o.Denied = append(o.Denied, r.Judged)
			continue
		}
		allowed = append(allowed, r)
		bundles = append(bundles, all[i])
		x.approving, x.judged = append(x.approving, decisions[i]), append(x.judged, digests[i])
	}
	o.Results = allowed
	return bundles, ctx.Err()
}

// revoked returns the resources that policies deny. Where a policy failed nothing was judged, so
// that a mistake in it takes nothing away from what runs.
func (o *Outcome) revoked() []abi.Ref {
	var refs []abi.Ref
	for _, j := range o.Denied {
		if !slices.ContainsFunc(j.Decisions, func(d *gate.Decision) bool { return d.Verdict == gate.Error }) {
			refs = append(refs, j.Document.Ref)
		}
	}
	return refs
}
