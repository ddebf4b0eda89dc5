package market_test

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/latticenet/lattice-host/abi"
	"github.com/latticenet/lattice-host/registry/index"
	"github.com/latticenet/lattice-host/registry/internal/registrytest"
	"github.com/latticenet/lattice-host/registry/lock"
	"github.com/latticenet/lattice-host/registry/market"
	"github.com/latticenet/lattice-host/registry/release"
)

// The seeds of the keys in these tests.
const (
	acmeKey  = 1
	betaKey  = 2
	indexKey = 7
	evilKey  = 9
)

func edit(t testing.TB, seed byte) index.Edit {
	t.Helper()
	return index.Edit{GeneratedAt: time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC), Key: registrytest.Key(t, seed)}
}

func sign(t testing.TB, reference string, capabilities ...abi.Capability) registrytest.Release {
	t.Helper()
	seed := byte(acmeKey)
	if strings.HasPrefix(reference, "beta/") {
		seed = betaKey
	}
	return registrytest.Sign(t, registrytest.Key(t, seed), registrytest.Manifest(t, reference, capabilities...))
}

// newIndex makes a folder index signed by the key with the given seed, with the publishers acme and beta.
func newIndex(t testing.TB, seed byte, releases ...registrytest.Release) string {
	t.Helper()
	dir := t.TempDir()
	check(t, index.Create(dir, index.StatusOfficial, edit(t, seed)))
	check(t, index.AddPublisher(dir, "acme", "Acme", registrytest.Key(t, acmeKey).Public(), edit(t, seed)))
	check(t, index.AddPublisher(dir, "beta", "Beta", registrytest.Key(t, betaKey).Public(), edit(t, seed)))
	for _, r := range releases {
		check(t, index.AddRelease(dir, r.Wasm, r.Bundle, edit(t, seed)))
	}
	return dir
}

func newHome(t testing.TB) *market.Home {
	t.Helper()
	h, err := market.Create(filepath.Join(t.TempDir(), "home"))
	check(t, err)
	check(t, h.TrustIndexKey(registrytest.Key(t, indexKey).Public()))
	return h
}

func check(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func install(t testing.TB, h *market.Home, dir string, names ...string) []market.Installed {
	t.Helper()
	installed, err := h.Install(context.Background(), dir, names, market.Options{})
	check(t, err)
	return installed
}

func read(t testing.TB, elements ...string) []byte {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(elements...))
	check(t, err)
	return data
}

func write(t testing.TB, data []byte, elements ...string) {
	t.Helper()
	check(t, os.WriteFile(filepath.Join(elements...), data, 0o644))
}

// refused checks that err is an ErrNotTrusted with the given text.
func refused(t testing.TB, reason string, err error, says string) {
	t.Helper()
	if !errors.Is(err, release.ErrNotTrusted) || !strings.Contains(err.Error(), says) {
		t.Errorf("%s\nwant an ErrNotTrusted that says %q, got %v", reason, says, err)
	}
}

