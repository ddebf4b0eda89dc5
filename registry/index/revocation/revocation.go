// Package revocation reads and writes revocations.json: what must not run any more.
//
//	{"version": 1, "revoked": [{"plugin": "acme/web", "versions": ["1.2.0"], "reason": "leaks tokens", "since": "2026-03-01T12:00:00Z"}]}
//
// Each entry names one thing: a module by its digest, a plugin with all of its versions, some, or a
// range, a key, or a publisher. The document is a target of the index that offline keys sign. That
// a release was yanked, which only keeps it from being chosen, is not said here.
package revocation

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/latticenet/lattice-host/abi"
	"github.com/latticenet/lattice-host/registry/internal/check"
	"github.com/latticenet/lattice-host/registry/internal/strictjson"
	"github.com/latticenet/lattice-host/registry/release"
	"github.com/latticenet/lattice-host/registry/versions"
)

// FormatVersion is the value of [List.Version].
const FormatVersion = 1

// MaxBytes is the largest document: some ten thousand entries.
const MaxBytes = 4 << 20

// maxReasonBytes bounds the reason of an entry.
const maxReasonBytes = 500

// List is the whole document.
type List struct {
	// Version is [FormatVersion].
	Version int `json:"version"`
	// Revoked are sorted as they are written, each once.
	Revoked []Entry `json:"revoked"`
}

// Entry revokes one thing: exactly one of Digest, Plugin, KeyID and Publisher is there.
type Entry struct {
	// Digest is that of a module, in the form of release.Digest.
	Digest string `json:"digest,omitempty"`
	// Plugin is publisher/name.
	Plugin string `json:"plugin,omitempty"`
	// Versions are those of the plugin that are revoked, sorted; without them, all are.
	Versions []string `json:"versions,omitempty"`
	// Range is one of versions of the plugin, instead of Versions: all that versions.Range.Covers,
	// prereleases with it.
	Range string `json:"range,omitempty"`
	// KeyID is the id of a publisher's key, in the form of release.KeyID. Its signatures do not
	// count: what too few other keys signed is revoked.
	KeyID string `json:"keyId,omitempty"`
	// Publisher is the id of a publisher, all of whose plugins are revoked.
	Publisher string `json:"publisher,omitempty"`
	// Severity is one of [Severities], or empty. It is shown; what is revoked is so whatever the
	// severity.
	Severity string `json:"severity,omitempty"`
	// Reason is one line for people.
	Reason string `json:"reason"`
	// Since is when it was revoked, in RFC 3339 ending in Z, to the second. It is shown; what is
	// revoked is so whatever the clock says.
	Since string `json:"since"`
}

// Release is what is asked about.
type Release struct {
	// Publisher, Name and Version are those of the manifest.
	Publisher, Name, Version string
	// Digest is that of the module.
	Digest string
	// Signers are the ids of the keys whose signatures were verified, or that are claimed to have
	// signed, each once.
	Signers []string
	// Threshold is how many of them must sign; less than 1 means 1.
	Threshold int
}

// Reference returns publisher/name@version.
func (r Release) Reference() string { return r.Publisher + "/" + r.Name + "@" + r.Version }

// Severities returns what [Entry.Severity] may say, the least first.
func Severities() []string { return []string{"low", "medium", "high", "critical"} }

// New returns a list that revokes nothing.
func New() *List { return &List{Version: FormatVersion, Revoked: []Entry{}} }

// Parse reads the document strictly: unknown, double or missing keys, values outside their grammar
// and entries out of order are errors.
func Parse(data []byte) (*List, error) {
	var l List
	return &l, strictjson.DecodeChecked(data, MaxBytes, &l, l.check)
}

// Encode returns the document. Equal lists give equal bytes.
func (l *List) Encode() ([]byte, error) { return strictjson.EncodeChecked(l, l.check) }

// Add puts an entry into the list. One that is there already, its reason and date aside, is an
// error.
func (l *List) Add(e Entry) error {
	if err := e.check(); err != nil {
		return err
	}
	i, found := slices.BinarySearchFunc(l.Revoked, e, compare)
	if found {
		return fmt.Errorf("%s: is revoked since %s", e.Subject(), l.Revoked[i].Since)
	}
	l.Revoked = slices.Insert(l.Revoked, i, e)
	return nil
}

// Remove takes the entry with a subject out of the list.
func (l *List) Remove(subject string) error {
	before := len(l.Revoked)
	l.Revoked = slices.DeleteFunc(l.Revoked, func(e Entry) bool { return e.Subject() == subject })
	if len(l.Revoked) == before {
		return fmt.Errorf("%s: is not revoked", subject)
	}
	return nil
}

// Find returns the first entry that revokes a release, or nil.
func (l *List) Find(r Release) *Entry {
	enough := l.Counting(r) >= max(r.Threshold, 1)
	i := slices.IndexFunc(l.Revoked, func(e Entry) bool { return e.covers(r) && (e.KeyID == "" || !enough) })
	if i < 0 {
		return nil
	}
	return &l.Revoked[i]
}

