package store_test

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
	"oras.land/oras-go/v2/content/oci"

	"github.com/latticenet/lattice-host/registry/internal/registrytest"
	pack "github.com/latticenet/lattice-host/registry/oci"
	"github.com/latticenet/lattice-host/registry/store"
)

// putRelease puts a release into the store under its reference.
func putRelease(t *testing.T, s *store.Store, reference string) (registrytest.Release, pack.Artifact) {
	t.Helper()
	r := registrytest.Sign(t, registrytest.Key(t, 1), registrytest.Manifest(t, reference))
	a, err := pack.Pack(t.Context(), s.Blobs(), r.Wasm, r.Bundle, r.Manifest)
	if err == nil {
		err = s.Tag(reference, a.Manifest, a.Bundles...)
	}
	if err != nil {
		t.Fatal(err)
	}
	return r, a
}

func blobsIn(t *testing.T, dir string) []string {
	t.Helper()
	entries, err := os.ReadDir(filepath.Join(dir, "blobs", "sha256"))
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, e := range entries {
		names = append(names, e.Name())
	}
	return names
}

// TestOthersReadTheLayout opens the folder with an implementation that is not ours.
func TestOthersReadTheLayout(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	_, a := putRelease(t, store.Open(dir), "acme/web@1.2.0")
	layout, err := oci.NewFromFS(t.Context(), os.DirFS(dir))
	if err != nil {
		t.Fatal(err)
	}
	d, err := layout.Resolve(t.Context(), "acme/web@1.2.0")
	if err != nil || d.Digest != a.Manifest.Digest {
		t.Fatalf("%v, %v", d, err)
	}
	referrers, err := layout.Predecessors(t.Context(), d)
	if err != nil || len(referrers) != 1 || referrers[0].Digest != a.Bundles[0].Digest {
		t.Errorf("%v, %v", referrers, err)
	}
}

func TestTags(t *testing.T) {
	t.Parallel()
	s := store.Open(t.TempDir())
	_, one := putRelease(t, s, "acme/web@1.0.0")
	_, two := putRelease(t, s, "acme/web@2.0.0")
	for name, want := range map[string]ocispec.Descriptor{"acme/web@1.0.0": one.Manifest, "acme/web@2.0.0": two.Manifest} {
		got, err := s.Resolve(name)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Error(diff)
		}
	}
	if err := errors.Join(s.Untag("acme/web@1.0.0"), s.Untag("acme/web@1.0.0")); err != nil {
		t.Error(err)
	}
	if _, err := s.Resolve("acme/web@1.0.0"); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("got %v", err)
	}
}

func TestSweep(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	s := store.Open(dir)
	old, _ := putRelease(t, s, "acme/web@1.0.0")
	kept, _ := putRelease(t, s, "acme/web@2.0.0")
	whole := blobsIn(t, dir)
	if err := s.Sweep(nil); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(whole, blobsIn(t, dir)); diff != "" {
		t.Errorf("sweeping removed what is named:\n%s", diff)
	}
	loose := put(t, s, []byte("loose"))
	other := filepath.Join(dir, "blobs", "sha256", "notes.txt")
	if err := errors.Join(s.Untag("acme/web@1.0.0"), os.WriteFile(other, nil, 0o600), s.Sweep([]string{loose})); err != nil {
		t.Fatal(err)
	}
	for digest, want := range map[string]bool{old.Digest(): false, kept.Digest(): true, loose: true} {
		if _, err := s.Get(digest, 1<<20); (err == nil) != want {
			t.Errorf("%s: %v", digest, err)
		}
	}
	// The five that a release consists of besides the empty config, that one, the loose one, and
	// what is not ours.
	if got := len(blobsIn(t, dir)); got != 8 {
		t.Errorf("%d files stay, want 8", got)
	}
}

// TestAttack33_DamagedIndex shows that index.json holds nothing that putting a release again does
// not bring back.
func TestAttack33_DamagedIndex(t *testing.T) {
	t.Parallel()
	for name, damage := range map[string]string{
		"no JSON":            "{",
		"a path as digest":   `{"manifests":[{"mediaType":"x","digest":"sha256:../../../etc/passwd","size":1}]}`,
		"a weak digest":      `{"manifests":[{"mediaType":"x","digest":"md5:d41d8cd98f00b204e9800998ecf8427e","size":1}]}`,
		"no digest":          `{"manifests":[{"mediaType":"x","digest":"","size":1}]}`,
		"a size of no int64": `{"manifests":[{"mediaType":"x","digest":"sha256:` + strings.Repeat("a", 64) + `","size":9223372036854775808}]}`,
		"a size below none":  `{"manifests":[{"mediaType":"x","digest":"sha256:` + strings.Repeat("a", 64) + `","size":-1}]}`,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			s := store.Open(dir)
			putRelease(t, s, "acme/web@1.0.0")
			if err := os.WriteFile(filepath.Join(dir, "index.json"), []byte(damage), 0o600); err != nil {
				t.Fatal(err)
			}
			if _, err := s.Resolve("acme/web@1.0.0"); !errors.Is(err, store.ErrCorrupt) {
				t.Errorf("got %v", err)
			}
			putRelease(t, s, "acme/web@1.0.0")
			if _, err := s.Resolve("acme/web@1.0.0"); err != nil {
				t.Error(err)
			}
		})
	}
}

func TestConcurrentTags(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	var group sync.WaitGroup
	for i := range 16 {
		group.Go(func() { putRelease(t, store.Open(dir), fmt.Sprintf("acme/web@1.0.%d", i)) })
	}
	group.Wait()
	for i := range 16 {
		if _, err := store.Open(dir).Resolve(fmt.Sprintf("acme/web@1.0.%d", i)); err != nil {
			t.Error(err)
		}
	}
}

func FuzzIndex(f *testing.F) {
	f.Add([]byte(`{"schemaVersion":2,"manifests":[{"mediaType":"x","digest":"sha256:` + strings.Repeat("a", 64) + `","size":1,"annotations":{"org.opencontainers.image.ref.name":"a"}}]}`))
	f.Add([]byte(`{"manifests":[null]}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		dir := t.TempDir()
		if err := os.WriteFile(filepath.Join(dir, "index.json"), data, 0o600); err != nil {
			t.Fatal(err)
		}
		s := store.Open(dir)
		if _, err := s.Resolve("a"); err != nil && !errors.Is(err, store.ErrCorrupt) && !errors.Is(err, fs.ErrNotExist) {
			t.Error(err)
		}
		if err := s.Sweep(nil); err != nil {
			t.Error(err)
		}
	})
}
