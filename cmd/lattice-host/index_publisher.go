package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/latticenet/lattice-host/registry/index/publisher"
	"github.com/latticenet/lattice-host/registry/index/revocation"
	"github.com/latticenet/lattice-host/registry/index/tuf"
	"github.com/latticenet/lattice-host/registry/index/tuf/author"
	"github.com/latticenet/lattice-host/registry/release"
)

func (a *app) indexPublisherCommand() *cobra.Command {
	var flags publishFlags
	var change publisherChange
	c := &cobra.Command{
		Use:   "publisher DIR ID --keys KEYS",
		Short: "Say who a publisher of an index is",
		Long: `Publisher adds a publisher to an index, or changes its name and its keys. This takes the keys of the roles targets, snapshot and
timestamp.

A key may be bound to a time: what it signed is installed in that time only, and runs on afterwards. Naming a key again
changes its time. A key that was stolen is not bound but revoked. A key that still has releases to vouch for is not taken
away, nor is their publisher: yank or revoke them first.`,
		Example: `  lattice-host index publisher ./index acme --name "Acme Corporation" --add-key acme.pub --keys ./keys
  lattice-host index publisher ./index acme --add-key acme-2026.pub --not-after 2027-03-31 --keys ./keys
  lattice-host index publisher ./index acme --remove-key ed25519-0123456789abcdef --keys ./keys`,
		Args: arguments(2, 2, "the folder of the index and the id of the publisher"),
	}
	flags.add(c)
	c.Flags().StringVar(&change.name, "name", "", "`name` for people")
	c.Flags().StringArrayVar(&change.addFiles, "add-key", nil, "`file` with a public key of the publisher; repeatable")
	c.Flags().StringArrayVar(&change.removeIDs, "remove-key", nil, "`id` of a key to take away, or the file of the public key; repeatable")
	c.Flags().StringVar(&change.notBefore, "not-before", "", "`day` when the keys of --add-key begin to count, such as 2026-03-31, or a time")
	c.Flags().StringVar(&change.notAfter, "not-after", "", "`day` when they end to count, or a time")
	c.Flags().BoolVar(&change.remove, "remove", false, "take the publisher away")
	c.RunE = a.does(func(ctx context.Context, args []string) error {
		change.id = args[1]
		if err := change.check(); err != nil {
			return err
		}
		return a.emitPublished(a.publish(ctx, args[0], &flags, change.apply))
	})
	return c
}

// publisherChange is one run of index publisher.
type publisherChange struct {
	id, name            string
	addFiles, removeIDs []string
	notBefore, notAfter string
	remove              bool
	added               []publisher.Key
}

func (c *publisherChange) check() error {
	edits := c.name != "" || len(c.addFiles) > 0 || len(c.removeIDs) > 0
	switch {
	case c.remove && edits:
		return usagef("either take the publisher away with --remove or change it, not both")
	case !c.remove && !edits:
		return usagef("say what changes, with --name, --add-key, --remove-key or --remove")
	case len(c.addFiles) == 0 && c.notBefore+c.notAfter != "":
		return usagef("--not-before and --not-after belong to keys, name these with --add-key")
	}
	before, err := parseDay("not-before", c.notBefore)
	if err != nil {
		return err
	}
	after, err := parseDay("not-after", c.notAfter)
	if err != nil {
		return err
	}
	for i := range c.removeIDs {
		if c.removeIDs[i], err = keyID(c.removeIDs[i]); err != nil {
			return err
		}
	}
	keys, err := readPublicKeys(c.addFiles)
	for _, key := range keys {
		c.added = append(c.added, publisher.NewKey(key, before, after))
	}
	return err
}

// parseDay reads a day, which begins at midnight UTC, or a time.
func parseDay(flag, s string) (time.Time, error) {
	if s == "" {
		return time.Time{}, nil
	}
	for _, layout := range []string{time.DateOnly, time.RFC3339} {
		if t, err := time.Parse(layout, s); err == nil {
			return t, nil
		}
	}
	return time.Time{}, usagef("--%s %s: must be a day such as 2026-03-31, or a time such as 2026-03-31T12:00:00Z", flag, s)
}

func (c *publisherChange) apply(p *publishing) error {
	publishers, err := p.draft.Publishers()
	if err != nil {
		return err
	}
	if c.remove {
		err = errors.Join(publishers.Remove(c.id), c.stillNeeded(p.draft, func(string) bool { return true }))
	} else {
		err = c.edit(p.draft, publishers)
	}
	if err != nil {
		return err
	}
	p.static = true
	return p.draft.SetPublishers(publishers)
}

func (c *publisherChange) edit(draft *author.Draft, publishers *publisher.List) error {
	entry := publisher.Publisher{ID: c.id, Name: c.id}
	if known := publishers.Find(c.id); known != nil {
		entry = *known
	}
	if c.name != "" {
		entry.Name = c.name
	}
	keys := slices.Clone(entry.Keys)
	for _, id := range c.removeIDs {
		i := slices.IndexFunc(keys, func(k publisher.Key) bool { return k.ID == id })
		if i < 0 {
			return fmt.Errorf("%s: has no key %s", c.id, id)
		}
		keys = slices.Delete(keys, i, i+1)
	}
	for _, added := range c.added {
		keys = append(slices.DeleteFunc(keys, func(k publisher.Key) bool { return k.ID == added.ID }), added)
	}
	if len(keys) == 0 {
		return fmt.Errorf("%s: a publisher must have a key; name one with --add-key, or take the publisher away with --remove", c.id)
	}
	entry.Keys = keys
	gone := func(id string) bool {
		return slices.Contains(c.removeIDs, id) && !slices.ContainsFunc(keys, func(k publisher.Key) bool { return k.ID == id })
	}
	return errors.Join(publishers.Set(entry), c.stillNeeded(draft, gone))
}

// stillNeeded returns an error when a release that can be installed was signed with a key that is gone.
func (c *publisherChange) stillNeeded(draft *author.Draft, gone func(keyID string) bool) error {
	releases, err := draft.ReleasesOf(c.id)
	if err != nil {
		return err
	}
	var needed []string
	for _, r := range releases {
		bundle, err := draft.Target(tuf.ReleaseTarget(r.Publisher, r.Name, r.Version.Version))
		if err != nil {
			return err
		}
		claims, err := release.ReadClaims(bundle)
		if err != nil {
			return err
		}
		revoked := draft.Revoked(revocation.Release{
			Publisher: r.Publisher, Name: r.Name, Version: r.Version.Version, Digest: r.Digest, KeyID: claims.KeyID,
		})
		if gone(claims.KeyID) && r.Yanked == nil && revoked == nil {
			needed = append(needed, claims.Manifest.Reference())
		}
	}
	if len(needed) == 0 {
		return nil
	}
	const shown = 3
	return fmt.Errorf("%s: %s could no longer be verified: yank or revoke first: %s", c.id, counted(len(needed), "release"),
		strings.Join(needed[:min(shown, len(needed))], ", "))
}
