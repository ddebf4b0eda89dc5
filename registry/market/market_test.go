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
	"github.com/latticenet/lattice-host/registry/index/revocation"
	"github.com/latticenet/lattice-host/registry/internal/indextest"
	"github.com/latticenet/lattice-host/registry/internal/registrytest"
	"github.com/latticenet/lattice-host/registry/lifecycle"
	"github.com/latticenet/lattice-host/registry/lock"
	"github.com/latticenet/lattice-host/registry/market"
	"github.com/latticenet/lattice-host/registry/release"
)

// The seeds of the keys of indexes and of strangers in these tests.
const (
	indexSeed = 20
	otherSeed = 40
	evilKey   = 9
)

// clock is a time that a test can move.
type clock struct{ now time.Time }

func (c *clock) time() time.Time { return c.now }

// home is an installation with the time that it lives in.
type home struct {
	*market.Home
	clock *clock
}

func newHome(t testing.TB, x *indextest.Index) home {
	t.Helper()
	c := &clock{indextest.Now.Add(time.Minute)}
	h, err := market.Create(filepath.Join(t.TempDir(), "home"), c.time)
	check(t, err)
	if x != nil {
		trust(t, h, "main", x)
	}
	return home{h, c}
}

func trust(t testing.TB, h *market.Home, name string, x *indextest.Index) {
	t.Helper()
	_, err := h.TrustIndex(name, x.Dir, x.Root)
	check(t, err)
}

func check(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func install(t testing.TB, h home, names ...string) []market.Installed {
	t.Helper()
	installed, err := h.Install(context.Background(), names, market.Options{})
	check(t, err)
	return installed
}

// activate installs plugins and activates them.
func activate(t testing.TB, h home, names ...string) {
	t.Helper()
	for _, p := range install(t, h, names...) {
		_, err := h.SetActive([]string{p.Path()}, true, "")
		check(t, err)
	}
}

func load(h home, name string) (*market.Loaded, error) {
	s, err := h.Snapshot(context.Background(), market.Policy{})
	if err != nil {
		return nil, err
	}
	return s.Load(context.Background(), name)
}

// problems returns what is wrong with the installed plugins.
func problems(h home) []error {
	s, err := h.Snapshot(context.Background(), market.Policy{})
	if err != nil {
		return []error{err}
	}
	entries, err := s.List(context.Background())
	if err != nil {
		return []error{err}
	}
	var found []error
	for _, e := range entries {
		if e.Err != nil {
			found = append(found, e.Err)
		}
	}
	return found
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

// notInstalled checks that err says that a plugin is not installed.
func notInstalled(t testing.TB, reason string, err error, plugin string) {
	t.Helper()
	if want := plugin + ": not installed; run lattice-host install " + plugin; !errors.Is(err, lock.ErrNotLocked) || err.Error() != want {
		t.Errorf("%s\nwant %s, got %v", reason, want, err)
	}
}

// refused checks that err is an ErrNotTrusted with the given text.
func refused(t testing.TB, reason string, err error, says string) {
	t.Helper()
	if !errors.Is(err, release.ErrNotTrusted) || !strings.Contains(err.Error(), says) {
		t.Errorf("%s\nwant an ErrNotTrusted that says %q, got %v", reason, says, err)
	}
}

// denied checks that err is of a kind and has the given text.
func denied(t testing.TB, reason string, err, kind error, says string) {
	t.Helper()
	if !errors.Is(err, kind) || !strings.Contains(err.Error(), says) {
		t.Errorf("%s\nwant %v that says %q, got %v", reason, kind, says, err)
	}
}

func versions(installed []market.Installed) []string {
	var got []string
	for _, p := range installed {
		got = append(got, p.Reference())
	}
	return got
}

func TestInstallAndLoad(t *testing.T) {
	t.Parallel()
	x := indextest.New(t, indexSeed, indextest.Sign(t, "acme/web@1.9.0"), indextest.Sign(t, "acme/web@1.10.0"),
		indextest.Sign(t, "acme/web@2.0.0-alpha.1"), indextest.Sign(t, "acme/api@0.1.0"), indextest.Sign(t, "beta/api@0.2.0"),
		indextest.Sign(t, "acme/web@3.0.0"))
	tests := map[string]struct {
		reason string
		names  []string
		all    bool
		want   []string
	}{
		"Highest":    {reason: "The highest stable version is chosen.", names: []string{"acme/web"}, want: []string{"acme/web@3.0.0"}},
		"Caret":      {reason: "A caret keeps the major version; 10 is more than 9.", names: []string{"acme/web@^1"}, want: []string{"acme/web@1.10.0"}},
		"Tilde":      {reason: "A tilde keeps the minor version.", names: []string{"acme/web@~1.9"}, want: []string{"acme/web@1.9.0"}},
		"Interval":   {reason: "Bounds can be given.", names: []string{"acme/web@>=1, <1.10"}, want: []string{"acme/web@1.9.0"}},
		"Bare":       {reason: "A bare name is enough when it is unique.", names: []string{"web"}, want: []string{"acme/web@3.0.0"}},
		"Exact":      {reason: "A named version is that version.", names: []string{"acme/web@1.9.0"}, want: []string{"acme/web@1.9.0"}},
		"Prerelease": {reason: "A prerelease must be asked for.", names: []string{"acme/web@2.0.0-alpha.1"}, want: []string{"acme/web@2.0.0-alpha.1"}},
		"Several":    {reason: "The result is sorted, and names that mean the same count once.", names: []string{"beta/api", "web", "acme/api", "acme/web"}, want: []string{"acme/api@0.1.0", "acme/web@3.0.0", "beta/api@0.2.0"}},
		"All":        {reason: "Everything in the index.", all: true, want: []string{"acme/api@0.1.0", "acme/web@3.0.0", "beta/api@0.2.0"}},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := newHome(t, x)
			installed, err := h.Install(context.Background(), tc.names, market.Options{All: tc.all})
			check(t, err)
			if diff := cmp.Diff(tc.want, versions(installed)); diff != "" {
				t.Errorf("%s\n%s", tc.reason, diff)
			}
			for _, p := range installed {
				_, err := load(h, p.Path())
				denied(t, "Installing does not activate.", err, market.ErrNotActive, p.Reference()+": is not active: it is installed and was never activated: run lattice-host enable "+p.Path())
				_, err = h.SetActive([]string{p.Path()}, true, "")
				check(t, err)
				loaded, err := load(h, p.Path())
				check(t, err)
				if got := loaded.Module.Manifest().Reference(); got != p.Reference() {
					t.Errorf("%s was loaded as %s", p.Reference(), got)
				}
			}
		})
	}
}

