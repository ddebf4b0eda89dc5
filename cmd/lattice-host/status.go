package main

import (
	"context"
	"fmt"
	"io"
	"strconv"
	"time"

	"github.com/spf13/cobra"

	"github.com/latticenet/lattice-host/host/engine"
	"github.com/latticenet/lattice-host/internal/problem"
	"github.com/latticenet/lattice-host/runtime"
)

func (a *app) statusCommand() *cobra.Command {
	var f targetFlags
	c := &cobra.Command{
		Use:   "status --to " + dirFormat + "PATH",
		Short: "Tell whether a target is as it was applied",
		Long: `Status compares what was applied with what is there. It lists every object with its state; when one is missing, changed, or not
healthy where the target can tell, the exit code is 14.`,
		Example: "  lattice-host status --to dir=deploy",
		Args:    noArguments(),
	}
	f.register(c)
	c.RunE = a.does(func(ctx context.Context, _ []string) error {
		t, err := f.open(a)
		if err != nil {
			return err
		}
		status, err := t.Executor.Observe(ctx, t.Set)
		if err != nil {
			return engine.AsTarget(err)
		}
		if status.Revision == 0 {
			return t.NoSet()
		}
		if err := a.emit(status, func(w io.Writer) { writeStatus(w, status) }); err != nil {
			return err
		}
		return settled(status)
	})
	return c
}

// settled returns an error unless everything is as it was applied.
func settled(s *runtime.Status) error {
	if s.Settled() {
		return nil
	}
	wrong := 0
	for i := range s.Objects {
		if !s.Objects[i].Settled() {
			wrong++
		}
	}
	return problem.Problem{Cause: runtime.ErrNotHealthy, Position: problem.Position{File: s.Target}, Message: fmt.Sprintf(
		"%d of %s are not as they were applied; apply again, with --force to replace what somebody changed", wrong, counted(len(s.Objects), "object"))}
}

func writeStatus(w io.Writer, s *runtime.Status) {
	fmt.Fprintf(w, "%s: set %s, revision %d, %s\n", printable(s.Target), s.Set, s.Revision, counted(len(s.Bundles), "document"))
	// What is wrong comes last, where it is seen however many objects there are.
	var objects, wrong []runtime.ObjectStatus
	for _, o := range s.Objects {
		if o.Settled() {
			objects = append(objects, o)
		} else {
			wrong = append(wrong, o)
		}
	}
	objects = append(objects, wrong...)
	rows := make([][]string, len(objects))
	for i, o := range objects {
		state := string(o.Presence)
		if o.Health != "" {
			state += ", " + string(o.Health)
		}
		rows[i] = []string{"  " + state, o.Object.String(), o.Message}
		if o.Message == "" {
			rows[i] = rows[i][:2]
		}
	}
	table(w, rows)
}

func (a *app) historyCommand() *cobra.Command {
	var f targetFlags
	c := &cobra.Command{
		Use:   "history --to " + dirFormat + "PATH",
		Short: "List the revisions of a target that can be rolled back to",
		Long: `History lists the revisions of a set, the newest first: when each was applied, why, and how many documents and objects it has.
rollback takes the number of one.`,
		Example: "  lattice-host history --to dir=deploy",
		Args:    noArguments(),
	}
	f.register(c)
	c.RunE = a.does(func(ctx context.Context, _ []string) error {
		t, err := f.open(a)
		if err != nil {
			return err
		}
		revisions, err := t.Executor.History(ctx, t.Set)
		if err != nil {
			return engine.AsTarget(err)
		}
		if len(revisions) == 0 {
			return t.NoSet()
		}
		return a.emit(map[string]any{"revisions": revisions}, func(w io.Writer) {
			rows := [][]string{{"REVISION", "TIME", "CAUSE", "DOCUMENTS", "OBJECTS"}}
			for _, r := range revisions {
				rows = append(rows, []string{
					strconv.Itoa(r.Number), r.Time.Format(time.RFC3339), r.Cause.String(), strconv.Itoa(len(r.Bundles)), strconv.Itoa(r.Objects),
				})
			}
			table(w, rows)
		})
	})
	return c
}
