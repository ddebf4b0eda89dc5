package market_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"io/fs"
	"log"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-containerregistry/pkg/registry"

	"github.com/latticenet/lattice-host/abi"
	"github.com/latticenet/lattice-host/registry/index/publisher"
	"github.com/latticenet/lattice-host/registry/index/revocation"
	"github.com/latticenet/lattice-host/registry/index/tuf"
	"github.com/latticenet/lattice-host/registry/index/tuf/author"
	"github.com/latticenet/lattice-host/registry/internal/indextest"
	"github.com/latticenet/lattice-host/registry/internal/registrytest"
	"github.com/latticenet/lattice-host/registry/lock"
	"github.com/latticenet/lattice-host/registry/market"
	"github.com/latticenet/lattice-host/registry/oci"
	"github.com/latticenet/lattice-host/registry/release"
	"github.com/latticenet/lattice-host/registry/store"
)

// The numbers in the names of these tests are the rows of the project's table of attacks.

// list puts a release into an index that no honest tool would add.
func list(x *indextest.Index, r author.Release) {
	x.Change(func(d *author.Draft) error { return d.AddRelease(r) })
}

// putBlob puts a file next to an index.
func putBlob(t testing.TB, x *indextest.Index, data []byte) {
	t.Helper()
	_, err := store.Open(filepath.Join(x.Dir, tuf.LayoutFolder)).Put(data)
	check(t, err)
}

func blobFile(dir, digest string) string {
	return filepath.Join(dir, "blobs", "sha256", strings.TrimPrefix(digest, "sha256:"))
}

func deprecate(reference string) func(*author.Draft) error {
	path, version, _ := strings.Cut(reference, "@")
	publisher, name, _ := strings.Cut(path, "/")
	return func(d *author.Draft) error {
		return d.Deprecate(tuf.ReleaseTarget(publisher, name, version), "is old", "acme/gateway")
	}
}

