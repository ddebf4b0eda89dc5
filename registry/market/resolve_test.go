package market_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/latticenet/lattice-host/abi"
	"github.com/latticenet/lattice-host/registry/index/publisher"
	"github.com/latticenet/lattice-host/registry/index/revocation"
	"github.com/latticenet/lattice-host/registry/internal/indextest"
	"github.com/latticenet/lattice-host/registry/internal/registrytest"
	"github.com/latticenet/lattice-host/registry/market"
	"github.com/latticenet/lattice-host/registry/release"
)

// needing returns a release of acme/scale that needs providers.
func needing(t testing.TB, version string, providers ...abi.Provider) registrytest.Release {
	t.Helper()
	m := registrytest.Manifest(t, "acme/scale@"+version)
	m.Providers = providers
	return registrytest.Sign(t, registrytest.Key(t, indextest.AcmeKey), m)
}

// TestSoftware chooses the highest release that fits what runs on the platform.
func TestSoftware(t *testing.T) {
	t.Parallel()
	x := indextest.New(t, indexSeed,
		needing(t, "1.0.0"),
		needing(t, "1.1.0", abi.Provider{Name: "KEDA"}),
		needing(t, "1.2.0", abi.Provider{Name: "KEDA", Version: ">= 2"}),
		needing(t, "1.3.0", abi.Provider{Name: "KEDA", Version: ">= 2.10, < 3"}, abi.Provider{Name: "Gateway API", Version: "^1.1"}),
		needing(t, "1.4.0", abi.Provider{Name: "KEDA", Version: "the newest"}),
	)
	for name, tc := range map[string]struct {
		software market.Software
		want     string
	}{
		"NotKnown":      {nil, "1.4.0"},
		"Nothing":       {market.Software{}, "1.0.0"},
		"Other":         {market.Software{"Istio": "1.24.0"}, "1.0.0"},
		"Old":           {market.Software{"KEDA": "1.9.0"}, "1.1.0"},
		"LetterCase":    {market.Software{"keda": "2.0"}, "1.2.0"},
		"OneOfTwo":      {market.Software{"KEDA": "2.16.1"}, "1.2.0"},
		"OneOfTwoOld":   {market.Software{"KEDA": "2.16.1", "Gateway API": "1.0.0"}, "1.2.0"},
		"Both":          {market.Software{"KEDA": "2.16.1", "Gateway API": "v1.2.0"}, "1.3.0"},
		"Vendor":        {market.Software{"KEDA": "2.16.1-vendor.7", "Gateway API": "1.2.0+x"}, "1.3.0"},
		"NoVersion":     {market.Software{"KEDA": "2.16.1", "Gateway API": "new"}, "1.2.0"},
		"NewerThanGood": {market.Software{"KEDA": "3.0.0", "Gateway API": "1.2.0"}, "1.2.0"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := newHome(t, x)
			installed, err := h.Install(context.Background(), []string{"scale"}, market.Options{Software: tc.software})
			check(t, err)
			if diff := cmp.Diff([]string{"acme/scale@" + tc.want}, versions(installed)); diff != "" {
				t.Error(diff)
			}
		})
	}
	h := newHome(t, x)
	opts := market.Options{Software: market.Software{"KEDA": "1.9.0"}}
	for request, want := range map[string]string{
		"scale@1.3.0": "acme/scale@1.3.0: needs KEDA >= 2.10, < 3, and the platform has 1.9.0; needs Gateway API ^1.1, and the platform does not have it",
		"scale@1.4.0": "acme/scale@1.4.0: needs KEDA the newest, and this is not a range of versions",
		"scale@>=1.2, <1.4": "acme/scale@>=1.2, <1.4: no release can be chosen: acme/scale@1.2.0: needs KEDA >= 2, and the platform has 1.9.0; " +
			"acme/scale@1.3.0: needs KEDA >= 2.10, < 3, and the platform has 1.9.0; needs Gateway API ^1.1, and the platform does not have it",
	} {
		if _, err := h.Install(context.Background(), []string{request}, opts); err == nil || err.Error() != want {
			t.Errorf("want %s\ngot  %v", want, err)
		}
	}
	// An update keeps to it, and stays where nothing newer fits.
	install(t, h, "scale@1.1.0")
	_, err := h.Install(context.Background(), []string{"scale"}, opts)
	check(t, err)
	if updated, err := h.Update(context.Background(), nil, opts); err != nil || len(updated) > 0 {
		t.Errorf("%v, %v", versions(updated), err)
	}
	if updated, err := h.Update(context.Background(), nil, market.Options{Software: market.Software{"KEDA": "2.1.0"}}); err != nil || updated[0].Version != "1.2.0" {
		t.Errorf("%v, %v", versions(updated), err)
	}
}

