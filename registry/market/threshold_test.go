package market_test

import (
	"errors"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/latticenet/lattice-host/abi"
	"github.com/latticenet/lattice-host/registry/index/publisher"
	"github.com/latticenet/lattice-host/registry/index/revocation"
	"github.com/latticenet/lattice-host/registry/index/tuf/author"
	"github.com/latticenet/lattice-host/registry/internal/indextest"
	"github.com/latticenet/lattice-host/registry/internal/registrytest"
	"github.com/latticenet/lattice-host/registry/lock"
	"github.com/latticenet/lattice-host/registry/market"
	"github.com/latticenet/lattice-host/registry/release"
)

// The seeds of the keys of two more people of acme.
const (
	bobKey   = 61
	carolKey = 62
)

func keyID(t testing.TB, seed byte) string { return registrytest.Key(t, seed).ID }

// signedBy returns a release of acme that several people signed.
func signedBy(t testing.TB, reference string, seeds []byte, capabilities ...abi.Capability) registrytest.Release {
	t.Helper()
	r := registrytest.Sign(t, registrytest.Key(t, seeds[0]), registrytest.Manifest(t, reference, capabilities...))
	for _, seed := range seeds[1:] {
		var err error
		r.Bundle, err = release.AddSignature(registrytest.Key(t, seed), r.Wasm, r.Bundle)
		check(t, err)
	}
	return r
}

// acmeThreshold is acme with several keys, of which so many must sign.
func acmeThreshold(t testing.TB, threshold int, seeds ...byte) *publisher.List {
	t.Helper()
	l := acmeKeys(t, seeds...)
	l.Publishers[0].Threshold = threshold
	return l
}

func both() []byte { return []byte{indextest.AcmeKey, bobKey} }

// TestAttack15_PublisherThreshold: below the threshold of the publisher, stolen keys install and
// run nothing.
func TestAttack15_PublisherThreshold(t *testing.T) {
	t.Parallel()
	acme, bob, carol := byte(indextest.AcmeKey), byte(bobKey), byte(carolKey)
	once := signedBy(t, "acme/web@1.0.0", []byte{acme})
	tests := map[string]struct {
		reason  string
		release registrytest.Release
		says    string
	}{
		"One":      {"One of two.", once, "has 1 valid signature of the 2 that it must have, by " + keyID(t, acme)},
		"Twice":    {"One key twice counts once.", twice(once), "has 1 valid signature of the 2 that it must have"},
		"Stranger": {"A stranger's signature does not count.", signedBy(t, "acme/web@1.0.0", []byte{acme, evilKey}), "not one of the publisher's keys"},
		"Forged": {"A signature that claims another's key does not count.", claiming(t, once, bob),
			"is not a signature of the payload by the key " + keyID(t, bob)},
		"Strangers": {"Strangers' signatures do not count, however many.", signedBy(t, "acme/web@1.0.0", []byte{evilKey, evilKey + 1}), "has 0 valid signatures of the 2"},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			x := indextest.New(t, indexSeed, tc.release)
			x.Publishers(acmeThreshold(t, 2, acme, bob, carol))
			h := newHome(t, x)
			_, err := h.Install(t.Context(), []string{"web"}, market.Options{})
			refused(t, tc.reason, err, tc.says)
			if !errors.Is(err, release.ErrNotTrusted) {
				t.Errorf("%v is not ErrNotTrusted", err)
			}
		})
	}
	t.Run("Enough", func(t *testing.T) {
		t.Parallel()
		x := indextest.New(t, indexSeed, signedBy(t, "acme/web@1.0.0", []byte{carol, acme}), signedBy(t, "acme/web@1.1.0", []byte{acme}))
		x.Publishers(acmeThreshold(t, 2, acme, bob, carol))
		h := newHome(t, x)
		activate(t, h, "web")
		loaded, err := load(h, "web")
		check(t, err)
		if loaded.Plugin.Version != "1.0.0" || loaded.Plugin.Threshold != 2 {
			t.Errorf("%+v", loaded.Plugin)
		}
		if diff := cmp.Diff(loaded.Module.Signers(), loaded.Plugin.Signers()); diff != "" || len(loaded.Plugin.CoSigners) != 1 {
			t.Errorf("%v\n%s", loaded.Plugin.Signers(), diff)
		}
	})
}

// twice has the signature of a release there twice.
func twice(r registrytest.Release) registrytest.Release {
	r.Bundle = []byte(string(r.Bundle) + "\n" + string(r.Bundle))
	return r
}

// claiming adds the signature of a release once more, as if another key had made it.
func claiming(t testing.TB, r registrytest.Release, seed byte) registrytest.Release {
	t.Helper()
	forged := registrytest.SetField(t, r.Bundle, keyID(t, indextest.AcmeKey), keyID(t, seed))
	r.Bundle = []byte(string(r.Bundle) + "\n" + string(forged))
	return r
}

