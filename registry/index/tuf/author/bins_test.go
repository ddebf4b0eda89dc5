package author_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/theupdateframework/go-tuf/v2/metadata"

	"github.com/latticenet/lattice-host/registry/index/tuf"
	"github.com/latticenet/lattice-host/registry/index/tuf/author"
	"github.com/latticenet/lattice-host/registry/index/tuf/tuftest"
	"github.com/latticenet/lattice-host/registry/release"
)

// some are releases of several plugins, so many that most bins of a few bits have some.
func (f *fixture) some(d *author.Draft, n int) (names []string) {
	f.Helper()
	for i := range n {
		name := tuf.ReleaseTarget("acme", fmt.Sprintf("p%d", i%7), fmt.Sprintf("1.%d.0", i/7))
		f.add(d, name, "content of "+name)
		names = append(names, name)
	}
	return names
}

// hasAll checks what a client finds.
func (f *fixture) hasAll(names []string) {
	f.Helper()
	v, err := f.refresh()
	f.check(err)
	for _, name := range names {
		target, err := v.Target(context.Background(), name)
		f.check(err)
		if string(target.Data) != "content of "+name {
			f.Errorf("%s: %q", name, target.Data)
		}
	}
	f.check(f.open().Check())
}

func (f *fixture) metadata(change *author.Change) (files []string) {
	for _, path := range change.Paths() {
		if name, ok := strings.CutPrefix(path, "metadata/"); ok {
			files = append(files, name)
		}
	}
	return files
}

// TestBins publishes no more than what has changed.
func TestBins(t *testing.T) {
	t.Parallel()
	f := newFixtureWith(t, author.Options{BinBits: 3})
	d := f.open()
	names := f.some(d, 40)
	f.publish(d, onlineKey)
	f.hasAll(names)

	// The release, the list of its plugin and the list of plugins are in three bins.
	d = f.open()
	f.add(d, web1, "content of "+web1)
	change := f.publish(d, onlineKey)
	want := []string{"3.releases-0.json", "3.releases-6.json", "3.releases-7.json", "3.snapshot.json", "timestamp.json"}
	if diff := cmp.Diff(want, f.metadata(change)); diff != "" {
		t.Error(diff)
	}
	wantNotes := []string{
		"releases: adds acme/web@1.0.0, " + release.Digest([]byte("content of "+web1)), "releases: 3 of 8 bins",
		"snapshot: version 3, expires on 2026-03-02T12:00:00Z", "timestamp: version 3, expires on 2026-03-02T12:00:00Z",
	}
	if diff := cmp.Diff(wantNotes, change.Notes); diff != "" {
		t.Error(diff)
	}
	f.hasAll(append(names, web1))

	d = f.open()
	f.check(d.Yank(web1, "leaks"))
	want = []string{"4.releases-0.json", "4.releases-6.json", "4.releases-7.json", "4.snapshot.json", "timestamp.json"}
	if diff := cmp.Diff(want, f.metadata(f.publish(d, onlineKey))); diff != "" {
		t.Error(diff)
	}
	note, err := f.target(web1).Note()
	f.check(err)
	if note.Yanked == nil {
		t.Error("not yanked")
	}
	f.hasAll(append(names, web1))
}

// TestBinsRotate signs all bins with the new key: no signature of the old one is left.
func TestBinsRotate(t *testing.T) {
	t.Parallel()
	f := newFixtureWith(t, author.Options{BinBits: 3})
	d := f.open()
	names := f.some(d, 20)
	f.publish(d, onlineKey)
	newer := []byte{11}
	rotate := func() *author.Draft {
		d := f.open()
		f.check(d.Rotate(author.RoleReleases, f.signers(1, newer)))
		return d
	}
	f.refuses(rotate(), "releases: the keys given are not enough", targetsKeys, onlineKey)
	change := f.publish(rotate(), targetsKeys, newer, onlineKey)
	if got := f.metadata(change); len(got) != 8+3 {
		t.Errorf("published %v", got)
	}
	f.hasAll(names)
	d = f.open()
	f.add(d, web1, "content of "+web1)
	f.refuses(d, "releases: the keys given are not enough", onlineKey)
}

