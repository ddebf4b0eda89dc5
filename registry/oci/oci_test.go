package oci_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-containerregistry/pkg/registry"
	"github.com/opencontainers/go-digest"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
	"oras.land/oras-go/v2"
	"oras.land/oras-go/v2/content"
	"oras.land/oras-go/v2/registry/remote"

	"github.com/latticenet/lattice-host/registry/internal/registrytest"
	"github.com/latticenet/lattice-host/registry/oci"
	"github.com/latticenet/lattice-host/registry/release"
	"github.com/latticenet/lattice-host/registry/store"
)

// serve runs a registry and returns a repository of it.
func serve(t *testing.T, handler http.Handler) *remote.Repository {
	t.Helper()
	server := httptest.NewServer(handler)
	t.Cleanup(server.Close)
	return open(t, server, oci.Options{PlainHTTP: true})
}

func open(t *testing.T, server *httptest.Server, opts oci.Options) *remote.Repository {
	t.Helper()
	_, host, _ := strings.Cut(server.URL, "://")
	r, err := oci.Open(host+"/platform/web", opts)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func realRegistry(referrers bool) http.Handler {
	return registry.New(registry.Logger(log.New(io.Discard, "", 0)), registry.WithReferrersSupport(referrers))
}

func packed(t *testing.T, s *store.Store, r registrytest.Release) oci.Artifact {
	t.Helper()
	a, err := oci.Pack(t.Context(), s.Blobs(), r.Wasm, r.Bundle, r.Manifest)
	if err != nil {
		t.Fatal(err)
	}
	return a
}

func newRelease(t *testing.T) registrytest.Release {
	t.Helper()
	return registrytest.Sign(t, registrytest.Key(t, 1), registrytest.Manifest(t, "acme/web@1.2.0"))
}

func TestPushAndPull(t *testing.T) {
	t.Parallel()
	for _, referrers := range []bool{true, false} {
		t.Run(fmt.Sprint("referrers API ", referrers), func(t *testing.T) {
			t.Parallel()
			s := store.Open(t.TempDir())
			r := newRelease(t)
			a := packed(t, s, r)
			repository := serve(t, realRegistry(referrers))
			for range 2 {
				if err := oci.Push(t.Context(), s.Blobs(), a, repository, "1.2.0"); err != nil {
					t.Fatal(err)
				}
			}
			tagged, err := repository.Resolve(t.Context(), "1.2.0")
			if err != nil || tagged.Digest != a.Manifest.Digest {
				t.Errorf("the tag names %s, %v", tagged.Digest, err)
			}
			p, err := oci.Pull(t.Context(), repository, a.Manifest.Digest.String())
			if err != nil {
				t.Fatal(err)
			}
			want := &oci.Pulled{Manifest: a.Manifest.Digest.String(), Wasm: r.Wasm, Bundles: [][]byte{r.Bundle}}
			if diff := cmp.Diff(want, p); diff != "" {
				t.Error(diff)
			}
			if _, err := release.Verify(p.Bundles[0], p.Wasm, r.Want(registrytest.Key(t, 1).Public())); err != nil {
				t.Error(err)
			}
		})
	}
}

// TestSecondBundle adds a bundle by another key where a registry lists no referrers and deletes
// nothing.
func TestSecondBundle(t *testing.T) {
	t.Parallel()
	inner := realRegistry(false)
	repository := serve(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodDelete {
			w.WriteHeader(http.StatusMethodNotAllowed)
			return
		}
		inner.ServeHTTP(w, r)
	}))
	s := store.Open(t.TempDir())
	first := newRelease(t)
	second := registrytest.Sign(t, registrytest.Key(t, 2), first.Manifest)
	for _, r := range []registrytest.Release{first, second} {
		if err := oci.Push(t.Context(), s.Blobs(), packed(t, s, r), repository, ""); err != nil {
			t.Fatal(err)
		}
	}
	p, err := oci.Pull(t.Context(), repository, packed(t, s, first).Manifest.Digest.String())
	if err != nil {
		t.Fatal(err)
	}
	if len(p.Bundles) != 2 {
		t.Errorf("%d bundles, want 2", len(p.Bundles))
	}
}

func TestPackingIsReproducible(t *testing.T) {
	t.Parallel()
	r := newRelease(t)
	one, two := packed(t, store.Open(t.TempDir()), r), packed(t, store.Open(t.TempDir()), r)
	if diff := cmp.Diff(one, two); diff != "" {
		t.Error(diff)
	}
}

