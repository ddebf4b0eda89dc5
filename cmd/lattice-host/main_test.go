package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/latticenet/lattice-host/host/audit"
	"github.com/latticenet/lattice-host/host/engine"
	"github.com/latticenet/lattice-host/host/hostcall"
	"github.com/latticenet/lattice-host/host/pipeline"
	"github.com/latticenet/lattice-host/host/sandbox"
	"github.com/latticenet/lattice-host/internal/problem"
	"github.com/latticenet/lattice-host/registry/kv"
	"github.com/latticenet/lattice-host/registry/market"
	"github.com/latticenet/lattice-host/registry/release"
	"github.com/latticenet/lattice-host/runtime"
)

// TestInterrupt interrupts a command that waits for a standard input which never ends.
func TestInterrupt(t *testing.T) {
	t.Parallel()
	endless, writer := io.Pipe()
	t.Cleanup(func() { _ = writer.Close() })
	ctx, cancel := context.WithCancel(t.Context())
	time.AfterFunc(50*time.Millisecond, cancel)
	code, stdout, stderr := invokeFrom(ctx, endless, "derive", "-f", "-")
	if code != problem.Interrupted.Exit() || stdout != "" || stderr != "interrupted\n" {
		t.Errorf("got exit code %d, stdout %q, stderr %q", code, stdout, stderr)
	}
}

// TestExitCode checks the order of severity.
func TestExitCode(t *testing.T) {
	t.Parallel()
	invalid := problem.List{{Message: "x"}}
	trap := fmt.Errorf("step: %w", &sandbox.Error{Err: sandbox.ErrTrap})
	tests := map[string]struct {
		reason string
		err    error
		want   int
	}{
		"Internal":    {"What no one explains is internal.", errors.New("x"), problem.Internal.Exit()},
		"Usage":       {"The command line.", usagef("x"), problem.Usage.Exit()},
		"Invalid":     {"Problems of documents.", invalid, problem.Invalid.Exit()},
		"Input":       {"Files that the user named.", asInput(&os.PathError{Op: "open", Path: "x", Err: os.ErrNotExist}), problem.Invalid.Exit()},
		"Conflict":    {"A conflict is worse than invalid input.", errors.Join(invalid, pipeline.ErrConflict), problem.Conflict.Exit()},
		"Plugin":      {"A broken plugin is worse than a conflict.", errors.Join(pipeline.ErrConflict, trap), problem.Plugin.Exit()},
		"BadAnswer":   {"A bad answer is a broken plugin.", pipeline.ErrPlugin, problem.Plugin.Exit()},
		"Unsettled":   {"So is one that does not settle.", pipeline.ErrUnsettled, problem.Plugin.Exit()},
		"Store":       {"A store that another run changed is a conflict.", asInput(kv.ErrChanged), problem.Conflict.Exit()},
		"HostCalls":   {"Steps that ask the host too often are broken.", hostcall.ErrBudget, problem.Plugin.Exit()},
		"Record":      {"A record without an answer is input.", hostcall.ErrNotRecorded, problem.Invalid.Exit()},
		"Denied":      {"A denial is worse than a broken plugin.", errors.Join(trap, market.ErrNeedsConsent), problem.Denied.Exit()},
		"NotTrusted":  {"Nothing is worse.", errors.Join(trap, market.ErrNeedsConsent, release.NotTrusted("x", "", errors.New("y"))), problem.Untrusted.Exit()},
		"MissingKind": {"A kind that a target does not have is worse than a conflict.", errors.Join(executorError(runtime.ErrConflict), executorError(runtime.ErrMissingKind)), problem.MissingKind.Exit()},
		"Changed":     {"What somebody else changed is a conflict.", errors.Join(executorError(runtime.ErrNotHealthy), executorError(runtime.ErrConflict)), problem.Conflict.Exit()},
		"NotHealthy":  {"What is not healthy is worse than invalid input.", errors.Join(invalid, engine.AsTarget(executorError(runtime.ErrNotHealthy))), problem.Unhealthy.Exit()},
		"NotApproved": {"What no one approved is denied.", errors.Join(trap, executorError(runtime.ErrNotApproved)), problem.Denied.Exit()},
		"NoSet":       {"A set that does not exist is invalid input.", executorError(runtime.ErrNotFound), problem.Invalid.Exit()},
		"Damaged":     {"So is what an executor cannot read.", executorError(runtime.ErrDamaged), problem.Invalid.Exit()},
		"Gate":        {"A gate denies.", errors.Join(trap, denied(errors.New("x"))), problem.Denied.Exit()},
		"Tampered":    {"A log that was changed is not trusted.", errors.Join(denied(errors.New("x")), asAudit("x", fmt.Errorf("y: %w", audit.ErrTampered))), problem.Untrusted.Exit()},
		"Torn":        {"Nor is one with something after its end.", asAudit("x", audit.ErrTorn), problem.Untrusted.Exit()},
		"AuditFull":   {"A full disk is no one's input, here neither.", engine.ErrAudit(&os.PathError{Op: "write", Path: "x", Err: syscall.ENOSPC}, "y"), problem.Internal.Exit()},
		"NotFound":    {"What explain does not find.", pipeline.ErrNotFound, problem.Invalid.Exit()},
		"DiskFull":    {"A full disk is no one's input.", asInput(&os.PathError{Op: "write", Path: "x", Err: syscall.ENOSPC}), problem.Internal.Exit()},
		"Interrupted": {"A context is no one's input.", asInput(context.Canceled), problem.Internal.Exit()},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if got := exitCode(tc.err); got != tc.want {
				t.Errorf("%s\ngot %d, want %d", tc.reason, got, tc.want)
			}
		})
	}
}

func executorError(kind error) error { return problem.Problem{Cause: kind, Message: "x"} }

func TestPrintErrors(t *testing.T) {
	t.Parallel()
	wrong := func(line int, text string) problem.Problem {
		return problem.Problem{Position: problem.Position{File: "a.yaml", Line: line, Column: 2}, Message: text}
	}
	err := errors.Join(
		release.NotTrusted("z/plugin", "", errors.New("has two causes but one line")),
		errors.Join(wrong(10, "ten"), problem.List{wrong(9, "nine"), wrong(10, "ten")}),
		errors.New("compiler:\n  b\n  a"),
		errors.New("colour \x1b[31m"),
	)
	var b strings.Builder
	printErrors(&b, err)
	want := `colour \x1b[31m
compiler:
  b
  a
z/plugin: not trusted: has two causes but one line
a.yaml:9:2: nine
a.yaml:10:2: ten
`
	if d := cmp.Diff(want, b.String()); d != "" {
		t.Error(d)
	}
}