// TestAttack tries to install what must not be installed.
func TestAttack(t *testing.T) {
	t.Parallel()
	web, api := indextest.Sign(t, "acme/web@1.0.0"), indextest.Sign(t, "acme/api@1.0.0")
	evil := registrytest.Key(t, evilKey)
	named := func(r registrytest.Release, name, version string) author.Release {
		l := indextest.Listing(r)
		l.Name, l.Version = name, version
		return l
	}
	tests := map[string]struct {
		reason string
		// prepare damages an honest index with acme/api@1.0.0, or leads it to acme/web.
		prepare func(t *testing.T, x *indextest.Index)
		says    string
	}{
		"23_ModuleSubstituted": {
			reason: "The module must have the digest of the index.",
			prepare: func(t *testing.T, x *indextest.Index) {
				x.Add(web)
				write(t, append(bytes.Clone(web.Wasm), 0, 1, 0), blobFile(filepath.Join(x.Dir, "oci"), web.Digest()))
			},
			says: "the module has the digest sha256:",
		},
		"23_ModuleAndDigestSubstituted": {
			reason: "The operator of an index cannot make a release.",
			prepare: func(t *testing.T, x *indextest.Index) {
				wasm := append(bytes.Clone(web.Wasm), 0, 1, 0)
				putBlob(t, x, wasm)
				l := indextest.Listing(web)
				l.Digest, l.Size = release.Digest(wasm), int64(len(wasm))
				list(x, l)
			},
			says: "subject.0.digest.sha256",
		},
		"24_OtherPluginServed": {
			reason:  "A valid release of one plugin must not be installed as another.",
			prepare: func(t *testing.T, x *indextest.Index) { list(x, named(api, "web", "1.0.0")) },
			says:    "manifest: the module is acme/api@1.0.0",
		},
		"24_OldVersionServedAsNew": {
			reason: "An old release must not be installed as a new one.",
			prepare: func(t *testing.T, x *indextest.Index) {
				x.Add(web)
				list(x, named(web, "web", "1.2.0"))
			},
			says: "acme/web@1.2.0: sha256:",
		},
		"26_SignedByStranger": {
			reason: "Only the publisher's key makes the publisher's releases.",
			prepare: func(t *testing.T, x *indextest.Index) {
				x.Add(registrytest.Sign(t, evil, registrytest.Manifest(t, "acme/web@1.1.0")))
			},
			says: "not one of the publisher's keys",
		},
		"26_KeyExpired": {
			reason: "A key signs new releases for as long as the index says.",
			prepare: func(t *testing.T, x *indextest.Index) {
				x.Add(web)
				x.Publishers(acmeKeyValid(t, time.Time{}, indextest.Now.Add(-time.Hour)))
			},
			says: "is valid from any time to 2026-01-02T02:04:05Z only",
		},
		"26_KeyNotYetValid": {
			reason: "And from when it says.",
			prepare: func(t *testing.T, x *indextest.Index) {
				x.Add(web)
				x.Publishers(acmeKeyValid(t, indextest.Now.Add(time.Hour), time.Time{}))
			},
			says: "is valid from 2026-01-02T04:04:05Z to any time only",
		},
		"26_KeyRevoked": {
			reason: "A stolen key signs nothing any more.",
			prepare: func(t *testing.T, x *indextest.Index) {
				x.Add(web)
				x.Revoke(revocation.Entry{KeyID: registrytest.Key(t, indextest.AcmeKey).ID, Reason: "was stolen"})
			},
			says: "revoked by the index main since 2026-01-02T03:04:05Z (key " + registrytest.Key(t, indextest.AcmeKey).ID + "): was stolen",
		},
		"28_BundleEmpty": {
			reason: "A release without a signature is unsigned.",
			prepare: func(t *testing.T, x *indextest.Index) {
				putBlob(t, x, web.Wasm)
				l := indextest.Listing(web)
				l.Bundle = []byte{}
				list(x, l)
			},
			says: "acme/web@1.0.0: ",
		},
		"29_KeyOfAnotherPublisher": {
			reason: "A publisher cannot release under another's name.",
			prepare: func(t *testing.T, x *indextest.Index) {
				x.Add(registrytest.Sign(t, registrytest.Key(t, indextest.BetaKey), registrytest.Manifest(t, "acme/web@1.1.0")))
			},
			says: "not one of the publisher's keys",
		},
		"29_PublisherUnknown": {
			reason: "The online keys cannot add a publisher.",
			prepare: func(t *testing.T, x *indextest.Index) {
				x.Add(web)
				l := publisher.New()
				check(t, l.Set(publisher.Publisher{ID: "beta", Name: "beta", Keys: []publisher.Key{publisher.NewKey(registrytest.Key(t, indextest.BetaKey).Public(), time.Time{}, time.Time{})}}))
				x.Publishers(l)
			},
			says: "",
		},
		"30_BundleCarriesKey": {
			reason: "A key in a bundle is not believed.",
			prepare: func(t *testing.T, x *indextest.Index) {
				putBlob(t, x, web.Wasm)
				l := indextest.Listing(web)
				l.Bundle = registrytest.SetField(t, web.Bundle, `"publicKey":{`, `"publicKey":{"rawBytes":"AAAA",`)
				list(x, l)
			},
			says: "unknown field",
		},
		"43_ManifestDiffers": {
			reason: "What the module says it needs is what was signed.",
			prepare: func(t *testing.T, x *indextest.Index) {
				manifest := registrytest.Manifest(t, "acme/web@1.0.0", abi.Capability{Name: abi.CapabilityKV, Reason: "x"})
				wasm, err := release.AppendManifestSection([]byte(registrytest.EmptyModule), manifest.CanonicalJSON())
				check(t, err)
				putBlob(t, x, wasm)
				l := indextest.Listing(web)
				l.Digest, l.Size = release.Digest(wasm), int64(len(wasm))
				list(x, l)
			},
			says: "subject.0.digest.sha256",
		},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			x := indextest.New(t, indexSeed, api)
			h := newHome(t, x)
			activate(t, h, "acme/api")
			before := read(t, h.Dir(), lock.FileName)
			tc.prepare(t, x)
			_, err := h.Install(context.Background(), []string{"acme/web"}, market.Options{})
			if tc.says != "" {
				refused(t, tc.reason, err, tc.says)
			} else if err == nil {
				t.Error(tc.reason)
			}
			if !bytes.Equal(before, read(t, h.Dir(), lock.FileName)) {
				t.Errorf("%s\nthe lock changed", tc.reason)
			}
			if _, err := load(h, "acme/web"); !errors.Is(err, lock.ErrNotLocked) {
				t.Errorf("%s\nwant ErrNotLocked, got %v", tc.reason, err)
			}
		})
	}
}

