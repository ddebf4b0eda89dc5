package main

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/latticenet/lattice-host/abi"
	"github.com/latticenet/lattice-host/internal/problem"
	"github.com/latticenet/lattice-host/registry/index/tuf"
	"github.com/latticenet/lattice-host/registry/index/tuf/author"
	"github.com/latticenet/lattice-host/registry/market"
	"github.com/latticenet/lattice-host/registry/oci"
	"github.com/latticenet/lattice-host/registry/release"
	"github.com/latticenet/lattice-host/registry/store"
)

// refusedBomb is what the commands say about what is too slow to compile.
var refusedBomb = regexp.MustCompile(`acme/web@1\.1\.0 sha256:[0-9a-f]{12}: breaks the contract: unsupported module: function 2: byte \d+: compiling it takes about `)

// TestLaw07_CompileBomb proves that no command brings a module into an index or an installation
// that takes too long to compile, though its publisher signed it and an index offers it, and that
// verify finds one that an older program installed.
func TestLaw07_CompileBomb(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	index, keys, home := filepath.Join(dir, "index"), filepath.Join(dir, "keys"), filepath.Join(dir, "home")
	must(t, "key", "new", "acme", "--dir", dir, "--unencrypted")
	must(t, "index", "init", index, "--keys", keys, "--unencrypted")
	must(t, "index", "add", index, signedModule(t, dir, "web", "1.0.0"), "--keys", keys, "--publisher-key", filepath.Join(dir, "acme.pub"))
	must(t, "--home", home, "index", "trust", filepath.Join(keys, pinName), "--location", index)
	must(t, "--home", home, "install", "acme/web@^1")
	refused := func(args ...string) {
		t.Helper()
		code, stdout, stderr := invoke(t.Context(), "", append([]string{"--home", home}, args...)...)
		if code != problem.Plugin.Exit() || !refusedBomb.MatchString(stderr) {
			t.Errorf("%q: exit code %d\n%s%s", args, code, stdout, stderr)
		}
	}
	installed := func(want string) {
		t.Helper()
		if code, stdout, stderr := invoke(t.Context(), "", "--home", home, "list"); code != exitDone || !strings.Contains(stdout, want) {
			t.Errorf("exit code %d, want %s\n%s%s", code, want, stdout, stderr)
		}
	}

	bomb := signedBomb(t, dir)
	before := contentOf(t, filepath.Join(index, "metadata", "timestamp.json"))
	refused("index", "add", index, bomb, "--keys", keys)
	if contentOf(t, filepath.Join(index, "metadata", "timestamp.json")) != before {
		t.Error("the index was changed")
	}
	offer(t, index, keys, bomb)
	refused("update")
	refused("install", "acme/web@1.1.0")
	installed("acme/web  1.0.0")

	older, err := market.Open(home, time.Now)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := older.Install(t.Context(), []string{"acme/web@1.1.0"}, market.Options{}); err != nil {
		t.Fatal(err)
	}
	installed("acme/web  1.1.0")
	refused("verify")
}

// signedBomb makes a release that plugin build refuses, and returns the file of its module.
func signedBomb(t *testing.T, dir string) string {
	t.Helper()
	manifest, err := abi.ParseManifest([]byte(`{"schema": "lattice.manifest.v1", "publisher": "acme", "name": "web", "version": "1.1.0", "abi": 1,
		"encoding": "json", "derives": [{"group": "lattice.dev", "kind": "LatticeService"}], "limits": {}}`))
	if err != nil {
		t.Fatal(err)
	}
	wasm, err := release.AppendManifestSection(slowModule(), manifest.CanonicalJSON())
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(dir, "bomb.wasm")
	if err := os.WriteFile(file, wasm, 0o600); err != nil {
		t.Fatal(err)
	}
	must(t, "plugin", "sign", file, "--key", filepath.Join(dir, "acme.key"))
	return file
}

// offer adds a signed module to an index as index add does, without looking at the module.
func offer(t *testing.T, index, keys, file string) {
	t.Helper()
	check := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	r, err := readRelease(file)
	check(err)
	files := store.Open(filepath.Join(index, tuf.LayoutFolder))
	artifact, err := oci.Pack(t.Context(), files.Blobs(), r.wasm, r.bundle, r.manifest)
	check(err)
	check(files.Tag(r.manifest.Reference(), artifact.Manifest, artifact.Bundles...))
	draft, err := author.Open(t.Context(), index, []byte(contentOf(t, filepath.Join(keys, pinName))))
	check(err)
	check(draft.AddRelease(author.Release{
		Publisher: r.manifest.Publisher, Name: r.manifest.Name, Version: r.manifest.Version, ABI: r.manifest.ABI,
		Digest: r.digest(), Size: int64(len(r.wasm)), Bundle: r.bundle,
	}))
	var online []release.PrivateKey
	for _, role := range []string{author.RoleReleases, author.RoleSnapshot, author.RoleTimestamp} {
		key, err := release.ReadPrivateKey(filepath.Join(keys, role+".key"), nil)
		check(err)
		online = append(online, key)
	}
	change, err := draft.Publish(time.Now(), author.Online(), online)
	check(err)
	check(change.Write(index))
}

func contentOf(t *testing.T, file string) string {
	t.Helper()
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}