func TestInstallAndLoad(t *testing.T) {
	t.Parallel()
	web := sign(t, "acme/web@1.10.0")
	dir := newIndex(t, indexKey, sign(t, "acme/web@1.9.0"), web, sign(t, "acme/web@2.0.0-alpha.1"),
		sign(t, "acme/api@0.1.0"), sign(t, "beta/api@0.2.0"))
	tests := map[string]struct {
		reason string
		names  []string
		all    bool
		want   []string
	}{
		"Highest":    {reason: "The highest stable version is chosen by number, not by text.", names: []string{"acme/web"}, want: []string{"acme/web@1.10.0"}},
		"Bare":       {reason: "A bare name is enough when it is unique.", names: []string{"web"}, want: []string{"acme/web@1.10.0"}},
		"Exact":      {reason: "A named version is that version.", names: []string{"acme/web@1.9.0"}, want: []string{"acme/web@1.9.0"}},
		"BareExact":  {reason: "A bare name can have a version.", names: []string{"web@1.9.0"}, want: []string{"acme/web@1.9.0"}},
		"Prerelease": {reason: "A prerelease must be asked for.", names: []string{"acme/web@2.0.0-alpha.1"}, want: []string{"acme/web@2.0.0-alpha.1"}},
		"Several":    {reason: "The result is sorted, and names that mean the same count once.", names: []string{"beta/api", "web", "acme/api", "acme/web"}, want: []string{"acme/api@0.1.0", "acme/web@1.10.0", "beta/api@0.2.0"}},
		"All":        {reason: "Everything in the index.", all: true, want: []string{"acme/api@0.1.0", "acme/web@1.10.0", "beta/api@0.2.0"}},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := newHome(t)
			installed, err := h.Install(context.Background(), dir, tc.names, market.Options{All: tc.all})
			check(t, err)
			var got []string
			for _, i := range installed {
				got = append(got, i.Reference())
				m, err := h.Load(i.Path())
				check(t, err)
				if m.Manifest().Reference() != i.Reference() || m.Digest() != i.Digest {
					t.Errorf("loaded %s %s", m.Manifest().Reference(), m.Digest())
				}
			}
			if diff := cmp.Diff(tc.want, got); diff != "" {
				t.Errorf("%s\n%s", tc.reason, diff)
			}
			if problems := h.Verify(context.Background()); len(problems) > 0 {
				t.Errorf("%s: %v", tc.reason, problems)
			}
		})
	}
	t.Run("Lock", func(t *testing.T) {
		t.Parallel()
		h := newHome(t)
		install(t, h, dir, "web")
		got, err := lock.Read(filepath.Join(h.Dir(), lock.FileName))
		check(t, err)
		want := lock.New()
		want.Set(lock.Plugin{
			Publisher: "acme", Name: "web", Version: "1.10.0", Digest: web.Digest(), Size: int64(len(web.Wasm)),
			Bundle: release.Digest(web.Bundle), KeyID: registrytest.Key(t, acmeKey).ID, ABI: 1,
			Index: registrytest.Key(t, indexKey).ID, Capabilities: []string{},
		})
		if diff := cmp.Diff(want, got); diff != "" {
			t.Error(diff)
		}
	})
}

func TestInstallRefusesRequests(t *testing.T) {
	t.Parallel()
	dir := newIndex(t, indexKey, sign(t, "acme/api@0.1.0"), sign(t, "beta/api@0.2.0"), sign(t, "acme/new@1.0.0-alpha.1"),
		sign(t, "beta/two@1.0.0"), sign(t, "beta/two@1.1.0"))
	tests := map[string]struct {
		reason, says string
		names        []string
		opts         market.Options
	}{
		"Nothing":      {reason: "Nothing to do is a mistake.", says: "name at least one plugin, as publisher/name"},
		"AllAndNames":  {reason: "One or the other.", names: []string{"api"}, opts: market.Options{All: true}, says: "not both"},
		"Unknown":      {reason: "Not there.", names: []string{"acme/db"}, says: "acme/db: is not in the index"},
		"UnknownBare":  {reason: "Not there.", names: []string{"db"}, says: "db: is not in the index"},
		"Ambiguous":    {reason: "Nobody chooses a publisher but the user.", names: []string{"api"}, says: "api: several publishers have a plugin of this name, say which one: acme/api, beta/api"},
		"NoStable":     {reason: "A prerelease must be asked for.", names: []string{"new"}, says: "acme/new: the index has no release that is not a prerelease, it has: acme/new@1.0.0-alpha.1"},
		"NoVersion":    {reason: "A named version is that version.", names: []string{"acme/api@0.3.0"}, says: "acme/api: the index has no version 0.3.0, it has: acme/api@0.1.0"},
		"TwoVersions":  {reason: "One plugin is installed once.", names: []string{"beta/two@1.0.0", "two"}, says: "beta/two: asked for in the versions 1.0.0 and 1.1.0"},
		"BadVersion":   {reason: "A version is a semantic version.", names: []string{"acme/api@0.1"}, says: `"acme/api@0.1" must be`},
		"UnknownGrant": {reason: "A typing error is no consent.", names: []string{"acme/api"}, opts: market.Options{Grant: []string{"http.post"}}, says: `"http.post" is not a capability`},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := newHome(t)
			installed, err := h.Install(context.Background(), dir, tc.names, tc.opts)
			if installed != nil || err == nil || !strings.Contains(err.Error(), tc.says) {
				t.Errorf("%s\nwant an error that says %q, got %v", tc.reason, tc.says, err)
			}
			if _, err := os.Stat(filepath.Join(h.Dir(), lock.FileName)); !errors.Is(err, fs.ErrNotExist) {
				t.Errorf("a lock was written: %v", err)
			}
		})
	}
}

