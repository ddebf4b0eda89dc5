package main

import (
	"context"
	"fmt"
	"io"
	"strings"

	"github.com/latticenet/lattice-host/internal/problem"
)

// The exit codes of a command without a problem; those of problems follow from their codes.
// exitDiffers is that of git diff --exit-code.
const (
	exitDone    = 0
	exitDiffers = 1
)

// exitCodes is for the help text.
const exitCodes = `Exit codes:
    0  done
    1  internal error; with diff --exit-code, also: apply would change something
    2  the command line is wrong
    3  the input is invalid, or names what does not exist
   10  denied: by a policy, because a capability was not granted, or because a plugin is not active
   11  not trusted: a signature, a digest, the lock, the index or the audit log is wrong
   12  the target does not know a kind
   13  conflict: two steps want one object or one field differently, two runs one store of a plugin, or somebody else changed
       what was applied
   14  what was applied is missing, changed, or not healthy in time
   15  a plugin failed: trap, fuel, time, memory or a bad answer
   16  a server could not be reached, or answered that it cannot serve now: try again
  130  interrupted
When several apply, the first of 11, 10, 15, 12, 13, 14, 16, 3 is returned.`

func usagef(format string, args ...any) error { return problem.Errorf(problem.Usage, format, args...) }

func inputf(format string, args ...any) error {
	return problem.Errorf(problem.Invalid, format, args...)
}

// asInput blames the input for err, unless the machine or the command line is to blame.
func asInput(err error) error { return problem.AsInput(err) }

// finish reports how a command ended: on standard error as text, and as JSON on standard output
// when the user asked for that and the command has written nothing.
func (a *app) finish(ctx context.Context, err error) int {
	switch {
	case err == nil && a.differs:
		return exitDiffers
	case err == nil:
		return exitDone
	case ctx.Err() != nil:
		err = problem.New(problem.Interrupted, "interrupted")
	case !a.started:
		err = problem.With(problem.Usage, err)
	}
	problems := problem.From(problem.Join(err))
	printErrors(a.stderr, problems)
	if a.json() && !a.wrote {
		// Nothing is left to report it to when standard output fails.
		_ = a.emit(failed{problems}, nil)
	}
	return problems.Code().Exit()
}

// failed is what a command writes that fails before it has written anything.
type failed struct {
	Problems problem.List `json:"problems"`
}

// printErrors prints every problem in err, sorted and each once. Messages of several lines, such as
// a compiler's, stay together.
func printErrors(w io.Writer, err error) {
	for _, p := range problem.From(problem.Join(err)) {
		for line := range strings.Lines(p.Error()) {
			fmt.Fprintln(w, printable(strings.TrimRight(line, "\r\n")))
		}
	}
}