func TestRow57_InstallRefuses(t *testing.T) {
	t.Parallel()
	x := indextest.New(t, indexSeed, indextest.Sign(t, "acme/web@1.0.0"), indextest.Sign(t, "acme/api@0.1.0"),
		indextest.Sign(t, "beta/api@0.2.0"), indextest.Sign(t, "acme/old@1.0.0"), indextest.Sign(t, "acme/pre@1.0.0-rc.1"))
	x.Yank("acme", "old", "1.0.0", "loses data")
	tests := map[string]struct {
		reason string
		names  []string
		opts   market.Options
		says   string
	}{
		"Nothing":    {reason: "Something must be named.", says: "name at least one plugin"},
		"Both":       {reason: "All is all.", names: []string{"web"}, opts: market.Options{All: true}, says: "either name plugins or ask for all"},
		"Unknown":    {reason: "An unknown plugin is reported.", names: []string{"acme/db"}, says: "acme/db: is not in the index main"},
		"BareName":   {reason: "Nor under a bare name.", names: []string{"db"}, says: "db: is not in the index"},
		"Ambiguous":  {reason: "Only the user chooses between publishers.", names: []string{"api"}, says: "several publishers have a plugin of this name, say which one: acme/api, beta/api"},
		"Version":    {reason: "What there is is said.", names: []string{"web@2.0.0"}, says: "acme/web: the index main has no version 2.0.0, it has: acme/web@1.0.0"},
		"Range":      {reason: "What there is is said.", names: []string{"web@^2"}, says: "acme/web: the index main has no version in ^2, it has: acme/web@1.0.0"},
		"Prerelease": {reason: "A prerelease must be named.", names: []string{"pre"}, says: "acme/pre: the index main has no release that is not a prerelease, it has: acme/pre@1.0.0-rc.1"},
		"Yanked":     {reason: "A yanked release is not chosen, and the reason is said.", names: []string{"old"}, says: "acme/old: no release can be chosen: acme/old@1.0.0: was yanked: loses data"},
		"Twice":      {reason: "One plugin has one version.", names: []string{"acme/pre@1.0.0-rc.1", "acme/pre@1.0.0"}, says: "no version 1.0.0"},
		"Grant":      {reason: "A typing error is not consent.", names: []string{"web"}, opts: market.Options{Consent: market.Consent{Names: []string{"everything"}}}, says: `"everything" is not a capability`},
		"Index":      {reason: "An index has to be trusted.", names: []string{"web"}, opts: market.Options{Index: "other"}, says: `"other" is not a trusted index, they are: main`},
		"Locked":     {reason: "Nothing is in the lock.", names: []string{"web"}, opts: market.Options{Locked: true}, says: "acme/web@1.0.0: is not in the lock, which --locked keeps as it is"},
		"Gone":       {reason: "A mirror that does not exist.", names: []string{"web"}, opts: market.Options{From: "/nowhere"}, says: "/nowhere"},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := newHome(t, x)
			installed, err := h.Install(context.Background(), tc.names, tc.opts)
			if installed != nil || err == nil || !strings.Contains(err.Error(), tc.says) {
				t.Errorf("%s\nwant an error that says %q, got %v", tc.reason, tc.says, err)
			}
			if _, err := os.Stat(filepath.Join(h.Dir(), lock.FileName)); !errors.Is(err, fs.ErrNotExist) {
				t.Errorf("a lock was written: %v", err)
			}
		})
	}
}

