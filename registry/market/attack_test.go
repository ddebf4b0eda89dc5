package market_test

import (
	"bytes"
	"context"
	"encoding/base64"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/latticenet/lattice-host/abi"
	"github.com/latticenet/lattice-host/registry/index"
	"github.com/latticenet/lattice-host/registry/internal/registrytest"
	"github.com/latticenet/lattice-host/registry/lock"
	"github.com/latticenet/lattice-host/registry/market"
	"github.com/latticenet/lattice-host/registry/release"
)

// resign changes an index document and signs it again, as whoever holds the index key can.
func resign(t testing.TB, dir string, seed byte, change func(*index.Index)) {
	t.Helper()
	x, err := index.Read(dir)
	check(t, err)
	change(x)
	x.Signatures = []index.Signature{}
	check(t, x.Sign(registrytest.Key(t, seed)))
	data, err := x.Encode()
	check(t, err)
	write(t, data, dir, index.FileName)
}

// folder is where the files of a release are in an index.
func folder(reference string) string {
	return filepath.Join("plugins", filepath.FromSlash(strings.Replace(reference, "@", "/", 1)))
}

// entry describes a release as an index does.
func entry(r registrytest.Release, version, location string) index.Release {
	b, err := release.ParseBundle(r.Bundle)
	if err != nil {
		panic(err)
	}
	return index.Release{
		Version: version, Channel: index.ChannelStable, ManifestURL: location + "/" + index.BundleFile,
		ArtifactURL: location + "/" + index.WasmFile, ArtifactSHA256: strings.TrimPrefix(r.Digest(), "sha256:"),
		Signature: base64.StdEncoding.EncodeToString(b.Signature),
	}
}