// TestSoftwareRemembered looks by what the installation was told last, until it is told otherwise.
func TestSoftwareRemembered(t *testing.T) {
	t.Parallel()
	x := indextest.New(t, indexSeed, needing(t, "1.0.0"))
	h := newHome(t, x)
	told := market.Options{Software: market.Software{"KEDA": "1.9.0"}}
	if _, err := h.Install(t.Context(), []string{"other"}, told); err == nil {
		t.Error("there is no such plugin")
	}
	if _, err := os.Stat(filepath.Join(h.Dir(), "platform.json")); err == nil {
		t.Error("an installation that failed is remembered")
	}
	_, err := h.Install(t.Context(), []string{"scale"}, told)
	check(t, err)
	x.Add(needing(t, "1.1.0", abi.Provider{Name: "KEDA", Version: ">= 2"}))
	if updated, err := h.Update(t.Context(), nil, market.Options{}); err != nil || len(updated) > 0 {
		t.Errorf("%v, %v", versions(updated), err)
	}
	if outdated, err := h.Outdated(t.Context()); err != nil || len(outdated) > 0 {
		t.Errorf("%+v, %v", outdated, err)
	}
	if _, err := h.Install(t.Context(), []string{"scale@1.1.0"}, market.Options{}); err == nil || err.Error() != "acme/scale@1.1.0: needs KEDA >= 2, and the platform has 1.9.0" {
		t.Error(err)
	}
	good := read(t, h.Dir(), "platform.json")
	write(t, []byte(`{"version":2,"software":{}}`), h.Dir(), "platform.json")
	if _, err := h.Update(t.Context(), nil, market.Options{}); err == nil || !strings.Contains(err.Error(), "platform.json: version: is 2") {
		t.Error(err)
	}
	write(t, good, h.Dir(), "platform.json")
	if updated, err := h.Update(t.Context(), nil, market.Options{Forget: true}); err != nil || len(updated) != 1 {
		t.Errorf("%v, %v", versions(updated), err)
	}
	if _, err := os.Stat(filepath.Join(h.Dir(), "platform.json")); err == nil {
		t.Error("it was not forgotten")
	}
}

// acmeKeys has acme sign with several keys.
func acmeKeys(t testing.TB, seeds ...byte) *publisher.List {
	t.Helper()
	l := publisher.New()
	p := publisher.Publisher{ID: "acme", Name: "Acme"}
	for _, seed := range seeds {
		p.Keys = append(p.Keys, publisher.NewKey(registrytest.Key(t, seed).Public(), time.Time{}, time.Time{}))
	}
	check(t, l.Set(p))
	return l
}

// TestAttack39_StolenKeyReleasesHigher: what a thief released under a higher version hides nothing
// once the key is revoked.
func TestAttack39_StolenKeyReleasesHigher(t *testing.T) {
	t.Parallel()
	x := indextest.New(t, indexSeed, indextest.Sign(t, "acme/web@1.0.0"))
	x.Publishers(acmeKeys(t, indextest.AcmeKey, evilKey))
	stolen := registrytest.Key(t, evilKey)
	x.Add(registrytest.Sign(t, stolen, registrytest.Manifest(t, "acme/web@9.9.9")))
	if got := versions(install(t, newHome(t, x), "web")); got[0] != "acme/web@9.9.9" {
		t.Fatal(got)
	}
	x.Revoke(revocation.Entry{KeyID: stolen.ID, Reason: "was stolen"})
	h := newHome(t, x)
	if diff := cmp.Diff([]string{"acme/web@1.0.0"}, versions(install(t, h, "web"))); diff != "" {
		t.Error(diff)
	}
	_, err := h.Install(context.Background(), []string{"web@9.9.9"}, market.Options{})
	refused(t, "Naming it does not help.", err, "(key "+stolen.ID+"): was stolen")
	if !errors.Is(err, market.ErrRevoked) {
		t.Error(err)
	}
}

