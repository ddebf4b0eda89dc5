package latticenet_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/latticenet/lattice-host/registry/internal/registrytest"
	"github.com/latticenet/lattice-host/registry/latticenet"
)

// needs returns a plugin of version 2 with dependencies; each is an id, a blank and a range.
func needs(t testing.TB, id, version string, dependencies ...string) plugin {
	t.Helper()
	m := minimal()
	m.ID, m.Version, m.Interfaces, m.HostAccess, m.MinServer, m.Capabilities = id, version, nil, nil, "", []string{"kv:read"}
	m.Dependencies = nil
	for _, d := range dependencies {
		needed, versions, _ := strings.Cut(d, " ")
		m.Dependencies = append(m.Dependencies, latticenet.Dependency{
			ID: strings.TrimPrefix(needed, "?"), Version: versions, Optional: strings.HasPrefix(needed, "?"),
		})
	}
	return signed(t, m, zip(t, tarOf(t)))
}

// loaded returns the ids that were loaded, and the reasons of the others by id and version.
func loaded(t testing.TB, dir string) (ids []string, reasons map[string]string) {
	t.Helper()
	plugins, outcomes, err := latticenet.Load(dir, policy(t))
	check(t, err)
	for _, p := range plugins {
		ids = append(ids, p.Manifest.ID)
	}
	reasons = map[string]string{}
	for _, o := range outcomes {
		if !o.Loaded {
			reasons[o.ID+"@"+o.Version] = o.Reason
		}
	}
	return ids, reasons
}

func TestLoad(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	web := packed(t, nil)
	folder := web.store(t, dir)
	vpnFolder := vpn(t, "1.0.0-alpha.2").store(t, dir)
	plugins, outcomes, err := latticenet.Load(dir, policy(t))
	check(t, err)
	below := func(folder string) string {
		name, err := filepath.Rel(dir, folder)
		check(t, err)
		return name
	}
	want := []latticenet.Outcome{
		{Folder: below(vpnFolder), ID: "acme.vpn", Version: "1.0.0-alpha.2", Loaded: true},
		{Folder: below(folder), ID: "acme.web", Version: "1.2.0-alpha.1", Loaded: true},
	}
	if diff := cmp.Diff(want, outcomes); diff != "" {
		t.Error(diff)
	}
	wantPlugin := latticenet.Plugin{
		Manifest: web.verify(t).Manifest(), Folder: below(folder), Digest: latticenet.Digest(web.artifact), KeyID: registrytest.Key(t, acmeSeed).ID,
	}
	if diff := cmp.Diff(wantPlugin, plugins[1]); diff != "" {
		t.Error(diff)
	}
	plugins, outcomes, err = latticenet.Load(dir, &latticenet.Policy{})
	check(t, err)
	if len(plugins) != 0 || !strings.Contains(outcomes[0].Reason, "the publisher acme is not among the trusted publishers") {
		t.Errorf("a policy that trusts nobody loads %v, %v", plugins, outcomes)
	}
	if _, _, err := latticenet.Load(filepath.Join(dir, "nowhere"), policy(t)); err == nil {
		t.Error("a folder that is not there loads")
	}
}

