package market_test

import (
	"context"
	"testing"

	"github.com/latticenet/lattice-host/registry/index/revocation"
	"github.com/latticenet/lattice-host/registry/internal/indextest"
	"github.com/latticenet/lattice-host/registry/internal/registrytest"
	"github.com/latticenet/lattice-host/registry/market"
)

// TestAttack39_RevokedWhatDerivedBefore asks about a release that is about to be applied again,
// installed or not.
func TestAttack39_RevokedWhatDerivedBefore(t *testing.T) {
	t.Parallel()
	web := indextest.Sign(t, "acme/web@1.0.0")
	for name, e := range map[string]revocation.Entry{
		"Digest": {Digest: web.Digest()}, "Version": {Plugin: "acme/web", Versions: []string{"1.0.0"}}, "Plugin": {Plugin: "acme/web"},
		"Key": {KeyID: registrytest.Key(t, indextest.AcmeKey).ID}, "Publisher": {Publisher: "acme"},
	} {
		for _, installed := range []string{"itself", "another", "nothing"} {
			t.Run(name+"/"+installed, func(t *testing.T) {
				t.Parallel()
				x := indextest.New(t, indexSeed, web, indextest.Sign(t, "beta/api@1.0.0"))
				h := newHome(t, x)
				activate(t, h, "web", "api")
				if installed != "itself" {
					check(t, h.Remove("web"))
				}
				if installed == "nothing" {
					check(t, h.Remove("api"))
				}
				asked := 0
				look := func(policy market.Policy) error {
					s, err := h.Snapshot(context.Background(), policy)
					check(t, err)
					return s.CheckRevoked(context.Background(), "acme", "web", "1.0.0", web.Digest())
				}
				check(t, look(market.Policy{}))
				e.Reason = "leaks tokens"
				x.Revoke(e)
				denied(t, "It is revoked.", look(market.Policy{}), market.ErrRevoked,
					"acme/web@1.0.0: "+web.Digest()+": not trusted: revoked by the index main since 2026-01-02T03:04:05Z ("+e.Subject()+"): leaks tokens")
				check(t, look(market.Policy{RunRevoked: func(context.Context, market.Revoked) error { asked++; return nil }}))
				if asked != 1 {
					t.Errorf("a policy was asked %d times, want once", asked)
				}
				s, err := h.Snapshot(context.Background(), market.Policy{})
				check(t, err)
				if err := s.CheckRevoked(context.Background(), "beta", "api", "1.0.0", web.Digest()); name != "Digest" && err != nil {
					t.Errorf("others are not revoked: %v", err)
				}
			})
		}
	}
}

// TestRevokedUnknown asks where no one knows what is revoked.
func TestRevokedUnknown(t *testing.T) {
	t.Parallel()
	x := indextest.New(t, indexSeed, indextest.Sign(t, "acme/web@1.0.0"))
	h := newHome(t, x)
	activate(t, h, "web")
	look := func() error {
		s, err := h.Snapshot(context.Background(), market.Policy{})
		check(t, err)
		return s.CheckRevoked(context.Background(), "acme", "old", "0.1.0", "sha256:0")
	}
	check(t, look())
	check(t, h.Remove("web"))
	check(t, look())
	check(t, h.ForgetPublisher("acme"))
	refused(t, "The publisher is not known.", look(), "what is revoked is not known: this installation has no record of the publisher acme")
}