func TestConsent(t *testing.T) {
	t.Parallel()
	fetch := sign(t, "acme/fetch@1.0.0",
		abi.Capability{Name: abi.CapabilityHTTPGet, Reason: "to read\nprices", Hosts: []string{"a.example", "b.example"}},
		abi.Capability{Name: abi.CapabilityKV, Reason: "to remember them"},
		abi.Capability{Name: abi.CapabilityResourcesRead, Reason: "to see", Kinds: []abi.GroupKind{{Group: "apps", Kind: "Deployment"}, {Kind: "Pod"}}},
	)
	dir := newIndex(t, indexKey, fetch, sign(t, "acme/web@1.0.0"))
	h := newHome(t)
	_, err := h.Install(context.Background(), dir, nil, market.Options{All: true, Grant: []string{"kv"}})
	want := `acme/fetch@1.0.0: needs consent: asks to send GET requests to "a.example", "b.example", because "to read\nprices": grant it with --grant http.get
acme/fetch@1.0.0: needs consent: asks to read live resources of the kinds Deployment.apps, Pod, because "to see": grant it with --grant resources.read`
	if !errors.Is(err, market.ErrNeedsConsent) || err.Error() != want {
		t.Errorf("want\n%s\ngot\n%v", want, err)
	}
	if _, err := h.Load("acme/web"); !errors.Is(err, lock.ErrNotLocked) {
		t.Errorf("half of the plugins were installed: %v", err)
	}
	installed, err := h.Install(context.Background(), dir, []string{"fetch"}, market.Options{Grant: []string{"resources.read", "kv", "http.get"}})
	check(t, err)
	if diff := cmp.Diff([]string{"http.get", "kv", "resources.read"}, installed[0].Capabilities); diff != "" {
		t.Error(diff)
	}
	if _, err := h.Load("fetch"); err != nil {
		t.Error(err)
	}
}

func TestUpgradeAndDowngrade(t *testing.T) {
	t.Parallel()
	old := newIndex(t, indexKey, sign(t, "acme/web@1.0.0"))
	dir := newIndex(t, indexKey, sign(t, "acme/web@1.0.0"), sign(t, "acme/web@1.1.0"))
	h := newHome(t)
	if got := install(t, h, old, "web"); got[0].Previous != "" {
		t.Errorf("previous is %q", got[0].Previous)
	}
	if got := install(t, h, dir, "web"); got[0].Previous != "1.0.0" || got[0].Version != "1.1.0" {
		t.Errorf("upgraded %q to %q", got[0].Previous, got[0].Version)
	}
	_, err := h.Install(context.Background(), old, []string{"web"}, market.Options{})
	want := "acme/web@1.0.0: the newer version 1.1.0 is installed: allow the downgrade with --allow-downgrade"
	if err == nil || err.Error() != want {
		t.Errorf("want %s\ngot  %v", want, err)
	}
	m, err := h.Load("web")
	check(t, err)
	if m.Manifest().Version != "1.1.0" {
		t.Errorf("the version is %s", m.Manifest().Version)
	}
	_, err = h.Install(context.Background(), old, []string{"web"}, market.Options{AllowDowngrade: true})
	check(t, err)
	if m, err = h.Load("web"); err != nil || m.Manifest().Version != "1.0.0" {
		t.Errorf("%v, %v", m, err)
	}
}