func TestLoadDependencies(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		plugins []plugin
		ids     []string
		reasons map[string]string
	}{
		"Chain": {
			[]plugin{needs(t, "acme.aaa", "1", "acme.bbb"), needs(t, "acme.bbb", "1", "acme.ccc >=1, <2"), needs(t, "acme.ccc", "1.5")},
			[]string{"acme.aaa", "acme.bbb", "acme.ccc"}, map[string]string{},
		},
		"Circle": {
			[]plugin{needs(t, "acme.aaa", "1", "acme.bbb"), needs(t, "acme.bbb", "1", "acme.aaa")}, []string{"acme.aaa", "acme.bbb"}, map[string]string{},
		},
		"Missing": {
			[]plugin{needs(t, "acme.aaa", "1", "acme.bbb"), needs(t, "acme.ccc", "1")}, []string{"acme.ccc"},
			map[string]string{"acme.aaa@1": `required dependency "acme.bbb" is not installed`},
		},
		"OutOfRange": {
			[]plugin{needs(t, "acme.aaa", "1", "acme.bbb >=2"), needs(t, "acme.bbb", "2.0.0-rc.1")}, []string{"acme.bbb"},
			map[string]string{"acme.aaa@1": `required dependency "acme.bbb": version 2.0.0-rc.1 does not satisfy ">=2"`},
		},
		"Cascade": {
			[]plugin{needs(t, "acme.aaa", "1", "acme.bbb"), needs(t, "acme.bbb", "1", "acme.ccc"), needs(t, "acme.ccc", "1", "acme.ddd"), needs(t, "acme.eee", "1")},
			[]string{"acme.eee"}, map[string]string{
				"acme.aaa@1": `required dependency "acme.bbb" was rejected itself`, "acme.bbb@1": `required dependency "acme.ccc" was rejected itself`,
				"acme.ccc@1": `required dependency "acme.ddd" is not installed`,
			},
		},
		"CircleBroken": {
			[]plugin{needs(t, "acme.aaa", "1", "acme.bbb"), needs(t, "acme.bbb", "1", "acme.aaa", "acme.ccc")}, nil,
			map[string]string{"acme.aaa@1": `required dependency "acme.bbb" was rejected itself`, "acme.bbb@1": `required dependency "acme.ccc" is not installed`},
		},
		"Optional": {
			[]plugin{needs(t, "acme.aaa", "1", "?acme.bbb", "?acme.ccc >=2"), needs(t, "acme.ccc", "1")}, []string{"acme.aaa", "acme.ccc"}, map[string]string{},
		},
		"Duplicate": {
			[]plugin{needs(t, "acme.aaa", "1", "acme.bbb"), needs(t, "acme.bbb", "1"), needs(t, "acme.bbb", "2"), needs(t, "acme.ccc", "1")}, []string{"acme.ccc"},
			map[string]string{
				"acme.aaa@1": `required dependency "acme.bbb" was rejected itself`,
				"acme.bbb@1": "2 plugins have the id acme.bbb, remove all but one", "acme.bbb@2": "2 plugins have the id acme.bbb, remove all but one",
			},
		},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			for _, p := range tc.plugins {
				p.store(t, dir)
			}
			ids, reasons := loaded(t, dir)
			if diff := cmp.Diff(tc.ids, ids); diff != "" {
				t.Error(diff)
			}
			if diff := cmp.Diff(tc.reasons, reasons); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// TestBundleAttack_BadNeighbour puts bad plugins beside a good one, which loads nevertheless. One of them claims its id.
func TestBundleAttack_BadNeighbour(t *testing.T) {
	t.Parallel()
	good := needs(t, "acme.web", "1")
	move := func(change func(folder string) error) func(*testing.T, string) {
		return func(t *testing.T, dir string) {
			check(t, change(needs(t, "acme.bad", "1").store(t, dir)))
		}
	}
	tests := map[string]struct {
		put  func(t *testing.T, dir string)
		says string
	}{
		"NoManifest":   {move(func(f string) error { return os.Remove(filepath.Join(f, "manifest.json")) }), "no such file"},
		"NoArtifact":   {move(func(f string) error { return os.Remove(filepath.Join(f, "artifact")) }), "no such file"},
		"NoBundle":     {move(func(f string) error { return os.RemoveAll(filepath.Join(f, "bundle")) }), "no such file"},
		"ManifestText": {move(func(f string) error { return os.WriteFile(filepath.Join(f, "manifest.json"), []byte("{"), 0o600) }), "manifest.json: "},
		"ManifestFolder": {move(func(f string) error {
			p := filepath.Join(f, "manifest.json")
			_ = os.Remove(p)
			return os.Mkdir(p, 0o700)
		}), "is not a regular file"},
		"LargeManifest": {move(func(f string) error {
			return os.Truncate(filepath.Join(f, "manifest.json"), latticenet.MaxManifestBytes+1)
		}), "the file is too large"},
		"LargeArtifact": {move(func(f string) error { return os.Truncate(filepath.Join(f, "artifact"), latticenet.MaxArtifactBytes+1) }), "the file is too large"},
		"OtherDigest":   {move(func(f string) error { return os.Rename(f, filepath.Join(filepath.Dir(f), strings.Repeat("0", 64))) }), "the plugin belongs into acme.bad/1/"},
		"OtherVersion":  {move(func(f string) error { d := filepath.Dir(f); return os.Rename(d, filepath.Join(filepath.Dir(d), "2")) }), "the plugin belongs into acme.bad/1/"},
		"OtherID": {move(func(f string) error {
			d := filepath.Dir(filepath.Dir(f))
			return os.Rename(d, filepath.Join(filepath.Dir(d), "acme.other"))
		}), "the plugin belongs into acme.bad/1/"},
		"File": {func(t *testing.T, dir string) { check(t, os.WriteFile(filepath.Join(dir, "notes"), nil, 0o600)) }, "not a directory"},
		"Link": {func(t *testing.T, dir string) { check(t, os.Symlink("acme.web", filepath.Join(dir, "acme.zzz"))) }, "acme.zzz"},
		"SameID": {func(t *testing.T, dir string) {
			f := needs(t, "acme.web", "2").store(t, dir)
			check(t, os.WriteFile(filepath.Join(f, "artifact"), []byte("evil"), 0o600))
		}, "the manifest is for an artifact with the digest"},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			good.store(t, dir)
			tc.put(t, dir)
			ids, reasons := loaded(t, dir)
			if diff := cmp.Diff([]string{"acme.web"}, ids); diff != "" {
				t.Errorf("%s%v", diff, reasons)
			}
			if len(reasons) != 1 {
				t.Fatalf("not one reason: %v", reasons)
			}
			for _, reason := range reasons {
				if !strings.Contains(reason, tc.says) {
					t.Errorf("want a reason that says %q, got %q", tc.says, reason)
				}
			}
		})
	}
}
