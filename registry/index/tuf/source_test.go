package tuf_test

import (
	"archive/tar"
	"bytes"
	"context"
	"errors"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/latticenet/lattice-host/registry/index/tuf"
	"github.com/latticenet/lattice-host/registry/index/tuf/tuftest"
)

// TestSources reads one index in every form, with rollback and expiry checked alike.
func TestSources(t *testing.T) {
	t.Parallel()
	forms := map[string]func(t *testing.T, r *tuftest.Repository) string{
		"Folder": func(t *testing.T, r *tuftest.Repository) string {
			dir := t.TempDir()
			r.WriteFolder(dir)
			return dir
		},
		"Tar": func(t *testing.T, r *tuftest.Repository) string {
			var b bytes.Buffer
			r.WriteTar(&b)
			return writeFile(t, b.Bytes())
		},
		"HTTP": func(t *testing.T, r *tuftest.Repository) string {
			server := httptest.NewServer(r)
			t.Cleanup(server.Close)
			return server.URL
		},
	}
	for name, form := range forms {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := newHarness(t, false)
			h.repo.AddTarget(targets, web1, []byte("one"))
			h.repo.PublishRoot()
			h.repo.PublishAll()
			publish := func() {
				source, err := tuf.OpenSource(form(t, h.repo))
				h.check(err)
				t.Cleanup(func() { h.check(source.Close()) })
				h.config.Source = source
			}
			publish()
			if got := h.download(web1); got != "one" {
				t.Error(got)
			}
			h.lacks(web2, tuf.ErrNotFound, web2)
			h.versions(2, 2, 2, 2)
			old := h.repo.Get("metadata/timestamp.json")
			h.repo.PublishAll()
			publish()
			h.refresh()
			h.repo.Set("metadata/timestamp.json", old)
			publish()
			h.refuse(tuf.ErrRollback, "timestamp")
			h.repo.PublishAll()
			h.repo.Set("metadata/timestamp.json", bytes.Repeat([]byte(" "), 16_385))
			publish()
			h.refuse(tuf.ErrMismatch, "16384")
			h.repo.Remove("metadata/timestamp.json")
			publish()
			h.refuse(tuf.ErrUnavailable, "timestamp.json")
		})
	}
}

func writeFile(t testing.TB, data []byte) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "index.tar")
	if err := os.WriteFile(file, data, 0o644); err != nil {
		t.Fatal(err)
	}
	return file
}

func TestBadTar(t *testing.T) {
	t.Parallel()
	file := func(name string) *tar.Header { return &tar.Header{Typeflag: tar.TypeReg, Name: name, Mode: 0o644} }
	tests := map[string]struct {
		headers []*tar.Header
		says    string
	}{
		"Link":      {[]*tar.Header{{Typeflag: tar.TypeSymlink, Name: "metadata/timestamp.json", Linkname: "/etc/passwd"}}, "neither a file nor a folder"},
		"HardLink":  {[]*tar.Header{{Typeflag: tar.TypeLink, Name: "x", Linkname: "y"}}, "neither a file nor a folder"},
		"Device":    {[]*tar.Header{{Typeflag: tar.TypeChar, Name: "x"}}, "neither a file nor a folder"},
		"Traversal": {[]*tar.Header{file("metadata/../../x")}, "leads out of the archive"},
		"Absolute":  {[]*tar.Header{file("/metadata/x")}, "leads out of the archive"},
		"Twice":     {[]*tar.Header{file("metadata/x"), file("./metadata/x")}, "is a duplicate"},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var b bytes.Buffer
			w := tar.NewWriter(&b)
			for _, header := range tc.headers {
				if err := w.WriteHeader(header); err != nil {
					t.Fatal(err)
				}
			}
			if err := w.Close(); err != nil {
				t.Fatal(err)
			}
			_, err := tuf.OpenSource(writeFile(t, b.Bytes()))
			if err == nil || !strings.Contains(err.Error(), tc.says) {
				t.Errorf("got %v, want %q", err, tc.says)
			}
		})
	}
	for name, content := range map[string]string{"Text": "no tar file", "Gzip": "\x1f\x8b\x08"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if _, err := tuf.OpenSource(writeFile(t, []byte(strings.Repeat(content, 300)))); err == nil {
				t.Error("it was opened")
			}
		})
	}
}

// TestTruncatedTar cuts an archive off: what is beyond the end is an error, not zeros.
func TestTruncatedTar(t *testing.T) {
	t.Parallel()
	h := newHarness(t, false)
	var b bytes.Buffer
	h.repo.WriteTar(&b)
	source, err := tuf.OpenTar(writeFile(t, b.Bytes()[:b.Len()-1024-500]))
	if err != nil {
		return
	}
	h.config.Source = source
	h.refuse(tuf.ErrUnavailable, "timestamp.json")
}