// TestThresholdAtLoad: what was installed under two of two signatures does not run with fewer, no
// matter who made it so.
func TestThresholdAtLoad(t *testing.T) {
	t.Parallel()
	acme, bob := byte(indextest.AcmeKey), byte(bobKey)
	edit := func(change func(*lock.Plugin)) func(*testing.T, home, *indextest.Index) {
		return func(t *testing.T, h home, _ *indextest.Index) {
			path := filepath.Join(h.Dir(), lock.FileName)
			l, err := lock.Read(path)
			check(t, err)
			change(&l.Plugins[0])
			check(t, lock.Write(path, l))
		}
	}
	revoke := func(seed byte) func(*testing.T, home, *indextest.Index) {
		return func(t *testing.T, _ home, x *indextest.Index) {
			x.Revoke(revocation.Entry{KeyID: keyID(t, seed), Reason: "was stolen"})
		}
	}
	left := "of the 2 valid signatures that the release must have, it has 1 left"
	tests := map[string]struct {
		reason string
		change func(*testing.T, home, *indextest.Index)
		says   string
	}{
		"FirstRevoked":  {"One of two keys is revoked.", revoke(acme), left},
		"SecondRevoked": {"Whichever.", revoke(bob), left},
		"Raised": {"The index asks for more.", func(t *testing.T, _ home, x *indextest.Index) {
			x.Publishers(acmeThreshold(t, 3, acme, bob, carolKey))
		}, "has 2 valid signatures of the 3 that it must have"},
		"Lowered": {"The index asks for less, and takes one of the two back.", func(t *testing.T, h home, x *indextest.Index) {
			x.Publishers(acmeThreshold(t, 0, acme, bob))
			if _, err := load(h, "web"); err != nil {
				t.Error(err)
			}
			revoke(bob)(t, h, x)
		}, left},
		"LoweredInLock": {"The lock says that one was enough.", edit(func(p *lock.Plugin) {
			p.SetSigners([]string{p.KeyID}, 1)
		}), "has 1 valid signature of the 2 that it must have"},
		"OtherSigner": {"The lock names somebody who did not sign.", edit(func(p *lock.Plugin) {
			p.CoSigners = append(p.CoSigners, "z-stranger")
		}), "the key z-stranger signed, which is not one of the publisher's keys"},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			x := indextest.New(t, indexSeed, signedBy(t, "acme/web@1.0.0", both()))
			x.Publishers(acmeThreshold(t, 2, acme, bob))
			h := newHome(t, x)
			activate(t, h, "web")
			_, err := load(h, "web")
			check(t, err)
			tc.change(t, h, x)
			_, err = load(h, "web")
			refused(t, tc.reason, err, tc.says)
			if !errors.Is(err, release.ErrNotTrusted) {
				t.Errorf("%v is not ErrNotTrusted", err)
			}
		})
	}
}

// TestSignersInLock: that the lock names somebody who signed other releases only is noticed, even
// where one is enough.
func TestSignersInLock(t *testing.T) {
	t.Parallel()
	acme, bob := byte(indextest.AcmeKey), byte(bobKey)
	x := indextest.New(t, indexSeed, signedBy(t, "acme/web@1.0.0", []byte{acme}), signedBy(t, "acme/api@1.0.0", []byte{bob}))
	x.Publishers(acmeKeys(t, both()...))
	h := newHome(t, x)
	activate(t, h, "web")
	activate(t, h, "api")
	path := filepath.Join(h.Dir(), lock.FileName)
	l, err := lock.Read(path)
	check(t, err)
	l.Plugins[1].SetSigners(strings.Split(sortedIDs(t, acme, bob), ","), 1)
	check(t, lock.Write(path, l))
	_, err = load(h, "web")
	refused(t, "Bob signed api, not web.", err, "lattice.lock says that "+strings.ReplaceAll(sortedIDs(t, acme, bob), ",", ", ")+" signed, ")
}

// TestOneOfTwo: where one signature is enough, a key that is revoked takes nothing from what
// another signed as well.
func TestOneOfTwo(t *testing.T) {
	t.Parallel()
	x := indextest.New(t, indexSeed, signedBy(t, "acme/web@1.0.0", both()))
	x.Publishers(acmeKeys(t, both()...))
	h := newHome(t, x)
	activate(t, h, "web")
	x.Revoke(revocation.Entry{KeyID: keyID(t, bobKey), Reason: "was stolen"})
	_, err := load(h, "web")
	check(t, err)
	x.Revoke(revocation.Entry{KeyID: keyID(t, indextest.AcmeKey), Reason: "was stolen"})
	_, err = load(h, "web")
	refused(t, "None is left.", err, "revoked by the index main")
}

