package problem

import (
	"cmp"
	"encoding/json"
	"errors"
	"reflect"
	"slices"
	"strings"
)

// Severity is how bad a problem is.
type Severity string

// The severities. Only an error makes a run fail.
const (
	Error   Severity = "error"
	Warning Severity = "warning"
	Info    Severity = "info"
)

// Problem is one thing that is wrong. Parts that are not known are empty.
type Problem struct {
	// Code is what kind of problem it is. Empty, it is that of Cause, or [Invalid].
	Code Code `json:"code"`
	// Severity is empty for [Error].
	Severity Severity `json:"severity"`
	// Position is where to look; unknown for documents that were derived.
	Position
	// Object is the kind, namespace and name of the document, such as "LatticeService
	// media/jellyfin".
	Object string `json:"object,omitempty"`
	// Field is the path of the field, with dots, such as spec.workload.containers.main.image.
	Field string `json:"field,omitempty"`
	// Step is the step of a pipeline, Plugin the release that it calls: publisher/name@version.
	Step   string `json:"step,omitempty"`
	Plugin string `json:"plugin,omitempty"`
	// Digest is the SHA-256 of the plugin's module.
	Digest string `json:"digest,omitempty"`
	// Message says what is wrong. Hint says what to do, where the message does not.
	Message string `json:"message"`
	Hint    string `json:"hint,omitempty"`
	// Cause is what errors.Is and errors.As find; it is not shown.
	Cause error `json:"-"`

	// verbatim keeps the line breaks of the message, such as those of a compiler.
	verbatim bool
}

// Error returns one line: file:line:column: object: field: message; hint. Characters that would
// disturb a terminal are escaped.
func (p Problem) Error() string {
	parts := []string{p.String(), p.Object, p.step(), p.Field}
	shown := parts[:0]
	for _, part := range parts {
		if part != "" {
			shown = append(shown, Printable(part))
		}
	}
	text := p.Message
	if p.Hint != "" {
		text += "; " + p.Hint
	}
	if !p.verbatim {
		text = Printable(text)
	}
	return strings.Join(append(shown, text), ": ")
}

// step names the step and the plugin that it calls.
func (p Problem) step() string {
	plugin := p.Plugin
	if p.Digest != "" {
		plugin += " " + ShortDigest(p.Digest)
	}
	switch {
	case p.Step == "" && plugin == "":
		return ""
	case p.Step == "":
		return "plugin " + plugin
	case plugin == "":
		return "step " + p.Step
	}
	return "step " + p.Step + " (" + plugin + ")"
}

// Is makes a Problem match its code.
func (p Problem) Is(target error) bool { return target == p.effective() }

// Unwrap returns the cause.
func (p Problem) Unwrap() error { return p.Cause }

func (p Problem) effective() Code {
	switch {
	case p.Code != "":
		return p.Code
	case codeIn(p.Cause) != "":
		return codeIn(p.Cause)
	}
	return Invalid
}

// MarshalJSON writes the form that docs/json.md describes.
func (p Problem) MarshalJSON() ([]byte, error) {
	type plain Problem
	p.Code = p.effective()
	if p.Severity == "" {
		p.Severity = Error
	}
	return json.Marshal(plain(p))
}

// List is one or more problems. As an error it is sorted and has each once, see [List.Err].
type List []Problem

// Error returns the problems, one a line.
func (l List) Error() string {
	lines := make([]string, len(l))
	for i, p := range l {
		lines[i] = p.Error()
	}
	return strings.Join(lines, "\n")
}

// Unwrap returns the problems, for errors.Is and errors.As.
func (l List) Unwrap() []error {
	errs := make([]error, len(l))
	for i, p := range l {
		errs[i] = p
	}
	return errs
}

// Code returns the code that decides, see [Codes].
func (l List) Code() Code {
	var code Code
	for _, p := range l {
		code = stronger(code, p.effective())
	}
	return code
}

// Err returns the problems sorted by place and text, each once, or nil for an empty list.
func (l List) Err() error {
	if len(l) == 0 {
		return nil
	}
	return l.sorted()
}

func (l List) sorted() List {
	type line struct {
		text string
		Problem
	}
	lines := make([]line, len(l))
	for i, p := range l {
		lines[i] = line{p.Error(), p}
	}
	slices.SortStableFunc(lines, func(a, b line) int {
		return cmp.Or(
			CompareNatural(a.File, b.File), cmp.Compare(a.Line, b.Line), cmp.Compare(a.Column, b.Column), CompareNatural(a.text, b.text),
		)
	})
	lines = slices.CompactFunc(lines, func(a, b line) bool { return a.text == b.text })
	sorted := make(List, len(lines))
	for i := range lines {
		sorted[i] = lines[i].Problem
	}
	return sorted
}

// Join returns the problems of all errors as a [List], sorted and each once; nil when every error
// is nil.
func Join(errs ...error) error {
	var all List
	for _, err := range errs {
		all = append(all, From(err)...)
	}
	return all.Err()
}

// From returns the problems in err: those of a list, of what errors.Join joined, and of an error
// that has a method AsProblem() [Problem]; any other error is one problem with its text. It is
// empty for nil. Every problem has its code.
func From(err error) List {
	switch e := err.(type) { //nolint:errorlint // the tree of errors is walked here, node by node
	case nil:
		return nil
	case Problem:
		e.Code = e.effective()
		return List{e}
	case List:
		all := slices.Clone(e)
		for i := range all {
			all[i].Code = all[i].effective()
		}
		return all
	case interface{ AsProblem() Problem }:
		p := e.AsProblem()
		p.Cause = err
		return From(p)
	case *marked:
		return From(e.err).with(e.mark)
	}
	if reflect.TypeOf(err) == joined {
		var all List
		for _, inner := range err.(interface{ Unwrap() []error }).Unwrap() {
			all = append(all, From(inner)...)
		}
		return all
	}
	return List{{Code: CodeOf(err), Message: err.Error(), Cause: err, verbatim: true}}
}

// joined is the type of what errors.Join returns. It says nothing of its own, so that only its
// parts are reported.
var joined = reflect.TypeOf(errors.Join(errors.ErrUnsupported))

// with marks the problems, see [With]. A code that an error without one got for want of a better is
// dropped.
func (l List) with(mark error) List {
	for i, p := range l {
		if p.Code == Internal {
			p.Code = ""
		}
		p.Cause = &marked{mark, cmp.Or(p.Cause, errNone)}
		p.Code = stronger(p.Code, CodeOf(p.Cause))
		l[i] = p
	}
	return l
}

// errNone is the cause of a problem that has none.
var errNone = errors.New("no cause")
