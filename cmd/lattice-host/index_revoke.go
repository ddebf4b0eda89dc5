package main

import (
	"context"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/latticenet/lattice-host/abi"
	"github.com/latticenet/lattice-host/registry/index/publisher"
	"github.com/latticenet/lattice-host/registry/index/revocation"
	"github.com/latticenet/lattice-host/registry/index/tuf/author"
	"github.com/latticenet/lattice-host/registry/release"
)

func (a *app) indexRevokeCommand() *cobra.Command {
	var flags publishFlags
	var reason string
	var undo bool
	c := &cobra.Command{
		Use:   "revoke DIR SUBJECT --reason REASON --keys KEYS",
		Short: "Say what must not run any more",
		Long: `Revoke keeps what it names from running, also where it is installed, from the next refresh of the index on. SUBJECT is

  sha256:HEX                      a module, by its digest
  ed25519-HEX                     all that a publisher's key signed; the file of the public key, FILE.pub, says the same
  PUBLISHER/NAME@VERSION,VERSION  versions of a plugin
  PUBLISHER/NAME                  a plugin
  PUBLISHER                       a publisher

This takes the keys of the roles targets, snapshot and timestamp: nobody who has only the keys of releases can take it back.
--undo does, for a mistake.`,
		Example: `  lattice-host index revoke ./index acme/keda@1.2.0 --reason "sends secrets away" --keys ./keys
  lattice-host index revoke ./index ed25519-0123456789abcdef --reason "stolen" --keys ./keys
  lattice-host index revoke ./index acme/keda@1.2.0 --undo --keys ./keys`,
		Args: arguments(2, 2, "the folder of the index and what is revoked"),
	}
	flags.add(c)
	c.Flags().StringVar(&reason, "reason", "", "one `line` for those who use it")
	c.Flags().BoolVar(&undo, "undo", false, "take the revocation back")
	c.RunE = a.does(func(ctx context.Context, args []string) error {
		if err := checkReason(reason, undo); err != nil {
			return err
		}
		entry, err := revoked(args[1])
		if err != nil {
			return err
		}
		return a.emitPublished(a.publish(ctx, args[0], &flags, func(p *publishing) error {
			p.static = true
			if undo {
				return p.draft.Restore(entry.Subject())
			}
			entry.Reason, entry.Since = reason, p.at.UTC().Format(time.DateOnly+"T15:04:05Z")
			if err := p.draft.Revoke(entry); err != nil {
				return err
			}
			return p.noteUnknown(entry)
		}))
	})
	return c
}

// revoked returns the entry for what the user names. That it is well-formed in full is checked when it is added.
func revoked(subject string) (revocation.Entry, error) {
	plugin, versions, versioned := strings.Cut(subject, "@")
	publisher, name, named := strings.Cut(plugin, "/")
	switch {
	case strings.HasPrefix(subject, "sha256:"):
		return revocation.Entry{Digest: subject}, nil
	case strings.HasSuffix(subject, release.PublicEnding):
		id, err := keyID(subject)
		return revocation.Entry{KeyID: id}, err
	case strings.HasPrefix(subject, "ed25519-"):
		return revocation.Entry{KeyID: subject}, nil
	case !abi.ValidName(publisher) || (named || versioned) && !abi.ValidName(name):
		return revocation.Entry{}, usagef("%q is nothing that can be revoked; write a digest, the id or the file of a key, PUBLISHER/NAME@VERSION, "+
			"PUBLISHER/NAME or PUBLISHER", subject)
	case versioned:
		list := slices.Compact(slices.Sorted(strings.SplitSeq(versions, ",")))
		return revocation.Entry{Plugin: plugin, Versions: list}, nil
	case named:
		return revocation.Entry{Plugin: plugin}, nil
	}
	return revocation.Entry{Publisher: subject}, nil
}

// noteUnknown says what a revocation names that the index does not have: one with a typing error keeps nothing from running.
func (p *publishing) noteUnknown(e revocation.Entry) error {
	unknown, err := unknownTo(p.draft, e)
	for _, subject := range unknown {
		p.app.note("warning: the index has nothing that %s means; look at the spelling", subject)
	}
	return err
}

func unknownTo(draft *author.Draft, e revocation.Entry) ([]string, error) {
	publishers, err := draft.Publishers()
	if err != nil {
		return nil, err
	}
	var releases []author.Listed
	owner, _, _ := strings.Cut(e.Plugin, "/")
	switch {
	case e.Plugin != "":
		releases, err = draft.ReleasesOf(owner)
	case e.Digest != "":
		releases, err = draft.Releases()
	}
	has := func(version string) bool {
		return slices.ContainsFunc(releases, func(r author.Listed) bool {
			return r.Digest == e.Digest || r.Publisher+"/"+r.Name == e.Plugin && (version == "" || r.Version.Version == version)
		})
	}
	known := has("")
	switch {
	case e.Publisher != "":
		known = publishers.Find(e.Publisher) != nil
	case e.KeyID != "":
		known = slices.ContainsFunc(publishers.Publishers, func(p publisher.Publisher) bool {
			return slices.ContainsFunc(p.Keys, func(k publisher.Key) bool { return k.ID == e.KeyID })
		})
	}
	if !known {
		return []string{e.Subject()}, err
	}
	var unknown []string
	for _, version := range e.Versions {
		if !has(version) {
			unknown = append(unknown, e.Plugin+"@"+version)
		}
	}
	return unknown, err
}

// keyID returns the id that is given, or that of the public key in the file that is.
func keyID(given string) (string, error) {
	if !strings.HasSuffix(given, release.PublicEnding) {
		return given, nil
	}
	key, err := release.ReadPublicKey(given)
	return key.ID, asInput(err)
}
