package walk_test

import (
	"bytes"
	"errors"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/latticenet/lattice-host/registry/index/publisher"
	"github.com/latticenet/lattice-host/registry/index/tuf"
	"github.com/latticenet/lattice-host/registry/index/tuf/author"
	"github.com/latticenet/lattice-host/registry/index/walk"
	"github.com/latticenet/lattice-host/registry/internal/registrytest"
	"github.com/latticenet/lattice-host/registry/oci"
	"github.com/latticenet/lattice-host/registry/release"
	"github.com/latticenet/lattice-host/registry/store"
)

var start = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

// fixture is an index in a folder. One key signs all its roles, another the releases of acme.
type fixture struct {
	*testing.T
	dir            string
	pinned         []byte
	key, publisher release.PrivateKey
}

func newFixture(t *testing.T, options author.Options) *fixture {
	t.Helper()
	f := &fixture{T: t, dir: t.TempDir(), key: registrytest.Key(t, 1), publisher: registrytest.Key(t, 2)}
	signers := map[string]author.Signers{}
	for _, role := range author.Roles() {
		signers[role] = author.Signers{Keys: []release.PublicKey{f.key.Public()}, Threshold: 1}
	}
	d, err := author.New(signers, options)
	f.check(err)
	list := publisher.New()
	f.check(list.Set(publisher.Publisher{ID: "acme", Name: "Acme", Keys: []publisher.Key{
		publisher.NewKey(f.publisher.Public(), time.Time{}, start.AddDate(0, 0, 5)),
	}}))
	f.check(d.SetPublishers(list))
	f.publish(d)
	f.pinned, err = os.ReadFile(filepath.Join(f.dir, "metadata", "1.root.json"))
	f.check(err)
	return f
}

func (f *fixture) check(err error) {
	f.Helper()
	if err != nil {
		f.Fatal(err)
	}
}

func (f *fixture) publish(d *author.Draft) {
	f.Helper()
	f.check(d.UpdateStatic(start, []release.PrivateKey{f.key}))
	change, err := d.Publish(start, author.Online(), []release.PrivateKey{f.key})
	f.check(err)
	f.check(change.Write(f.dir))
}

// add adds releases, which change may make wrong.
func (f *fixture) add(change func(*author.Release), references ...string) {
	f.Helper()
	d, err := author.Open(f.Context(), f.dir, f.pinned)
	f.check(err)
	files := store.Open(filepath.Join(f.dir, tuf.LayoutFolder))
	for _, reference := range references {
		r := registrytest.Sign(f, f.publisher, registrytest.Manifest(f, reference))
		artifact, err := oci.Pack(f.Context(), files.Blobs(), r.Wasm, r.Bundle, r.Manifest)
		f.check(err)
		f.check(files.Tag(reference, artifact.Manifest, artifact.Bundles...))
		added := author.Release{
			Publisher: r.Manifest.Publisher, Name: r.Manifest.Name, Version: r.Manifest.Version, Summary: r.Manifest.Summary,
			ABI: r.Manifest.ABI, Digest: r.Digest(), Size: int64(len(r.Wasm)), Bundle: r.Bundle,
		}
		if change != nil {
			change(&added)
		}
		f.check(d.AddRelease(added))
	}
	f.publish(d)
}

func (f *fixture) verify(location string, at time.Time, chosen walk.Select) *walk.Report {
	f.Helper()
	source, err := tuf.OpenSource(location)
	f.check(err)
	defer func() { f.check(source.Close()) }()
	report, err := walk.Verify(f.Context(), source, f.pinned, at, chosen)
	f.check(err)
	return report
}

func (f *fixture) mirror(location string, chosen walk.Select) []byte {
	f.Helper()
	source, err := tuf.OpenSource(location)
	f.check(err)
	defer func() { f.check(source.Close()) }()
	var b bytes.Buffer
	f.check(walk.Mirror(f.Context(), source, f.pinned, chosen, &b))
	return b.Bytes()
}

func states(report *walk.Report) (got []string) {
	for _, r := range report.Releases {
		got = append(got, r.Reference()+" "+r.State)
	}
	return got
}

