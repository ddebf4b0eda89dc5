package tuf_test

import (
	"context"
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/theupdateframework/go-tuf/v2/metadata"

	"github.com/latticenet/lattice-host/registry/index/tuf"
	"github.com/latticenet/lattice-host/registry/release"
)

// listed returns the JSON of a release in a list, with some of it replaced.
func listed(replace ...string) string {
	return strings.NewReplacer(replace...).Replace(`{"version":"1.0.0","digest":"` + release.Digest(nil) +
		`","size":1,"abi":1,"capabilities":[]}`)
}

func TestParseVersions(t *testing.T) {
	t.Parallel()
	list := func(releases ...string) string {
		return `{"version":1,"releases":[` + strings.Join(releases, ",") + `]}`
	}
	newer := func(version string) string { return listed("1.0.0", version) }
	tests := map[string]struct{ data, says string }{
		"None":         {list(), ""},
		"One":          {list(listed()), ""},
		"Ascending":    {list(newer("1.0.0-rc.1"), listed(), newer("1.2.0"), newer("1.10.0")), ""},
		"Notes":        {list(listed(`[]}`, `["kv"],"summary":"s","oci":"o","yanked":{"reason":"r"},"deprecated":{"reason":"r","replacement":"x"}}`)), ""},
		"Descending":   {list(newer("1.10.0"), newer("1.2.0")), "releases.1.version: 1.2.0 must appear once, in ascending order"},
		"Twice":        {list(listed(), listed()), "releases.1.version: 1.0.0 must appear once"},
		"Format":       {`{"version":2,"releases":[]}`, "version: is 2, this program reads version 1"},
		"Null":         {`{"version":1,"releases":null}`, "releases"},
		"Unknown":      {`{"version":1,"releases":[],"x":1}`, `unknown field "x"`},
		"Version":      {list(newer("1.0")), `releases.0.version: "1.0" is not a semantic version`},
		"Digest":       {list(listed("sha256:", "md5:")), "releases.0.digest: "},
		"Size":         {list(listed(`"size":1`, `"size":0`)), "releases.0.size: is 0"},
		"ABI":          {list(listed(`"abi":1`, `"abi":-1`)), "releases.0.abi: is -1"},
		"NoABI":        {list(listed(`"abi":1,`, ``)), "abi: is missing"},
		"Capabilities": {list(listed(`[]`, `["b","a"]`)), `releases.0.capabilities.1: "a" is not a name or out of order`},
		"Many":         {list(listed(`[]`, `["a"`+strings.Repeat(`,"a"`, 64)+`]`)), "releases.0.capabilities: must be an array of at most 64"},
		"Escape":       {list(listed(`[]}`, `[],"summary":"\u001b[2J"}`)), "releases.0.summary: must be one line of 1 to 500 bytes"},
		"EmptyReason":  {list(listed(`[]}`, `[],"yanked":{"reason":""}}`)), "releases.0.yanked.reason: must be one line"},
		"LongOCI":      {list(listed(`[]}`, `[],"oci":"`+strings.Repeat("x", 501)+`"}`)), "releases.0.oci: must be one line"},
		"Large":        {list(listed()) + strings.Repeat(" ", tuf.MaxVersionsBytes), "the limit is 1000000"},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, err := tuf.ParseVersions([]byte(tc.data))
			if (err == nil) != (tc.says == "") || err != nil && (!strings.Contains(err.Error(), tc.says) || got != nil) {
				t.Fatalf("got %v and %v, want %q", got, err, tc.says)
			}
			if err != nil {
				return
			}
			written, err := tuf.EncodeVersions(got)
			if err != nil {
				t.Fatal(err)
			}
			again, err := tuf.ParseVersions(written)
			if diff := cmp.Diff(got, again); diff != "" || err != nil {
				t.Error(diff, err)
			}
		})
	}
}

