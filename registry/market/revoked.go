package market

import (
	"context"
	"fmt"
	"slices"

	"github.com/latticenet/lattice-host/registry/lock"
	"github.com/latticenet/lattice-host/registry/release"
)

// CheckRevoked says whether a release may still have its say, installed or not: what it derived
// some time ago is about to be applied again. Publisher, Name, Version and Digest are those of its
// module. It is revoked, as for [Snapshot.Load], when its publisher's index says so. Who signed a
// release that is not installed any more is not known; it counts as signed by each of the keys that
// this installation ever took from the publisher.
//
// Errors wrap release.ErrNotTrusted: [ErrRevoked] with it, or because it is not known what is
// revoked.
func (s *Snapshot) CheckRevoked(ctx context.Context, publisher, name, version, digest string) error {
	p := lock.Plugin{Publisher: publisher, Name: name, Version: version, Digest: digest}
	i := slices.IndexFunc(s.lock.Plugins, func(l lock.Plugin) bool { return l.Path() == p.Path() && l.Digest == digest })
	if i >= 0 {
		return s.checkRevoked(ctx, s.lock.Plugins[i])
	}
	of := s.trust.publisher(publisher)
	if of == nil {
		return release.NotTrusted(p.Reference(), digest, fmt.Errorf(
			"what is revoked is not known: this installation has no record of the publisher %s", publisher))
	}
	p.Index = of.Index
	if s.indexes[p.Index] == nil && s.problems[p.Index] == nil {
		// Nothing that is installed came from the index.
		if x := s.trust.index(p.Index); x != nil {
			fresh := &Snapshot{home: s.home, trust: s.trust, lock: s.lock, policy: s.policy, indexes: map[string]*known{}, problems: map[string]error{}}
			if err := fresh.open(ctx, *x); err != nil {
				return err
			}
			s = fresh
		}
	}
	k := s.indexes[p.Index]
	for _, key := range of.Keys {
		p.KeyID = key.ID
		if k == nil || k.revoked.Find(revocable(p, k.publishers)) != nil {
			break
		}
	}
	return s.checkRevoked(ctx, p)
}
