package main

import (
	"cmp"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/latticenet/lattice-host/abi"
	"github.com/latticenet/lattice-host/registry/index/publisher"
	"github.com/latticenet/lattice-host/registry/index/revocation"
	"github.com/latticenet/lattice-host/registry/index/tuf/author"
	"github.com/latticenet/lattice-host/registry/lock"
	"github.com/latticenet/lattice-host/registry/release"
	"github.com/latticenet/lattice-host/registry/versions"
)

func (a *app) indexRevokeCommand() *cobra.Command {
	var severity string
	c := a.annotates(&cobra.Command{
		Use:   "revoke DIR SUBJECT --reason REASON --keys KEYS",
		Short: "Say what must not run any more",
		Long: `Revoke keeps what it names from running, also where it is installed, from the next refresh of the index on. SUBJECT is

  sha256:HEX                      a module, by its digest
  ed25519-HEX                     the signatures of a publisher's key; the file of the public key, FILE.pub, says the same
  PUBLISHER/NAME@VERSION,VERSION  versions of a plugin
  PUBLISHER/NAME@RANGE            a range of versions, such as "<1.2.3" or ">=1.2, <1.5", and the prereleases of versions in it
  PUBLISHER/NAME                  a plugin
  PUBLISHER                       a publisher

It prints which releases of the index are hit; with --dry-run nothing else happens. A range also holds for what is released later.
This takes the keys of the roles targets, snapshot and timestamp: the keys of releases alone are not
enough to undo it. --undo removes a revocation that was a mistake.`,
		Example: `  lattice-host index revoke ./index acme/keda@1.2.0 --reason "sends secrets away" --keys ./keys
  lattice-host index revoke ./index acme/keda@"<1.2.3" --reason "sends secrets away" --severity high --dry-run --keys ./keys
  lattice-host index revoke ./index ed25519-0123456789abcdef --reason "stolen" --keys ./keys
  lattice-host index revoke ./index acme/keda@1.2.0 --undo --keys ./keys`,
	}, annotation{"what is revoked", "those who use it", "take the revocation back", func(subject, reason string) (func(*publishing) error, error) {
		entry, err := revoked(subject)
		if err == nil && reason == "" && severity != "" {
			err = usagef("--severity needs a --reason, and --undo takes neither")
		}
		entry.Reason, entry.Severity = reason, severity
		return func(p *publishing) error {
			p.static = true
			if reason == "" {
				return p.draft.Restore(entry.Subject())
			}
			entry.Since = lock.Date(p.at)
			return p.revoke(entry)
		}, err
	}})
	c.Flags().StringVar(&severity, "severity", "", "how bad it is, a `word` of "+strings.Join(revocation.Severities(), ", "))
	return c
}

// revoked returns the entry for what the user names. That it is well-formed in full is checked when
// it is added.
func revoked(subject string) (revocation.Entry, error) {
	plugin, which, limited := strings.Cut(subject, "@")
	publisher, name, named := strings.Cut(plugin, "/")
	list := slices.Compact(slices.Sorted(strings.SplitSeq(which, ",")))
	switch {
	case strings.HasPrefix(subject, "sha256:"):
		return revocation.Entry{Digest: subject}, nil
	case strings.HasSuffix(subject, release.PublicEnding):
		id, err := keyID(subject)
		return revocation.Entry{KeyID: id}, err
	case strings.HasPrefix(subject, "ed25519-"):
		return revocation.Entry{KeyID: subject}, nil
	case !abi.ValidName(publisher) || (named || limited) && !abi.ValidName(name):
		return revocation.Entry{}, usagef("%q cannot be revoked; write a digest, the id or the file of a key, PUBLISHER/NAME@VERSION, "+
			"PUBLISHER/NAME@RANGE, PUBLISHER/NAME or PUBLISHER", subject)
	case limited && !slices.ContainsFunc(list, func(v string) bool { return !abi.ValidVersion(v) }):
		return revocation.Entry{Plugin: plugin, Versions: list}, nil
	case limited:
		if _, err := versions.Parse(which); err != nil {
			return revocation.Entry{}, inputf("%s: neither versions such as 1.2.0,1.2.1 nor a range: %w", subject, err)
		}
		return revocation.Entry{Plugin: plugin, Range: which}, nil
	case named:
		return revocation.Entry{Plugin: plugin}, nil
	}
	return revocation.Entry{Publisher: subject}, nil
}

