package index_test

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/latticenet/lattice-host/abi"
	"github.com/latticenet/lattice-host/registry/index"
	"github.com/latticenet/lattice-host/registry/internal/registrytest"
	"github.com/latticenet/lattice-host/registry/release"
)

func edit(t testing.TB) index.Edit {
	t.Helper()
	at := time.Date(2026, 1, 2, 3, 4, 5, 678, time.FixedZone("", 3600))
	return index.Edit{GeneratedAt: at, Key: registrytest.Key(t, 7)}
}

func create(t *testing.T) string {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "index")
	if err := index.Create(dir, index.StatusOfficial, edit(t)); err != nil {
		t.Fatal(err)
	}
	if err := index.AddPublisher(dir, "acme", "Acme", registrytest.Key(t, 1).Public(), edit(t)); err != nil {
		t.Fatal(err)
	}
	return dir
}

func sign(t *testing.T, reference string, capabilities ...abi.Capability) registrytest.Release {
	t.Helper()
	return registrytest.Sign(t, registrytest.Key(t, 1), registrytest.Manifest(t, reference, capabilities...))
}

func TestAuthoring(t *testing.T) {
	t.Parallel()
	dir := create(t)
	kv := abi.Capability{Name: abi.CapabilityKV, Reason: "to remember"}
	for _, r := range []registrytest.Release{
		sign(t, "acme/web@1.10.0", kv), sign(t, "acme/web@1.9.0"), sign(t, "acme/web@2.0.0-alpha.1"), sign(t, "acme/api@0.1.0-alpha.1"), sign(t, "acme/web@1.9.0"),
	} {
		if err := index.AddRelease(dir, r.Wasm, r.Bundle, edit(t)); err != nil {
			t.Fatal(err)
		}
	}
	x, err := index.Read(dir)
	if err != nil {
		t.Fatal(err)
	}
	if err := x.Verify([]release.PublicKey{edit(t).Key.Public()}, 1); err != nil {
		t.Error(err)
	}
	type row struct {
		ID, Latest   string
		Channels     index.Channels
		Capabilities []string
		Versions     []string
	}
	var got []row
	for _, p := range x.Plugins {
		r := row{ID: p.ID, Latest: p.Latest, Channels: p.Channels, Capabilities: p.Capabilities}
		for _, rel := range p.Releases {
			r.Versions = append(r.Versions, rel.Version+" "+rel.ArtifactURL)
		}
		got = append(got, r)
	}
	want := []row{
		{ID: "acme.api", Channels: index.Channels{Alpha: "0.1.0-alpha.1"}, Capabilities: []string{}, Versions: []string{"0.1.0-alpha.1 plugins/acme/api/0.1.0-alpha.1/plugin.wasm"}},
		{ID: "acme.web", Latest: "1.10.0", Channels: index.Channels{Stable: "1.10.0", Alpha: "2.0.0-alpha.1"}, Capabilities: []string{"kv"}, Versions: []string{
			"1.9.0 plugins/acme/web/1.9.0/plugin.wasm", "1.10.0 plugins/acme/web/1.10.0/plugin.wasm", "2.0.0-alpha.1 plugins/acme/web/2.0.0-alpha.1/plugin.wasm",
		}},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	if x.GeneratedAt != "2026-01-02T02:04:05Z" {
		t.Errorf("generated_at is %s", x.GeneratedAt)
	}
	r := sign(t, "acme/web@1.9.0")
	for name, content := range map[string][]byte{index.WasmFile: r.Wasm, index.BundleFile: r.Bundle} {
		data, err := os.ReadFile(filepath.Join(dir, "plugins", "acme", "web", "1.9.0", name))
		if err != nil || string(data) != string(content) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestAuthoringRefuses(t *testing.T) {
	t.Parallel()
	web := sign(t, "acme/web@1.0.0")
	other := registrytest.Manifest(t, "acme/web@1.0.0")
	other.Summary = "another build of the same version"
	tests := map[string]struct {
		reason     string
		do         func(dir string) error
		says       string
		notTrusted bool
	}{
		"OtherBytes": {
			reason: "One version has one digest.",
			do: func(dir string) error {
				r := registrytest.Sign(t, registrytest.Key(t, 1), other)
				return index.AddRelease(dir, r.Wasm, r.Bundle, edit(t))
			},
			says: "acme/web@1.0.0: the index has this version with the digest " + web.Digest() + ": raise the version",
		},
		"UnknownPublisher": {
			reason: "Publishers come first.",
			do: func(dir string) error {
				r := sign(t, "beta/web@1.0.0")
				return index.AddRelease(dir, r.Wasm, r.Bundle, edit(t))
			},
			says: "the index has no publisher beta",
		},
		"WrongKey": {
			reason: "Only the publisher releases.",
			do: func(dir string) error {
				r := registrytest.Sign(t, registrytest.Key(t, 2), registrytest.Manifest(t, "acme/web@1.1.0"))
				return index.AddRelease(dir, r.Wasm, r.Bundle, edit(t))
			},
			says: "none of the publisher's keys", notTrusted: true,
		},
		"Beta": {
			reason: "There are two channels.",
			do: func(dir string) error {
				r := sign(t, "acme/web@1.1.0-beta.1")
				return index.AddRelease(dir, r.Wasm, r.Bundle, edit(t))
			},
			says: "must be an -alpha prerelease",
		},
		"NoManifest": {
			reason: "A module without a manifest is no plugin.",
			do:     func(dir string) error { return index.AddRelease(dir, []byte(registrytest.EmptyModule), nil, edit(t)) },
			says:   "has no custom section",
		},
		"PublisherKeyChange": {
			reason: "A publisher's key does not change by accident.",
			do: func(dir string) error {
				return index.AddPublisher(dir, "acme", "Acme", registrytest.Key(t, 2).Public(), edit(t))
			},
			says: "acme is there with another key",
		},
		"CreateTwice": {
			reason: "An index is not overwritten.",
			do:     func(dir string) error { return index.Create(dir, index.StatusDraft, edit(t)) },
			says:   "exists",
		},
		"OtherIndexKey": {
			reason: "Another key does not take over what the first one signed.",
			do: func(dir string) error {
				return index.AddPublisher(dir, "beta", "Beta", registrytest.Key(t, 2).Public(), index.Edit{Key: registrytest.Key(t, 8)})
			},
			says: "0 of the trusted index keys", notTrusted: true,
		},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := create(t)
			if err := index.AddRelease(dir, web.Wasm, web.Bundle, edit(t)); err != nil {
				t.Fatal(err)
			}
			before, err := os.ReadFile(filepath.Join(dir, index.FileName))
			if err != nil {
				t.Fatal(err)
			}
			err = tc.do(dir)
			if err == nil || !strings.Contains(err.Error(), tc.says) || errors.Is(err, release.ErrNotTrusted) != tc.notTrusted {
				t.Errorf("%s\nwant an error that says %q, got %v", tc.reason, tc.says, err)
			}
			after, err := os.ReadFile(filepath.Join(dir, index.FileName))
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(string(before), string(after)); diff != "" {
				t.Errorf("the index changed: %s", diff)
			}
		})
	}
	if err := index.AddPublisher(t.TempDir(), "acme", "Acme", registrytest.Key(t, 1).Public(), edit(t)); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("without an index: %v", err)
	}
}