func acmeKeyValid(t testing.TB, from, to time.Time) *publisher.List {
	t.Helper()
	l := publisher.New()
	check(t, l.Set(publisher.Publisher{ID: "acme", Name: "Acme", Keys: []publisher.Key{publisher.NewKey(registrytest.Key(t, indextest.AcmeKey).Public(), from, to)}}))
	return l
}

// What was installed with a key runs on when the key's time is over: only revoking it stops it.
func TestKeyExpiresAfterInstall(t *testing.T) {
	t.Parallel()
	x := indextest.New(t, indexSeed, indextest.Sign(t, "acme/web@1.0.0"))
	h := newHome(t, x)
	activate(t, h, "web")
	x.Publishers(acmeKeyValid(t, time.Time{}, indextest.Now.Add(-time.Hour)))
	if _, err := load(h, "web"); err != nil {
		t.Error(err)
	}
}

func TestAttack05_IndexExpired(t *testing.T) {
	t.Parallel()
	x := indextest.New(t, indexSeed, indextest.Sign(t, "acme/web@1.0.0"), indextest.Sign(t, "acme/api@1.0.0"))
	h := newHome(t, x)
	activate(t, h, "web")
	h.clock.now = indextest.Now.Add(50 * time.Hour)
	_, err := h.Install(context.Background(), []string{"api"}, market.Options{})
	refused(t, "Nothing is installed from an index that has expired.", err, "expired on 2026-01-03T03:04:05Z")
	s, err := h.Snapshot(context.Background(), market.Policy{})
	check(t, err)
	if _, err := s.Load(context.Background(), "web"); err != nil {
		t.Errorf("what is locked does not run any more: %v", err)
	}
	want := "the index main expired on 2026-01-03 at 03:04, 1 days ago: what is installed runs on, and what was revoked since is not known; run lattice-host index fetch main"
	if diff := cmp.Diff([]string{want}, s.Warnings()); diff != "" {
		t.Error(diff)
	}
	if s.StaleDays() != 1 {
		t.Errorf("stale for %d days", s.StaleDays())
	}
}

func TestAttack06_ClockSetBack(t *testing.T) {
	t.Parallel()
	x := indextest.New(t, indexSeed, indextest.Sign(t, "acme/web@1.0.0"))
	h := newHome(t, x)
	install(t, h, "web")
	h.clock.now = indextest.Now.Add(-time.Hour)
	_, err := h.Install(context.Background(), []string{"web"}, market.Options{})
	refused(t, "A clock that goes back makes old metadata fresh.", err, "by the clock of this machine")
}

func TestAttack25_RangeResolvesToOlder(t *testing.T) {
	t.Parallel()
	x := indextest.New(t, indexSeed, indextest.Sign(t, "acme/web@1.0.0"), indextest.Sign(t, "acme/web@1.1.0"))
	h := newHome(t, x)
	activate(t, h, "web@^1")
	x.Yank("acme", "web", "1.1.0", "is slow")
	_, err := h.Install(context.Background(), []string{"web@^1"}, market.Options{})
	want := "acme/web@1.0.0: the newer version 1.1.0 is installed: allow the downgrade with --allow-downgrade"
	if err == nil || err.Error() != want {
		t.Errorf("want %s\ngot  %v", want, err)
	}
	if loaded, err := load(h, "web"); err != nil || loaded.Plugin.Version != "1.1.0" {
		t.Errorf("%v, %v", loaded, err)
	}
	_, err = h.Install(context.Background(), []string{"web@^1"}, market.Options{AllowDowngrade: true})
	check(t, err)
	if loaded, err := load(h, "web"); err != nil || loaded.Plugin.Version != "1.0.0" {
		t.Errorf("%v, %v", loaded, err)
	}
}

