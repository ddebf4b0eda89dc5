package engine

import (
	"context"
	"errors"
	"io/fs"
	"slices"

	"github.com/latticenet/lattice-host/abi"
	"github.com/latticenet/lattice-host/abi/bundle"
	"github.com/latticenet/lattice-host/host/audit"
	"github.com/latticenet/lattice-host/host/gate"
	"github.com/latticenet/lattice-host/host/gate/facts"
	"github.com/latticenet/lattice-host/internal/problem"
	"github.com/latticenet/lattice-host/runtime"
)

// The kinds of events about executions.
const (
	eventBundle   = "execution.bundle"
	eventApproved = "execution.approved"
	eventDone     = "execution.done"
	eventFailed   = "execution.failed"
)

// maxErrorBytes is how much of an error an event has.
const maxErrorBytes = 2000

// Target is where objects go.
type Target struct {
	Executor runtime.Executor
	// Kind and Name say what policies are asked about: the kind of executor, and which one it is.
	Kind, Name string
	// Set is the name of the set.
	Set     string
	Options runtime.Options
}

// String names the target for people.
func (t *Target) String() string { return t.Kind + ":" + t.Name }

// NoSet says that the target does not hold the set.
func (t *Target) NoSet() error {
	return &runtime.Error{Kind: runtime.ErrNotFound, Where: t.String(), Problem: "no set " + t.Set + " in this target; check --to and --set"}
}

// AsTarget blames the target or what the user asked of it, rather than the program.
func AsTarget(err error) error {
	var own problem.Problem
	var path *fs.PathError
	if !errors.As(err, &own) && errors.As(err, &path) {
		return problem.AsInput(err)
	}
	return err
}

// Execution is a plan that was judged, see [Engine.Apply].
type Execution struct {
	Target *Target
	Plan   *runtime.Plan
	// Denied are the documents that a gate does not let pass now.
	Denied []*Judged

	setup *setup
	// decisions are all that were made, approving those among them that let the plan pass.
	decisions, approving []*gate.Decision
	// judged are the digests of the bundles that the gate saw, taken then: nothing else is
	// approved.
	judged []string
	// brokenPolicies is why the policies did not load.
	brokenPolicies error
	// Between the approval and the plan's application nothing may happen; tests put something
	// there.
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
	// Held says that nothing is done for the bundle, Revoked that what fetches its secrets is
	// removed all the same.
	Held    bool `json:"held,omitempty"`
	Revoked bool `json:"revoked,omitempty"`
}

// doneEvent is what the audit log says when it is done, or could not be.
type doneEvent struct {
	Target   string `json:"target"`
	Set      string `json:"set"`
	Plan     string `json:"plan"`
	Revision int    `json:"revision"`
	Counts
	Error string `json:"error,omitempty"`
}

// Counts says to how many objects what happened.
type Counts struct {
	Created   int `json:"created"`
	Updated   int `json:"updated"`
	Deleted   int `json:"deleted"`
	Unchanged int `json:"unchanged"`
}

// CountsOf counts changes.
func CountsOf(changes []runtime.Change) Counts {
	count := func(action runtime.Action) int { return runtime.Count(changes, action) }
	return Counts{count(runtime.Create), count(runtime.Update), count(runtime.Delete), count(runtime.Unchanged)}
}

// approval returns everything that is noted before the plan is applied.
func (x *Execution) approval(ids []string) []audit.Event {
	events := DecisionEvents(x.decisions)
	for _, b := range x.Plan.Bundles {
		resource := b.Content.Resource
		events = append(events, audit.Event{Kind: eventBundle, Data: bundleEvent{
			x.Plan.Digest, resource, b.Digest(), slices.Contains(x.Plan.Hold, resource), slices.Contains(x.Plan.Revoke, resource),
		}})
	}
	e := approvedEvent{
		Target: x.Plan.Target, Set: x.Plan.Set, Cause: x.Plan.Cause, Force: x.Plan.Force, Plan: x.Plan.Digest,
		Bundles: len(x.Plan.Bundles), Decisions: ids, User: x.setup.Caller,
	}
	if x.brokenPolicies != nil {
		e.BrokenPolicies = problem.Truncate(x.brokenPolicies.Error(), maxErrorBytes)
	}
	return append(events, audit.Event{Kind: eventApproved, Data: e})
}

func (x *Execution) doneEvent(result *runtime.Result, err error) audit.Event {
	e := doneEvent{Target: x.Plan.Target, Set: x.Plan.Set, Plan: x.Plan.Digest}
	if result != nil {
		e.Revision, e.Counts = result.Revision, CountsOf(result.Changes)
	}
	if err != nil {
		e.Error = problem.Truncate(err.Error(), maxErrorBytes)
		return audit.Event{Kind: eventFailed, Data: e}
	}
	return audit.Event{Kind: eventDone, Data: e}
}

// Apply applies a plan. What was decided is in the audit log before anything is written: nothing is
// when the log cannot be. Without an approving decision, such as of a plan that was denied, the
// error is [runtime.ErrNotApproved].
func (e *Engine) Apply(ctx context.Context, x *Execution) (result *runtime.Result, err error) {
	s := x.setup
	ids := make([]string, len(x.approving))
	for i, d := range x.approving {
		ids[i] = d.ID
	}
	approval := runtime.ApproveJudged(x.Plan, x.judged, ids...)
	log, err := s.Audit.Open(ctx)
	if err != nil {
		return nil, ErrAudit(err, "so nothing is executed")
	}
	// The last event was noted or failed to be by then; what closing adds only shortens the way to
	// it.
	defer func() { _ = log.Close() }()
	if err := appendAll(ctx, log, x.approval(ids)); err != nil {
		return nil, ErrAudit(err, "so nothing is executed")
	}
	if x.between != nil {
		x.between()
	}
	result, err = x.Target.Executor.Apply(ctx, x.Plan, approval, runtime.ApplyOptions{
		Progress: func(p runtime.Progress) { s.progress("applying", p.Done, p.Total) },
	})
	if noteErr := log.Append(context.WithoutCancel(ctx), x.doneEvent(result, err)); noteErr != nil {
		err = errors.Join(err, ErrAudit(noteErr, "though the plan was applied"))
	}
	return result, AsTarget(err)
}

// Deny puts the decisions of an execution into the audit log that is not executed.
func (e *Engine) Deny(ctx context.Context, x *Execution) error {
	return x.setup.noteDenied(ctx, x.decisions)
}

// noteDenied puts decisions into the audit log that end a run before anything is executed.
func (s *setup) noteDenied(ctx context.Context, decisions []*gate.Decision) error {
	if err := s.Audit.Note(ctx, DecisionEvents(decisions)...); err != nil {
		return ErrAudit(err, "and nothing is executed")
	}
	return nil
}

// removal decides about resources that are taken away, and approves it: there is nothing to ask.
func (x *Execution) removal(ctx context.Context, gone []runtime.RevisionBundle) {
	for _, b := range gone {
		d := x.setup.policies.Remove(ctx, b.Resource, b.Digest)
		x.decisions, x.approving = append(x.decisions, d), append(x.approving, d)
	}
}

// objectOfBundle returns the resource of a bundle, from its bytes.
func objectOfBundle(b *bundle.Bundle) facts.Object {
	return facts.Object{Ref: b.Resource, Document: b.Document}
}