// TestAttack tries to install what must not be installed. The numbers are the rows of the project's table of attacks.
func TestAttack(t *testing.T) {
	t.Parallel()
	const web = "acme/web@1.0.0"
	evil := registrytest.Key(t, evilKey)
	evilWeb := registrytest.Sign(t, evil, registrytest.Manifest(t, "acme/web@1.1.0"))
	tests := map[string]struct {
		reason string
		// known installs the honest release first.
		known bool
		// prepare damages an honest index with acme/web@1.0.0 and acme/api@1.0.0.
		prepare func(t *testing.T, dir string)
		names   []string
		says    string
	}{
		"23_ModuleSubstituted": {
			reason: "The module must have the digest of the index.",
			prepare: func(t *testing.T, dir string) {
				write(t, append(read(t, dir, folder(web), index.WasmFile), 0, 1, 0), dir, folder(web), index.WasmFile)
			},
			says: "acme/web@1.0.0: sha256:",
		},
		"23_ModuleAndDigestSubstituted": {
			reason: "An index key alone does not make a release.",
			prepare: func(t *testing.T, dir string) {
				wasm := append(read(t, dir, folder(web), index.WasmFile), 0, 1, 0)
				write(t, wasm, dir, folder(web), index.WasmFile)
				resign(t, dir, indexKey, func(x *index.Index) {
					x.Plugin("acme", "web").Releases[0].ArtifactSHA256 = strings.TrimPrefix(release.Digest(wasm), "sha256:")
				})
			},
			says: "subject.0.digest.sha256",
		},
		"24_OtherPluginServed": {
			reason: "A valid release of one plugin must not be installed as another.",
			prepare: func(t *testing.T, dir string) {
				resign(t, dir, indexKey, func(x *index.Index) { x.Plugin("acme", "web").Releases = x.Plugin("acme", "api").Releases })
			},
			says: "manifest: the module is acme/api@1.0.0",
		},
		"24_OldVersionServedAsNew": {
			reason: "An old release must not be installed as a new one.",
			prepare: func(t *testing.T, dir string) {
				resign(t, dir, indexKey, func(x *index.Index) {
					p := x.Plugin("acme", "web")
					p.Releases[0].Version, p.Channels.Stable, p.Latest = "1.2.0", "1.2.0", "1.2.0"
				})
			},
			says: "acme/web@1.2.0: sha256:",
		},
		"26_IndexUnsigned": {
			reason:  "An unsigned index offers nothing.",
			prepare: func(t *testing.T, dir string) { resignAs(t, dir, index.StatusDraft) },
			says:    "the index is not signed",
		},
		"26_IndexSignedByStranger": {
			reason:  "Anybody can sign an index.",
			prepare: func(t *testing.T, dir string) { resign(t, dir, evilKey, func(*index.Index) {}) },
			says:    "0 of the trusted index keys signed",
		},
		"26_IndexEdited": {
			reason: "The signature is over the content.",
			prepare: func(t *testing.T, dir string) {
				write(t, registrytest.SetField(t, read(t, dir, index.FileName), `"Acme"`, `"Acne"`), dir, index.FileName)
			},
			says: "0 of the trusted index keys signed",
		},
		"26_SignedByStranger": {
			reason: "Only the publisher's key makes the publisher's releases.",
			prepare: func(t *testing.T, dir string) {
				addForged(t, dir, evilWeb)
			},
			says: "none of the publisher's keys",
		},
		"26_IndexSignatureDiffers": {
			reason: "The index means one bundle.",
			prepare: func(t *testing.T, dir string) {
				resign(t, dir, indexKey, func(x *index.Index) {
					x.Plugin("acme", "web").Releases[0].Signature = base64.StdEncoding.EncodeToString(make([]byte, 64))
				})
			},
			says: "signature_ed25519 in the index is not the signature in the release bundle",
		},
		"28_BundleMissing": {
			reason: "A missing signature file means unsigned.",
			prepare: func(t *testing.T, dir string) {
				check(t, os.Remove(filepath.Join(dir, folder(web), index.BundleFile)))
			},
			says: "the release has no signature bundle",
		},
		"28_BundleEmpty": {
			reason:  "An empty signature file means unsigned.",
			prepare: func(t *testing.T, dir string) { write(t, nil, dir, folder(web), index.BundleFile) },
			says:    "the release has no signature bundle",
		},
		"29_KeyOfAnotherPublisher": {
			reason: "A publisher cannot release under another's name.",
			prepare: func(t *testing.T, dir string) {
				addForged(t, dir, registrytest.Sign(t, registrytest.Key(t, betaKey), registrytest.Manifest(t, "acme/web@1.1.0")))
			},
			says: "none of the publisher's keys",
		},
		"29_IndexChangesPublisherKey": {
			reason: "Whoever holds the index key cannot take over a known publisher.",
			known:  true,
			prepare: func(t *testing.T, dir string) {
				addForged(t, dir, evilWeb)
				resign(t, dir, indexKey, func(x *index.Index) {
					x.Publisher("acme").PublicKey = base64.StdEncoding.EncodeToString(evil.Public().Ed25519)
				})
			},
			says: "the index gives the publisher acme the key " + evil.ID + ", this installation recorded " + registrytest.Key(t, acmeKey).ID,
		},
		"30_BundleCarriesKey": {
			reason: "A key in a bundle is not believed.",
			prepare: func(t *testing.T, dir string) {
				bundle := registrytest.SetField(t, read(t, dir, folder(web), index.BundleFile), `"publicKey":{`, `"publicKey":{"rawBytes":"AAAA",`)
				write(t, bundle, dir, folder(web), index.BundleFile)
			},
			says: "unknown field",
		},
		"36_LinkLeavesTheIndex": {
			reason: "An index reads no files but its own.",
			prepare: func(t *testing.T, dir string) {
				wasm := filepath.Join(dir, folder(web), index.WasmFile)
				outside := filepath.Join(t.TempDir(), index.WasmFile)
				check(t, os.Rename(wasm, outside))
				check(t, os.Symlink(outside, wasm))
			},
			says: "path escapes",
		},
		"36_NamedPipe": {
			reason: "Reading must not wait for ever.",
			prepare: func(t *testing.T, dir string) {
				wasm := filepath.Join(dir, folder(web), index.WasmFile)
				check(t, os.Remove(wasm))
				check(t, unix.Mkfifo(wasm, 0o644))
			},
			says: "is not a regular file",
		},
		"36_RemoteFile": {
			reason: "Nothing is fetched from elsewhere.",
			prepare: func(t *testing.T, dir string) {
				resign(t, dir, indexKey, func(x *index.Index) {
					x.Plugin("acme", "web").Releases[0].ArtifactURL = "https://169.254.169.254/plugin.wasm"
				})
			},
			says: "is not in the folder of the index",
		},
		"EndlessFile": {
			reason: "Reading is bounded.",
			prepare: func(t *testing.T, dir string) {
				check(t, os.Truncate(filepath.Join(dir, folder(web), index.WasmFile), abi.MaxModuleBytes+1))
			},
			says: "has more than 33554432 bytes",
		},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := newIndex(t, indexKey, sign(t, web), sign(t, "acme/api@1.0.0"))
			h := newHome(t)
			if tc.known {
				install(t, h, dir, "acme/api")
			}
			before, _ := os.ReadFile(filepath.Join(h.Dir(), lock.FileName))
			tc.prepare(t, dir)
			_, err := h.Install(context.Background(), dir, []string{"acme/web"}, market.Options{})
			refused(t, tc.reason, err, tc.says)
			after, _ := os.ReadFile(filepath.Join(h.Dir(), lock.FileName))
			if !bytes.Equal(before, after) {
				t.Errorf("%s\nthe lock changed", tc.reason)
			}
			if _, err := h.Load("acme/web"); !errors.Is(err, lock.ErrNotLocked) {
				t.Errorf("%s\nwant ErrNotLocked, got %v", tc.reason, err)
			}
		})
	}
}