func fetcher(t testing.TB, version string, hosts ...string) registrytest.Release {
	t.Helper()
	return indextest.Sign(t, "acme/fetch@"+version,
		abi.Capability{Name: abi.CapabilityHTTPGet, Reason: "to read\nprices", Hosts: hosts},
		abi.Capability{Name: abi.CapabilityKV, Reason: "to remember them"})
}

func TestRow61_Consent(t *testing.T) {
	t.Parallel()
	reader := indextest.Sign(t, "acme/reader@1.0.0",
		abi.Capability{Name: abi.CapabilityResourcesRead, Reason: "to see", Kinds: []abi.GroupKind{{Kind: "Secret"}, {Group: "networking.k8s.io", Kind: "NetworkPolicy"}}})
	x := indextest.New(t, indexSeed, fetcher(t, "1.0.0", "a.example", "b.example"), reader, indextest.Sign(t, "acme/web@1.0.0"))
	h := newHome(t, x)
	_, err := h.Install(context.Background(), nil, market.Options{All: true, Consent: market.Consent{Names: []string{"kv"}}})
	want := `acme/fetch@1.0.0: needs consent: it wants to fetch pages from "a.example", "b.example", because "to read\nprices": grant it with --grant http.get, or with --grant FILE
acme/fetch@1.0.0: needs consent: it wants to keep a small store of its own, because "to remember them": grant it with --grant kv, or with --grant FILE
acme/reader@1.0.0: needs consent: it wants to read NetworkPolicies, Secrets in its namespace and beyond, as far as policies allow, because "to see": grant it with --grant resources.read, or with --grant FILE`
	if !errors.Is(err, market.ErrNeedsConsent) || err.Error() != want {
		t.Errorf("want\n%s\ngot\n%v", want, err)
	}
	if _, err := load(h, "acme/web"); !errors.Is(err, lock.ErrNotLocked) {
		t.Errorf("half of the plugins were installed: %v", err)
	}
	installed, err := h.Install(context.Background(), []string{"fetch"}, market.Options{Consent: market.Consent{Names: []string{"kv", "http.get"}, Source: "--grant"}})
	check(t, err)
	if diff := cmp.Diff([]string{"http.get", "kv"}, installed[0].Capabilities.Names); diff != "" {
		t.Error(diff)
	}
	_, err = h.SetActive([]string{"fetch"}, true, "")
	check(t, err)
	loaded, err := load(h, "fetch")
	check(t, err)
	if diff := cmp.Diff([]string{"http.get", "kv"}, loaded.Granted); diff != "" {
		t.Error(diff)
	}
}