// TestBinsRenew publishes the bins again that have less than half of their life left.
func TestBinsRenew(t *testing.T) {
	t.Parallel()
	f := newFixtureWith(t, author.Options{BinBits: 3})
	renew := func(days int) int {
		f.time = start.AddDate(0, 0, days)
		d := f.open()
		f.check(d.Renew(author.RoleReleases, author.RoleSnapshot))
		n := len(f.metadata(f.publish(d, onlineKey))) - 2
		_, err := f.refresh()
		f.check(err)
		return n
	}
	if n := renew(14); n != 0 {
		t.Errorf("%d bins were published in their first half", n)
	}
	d := f.open()
	f.add(d, web1, "one")
	changed := len(f.metadata(f.publish(d, onlineKey))) - 2
	if n := renew(16); n != 8-changed {
		t.Errorf("%d bins were published, %d of 8 were new", n, changed)
	}
	state, err := f.open().State()
	f.check(err)
	if want := start.AddDate(0, 0, 14+30).Truncate(time.Second); !state[4].Expires.Equal(want) {
		t.Errorf("the first bin expires on %s, want %s", state[4].Expires, want)
	}
}

// TestSpread changes the number of bins up, down and to none, for clients that have seen all of it.
func TestSpread(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	d := f.open()
	names := f.some(d, 30)
	f.check(d.Yank(names[0], "leaks"))
	f.publish(d, onlineKey)
	f.hasAll(names)
	for _, bits := range []int{3, 5, 4, 0, 3} {
		d := f.open()
		f.check(d.Spread(bits))
		f.publish(d, targetsKeys, onlineKey)
		f.hasAll(names)
		state, err := f.open().State()
		f.check(err)
		if bins := state[4].Bins; bins != 1<<bits && bits > 0 || bins != 0 && bits == 0 {
			t.Errorf("%d bins for %d bits", bins, bits)
		}
		note, err := f.target(names[0]).Note()
		f.check(err)
		if note.Yanked == nil {
			t.Error("a note was lost")
		}
	}
	d = f.open()
	f.check(d.Spread(3))
	if change := f.publish(d); len(change.Paths()) > 0 {
		t.Errorf("nothing has changed, and %v are written", change.Paths())
	}
	f.refuses(func() *author.Draft {
		d := f.open()
		f.check(d.Spread(2))
		return d
	}(), "targets: the keys given are not enough", onlineKey)
	for _, bits := range []int{-1, author.MaxBinBits + 1} {
		if err := f.open().Spread(bits); err == nil || !strings.Contains(err.Error(), "must be from 0 to 12") {
			t.Errorf("%d: %v", bits, err)
		}
		if _, err := author.New(nil, author.Options{BinBits: bits}); err == nil || !strings.Contains(err.Error(), "must be from 0 to 12") {
			t.Errorf("%d: %v", bits, err)
		}
	}
}

func TestBinBits(t *testing.T) {
	t.Parallel()
	for releases, want := range map[int]int{0: 0, 1000: 0, 1001: 6, 10_000: 8, 100_000: 9, 1_000_000: 11, 1 << 40: author.MaxBinBits} {
		if got := author.BinBits(releases); got != want {
			t.Errorf("%d releases: %d bits, want %d", releases, got, want)
		}
	}
}

// TestState shows an index to people.
func TestState(t *testing.T) {
	t.Parallel()
	ids := func(seeds []byte) (ids []string) {
		for _, key := range (&fixture{T: t}).keys(seeds) {
			ids = append(ids, key.ID)
		}
		return ids
	}
	in := func(days int) time.Time { return start.AddDate(0, 0, days).Truncate(time.Second) }
	for bits, bins := range map[int]int{0: 0, 2: 4} {
		f := newFixtureWith(t, author.Options{BinBits: bits})
		d := f.open()
		f.add(d, web1, "one")
		f.publish(d, onlineKey)
		got, err := f.open().State()
		f.check(err)
		want := []author.RoleState{
			{Name: "root", Version: 1, Expires: in(365), KeyIDs: ids(rootKeys), Threshold: 2},
			{Name: "timestamp", Version: 2, Expires: in(1), KeyIDs: ids(onlineKey), Threshold: 1},
			{Name: "snapshot", Version: 2, Expires: in(1), KeyIDs: ids(onlineKey), Threshold: 1},
			{Name: "targets", Version: 1, Expires: in(90), KeyIDs: ids(targetsKeys), Threshold: 2},
			{Name: "releases", Version: 2, Expires: in(30), KeyIDs: ids(onlineKey), Threshold: 1, Bins: bins},
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Error(diff)
		}
	}
}