func TestAttack32_BlobCorruptedAfterInstall(t *testing.T) {
	t.Parallel()
	web := indextest.Sign(t, "acme/web@1.0.0")
	x := indextest.New(t, indexSeed, web)
	h := newHome(t, x)
	activate(t, h, "web")
	blob := blobFile(filepath.Join(h.Dir(), "store"), web.Digest())
	write(t, append(bytes.Clone(web.Wasm), 0), blob)
	_, err := h.CheckStore(context.Background())
	refused(t, "Checking the store finds it.", err, "corrupt")
	_, err = load(h, "web")
	refused(t, "It is in quarantine.", err, "the store has no file with the digest "+web.Digest())
	_, err = h.Install(context.Background(), nil, market.Options{Locked: true})
	check(t, err)
	if _, err := load(h, "web"); err != nil {
		t.Errorf("fetching it again does not heal: %v", err)
	}
	if files, err := h.CheckStore(context.Background()); err != nil || files == 0 {
		t.Errorf("%d files, %v", files, err)
	}
}

// A registry decides what a tag means; the index names the digest of the manifest.
func TestAttack35_TagMoved(t *testing.T) {
	t.Parallel()
	server := httptest.NewServer(registry.New(registry.WithReferrersSupport(true), registry.Logger(log.New(io.Discard, "", 0))))
	t.Cleanup(server.Close)
	repository := strings.TrimPrefix(server.URL, "http://") + "/acme/web"
	web, other := indextest.Sign(t, "acme/web@1.0.0"), indextest.Sign(t, "acme/web@6.6.6")
	remote, err := oci.Open(repository, oci.Options{PlainHTTP: true})
	check(t, err)
	push := func(r registrytest.Release) string {
		files := store.Open(t.TempDir())
		artifact, err := oci.Pack(context.Background(), files.Blobs(), r.Wasm, r.Bundle, r.Manifest)
		check(t, err)
		check(t, oci.Push(context.Background(), files.Blobs(), artifact, remote, "1.0.0"))
		return artifact.Manifest.Digest.String()
	}
	x := indextest.New(t, indexSeed)
	l := indextest.Listing(web)
	l.OCI = repository + "@" + push(web)
	list(x, l)
	// From here on the tag 1.0.0 is another release.
	push(other)
	h := newHome(t, x)
	installed, err := h.Install(context.Background(), []string{"web"}, market.Options{Registry: oci.Options{PlainHTTP: true}})
	check(t, err)
	if installed[0].Digest != web.Digest() {
		t.Errorf("the release of the tag was installed: %s", installed[0].Reference())
	}
	if found := problems(h); len(found) > 0 {
		t.Error(found)
	}
}

func TestAttack36_Names(t *testing.T) {
	t.Parallel()
	h := newHome(t, indextest.New(t, indexSeed, indextest.Sign(t, "acme/web@1.0.0")))
	activate(t, h, "acme/web")
	for _, name := range []string{
		"../web", "acme/..", "acme/../web", "/acme/web", "acme/web/", "acme//web", `acme\web`, "acme/web@../1.0.0", "acme/web@",
		"Acme/web", "acme/WEB", "аcme/web", "acme/web\x00", "acme/we b", "acme/-web", "acme/web@1.0.0@1.0.0", "", "@", "/",
		"con.", "acme.web", "acme/" + strings.Repeat("a", 41), "acme/web@^1\n", "acme/web@>=", "acme/web@" + strings.Repeat("^1 ", 100),
	} {
		if _, err := h.Install(context.Background(), []string{name}, market.Options{}); err == nil || !strings.Contains(err.Error(), "must be publisher/name") {
			t.Errorf("Install(%q): %v", name, err)
		}
		if _, err := load(h, name); !errors.Is(err, lock.ErrNotLocked) {
			t.Errorf("Load(%q): got %v, want ErrNotLocked", name, err)
		}
	}
}