// revoke adds an entry, records which installable releases it revokes, and warns about names that
// the index does not list: an entry with a typing error revokes nothing.
func (p *publishing) revoke(e revocation.Entry) error {
	publishers, err := p.draft.Publishers()
	if err != nil {
		return err
	}
	named, err := p.namedBy(publishers, e)
	if err != nil {
		return err
	}
	isRevoked := func(c *release.Claims) bool {
		// Whether the signatures are right is another question.
		_, by, _ := p.draft.Judge(publishers, c, time.Time{})
		return by != nil
	}
	before := make([]bool, len(named))
	for i, c := range named {
		before[i] = isRevoked(c)
	}
	if err := p.draft.Revoke(e); err != nil {
		return err
	}
	for i, c := range named {
		if !before[i] && isRevoked(c) {
			p.affected = append(p.affected, c.Manifest.Reference())
		}
	}
	for _, subject := range unknownTo(publishers, named, e) {
		p.app.note("warning: the index has nothing that %s means; look at the spelling", subject)
	}
	return nil
}

// namedBy returns the releases of an index that an entry names. One that cannot be read keeps
// nothing from being revoked.
func (p *publishing) namedBy(publishers *publisher.List, e revocation.Entry) ([]*release.Claims, error) {
	listed, err := candidates(p.draft, publishers, e)
	if err != nil {
		return nil, err
	}
	var named []*release.Claims
	for _, r := range listed {
		if e.Digest != "" && r.Digest != e.Digest || e.Plugin != "" && (r.Publisher+"/"+r.Name != e.Plugin || !e.HasVersion(r.Version.Version)) {
			continue
		}
		_, claims, err := p.draft.Claims(r.Publisher, r.Name, r.Version.Version)
		if err != nil {
			p.app.note("warning: %s/%s@%s cannot be read, whether it is hit is not known: %s", r.Publisher, r.Name, r.Version.Version, err)
			continue
		}
		if e.KeyID == "" || slices.Contains(claims.KeyIDs(), e.KeyID) {
			named = append(named, claims)
		}
	}
	return named, nil
}

// candidates returns the releases among which are those that an entry names: reading all takes long
// in a large index.
func candidates(draft *author.Draft, publishers *publisher.List, e revocation.Entry) ([]author.Listed, error) {
	owner, _, _ := strings.Cut(e.Plugin, "/")
	switch {
	case e.Digest != "":
		return draft.Releases()
	case e.KeyID == "":
		return draft.ReleasesOf(cmp.Or(owner, e.Publisher))
	}
	var all []author.Listed
	for _, p := range publishers.Publishers {
		if !p.HasKey(e.KeyID) {
			continue
		}
		listed, err := draft.ReleasesOf(p.ID)
		if err != nil {
			return nil, err
		}
		all = append(all, listed...)
	}
	return all, nil
}

// unknownTo returns what e names that the index does not list; named are the listed releases that e
// names.
func unknownTo(publishers *publisher.List, named []*release.Claims, e revocation.Entry) []string {
	known := len(named) > 0
	switch {
	case e.Publisher != "":
		known = publishers.Find(e.Publisher) != nil
	case e.KeyID != "":
		known = slices.ContainsFunc(publishers.Publishers, func(p publisher.Publisher) bool { return p.HasKey(e.KeyID) })
	}
	if !known {
		return []string{e.Subject()}
	}
	var unknown []string
	for _, version := range e.Versions {
		if !slices.ContainsFunc(named, func(c *release.Claims) bool { return c.Manifest.Version == version }) {
			unknown = append(unknown, e.Plugin+"@"+version)
		}
	}
	return unknown
}

// keyID returns the id that is given, or that of the public key in the file that is.
func keyID(given string) (string, error) {
	if !strings.HasSuffix(given, release.PublicEnding) {
		return given, nil
	}
	key, err := release.ReadPublicKey(given)
	return key.ID, asInput(err)
}