// TestFolderTraps puts things into a folder that must not be read.
func TestFolderTraps(t *testing.T) {
	t.Parallel()
	outside := writeFile(t, []byte("secret"))
	traps := map[string]func(string) error{
		"LinkOut": func(path string) error { return os.Symlink(outside, path) },
		"Pipe":    func(path string) error { return unix.Mkfifo(path, 0o600) },
		"Folder":  func(path string) error { return os.Mkdir(path, 0o700) },
	}
	for name, set := range traps {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := newHarness(t, false)
			dir := t.TempDir()
			h.repo.Remove("metadata/timestamp.json")
			h.repo.WriteFolder(dir)
			h.check(set(filepath.Join(dir, "metadata", "timestamp.json")))
			source, err := tuf.OpenFolder(dir)
			h.check(err)
			h.config.Source = source
			h.refuse(tuf.ErrUnavailable, "timestamp.json")
		})
	}
}

func TestBadURL(t *testing.T) {
	t.Parallel()
	for _, address := range []string{"https://", "https://user@example.com", "http://example.com?x", "https://example.com/#x", "https://a b/"} {
		if _, err := tuf.OpenSource(address); err == nil {
			t.Errorf("%s was taken", address)
		}
	}
	if _, err := tuf.OpenSource(filepath.Join(t.TempDir(), "none")); !errors.Is(err, fs.ErrNotExist) {
		t.Error(err)
	}
}

// TestRedirects follows a server within itself and nowhere else.
func TestRedirects(t *testing.T) {
	t.Parallel()
	other := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { t.Error("the other server was asked") }))
	t.Cleanup(other.Close)
	tests := map[string]struct {
		to   string
		says string
	}{
		"OtherServer": {other.URL + "/metadata/timestamp.json", "redirects to another server"},
		"OtherScheme": {strings.Replace(other.URL, "http:", "https:", 1), "redirects to another server"},
		"Itself":      {"/metadata/timestamp.json?again", "redirects more than 3 times"},
		"SameServer":  {"/metadata/renamed.json", ""},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := newHarness(t, false)
			h.repo.Set("metadata/renamed.json", h.repo.Get("metadata/timestamp.json"))
			server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if strings.HasSuffix(r.URL.Path, "/timestamp.json") {
					http.Redirect(w, r, tc.to, http.StatusFound)
					return
				}
				h.repo.ServeHTTP(w, r)
			}))
			t.Cleanup(server.Close)
			source, err := tuf.OpenSource(server.URL)
			h.check(err)
			h.config.Source = source
			if tc.says == "" {
				h.refresh()
				return
			}
			h.refuse(tuf.ErrUnavailable, tc.says)
		})
	}
}

// TestStatus: only 404 means that a file does not exist. A server that refuses does not end the
// chain of roots.
func TestStatus(t *testing.T) {
	t.Parallel()
	for _, status := range []int{http.StatusForbidden, http.StatusInternalServerError, http.StatusNoContent, http.StatusGone} {
		t.Run(http.StatusText(status), func(t *testing.T) {
			t.Parallel()
			h := newHarness(t, false)
			server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if strings.HasSuffix(r.URL.Path, "/2.root.json") {
					w.WriteHeader(status)
					return
				}
				h.repo.ServeHTTP(w, r)
			}))
			t.Cleanup(server.Close)
			source, err := tuf.OpenSource(server.URL + "/")
			h.check(err)
			h.config.Source = source
			h.refuse(tuf.ErrUnavailable, "2.root.json")
		})
	}
}

// TestNoProxy: the environment does not send requests elsewhere.
func TestNoProxy(t *testing.T) {
	proxy := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { t.Error("the proxy was asked") }))
	t.Cleanup(proxy.Close)
	t.Setenv("HTTP_PROXY", proxy.URL)
	h := newHarness(t, false)
	source, err := tuf.OpenSource("http://index.invalid/")
	h.check(err)
	h.config.Source = source
	h.refuse(tuf.ErrUnavailable, "2.root.json")
}

func TestCancelled(t *testing.T) {
	t.Parallel()
	h := newHarness(t, false)
	dir := t.TempDir()
	h.repo.WriteFolder(dir)
	source, err := tuf.OpenFolder(dir)
	h.check(err)
	h.config.Source = source
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if _, err := h.open().Refresh(ctx); !errors.Is(err, context.Canceled) || !errors.Is(err, tuf.ErrUnavailable) {
		t.Error(err)
	}
}

func TestValidTarget(t *testing.T) {
	t.Parallel()
	for name, want := range map[string]bool{
		"publishers.json": true, "revocations.json": true, "index.json": true, "policy-bundles/base.tar": true,
		tuf.ReleaseTarget("acme", "web", "1.2.0-alpha.1+b.2"): true,
		"plugins.json": true, "plugins/acme/web.json": true, "plugins/acme/web": false, "plugins/acme.json": false,
		"plugins/acme/web/1.0.0.json": false, "plugins/acme/../web.json": false, "plugins/ACME/web.json": false,
		"": false, "other.json": false, "policy-bundles/.tar": false, "policy-bundles/a/b.tar": false,
		"releases/acme/web/1.2.0": false, "releases/acme/web/v1.2.0.json": false, "Releases/acme/web/1.2.0.json": false,
		"releases/acme/web/1.2.0.json\n": false, "releases/acme/web/../1.2.0.json": false,
	} {
		if got := tuf.ValidTarget(name); got != want {
			t.Errorf("%q: %v", name, got)
		}
	}
}