// TestNothingButRevoked: that all releases are revoked is more than that none is there.
func TestNothingButRevoked(t *testing.T) {
	t.Parallel()
	x := indextest.New(t, indexSeed, indextest.Sign(t, "acme/web@1.0.0"), indextest.Sign(t, "acme/web@1.1.0"), indextest.Sign(t, "acme/api@1.0.0"))
	h := newHome(t, x)
	x.Revoke(revocation.Entry{Plugin: "acme/web", Versions: []string{"1.1.0"}, Reason: "leaks"})
	found, err := h.Search(context.Background(), []string{"web"})
	check(t, err)
	if len(found) != 1 || found[0].Latest != "1.0.0" {
		t.Errorf("%+v: a revoked release is offered", found)
	}
	x.Revoke(revocation.Entry{Plugin: "acme/web", Versions: []string{"1.0.0"}, Reason: "leaks, too"})
	_, err = h.Install(context.Background(), []string{"web"}, market.Options{})
	refused(t, "Nothing is left.", err, "acme/web: no release can be chosen: acme/web@1.0.0: ")
	if !errors.Is(err, market.ErrRevoked) {
		t.Error(err)
	}
	if found, err := h.Search(context.Background(), []string{"web"}); err != nil || len(found) > 0 {
		t.Errorf("%+v, %v", found, err)
	}
}

// TestAll installs what can be chosen of every plugin, and says what cannot.
func TestAll(t *testing.T) {
	t.Parallel()
	x := indextest.New(t, indexSeed, indextest.Sign(t, "acme/api@1.0.0"), indextest.Sign(t, "acme/web@1.0.0"), indextest.Sign(t, "acme/web@1.1.0"), indextest.Sign(t, "beta/api@1.0.0"))
	h := newHome(t, x)
	install(t, h, "web@1.1.0")
	x.Yank("acme", "web", "1.1.0", "is slow")
	x.Revoke(revocation.Entry{Plugin: "acme/api", Reason: "leaks"})
	var passedOver []string
	opts := market.Options{All: true, PassedOver: func(err error) { passedOver = append(passedOver, err.Error()) }}
	installed, err := h.Install(context.Background(), nil, opts)
	check(t, err)
	if diff := cmp.Diff([]string{"beta/api@1.0.0"}, versions(installed)); diff != "" {
		t.Error(diff)
	}
	want := []string{
		"acme/api: no release can be chosen: acme/api@1.0.0: " + indextest.Sign(t, "acme/api@1.0.0").Digest() +
			": not trusted: revoked by the index main since 2026-01-02T03:04:05Z (acme/api): leaks",
		"acme/web: 1.1.0 is installed, and nothing newer than 1.0.0 can be chosen",
	}
	if diff := cmp.Diff(want, passedOver); diff != "" {
		t.Error(diff)
	}
	opts.AllowDowngrade = true
	installed, err = h.Install(context.Background(), nil, opts)
	check(t, err)
	if diff := cmp.Diff([]string{"acme/web@1.0.0", "beta/api@1.0.0"}, versions(installed)); diff != "" {
		t.Error(diff)
	}
}

// TestGrantsTogether: what several grants of one capability allow is allowed together.
func TestGrantsTogether(t *testing.T) {
	t.Parallel()
	h := newHome(t, indextest.New(t, indexSeed, fetcher(t, "1.0.0", "a.example", "b.example")))
	grant := func(hosts ...string) market.Grant { return market.Grant{Name: abi.CapabilityHTTPGet, Hosts: hosts} }
	kv := market.Grant{Name: abi.CapabilityKV}
	consent := func(grants ...market.Grant) market.Options {
		return market.Options{Consent: market.Consent{Plugins: map[string][]market.Grant{"acme/fetch": append(grants, kv)}}}
	}
	_, err := h.Install(context.Background(), []string{"fetch"}, consent(grant("a.example"), grant("a.example")))
	denied(t, "One host is missing.", err, market.ErrNeedsConsent, `"b.example"`)
	_, err = h.Install(context.Background(), []string{"fetch"}, consent(grant("a.example"), grant("b.example")))
	check(t, err)
}

