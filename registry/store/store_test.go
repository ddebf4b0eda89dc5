package store_test

import (
	"bytes"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/latticenet/lattice-host/registry/release"
	"github.com/latticenet/lattice-host/registry/store"
)

func put(t *testing.T, s *store.Store, data []byte) string {
	t.Helper()
	digest, err := s.Put(data)
	if err != nil {
		t.Fatal(err)
	}
	return digest
}

func blob(dir, digest string) string {
	return filepath.Join(dir, "blobs", "sha256", strings.TrimPrefix(digest, "sha256:"))
}

func TestPutAndGet(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	s := store.Open(filepath.Join(dir, "store"))
	digest := put(t, s, []byte("hello"))
	if want := "sha256:2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824"; digest != want {
		t.Errorf("the digest is %s, want %s", digest, want)
	}
	got, err := s.Get(digest, 5)
	if err != nil || string(got) != "hello" {
		t.Errorf("%q, %v", got, err)
	}
	info, err := os.Stat(blob(filepath.Join(dir, "store"), digest))
	if err != nil || info.Mode() != 0o644 {
		t.Errorf("%v, %v", info.Mode(), err)
	}
	if _, err := s.Get(digest, 4); err == nil || !strings.Contains(err.Error(), "more than 4 bytes") {
		t.Errorf("a file beyond the limit was read: %v", err)
	}
	if err := errors.Join(s.Remove(digest), s.Remove(digest)); err != nil {
		t.Error(err)
	}
	if _, err := s.Get(digest, 5); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("want fs.ErrNotExist, got %v", err)
	}
}

// TestAttack covers rows 32 and 33: files changed on disk, and digests that are paths.
func TestAttack(t *testing.T) {
	t.Parallel()
	damages := map[string]struct {
		reason string
		damage func(path string) error
	}{
		"32_Flipped":   {"One bit is enough.", func(p string) error { return os.WriteFile(p, []byte("hellp"), 0o644) }},
		"32_Truncated": {"A shorter file is another file.", func(p string) error { return os.Truncate(p, 3) }},
		"32_Longer":    {"A longer file is another file.", func(p string) error { return os.WriteFile(p, []byte("hello "), 0o644) }},
		"32_Symlink":   {"A link may point to another file the next moment.", func(p string) error { return errors.Join(os.Remove(p), os.Symlink("/dev/null", p)) }},
		"32_Folder":    {"A folder is not a file.", func(p string) error { return errors.Join(os.Remove(p), os.Mkdir(p, 0o755)) }},
	}
	for name, tc := range damages {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			s := store.Open(dir)
			digest := put(t, s, []byte("hello"))
			path := blob(dir, digest)
			if err := tc.damage(path); err != nil {
				t.Fatal(err)
			}
			_, err := s.Get(digest, 100)
			quarantined := filepath.Join(dir, "quarantine", filepath.Base(path))
			if !errors.Is(err, store.ErrCorrupt) || !strings.HasPrefix(err.Error(), path+": corrupt: ") || !strings.HasSuffix(err.Error(), "moved to "+quarantined) {
				t.Fatalf("%s: %v", tc.reason, err)
			}
			if _, err := os.Lstat(quarantined); err != nil {
				t.Error(err)
			}
			if _, err := s.Get(digest, 100); !errors.Is(err, fs.ErrNotExist) {
				t.Errorf("the second read: %v", err)
			}
			put(t, s, []byte("hello"))
			if got, err := s.Get(digest, 100); err != nil || string(got) != "hello" {
				t.Errorf("putting it again did not heal: %q, %v", got, err)
			}
		})
	}
	t.Run("32_PutHealsWithoutGet", func(t *testing.T) {
		t.Parallel()
		dir := t.TempDir()
		s := store.Open(dir)
		digest := put(t, s, []byte("hello"))
		if err := os.WriteFile(blob(dir, digest), []byte("evil!"), 0o644); err != nil {
			t.Fatal(err)
		}
		put(t, s, []byte("hello"))
		if got, err := s.Get(digest, 100); err != nil || string(got) != "hello" {
			t.Errorf("%q, %v", got, err)
		}
	})
	t.Run("33_DigestGrammar", func(t *testing.T) {
		t.Parallel()
		hex := strings.Repeat("a", 64)
		for _, digest := range []string{
			"", "sha256:", hex, "md5:" + hex, "sha256:" + hex[1:], "sha256:" + hex + "a", "sha256:" + strings.ToUpper(hex),
			"SHA256:" + hex, "sha256:../../../../../etc/passwd", "sha256:" + strings.Repeat("../", 21) + "x", "sha256:" + hex[2:] + "/a",
		} {
			s := store.Open(t.TempDir())
			if _, err := s.Get(digest, 10); err == nil || !strings.Contains(err.Error(), "must be sha256:") {
				t.Errorf("Get %q: %v", digest, err)
			}
			if err := s.Remove(digest); err == nil || !strings.Contains(err.Error(), "must be sha256:") {
				t.Errorf("Remove %q: %v", digest, err)
			}
		}
	})
}

func TestConcurrentPuts(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	data := bytes.Repeat([]byte("x"), 1<<20)
	digest := release.Digest(data)
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			if _, err := store.Open(dir).Put(data); err != nil {
				t.Error(err)
			}
			if _, err := store.Open(dir).Get(digest, 1<<20); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	entries, err := os.ReadDir(filepath.Dir(blob(dir, digest)))
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, e := range entries {
		names = append(names, e.Name())
	}
	if diff := cmp.Diff([]string{strings.TrimPrefix(digest, "sha256:")}, names); diff != "" {
		t.Errorf("temporary files stayed: %s", diff)
	}
}
