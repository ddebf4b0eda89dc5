package market_test

import (
	"context"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/latticenet/lattice-host/abi"
	"github.com/latticenet/lattice-host/abi/cbor"
	"github.com/latticenet/lattice-host/registry/internal/indextest"
	"github.com/latticenet/lattice-host/registry/internal/registrytest"
	"github.com/latticenet/lattice-host/registry/lock"
	"github.com/latticenet/lattice-host/registry/market"
	"github.com/latticenet/lattice-host/registry/release"
)

// bringer returns a release of a plugin that brings the kind Database in a version.
func bringer(t testing.TB, reference, version string) registrytest.Release {
	t.Helper()
	m := registrytest.Manifest(t, reference)
	schema, err := cbor.FromJSON(nil, []byte(`{"type": "object", "properties": {"engine": {"type": "string"}}}`), abi.MaxDepth)
	check(t, err)
	m.Kinds = []abi.KindDefinition{{
		Group: "data.acme.example", Version: version, Kind: "Database", Plural: "databases", Description: "A database.", Schema: schema,
	}}
	return registrytest.Sign(t, registrytest.Key(t, 1), m)
}

// TestKindsAreAgreedTo installs a plugin that brings a kind: somebody must agree, the lock has the
// kind, and an update that brings no more needs no further consent.
func TestKindsAreAgreedTo(t *testing.T) {
	t.Parallel()
	x := indextest.New(t, indexSeed, bringer(t, "acme/database@1.0.0", "v1alpha1"), bringer(t, "acme/database@1.1.0", "v1beta1"))
	h := newHome(t, x)
	_, err := h.Install(context.Background(), []string{"database@1.0.0"}, market.Options{})
	denied(t, "No one agreed.", err, market.ErrNeedsConsent,
		`acme/database@1.0.0: needs consent: it wants to bring the kinds of document "Database.data.acme.example", because "A database.": grant it with --grant kinds`)
	installed, err := h.Install(context.Background(), []string{"database@1.0.0"}, market.Options{Consent: market.Consent{Names: []string{market.GrantKinds}}})
	check(t, err)
	if diff := cmp.Diff([]string{"Database.data.acme.example v1alpha1"}, kindsOf(installed[0].Kinds)); diff != "" {
		t.Error(diff)
	}
	_, err = h.Install(context.Background(), []string{"database@1.1.0"}, market.Options{})
	check(t, err)

	kinds, err := h.Kinds(context.Background())
	check(t, err)
	if len(kinds) != 0 {
		t.Errorf("a plugin that is not active brings %d kinds", len(kinds))
	}
	_, err = h.SetActive([]string{"database"}, true, "")
	check(t, err)
	kinds, err = h.Kinds(context.Background())
	check(t, err)
	if len(kinds) != 1 || kinds[0].Plugin != "acme/database@1.1.0" || kinds[0].Version != "v1beta1" {
		t.Errorf("kinds %v", kinds)
	}
}

func kindsOf(kinds []lock.Kind) []string {
	var texts []string
	for _, k := range kinds {
		texts = append(texts, k.GroupKind().String()+" "+k.Version)
	}
	return texts
}

// TestKindsThatCannotBe installs plugins whose kinds contradict what is installed.
func TestKindsThatCannotBe(t *testing.T) {
	t.Parallel()
	agree := market.Options{Consent: market.Consent{Names: []string{market.GrantKinds}}}
	x := indextest.New(t, indexSeed, bringer(t, "acme/database@1.0.0", "v1"), bringer(t, "acme/database@1.1.0", "v1beta1"), bringer(t, "acme/store@2.0.0", "v1"))
	h := newHome(t, x)
	_, err := h.Install(context.Background(), []string{"database@1.0.0", "store"}, agree)
	denied(t, "Two plugins of one install bring one kind.", err, release.ErrNotTrusted,
		"it brings the kind Database.data.acme.example, and so does acme/database@1.0.0: two plugins cannot bring one kind; remove one of them")
	_, err = h.Install(context.Background(), []string{"database@1.0.0"}, agree)
	check(t, err)
	_, err = h.Install(context.Background(), []string{"store"}, agree)
	denied(t, "An installed plugin brings the kind.", err, release.ErrNotTrusted, "acme/store@2.0.0")
	_, err = h.Update(context.Background(), []string{"database@1.1.0"}, agree)
	says(t, "A newer release brings an older version of the kind.", err,
		"acme/database@1.1.0: brings the kind Database.data.acme.example in the version v1beta1, and acme/database@1.0.0 brings it in the newer version v1: allow the downgrade")
	agree.AllowDowngrade = true
	_, err = h.Update(context.Background(), []string{"database@1.1.0"}, agree)
	check(t, err)
}

// says checks that err has the given text.
func says(t testing.TB, reason string, err error, want string) {
	t.Helper()
	if err == nil || !strings.Contains(err.Error(), want) {
		t.Errorf("%s\nwant an error that says %q, got %v", reason, want, err)
	}
}
