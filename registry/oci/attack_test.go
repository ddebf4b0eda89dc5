package oci_test

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	"github.com/latticenet/lattice-host/registry/internal/registrytest"
	"github.com/latticenet/lattice-host/registry/oci"
	"github.com/latticenet/lattice-host/registry/release"
	"github.com/latticenet/lattice-host/registry/store"
)

// The numbers in the names are the rows of the project's table of attacks.

// TestAttack10_EndlessBlob has a registry that does not stop sending.
func TestAttack10_EndlessBlob(t *testing.T) {
	t.Parallel()
	r := newRelease(t)
	a := packed(t, store.Open(t.TempDir()), r)
	for what, d := range map[string]string{"module": r.Digest(), "bundle": release.Digest(r.Bundle), "manifest": a.Manifest.Digest.String()} {
		t.Run(what, func(t *testing.T) {
			t.Parallel()
			inner := realRegistry(true)
			s := store.Open(t.TempDir())
			packed(t, s, r)
			if err := oci.Push(t.Context(), s.Blobs(), a, serve(t, inner), ""); err != nil {
				t.Fatal(err)
			}
			repository := serve(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if r.Method != http.MethodGet || !strings.HasSuffix(r.URL.Path, d) {
					inner.ServeHTTP(w, r)
					return
				}
				w.Header().Set("Docker-Content-Digest", d)
				// A client that reads on would read until the test is stopped.
				for r.Context().Err() == nil {
					if _, err := w.Write(make([]byte, 1<<16)); err != nil {
						return
					}
				}
			}))
			p, err := oci.Pull(t.Context(), repository, a.Manifest.Digest.String())
			if what == "bundle" {
				// A bundle that cannot be read is not one.
				if err != nil || len(p.Bundles) > 0 {
					t.Errorf("%d bundles, %v", len(p.Bundles), err)
				}
				return
			}
			if err == nil {
				t.Errorf("pulled %d bytes", len(p.Wasm))
			}
		})
	}
}

// TestAttack31_SizeLie has the manifest say another size than the layer has, under the right
// digest.
func TestAttack31_SizeLie(t *testing.T) {
	t.Parallel()
	for how, by := range map[string]int64{"more": 1, "less": -1} {
		t.Run(how, func(t *testing.T) {
			t.Parallel()
			s := store.Open(t.TempDir())
			a := packed(t, s, newRelease(t))
			repository := serve(t, realRegistry(true))
			if err := oci.Push(t.Context(), s.Blobs(), a, repository, ""); err != nil {
				t.Fatal(err)
			}
			m := manifestOf(t, s, a)
			m.Layers[0].Size += by
			d := pushJSON(t, repository, m.MediaType, m)
			if p, err := oci.Pull(t.Context(), repository, d.Digest.String()); err == nil {
				t.Errorf("pulled %d bytes", len(p.Wasm))
			}
		})
	}
}

// TestAttack35_TagMoved moves the tag of a release to another one: who pulls by the digest of the
// first gets the first.
func TestAttack35_TagMoved(t *testing.T) {
	t.Parallel()
	repository := serve(t, realRegistry(true))
	push := func(key byte, reference string) (registrytest.Release, oci.Artifact) {
		s := store.Open(t.TempDir())
		r := registrytest.Sign(t, registrytest.Key(t, key), registrytest.Manifest(t, reference))
		a := packed(t, s, r)
		if err := oci.Push(t.Context(), s.Blobs(), a, repository, "1.2.0"); err != nil {
			t.Fatal(err)
		}
		return r, a
	}
	wanted, a := push(1, "acme/web@1.2.0")
	_, evil := push(2, "acme/web@1.2.1")
	if d, err := repository.Resolve(t.Context(), "1.2.0"); err != nil || d.Digest != evil.Manifest.Digest {
		t.Fatalf("the tag was not moved: %v, %v", d.Digest, err)
	}
	p, err := oci.Pull(t.Context(), repository, a.Manifest.Digest.String())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := release.Verify(p.Bundles[0], p.Wasm, wanted.Want(registrytest.Key(t, 1).Public())); err != nil {
		t.Error(err)
	}
}

// asked is a server that remembers what it was asked with.
type asked struct {
	mu      sync.Mutex
	headers []string
}

func (a *asked) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.headers = append(a.headers, r.Header.Get("Authorization"))
	http.NotFound(w, r)
}

// TestAttack34_Realm has a registry ask for a token from another host than its own.
func TestAttack34_Realm(t *testing.T) {
	t.Parallel()
	elsewhere := &asked{}
	other := httptest.NewServer(elsewhere)
	t.Cleanup(other.Close)
	server := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("WWW-Authenticate", `Bearer realm="`+other.URL+`/token",service="registry"`)
		w.WriteHeader(http.StatusUnauthorized)
	}))
	t.Cleanup(server.Close)
	login := func(context.Context, string) (string, string, error) { return "user", "secret", nil }
	repository := open(t, server, oci.Options{Credential: login, Transport: server.Client().Transport})
	if _, err := oci.Pull(t.Context(), repository, release.Digest(nil)); err == nil {
		t.Error("no error")
	}
	if strings.Join(elsewhere.headers, "") != "" {
		t.Errorf("the other host got %q", elsewhere.headers)
	}
}

// only is a transport to one server. Nothing else is ever asked.
type only struct {
	host  string
	asked *[]string
}

func (o only) RoundTrip(r *http.Request) (*http.Response, error) {
	if r.URL.Host != o.host {
		*o.asked = append(*o.asked, r.URL.Host)
		return nil, errors.New("no such server")
	}
	return http.DefaultTransport.RoundTrip(r)
}

// TestAttack34_LinkLocal has a registry send the client to the address where clouds keep the
// secrets of a machine.
func TestAttack34_LinkLocal(t *testing.T) {
	t.Parallel()
	for _, host := range []string{"169.254.169.254", "[fe80::1]", "[::ffff:169.254.169.254]", "0.0.0.0", "224.0.0.1"} {
		t.Run(host, func(t *testing.T) {
			t.Parallel()
			server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				http.Redirect(w, r, "http://"+host+"/latest/meta-data/", http.StatusTemporaryRedirect)
			}))
			t.Cleanup(server.Close)
			var asked []string
			opts := oci.Options{PlainHTTP: true, Transport: only{strings.TrimPrefix(server.URL, "http://"), &asked}}
			_, err := oci.Pull(t.Context(), open(t, server, opts), release.Digest(nil))
			if err == nil || !strings.Contains(err.Error(), "which is not an address for a registry") {
				t.Errorf("got %v", err)
			}
			if len(asked) > 0 {
				t.Errorf("%v was asked", asked)
			}
		})
	}
}
