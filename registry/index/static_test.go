package index_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/latticenet/lattice-host/abi"
	"github.com/latticenet/lattice-host/registry/index"
	"github.com/latticenet/lattice-host/registry/index/publisher"
	"github.com/latticenet/lattice-host/registry/internal/registrytest"
	"github.com/latticenet/lattice-host/registry/release"
)

// entry returns a release of the publisher with the seed's key.
func entry(t *testing.T, seed byte, reference string, capabilities ...abi.Capability) index.Entry {
	t.Helper()
	r := registrytest.Sign(t, registrytest.Key(t, seed), registrytest.Manifest(t, reference, capabilities...))
	claims, err := release.ReadClaims(r.Bundle)
	if err != nil {
		t.Fatal(err)
	}
	return index.Entry{Claims: claims, BundleDigest: release.Digest(r.Bundle)}
}

func publishers(t *testing.T, seeds map[string][]byte) *publisher.List {
	t.Helper()
	l := publisher.New()
	for _, id := range []string{"ab", "acme", "beta"} {
		p := publisher.Publisher{ID: id, Name: strings.ToUpper(id)}
		for _, seed := range seeds[id] {
			p.Keys = append(p.Keys, publisher.NewKey(registrytest.Key(t, seed).Public(), time.Time{}, time.Time{}))
		}
		if len(p.Keys) == 0 {
			continue
		}
		if err := l.Set(p); err != nil {
			t.Fatal(err)
		}
	}
	return l
}

// TestBuild lists what the format can say, and notes the rest. What it makes is a valid document.
func TestBuild(t *testing.T) {
	t.Parallel()
	kv := abi.Capability{Name: abi.CapabilityKV, Reason: "remembers"}
	x, notes := index.Build(time.Date(2026, 1, 2, 3, 4, 5, 6, time.FixedZone("", 3600)), publishers(t, map[string][]byte{
		"acme": {1, 2}, "beta": {3}, "ab": {5},
	}), []index.Entry{
		entry(t, 1, "acme/web@1.10.0", kv), entry(t, 1, "acme/web@1.9.0"), entry(t, 1, "acme/web@2.0.0-alpha.1"),
		entry(t, 1, "acme/web@2.0.0-beta.1"), entry(t, 2, "acme/old@0.1.0"), entry(t, 1, "acme/only@1.0.0-alpha.2"),
		entry(t, 3, "beta/web@1.0.0"), entry(t, 4, "gone/web@1.0.0"), entry(t, 5, "ab/c@1.0.0"), entry(t, 4, "beta/foreign@9.1.0"),
	})
	wantNotes := []string{
		"index.json: ab/c@1.0.0: is not listed: this format has no such names or versions",
		"index.json: acme/old@0.1.0: is not listed: this format has one key a publisher, and " + registrytest.Key(t, 1).ID + " signed a higher version",
		"index.json: acme/web@2.0.0-beta.1: is not listed: this format has no prereleases but -alpha",
		"index.json: beta/foreign@9.1.0: is not listed: its key " + registrytest.Key(t, 4).ID + " is not one of the publisher's",
		"index.json: gone/web@1.0.0: is not listed: the index has no publisher gone",
	}
	if diff := cmp.Diff(wantNotes, notes); diff != "" {
		t.Error(diff)
	}
	var got []string
	for _, p := range x.Plugins {
		got = append(got, fmt.Sprintf("%s stable %q alpha %q %q", p.ID, p.Channels.Stable, p.Channels.Alpha, p.Capabilities))
		for _, r := range p.Releases {
			got = append(got, fmt.Sprintf("  %s %s %q", r.Version, r.Channel, r.Capabilities))
		}
	}
	want := []string{
		`acme.only stable "" alpha "1.0.0-alpha.2" []`, `  1.0.0-alpha.2 alpha []`,
		`acme.web stable "1.10.0" alpha "2.0.0-alpha.1" ["kv"]`, `  1.9.0 stable []`, `  1.10.0 stable ["kv"]`, `  2.0.0-alpha.1 alpha []`,
		`beta.web stable "1.0.0" alpha "" []`, `  1.0.0 stable []`,
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	if len(x.Publishers) != 2 || x.Publisher("acme").Name != "ACME" || x.Publisher("beta") == nil || x.GeneratedAt != "2026-01-02T02:04:05Z" {
		t.Errorf("%+v, %s", x.Publishers, x.GeneratedAt)
	}
	key := registrytest.Key(t, 9)
	if err := x.Sign(key); err != nil {
		t.Fatal(err)
	}
	y, err := index.Parse(encode(t, x))
	if err != nil {
		t.Fatal(err)
	}
	if err := y.Verify([]release.PublicKey{key.Public()}, 1); err != nil {
		t.Error(err)
	}
	y.GeneratedAt, y.Signatures = "2027-01-02T02:04:05Z", nil
	if same, err := x.Same(y); err != nil || !same {
		t.Errorf("%v, %v", same, err)
	}
	y.Plugins[0].Summary += "."
	if same, err := x.Same(y); err != nil || same {
		t.Errorf("%v, %v", same, err)
	}
}
