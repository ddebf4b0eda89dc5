package pipeline

import (
	"context"
	"strconv"
	"strings"
	"unicode"

	"github.com/latticenet/lattice-host/abi"
	"github.com/latticenet/lattice-host/abi/contract"
	"github.com/latticenet/lattice-host/internal/problem"
)

var (
	// ErrConflict marks two steps that want one object or one field differently.
	ErrConflict = problem.New(problem.Conflict, "conflict between steps")
	// ErrPlugin marks an answer of a plugin that breaks the contract.
	ErrPlugin = problem.New(problem.Plugin, "bad answer of a plugin")
	// ErrUnsettled marks requirements that still changed in the last round.
	ErrUnsettled = problem.New(problem.Plugin, "requirements did not settle")
)

// badAnswer says how an answer of a plugin breaks the contract.
func badAnswer(text string) error { return problem.Problem{Cause: ErrPlugin, Message: text} }

func conflict(text string) error { return problem.Problem{Cause: ErrConflict, Message: text} }

// answerError is a rule of the contract that an answer breaks. It matches [ErrPlugin], and
// errors.As finds the problem.
type answerError struct{ problem *contract.Problem }

func (e *answerError) Error() string        { return e.problem.Message }
func (e *answerError) Unwrap() error        { return e.problem }
func (e *answerError) Is(target error) bool { return target == ErrPlugin || target == problem.Plugin }
func (e *answerError) Code() problem.Code   { return problem.Plugin }

// stepText names a step and its exact plugin.
func stepText(step, plugin, version, digest string) string {
	text := "step " + step + " (" + plugin + "@" + version
	if digest != "" {
		text += " " + problem.ShortDigest(digest)
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

// quoted puts text from outside in quotes, shortened.
func quoted(s string) string { return strconv.Quote(bounded(s, 80)) }

// maxMessage bounds one message of a plugin, in bytes, so that a terminal stays readable.
const maxMessage = 2000

// oneLine makes text from outside safe for a terminal and for one line, and bounds it.
func oneLine(s string) string { return bounded(printable(strings.TrimSpace(s)), maxMessage) }

// printable replaces what is not a printable character by a space, so that text from outside cannot
// break a line or colour a terminal.
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

// reasons joins everything that is wrong. A cancelled context is the only reason when there is one,
// as it is the cause of all others.
func reasons(ctx context.Context, errs []error) error {
	if err := ctx.Err(); err != nil {
		return context.Cause(ctx)
	}
	return problem.Join(errs...)
}