// TestFrozenAsks: policies decide about a copied installation as about any other, and nothing is
// granted when they refuse.
func TestFrozenAsks(t *testing.T) {
	t.Parallel()
	kv := abi.Capability{Name: abi.CapabilityKV, Reason: "to remember"}
	x := indextest.New(t, indexSeed, indextest.Sign(t, "acme/api@1.0.0", kv), indextest.Sign(t, "acme/web@1.0.0", kv))
	h := newHome(t, x)
	consent := market.Consent{Names: []string{"kv"}}
	_, err := h.Install(context.Background(), []string{"api", "web"}, market.Options{Consent: consent})
	check(t, err)
	receipts := filepath.Join(h.Dir(), "receipts")
	check(t, os.RemoveAll(receipts))
	x.Yank("acme", "web", "1.0.0", "is slow")
	_, err = h.FetchIndexes(context.Background(), nil, "")
	check(t, err)
	errNo := errors.New("no")
	var asked []market.Admission
	admit := func(_ context.Context, a market.Admission) error {
		asked = append(asked, a)
		if a.Yanked {
			return errNo
		}
		return nil
	}
	if _, err := h.Frozen(context.Background(), market.Options{Consent: consent, Admit: admit}); !errors.Is(err, errNo) {
		t.Error(err)
	}
	if len(asked) != 2 || asked[0].Yanked || !asked[1].Yanked || len(asked[0].Capabilities) != 1 || asked[0].StaleDays != -1 {
		t.Errorf("%+v", asked)
	}
	if entries, err := os.ReadDir(receipts); err == nil && len(entries) > 0 {
		t.Errorf("%v was granted all the same", entries)
	}
	_, err = h.Frozen(context.Background(), market.Options{Consent: consent})
	check(t, err)
	if found := problems(h); len(found) > 0 {
		t.Error(found)
	}
}

// TestPartialMirror names what a mirror of some plugins does not have.
func TestPartialMirror(t *testing.T) {
	t.Parallel()
	x := indextest.New(t, indexSeed, indextest.Sign(t, "acme/web@1.0.0"))
	h := newHome(t, x)
	check(t, os.RemoveAll(filepath.Join(x.Dir, "targets", "releases")))
	_, err := h.Install(context.Background(), []string{"web"}, market.Options{})
	denied(t, "The release is missing.", err, os.ErrNotExist, "main: the index lists acme/web@1.0.0, but its files are missing: a mirror may have some plugins only: ")
	if errors.Is(err, release.ErrNotTrusted) {
		t.Error(err)
	}
}

// TestOneOfTwoIndexes updates what came from one index, while the other is not looked into, or has
// dropped a publisher.
func TestOneOfTwoIndexes(t *testing.T) {
	t.Parallel()
	x := indextest.New(t, indexSeed, indextest.Sign(t, "acme/web@1.0.0"))
	other := indextest.New(t, otherSeed, indextest.Sign(t, "beta/api@1.0.0"))
	h := newHome(t, x)
	trust(t, h.Home, "other", other)
	for name, index := range map[string]string{"acme/web": "main", "beta/api": "other"} {
		_, err := h.Install(context.Background(), []string{name}, market.Options{Index: index})
		check(t, err)
	}
	x.Add(indextest.Sign(t, "acme/web@1.1.0"))
	updated, err := h.Update(context.Background(), nil, market.Options{Index: "main"})
	check(t, err)
	if diff := cmp.Diff([]string{"acme/web@1.1.0"}, versions(updated)); diff != "" {
		t.Error(diff)
	}
	locked, err := h.Install(context.Background(), nil, market.Options{Index: "main", Locked: true})
	check(t, err)
	if diff := cmp.Diff([]string{"acme/web@1.1.0"}, versions(locked)); diff != "" {
		t.Error(diff)
	}
	other.Publishers(acmeKeys(t, evilKey))
	x.Publishers(acmeKeys(t, indextest.AcmeKey))
	x.Add(indextest.Sign(t, "acme/web@1.2.0"))
	updated, err = h.Update(context.Background(), nil, market.Options{})
	check(t, err)
	if diff := cmp.Diff([]string{"acme/web@1.2.0"}, versions(updated)); diff != "" {
		t.Error(diff)
	}
}
