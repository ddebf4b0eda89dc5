package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/rogpeppe/go-internal/diff"

	"github.com/latticenet/lattice-host/host/engine"
	"github.com/latticenet/lattice-host/internal/outputkind"
	"github.com/latticenet/lattice-host/runtime"
)

// emitDiff tells what a plan would do.
func (a *app) emitDiff(ctx context.Context, x *engine.Execution, list []*engine.Judged) error {
	text, err := planDiff(ctx, x)
	if err != nil {
		return engine.AsTarget(err)
	}
	return a.emit(newExecuted(x.Plan, nil, list), func(w io.Writer) {
		// What is in a file comes from somebody else.
		for line := range strings.Lines(string(text)) {
			fmt.Fprintln(w, printable(strings.TrimRight(line, "\n")))
		}
		c := engine.CountsOf(x.Plan.Changes)
		fmt.Fprintf(w, "%s: set %s: would be %d created, %d updated, %d deleted, %d unchanged\n",
			printable(x.Plan.Target), x.Plan.Set, c.Created, c.Updated, c.Deleted, c.Unchanged)
	})
}

// planDiff returns the changes of a plan, line by line.
func planDiff(ctx context.Context, x *engine.Execution) ([]byte, error) {
	var b bytes.Buffer
	err := x.Target.Executor.Compare(ctx, x.Plan, func(c *runtime.Change, before, after []byte) error {
		fmt.Fprintf(&b, "%s %s: %s\n", c.Action, c.Object, c.Reason)
		if outputkind.Of(c.Object.GroupKind()).Secret {
			return nil
		}
		// The first line is a command that no one runs.
		_, hunks, _ := bytes.Cut(diff.Diff(diffName(c.Where, c.Before), before, diffName(c.Where, c.After), after), []byte("\n"))
		b.Write(hunks)
		return nil
	})
	return b.Bytes(), err
}

func diffName(name, digest string) string {
	if digest == "" {
		return os.DevNull
	}
	return name
}