// TestReceiptNamesSigners: consent is given to all who signed. One who is gone, or another in their
// place, needs it again; one who joins them does not.
func TestReceiptNamesSigners(t *testing.T) {
	t.Parallel()
	acme, bob, carol := byte(indextest.AcmeKey), byte(bobKey), byte(carolKey)
	kv := abi.Capability{Name: "kv", Reason: "keeps counts"}
	for name, tc := range map[string]struct {
		signers []byte
		asks    bool
	}{
		"Same": {[]byte{bob, acme}, false}, "Joined": {[]byte{acme, bob, carol}, false}, "Replaced": {[]byte{acme, carol}, true}, "Others": {[]byte{bob, carol}, true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			x := indextest.New(t, indexSeed, signedBy(t, "acme/web@1.0.0", both(), kv))
			x.Publishers(acmeThreshold(t, 2, acme, bob, carol))
			h := newHome(t, x)
			var asked []string
			ask := market.Options{Consent: market.Consent{Ask: func(q market.Question) (bool, error) {
				asked = q.KeyIDs
				return true, nil
			}}}
			_, err := h.Install(t.Context(), []string{"web"}, ask)
			check(t, err)
			if diff := cmp.Diff(sortedIDs(t, both()...), strings.Join(asked, ",")); diff != "" {
				t.Error(diff)
			}
			x.Add(signedBy(t, "acme/web@1.1.0", tc.signers, kv))
			if _, err = h.Update(t.Context(), nil, market.Options{}); errors.Is(err, market.ErrNeedsConsent) != tc.asks || err != nil && !tc.asks {
				t.Errorf("asks %v, got %v", tc.asks, err)
			}
		})
	}
}

func sortedIDs(t testing.TB, seeds ...byte) string {
	t.Helper()
	b, err := release.ParseBundle(signedBy(t, "acme/web@1.0.0", seeds).Bundle)
	check(t, err)
	return strings.Join(b.KeyIDs(), ",")
}

// TestSignatureAdded: a publisher may ask for more signatures when those who are listed have them;
// installing again fetches them.
func TestSignatureAdded(t *testing.T) {
	t.Parallel()
	x := indextest.New(t, indexSeed, signedBy(t, "acme/web@1.0.0", []byte{indextest.AcmeKey}))
	h := newHome(t, x)
	activate(t, h, "web")
	x.Publishers(acmeThreshold(t, 2, both()...))
	_, err := load(h, "web")
	refused(t, "One is not enough any more.", err, "has 1 valid signature of the 2 that it must have")
	x.Yank("acme", "web", "1.0.0", "old")
	x.Add(signedBy(t, "acme/web@1.0.0", both()))
	draft, err := author.Open(t.Context(), x.Dir, x.Root)
	check(t, err)
	check(t, draft.Check())
	if _, err := h.Install(t.Context(), []string{"web@1.0.0"}, market.Options{}); !errors.Is(err, market.ErrYanked) {
		t.Errorf("a signature more has the index forget that the release is yanked: %v", err)
	}
	_, err = h.Install(t.Context(), []string{"web@1.0.0"}, market.Options{AllowYanked: true})
	check(t, err)
	_, err = load(h, "web")
	check(t, err)
}

// TestRevokedRange: a range holds at load and when choosing, prereleases included, and for what is
// released later.
func TestRevokedRange(t *testing.T) {
	t.Parallel()
	x := indextest.New(t, indexSeed, indextest.Sign(t, "acme/web@1.2.3-rc.1"), indextest.Sign(t, "acme/api@1.0.0"))
	h := newHome(t, x)
	activate(t, h, "web@1.2.3-rc.1")
	activate(t, h, "api")
	x.Revoke(revocation.Entry{Plugin: "acme/web", Range: "<1.2.3", Severity: "high", Reason: "leaks"})
	_, err := load(h, "web")
	refused(t, "A prerelease of the fixed version has the fault.", err,
		"revoked by the index main since 2026-01-02T03:04:05Z (acme/web@<1.2.3, severity high): leaks")
	if !errors.Is(err, market.ErrRevoked) {
		t.Errorf("%v is not ErrRevoked", err)
	}
	_, err = load(h, "api")
	check(t, err)
	x.Add(indextest.Sign(t, "acme/web@1.2.2"), indextest.Sign(t, "acme/web@1.2.3"), indextest.Sign(t, "acme/web@1.2.4-rc.1"))
	_, err = h.Install(t.Context(), []string{"web@1.2.2"}, market.Options{})
	refused(t, "What was released later is in the range as well.", err, "revoked by the index main")
	updated, err := h.Update(t.Context(), []string{"web@^1"}, market.Options{})
	check(t, err)
	if diff := cmp.Diff([]string{"acme/web@1.2.3"}, versions(updated)); diff != "" {
		t.Error(diff)
	}
	_, err = load(h, "web")
	check(t, err)
}
