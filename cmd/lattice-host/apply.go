package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"

	"github.com/spf13/cobra"

	"github.com/latticenet/lattice-host/abi"
	"github.com/latticenet/lattice-host/host/gate"
	"github.com/latticenet/lattice-host/runtime"
)

// applyFlags are those of apply and diff.
type applyFlags struct {
	inputs
	target               targetFlags
	dryRun, allOrNothing bool
}

func (f *applyFlags) register(c *cobra.Command) {
	f.inputs.register(c)
	f.target.register(c)
	f.target.registerForce(c)
	c.Flags().BoolVar(&f.allOrNothing, "all-or-nothing", false, "apply nothing when a gate denies one of the documents")
}

func (a *app) applyCommand() *cobra.Command {
	f := new(applyFlags)
	c := &cobra.Command{
		Use:   "apply -f FILE... --to " + dirFormat + "PATH",
		Short: "Derive documents and bring what came out to where it runs",
		Long: `Apply derives as derive does, asks the gates whether the outcome may be applied to the target, and makes the target hold exactly
that. What an earlier run wrote and nothing derives any more is removed; what somebody else wrote or changed is a conflict,
unless --force is given. When nothing differs, nothing is written.

A document that a gate denies is left out: the reasons are printed, the other documents are applied, and the exit code is 10.
What the target has of a denied document stays as it is, but for its ExternalSecrets: what may not run gets no secrets, so they
are removed until the document passes again. Where it is denied because a policy failed, they stay, too. With --all-or-nothing
one denial keeps everything from being changed, and so does any other error.

Everything that was decided is in the audit log before anything is written; where that is not possible, nothing is.`,
		Example: `  lattice-host apply -f services/ --to dir=deploy
  lattice-host apply -f services/ --to dir=deploy --dry-run`,
		Args: noArguments(),
	}
	f.register(c)
	f.hostCalls.registerRecord(c)
	c.Flags().BoolVar(&f.dryRun, "dry-run", false, "print what would be changed, and change nothing")
	c.RunE = a.does(func(ctx context.Context, _ []string) error { return a.apply(ctx, f) })
	return c
}

func (a *app) diffCommand() *cobra.Command {
	f := &applyFlags{dryRun: true}
	c := &cobra.Command{
		Use:   "diff -f FILE... --to " + dirFormat + "PATH",
		Short: "Print what apply would change",
		Long: `Diff does what apply does, short of applying it: it prints what would be created, updated and removed, line by line. The values
of Secrets are not shown. The exit code is that of apply: differences alone are no error.`,
		Example: "  lattice-host diff -f services/ --to dir=deploy",
		Args:    noArguments(),
	}
	f.register(c)
	c.RunE = a.does(func(ctx context.Context, _ []string) error { return a.apply(ctx, f) })
	return c
}

func (a *app) apply(ctx context.Context, f *applyFlags) error {
	t, err := f.target.open(a)
	if err != nil {
		return err
	}
	f.force = f.target.force
	o, err := a.deriveAllowed(ctx, &f.inputs)
	if err != nil {
		return err
	}
	x := &execution{target: t}
	bundles, err := o.judgeExecution(ctx, x)
	if err != nil {
		return err
	}
	a.noteResults(o.results)
	x.decisions = o.decisions()
	desired := &runtime.Desired{Set: t.set, Bundles: bundles, Hold: refsOf(o.denied), Revoke: o.revoked(), Options: t.options}
	if len(bundles) == 0 {
		if err := o.revokeOnly(ctx, x, desired); err != nil {
			return err
		}
	}
	nothing := len(bundles) == 0 && len(desired.Revoke) == 0 || f.allOrNothing && len(o.denied) > 0
	if !nothing {
		if x.plan, err = t.executor.Plan(ctx, desired); err != nil {
			return a.notApplied(o, asTarget(err))
		}
		nothing = len(bundles) == 0 && x.plan.Empty()
	}
	if nothing {
		err := errors.Join(o.err(), denied(fmt.Errorf("%s: nothing is applied", t)))
		if f.dryRun {
			return err
		}
		return errors.Join(err, a.noteDenied(ctx, o.decisions()))
	}
	if f.dryRun {
		return errors.Join(a.emitDiff(ctx, x, o.denied), o.err())
	}
	if err := a.keepHostCalls(&f.hostCalls, o.calls); err != nil {
		return err
	}
	result, err := a.execute(ctx, x)
	if err != nil {
		return a.notApplied(o, err)
	}
	return errors.Join(a.emitResult(x.plan, result, o.denied, f.verbose), o.err())
}