// TestAttack31_Layout pulls artifacts that are not plugin releases.
func TestAttack31_Layout(t *testing.T) {
	t.Parallel()
	r := newRelease(t)
	type parts struct {
		manifest ocispec.Manifest
		config   map[string]any
	}
	tests := map[string]struct {
		change func(*parts)
		says   string
	}{
		"two layers":                   {func(p *parts) { p.manifest.Layers = append(p.manifest.Layers, p.manifest.Layers[0]) }, "has 2 layers"},
		"no layer":                     {func(p *parts) { p.manifest.Layers = []ocispec.Descriptor{} }, "has 0 layers"},
		"media type of layer":          {func(p *parts) { p.manifest.Layers[0].MediaType = "application/octet-stream" }, `media type "application/octet-stream"`},
		"media type of config":         {func(p *parts) { p.manifest.Config.MediaType = ocispec.MediaTypeImageConfig }, "vnd.oci.image.config"},
		"a component":                  {func(p *parts) { p.config["os"] = "wasip2" }, `on "wasip2"`},
		"another architecture":         {func(p *parts) { p.config["architecture"] = "amd64" }, `for "amd64"`},
		"layers of the config":         {func(p *parts) { p.config["layerDigests"] = []string{digest.FromString("x").String()} }, "its config names the layers"},
		"a layer too large":            {func(p *parts) { p.manifest.Layers[0].Size = 1 << 40 }, "is said to have 1099511627776 bytes"},
		"a layer of less than nothing": {func(p *parts) { p.manifest.Layers[0].Size = -1 }, "is said to have -1 bytes"},
		"a weak digest": {func(p *parts) {
			p.manifest.Layers[0].Digest = "md5:d41d8cd98f00b204e9800998ecf8427e"
			p.config["layerDigests"] = []string{"md5:d41d8cd98f00b204e9800998ecf8427e"}
		}, "is not a SHA-256 digest"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			repository := serve(t, realRegistry(true))
			s := store.Open(t.TempDir())
			a := packed(t, s, r)
			if err := oci.Push(t.Context(), s.Blobs(), a, repository, ""); err != nil {
				t.Fatal(err)
			}
			var p parts
			readJSON(t, s.Blobs(), a.Manifest, &p.manifest)
			readJSON(t, s.Blobs(), p.manifest.Config, &p.config)
			tt.change(&p)
			mediaType := p.manifest.Config.MediaType
			p.manifest.Config = pushJSON(t, repository, mediaType, p.config)
			manifest := pushJSON(t, repository, ocispec.MediaTypeImageManifest, p.manifest)
			_, err := oci.Pull(t.Context(), repository, manifest.Digest.String())
			if !errors.Is(err, oci.ErrLayout) || !strings.Contains(err.Error(), tt.says) {
				t.Errorf("got %v, want %q", err, tt.says)
			}
		})
	}
}

func readJSON(t *testing.T, src content.Fetcher, d ocispec.Descriptor, into any) {
	t.Helper()
	data, err := content.FetchAll(t.Context(), src, d)
	if err == nil {
		err = json.Unmarshal(data, into)
	}
	if err != nil {
		t.Fatal(err)
	}
}

func manifestOf(t *testing.T, s *store.Store, a oci.Artifact) (m ocispec.Manifest) {
	t.Helper()
	readJSON(t, s.Blobs(), a.Manifest, &m)
	return m
}

func pushJSON(t *testing.T, to content.Pusher, mediaType string, value any) ocispec.Descriptor {
	t.Helper()
	data, err := json.Marshal(value)
	if err != nil {
		t.Fatal(err)
	}
	d, err := oras.PushBytes(t.Context(), to, mediaType, data)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// lying serves a registry whose answers for one path are changed.
func lying(inner http.Handler, digest string, change func([]byte) []byte) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method != http.MethodGet || !strings.HasSuffix(r.URL.Path, digest) {
			inner.ServeHTTP(w, r)
			return
		}
		recorded := httptest.NewRecorder()
		inner.ServeHTTP(recorded, r)
		for k, v := range recorded.Header() {
			if k != "Content-Length" {
				w.Header()[k] = v
			}
		}
		w.WriteHeader(recorded.Code)
		_, _ = w.Write(change(recorded.Body.Bytes()))
	})
}

