package audit

import (
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"time"

	"github.com/latticenet/lattice-host/host/gate"
	"github.com/latticenet/lattice-host/internal/exactjson"
)

// MaxLineBytes is the longest line of a log, with its line break.
const MaxLineBytes = 1 << 20

// The kinds of lines that the log writes itself, and that of decisions.
const (
	KindDecision   = "decision"
	KindCheckpoint = "checkpoint"
	KindRecovered  = "recovered"
	KindPruned     = "pruned"
)

// Event is something to be noted.
type Event struct {
	// Kind says what happened, such as decision or plugin.installed: lower-case letters, digits,
	// dots and hyphens.
	Kind string
	// Data is what is known about it, an object in JSON without secrets.
	Data any
	// policyDigest names the policies of a decision.
	policyDigest string
}

// Decision returns the event for what a gate decided.
func Decision(d *gate.Decision) Event {
	return Event{Kind: KindDecision, Data: d, policyDigest: d.PolicyDigest}
}

// Recovered is the data of an event of kind recovered: what followed the head of the log and was
// moved away.
type Recovered struct {
	// File is the name of the file next to the log that has it, Bytes its size, Digest the SHA-256.
	File   string `json:"file"`
	Bytes  int64  `json:"bytes"`
	Digest string `json:"digest"`
}

// Pruned is the data of an event of kind pruned: which lines were removed on purpose, see
// [Log.Prune].
type Pruned struct {
	// Position is the last of them.
	Position
	// Files are the names of the segments that had them.
	Files []string `json:"files"`
	// User is who removed them.
	User string `json:"user"`
}

// Entry is one line of a log.
type Entry struct {
	Data json.RawMessage `json:"data"`
	Kind string          `json:"kind"`
	// Prev is the SHA-256 of the line before without its line break; empty in the first line.
	Prev string `json:"prev"`
	// Seq is the number of the line, from 1.
	Seq int64 `json:"seq"`
	// Time is when it was written, in UTC.
	Time time.Time `json:"time"`
}

var kindForm = regexp.MustCompile(`^[a-z][a-z0-9]*([.-][a-z0-9]+)*$`)

const maxKindBytes = 64

// check returns what is wrong with an event that is to be noted.
func (e *Event) check() error {
	switch {
	case len(e.Kind) > maxKindBytes || !kindForm.MatchString(e.Kind):
		return fmt.Errorf("%.80q is not the kind of an event; use lower-case words, with dots or hyphens between them", e.Kind)
	case e.Kind == KindCheckpoint || e.Kind == KindRecovered || e.Kind == KindPruned:
		return errors.New("events of kind " + e.Kind + " are written by the log itself")
	}
	return nil
}

// encode returns the line for an entry, without a line break.
func (e *Entry) encode() ([]byte, error) {
	line, err := exactjson.Marshal(e)
	if err != nil {
		return nil, err
	}
	if len(line) >= MaxLineBytes {
		return nil, fmt.Errorf("an event of kind %s makes a line of %d bytes, the limit is %d", e.Kind, len(line)+1, MaxLineBytes)
	}
	return line, nil
}

// parseEntry reads a line without its line break.
func parseEntry(line []byte) (*Entry, error) {
	e := new(Entry)
	if err := exactjson.Unmarshal(line, MaxLineBytes-1, e); err != nil {
		return nil, err
	}
	if e.Seq < 1 || e.Time.Location() != time.UTC || !kindForm.MatchString(e.Kind) || len(e.Data) == 0 || e.Data[0] != '{' {
		return nil, errors.New("its number, time, kind or data is not that of a line")
	}
	return e, nil
}