// TestLists follows a plugin through its life.
func TestLists(t *testing.T) {
	t.Parallel()
	f := newFixtureWith(t, author.Options{BinBits: 2})
	web3 := tuf.ReleaseTarget("acme", "web", "3.0.0-rc.1")
	step := func(change func(*author.Draft), latest string, want ...string) {
		t.Helper()
		d := f.open()
		change(d)
		f.publish(d, onlineKey)
		v, err := f.refresh()
		f.check(err)
		versions, err := v.Versions(context.Background(), "acme", "web")
		f.check(err)
		var got []string
		for _, version := range versions {
			said := version.Version
			if version.Yanked != nil {
				said += " yanked: " + version.Yanked.Reason
			}
			if version.Deprecated != nil {
				said += " deprecated: " + version.Deprecated.Reason + " " + version.Deprecated.Replacement
			}
			note, err := f.target(tuf.ReleaseTarget("acme", "web", version.Version)).Note()
			f.check(err)
			if !note.Equal(version.Note()) {
				t.Errorf("%s: the list says %+v, the role %+v", version.Version, version.Note(), note)
			}
			got = append(got, said)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Error(diff)
		}
		plugins, err := v.Plugins(context.Background())
		f.check(err)
		if len(plugins) == 0 || plugins[0].Path() != "acme/web" || plugins[0].Latest != latest {
			t.Errorf("%+v, want acme/web@%s", plugins, latest)
		}
		f.check(f.open().Check())
	}
	add := func(names ...string) func(*author.Draft) {
		return func(d *author.Draft) {
			for _, name := range names {
				f.add(d, name, name)
			}
		}
	}
	step(add(web3), "3.0.0-rc.1", "3.0.0-rc.1")
	step(add(web2, api1), "2.0.0", "2.0.0", "3.0.0-rc.1")
	step(add(web1), "2.0.0", "1.0.0", "2.0.0", "3.0.0-rc.1")
	step(func(d *author.Draft) { f.check(d.Yank(web2, "leaks")) }, "1.0.0", "1.0.0", "2.0.0 yanked: leaks", "3.0.0-rc.1")
	step(func(d *author.Draft) { f.check(d.Deprecate(web1, "old", "acme/web@2.0.0")) }, "1.0.0",
		"1.0.0 deprecated: old acme/web@2.0.0", "2.0.0 yanked: leaks", "3.0.0-rc.1")
	step(func(d *author.Draft) { f.check(d.Yank(web1, "also")) }, "3.0.0-rc.1",
		"1.0.0 yanked: also deprecated: old acme/web@2.0.0", "2.0.0 yanked: leaks", "3.0.0-rc.1")
	step(func(d *author.Draft) { f.check(d.Yank(web3, "too")) }, "",
		"1.0.0 yanked: also deprecated: old acme/web@2.0.0", "2.0.0 yanked: leaks", "3.0.0-rc.1 yanked: too")
	step(func(d *author.Draft) {
		f.check(d.Yank(web1, ""))
		f.check(d.Deprecate(web1, "", ""))
	}, "1.0.0", "1.0.0", "2.0.0 yanked: leaks", "3.0.0-rc.1 yanked: too")

	releases, err := f.open().Releases()
	f.check(err)
	var got []string
	for _, r := range releases {
		got = append(got, r.Publisher+"/"+r.Name+"@"+r.Version.Version)
	}
	if diff := cmp.Diff([]string{"acme/web@1.0.0", "acme/web@2.0.0", "acme/web@3.0.0-rc.1", "beta/api@1.0.0"}, got); diff != "" {
		t.Error(diff)
	}
	d := f.open()
	f.check(d.Yank(web1, ""))
	if change := f.publish(d); len(change.Paths()) > 0 {
		t.Errorf("nothing has changed, and %v are written", change.Paths())
	}
	if err := d.Deprecate(tuf.ReleaseTarget("acme", "web", "9.0.0"), "x", ""); err == nil || !strings.Contains(err.Error(), "is not a release of the index") {
		t.Error(err)
	}
	if err := f.open().Deprecate(web1, "two\nlines", ""); err == nil || !strings.Contains(err.Error(), "deprecated.reason: must be one line") {
		t.Error(err)
	}
}

