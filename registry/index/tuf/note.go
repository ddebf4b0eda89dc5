package tuf

import "github.com/latticenet/lattice-host/registry/internal/strictjson"

// MaxNoteBytes bounds what a role says beside a release.
const MaxNoteBytes = 4096

// Note is what the role releases says beside a release, as the custom JSON of its target.
type Note struct {
	// Yanked is there when the release should not be chosen any more. What runs it keeps running it.
	Yanked *Yanked `json:"yanked,omitempty"`
}

// Yanked says why a release was taken back.
type Yanked struct {
	// Reason is one line for people.
	Reason string `json:"reason"`
}

// Note returns what is said beside a release. The error is [ErrMalformed] when it is not in the form of a [Note].
func (t *Target) Note() (Note, error) {
	var note Note
	if t.Custom == nil {
		return note, nil
	}
	if err := strictjson.Decode(t.Custom, MaxNoteBytes, &note); err != nil {
		return Note{}, malformed(t.Role, "%s: custom: %v", t.Name, err)
	}
	return note, nil
}
