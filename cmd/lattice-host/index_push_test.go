package main

import (
	"io"
	"log"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-containerregistry/pkg/registry"

	"github.com/latticenet/lattice-host/internal/problem"
	"github.com/latticenet/lattice-host/registry/index/tuf/author"
	"github.com/latticenet/lattice-host/registry/oci"
)

// TestIndexAddPush pushes a release to a registry, and has the index say where it is.
func TestIndexAddPush(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	server := httptest.NewServer(registry.New(registry.Logger(log.New(io.Discard, "", 0))))
	t.Cleanup(server.Close)
	repository := strings.TrimPrefix(server.URL, "http://") + "/platform/web"
	index, keys := filepath.Join(dir, "index"), filepath.Join(dir, "keys")
	must(t, "key", "new", "acme", "--dir", dir, "--unencrypted")
	public := filepath.Join(dir, "acme.pub")
	files := []string{signedModule(t, dir, "web", "1.0.0+build.1"), signedModule(t, dir, "api", "1.0.0")}
	web := files[0]
	must(t, "index", "init", index, "--keys", keys, "--unencrypted")
	push := []string{"--keys", keys, "--publisher-key", public, "--push", repository, "--plain-http"}
	code, _, stderr := invoke(t.Context(), "", append([]string{"index", "add", index, files[0], files[1]}, push...)...)
	if code != problem.Usage.Exit() || !strings.HasPrefix(stderr, "--push takes releases of one plugin; add acme/") {
		t.Errorf("%d %s", code, stderr)
	}
	must(t, append([]string{"index", "add", index, web}, push...)...)
	pinned, err := os.ReadFile(filepath.Join(keys, pinName))
	if err != nil {
		t.Fatal(err)
	}
	draft, err := author.Open(t.Context(), index, pinned)
	if err != nil {
		t.Fatal(err)
	}
	location, err := draft.Location("acme", "web", "1.0.0+build.1")
	if err != nil || !strings.HasPrefix(location, repository+"@sha256:") {
		t.Fatalf("%s, %v", location, err)
	}
	from, err := oci.Open(repository, oci.Options{PlainHTTP: true})
	if err != nil {
		t.Fatal(err)
	}
	tagged, err := from.Resolve(t.Context(), "1.0.0_build.1")
	if err != nil || repository+"@"+tagged.Digest.String() != location {
		t.Errorf("the tag leads to %s, %v, the index to %s", tagged.Digest, err, location)
	}
	pulled, err := oci.Pull(t.Context(), from, tagged.Digest.String())
	if err != nil || len(pulled.Bundles) != 1 {
		t.Fatalf("%+v, %v", pulled, err)
	}

	// Without --push, what is known stays.
	must(t, "index", "add", index, web, "--keys", keys)
	if draft, err = author.Open(t.Context(), index, pinned); err != nil {
		t.Fatal(err)
	}
	if again, err := draft.Location("acme", "web", "1.0.0+build.1"); err != nil || again != location {
		t.Errorf("%s, %v", again, err)
	}
}

// signedModule makes a release of acme that the sandbox takes, and returns the file of its module.
func signedModule(t *testing.T, dir, name, version string) string {
	t.Helper()
	source := filepath.Join(dir, name)
	manifest := "schema: lattice.manifest.v1\npublisher: acme\nname: " + name + "\nversion: " + version +
		"\nabi: 1\nencoding: json\nderives:\n- {group: lattice.dev, kind: LatticeService}\nlimits: {}\n"
	raw := filepath.Join(dir, name+"-raw.wasm")
	if err := os.Mkdir(source, 0o700); err != nil {
		t.Fatal(err)
	}
	for file, content := range map[string]string{filepath.Join(source, "plugin.yaml"): manifest, raw: string(silentModule())} {
		if err := os.WriteFile(file, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	module := filepath.Join(dir, name+".wasm")
	must(t, "plugin", "build", source, "--module", raw, "-O", module)
	must(t, "plugin", "sign", module, "--key", filepath.Join(dir, "acme.key"))
	return module
}
