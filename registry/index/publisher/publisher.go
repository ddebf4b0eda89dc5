// Package publisher reads and writes publishers.json: who may release plugins, and with which keys.
//
//	{"version": 1, "publishers": [{"id": "acme", "name": "Acme", "keys": [{"id": "ed25519-…", "publicKey": "…",
//	 "notBefore": "2026-01-01T00:00:00Z", "notAfter": "2027-01-01T00:00:00Z"}]}]}
//
// The document is a target of the index that offline keys sign, so that whoever runs the index from day to day can neither
// add a publisher nor a key.
package publisher

import (
	"crypto/ed25519"
	"encoding/base64"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/latticenet/lattice-host/abi"
	"github.com/latticenet/lattice-host/registry/internal/strictjson"
	"github.com/latticenet/lattice-host/registry/release"
)

// FormatVersion is the value of [List.Version].
const FormatVersion = 1

// MaxBytes is the largest document: some ten thousand publishers.
const MaxBytes = 4 << 20

// maxKeys bounds the keys of one publisher.
const maxKeys = 32

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
	// Keys are sorted by id. A release is signed with one of them.
	Keys []Key `json:"keys"`
}

// Key is one key of a publisher.
type Key struct {
	// ID is the release.KeyID of the key.
	ID string `json:"id"`
	// PublicKey is the base64 of the 32 bytes of an Ed25519 key.
	PublicKey string `json:"publicKey"`
	// NotBefore and NotAfter bound when a release that the key signed may be installed, in RFC 3339 ending in Z; empty
	// does not. What is installed runs on: a key that must not be believed any more is revoked.
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
	return t.UTC().Format(dateLayout)
}

// Parse reads the document strictly: unknown, double or missing keys, values outside their grammar and entries out of order
// are errors.
func Parse(data []byte) (*List, error) {
	var l List
	if err := strictjson.Decode(data, MaxBytes, &l); err != nil {
		return nil, err
	}
	return &l, l.check()
}

// Encode returns the document. Equal lists give equal bytes.
func (l *List) Encode() ([]byte, error) {
	if err := l.check(); err != nil {
		return nil, err
	}
	return strictjson.MarshalIndent(l)
}

// Find returns the publisher with an id, or nil.
func (l *List) Find(id string) *Publisher {
	i, found := slices.BinarySearchFunc(l.Publishers, id, compareID)
	if !found {
		return nil
	}
	return &l.Publishers[i]
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
		return fmt.Errorf("%s: is no publisher of the index", id)
	}
	l.Publishers = slices.Delete(l.Publishers, i, i+1)
	return nil
}

// Valid reports whether a release that the key signed may be installed at a time.
func (k Key) Valid(at time.Time) bool {
	before, errBefore := parseDate(k.NotBefore)
	after, errAfter := parseDate(k.NotAfter)
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

// dateLayout is RFC 3339 in UTC to the second.
const dateLayout = "2006-01-02T15:04:05Z"

func parseDate(s string) (time.Time, error) {
	if s == "" {
		return time.Time{}, nil
	}
	return time.Parse(dateLayout, s)
}

func (l *List) check() error {
	if l.Version != FormatVersion {
		return fmt.Errorf("version: is %d, this program reads version %d", l.Version, FormatVersion)
	}
	if l.Publishers == nil {
		return errors.New("publishers: must be an array")
	}
	for i := range l.Publishers {
		if err := l.Publishers[i].check(); err != nil {
			return fmt.Errorf("publishers.%d.%w", i, err)
		}
		if i > 0 && l.Publishers[i-1].ID >= l.Publishers[i].ID {
			return fmt.Errorf("publishers.%d.id: %s must stand once, in the order of ids", i, l.Publishers[i].ID)
		}
	}
	return nil
}

func (p *Publisher) check() error {
	switch {
	case !abi.ValidName(p.ID):
		return fmt.Errorf("id: %q must be lower-case letters, digits and single hyphens, at most 40", p.ID)
	case p.Name == "" || len(p.Name) > maxNameBytes || strings.ContainsFunc(p.Name, func(r rune) bool { return r < ' ' || r == 0x7f }):
		return fmt.Errorf("name: must be one line of 1 to %d bytes", maxNameBytes)
	case len(p.Keys) == 0 || len(p.Keys) > maxKeys:
		return fmt.Errorf("keys: has %d entries, must have 1 to %d", len(p.Keys), maxKeys)
	}
	for i, k := range p.Keys {
		if err := k.check(); err != nil {
			return fmt.Errorf("keys.%d.%w", i, err)
		}
		if i > 0 && p.Keys[i-1].ID >= k.ID {
			return fmt.Errorf("keys.%d.id: %s must stand once, in the order of ids", i, k.ID)
		}
	}
	return nil
}

func (k Key) check() error {
	if _, err := k.Key(); err != nil {
		return err
	}
	before, err := parseDate(k.NotBefore)
	if err != nil {
		return fmt.Errorf("notBefore: %q must be a time such as 2026-01-31T00:00:00Z", k.NotBefore)
	}
	after, err := parseDate(k.NotAfter)
	if err != nil {
		return fmt.Errorf("notAfter: %q must be a time such as 2026-01-31T00:00:00Z", k.NotAfter)
	}
	if k.NotBefore != "" && k.NotAfter != "" && !before.Before(after) {
		return errors.New("notAfter: must be later than notBefore")
	}
	return nil
}
