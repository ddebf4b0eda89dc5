package trust

import (
	"context"

	"net/http/httptest"
	"strings"
	"testing"

	"github.com/distribution/distribution/v3/configuration"
	"github.com/distribution/distribution/v3/registry/handlers"
	_ "github.com/distribution/distribution/v3/registry/storage/driver/inmemory"
	"github.com/google/go-cmp/cmp"
	"github.com/sirupsen/logrus"
	"oras.land/oras-go/v2/registry/remote"

	"github.com/latticenet/lattice-host/registry/oci"
	"github.com/latticenet/lattice-host/registry/release"
	"github.com/latticenet/lattice-host/registry/store"
)

// distribution is the registry of the Distribution project, in memory. It has no API for referrers.
// Unless mayDelete is set, it deletes nothing, which is its default.
func distribution(t *testing.T, mayDelete bool) *remote.Repository {
	t.Helper()
	logrus.SetLevel(logrus.PanicLevel)
	config := &configuration.Configuration{Storage: configuration.Storage{"inmemory": {}}}
	config.Catalog.MaxEntries = 100
	if mayDelete {
		config.Storage["delete"] = configuration.Parameters{"enabled": true}
	}
	server := httptest.NewServer(handlers.NewApp(context.Background(), config))
	t.Cleanup(server.Close)
	r, err := oci.Open(strings.TrimPrefix(server.URL, "http://")+"/platform/web", oci.Options{PlainHTTP: true})
	check(t, err)
	return r
}

// push packs a release into a store of its own and pushes it.
func push(t *testing.T, to *remote.Repository, r signed, tag string) oci.Artifact {
	t.Helper()
	s := store.Open(t.TempDir())
	a, err := oci.Pack(t.Context(), s.Blobs(), r.wasm, r.bundle, r.manifest)
	check(t, err)
	check(t, oci.Push(t.Context(), s.Blobs(), a, to, tag))
	return a
}

func TestDistribution(t *testing.T) {
	t.Parallel()
	for name, mayDelete := range map[string]bool{"Default": false, "MayDelete": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			one, two := newSigned(t, key(t, 1)), newSigned(t, key(t, 2))
			repository := distribution(t, mayDelete)
			a := push(t, repository, one, "1.2.0")
			// Again, and with the bundle of a second publisher's key.
			push(t, repository, one, "1.2.0")
			push(t, repository, two, "")

			tagged, err := repository.Resolve(t.Context(), "1.2.0")
			check(t, err)
			if tagged.Digest != a.Manifest.Digest {
				t.Errorf("the tag names %s, want %s", tagged.Digest, a.Manifest.Digest)
			}
			// What replaces the list of referrers.
			if _, err := repository.Resolve(t.Context(), strings.Replace(a.Manifest.Digest.String(), ":", "-", 1)); err != nil {
				t.Error(err)
			}
			p, err := oci.Pull(t.Context(), repository, a.Manifest.Digest.String())
			check(t, err)
			if diff := cmp.Diff(one.wasm, p.Wasm); diff != "" {
				t.Error(diff)
			}
			if len(p.Bundles) != 2 {
				t.Fatalf("%d bundles, want 2", len(p.Bundles))
			}
			for _, r := range []signed{one, two} {
				if !verifiesOne(p, r.want) {
					t.Errorf("no bundle is by the key %s", r.want.Keys[0].ID)
				}
			}
		})
	}
}

func verifiesOne(p *oci.Pulled, want release.Want) bool {
	for _, b := range p.Bundles {
		if _, err := release.Verify(b, p.Wasm, want); err == nil {
			return true
		}
	}
	return false
}

// TestDistributionLacks pulls what does not exist.
func TestDistributionLacks(t *testing.T) {
	t.Parallel()
	repository := distribution(t, false)
	push(t, repository, newSigned(t, key(t, 1)), "")
	_, err := oci.Pull(t.Context(), repository, release.Digest([]byte("absent")))
	refused(t, "pull", err, "not found")
}
