// Package kind is the form of a row in the table of kinds: what a document of a kind may say, and
// everything that follows from it without looking at any document. Rows come from Go types of the
// host and from the manifests of plugins.
//
// What is checked here is checked at the first door: when a plugin is built, signed, indexed and
// installed, and when the host reads its table.
package kind

import (
	"errors"
	"strings"
)

// ErrInvalid marks a definition of a kind that cannot be used.
var ErrInvalid = errors.New("the definition of a kind is not valid")

var errNotObject = errors.New("must be an object")

// invalid marks problems with [ErrInvalid] without changing their text.
type invalid struct{ problems []error }

func (e *invalid) Error() string {
	texts := make([]string, len(e.problems))
	for i, p := range e.problems {
		texts[i] = p.Error()
	}
	return strings.Join(texts, "\n")
}

func (e *invalid) Is(target error) bool { return target == ErrInvalid }

func (e *invalid) Unwrap() []error { return e.problems }

// joined returns problems as one error, one line each, or nil.
func joined(problems []error) error {
	if len(problems) == 0 {
		return nil
	}
	return &invalid{problems}
}