func TestConsentDocument(t *testing.T) {
	t.Parallel()
	const document = `apiVersion: lattice.dev/v1
kind: Grants
spec:
  plugins:
    - plugin: acme/fetch
      capabilities: [{name: http.get, hosts: [a.example]}, {name: kv}]
`
	c, err := market.ParseConsent("grants.yaml", []byte(document))
	check(t, err)
	x := indextest.New(t, indexSeed, fetcher(t, "1.0.0", "a.example"), fetcher(t, "1.1.0", "a.example", "b.example"))
	h := newHome(t, x)
	_, err = h.Install(context.Background(), []string{"fetch@1.0.0"}, market.Options{Consent: *c})
	check(t, err)
	_, err = h.Install(context.Background(), []string{"fetch"}, market.Options{Consent: *c})
	denied(t, "A document grants hosts, not a capability whatever it reaches.", err, market.ErrNeedsConsent,
		`acme/fetch@1.1.0: needs consent: it wants to fetch pages from "b.example", which 1.0.0 may not`)
	for name, text := range map[string]string{
		"kind":       strings.Replace(document, "Grants", "Grant", 1),
		"unknown":    strings.Replace(document, "spec:", "specs:", 1),
		"plugin":     strings.Replace(document, "acme/fetch", "fetch", 1),
		"capability": strings.Replace(document, "name: kv", "name: files", 1),
		"yaml":       "a: [",
		"empty":      "",
		"twice":      document + "    - {plugin: acme/fetch, capabilities: []}\n",
	} {
		if _, err := market.ParseConsent("grants.yaml", []byte(text)); err == nil || !strings.HasPrefix(err.Error(), "grants.yaml:") {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestConsentIsAsked(t *testing.T) {
	t.Parallel()
	x := indextest.New(t, indexSeed, fetcher(t, "1.0.0", "a.example"), fetcher(t, "1.1.0", "b.example"))
	h := newHome(t, x)
	var asked []market.Question
	answer := false
	opts := market.Options{Consent: market.Consent{Ask: func(q market.Question) (bool, error) {
		asked = append(asked, q)
		return answer, nil
	}}}
	_, err := h.Install(context.Background(), []string{"fetch@1.0.0"}, opts)
	denied(t, "No is no.", err, market.ErrNeedsConsent, "acme/fetch@1.0.0")
	answer = true
	_, err = h.Install(context.Background(), []string{"fetch@1.0.0"}, opts)
	check(t, err)
	_, err = h.Install(context.Background(), []string{"fetch@1.1.0"}, opts)
	check(t, err)
	last := asked[len(asked)-1]
	if last.Previous != "1.0.0" || len(asked) != 3 {
		t.Errorf("asked %d times, at last about an update of %q", len(asked), last.Previous)
	}
	hosts := func(name string) []market.Grant {
		return []market.Grant{{Name: abi.CapabilityHTTPGet, Hosts: []string{name}}}
	}
	if diff := cmp.Diff([][]market.Grant{hosts("b.example"), {{Name: abi.CapabilityKV}}, hosts("a.example")}, [][]market.Grant{last.New, last.Kept, last.Dropped}); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff(`may fetch pages from "b.example"`, last.New[0].Words()); diff != "" {
		t.Error(diff)
	}
}

func TestRow65_Update(t *testing.T) {
	t.Parallel()
	x := indextest.New(t, indexSeed, indextest.Sign(t, "acme/web@1.0.0"), indextest.Sign(t, "acme/api@1.0.0"), indextest.Sign(t, "acme/web@2.0.0"))
	h := newHome(t, x)
	activate(t, h, "web@^1", "api")
	update := func(opts market.Options, names ...string) []string {
		t.Helper()
		installed, err := h.Update(context.Background(), names, opts)
		check(t, err)
		var got []string
		for _, p := range installed {
			if p.Changed {
				got = append(got, p.Reference())
			}
		}
		return got
	}
	if got := update(market.Options{}); got != nil {
		t.Errorf("there is nothing newer, and %v was installed", got)
	}
	x.Add(indextest.Sign(t, "acme/web@1.1.0"), indextest.Sign(t, "acme/api@1.1.0"))
	outdated, err := h.Outdated(context.Background())
	check(t, err)
	var lines []string
	for _, o := range outdated {
		lines = append(lines, o.Reference()+" "+o.InRange+" "+o.Newest)
	}
	if diff := cmp.Diff([]string{"acme/api@1.0.0 1.1.0 1.1.0", "acme/web@1.0.0 1.1.0 2.0.0"}, lines); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff([]string{"acme/web@1.1.0"}, update(market.Options{}, "web")); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff([]string{"acme/api@1.1.0"}, update(market.Options{})); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff([]string{"acme/web@2.0.0"}, update(market.Options{}, "web@^2")); diff != "" {
		t.Error("the range can be changed:", diff)
	}
	x.Yank("acme", "api", "1.1.0", "is slow")
	if got := update(market.Options{}); got != nil {
		t.Errorf("a yanked release was left for an older one: %v", got)
	}
	if diff := cmp.Diff([]string{"acme/api@1.0.0"}, update(market.Options{AllowDowngrade: true})); diff != "" {
		t.Error(diff)
	}
	x.Yank("acme", "api", "1.0.0", "is old")
	if got := update(market.Options{}); got != nil {
		t.Errorf("there is nothing to choose, and %v was installed", got)
	}
	if _, err := load(h, "web"); err != nil {
		t.Errorf("an update deactivates: %v", err)
	}
	_, err = h.Update(context.Background(), []string{"db"}, market.Options{})
	notInstalled(t, "What is not installed is not updated.", err, "db")
}

func TestDeprecated(t *testing.T) {
	t.Parallel()
	x := indextest.New(t, indexSeed, indextest.Sign(t, "acme/web@1.0.0"))
	x.Change(deprecate("acme/web@1.0.0"))
	h := newHome(t, x)
	installed := install(t, h, "web")
	if diff := cmp.Diff([]string{"is deprecated: is old; use acme/gateway"}, installed[0].Notes); diff != "" {
		t.Error(diff)
	}
	s, err := h.Snapshot(context.Background(), market.Policy{})
	check(t, err)
	if diff := cmp.Diff([]string{"acme/web@1.0.0 is deprecated: is old; use acme/gateway"}, s.Warnings()); diff != "" {
		t.Error(diff)
	}
}

func TestSearch(t *testing.T) {
	t.Parallel()
	x := indextest.New(t, indexSeed, indextest.Sign(t, "acme/web@1.0.0"), indextest.Sign(t, "acme/api@1.0.0"), indextest.Sign(t, "beta/web@0.1.0"))
	h := newHome(t, x)
	install(t, h, "acme/web")
	search := func(words ...string) (got []string) {
		offers, err := h.Search(context.Background(), words)
		check(t, err)
		for _, o := range offers {
			got = append(got, strings.TrimSpace(o.Index+" "+o.Path()+"@"+o.Latest+" "+o.Installed))
		}
		return got
	}
	if diff := cmp.Diff([]string{"main acme/api@1.0.0", "main acme/web@1.0.0 1.0.0", "main beta/web@0.1.0"}, search()); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff([]string{"main beta/web@0.1.0"}, search("WEB", "beta", "derives")); diff != "" {
		t.Error(diff)
	}
}

func TestLockedAndFrozen(t *testing.T) {
	t.Parallel()
	kv := abi.Capability{Name: abi.CapabilityKV, Reason: "to remember"}
	x := indextest.New(t, indexSeed, indextest.Sign(t, "acme/web@1.0.0", kv))
	first := newHome(t, x)
	consent := market.Consent{Names: []string{"kv"}, Source: "--grant"}
	_, err := first.Install(context.Background(), []string{"web@^1"}, market.Options{Consent: consent})
	check(t, err)
	locked := read(t, first.Dir(), lock.FileName)
	x.Add(indextest.Sign(t, "acme/web@1.1.0", kv))
	x.Yank("acme", "web", "1.0.0", "is slow")

	second := newHome(t, x)
	write(t, locked, second.Dir(), lock.FileName)
	_, err = second.Install(context.Background(), nil, market.Options{Locked: true})
	denied(t, "A lock is not consent.", err, market.ErrNeedsConsent, "acme/web@1.0.0: needs consent")
	_, err = second.Install(context.Background(), nil, market.Options{Locked: true, Consent: consent})
	check(t, err)
	if diff := cmp.Diff(string(locked), string(read(t, second.Dir(), lock.FileName))); diff != "" {
		t.Errorf("--locked changed the lock: %s", diff)
	}
	_, err = second.Install(context.Background(), []string{"web"}, market.Options{Locked: true, Consent: consent})
	if err == nil || !strings.Contains(err.Error(), "acme/web@1.1.0: the lock has acme/web@1.0.0") {
		t.Errorf("--locked chose another release: %v", err)
	}
	if found := problems(second); len(found) > 0 {
		t.Error(found)
	}

	// The same without an index: everything was copied but the consent.
	third := newHome(t, x)
	check(t, os.CopyFS(filepath.Join(third.Dir(), "store"), os.DirFS(filepath.Join(first.Dir(), "store"))))
	_, err = third.FetchIndexes(context.Background(), nil, "")
	check(t, err)
	for _, file := range []string{lock.FileName, "trust.json"} {
		write(t, read(t, first.Dir(), file), third.Dir(), file)
	}
	check(t, os.RemoveAll(x.Dir))
	_, err = third.Frozen(context.Background(), market.Options{})
	denied(t, "A copy is not consent.", err, market.ErrNeedsConsent, "acme/web@1.0.0: needs consent")
	_, err = third.Frozen(context.Background(), market.Options{Consent: consent})
	check(t, err)
	if found := problems(third); len(found) > 0 {
		t.Error(found)
	}
}

func TestListAndRemove(t *testing.T) {
	t.Parallel()
	web := indextest.Sign(t, "acme/web@1.0.0")
	x := indextest.New(t, indexSeed, web, indextest.Sign(t, "acme/api@1.0.0"))
	h := newHome(t, x)
	activate(t, h, "web", "api")
	blob := filepath.Join(h.Dir(), "store", "blobs", "sha256", strings.TrimPrefix(web.Digest(), "sha256:"))
	write(t, []byte("x"), blob)
	if found := problems(h); len(found) != 1 || !errors.Is(found[0], release.ErrNotTrusted) || !strings.HasPrefix(found[0].Error(), "acme/web@1.0.0: ") {
		t.Errorf("%v", found)
	}
	check(t, h.Remove("web"))
	check(t, h.Remove("acme/api"))
	for _, folder := range []string{filepath.Dir(blob), filepath.Join(h.Dir(), "receipts")} {
		if left, err := os.ReadDir(folder); err != nil || len(left) != 0 {
			t.Errorf("files stay in %s: %v, %v", folder, left, err)
		}
	}
	if err := h.Remove("web"); !errors.Is(err, lock.ErrNotLocked) {
		t.Errorf("want ErrNotLocked, got %v", err)
	}
	install(t, h, "web")
	_, err := load(h, "web")
	denied(t, "What was removed was active once, and is not any more.", err, market.ErrNotActive, "never activated")
	canceled, cancel := context.WithCancel(context.Background())
	cancel()
	if _, err := h.Install(canceled, []string{"web"}, market.Options{}); !errors.Is(err, context.Canceled) {
		t.Errorf("%v", err)
	}
}

func TestRow58_Lifecycle(t *testing.T) {
	t.Parallel()
	x := indextest.New(t, indexSeed, indextest.Sign(t, "acme/web@1.0.0"), indextest.Sign(t, "acme/api@1.0.0"))
	h := newHome(t, x)
	activate(t, h, "web", "api")
	changed, err := h.SetActive([]string{"web"}, false, "it is slow")
	check(t, err)
	if len(changed) != 1 || changed[0].Path() != "acme/web" {
		t.Errorf("%v", changed)
	}
	_, err = load(h, "web")
	denied(t, "A disabled plugin does not run.", err, market.ErrNotActive, "acme/web@1.0.0: is not active: it was disabled on 2026-01-02T03:05:05Z, because it is slow: run lattice-host enable acme/web after fixing that")
	install(t, h, "web")
	_, err = load(h, "web")
	denied(t, "Installing again does not enable.", err, market.ErrNotActive, "because it is slow")
	if changed, err := h.SetActive([]string{"web", "api"}, true, ""); err != nil || len(changed) != 1 {
		t.Errorf("%v, %v", changed, err)
	}
	_, err = h.SetActive([]string{"web", "db"}, false, "x")
	notInstalled(t, "All or none.", err, "db")
	if _, err := load(h, "web"); err != nil {
		t.Errorf("half was disabled: %v", err)
	}
	for i := range market.MaxFailures {
		disabled, err := h.Count([]string{"acme/web"}, []string{"acme/api"})
		check(t, err)
		if (len(disabled) == 1) != (i == market.MaxFailures-1) {
			t.Errorf("after %d failures: %v", i+1, disabled)
		}
		if i == 2 {
			// One good run in between begins the count from zero.
			_, err := h.Count(nil, []string{"acme/web"})
			check(t, err)
			for range 3 {
				_, err := h.Count([]string{"acme/web"}, nil)
				check(t, err)
			}
		}
	}
	_, err = load(h, "web")
	denied(t, "Five failures in a row disable.", err, market.ErrNotActive, "because it failed 5 times in a row")
	if _, err := load(h, "api"); err != nil {
		t.Error(err)
	}
	s, err := h.Snapshot(context.Background(), market.Policy{})
	check(t, err)
	if state, why := s.State(s.Plugins()[1]); state != lifecycle.Disabled || why != "it failed 5 times in a row" {
		t.Errorf("%s, %s", state, why)
	}
}

func TestHome(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	if _, err := market.Open(dir, nil); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("want fs.ErrNotExist, got %v", err)
	}
	h, err := market.Create(dir, nil)
	check(t, err)
	if _, err := market.Create(dir, nil); !errors.Is(err, fs.ErrExist) {
		t.Errorf("want fs.ErrExist, got %v", err)
	}
	_, err = h.Install(context.Background(), []string{"web"}, market.Options{})
	refused(t, "No index is trusted.", err, "this installation trusts no index")
	x, y := indextest.New(t, indexSeed), indextest.New(t, otherSeed)
	trust(t, h, "b", x)
	trust(t, h, "a", y)
	_, err = h.TrustIndex("a", "https://mirror.example/", y.Root)
	check(t, err)
	_, err = h.TrustIndex("a", x.Dir, x.Root)
	if err == nil || !strings.Contains(err.Error(), "trusted with another root") {
		t.Errorf("a name got another index: %v", err)
	}
	h, err = market.Open(dir, nil)
	check(t, err)
	indexes, err := h.Indexes()
	check(t, err)
	want := []market.Index{{Name: "a", Location: "https://mirror.example/", Root: release.Digest(y.Root)}, {Name: "b", Location: x.Dir, Root: release.Digest(x.Root)}}
	if diff := cmp.Diff(want, indexes); diff != "" {
		t.Error(diff)
	}
	check(t, h.UntrustIndex("a"))
	if _, err := os.Stat(filepath.Join(dir, "indexes", "a")); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("its state stays: %v", err)
	}
	for name, err := range map[string]error{
		"untrusted twice": h.UntrustIndex("a"), "unknown publisher": h.ForgetPublisher("acme"),
		"bad name": second(h.TrustIndex("../a", x.Dir, x.Root)), "no root": second(h.TrustIndex("c", x.Dir, []byte("{}"))),
		"unsigned root": second(h.TrustIndex("c", x.Dir, registrytest.SetField(t, x.Root, `"version":1`, `"version":2`))),
	} {
		if err == nil {
			t.Errorf("%s: want an error", name)
		}
	}
}

func second[T any](_ T, err error) error { return err }

func TestUntrustKeepsWhatIsInstalled(t *testing.T) {
	t.Parallel()
	x := indextest.New(t, indexSeed, indextest.Sign(t, "acme/web@1.0.0"))
	h := newHome(t, x)
	install(t, h, "web")
	if err := h.UntrustIndex("main"); err == nil || !strings.Contains(err.Error(), "remove them first: acme/web") {
		t.Errorf("%v", err)
	}
	check(t, h.Remove("web"))
	check(t, h.UntrustIndex("main"))
}

func TestTrustFileIsReadStrictly(t *testing.T) {
	t.Parallel()
	h := newHome(t, indextest.New(t, indexSeed, indextest.Sign(t, "acme/web@1.0.0")))
	activate(t, h, "web")
	good := read(t, h.Dir(), "trust.json")
	set := func(old, with string) []byte { return registrytest.SetField(t, good, old, with) }
	tests := map[string]struct {
		reason string
		data   []byte
	}{
		"Version":         {"Another version may mean anything.", set(`"version": 2`, `"version": 1`)},
		"UnknownKey":      {"What is not understood is not ignored.", set(`"version": 2`, `"version": 2, "allowUnsigned": true`)},
		"OtherCase":       {"Keys have one spelling.", set(`"indexes"`, `"Indexes"`)},
		"NullIndexes":     {"Null is not a list.", []byte(`{"version":2,"indexes":null,"publishers":[]}`)},
		"NullPublisher":   {"Null is not a publisher.", []byte(`{"version":2,"indexes":[],"publishers":[null]}`)},
		"NoPublisherKeys": {"A publisher without keys cannot sign.", []byte(`{"version":2,"indexes":[],"publishers":[{"id":"acme","index":"x","keys":[]}]}`)},
		"UnknownIndex":    {"A publisher belongs to an index that is trusted.", set(`"index": "main"`, `"index": "gone"`)},
		"IndexName":       {"A name is not a path.", set(`"name": "main"`, `"name": "../main"`)},
		"ForeignID":       {"An id belongs to its key.", set(registrytest.Key(t, indextest.AcmeKey).Public().ID, "ed25519-0000000000000000")},
		"Trailing":        {"Nothing follows the document.", append(good, '1')},
		"Empty":           {"An empty file is a broken file.", nil},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			write(t, tc.data, h.Dir(), "trust.json")
			if _, err := market.Open(h.Dir(), nil); err == nil || !strings.Contains(err.Error(), "trust.json: ") {
				t.Errorf("%s: %v", tc.reason, err)
			}
			_, err := load(h, "web")
			refused(t, tc.reason, err, "trust.json: ")
		})
	}
}