// resignAs removes the signatures of an index, which must then have the given status.
func resignAs(t testing.TB, dir, status string) {
	t.Helper()
	x, err := index.Read(dir)
	check(t, err)
	x.Status, x.Signatures = status, []index.Signature{}
	data, err := x.Encode()
	check(t, err)
	write(t, data, dir, index.FileName)
}

// addForged puts a release into an index that no honest tool would add.
func addForged(t testing.TB, dir string, r registrytest.Release) {
	t.Helper()
	location := filepath.ToSlash(folder(r.Reference()))
	check(t, os.MkdirAll(filepath.Join(dir, location), 0o755))
	write(t, r.Wasm, dir, location, index.WasmFile)
	write(t, r.Bundle, dir, location, index.BundleFile)
	resign(t, dir, indexKey, func(x *index.Index) {
		p := x.Plugin(r.Manifest.Publisher, r.Manifest.Name)
		p.Releases = append(p.Releases, entry(r, r.Manifest.Version, location))
		p.Channels.Stable, p.Latest = r.Manifest.Version, r.Manifest.Version
	})
}

func TestAttack36_Names(t *testing.T) {
	t.Parallel()
	dir := newIndex(t, indexKey, sign(t, "acme/web@1.0.0"))
	h := newHome(t)
	install(t, h, dir, "acme/web")
	for _, name := range []string{
		"../web", "acme/..", "acme/../web", "/acme/web", "acme/web/", "acme//web", `acme\web`, "acme/web@../1.0.0", "acme/web@",
		"Acme/web", "acme/WEB", "аcme/web", "acme/web\x00", "acme/we b", "acme/-web", "acme/web@v1.0.0", "acme/web@1.0.0@1.0.0", "", "@", "/",
		"con.", "acme.web", "acme/" + strings.Repeat("a", 41),
	} {
		if _, err := h.Install(context.Background(), dir, []string{name}, market.Options{}); err == nil || !strings.Contains(err.Error(), "must be publisher/name") {
			t.Errorf("Install(%q): %v", name, err)
		}
		_, err := h.Load(name)
		refused(t, "Load of "+name, err, "")
	}
}

func TestAttack37_TwoIndexesClaimOnePublisher(t *testing.T) {
	t.Parallel()
	const second = 8
	honest := newIndex(t, indexKey, sign(t, "acme/web@1.0.0"))
	other := newIndex(t, second, sign(t, "acme/web@9.0.0"), sign(t, "beta/api@1.0.0"))
	h := newHome(t)
	check(t, h.TrustIndexKey(registrytest.Key(t, second).Public()))
	install(t, h, honest, "acme/web")
	_, err := h.Install(context.Background(), other, []string{"acme/web"}, market.Options{})
	refused(t, "A publisher belongs to one index.", err, "the publisher acme belongs to the index "+registrytest.Key(t, indexKey).ID)
	refused(t, "The error says how to change it.", err, `delete the entry "acme" under publishers in `+filepath.Join(h.Dir(), "trust.json"))
	install(t, h, other, "beta/api")
	check(t, h.ForgetPublisher("acme"))
	_, err = h.Load("acme/web")
	refused(t, "A forgotten publisher's plugins do not load.", err, "this installation has no record of the publisher acme: run lattice-host install --index DIR acme/web@1.0.0")
	install(t, h, other, "acme/web")
	if _, err := h.Load("acme/web"); err != nil {
		t.Error(err)
	}
}