// TestAttack31_Bytes has a registry serve other bytes than those that a digest names.
func TestAttack31_Bytes(t *testing.T) {
	t.Parallel()
	r := newRelease(t)
	a := packed(t, store.Open(t.TempDir()), r)
	flip := func(b []byte) []byte {
		b = bytes.Clone(b)
		b[len(b)-1] ^= 1
		return b
	}
	longer := func(b []byte) []byte { return append(bytes.Clone(b), 0) }
	shorter := func(b []byte) []byte { return b[:len(b)-1] }
	for what, d := range map[string]string{"module": r.Digest(), "manifest": a.Manifest.Digest.String()} {
		for how, change := range map[string]func([]byte) []byte{"flipped": flip, "longer": longer, "shorter": shorter} {
			t.Run(what+" "+how, func(t *testing.T) {
				t.Parallel()
				inner := realRegistry(true)
				s := store.Open(t.TempDir())
				packed(t, s, r)
				if err := oci.Push(t.Context(), s.Blobs(), a, serve(t, inner), ""); err != nil {
					t.Fatal(err)
				}
				if p, err := oci.Pull(t.Context(), serve(t, lying(inner, d, change)), a.Manifest.Digest.String()); err == nil {
					t.Errorf("pulled %d bytes", len(p.Wasm))
				}
			})
		}
	}
}

// TestAttack31_ForeignBundles shows that referrers which are not bundles of the artifact do no
// harm.
func TestAttack31_ForeignBundles(t *testing.T) {
	t.Parallel()
	r := newRelease(t)
	s := store.Open(t.TempDir())
	a := packed(t, s, r)
	repository := serve(t, realRegistry(true))
	if err := oci.Push(t.Context(), s.Blobs(), a, repository, ""); err != nil {
		t.Fatal(err)
	}
	var m ocispec.Manifest
	readJSON(t, s.Blobs(), a.Bundles[0], &m)
	m.Layers = append(m.Layers, m.Layers[0])
	pushJSON(t, repository, ocispec.MediaTypeImageManifest, m)
	p, err := oci.Pull(t.Context(), repository, a.Manifest.Digest.String())
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([][]byte{r.Bundle}, p.Bundles); diff != "" {
		t.Error(diff)
	}
}

// TestAttack35_PullNeedsADigest: whatever a tag names, it is not asked.
func TestAttack35_PullNeedsADigest(t *testing.T) {
	t.Parallel()
	repository := serve(t, realRegistry(true))
	for _, reference := range []string{"", "latest", "sha256:12", "sha512:" + strings.Repeat("a", 128)} {
		if _, err := oci.Pull(t.Context(), repository, reference); err == nil || !strings.Contains(err.Error(), "must be named by a digest") {
			t.Errorf("%q: %v", reference, err)
		}
	}
}

func TestOpenRefuses(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"", "web", "example.com/web:1.0", "example.com/web@" + digest.FromString("").String(), "example.com/UPPER", "https://example.com/web"} {
		if _, err := oci.Open(name, oci.Options{}); err == nil {
			t.Errorf("%q was opened", name)
		}
	}
}

// TestAttack34_Redirect has a registry send the client, which has logged in, to another host and
// away from TLS.
func TestAttack34_Redirect(t *testing.T) {
	t.Parallel()
	var stolen []string
	elsewhere := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		stolen = append(stolen, r.Header.Get("Authorization"))
		http.NotFound(w, r)
	}))
	t.Cleanup(elsewhere.Close)
	handler := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Authorization") == "" {
			w.Header().Set("WWW-Authenticate", `Basic realm="registry"`)
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		http.Redirect(w, r, elsewhere.URL+r.URL.Path, http.StatusTemporaryRedirect)
	})
	login := func(context.Context, string) (string, string, error) { return "user", "secret", nil }
	wanted := digest.FromString("x").String()
	t.Run("to another host", func(t *testing.T) {
		server := httptest.NewServer(handler)
		t.Cleanup(server.Close)
		stolen = nil
		if _, err := oci.Pull(t.Context(), open(t, server, oci.Options{PlainHTTP: true, Credential: login}), wanted); err == nil {
			t.Error("no error")
		}
		if strings.Join(stolen, "") != "" {
			t.Errorf("the other host got %q", stolen)
		}
	})
	t.Run("away from TLS", func(t *testing.T) {
		server := httptest.NewTLSServer(handler)
		t.Cleanup(server.Close)
		stolen = nil
		opts := oci.Options{Credential: login, Transport: server.Client().Transport}
		_, err := oci.Pull(t.Context(), open(t, server, opts), wanted)
		if err == nil || !strings.Contains(err.Error(), "without TLS") {
			t.Errorf("got %v", err)
		}
		if len(stolen) > 0 {
			t.Errorf("the other host was asked %d times", len(stolen))
		}
	})
}
