package market_test

import (
	"bytes"
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/latticenet/lattice-host/abi"
	"github.com/latticenet/lattice-host/registry/index/publisher"
	"github.com/latticenet/lattice-host/registry/index/revocation"
	"github.com/latticenet/lattice-host/registry/index/tuf"
	"github.com/latticenet/lattice-host/registry/internal/indextest"
	"github.com/latticenet/lattice-host/registry/internal/registrytest"
	"github.com/latticenet/lattice-host/registry/lock"
	"github.com/latticenet/lattice-host/registry/market"
	"github.com/latticenet/lattice-host/registry/release"
)

// TestRow55_Revocation neither installs nor loads a release whose digest is revoked.
func TestRow55_Revocation(t *testing.T) {
	t.Parallel()
	web := indextest.Sign(t, "acme/web@1.0.0")
	x := indextest.New(t, indexSeed, web, indextest.Sign(t, "acme/api@1.0.0"))
	h := newHome(t, x)
	activate(t, h, "web", "api")
	x.Revoke(revocation.Entry{Digest: web.Digest(), Reason: "leaks"})
	_, err := load(h, "web")
	denied(t, "What is installed does not run any more.", err, market.ErrRevoked, "leaks")
	if _, err := load(h, "api"); err != nil {
		t.Errorf("others run on: %v", err)
	}
	_, err = newHome(t, x).Install(t.Context(), []string{"web"}, market.Options{})
	if err == nil || !bytes.Contains([]byte(err.Error()), []byte("leaks")) {
		t.Errorf("a revoked release was installed: %v", err)
	}
}

// TestRow55_Rollback refuses an index that is older than one that was seen: by the installation
// itself, or by the one that wrote the lock.
func TestRow55_Rollback(t *testing.T) {
	t.Parallel()
	x := indextest.New(t, indexSeed, indextest.Sign(t, "acme/web@1.0.0"))
	older := t.TempDir()
	check(t, os.CopyFS(older, os.DirFS(x.Dir)))
	x.Add(indextest.Sign(t, "acme/web@1.1.0"))
	h := newHome(t, x)
	install(t, h, "web@1.1.0")
	_, err := h.Install(t.Context(), []string{"web@1.0.0"}, market.Options{From: older, AllowDowngrade: true})
	denied(t, "The installation saw a newer one.", err, tuf.ErrRollback, "was verified before")
	copied := newHome(t, x)
	write(t, read(t, h.Dir(), lock.FileName), copied.Dir(), lock.FileName)
	_, err = copied.Install(t.Context(), []string{"web@1.0.0"}, market.Options{From: older, AllowDowngrade: true})
	denied(t, "The lock was written with a newer one.", err, tuf.ErrRollback, "lattice.lock was written with version")
	refused(t, "And is not trusted.", err, "use another mirror")
}

// TestRow58_NothingRunsByItself does not run what was installed, nor what was disabled after the
// host began again; what is active is verified again.
func TestRow58_NothingRunsByItself(t *testing.T) {
	t.Parallel()
	web := indextest.Sign(t, "acme/web@1.0.0")
	x := indextest.New(t, indexSeed, web, indextest.Sign(t, "acme/api@1.0.0"))
	h := newHome(t, x)
	install(t, h, "web", "api")
	_, err := load(h, "web")
	denied(t, "Installing does not activate.", err, market.ErrNotActive, "acme/web@1.0.0: is not active")
	_, err = h.SetActive([]string{"web", "api"}, true, "")
	check(t, err)
	_, err = h.SetActive([]string{"api"}, false, "is slow")
	check(t, err)
	again, err := market.Open(h.Dir(), h.clock.time)
	check(t, err)
	restarted := home{again, h.clock}
	_, err = load(restarted, "api")
	denied(t, "What is disabled stays so.", err, market.ErrNotActive, "because is slow")
	if _, err := load(restarted, "web"); err != nil {
		t.Errorf("what is active runs on: %v", err)
	}
	blob := blobFile(filepath.Join(h.Dir(), "store"), web.Digest())
	write(t, append(bytes.Clone(web.Wasm), 0, 1, 0), blob)
	_, err = load(restarted, "web")
	refused(t, "It is verified at every load.", err, web.Digest())
}