// Counting returns how many of the signers of a release are not revoked.
func (l *List) Counting(r Release) int {
	n := 0
	for _, id := range r.Signers {
		if !slices.ContainsFunc(l.Revoked, func(e Entry) bool { return e.KeyID == id }) {
			n++
		}
	}
	return n
}

// NamesKeys reports whether some entry revokes a key.
func (l *List) NamesKeys() bool {
	return slices.ContainsFunc(l.Revoked, func(e Entry) bool { return e.KeyID != "" })
}

// covers compares what the entry names only: an empty field is not a wildcard.
func (e *Entry) covers(r Release) bool {
	switch {
	case e.Digest != "":
		return e.Digest == r.Digest
	case e.Plugin != "":
		return e.Plugin == r.Publisher+"/"+r.Name && e.HasVersion(r.Version)
	case e.KeyID != "":
		return slices.Contains(r.Signers, e.KeyID)
	}
	return e.Publisher == r.Publisher
}

// HasVersion reports whether an entry that names a plugin revokes a version of it.
func (e *Entry) HasVersion(version string) bool {
	if e.Range == "" {
		return len(e.Versions) == 0 || slices.Contains(e.Versions, version)
	}
	ranged, err := versions.Parse(e.Range)
	// A range that cannot be read does not come out of Parse. It lets nothing run.
	return err != nil || ranged.Covers(version)
}

// Subject says what the entry revokes.
func (e *Entry) Subject() string {
	switch {
	case e.Digest != "":
		return e.Digest
	case e.Plugin != "" && len(e.Versions) > 0:
		return e.Plugin + "@" + strings.Join(e.Versions, ",")
	case e.Range != "":
		return e.Plugin + "@" + e.Range
	case e.Plugin != "":
		return e.Plugin
	case e.KeyID != "":
		return "key " + e.KeyID
	}
	return "publisher " + e.Publisher
}

func compare(a, b Entry) int { return strings.Compare(a.Subject(), b.Subject()) }

func (l *List) check() error {
	if err := check.Version(l.Version, FormatVersion); err != nil {
		return err
	}
	if l.Revoked == nil {
		return errors.New("revoked: must be an array")
	}
	return check.Sorted("revoked", l.Revoked, func(e Entry) string { return e.Subject() }, func(e Entry) error { return e.check() })
}

func (e *Entry) check() error {
	named := 0
	for _, field := range []string{e.Digest, e.Plugin, e.KeyID, e.Publisher} {
		if field != "" {
			named++
		}
	}
	publisher, name, _ := strings.Cut(e.Plugin, "/")
	switch {
	case named != 1:
		return fmt.Errorf("digest: exactly one of digest, plugin, keyId and publisher must be there, %d are", named)
	case e.Digest != "" && !release.ValidDigest(e.Digest):
		return badValue("digest", e.Digest, "sha256: and 64 lower-case hexadecimal digits")
	case e.Plugin != "" && (!abi.ValidName(publisher) || !abi.ValidName(name)):
		return badValue("plugin", e.Plugin, "publisher/name")
	case e.KeyID != "" && !validKeyID(e.KeyID):
		return badValue("keyId", e.KeyID, "ed25519- and 16 lower-case hexadecimal digits")
	case e.Publisher != "" && !abi.ValidName(e.Publisher):
		return badValue("publisher", e.Publisher, "lower-case letters, digits and single hyphens, at most 40")
	case e.Severity != "" && !slices.Contains(Severities(), e.Severity):
		return badValue("severity", e.Severity, "one of "+strings.Join(Severities(), ", "))
	}
	if err := check.OneLine("reason", e.Reason, maxReasonBytes); err != nil {
		return err
	}
	if _, err := check.Date("since", e.Since); err != nil {
		return err
	}
	return e.checkVersions()
}

func (e *Entry) checkVersions() error {
	switch {
	case e.Plugin == "" && (len(e.Versions) > 0 || e.Range != ""):
		return errors.New("versions: belong to a plugin, and so does a range")
	case len(e.Versions) > 0 && e.Range != "":
		return errors.New("range: either versions or a range, not both")
	}
	for i, v := range e.Versions {
		if !abi.ValidVersion(v) || i > 0 && e.Versions[i-1] >= v {
			return badValue("versions."+strconv.Itoa(i), v, "a version such as 1.2.0, once and in order")
		}
	}
	if e.Range == "" {
		return nil
	}
	if _, err := versions.Parse(e.Range); err != nil {
		return fmt.Errorf("range: %w", err)
	}
	if abi.ValidVersion(e.Range) {
		return badValue("range", e.Range, "no single version, versions has those")
	}
	return nil
}

// validKeyID reports whether s has the form of release.KeyID.
func validKeyID(s string) bool {
	digits, ok := strings.CutPrefix(s, "ed25519-")
	return ok && len(digits) == 16 && strings.Trim(digits, "0123456789abcdef") == ""
}

func badValue(field, value, rule string) error {
	return fmt.Errorf("%s: %q must be %s", field, value, rule)
}
