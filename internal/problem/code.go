package problem

import (
	"errors"
	"fmt"
	"slices"
)

// Code says what kind of problem something is. It is an error, so that errors.Is(err,
// problem.Invalid) asks whether err has this code somewhere.
type Code string

// The codes. The list is closed: an exit code and a line in docs/json.md belong to each.
const (
	// Internal is a fault of the program or of the machine.
	Internal Code = "internal"
	// Usage is a command line that the program does not understand.
	Usage Code = "usage"
	// Invalid is input that is wrong: a file, a document, a name.
	Invalid Code = "invalid"
	// Denied is what a policy, a missing consent or a disabled plugin does not let pass.
	Denied Code = "denied"
	// Untrusted is a signature, a digest, a lock, an index or an audit log that is wrong.
	Untrusted Code = "untrusted"
	// MissingKind is a kind that the target does not know.
	MissingKind Code = "missing-kind"
	// Conflict is two sides that want one thing differently, or a change by somebody else.
	Conflict Code = "conflict"
	// Unhealthy is what was applied and is missing, changed or not healthy in time.
	Unhealthy Code = "unhealthy"
	// Plugin is a plugin that failed: trap, fuel, time, memory or a bad answer.
	Plugin Code = "plugin"
	// Unreachable is a server that does not answer, or answers that it cannot; trying again may
	// help.
	Unreachable Code = "unreachable"
	// Interrupted is a run that the user ended.
	Interrupted Code = "interrupted"
)

// codes are all codes with their exit codes. When several apply to one run, the first in this order
// is the exit code.
func codes() []struct {
	Code Code
	Exit int
} {
	return []struct {
		Code Code
		Exit int
	}{
		{Interrupted, 130},
		{Untrusted, 11},
		{Denied, 10},
		{Plugin, 15},
		{MissingKind, 12},
		{Conflict, 13},
		{Unhealthy, 14},
		{Unreachable, 16},
		{Invalid, 3},
		{Usage, 2},
		{Internal, 1},
	}
}

// Codes returns all codes, in the order in which they decide the exit code of a run with several.
func Codes() []Code {
	var all []Code
	for _, c := range codes() {
		all = append(all, c.Code)
	}
	return all
}

// Error returns the code.
func (c Code) Error() string { return string(c) }

// Exit returns the exit code of the program for a code; that of [Internal] for one that is not in
// the list.
func (c Code) Exit() int {
	for _, known := range codes() {
		if known.Code == c {
			return known.Exit
		}
	}
	return Internal.Exit()
}

func (c Code) rank() int { return slices.Index(Codes(), c) }

// stronger returns the code that decides when both apply. The empty code is weaker than all.
func stronger(a, b Code) Code {
	switch {
	case a == "":
		return b
	case b == "" || a.rank() <= b.rank():
		return a
	}
	return b
}

// marked is an error that has a code or matches a sentinel, without a word about it in its text.
type marked struct{ mark, err error }

func (e *marked) Error() string   { return e.err.Error() }
func (e *marked) Unwrap() []error { return []error{e.mark, e.err} }

// New returns an error with a code, for sentinels.
func New(code Code, text string) error { return &marked{code, errors.New(text)} }

// With returns err with a mark, a [Code] or a sentinel, that errors.Is finds and that does not
// change the text; nil stays nil.
func With(mark, err error) error {
	if err == nil {
		return nil
	}
	return &marked{mark, err}
}

// Errorf is [With] and fmt.Errorf.
func Errorf(code Code, format string, args ...any) error {
	return &marked{code, fmt.Errorf(format, args...)}
}

// CodeOf returns the code that decides among those of err and of what it wraps; [Internal] when
// none has one, and the empty code for nil. An error of another package has a code when it has a
// method Code() [Code].
func CodeOf(err error) Code {
	if err == nil {
		return ""
	}
	if code := codeIn(err); code != "" {
		return code
	}
	return Internal
}

func codeIn(err error) Code {
	var code Code
	switch e := err.(type) { //nolint:errorlint // the tree of errors is walked here, node by node
	case nil:
		return ""
	case Code:
		return e
	case Problem:
		return stronger(e.effective(), codeIn(e.Cause))
	case interface{ Code() Code }:
		code = e.Code()
	}
	switch e := err.(type) { //nolint:errorlint // see above
	case interface{ Unwrap() error }:
		code = stronger(code, codeIn(e.Unwrap()))
	case interface{ Unwrap() []error }:
		for _, inner := range e.Unwrap() {
			code = stronger(code, codeIn(inner))
		}
	}
	return code
}