func TestAddReleaseRefuses(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	for says, change := range map[string]func(*author.Release){
		"is not a name for a target": func(r *author.Release) { r.Publisher = ".." },
		"digest: ":                   func(r *author.Release) { r.Digest = "sha256:x" },
		"size: ":                     func(r *author.Release) { r.Size = 0 },
		"abi: ":                      func(r *author.Release) { r.ABI = 0 },
		"summary: ":                  func(r *author.Release) { r.Summary = "\x1b[2J" },
		"oci: ":                      func(r *author.Release) { r.OCI = "a\nb" },
		"capabilities.1: ":           func(r *author.Release) { r.Capabilities = []string{"kv", "http.get"} },
	} {
		d := f.open()
		r := newRelease(web1, "one")
		change(&r)
		if err := d.AddRelease(r); err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("%v, want %q", err, says)
		}
		if change := f.publish(d); len(change.Paths()) > 0 {
			t.Errorf("%s: %v are written", says, change.Paths())
		}
	}
}

// TestTarget reads what is published and what would be.
func TestTarget(t *testing.T) {
	t.Parallel()
	f := newFixtureWith(t, author.Options{BinBits: 2})
	d := f.open()
	if _, err := d.Target(web1); !errors.Is(err, tuf.ErrNotFound) {
		t.Error(err)
	}
	for range 2 {
		f.add(d, web1, "one")
		got, err := d.Target(web1)
		f.check(err)
		if string(got) != "one" {
			t.Errorf("%q", got)
		}
		f.publish(d, onlineKey)
		d = f.open()
	}
}

// TestCheck finds lists that anyone who holds the online keys has made say something else than the
// roles.
func TestCheck(t *testing.T) {
	t.Parallel()
	key := tuftest.NewKey(50)
	custom := func(n tuf.Note) *json.RawMessage {
		data, err := n.Encode()
		if err != nil {
			t.Fatal(err)
		}
		return (*json.RawMessage)(&data)
	}
	versions := func(names ...string) []byte {
		var listed []tuf.Version
		for _, name := range names {
			listed = append(listed, tuf.Version{Version: name, Digest: release.Digest(nil), Size: 1, ABI: 1, Capabilities: []string{}})
		}
		data, err := tuf.EncodeVersions(listed)
		if err != nil {
			t.Fatal(err)
		}
		return data
	}
	plugins := func(listed ...tuf.Plugin) []byte {
		data, err := tuf.EncodePlugins(listed)
		if err != nil {
			t.Fatal(err)
		}
		return data
	}
	web := tuf.Plugin{Publisher: "acme", Name: "web", Latest: "1.0.0"}
	for name, tc := range map[string]struct {
		change func(add func(name string, content []byte), listed map[string]*metadata.TargetFiles)
		says   string
	}{
		"Good":     {func(func(string, []byte), map[string]*metadata.TargetFiles) {}, ""},
		"Unlisted": {func(add func(string, []byte), _ map[string]*metadata.TargetFiles) { add(web2, nil) }, web2 + ": is in no list"},
		"NotThere": {func(_ func(string, []byte), l map[string]*metadata.TargetFiles) { delete(l, web1) }, "lists " + web1 + ", which does not exist"},
		"OtherNote": {func(_ func(string, []byte), l map[string]*metadata.TargetFiles) {
			l[web1].Custom = custom(tuf.Note{Yanked: &tuf.Yanked{Reason: "x"}})
		}, "has another note"},
		"BadNote": {func(_ func(string, []byte), l map[string]*metadata.TargetFiles) {
			raw := json.RawMessage(`{"x":1}`)
			l[web1].Custom = &raw
		}, "custom: unknown field"},
		"NoPlugins": {func(_ func(string, []byte), l map[string]*metadata.TargetFiles) { delete(l, tuf.PluginsTarget) }, "has 0 plugins, and there are lists of the releases of 1"},
		"OtherEntry": {func(add func(string, []byte), _ map[string]*metadata.TargetFiles) {
			add(tuf.PluginsTarget, plugins(tuf.Plugin{Publisher: "acme", Name: "web", Latest: "2.0.0"}))
		}, "what it says of acme/web"},
		"NoList":  {func(_ func(string, []byte), l map[string]*metadata.TargetFiles) { delete(l, webVersions) }, "has 1 plugins, and there are lists of the releases of 0"},
		"BadList": {func(add func(string, []byte), _ map[string]*metadata.TargetFiles) { add(webVersions, []byte("{}")) }, "is missing"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			repo := tuftest.New(t, start)
			repo.Delegate(author.RoleTargets, metadata.DelegatedRole{Name: author.RoleReleases, Terminating: true, Paths: tuf.ReleasePatterns()}, key)
			add := func(name string, content []byte) { repo.AddTarget(author.RoleReleases, name, content) }
			add(web1, []byte("one"))
			add(webVersions, versions("1.0.0"))
			add(tuf.PluginsTarget, plugins(web))
			tc.change(add, repo.Roles[author.RoleReleases].Signed.Targets)
			repo.PublishAll()
			dir := t.TempDir()
			repo.WriteFolder(dir)
			d, err := author.Open(context.Background(), dir, repo.Get("metadata/1.root.json"))
			if err != nil {
				t.Fatal(err)
			}
			err = d.Check()
			if (err == nil) != (tc.says == "") || err != nil && !strings.Contains(err.Error(), tc.says) {
				t.Errorf("got %v, want %q", err, tc.says)
			}
		})
	}
}