// notApplied tells what was denied beside an error that keeps the rest from being applied. The exit code is that of the error:
// that of a denial would say that the rest was.
func (a *app) notApplied(o *outcome, err error) error {
	if denials := o.err(); denials != nil {
		printErrors(a.stderr, denials)
	}
	return err
}

// revokeOnly completes what is desired when every document is denied: what the target has stays as it is, but for what
// fetches the secrets of these documents.
func (o *outcome) revokeOnly(ctx context.Context, x *execution, desired *runtime.Desired) error {
	status, err := x.target.executor.Observe(ctx, desired.Set)
	if err != nil {
		return asTarget(err)
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
	x.removal(ctx, o.gates.set, there)
	return nil
}

// judgeExecution asks whether what was derived may be applied to a target, and returns the bundles that may be; the
// execution has the decisions that say so. What may not is denied from then on.
func (o *outcome) judgeExecution(ctx context.Context, x *execution) ([]runtime.Bundle, error) {
	all := make([]runtime.Bundle, len(o.results))
	digests := make([]string, len(o.results))
	documents := make([]*judged, len(o.results))
	for i, r := range o.results {
		all[i], digests[i], documents[i] = runtime.BundleOf(r.bundle), r.bundle.Digest(), r.judged
	}
	decisions := o.gates.decideAll(documents, func(i int) *gate.Decision {
		b := all[i].Content
		return o.gates.judge.Execute(ctx, objectOfBundle(b), outputsOf(b), x.target.kind, x.target.name, o.staleDays)
	})
	var allowed []derived
	var bundles []runtime.Bundle
	for i, r := range o.results {
		r.judged.decisions = append(r.judged.decisions, decisions[i])
		if !decisions[i].Allowed() {
			o.denied = append(o.denied, r.judged)
			continue
		}
		allowed = append(allowed, r)
		bundles = append(bundles, all[i])
		x.approving, x.judged = append(x.approving, decisions[i]), append(x.judged, digests[i])
	}
	o.results = allowed
	return bundles, ctx.Err()
}

// revoked returns the resources that policies deny. Where a policy failed nobody judged, so that a mistake in it takes nothing
// away from what runs.
func (o *outcome) revoked() []abi.Ref {
	var refs []abi.Ref
	for _, j := range o.denied {
		if !slices.ContainsFunc(j.decisions, func(d *gate.Decision) bool { return d.Verdict == gate.Error }) {
			refs = append(refs, j.doc.Ref)
		}
	}
	return refs
}

// executed is what the commands that change a target tell.
type executed struct {
	Plan   *runtime.Plan   `json:"plan"`
	Result *runtime.Result `json:"result,omitempty"`
	counts
	// Denied are the documents that a gate did not let pass, with every decision about each.
	Denied []deniedDocument `json:"denied"`
}

type deniedDocument struct {
	Resource  abi.Ref          `json:"resource"`
	Decisions []*gate.Decision `json:"decisions"`
}

func newExecuted(p *runtime.Plan, r *runtime.Result, list []*judged) executed {
	e := executed{Plan: p, Result: r, counts: countsOf(p.Changes), Denied: make([]deniedDocument, len(list))}
	for i, j := range list {
		e.Denied[i] = deniedDocument{j.doc.Ref, j.decisions}
	}
	return e
}

// maxListed is how many changes are listed unless the user wants all.
const maxListed = 40

// emitResult tells what was done.
func (a *app) emitResult(p *runtime.Plan, r *runtime.Result, list []*judged, verbose bool) error {
	return a.emit(newExecuted(p, r, list), func(w io.Writer) {
		c := countsOf(p.Changes)
		fmt.Fprintf(w, "%s: set %s", printable(p.Target), p.Set)
		if r.Revision > 0 {
			fmt.Fprintf(w, ", revision %d", r.Revision)
		}
		fmt.Fprintf(w, ": %d created, %d updated, %d deleted, %d unchanged\n", c.Created, c.Updated, c.Deleted, c.Unchanged)
		if verbose || c.Created+c.Updated+c.Deleted <= maxListed {
			writeChanges(w, p)
		}
	})
}

// writeChanges lists what changes.
func writeChanges(w io.Writer, p *runtime.Plan) {
	var rows [][]string
	for i := range p.Changes {
		if c := &p.Changes[i]; c.Action != runtime.Unchanged {
			rows = append(rows, []string{"  " + string(c.Action), c.Object.String(), c.Reason})
		}
	}
	table(w, rows)
}
