package tuf

import (
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/latticenet/lattice-host/registry/internal/strictjson"
)

// MaxNoteBytes bounds what a role says about a release.
const MaxNoteBytes = 4096

// maxLineBytes bounds what people read.
const maxLineBytes = 500

// Note is what the role releases says about a release, as the custom JSON of its target.
type Note struct {
	// Yanked is there when the release should not be chosen any more. What runs it keeps running
	// it.
	Yanked *Yanked `json:"yanked,omitempty"`
	// Deprecated is there when the release is still chosen and there is something that people
	// should know.
	Deprecated *Deprecated `json:"deprecated,omitempty"`
}

// Yanked says why a release was taken back.
type Yanked struct {
	// Reason is one line for people.
	Reason string `json:"reason"`
}

// Deprecated says why a release should be left.
type Deprecated struct {
	// Reason is one line for people.
	Reason string `json:"reason"`
	// Replacement is what to use in its place: one line for people, such as acme/gateway or
	// acme/web@2.0.0.
	Replacement string `json:"replacement,omitempty"`
}

// Note returns what is said about a release. The error is [ErrMalformed] when it is not in the form
// of a [Note].
func (t *Target) Note() (Note, error) {
	note, err := ParseNote(t.Custom)
	if err != nil {
		return Note{}, malformed(t.Role, "%s: custom: %v", t.Name, err)
	}
	return note, nil
}

// ParseNote reads the custom JSON of a target strictly. Without any, nothing is said.
func ParseNote(custom []byte) (Note, error) {
	var note Note
	if custom == nil {
		return note, nil
	}
	if err := strictjson.Decode(custom, MaxNoteBytes, &note); err != nil {
		return Note{}, err
	}
	if err := note.check(); err != nil {
		return Note{}, err
	}
	return note, nil
}

// Encode returns the note as the custom JSON of a target, nil when it says nothing.
func (n Note) Encode() ([]byte, error) {
	if n == (Note{}) {
		return nil, nil
	}
	if err := n.check(); err != nil {
		return nil, err
	}
	return strictjson.Marshal(n)
}

// Equal reports whether two notes say the same.
func (n Note) Equal(o Note) bool {
	return equal(n.Yanked, o.Yanked) && equal(n.Deprecated, o.Deprecated)
}

func equal[T comparable](a, b *T) bool { return a == b || a != nil && b != nil && *a == *b }

func (n Note) check() error {
	if y := n.Yanked; y != nil && !oneLine(y.Reason) {
		return badLine("yanked.reason")
	}
	d := n.Deprecated
	switch {
	case d != nil && !oneLine(d.Reason):
		return badLine("deprecated.reason")
	case d != nil && d.Replacement != "" && !oneLine(d.Replacement):
		return badLine("deprecated.replacement")
	}
	return nil
}

// oneLine reports whether s can be shown on a terminal as it is.
func oneLine(s string) bool {
	return s != "" && len(s) <= maxLineBytes && utf8.ValidString(s) && !strings.ContainsFunc(s, unicode.IsControl)
}

func badLine(field string) error {
	return fmt.Errorf("%s: must be one line of 1 to %d bytes", field, maxLineBytes)
}
