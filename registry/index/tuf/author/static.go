package author

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/latticenet/lattice-host/registry/index"
	"github.com/latticenet/lattice-host/registry/index/publisher"
	"github.com/latticenet/lattice-host/registry/index/revocation"
	"github.com/latticenet/lattice-host/registry/index/tuf"
	"github.com/latticenet/lattice-host/registry/release"
)

// UpdateStatic has the static document say what the index says: the releases that are neither
// yanked nor revoked, signed with those of keys that the role releases has. A document that says
// this already stays as it is. An index with more releases than the format is good for has none; a
// note says so.
func (d *Draft) UpdateStatic(at time.Time, keys []release.PrivateKey) error {
	publishers, err := d.Publishers()
	if err != nil {
		return err
	}
	entries, err := d.entries(publishers)
	if err != nil {
		return err
	}
	if len(entries) > index.MaxStaticReleases {
		d.note("%s: is left out, the index has more than %d releases", tuf.StaticTarget, index.MaxStaticReleases)
		return d.SetStatic(nil)
	}
	x, notes := index.Build(at, publishers, entries)
	signers := d.staticSigners(keys)
	if same, err := d.hasStatic(x, signers); err != nil || same {
		return err
	}
	d.notes = append(d.notes, summary(notes)...)
	for _, key := range signers {
		if err := x.Sign(key); err != nil {
			return err
		}
	}
	if _, threshold := d.signersOf(); len(signers) < *threshold {
		return fmt.Errorf("%s: the keys given are not enough to sign %s: %d of the keys must, %d can", RoleReleases, tuf.StaticTarget, *threshold, len(signers))
	}
	content, err := x.Encode()
	if err != nil {
		return fmt.Errorf("%s: %w", tuf.StaticTarget, err)
	}
	if len(content) > index.MaxStaticBytes {
		d.note("%s: is left out, it would have %d bytes, the limit is %d", tuf.StaticTarget, len(content), index.MaxStaticBytes)
		content = nil
	}
	return d.SetStatic(content)
}

// summary shortens what is not listed: one note for all.
func summary(notes []string) []string {
	if len(notes) < 2 {
		return notes
	}
	return []string{fmt.Sprintf("%s (and %d more releases are not listed)", notes[0], len(notes)-1)}
}

// entries returns the releases for the static document, or just more than it may have.
func (d *Draft) entries(publishers *publisher.List) ([]index.Entry, error) {
	plugins, err := d.Plugins()
	if err != nil {
		return nil, err
	}
	var entries []index.Entry
	for _, p := range plugins {
		versions, err := d.versions(p.Publisher, p.Name)
		if err != nil {
			return nil, err
		}
		for _, v := range versions {
			e, err := d.entry(publishers, p, v)
			if err != nil {
				return nil, err
			}
			if e != nil {
				entries = append(entries, *e)
			}
			if len(entries) > index.MaxStaticReleases {
				return entries, nil
			}
		}
	}
	return entries, nil
}

// entry returns a release for the static document, or nil when no one should choose it.
func (d *Draft) entry(publishers *publisher.List, p tuf.Plugin, v tuf.Version) (*index.Entry, error) {
	bundle, claims, err := d.Claims(p.Publisher, p.Name, v.Version)
	if err != nil || v.Yanked != nil {
		return nil, err
	}
	// Who did not sign well enough is left out with a note.
	if _, by, _ := d.Judge(publishers, claims, time.Time{}); by != nil {
		return nil, nil
	}
	return &index.Entry{Claims: claims, BundleDigest: release.Digest(bundle)}, nil
}

// staticSigners returns those of keys that the role releases has, each once.
func (d *Draft) staticSigners(keys []release.PrivateKey) (signers []release.PrivateKey) {
	ids, _ := d.signersOf()
	role := publicIDs(d.targets.Signed.Delegations.Keys, *ids)
	for _, key := range keys {
		if slices.Contains(role, key.ID) && !slices.ContainsFunc(signers, func(k release.PrivateKey) bool { return k.ID == key.ID }) {
			signers = append(signers, key)
		}
	}
	return signers
}

// hasStatic reports whether the index has a document that says the same, signed by the same.
func (d *Draft) hasStatic(x *index.Index, signers []release.PrivateKey) (bool, error) {
	content, err := d.Target(tuf.StaticTarget)
	if errors.Is(err, tuf.ErrNotFound) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	present, err := index.Parse(content)
	if err != nil {
		return false, fmt.Errorf("%s: %w", tuf.StaticTarget, err)
	}
	keys := make([]release.PublicKey, len(signers))
	for i, key := range signers {
		keys[i] = key.Public()
	}
	if len(keys) == 0 || present.Verify(keys, len(keys)) != nil {
		return false, nil
	}
	return present.Same(x)
}

// Publishers returns the publishers of the index.
func (d *Draft) Publishers() (*publisher.List, error) {
	data, err := d.Target(tuf.PublishersTarget)
	if errors.Is(err, tuf.ErrNotFound) {
		return publisher.New(), nil
	}
	if err != nil {
		return nil, err
	}
	list, err := publisher.Parse(data)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", tuf.PublishersTarget, err)
	}
	return list, nil
}

// SetPublishers replaces the publishers of the index, which the role targets signs.
func (d *Draft) SetPublishers(l *publisher.List) error {
	data, err := l.Encode()
	if err != nil {
		return err
	}
	present, err := d.Target(tuf.PublishersTarget)
	if err == nil && bytes.Equal(present, data) {
		return nil
	}
	return d.Set(tuf.PublishersTarget, data)
}

// Judge is publisher.Judge with what the index revokes.
func (d *Draft) Judge(l *publisher.List, c *release.Claims, at time.Time) (r revocation.Release, by *revocation.Entry, err error) {
	return publisher.Judge(l, d.revoked, c, at)
}