func TestAttack37_TwoIndexesClaimOnePublisher(t *testing.T) {
	t.Parallel()
	honest := indextest.New(t, indexSeed, indextest.Sign(t, "acme/web@1.0.0"))
	other := indextest.New(t, otherSeed, indextest.Sign(t, "acme/web@9.0.0"), indextest.Sign(t, "acme/more@1.0.0"))
	h := newHome(t, honest)
	trust(t, h.Home, "other", other)
	_, err := h.Install(context.Background(), []string{"acme/web"}, market.Options{})
	refused(t, "Whose plugin it is must not be guessed.", err, "the indexes main and other both list the publisher acme: say which one it belongs to with --index")
	_, err = h.Install(context.Background(), []string{"acme/web"}, market.Options{Index: "main"})
	check(t, err)
	installed := install(t, h, "acme/web")
	if installed[0].Version != "1.0.0" {
		t.Errorf("the other index's %s was installed", installed[0].Reference())
	}
	_, err = h.Install(context.Background(), []string{"acme/more"}, market.Options{Index: "other"})
	refused(t, "A publisher belongs to one index.", err, "the publisher acme belongs to the index main, and other offers it too: ask the publisher which one is right; lattice-host index forget acme")
	check(t, h.ForgetPublisher("acme"))
	_, err = load(h, "acme/web")
	refused(t, "A forgotten publisher's plugins do not load.", err, "this installation has no record of the publisher acme: run lattice-host install acme/web@1.0.0")
	_, err = h.Install(context.Background(), []string{"acme/web"}, market.Options{Index: "other"})
	check(t, err)
}

func TestAttack38_Yanked(t *testing.T) {
	t.Parallel()
	x := indextest.New(t, indexSeed, indextest.Sign(t, "acme/web@1.0.0"), indextest.Sign(t, "acme/web@1.1.0"))
	h := newHome(t, x)
	activate(t, h, "web")
	x.Yank("acme", "web", "1.1.0", "is slow")
	fresh := newHome(t, x)
	if installed := install(t, fresh, "web"); installed[0].Version != "1.0.0" {
		t.Errorf("a yanked release was chosen: %s", installed[0].Reference())
	}
	_, err := fresh.Install(context.Background(), []string{"web@1.1.0"}, market.Options{})
	denied(t, "Nor by its version.", err, market.ErrYanked, "acme/web@1.1.0: was yanked: is slow: choose another version, or install it anyway with --allow-yanked")
	_, err = fresh.Install(context.Background(), []string{"web@1.1.0"}, market.Options{AllowYanked: true})
	check(t, err)
	s, err := h.Snapshot(context.Background(), market.Policy{})
	check(t, err)
	if _, err := s.Load(context.Background(), "web"); err != nil {
		t.Errorf("what is locked does not run any more: %v", err)
	}
	if diff := cmp.Diff([]string{"acme/web@1.1.0 was yanked: is slow; it runs on, lattice-host update looks for another version"}, s.Warnings()); diff != "" {
		t.Error(diff)
	}
}

func TestAttack39_RevokedWhileInstalled(t *testing.T) {
	t.Parallel()
	web := indextest.Sign(t, "acme/web@1.0.0")
	for name, e := range map[string]revocation.Entry{
		"Digest": {Digest: web.Digest()}, "Version": {Plugin: "acme/web", Versions: []string{"1.0.0"}}, "Plugin": {Plugin: "acme/web"},
		"Key": {KeyID: registrytest.Key(t, indextest.AcmeKey).ID}, "Publisher": {Publisher: "acme"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			x := indextest.New(t, indexSeed, web, indextest.Sign(t, "beta/api@1.0.0"))
			h := newHome(t, x)
			activate(t, h, "web", "api")
			s, err := h.Snapshot(context.Background(), market.Policy{})
			check(t, err)
			e.Reason = "leaks tokens"
			x.Revoke(e)
			if _, err := s.Load(context.Background(), "web"); err != nil {
				t.Errorf("a run that began before does not end as it began: %v", err)
			}
			_, err = load(h, "web")
			denied(t, "The next load is refused.", err, market.ErrRevoked,
				"acme/web@1.0.0: "+web.Digest()+": not trusted: revoked by the index main since 2026-01-02T03:04:05Z ("+e.Subject()+"): leaks tokens")
			refused(t, "And is not trusted.", err, "revoked")
			if _, err := load(h, "api"); err != nil {
				t.Errorf("others run on: %v", err)
			}
			_, err = newHome(t, x).Install(context.Background(), []string{"acme/web"}, market.Options{})
			if err == nil || !strings.Contains(err.Error(), "leaks tokens") {
				t.Errorf("a revoked release was installed: %v", err)
			}
			s, err = h.Snapshot(context.Background(), market.Policy{RunRevoked: func(_ context.Context, r market.Revoked) error {
				if r.Entry.Reason != "leaks tokens" || r.Plugin.Path() != "acme/web" {
					t.Errorf("asked about %v", r)
				}
				return nil
			}})
			check(t, err)
			if _, err := s.Load(context.Background(), "web"); err != nil {
				t.Errorf("a policy may let it run: %v", err)
			}
		})
	}
}