func TestParsePlugins(t *testing.T) {
	t.Parallel()
	list := func(plugins ...string) string { return `{"version":1,"plugins":[` + strings.Join(plugins, ",") + `]}` }
	plugin := func(publisher, name string) string {
		return fmt.Sprintf(`{"publisher":%q,"name":%q,"latest":"1.0.0"}`, publisher, name)
	}
	tests := map[string]struct{ data, says string }{
		"None":      {list(), ""},
		"Sorted":    {list(plugin("acme", "web"), plugin("acme-x", "api"), plugin("beta", "api")), ""},
		"Yanked":    {list(`{"publisher":"acme","name":"web","summary":"All were yanked"}`), ""},
		"Unsorted":  {list(plugin("beta", "api"), plugin("acme", "web")), "plugins.1: acme/web must appear once"},
		"Twice":     {list(plugin("acme", "web"), plugin("acme", "web")), "plugins.1: acme/web must appear once"},
		"Format":    {`{"version":0,"plugins":[]}`, "version: is 0"},
		"Null":      {`{"version":1,"plugins":null}`, "plugins"},
		"Publisher": {list(plugin("..", "web")), `plugins.0.publisher: ".." is not a name`},
		"Name":      {list(plugin("acme", "a/b")), `plugins.0.name: "a/b" is not a name`},
		"Latest":    {list(`{"publisher":"acme","name":"web","latest":"1"}`), `plugins.0.latest: "1" is not a semantic version`},
		"Summary":   {list(`{"publisher":"acme","name":"web","summary":"a\nb"}`), "plugins.0.summary: must be one line"},
		"Large":     {list() + strings.Repeat(" ", tuf.MaxPluginsBytes), "the limit is 2000000"},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, err := tuf.ParsePlugins([]byte(tc.data))
			if (err == nil) != (tc.says == "") || err != nil && (!strings.Contains(err.Error(), tc.says) || got != nil) {
				t.Fatalf("got %v and %v, want %q", got, err, tc.says)
			}
		})
	}
}

// TestLists reads lists as a client does.
func TestLists(t *testing.T) {
	t.Parallel()
	h := newHarness(t, false)
	h.repo.DelegateBins("releases", 2, newKeys(1)[0])
	add := func(name, content string) { h.repo.AddTarget(h.repo.Bin(name), name, []byte(content)) }
	add("plugins/acme/web.json", `{"version":1,"releases":[`+listed()+`]}`)
	add("plugins/acme/bad.json", `{"version":1}`)
	h.repo.PublishAll()

	versions, err := h.refresh().Versions(context.Background(), "acme", "web")
	h.check(err)
	want := []tuf.Version{{Version: "1.0.0", Digest: release.Digest(nil), Size: 1, ABI: 1, Capabilities: []string{}}}
	if diff := cmp.Diff(want, versions); diff != "" {
		t.Error(diff)
	}
	_, err = h.refresh().Versions(context.Background(), "acme", "bad")
	h.wants(err, tuf.ErrMalformed, "plugins/acme/bad.json: releases: is missing")
	_, err = h.refresh().Versions(context.Background(), "acme", "none")
	h.wants(err, tuf.ErrNotFound, "plugins/acme/none.json")
	_, err = h.refresh().Versions(context.Background(), "..", "none")
	h.wants(err, tuf.ErrNotFound, "no target of an index has such a name")

	plugins, err := h.refresh().Plugins(context.Background())
	h.check(err)
	if len(plugins) != 0 {
		t.Errorf("%+v", plugins)
	}
	add(tuf.PluginsTarget, `{"version":1,"plugins":[{"publisher":"acme","name":"web","latest":"1.0.0"}]}`)
	h.repo.PublishAll()
	plugins, err = h.refresh().Plugins(context.Background())
	h.check(err)
	if diff := cmp.Diff([]tuf.Plugin{{Publisher: "acme", Name: "web", Latest: "1.0.0"}}, plugins); diff != "" {
		t.Error(diff)
	}
}

// TestBinsHaveReleasesOnly: who has stolen the online key cannot say who the publishers are, in
// bins that no path restricts, while the role targets does not say it.
func TestBinsHaveReleasesOnly(t *testing.T) {
	t.Parallel()
	for _, name := range []string{tuf.PublishersTarget, tuf.RevocationsTarget, "policy-bundles/x.tar"} {
		h := newHarness(t, false)
		h.repo.DelegateBins("releases", 2, newKeys(1)[0])
		h.repo.AddTarget(h.repo.Bin(web1), web1, []byte("one"))
		h.repo.PublishAll()
		h.lacks(name, tuf.ErrNotFound, "the index does not have it")
		h.repo.AddTarget(h.repo.Bin(name), name, []byte("evil"))
		h.repo.PublishAll()
		h.lacks(name, tuf.ErrNotFound, "the index does not have it")
		if h.repo.Bin(name) == h.repo.Bin(web1) {
			h.lacks(web1, tuf.ErrMalformed, "was not delegated to this role")
		}
	}
}

