package main

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/latticenet/lattice-host/registry/index/publisher"
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
away, nor is their publisher: yank or revoke them first.

With --threshold, each release must be signed with so many different keys of the publisher; without, one is enough. What has too few
signatures is not installed and does not run, so that releases which are listed must have them before: the others sign with
plugin sign --add, and index add puts their signatures into the index.`,
		Example: `  lattice-host index publisher ./index acme --name "Acme Corporation" --add-key acme.pub --keys ./keys
  lattice-host index publisher ./index acme --add-key acme-2026.pub --not-after 2027-03-31 --keys ./keys
  lattice-host index publisher ./index acme --add-key bob.pub --threshold 2 --keys ./keys
  lattice-host index publisher ./index acme --remove-key ed25519-0123456789abcdef --keys ./keys`,
		Args: arguments(2, 2, "the folder of the index and the id of the publisher"),
	}
	flags.add(c)
	c.Flags().StringVar(&change.name, "name", "", "`name` for people")
	c.Flags().StringArrayVar(&change.addFiles, "add-key", nil, "`file` with a public key of the publisher; repeatable")
	c.Flags().StringArrayVar(&change.removeIDs, "remove-key", nil, "`id` of a key to take away, or the file of the public key; repeatable")
	c.Flags().StringVar(&change.notBefore, "not-before", "", "`day` when the keys of --add-key begin to count, such as 2026-03-31, or a time")
	c.Flags().StringVar(&change.notAfter, "not-after", "", "`day` when they end to count, or a time")
	c.Flags().IntVar(&change.threshold, "threshold", 0, "how many different `keys` of the publisher must sign a release")
	c.Flags().BoolVar(&change.remove, "remove", false, "take the publisher away")
	c.RunE = a.does(func(ctx context.Context, args []string) error {
		change.id, change.hasThreshold = args[1], c.Flags().Changed("threshold")
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
	threshold           int
	hasThreshold        bool
	remove              bool
	added               []publisher.Key
}

func (c *publisherChange) check() error {
	edits := c.name != "" || len(c.addFiles) > 0 || len(c.removeIDs) > 0 || c.hasThreshold
	switch {
	case c.remove && edits:
		return usagef("either take the publisher away with --remove or change it, not both")
	case !c.remove && !edits:
		return usagef("say what changes, with --name, --add-key, --remove-key, --threshold or --remove")
	case c.hasThreshold && c.threshold < 1:
		return usagef("--threshold %d: would let anybody release; it must be at least 1", c.threshold)
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
	before, err := p.draft.Publishers()
	if err != nil {
		return err
	}
	after := &publisher.List{Version: before.Version, Publishers: slices.Clone(before.Publishers)}
	if c.remove {
		err = after.Remove(c.id)
	} else {
		err = c.edit(after)
	}
	if err != nil {
		return err
	}
	if err := c.stillVerified(p.draft, before, after); err != nil {
		return err
	}
	p.static = true
	return p.draft.SetPublishers(after)
}

func (c *publisherChange) edit(publishers *publisher.List) error {
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
	if c.hasThreshold {
		// One is what is written down as nothing.
		if entry.Threshold = c.threshold; c.threshold == 1 {
			entry.Threshold = 0
		}
	}
	return publishers.Set(entry)
}

// stillVerified returns an error when a release that could be installed no longer has the
// signatures that it needs. That the time of a key ends is not a reason: it is what was asked for.
func (c *publisherChange) stillVerified(draft *author.Draft, before, after *publisher.List) error {
	releases, err := draft.ReleasesOf(c.id)
	if err != nil {
		return err
	}
	var needed []string
	for _, r := range releases {
		if r.Yanked != nil {
			continue
		}
		_, claims, err := draft.Claims(r.Publisher, r.Name, r.Version.Version)
		if err != nil {
			return err
		}
		if isVerified(draft, before, claims) && !isVerified(draft, after, claims) {
			needed = append(needed, claims.Manifest.Reference())
		}
	}
	if len(needed) == 0 {
		return nil
	}
	const shown = 3
	return fmt.Errorf("%s: %s could no longer be verified: yank or revoke first, or add the missing signatures: %s", c.id, counted(len(needed), "release"),
		strings.Join(needed[:min(shown, len(needed))], ", "))
}

// isVerified reports whether the signatures of a release are enough, and it is not revoked.
func isVerified(draft *author.Draft, l *publisher.List, claims *release.Claims) bool {
	_, by, err := draft.Judge(l, claims, time.Time{})
	return by == nil && err == nil
}