// What a client saw to be revoked stays so, whatever the mirror shows it next.
func TestAttack40_Unrevoked(t *testing.T) {
	t.Parallel()
	x := indextest.New(t, indexSeed, indextest.Sign(t, "acme/web@1.0.0"))
	h := newHome(t, x)
	activate(t, h, "web")
	before := t.TempDir()
	check(t, os.CopyFS(before, os.DirFS(x.Dir)))
	x.Revoke(revocation.Entry{Plugin: "acme/web", Reason: "leaks"})
	_, err := load(h, "web")
	denied(t, "It is revoked.", err, market.ErrRevoked, "leaks")
	check(t, os.RemoveAll(x.Dir))
	check(t, os.Rename(before, x.Dir))
	s, err := h.Snapshot(context.Background(), market.Policy{})
	check(t, err)
	_, err = s.Load(context.Background(), "web")
	denied(t, "The old copy is not believed.", err, market.ErrRevoked, "leaks")
	if w := s.Warnings(); len(w) == 0 || !strings.Contains(w[0], "cannot be refreshed, what was last verified counts: index: timestamp: version") {
		t.Errorf("no warning: %q", w)
	}
	// The online keys sign new metadata that leads to the old revocations.
	draft, err := author.Open(context.Background(), x.Dir, x.Root)
	check(t, err)
	check(t, draft.Renew(author.RoleTargets))
	if _, err := draft.Publish(indextest.Now, author.Online(), []release.PrivateKey{x.Keys[author.RoleSnapshot], x.Keys[author.RoleTimestamp], x.Keys[author.RoleReleases]}); err == nil {
		t.Error("the online keys published the role targets")
	}
}

func TestAttack41_UpdateWidensCapabilities(t *testing.T) {
	t.Parallel()
	x := indextest.New(t, indexSeed, fetcher(t, "1.0.0", "a.example", "b.example"))
	h := newHome(t, x)
	consent := market.Options{Consent: market.Consent{Names: []string{"http.get", "kv"}}}
	_, err := h.Install(context.Background(), []string{"fetch"}, consent)
	check(t, err)
	_, err = h.SetActive([]string{"fetch"}, true, "")
	check(t, err)
	x.Add(fetcher(t, "1.1.0", "a.example", "evil.example"))
	_, err = h.Update(context.Background(), nil, market.Options{})
	denied(t, "More hosts need new consent.", err, market.ErrNeedsConsent,
		`acme/fetch@1.1.0: needs consent: it wants to fetch pages from "evil.example", which 1.0.0 may not, because "to read\nprices"`)
	if loaded, err := load(h, "fetch"); err != nil || loaded.Plugin.Version != "1.0.0" {
		t.Errorf("the old version does not run on: %v, %v", loaded, err)
	}
	x.Add(fetcher(t, "1.2.0", "b.example"))
	if installed, err := h.Update(context.Background(), nil, market.Options{}); err != nil || installed[0].Version != "1.2.0" {
		t.Errorf("fewer hosts need no consent: %v", err)
	}
	x.Add(fetcher(t, "1.3.0", "a.example", "b.example"))
	_, err = h.Update(context.Background(), nil, market.Options{})
	denied(t, "What was given up is not had again.", err, market.ErrNeedsConsent, `"a.example", which 1.2.0 may not`)
	// Another signer is somebody else.
	l := publisher.New()
	check(t, l.Set(publisher.Publisher{ID: "acme", Name: "Acme", Keys: []publisher.Key{publisher.NewKey(registrytest.Key(t, evilKey).Public(), time.Time{}, time.Time{})}}))
	x.Publishers(l)
	x.Add(registrytest.Sign(t, registrytest.Key(t, evilKey), fetcher(t, "1.4.0", "b.example").Manifest))
	_, err = h.Update(context.Background(), nil, market.Options{})
	denied(t, "Consent is given to a signer.", err, market.ErrNeedsConsent, "acme/fetch@1.4.0")
	if loaded, err := load(h, "fetch"); err != nil || loaded.Plugin.Version != "1.2.0" {
		t.Errorf("the old version does not run on: %v, %v", loaded, err)
	}
}