// TestTamperedIndexIsNotSignedAgain: adding a release must not vouch for what somebody changed by hand.
func TestTamperedIndexIsNotSignedAgain(t *testing.T) {
	t.Parallel()
	dir := create(t)
	file := filepath.Join(dir, index.FileName)
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, registrytest.SetField(t, data, `"Acme"`, `"Evil"`), 0o644); err != nil {
		t.Fatal(err)
	}
	r := sign(t, "acme/web@1.0.0")
	if err := index.AddRelease(dir, r.Wasm, r.Bundle, edit(t)); !errors.Is(err, release.ErrNotTrusted) {
		t.Errorf("want ErrNotTrusted, got %v", err)
	}
}

func TestConcurrentAuthors(t *testing.T) {
	t.Parallel()
	dir := create(t)
	var wg sync.WaitGroup
	for _, reference := range []string{"acme/a@1.0.0", "acme/b@1.0.0", "acme/c@1.0.0", "acme/a@1.1.0", "acme/b@1.1.0"} {
		r := sign(t, reference)
		wg.Go(func() {
			if err := index.AddRelease(dir, r.Wasm, r.Bundle, edit(t)); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	x, err := index.Read(dir)
	if err != nil {
		t.Fatal(err)
	}
	total := 0
	for _, p := range x.Plugins {
		total += len(p.Releases)
	}
	if total != 5 {
		t.Errorf("%d of 5 releases are in the index", total)
	}
}