// TestMetadata reads roles as they were verified, and none that no one vouches for.
func TestMetadata(t *testing.T) {
	t.Parallel()
	h := newHarness(t, false)
	h.repo.DelegateBins("releases", 1, newKeys(1)[0])
	h.repo.PublishAll()
	v := h.refresh()
	if diff := cmp.Diff([]string{"releases-0", "releases-1"}, v.Delegated()); diff != "" {
		t.Error(diff)
	}
	for _, role := range []string{root, timestamp, snapshot, targets, "releases-1"} {
		data, err := v.Metadata(context.Background(), role)
		h.check(err)
		if got := versionOf(h, data); got < 1 {
			t.Errorf("%s: version %d", role, got)
		}
	}
	_, err := v.Metadata(context.Background(), "releases-2")
	h.wants(err, tuf.ErrNotFound, "does not delegate to it")
}

// TestLook remembers nothing, so that a second look takes what a refresh would refuse, and writes
// nothing.
func TestLook(t *testing.T) {
	t.Parallel()
	h := newHarness(t, false)
	h.repo.Delegate(targets, metadata.DelegatedRole{Name: "releases", Paths: tuf.ReleasePatterns()}, newKeys(1)...)
	h.repo.AddTarget("releases", web1, []byte("one"))
	h.repo.PublishAll()
	older := h.repo.Get("metadata/timestamp.json")
	h.repo.PublishAll()
	look := func() *tuf.View {
		v, err := tuf.Look(context.Background(), h.config)
		h.check(err)
		target, err := v.Target(context.Background(), web1)
		h.check(err)
		if string(target.Data) != "one" {
			t.Errorf("%q", target.Data)
		}
		return v
	}
	first := look()
	h.repo.Set("metadata/timestamp.json", older)
	second := look()
	if first.Roles()[1].Version != 3 || second.Roles()[1].Version != 2 {
		t.Errorf("%+v and %+v", first.Roles(), second.Roles())
	}
	entries, err := os.ReadDir(h.config.Dir)
	h.check(err)
	if len(entries) > 0 {
		t.Errorf("%v was written", entries)
	}
	h.config.Dir = ""
	if _, err := tuf.Open(h.config); err == nil || !strings.Contains(err.Error(), "the folder of the state is not given") {
		t.Error(err)
	}
}

// FuzzVersions reads any bytes as the list of a plugin's releases.
func FuzzVersions(f *testing.F) {
	f.Add([]byte(`{"version":1,"releases":[` + listed() + `]}`))
	f.Add([]byte(`{"version":1,"releases":[` + listed(`[]}`, `["kv"],"yanked":{"reason":"r"}}`) + `]}`))
	f.Fuzz(func(t *testing.T, data []byte) { fuzzList(t, data, tuf.ParseVersions, tuf.EncodeVersions) })
}

// FuzzPlugins reads any bytes as the list of plugins.
func FuzzPlugins(f *testing.F) {
	f.Add([]byte(`{"version":1,"plugins":[{"publisher":"acme","name":"web","latest":"1.0.0","summary":"s"}]}`))
	f.Fuzz(func(t *testing.T, data []byte) { fuzzList(t, data, tuf.ParsePlugins, tuf.EncodePlugins) })
}

// fuzzList checks that what is read is written to the same.
func fuzzList[T any](t *testing.T, data []byte, parse func([]byte) ([]T, error), encode func([]T) ([]byte, error)) {
	t.Helper()
	first, err := parse(data)
	if err != nil {
		if first != nil {
			t.Error("an error and a list")
		}
		return
	}
	written, err := encode(first)
	if err != nil {
		t.Fatal(err)
	}
	second, err := parse(written)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(first, second); diff != "" {
		t.Error(diff)
	}
}

// FuzzTargetNames: names that the grammar allows are taken apart and put together to the same.
func FuzzTargetNames(f *testing.F) {
	for _, name := range []string{web1, "plugins/acme/web.json", tuf.PluginsTarget, "releases/acme/../x.json", "plugins/a/b/c.json"} {
		f.Add(name)
	}
	f.Fuzz(func(t *testing.T, name string) {
		if publisher, plugin, version, ok := tuf.ParseReleaseTarget(name); ok {
			if got := tuf.ReleaseTarget(publisher, plugin, version); got != name || !tuf.ValidTarget(name) {
				t.Errorf("%q became %q", name, got)
			}
		}
		if publisher, plugin, ok := tuf.ParseVersionsTarget(name); ok {
			if got := tuf.VersionsTarget(publisher, plugin); got != name || !tuf.ValidTarget(name) {
				t.Errorf("%q became %q", name, got)
			}
		}
		if tuf.ValidTarget(name) && (strings.Contains(name, "..") || strings.HasPrefix(name, "/") || strings.ContainsAny(name, "\\\x00?#%")) {
			t.Errorf("%q is valid", name)
		}
	})
}