// TestAttack42_FilesChangedAfterInstall changes every byte of what is installed, and takes the
// receipt away.
func TestAttack42_FilesChangedAfterInstall(t *testing.T) {
	t.Parallel()
	web := indextest.Sign(t, "acme/web@1.0.0")
	x := indextest.New(t, indexSeed, web)
	for name, content := range map[string][]byte{"module": web.Wasm, "bundle": web.Bundle} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := newHome(t, x)
			activate(t, h, "web")
			s, err := h.Snapshot(context.Background(), market.Policy{})
			check(t, err)
			blob := blobFile(filepath.Join(h.Dir(), "store"), release.Digest(content))
			for i := range content {
				changed := bytes.Clone(content)
				changed[i] ^= 1 << (i % 8)
				write(t, changed, blob)
				_, err := s.Load(context.Background(), "web")
				refused(t, "A changed byte.", err, "acme/web@1.0.0: "+web.Digest()+": not trusted: "+blob+": corrupt: ")
			}
			_, err = load(h, "web")
			refused(t, "The file is in quarantine.", err, "the store has no file with the digest "+release.Digest(content))
			refused(t, "The error says what to do.", err, "run lattice-host install acme/web@1.0.0")
			install(t, h, "web")
			if _, err := load(h, "web"); err != nil {
				t.Errorf("installing again did not heal: %v", err)
			}
		})
	}
	t.Run("receipt", func(t *testing.T) {
		t.Parallel()
		h := newHome(t, indextest.New(t, indexSeed, fetcher(t, "1.0.0", "a.example")))
		_, err := h.Install(context.Background(), []string{"fetch"}, market.Options{Consent: market.Consent{Names: []string{"http.get", "kv"}}})
		check(t, err)
		receipts, err := os.ReadDir(filepath.Join(h.Dir(), "receipts"))
		check(t, err)
		file := filepath.Join(h.Dir(), "receipts", receipts[0].Name())
		good := read(t, file)
		for i := range good {
			changed := bytes.Clone(good)
			changed[i] ^= 1 << (i % 8)
			write(t, changed, file)
			// Only when and by whom it was granted is for people alone.
			if found := problems(h); len(found) == 0 && !bytes.Contains(good[:i], []byte(`"grantedAt"`)) {
				t.Fatalf("byte %d, %q to %q: the receipt counts", i, good[i], changed[i])
			}
		}
		check(t, os.Remove(file))
		found := problems(h)
		denied(t, "Without a receipt there is no consent.", errors.Join(found...), market.ErrNeedsConsent, "there is no receipt that somebody agreed to what it may do")
	})
}