// TestEverywhere walks the same index in a folder, on a server and in archives, in one role and in
// bins.
func TestEverywhere(t *testing.T) {
	t.Parallel()
	for name, options := range map[string]author.Options{"OneRole": {}, "Bins": {BinBits: 2}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := newFixture(t, options)
			f.add(nil, "acme/web@1.0.0", "acme/web@1.1.0", "acme/api@0.1.0")
			server := httptest.NewServer(http.FileServer(http.Dir(f.dir)))
			t.Cleanup(server.Close)
			archive := filepath.Join(t.TempDir(), "index.tar")
			whole := f.mirror(f.dir, nil)
			f.check(os.WriteFile(archive, whole, 0o600))
			want := []string{"acme/api@0.1.0 ok", "acme/web@1.0.0 ok", "acme/web@1.1.0 ok"}
			for _, location := range []string{f.dir, server.URL, archive} {
				report := f.verify(location, start, nil)
				if diff := cmp.Diff(want, states(report)); diff != "" || !report.Static || report.Err(false) != nil {
					t.Errorf("%s: %v\n%s", location, report.Err(false), diff)
				}
				if !bytes.Equal(f.mirror(location, nil), whole) {
					t.Errorf("%s: another archive", location)
				}
			}
			one := func(_, name, version string) bool { return name == "web" && version == "1.1.0" }
			f.check(os.WriteFile(archive, f.mirror(server.URL, one), 0o600))
			report := f.verify(archive, start, one)
			if diff := cmp.Diff([]string{"acme/web@1.1.0 ok"}, states(report)); diff != "" || report.Err(false) != nil {
				t.Errorf("%v\n%s", report.Err(false), diff)
			}
		})
	}
}

// TestTime looks at an index later: a key that does not count any more, and roles that have
// expired.
func TestTime(t *testing.T) {
	t.Parallel()
	f := newFixture(t, author.Options{})
	f.add(nil, "acme/web@1.0.0")
	report := f.verify(f.dir, start.AddDate(0, 0, 6), nil)
	if diff := cmp.Diff([]string{"acme/web@1.0.0 key out of time"}, states(report)); diff != "" || report.Err(true) != nil {
		t.Errorf("%v\n%s", report.Err(true), diff)
	}
	err := report.Err(false)
	if !errors.Is(err, tuf.ErrExpired) || !errors.Is(err, release.ErrNotTrusted) {
		t.Error(err)
	}
	want := "index: not trusted: timestamp: version 2 expired on 2026-03-02T12:00:00Z: expired metadata\n" +
		"index: not trusted: snapshot: version 2 expired on 2026-03-02T12:00:00Z: expired metadata"
	if diff := cmp.Diff(want, err.Error()); diff != "" {
		t.Error(diff)
	}
}

// TestWhatTheIndexSays is compared with what the publisher signed.
func TestWhatTheIndexSays(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		change func(*author.Release)
		says   string
	}{
		"Size":         {func(r *author.Release) { r.Size++ }, "the index says that the module has"},
		"ABI":          {func(r *author.Release) { r.ABI++ }, "another ABI, other capabilities or another summary"},
		"Capabilities": {func(r *author.Release) { r.Capabilities = []string{"kv"} }, "another ABI, other capabilities or another summary"},
		"Summary":      {func(r *author.Release) { r.Summary = "x" }, "another ABI, other capabilities or another summary"},
		"Digest":       {func(r *author.Release) { r.Digest = release.Digest([]byte("x")) }, "the module is not in the folder oci of the index"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := newFixture(t, author.Options{})
			f.add(tc.change, "acme/web@1.0.0")
			report := f.verify(f.dir, start, nil)
			err := report.Err(false)
			if !errors.Is(err, release.ErrNotTrusted) || !strings.Contains(err.Error(), tc.says) || !strings.HasPrefix(err.Error(), "acme/web@1.0.0: sha256:") {
				t.Errorf("got %v, want %q", err, tc.says)
			}
			if diff := cmp.Diff([]string{"acme/web@1.0.0 not trusted"}, states(report)); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// TestStatic is signed with the keys of the role releases, no matter who lists it.
func TestStatic(t *testing.T) {
	t.Parallel()
	f := newFixture(t, author.Options{})
	d, err := author.Open(t.Context(), f.dir, f.pinned)
	f.check(err)
	content, err := d.Target(tuf.StaticTarget)
	f.check(err)
	f.check(d.SetStatic(bytes.Replace(content, []byte("2026-03-01"), []byte("2027-03-01"), 1)))
	change, err := d.Publish(start, author.Online(), []release.PrivateKey{f.key})
	f.check(err)
	f.check(change.Write(f.dir))
	report := f.verify(f.dir, start, nil)
	if err := report.Err(false); report.Static || err == nil || !strings.HasPrefix(err.Error(), "index.json: not trusted: ") {
		t.Error(err)
	}
}