func TestFetchIndexesNotices(t *testing.T) {
	t.Parallel()
	x := indextest.New(t, indexSeed, indextest.Sign(t, "acme/web@1.0.0"), indextest.Sign(t, "acme/api@1.0.0"), indextest.Sign(t, "acme/db@1.0.0"))
	h := newHome(t, x)
	install(t, h, "web", "api", "db")
	x.Yank("acme", "web", "1.0.0", "is slow")
	x.Revoke(revocation.Entry{Plugin: "acme/api", Reason: "leaks"})
	fetched, err := h.FetchIndexes(context.Background(), []string{"main"}, "")
	check(t, err)
	want := []market.Notice{
		{Plugin: "acme/api@1.0.0", Text: "was revoked on 2026-01-02T03:04:05Z: leaks"},
		{Plugin: "acme/web@1.0.0", Text: "was yanked: is slow; it runs on, lattice-host update looks for another version"},
	}
	if diff := cmp.Diff(want, fetched[0].Notices); diff != "" {
		t.Error(diff)
	}
	if _, err := h.FetchIndexes(context.Background(), []string{"x", "y"}, ""); err == nil || err.Error() != "\"x\" is not a trusted index, they are: main\n\"y\" is not a trusted index, they are: main" {
		t.Errorf("%v", err)
	}
}
