package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"

	"github.com/spf13/cobra"

	"github.com/latticenet/lattice-host/abi"
	"github.com/latticenet/lattice-host/host/engine"
	"github.com/latticenet/lattice-host/host/gate"
	"github.com/latticenet/lattice-host/runtime"
)

// applyFlags are those of apply and diff.
type applyFlags struct {
	inputs
	target               targetFlags
	dryRun, allOrNothing bool
	// exitCode says that differences end diff with exitDiffers.
	exitCode bool
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
What the target has of a denied document stays as it is, except for its ExternalSecrets: a workload that may not run gets no
secrets, so they are removed until the document passes again. When the denial comes from a policy that failed, they stay, too. With --all-or-nothing
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
of Secrets are not shown. The exit code is that of apply: differences alone are not an error, unless --exit-code is given.`,
		Example: "  lattice-host diff -f services/ --to dir=deploy\n  lattice-host diff -f services/ --to dir=deploy --exit-code",
		Args:    noArguments(),
	}
	f.register(c)
	c.Flags().BoolVar(&f.exitCode, "exit-code", false, "exit with 1 when apply would change something, as git diff does")
	c.RunE = a.does(func(ctx context.Context, _ []string) error { return a.apply(ctx, f) })
	return c
}

func (a *app) apply(ctx context.Context, f *applyFlags) error {
	t, err := f.target.open(a)
	if err != nil {
		return err
	}
	f.force = f.target.force
	e, o, end, err := a.derive(ctx, &f.inputs)
	if err != nil {
		return err
	}
	defer end()
	x, err := e.Plan(ctx, o, t, f.allOrNothing)
	a.noteResults(o.Results)
	if err != nil {
		return a.notApplied(o, err)
	}
	if x.Plan == nil {
		err := errors.Join(o.Err(), x.NothingApplied())
		if f.dryRun {
			return err
		}
		return errors.Join(err, e.Deny(ctx, x))
	}
	if f.dryRun {
		a.differs = f.exitCode && slices.ContainsFunc(x.Plan.Changes, func(c runtime.Change) bool { return c.Action != runtime.Unchanged })
		return errors.Join(a.emitDiff(ctx, x, o.Denied), o.Err())
	}
	if err := a.keepHostCalls(&f.hostCalls, o.Calls); err != nil {
		return err
	}
	result, err := e.Apply(ctx, x)
	if err != nil {
		return a.notApplied(o, err)
	}
	end()
	return errors.Join(a.emitResult(x.Plan, result, o.Denied, f.verbose), o.Err())
}

// notApplied tells what was denied besides an error that keeps the rest from being applied. The
// exit code is that of the error: that of a denial would say that the rest was.
func (a *app) notApplied(o *engine.Outcome, err error) error {
	if denials := o.Err(); denials != nil {
		printErrors(a.stderr, denials)
	}
	return err
}

// executed is what the commands that change a target tell.
type executed struct {
	Plan   *runtime.Plan   `json:"plan"`
	Result *runtime.Result `json:"result,omitempty"`
	engine.Counts
	// Denied are the documents that a gate did not let pass, with every decision about each.
	Denied []deniedDocument `json:"denied"`
}

type deniedDocument struct {
	Resource  abi.Ref          `json:"resource"`
	Decisions []*gate.Decision `json:"decisions"`
}

func newExecuted(p *runtime.Plan, r *runtime.Result, list []*engine.Judged) executed {
	e := executed{Plan: p, Result: r, Counts: engine.CountsOf(p.Changes), Denied: make([]deniedDocument, len(list))}
	for i, j := range list {
		e.Denied[i] = deniedDocument{j.Document.Ref, j.Decisions}
	}
	return e
}

// maxListed is how many changes are listed unless the user wants all.
const maxListed = 40

// emitResult tells what was done.
func (a *app) emitResult(p *runtime.Plan, r *runtime.Result, list []*engine.Judged, verbose bool) error {
	return a.emit(newExecuted(p, r, list), func(w io.Writer) {
		c := engine.CountsOf(p.Changes)
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
