// Package publisher reads and writes publishers.json: who may release plugins, and with which keys.
//
//	{"version": 1, "publishers": [{"id": "acme", "name": "Acme", "keys": [{"id": "ed25519-…", "publicKey": "…",
//	 "notBefore": "2026-01-01T00:00:00Z", "notAfter": "2027-01-01T00:00:00Z"}], "threshold": 1}]}
//
// The document is a target of the index that offline keys sign, so that anyone who runs the index
// from day to day can neither add a publisher nor a key.
package publisher

import (
	"cmp"
	"crypto/ed25519"
	"encoding/base64"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/latticenet/lattice-host/abi"
	"github.com/latticenet/lattice-host/registry/internal/check"
	"github.com/latticenet/lattice-host/registry/internal/strictjson"
	"github.com/latticenet/lattice-host/registry/release"
)

// FormatVersion is the value of [List.Version].
const FormatVersion = 1

// MaxBytes is the largest document: some ten thousand publishers.
const MaxBytes = 4 << 20

// maxKeys bounds the keys of one publisher.
const maxKeys = release.MaxSignatures

// maxNameBytes bounds the name of a publisher.
const maxNameBytes = 200

// List is the whole document.
type List struct {
	// Version is [FormatVersion].
	Version int `json:"version"`
	// Publishers are sorted by id, each once.
	Publishers []Publisher `json:"publishers"`
}

// Publisher may release plugins under its id.
type Publisher struct {
	// ID is what the publisher's manifests say.
	ID string `json:"id"`
	// Name is for people.
	Name string `json:"name"`
	// Keys are sorted by id.
	Keys []Key `json:"keys"`
	// Threshold is how many different ones of the keys must sign a release; 0, which is left out,
	// means 1.
	Threshold int `json:"threshold,omitempty"`
}

// Key is one key of a publisher.
type Key struct {
	// ID is the release.KeyID of the key.
	ID string `json:"id"`
	// PublicKey is the base64 of the 32 bytes of an Ed25519 key.
	PublicKey string `json:"publicKey"`
	// NotBefore and NotAfter bound when a release that the key signed may be installed, in RFC 3339
	// ending in Z; empty does not. What is installed runs on: a key that must not be believed any
	// more is revoked.
	NotBefore string `json:"notBefore,omitempty"`
	NotAfter  string `json:"notAfter,omitempty"`
}

// New returns a list without publishers.
func New() *List { return &List{Version: FormatVersion, Publishers: []Publisher{}} }

// NewKey returns the entry of a key. A zero time does not bound.
func NewKey(key release.PublicKey, notBefore, notAfter time.Time) Key {
	return Key{
		ID: key.ID, PublicKey: base64.StdEncoding.EncodeToString(key.Ed25519),
		NotBefore: date(notBefore), NotAfter: date(notAfter),
	}
}

func date(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format(check.DateLayout)
}

// Parse reads the document strictly: unknown, double or missing keys, values outside their grammar
// and entries out of order are errors.
func Parse(data []byte) (*List, error) {
	var l List
	return &l, strictjson.DecodeChecked(data, MaxBytes, &l, l.check)
}

// Encode returns the document. Equal lists give equal bytes.
func (l *List) Encode() ([]byte, error) { return strictjson.EncodeChecked(l, l.check) }

// Find returns the publisher with an id, or nil.
func (l *List) Find(id string) *Publisher {
	i, found := slices.BinarySearchFunc(l.Publishers, id, compareID)
	if !found {
		return nil
	}
	return &l.Publishers[i]
}

// Threshold returns how many keys of a publisher must sign a release: 1 for one that the list does
// not have.
func (l *List) Threshold(id string) int {
	if p := l.Find(id); p != nil {
		return p.signatures()
	}
	return 1
}

func (p *Publisher) signatures() int { return max(p.Threshold, 1) }

// HasKey reports whether a key is one of the publisher's.
func (p *Publisher) HasKey(id string) bool {
	return slices.ContainsFunc(p.Keys, func(k Key) bool { return k.ID == id })
}

// Rule returns who must have signed a release of a publisher that is installed at a time: those of
// its keys that are valid then. The zero time is any.
func (l *List) Rule(id string, at time.Time) (release.Rule, error) {
	p := l.Find(id)
	if p == nil {
		return release.Rule{}, fmt.Errorf("the index has no publisher %s", id)
	}
	r := release.Rule{Threshold: p.signatures(), Excluded: map[string]error{}}
	for _, k := range p.Keys {
		if !at.IsZero() && !k.Valid(at) {
			r.Excluded[k.ID] = &OutOfTimeError{k.NotBefore, k.NotAfter}
			continue
		}
		key, err := k.Key()
		if err != nil {
			return r, err
		}
		r.Keys = append(r.Keys, key)
	}
	return r, nil
}