// TestRow57_SevenChecks has each check of an installation fail alone: nothing is installed then.
func TestRow57_SevenChecks(t *testing.T) {
	t.Parallel()
	web := indextest.Sign(t, "acme/web@1.0.0")
	wanting := indextest.Sign(t, "acme/web@1.0.0", abi.Capability{Name: abi.CapabilityKV, Reason: "to count"})
	deny := errors.New("no installations on a Friday")
	for name, tc := range map[string]struct {
		reason  string
		prepare func(t *testing.T, x *indextest.Index)
		opts    market.Options
		kind    error
		says    string
	}{
		"IndexSignature": {
			reason: "The index is signed by its keys.",
			prepare: func(t *testing.T, x *indextest.Index) {
				x.Add(web)
				data := read(t, x.Dir, "metadata", "timestamp.json")
				at := bytes.Index(data, []byte(`"sig":"`)) + len(`"sig":"`)
				data[at] ^= 1
				write(t, data, x.Dir, "metadata", "timestamp.json")
			},
			says: "timestamp",
		},
		"Publisher": {
			reason: "The publisher is allowed.",
			prepare: func(t *testing.T, x *indextest.Index) {
				x.Add(web)
				l := publisher.New()
				check(t, l.Set(publisher.Publisher{ID: "beta", Name: "beta", Keys: []publisher.Key{publisher.NewKey(registrytest.Key(t, indextest.BetaKey).Public(), time.Time{}, time.Time{})}}))
				x.Publishers(l)
			},
			says: "acme",
		},
		"Signature": {
			reason: "The publisher signed it.",
			prepare: func(t *testing.T, x *indextest.Index) {
				x.Add(registrytest.Sign(t, registrytest.Key(t, evilKey), registrytest.Manifest(t, "acme/web@1.0.0")))
			},
			kind: release.ErrNotTrusted, says: "not one of the publisher's keys",
		},
		"DigestOfTheIndex": {
			reason: "The module has the digest of the index.",
			prepare: func(t *testing.T, x *indextest.Index) {
				x.Add(web)
				write(t, append(bytes.Clone(web.Wasm), 0, 1, 0), blobFile(filepath.Join(x.Dir, tuf.LayoutFolder), web.Digest()))
			},
			kind: release.ErrNotTrusted, says: "the module has the digest sha256:",
		},
		"DigestOfTheStatement": {
			reason: "The publisher signed this module, and not another.",
			prepare: func(t *testing.T, x *indextest.Index) {
				putBlob(t, x, web.Wasm)
				l := indextest.Listing(web)
				l.Bundle = wanting.Bundle
				list(x, l)
			},
			kind: release.ErrNotTrusted, says: "subject.0.digest.sha256",
		},
		"Risk": {
			reason:  "What it may do is shown, and must be agreed to.",
			prepare: func(_ *testing.T, x *indextest.Index) { x.Add(wanting) },
			kind:    market.ErrNeedsConsent, says: `it wants to keep a small store of its own, because "to count"`,
		},
		"Approval": {
			reason:  "The one who decides about installations agrees.",
			prepare: func(_ *testing.T, x *indextest.Index) { x.Add(web) },
			opts:    market.Options{Admit: func(context.Context, market.Admission) error { return deny }},
			kind:    deny, says: deny.Error(),
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			x := indextest.New(t, indexSeed, indextest.Sign(t, "acme/api@1.0.0"))
			h := newHome(t, x)
			tc.prepare(t, x)
			_, err := h.Install(t.Context(), []string{"acme/web"}, tc.opts)
			if kind := tc.kind; kind != nil {
				denied(t, tc.reason, err, kind, tc.says)
			} else if err == nil || !bytes.Contains([]byte(err.Error()), []byte(tc.says)) {
				t.Errorf("%s\ngot %v", tc.reason, err)
			}
			if _, err := os.Stat(filepath.Join(h.Dir(), lock.FileName)); !errors.Is(err, fs.ErrNotExist) {
				t.Errorf("%s\na lock was written: %v", tc.reason, err)
			}
		})
	}
	// With nothing of that, it is installed.
	x := indextest.New(t, indexSeed, wanting)
	h := newHome(t, x)
	asked := 0
	_, err := h.Install(t.Context(), []string{"acme/web"}, market.Options{
		Consent: market.Consent{Names: []string{abi.CapabilityKV}},
		Admit: func(_ context.Context, a market.Admission) error {
			asked++
			if a.Manifest.Reference() != "acme/web@1.0.0" || len(a.Capabilities) != 1 {
				t.Errorf("asked about %s with %v", a.Manifest.Reference(), a.Capabilities)
			}
			return nil
		},
	})
	if err != nil || asked != 1 {
		t.Errorf("%v, asked %d times", err, asked)
	}
}
