package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"slices"
	"strings"
	"syscall"

	"github.com/latticenet/lattice-host/host/audit"
	"github.com/latticenet/lattice-host/host/hostcall"
	"github.com/latticenet/lattice-host/host/pipeline"
	"github.com/latticenet/lattice-host/host/resource"
	"github.com/latticenet/lattice-host/host/sandbox"
	"github.com/latticenet/lattice-host/registry/kv"
	"github.com/latticenet/lattice-host/registry/market"
	"github.com/latticenet/lattice-host/registry/pack"
	"github.com/latticenet/lattice-host/registry/release"
	"github.com/latticenet/lattice-host/runtime"
)

// The exit codes. They are part of the command line's contract, see exitCodes.
const (
	exitDone        = 0
	exitInternal    = 1
	exitUsage       = 2
	exitInvalid     = 3
	exitDenied      = 10
	exitNotTrusted  = 11
	exitMissingKind = 12
	exitConflict    = 13
	exitNotHealthy  = 14
	exitPlugin      = 15
	exitInterrupted = 130
)

// exitCodes is for the help text.
const exitCodes = `Exit codes:
    0  done
    1  internal error
    2  the command line is wrong
    3  the input is invalid
   10  denied: by a policy, because a capability was not granted, or because a plugin is not active
   11  not trusted: a signature, a digest, the lock, the index or the audit log is wrong, or a plugin is not installed
   12  the target does not know a kind
   13  conflict: two steps want one object or one field differently, two runs one store of a plugin, or somebody else changed
       what was applied
   14  what was applied is missing, changed, or not healthy in time
   15  a plugin failed: trap, fuel, time, memory or a bad answer
  130  interrupted
When several apply, the first of 11, 10, 15, 12, 13, 14, 3 is returned.`

// usageError is a command line that the program does not understand.
type usageError struct{ err error }

func (e *usageError) Error() string { return e.err.Error() }
func (e *usageError) Unwrap() error { return e.err }

func usagef(format string, args ...any) error { return &usageError{fmt.Errorf(format, args...)} }

// inputError is an error that what the user gave is to blame for.
type inputError struct{ err error }

func (e *inputError) Error() string        { return e.err.Error() }
func (e *inputError) Unwrap() error        { return e.err }
func (e *inputError) Is(target error) bool { return target == resource.ErrInvalid }

func inputf(format string, args ...any) error { return &inputError{fmt.Errorf(format, args...)} }

// asInput blames the input for err, unless the machine or the command line is to blame.
func asInput(err error) error {
	var usage *usageError
	if err == nil || isMachineError(err) || errors.As(err, &usage) {
		return err
	}
	var path *fs.PathError
	if errors.As(err, &path) && err.Error() == path.Error() {
		return fileProblem(path.Path, err)
	}
	return &inputError{err}
}

// isMachineError reports whether the system has not enough of something, or is broken.
func isMachineError(err error) bool {
	return slices.ContainsFunc([]error{
		syscall.ENOSPC, syscall.EDQUOT, syscall.EIO, syscall.EROFS, syscall.EMFILE, syscall.ENFILE, syscall.ENOMEM,
		context.Canceled, context.DeadlineExceeded,
	}, func(e error) bool { return errors.Is(err, e) })
}

// fileProblem says why a file cannot be read.
func fileProblem(file string, err error) error {
	message := err.Error()
	var path *fs.PathError
	switch {
	case errors.Is(err, fs.ErrNotExist):
		message = "the file does not exist; check the path"
	case errors.Is(err, fs.ErrPermission):
		message = "permission is missing"
	case errors.Is(err, syscall.ENOTDIR):
		message = "is no folder, or lies below something that is none"
	case errors.As(err, &path):
		message = "cannot be read: " + path.Err.Error()
	}
	return resource.Problem{Position: resource.Position{File: file}, Message: message}
}

// exitCode returns the code for an error.
func exitCode(err error) int {
	var usage *usageError
	rules := []struct {
		code  int
		kinds []error
	}{
		{exitNotTrusted, []error{release.ErrNotTrusted, audit.ErrTampered, audit.ErrTorn}},
		{exitDenied, []error{errDenied, market.ErrNeedsConsent, market.ErrNotActive, runtime.ErrNotApproved}},
		{exitPlugin, []error{sandbox.ErrPlugin, pipeline.ErrPlugin, pipeline.ErrUnsettled, hostcall.ErrBudget}},
		{exitMissingKind, []error{runtime.ErrMissingKind}},
		{exitConflict, []error{pipeline.ErrConflict, kv.ErrChanged, runtime.ErrConflict}},
		{exitNotHealthy, []error{runtime.ErrNotHealthy}},
		{exitInvalid, []error{
			resource.ErrInvalid, pipeline.ErrNotFound, pack.ErrBuild, hostcall.ErrNotRecorded,
			runtime.ErrInvalid, runtime.ErrNotFound, runtime.ErrDamaged,
		}},
	}
	for _, rule := range rules {
		if slices.ContainsFunc(rule.kinds, func(kind error) bool { return errors.Is(err, kind) }) {
			return rule.code
		}
	}
	if errors.As(err, &usage) {
		return exitUsage
	}
	return exitInternal
}

// finish reports how a command ended.
func (a *app) finish(ctx context.Context, err error) int {
	switch {
	case err == nil:
		return exitDone
	case ctx.Err() != nil:
		fmt.Fprintln(a.stderr, "interrupted")
		return exitInterrupted
	case !a.started:
		err = &usageError{err}
	}
	printErrors(a.stderr, err)
	return exitCode(err)
}

// printErrors prints every reason in err, sorted and each once. Reasons of several lines, such as a compiler's, stay
// together.
func printErrors(w io.Writer, err error) {
	reasons := reasonsOf(err)
	slices.SortStableFunc(reasons, compareNatural)
	for _, reason := range slices.Compact(reasons) {
		for line := range strings.Lines(reason) {
			fmt.Fprintln(w, printable(strings.TrimRight(line, "\r\n")))
		}
	}
}

// reasonsOf returns the text of each error that was joined into err.
func reasonsOf(err error) []string {
	inner := parts(err)
	if inner == nil {
		return []string{err.Error()}
	}
	var reasons []string
	for _, e := range inner {
		reasons = append(reasons, reasonsOf(e)...)
	}
	return reasons
}

// parts returns the errors that err is nothing but a list of, or nil. An error that has several causes but a text of its
// own is no list.
func parts(err error) []error {
	var joined interface{ Unwrap() []error }
	if errors.As(err, &joined) && isList(err, joined.Unwrap()) {
		return joined.Unwrap()
	}
	var problems resource.Problems
	if !errors.As(err, &problems) {
		return nil
	}
	list := make([]error, len(problems))
	for i, p := range problems {
		list[i] = p
	}
	if !isList(err, list) {
		return nil
	}
	return list
}

func isList(err error, of []error) bool {
	texts := make([]string, len(of))
	for i, e := range of {
		texts[i] = e.Error()
	}
	return strings.Join(texts, "\n") == err.Error()
}
