package pipeline

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"strconv"
	"strings"
	"unicode"

	"github.com/latticenet/lattice-host/abi"
	"github.com/latticenet/lattice-host/abi/contract"
	"github.com/latticenet/lattice-host/host/resource"
)

var (
	// ErrConflict marks two steps that want one object or one field differently.
	ErrConflict = errors.New("conflict between steps")
	// ErrPlugin marks an answer of a plugin that breaks the contract.
	ErrPlugin = errors.New("bad answer of a plugin")
	// ErrUnsettled marks requirements that still changed in the last round.
	ErrUnsettled = errors.New("requirements did not settle")
)

// StepError says which step went wrong, and where.
type StepError struct {
	// Position is where the resource stands in the user's file, when it is known.
	Position resource.Position
	// Resource is the document that the step derived from.
	Resource abi.Ref
	// Pipeline and Step name the step.
	Pipeline string
	Step     string
	// Plugin is publisher/name, Version its version, Digest the digest of its module.
	Plugin  string
	Version string
	Digest  string
	// Object is the output that the error is about; empty when it is about none.
	Object abi.Ref
	// Path is the field of Object, or of the answer when there is no Object.
	Path string
	// Err is what went wrong.
	Err error
}

// Error returns one line: file:line:column, the resource, the step, the object, the field and what is wrong.
func (e *StepError) Error() string {
	parts := make([]string, 0, 6)
	if e.Position.File != "" {
		parts = append(parts, e.Position.String())
	}
	parts = append(parts, objectText(e.Resource), stepText(e.Step, e.Plugin, e.Version, e.Digest))
	if e.Object != (abi.Ref{}) {
		parts = append(parts, e.Object.String())
	}
	if e.Path != "" {
		parts = append(parts, e.Path)
	}
	return printable(strings.Join(append(parts, oneLine(e.Err.Error())), ": "))
}

// Unwrap returns the cause.
func (e *StepError) Unwrap() error { return e.Err }

// markedError is an error text that belongs to one of the sentinels without repeating it.
type markedError struct {
	kind error
	text string
}

func (m *markedError) Error() string { return m.text }
func (m *markedError) Unwrap() error { return m.kind }

func badAnswer(text string) error { return &markedError{ErrPlugin, text} }

// answerError is a rule of the contract that an answer breaks. It matches [ErrPlugin], and errors.As finds the problem.
type answerError struct{ problem *contract.Problem }

func (e *answerError) Error() string        { return e.problem.Message }
func (e *answerError) Unwrap() error        { return e.problem }
func (e *answerError) Is(target error) bool { return target == ErrPlugin }

func conflict(text string) error { return &markedError{ErrConflict, text} }

// stepText names a step and the exact plugin behind it.
func stepText(step, plugin, version, digest string) string {
	text := "step " + step + " (" + plugin + "@" + version
	if digest != "" {
		text += " " + shortDigest(digest)
	}
	return text + ")"
}

// objectText names a user's document as package resource does.
func objectText(r abi.Ref) string {
	if r.Namespace == "" {
		return r.Kind + " " + r.Name
	}
	return r.Kind + " " + r.Namespace + "/" + r.Name
}

// shortDigest keeps enough of a digest to recognise it.
func shortDigest(digest string) string {
	const kept = len("sha256:") + 12
	if len(digest) > kept {
		return digest[:kept]
	}
	return digest
}

// quoted puts text from outside in quotes, shortened.
func quoted(s string) string { return strconv.Quote(bounded(s, 80)) }

// maxMessage bounds one message of a plugin, in bytes, so that a terminal stays readable.
const maxMessage = 2000

// oneLine makes text from outside safe for a terminal and for one line, and bounds it.
func oneLine(s string) string { return bounded(printable(strings.TrimSpace(s)), maxMessage) }

// printable replaces what is not a printable character by a space, so that text from outside cannot break a line or
// colour a terminal.
func printable(s string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsPrint(r) {
			return r
		}
		return ' '
	}, s)
}

// bounded cuts s to at most limit bytes, at a character's boundary.
func bounded(s string, limit int) string {
	if len(s) <= limit {
		return s
	}
	return strings.ToValidUTF8(s[:limit], "") + "…"
}

// reasons joins everything that is wrong: first the problems of the user's documents by position, then the rest by
// text, each once. A cancelled context is the only reason when there is one, as it is behind all others.
func reasons(ctx context.Context, errs []error) error {
	if err := ctx.Err(); err != nil {
		return context.Cause(ctx)
	}
	var problems resource.Problems
	var others []error
	for _, err := range errs {
		flatten(err, &problems, &others)
	}
	slices.SortFunc(problems, compareProblems)
	problems = slices.Compact(problems)
	slices.SortStableFunc(others, func(a, b error) int { return strings.Compare(a.Error(), b.Error()) })
	others = slices.CompactFunc(others, func(a, b error) bool { return a.Error() == b.Error() })
	if len(problems) > 0 {
		others = slices.Insert(others, 0, error(problems))
	}
	if len(others) == 1 {
		return others[0]
	}
	return errors.Join(others...)
}

func flatten(err error, problems *resource.Problems, others *[]error) {
	switch e := err.(type) { //nolint:errorlint // the tree of errors is walked here, node by node
	case nil:
	case resource.Problem:
		*problems = append(*problems, e)
	case resource.Problems:
		*problems = append(*problems, e...)
	case interface{ Unwrap() []error }:
		for _, inner := range e.Unwrap() {
			flatten(inner, problems, others)
		}
	default:
		*others = append(*others, err)
	}
}

func compareProblems(a, b resource.Problem) int {
	return cmp.Or(
		strings.Compare(a.File, b.File),
		cmp.Compare(a.Line, b.Line),
		cmp.Compare(a.Column, b.Column),
		strings.Compare(a.Object, b.Object),
		strings.Compare(a.Field, b.Field),
		strings.Compare(a.Message, b.Message),
	)
}