func TestListAndRemove(t *testing.T) {
	t.Parallel()
	web := sign(t, "acme/web@1.0.0")
	h := newHome(t)
	install(t, h, newIndex(t, indexKey, web, sign(t, "acme/api@1.0.0")), "web", "api")
	blob := filepath.Join(h.Dir(), "store", "blobs", "sha256", strings.TrimPrefix(web.Digest(), "sha256:"))
	check(t, os.WriteFile(blob, []byte("x"), 0o644))
	states := func() (got []string) {
		entries, err := h.List(context.Background())
		check(t, err)
		for _, e := range entries {
			state := "ok"
			if e.Err != nil {
				state = "bad"
			}
			got = append(got, e.Reference()+" "+state)
		}
		return got
	}
	if diff := cmp.Diff([]string{"acme/api@1.0.0 ok", "acme/web@1.0.0 bad"}, states()); diff != "" {
		t.Error(diff)
	}
	if problems := h.Verify(context.Background()); len(problems) != 1 || !errors.Is(problems[0], release.ErrNotTrusted) {
		t.Errorf("%v", problems)
	}
	check(t, h.Remove("web"))
	check(t, h.Remove("acme/api"))
	if got := states(); len(got) != 0 {
		t.Errorf("%v", got)
	}
	left, err := os.ReadDir(filepath.Dir(blob))
	if err != nil || len(left) != 0 {
		t.Errorf("files stay in the store: %v, %v", left, err)
	}
	if err := h.Remove("web"); !errors.Is(err, lock.ErrNotLocked) {
		t.Errorf("want ErrNotLocked, got %v", err)
	}
	canceled, cancel := context.WithCancel(context.Background())
	cancel()
	install(t, h, newIndex(t, indexKey, web), "web")
	if problems := h.Verify(canceled); len(problems) != 1 || !errors.Is(problems[0], context.Canceled) {
		t.Errorf("%v", problems)
	}
	if _, err := h.Install(canceled, newIndex(t, indexKey, web), []string{"web"}, market.Options{}); !errors.Is(err, context.Canceled) {
		t.Errorf("%v", err)
	}
}

func TestHome(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	if _, err := market.Open(dir); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("want fs.ErrNotExist, got %v", err)
	}
	h, err := market.Create(dir)
	check(t, err)
	if _, err := market.Create(dir); !errors.Is(err, fs.ErrExist) {
		t.Errorf("want fs.ErrExist, got %v", err)
	}
	first, second := registrytest.Key(t, 3).Public(), registrytest.Key(t, 4).Public()
	for _, k := range []release.PublicKey{second, first, second} {
		check(t, h.TrustIndexKey(k))
	}
	h, err = market.Open(dir)
	check(t, err)
	keys, err := h.IndexKeys()
	check(t, err)
	if len(keys) != 2 || keys[0].ID >= keys[1].ID {
		t.Errorf("the keys are %v", keys)
	}
	check(t, h.UntrustIndexKey(first.ID))
	if keys, err := h.IndexKeys(); err != nil || len(keys) != 1 || keys[0].ID != second.ID {
		t.Errorf("the keys are %v, %v", keys, err)
	}
	for _, err := range []error{
		h.UntrustIndexKey(first.ID), h.ForgetPublisher("acme"),
		h.TrustIndexKey(release.PublicKey{ID: first.ID, Ed25519: second.Ed25519}), h.TrustIndexKey(release.PublicKey{}),
	} {
		if err == nil {
			t.Error("want an error")
		}
	}
}

func TestTrustFileIsReadStrictly(t *testing.T) {
	t.Parallel()
	h := newHome(t)
	install(t, h, newIndex(t, indexKey, sign(t, "acme/web@1.0.0")), "web")
	good := read(t, h.Dir(), "trust.json")
	set := func(old, with string) []byte { return registrytest.SetField(t, good, old, with) }
	tests := map[string]struct {
		reason string
		data   []byte
	}{
		"Version":         {"Another version may mean anything.", set(`"version": 1`, `"version": 2`)},
		"UnknownKey":      {"What is not understood is not ignored.", set(`"version": 1`, `"version": 1, "allowUnsigned": true`)},
		"OtherCase":       {"Keys have one spelling.", set(`"indexKeys"`, `"IndexKeys"`)},
		"NullKeys":        {"Null is not a list.", []byte(`{"version":1,"indexKeys":null,"publishers":[]}`)},
		"NullPublisher":   {"Null is not a publisher.", []byte(`{"version":1,"indexKeys":[],"publishers":[null]}`)},
		"NoPublisherKeys": {"A publisher without keys cannot sign.", []byte(`{"version":1,"indexKeys":[],"publishers":[{"id":"acme","index":"x","keys":[]}]}`)},
		"ForeignID":       {"An id belongs to its key.", set(registrytest.Key(t, acmeKey).ID, "ed25519-0000000000000000")},
		"Trailing":        {"Nothing follows the document.", append(good, '1')},
		"Empty":           {"An empty file is a broken file.", nil},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			write(t, tc.data, h.Dir(), "trust.json")
			if _, err := market.Open(h.Dir()); err == nil || !strings.Contains(err.Error(), "trust.json: ") {
				t.Errorf("%s: %v", tc.reason, err)
			}
			_, err := h.Load("web")
			refused(t, tc.reason, err, "web: not trusted: ")
		})
	}
}
