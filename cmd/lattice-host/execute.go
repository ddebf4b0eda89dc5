package main

import (
	"context"
	"errors"
	"slices"

	"github.com/latticenet/lattice-host/abi"
	"github.com/latticenet/lattice-host/abi/bundle"
	"github.com/latticenet/lattice-host/host/audit"
	"github.com/latticenet/lattice-host/host/gate"
	"github.com/latticenet/lattice-host/host/gate/facts"
	"github.com/latticenet/lattice-host/host/gate/policy"
	"github.com/latticenet/lattice-host/runtime"
)

// The kinds of events about executions.
const (
	eventBundle   = "execution.bundle"
	eventApproved = "execution.approved"
	eventDone     = "execution.done"
	eventFailed   = "execution.failed"
)

// execution is a plan that was judged.
type execution struct {
	target *target
	plan   *runtime.Plan
	// decisions are all that were made, approving those among them that let the plan pass.
	decisions, approving []*gate.Decision
	// judged are the digests of the bundles that the gate saw, taken then: nothing else is approved.
	judged []string
	// brokenPolicies is why the policies did not load.
	brokenPolicies error
	// Between the approval and the plan's application nothing may happen; tests put something there.
	between func()
}

// approvedEvent is what the audit log says before something is done.
type approvedEvent struct {
	Target string        `json:"target"`
	Set    string        `json:"set"`
	Cause  runtime.Cause `json:"cause"`
	Force  bool          `json:"force,omitempty"`
	Plan   string        `json:"plan"`
	// Bundles is how many bundles the plan has. Each has an event of its own before this one.
	Bundles   int      `json:"bundles"`
	Decisions []string `json:"decisions"`
	User      string   `json:"user"`
	// BrokenPolicies says why the policies did not load, where something is removed all the same.
	BrokenPolicies string `json:"brokenPolicies,omitempty"`
}

// bundleEvent is what the audit log says about one bundle of a plan.
type bundleEvent struct {
	Plan     string  `json:"plan"`
	Resource abi.Ref `json:"resource"`
	Digest   string  `json:"digest"`
	// Held says that nothing is done for the bundle, Revoked that what fetches its secrets is removed all the same.
	Held    bool `json:"held,omitempty"`
	Revoked bool `json:"revoked,omitempty"`
}

// doneEvent is what the audit log says when it is done, or could not be.
type doneEvent struct {
	Target   string `json:"target"`
	Set      string `json:"set"`
	Plan     string `json:"plan"`
	Revision int    `json:"revision"`
	counts
	Error string `json:"error,omitempty"`
}

// counts says to how many objects what happened.
type counts struct {
	Created   int `json:"created"`
	Updated   int `json:"updated"`
	Deleted   int `json:"deleted"`
	Unchanged int `json:"unchanged"`
}

func countsOf(changes []runtime.Change) counts {
	count := func(action runtime.Action) int { return runtime.Count(changes, action) }
	return counts{count(runtime.Create), count(runtime.Update), count(runtime.Delete), count(runtime.Unchanged)}
}

// approval returns everything that is noted before the plan is applied.
func (x *execution) approval(ids []string) []audit.Event {
	events := decisionEvents(x.decisions)
	for _, b := range x.plan.Bundles {
		resource := b.Content.Resource
		events = append(events, audit.Event{Kind: eventBundle, Data: bundleEvent{
			x.plan.Digest, resource, b.Digest(), slices.Contains(x.plan.Hold, resource), slices.Contains(x.plan.Revoke, resource),
		}})
	}
	e := approvedEvent{
		Target: x.plan.Target, Set: x.plan.Set, Cause: x.plan.Cause, Force: x.plan.Force, Plan: x.plan.Digest,
		Bundles: len(x.plan.Bundles), Decisions: ids, User: userName(),
	}
	if x.brokenPolicies != nil {
		e.BrokenPolicies = shorten(x.brokenPolicies.Error())
	}
	return append(events, audit.Event{Kind: eventApproved, Data: e})
}

func (x *execution) doneEvent(result *runtime.Result, err error) audit.Event {
	e := doneEvent{Target: x.plan.Target, Set: x.plan.Set, Plan: x.plan.Digest}
	if result != nil {
		e.Revision, e.counts = result.Revision, countsOf(result.Changes)
	}
	if err != nil {
		e.Error = shorten(err.Error())
		return audit.Event{Kind: eventFailed, Data: e}
	}
	return audit.Event{Kind: eventDone, Data: e}
}

// execute applies a plan. What was decided is in the audit log before anything is written: nothing is when the log cannot be.
func (a *app) execute(ctx context.Context, x *execution) (result *runtime.Result, err error) {
	ids := make([]string, len(x.approving))
	for i, d := range x.approving {
		ids[i] = d.ID
	}
	approval := runtime.ApproveJudged(x.plan, x.judged, ids...)
	log, err := a.openAudit(ctx)
	if err != nil {
		return nil, errAudit(err, "so nothing is executed")
	}
	// The last event was noted or failed to be by then; what closing adds only shortens the way to it.
	defer func() { _ = log.Close() }()
	if err := appendAll(ctx, log, x.approval(ids)); err != nil {
		return nil, errAudit(err, "so nothing is executed")
	}
	if x.between != nil {
		x.between()
	}
	progress := newProgress(a.stderr)
	result, err = x.target.executor.Apply(ctx, x.plan, approval, runtime.ApplyOptions{
		Progress: func(p runtime.Progress) { progress.counting("applying", p.Done, p.Total) },
	})
	progress.end()
	if noteErr := log.Append(context.WithoutCancel(ctx), x.doneEvent(result, err)); noteErr != nil {
		err = errors.Join(err, errAudit(noteErr, "though the plan was applied"))
	}
	return result, asTarget(err)
}

// noteDenied puts decisions into the audit log that end a run before anything is executed.
func (a *app) noteDenied(ctx context.Context, decisions []*gate.Decision) error {
	if err := a.audit(ctx, decisionEvents(decisions)...); err != nil {
		return errAudit(err, "and nothing is executed")
	}
	return nil
}

// removal decides about resources that are taken away, and approves it: there is nothing to ask.
func (x *execution) removal(ctx context.Context, set *policy.Set, gone []runtime.RevisionBundle) {
	for _, b := range gone {
		d := set.Remove(ctx, b.Resource, b.Digest)
		x.decisions, x.approving = append(x.decisions, d), append(x.approving, d)
	}
}

// objectOfBundle returns the resource of a bundle, from its bytes.
func objectOfBundle(b *bundle.Bundle) facts.Object {
	return facts.Object{Ref: b.Resource, Document: b.Document}
}