// TestAttack42_FilesChangedAfterInstall changes every byte of what is installed.
func TestAttack42_FilesChangedAfterInstall(t *testing.T) {
	t.Parallel()
	web := sign(t, "acme/web@1.0.0")
	dir := newIndex(t, indexKey, web)
	for name, content := range map[string][]byte{"module": web.Wasm, "bundle": web.Bundle} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := newHome(t)
			install(t, h, dir, "web")
			blob := filepath.Join(h.Dir(), "store", "blobs", "sha256", strings.TrimPrefix(release.Digest(content), "sha256:"))
			for i := range content {
				changed := bytes.Clone(content)
				changed[i] ^= 1 << (i % 8)
				write(t, changed, blob)
				_, err := h.Load("web")
				refused(t, "A changed byte.", err, "acme/web@1.0.0: "+web.Digest()+": not trusted: "+blob+": corrupt: ")
			}
			_, err := h.Load("web")
			refused(t, "The file is in quarantine.", err, "the store has no file with the digest "+release.Digest(content))
			refused(t, "The error says what to do.", err, "run lattice-host install --index DIR acme/web@1.0.0")
			install(t, h, dir, "web")
			if _, err := h.Load("web"); err != nil {
				t.Errorf("installing again did not heal: %v", err)
			}
		})
	}
}

// TestAttack45_LockEdited flips every bit of lattice.lock and trust.json, and edits fields to other valid values.
func TestAttack45_LockEdited(t *testing.T) {
	t.Parallel()
	kv := abi.Capability{Name: abi.CapabilityKV, Reason: "to remember"}
	dir := newIndex(t, indexKey, sign(t, "acme/web@1.0.0", kv), sign(t, "acme/api@1.0.0"))
	setup := func(t *testing.T) *market.Home {
		h := newHome(t)
		_, err := h.Install(context.Background(), dir, []string{"web", "api"}, market.Options{Grant: []string{"kv"}})
		check(t, err)
		return h
	}
	for _, file := range []string{lock.FileName, "trust.json"} {
		t.Run("Bits_"+file, func(t *testing.T) {
			t.Parallel()
			h := setup(t)
			good := read(t, h.Dir(), file)
			for i := range good {
				changed := bytes.Clone(good)
				changed[i] ^= 1 << (i % 8)
				write(t, changed, h.Dir(), file)
				problems := h.Verify(context.Background())
				_, loadErr := h.Load("acme/web")
				if len(problems) == 0 && loadErr == nil {
					t.Fatalf("byte %d of %s, %q to %q: everything verifies", i, file, good[i], changed[i])
				}
			}
			write(t, good, h.Dir(), file)
			if problems := h.Verify(context.Background()); len(problems) > 0 {
				t.Errorf("the unchanged file: %v", problems)
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
		"Capabilities": {"Fewer capabilities than were granted.", func(w, _ *lock.Plugin) { w.Capabilities = []string{} }, "the manifest asks for"},
		"Widened":      {"More capabilities than were granted.", func(w, _ *lock.Plugin) { w.Capabilities = []string{"http.get", "kv"} }, "the manifest asks for"},
		"Index":        {"An index that it did not come from.", func(w, _ *lock.Plugin) { w.Index = "ed25519-0000000000000000" }, "belongs to"},
		"Key":          {"A key that is not the publisher's.", func(w, _ *lock.Plugin) { w.KeyID = "ed25519-0000000000000000" }, "none of the publisher's keys"},
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
			_, err = h.Load("web")
			refused(t, tc.reason, err, tc.says)
			refused(t, "The error names the plugin and the digest.", err, l.Plugins[1].Reference()+": "+l.Plugins[1].Digest+": not trusted: ")
		})
	}
	t.Run("Gone", func(t *testing.T) {
		t.Parallel()
		h := setup(t)
		check(t, os.Remove(filepath.Join(h.Dir(), lock.FileName)))
		_, err := h.Load("web")
		refused(t, "Without a lock nothing is installed.", err, "web: not trusted: not installed: run lattice-host install --index DIR web")
	})
	t.Run("TrustGone", func(t *testing.T) {
		t.Parallel()
		h := setup(t)
		check(t, os.Remove(filepath.Join(h.Dir(), "trust.json")))
		_, err := h.Load("web")
		refused(t, "Without trust nothing loads.", err, "has no trust.json")
		if !errors.Is(err, fs.ErrNotExist) {
			t.Error(err)
		}
	})
}