// TestAttack45_LockEdited flips every bit of lattice.lock, trust.json and the pinned root, and
// edits fields to other valid values, with a digest that fits.
func TestAttack45_LockEdited(t *testing.T) {
	t.Parallel()
	kv := abi.Capability{Name: abi.CapabilityKV, Reason: "to remember"}
	x := indextest.New(t, indexSeed, indextest.Sign(t, "acme/web@1.0.0", kv), indextest.Sign(t, "acme/api@1.0.0"))
	setup := func(t *testing.T) home {
		h := newHome(t, x)
		_, err := h.Install(context.Background(), []string{"web", "api"}, market.Options{Consent: market.Consent{Names: []string{"kv"}}})
		check(t, err)
		_, err = h.SetActive([]string{"web", "api"}, true, "")
		check(t, err)
		return h
	}
	for _, file := range []string{lock.FileName, "trust.json", "indexes/main/root.json"} {
		t.Run("Bits_"+filepath.Base(file), func(t *testing.T) {
			t.Parallel()
			h := setup(t)
			good := read(t, h.Dir(), file)
			location := bytes.Index(good, []byte(x.Dir))
			for i := 0; i < len(good); i += 1 + len(good)/1500 {
				changed := bytes.Clone(good)
				changed[i] ^= 1 << (i % 8)
				write(t, changed, h.Dir(), file)
				// Where an index is decides nothing: whatever lies there is verified.
				if location >= 0 && i >= location && i < location+len(x.Dir) {
					continue
				}
				if len(problems(h)) == 0 {
					t.Fatalf("byte %d of %s, %q to %q: everything verifies", i, file, good[i], changed[i])
				}
			}
			write(t, good, h.Dir(), file)
			if found := problems(h); len(found) > 0 {
				t.Errorf("the unchanged file: %v", found)
			}
		})
	}
	edits := map[string]struct {
		reason string
		change func(web, api *lock.Plugin)
		says   string
	}{
		"OtherModule":  {"A digest of another plugin.", func(w, a *lock.Plugin) { w.Digest, w.Size = a.Digest, a.Size }, "manifest: the module is acme/api@1.0.0"},
		"OtherRelease": {"Everything of another plugin.", func(w, a *lock.Plugin) { name := w.Name; *w = *a; w.Name = name }, "the module is acme/api@1.0.0"},
		"OtherBundle":  {"A bundle of another plugin.", func(w, a *lock.Plugin) { w.Bundle = a.Bundle }, `subject.0.name: is "acme/api@1.0.0"`},
		"Version":      {"A version that was not installed.", func(w, _ *lock.Plugin) { w.Version = "1.0.1" }, "the module is acme/web@1.0.0"},
		"Publisher":    {"A publisher that nothing was installed from.", func(w, a *lock.Plugin) { w.Publisher, a.Publisher = "beta", "beta" }, "no record of the publisher beta"},
		"Size":         {"A size that the module does not have.", func(w, _ *lock.Plugin) { w.Size++ }, "says that the module has"},
		"Capabilities": {"Fewer capabilities than were granted.", func(w, _ *lock.Plugin) { w.Capabilities.Names = []string{} }, "the manifest asks for"},
		"Widened":      {"More capabilities than were granted.", func(w, _ *lock.Plugin) { w.Capabilities.Names = []string{"http.get", "kv"} }, "the manifest asks for"},
		"Set":          {"Other hosts or kinds.", func(w, a *lock.Plugin) { w.Capabilities.Digest = a.Capabilities.Digest }, "for other hosts or kinds"},
		"Key":          {"A key that is not the publisher's.", func(w, _ *lock.Plugin) { w.KeyID = "ed25519-0000000000000000" }, "not one of the publisher's keys"},
	}
	for name, tc := range edits {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := setup(t)
			path := filepath.Join(h.Dir(), lock.FileName)
			l, err := lock.Read(path)
			check(t, err)
			tc.change(&l.Plugins[1], &l.Plugins[0])
			check(t, lock.Write(path, l))
			_, err = load(h, "web")
			refused(t, tc.reason, err, tc.says)
			refused(t, "The error names the plugin and the digest.", err, l.Plugins[1].Reference()+": "+l.Plugins[1].Digest+": not trusted: ")
		})
	}
	t.Run("ByHand", func(t *testing.T) {
		t.Parallel()
		h := setup(t)
		write(t, registrytest.SetField(t, read(t, h.Dir(), lock.FileName), `"snapshot": `, `"snapshot": 1`), h.Dir(), lock.FileName)
		_, err := load(h, "web")
		refused(t, "Whatever it is.", err, "digest: the file was edited by hand or by another program")
	})
	t.Run("Gone", func(t *testing.T) {
		t.Parallel()
		h := setup(t)
		check(t, os.Remove(filepath.Join(h.Dir(), lock.FileName)))
		if _, err := load(h, "web"); !errors.Is(err, lock.ErrNotLocked) || err.Error() != "web: not installed; run lattice-host install web" {
			t.Errorf("without a lock nothing is installed: got %v", err)
		}
	})
	t.Run("TrustGone", func(t *testing.T) {
		t.Parallel()
		h := setup(t)
		check(t, os.Remove(filepath.Join(h.Dir(), "trust.json")))
		_, err := load(h, "web")
		refused(t, "Without trust nothing loads.", err, "has no trust.json")
		if !errors.Is(err, fs.ErrNotExist) {
			t.Error(err)
		}
	})
}

func TestStateGone(t *testing.T) {
	t.Parallel()
	x := indextest.New(t, indexSeed, indextest.Sign(t, "acme/web@1.0.0"))
	h := newHome(t, x)
	activate(t, h, "web")
	check(t, os.RemoveAll(filepath.Join(h.Dir(), "indexes", "main", "state")))
	check(t, os.RemoveAll(x.Dir))
	_, err := load(h, "web")
	refused(t, "Without revocations nothing loads.", err, "what is revoked is not known")
}