// OutOfTimeError says that a key is not valid now: what it signed runs on, and is not installed.
type OutOfTimeError struct{ NotBefore, NotAfter string }

func (e *OutOfTimeError) Error() string {
	return "is valid from " + cmp.Or(e.NotBefore, "any time") + " to " + cmp.Or(e.NotAfter, "any time") + " only"
}

func compareID(p Publisher, id string) int { return strings.Compare(p.ID, id) }

// Set puts a publisher into the list, in place of the one with its id.
func (l *List) Set(p Publisher) error {
	p.Keys = slices.SortedFunc(slices.Values(p.Keys), func(a, b Key) int { return strings.Compare(a.ID, b.ID) })
	if err := p.check(); err != nil {
		return fmt.Errorf("%s: %w", p.ID, err)
	}
	i, found := slices.BinarySearchFunc(l.Publishers, p.ID, compareID)
	if found {
		l.Publishers[i] = p
		return nil
	}
	l.Publishers = slices.Insert(l.Publishers, i, p)
	return nil
}

// Remove takes a publisher out of the list.
func (l *List) Remove(id string) error {
	i, found := slices.BinarySearchFunc(l.Publishers, id, compareID)
	if !found {
		return fmt.Errorf("%s: not a publisher of the index", id)
	}
	l.Publishers = slices.Delete(l.Publishers, i, i+1)
	return nil
}

// Valid reports whether a release that the key signed may be installed at a time.
func (k Key) Valid(at time.Time) bool {
	before, errBefore := parseDate("notBefore", k.NotBefore)
	after, errAfter := parseDate("notAfter", k.NotAfter)
	switch {
	case errBefore != nil || errAfter != nil:
		return false
	case k.NotBefore != "" && at.Before(before):
		return false
	}
	return k.NotAfter == "" || !at.After(after)
}

// Key returns the key itself.
func (k Key) Key() (release.PublicKey, error) {
	raw, err := base64.StdEncoding.Strict().DecodeString(k.PublicKey)
	if err != nil || len(raw) != ed25519.PublicKeySize {
		return release.PublicKey{}, fmt.Errorf("publicKey: must be the base64 of %d bytes", ed25519.PublicKeySize)
	}
	key, err := release.NewPublicKey(raw)
	if err != nil {
		return release.PublicKey{}, fmt.Errorf("publicKey: %w", err)
	}
	if key.ID != k.ID {
		err = fmt.Errorf("id: is %q, the key has the id %s", k.ID, key.ID)
	}
	return key, err
}

func parseDate(field, s string) (time.Time, error) {
	if s == "" {
		return time.Time{}, nil
	}
	return check.Date(field, s)
}

func (l *List) check() error {
	if err := check.Version(l.Version, FormatVersion); err != nil {
		return err
	}
	if l.Publishers == nil {
		return errors.New("publishers: must be an array")
	}
	return check.Sorted("publishers", l.Publishers, func(p Publisher) string { return p.ID }, Publisher.check)
}

func (p Publisher) check() error {
	if !abi.ValidName(p.ID) {
		return fmt.Errorf("id: %q must be lower-case letters, digits and single hyphens, at most 40", p.ID)
	}
	if err := check.OneLine("name", p.Name, maxNameBytes); err != nil {
		return err
	}
	switch {
	case len(p.Keys) == 0 || len(p.Keys) > maxKeys:
		return fmt.Errorf("keys: has %d entries, must have 1 to %d", len(p.Keys), maxKeys)
	case p.Threshold < 0 || p.Threshold > len(p.Keys):
		return fmt.Errorf("threshold: is %d, must be at least 1 and at most the number of keys, %d", p.Threshold, len(p.Keys))
	}
	return check.Sorted("keys", p.Keys, func(k Key) string { return k.ID }, Key.check)
}

func (k Key) check() error {
	if _, err := k.Key(); err != nil {
		return err
	}
	before, err := parseDate("notBefore", k.NotBefore)
	if err != nil {
		return err
	}
	after, err := parseDate("notAfter", k.NotAfter)
	if err != nil {
		return err
	}
	if k.NotBefore != "" && k.NotAfter != "" && !before.Before(after) {
		return errors.New("notAfter: must be later than notBefore")
	}
	return nil
}
