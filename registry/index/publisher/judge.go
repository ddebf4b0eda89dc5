package publisher

import (
	"time"

	"github.com/latticenet/lattice-host/registry/index/revocation"
	"github.com/latticenet/lattice-host/registry/release"
)

// Judge says whether an index lets a release be installed at a time, as far as its bundle tells:
// whether as many of the publisher's keys signed the statement as must, whose time is not over and
// which are not revoked, and whether the release is revoked itself. It returns what is revoked or
// not, with those who signed, and what revokes it, or an error. The zero time is any. That the
// statement is about the bytes of a module is for release.Verify to check, with [List.Rule].
func Judge(l *List, revoked *revocation.List, c *release.Claims, at time.Time) (r revocation.Release, by *revocation.Entry, err error) {
	m := c.Manifest
	r = revocation.Release{
		Publisher: m.Publisher, Name: m.Name, Version: m.Version, Digest: c.Digest, Signers: c.KeyIDs(), Threshold: l.Threshold(m.Publisher),
	}
	rule, err := l.Rule(m.Publisher, at)
	if err == nil {
		var signers []string
		if signers, err = rule.Check(c.Bundle); err == nil {
			// What the bundle claims next to these is nothing.
			r.Signers = signers
		}
	}
	if by = revoked.Find(r); by != nil {
		return r, by, nil
	}
	return r, nil, err
}