// TestInterrupted publishes after a program that ended before it wrote the timestamp.
func TestInterrupted(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	d := f.open()
	f.add(d, web1, "one")
	change, err := d.Publish(f.time, author.Online(), f.keys(onlineKey))
	f.check(err)
	for path, data := range change.Files() {
		if path == "metadata/timestamp.json" {
			break
		}
		name := filepath.Join(f.dir, path)
		f.check(os.MkdirAll(filepath.Dir(name), 0o755))
		f.check(os.WriteFile(name, data, 0o644))
	}
	f.time = f.time.Add(time.Hour)
	d = f.open()
	f.add(d, web2, "two")
	f.publish(d, onlineKey)
	if got := string(f.target(web2).Data); got != "two" {
		t.Error(got)
	}
	v, err := f.refresh()
	f.check(err)
	if _, err := v.Target(context.Background(), web1); !errors.Is(err, tuf.ErrNotFound) {
		t.Errorf("what was never published is there: %v", err)
	}
}

// TestRootIsNotReplaced: a client that was led to a root by nothing but its version may have read
// it.
func TestRootIsNotReplaced(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.check(os.WriteFile(filepath.Join(f.dir, "metadata", "2.root.json"), []byte("{}"), 0o644))
	d, err := author.Open(context.Background(), f.dir, f.pinned)
	if err == nil || d != nil {
		t.Fatal("a bad root was taken")
	}
	f.check(os.Remove(filepath.Join(f.dir, "metadata", "2.root.json")))
	d = f.open()
	f.check(d.Renew(author.RoleRoot))
	change, err := d.Publish(f.time, author.Online(), f.keys(rootKeys, onlineKey))
	f.check(err)
	f.check(os.WriteFile(filepath.Join(f.dir, "metadata", "2.root.json"), []byte("{}"), 0o644))
	if err := change.Write(f.dir); err == nil || !strings.Contains(err.Error(), "clients may have read it") {
		t.Error(err)
	}
}

// TestWriteTwice writes the same change again, as after a failure that came late.
func TestWriteTwice(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	d := f.open()
	f.add(d, web1, "one")
	change := f.publish(d, onlineKey)
	before := f.files()
	f.check(change.Write(f.dir))
	if diff := cmp.Diff(before, f.files()); diff != "" {
		t.Error(diff)
	}
}
