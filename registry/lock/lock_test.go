package lock_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/latticenet/lattice-host/internal/problem"
	"github.com/latticenet/lattice-host/registry/internal/registrytest"
	"github.com/latticenet/lattice-host/registry/internal/strictjson"
	"github.com/latticenet/lattice-host/registry/lock"
	"github.com/latticenet/lattice-host/registry/release"
)

func plugin(path string) lock.Plugin {
	publisher, name, _ := strings.Cut(path, "/")
	return lock.Plugin{
		Publisher: publisher, Name: name, Version: "1.2.0", Range: "^1", Digest: "sha256:" + strings.Repeat("a", 64), Size: 1234,
		Manifest: "sha256:" + strings.Repeat("d", 64), Bundle: "sha256:" + strings.Repeat("b", 64),
		KeyID: "ed25519-0123456789abcdef", ABI: 1, Index: "main", ResolvedAt: "2026-01-02T03:04:05Z",
		Capabilities: lock.Capabilities{Digest: "sha256:" + strings.Repeat("c", 64), Names: []string{"http.get", "kv"}},
	}
}

func locked(paths ...string) *lock.Lock {
	l := lock.New()
	l.SetIndex(lock.Index{Name: "main", Root: 1, RootKeyIDs: []string{"0123"}, Snapshot: 17})
	for _, path := range paths {
		l.Set(plugin(path))
	}
	return l
}

func encode(t testing.TB, l *lock.Lock) []byte {
	t.Helper()
	data, err := l.Encode()
	if err != nil {
		t.Fatal(err)
	}
	return data
}

const golden = `{
  "version": 2,
  "indexes": [
    {
      "name": "main",
      "root": 1,
      "rootKeyIds": [
        "0123"
      ],
      "snapshot": 17
    }
  ],
  "plugins": [
    {
      "publisher": "acme",
      "name": "web",
      "version": "1.2.0",
      "range": "^1",
      "digest": "sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
      "size": 1234,
      "manifest": "sha256:dddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddd",
      "bundle": "sha256:bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb",
      "keyId": "ed25519-0123456789abcdef",
      "abi": 1,
      "index": "main",
      "capabilities": {
        "digest": "sha256:cccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccc",
        "names": [
          "http.get",
          "kv"
        ]
      },
      "resolvedAt": "2026-01-02T03:04:05Z"
    }
  ],
  "policies": [],
  "digest": "DIGEST"
}
`

// sealed returns the golden with its digest.
func sealed(t testing.TB) string {
	t.Helper()
	var l lock.Lock
	if err := json.Unmarshal([]byte(strings.Replace(golden, "DIGEST", "", 1)), &l); err != nil {
		t.Fatal(err)
	}
	data, err := strictjson.Marshal(l)
	if err != nil {
		t.Fatal(err)
	}
	return strings.Replace(golden, "DIGEST", release.Digest(data), 1)
}

func TestEncode(t *testing.T) {
	t.Parallel()
	if diff := cmp.Diff(sealed(t), string(encode(t, locked("acme/web")))); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff(encode(t, locked("a/b", "a/c", "b/a")), encode(t, locked("b/a", "a/c", "a/b", "a/c"))); diff != "" {
		t.Errorf("the order of installing shows: %s", diff)
	}
	l := locked("a/b", "a/c")
	l.Delete(plugin("a/b"))
	if diff := cmp.Diff(encode(t, locked("a/c")), encode(t, l)); diff != "" {
		t.Error(diff)
	}
}

func TestParse(t *testing.T) {
	t.Parallel()
	want := locked("acme/api", "acme/web", "zeta/api")
	got, err := lock.Parse(encode(t, want))
	if err != nil {
		t.Fatal(err)
	}
	want.Digest = got.Digest
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	bad := func(change func(*lock.Lock)) string {
		l := locked("acme/api", "acme/web")
		change(l)
		data, err := json.Marshal(l)
		if err != nil {
			t.Fatal(err)
		}
		return string(data)
	}
	golden := sealed(t)
	set := func(old, with string) string { return string(registrytest.SetField(t, []byte(golden), old, with)) }
	tests := map[string]struct{ reason, data, says string }{
		"Version":         {"Another version may mean anything.", bad(func(l *lock.Lock) { l.Version = 1 }), "reads version 2"},
		"Order":           {"One lock has one spelling.", bad(func(l *lock.Lock) { l.Plugins[0], l.Plugins[1] = l.Plugins[1], l.Plugins[0] }), "plugins.1: acme/api must appear once"},
		"Twice":           {"Two versions leave open which one runs.", bad(func(l *lock.Lock) { l.Plugins[1].Name = "api"; l.Plugins[1].Version = "2.0.0" }), "plugins.1: acme/api must appear once"},
		"Publisher":       {"A name is not a path.", bad(func(l *lock.Lock) { l.Plugins[0].Publisher = ".." }), `plugins.0.publisher: ".."`},
		"Name":            {"Look-alikes are other names.", bad(func(l *lock.Lock) { l.Plugins[1].Name = "wеb" }), "plugins.1.name"},
		"UpperName":       {"Names that differ by case only collide.", bad(func(l *lock.Lock) { l.Plugins[1].Name = "Web" }), "plugins.1.name"},
		"PluginVersion":   {"A version is not a path.", bad(func(l *lock.Lock) { l.Plugins[0].Version = "../1" }), "plugins.0.version"},
		"Digest":          {"Digests have one form.", bad(func(l *lock.Lock) { l.Plugins[0].Digest = "sha256:../x" }), "plugins.0.digest"},
		"Bundle":          {"Digests have one form.", bad(func(l *lock.Lock) { l.Plugins[0].Bundle = "" }), "plugins.0.bundle"},
		"NegativeSize":    {"A size is positive.", bad(func(l *lock.Lock) { l.Plugins[0].Size = -1 }), "plugins.0.size"},
		"HugeSize":        {"A size is bounded.", bad(func(l *lock.Lock) { l.Plugins[0].Size = 1 << 62 }), "plugins.0.size"},
		"Key":             {"A key id is a token.", bad(func(l *lock.Lock) { l.Plugins[0].KeyID = "../k" }), "plugins.0.keyId"},
		"CoSigner":        {"A key id is a token.", bad(func(l *lock.Lock) { l.Plugins[0].CoSigners = []string{"../k"} }), "plugins.0.coSigners"},
		"CoSignerTwice":   {"A key counts once.", bad(func(l *lock.Lock) { l.Plugins[0].CoSigners = []string{l.Plugins[0].KeyID} }), "plugins.0.coSigners"},
		"CoSignerOrder":   {"One lock has one spelling.", bad(func(l *lock.Lock) { l.Plugins[0].CoSigners = []string{"z2", "z1"} }), "plugins.0.coSigners"},
		"ThresholdOne":    {"One is written as nothing.", bad(func(l *lock.Lock) { l.Plugins[0].Threshold = 1 }), "plugins.0.threshold"},
		"ThresholdBelow":  {"No one would have to sign.", bad(func(l *lock.Lock) { l.Plugins[0].Threshold = -1 }), "plugins.0.threshold"},
		"ThresholdAbove":  {"More than there are.", bad(func(l *lock.Lock) { l.Plugins[0].CoSigners, l.Plugins[0].Threshold = []string{"z1"}, 3 }), "plugins.0.threshold"},
		"ABI":             {"Another contract does not load.", bad(func(l *lock.Lock) { l.Plugins[0].ABI = 2 }), "plugins.0.abi"},
		"Index":           {"An index name is a token.", bad(func(l *lock.Lock) { l.Plugins[0].Index = "a/b" }), "plugins.0.index"},
		"CapabilityOrder": {"Sets are sorted.", bad(func(l *lock.Lock) { l.Plugins[0].Capabilities.Names = []string{"kv", "http.get"} }), "plugins.0.capabilities"},
		"CapabilityTwice": {"Sets hold a name once.", bad(func(l *lock.Lock) { l.Plugins[0].Capabilities.Names = []string{"kv", "kv"} }), "plugins.0.capabilities"},
		"IndexMissing":    {"A plugin comes from somewhere.", bad(func(l *lock.Lock) { l.Plugins[1].Index = "other" }), `plugins.1.index: "other" is not among the indexes`},
		"IndexRoot":       {"Versions count from 1.", bad(func(l *lock.Lock) { l.Indexes[0].Root = 0 }), "indexes.0.root"},
		"IndexKeys":       {"A root has keys.", bad(func(l *lock.Lock) { l.Indexes[0].RootKeyIDs = []string{} }), "indexes.0.rootKeyIds"},
		"Manifest":        {"Digests have one form.", bad(func(l *lock.Lock) { l.Plugins[0].Manifest = "" }), "plugins.0.manifest"},
		"Range":           {"A range is one line.", bad(func(l *lock.Lock) { l.Plugins[0].Range = "^1\n" }), "plugins.0.range"},
		"Date":            {"Times have one form.", bad(func(l *lock.Lock) { l.Plugins[0].ResolvedAt = "today" }), "plugins.0.resolvedAt"},
		"CapabilitySum":   {"Digests have one form.", bad(func(l *lock.Lock) { l.Plugins[0].Capabilities.Digest = "x" }), "plugins.0.capabilities.digest"},
		"Edited":          {"A change by hand is noticed.", set(`"range": "^1"`, `"range": "^2"`), "was edited by hand"},
		"Unsealed":        {"A lock has a digest.", bad(func(*lock.Lock) {}), "was edited by hand"},
		"PolicyName":      {"A name is not a path.", bad(func(l *lock.Lock) { l.Policies = []lock.Policy{{Name: "../x", Index: "main"}} }), `policies.0.name: "../x"`},
		"PolicyIndex":     {"A policy comes from somewhere.", bad(func(l *lock.Lock) { l.Policies = []lock.Policy{{Name: "x", Index: "other"}} }), `policies.0.index: "other" is not among the indexes`},
		"PolicyDigest":    {"Digests have one form.", bad(func(l *lock.Lock) { l.Policies = []lock.Policy{{Name: "x", Index: "main"}} }), "policies.0.digest"},
		"UnknownKey":      {"What is not understood is not ignored.", set(`"abi"`, `"trusted": true, "abi"`), "unknown field"},
		"OtherCase":       {"Keys have one spelling.", set(`"abi"`, `"ABI"`), "plugins.0.ABI"},
		"DoubleKey":       {"One of two would be ignored.", set(`"abi"`, `"abi": 1, "abi"`), "is a duplicate"},
		"MissingKey":      {"Nothing is assumed.", set(`"abi": 1,`, ``), "plugins.0.abi: is missing"},
		"NullPlugins":     {"Null is not an empty set.", `{"version":2,"indexes":[],"plugins":null,"policies":[],"digest":""}`, "must be arrays"},
		"NullSet":         {"Null is not an empty set.", set("[\n          \"http.get\",\n          \"kv\"\n        ]", "null"), "capabilities.names: must be an array"},
		"NullEntry":       {"Null is not a plugin.", `{"version":2,"indexes":[],"plugins":[null],"policies":[],"digest":""}`, "plugins.0: must not be null"},
		"Trailing":        {"Nothing follows the document.", golden + "{}", "bytes follow the end"},
		"Array":           {"A lock is an object.", "[]", "must be an object"},
		"Empty":           {"An empty file is a broken file.", "", "ends early"},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			l, err := lock.Parse([]byte(tc.data))
			if l != nil || err == nil || !strings.Contains(err.Error(), tc.says) {
				t.Errorf("%s\nwant an error that says %q, got %v", tc.reason, tc.says, err)
			}
		})
	}
}

func TestFind(t *testing.T) {
	t.Parallel()
	l := locked("acme/api", "acme/web", "zeta/api")
	tests := map[string]struct {
		reason, name, want, says string
		notLocked                bool
	}{
		"Path":      {reason: "The full name is exact.", name: "zeta/api", want: "zeta/api"},
		"Bare":      {reason: "A name of one publisher is enough.", name: "web", want: "acme/web"},
		"Ambiguous": {reason: "No one chooses between publishers but the user.", name: "api", says: "api: several publishers have a plugin of this name, say which one: acme/api, zeta/api"},
		"Unknown":   {reason: "What is not installed does not run.", name: "acme/db", notLocked: true, says: "acme/db: not installed; run lattice-host install acme/db"},
		"Empty":     {reason: "An empty name is not a plugin.", name: "", notLocked: true, says: ": not installed; run lattice-host install "},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p, err := l.Find(tc.name)
			if tc.says == "" {
				if err != nil || p.Path() != tc.want {
					t.Errorf("%s: %s, %v", tc.reason, p.Path(), err)
				}
				return
			}
			if err == nil || err.Error() != tc.says {
				t.Errorf("%s\nwant %s\ngot  %v", tc.reason, tc.says, err)
			}
			if errors.Is(err, lock.ErrNotLocked) != tc.notLocked || !errors.Is(err, problem.Invalid) || errors.Is(err, release.ErrNotTrusted) {
				t.Errorf("%s: %v", tc.reason, err)
			}
		})
	}
}

func TestUpdate(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), lock.FileName)
	if l, err := lock.Read(path); err != nil || len(l.Plugins) != 0 {
		t.Fatalf("a missing file: %v, %v", l, err)
	}
	var wg sync.WaitGroup
	for i := range 16 {
		wg.Go(func() {
			err := lock.Update(path, func(l *lock.Lock) error {
				l.SetIndex(locked().Indexes[0])
				l.Set(plugin(fmt.Sprintf("acme/p%02d", i)))
				return nil
			})
			if err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	l, err := lock.Read(path)
	if err != nil || len(l.Plugins) != 16 {
		t.Fatalf("%d plugins, %v", len(l.Plugins), err)
	}
	before, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	errBoom := errors.New("boom")
	if err := lock.Update(path, func(l *lock.Lock) error { l.Plugins = nil; return errBoom }); !errors.Is(err, errBoom) {
		t.Errorf("want boom, got %v", err)
	}
	if err := lock.Update(path, func(l *lock.Lock) error { l.Plugins[0].Digest = "x"; return nil }); err == nil {
		t.Error("an invalid lock was written")
	}
	after, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(before), string(after)); diff != "" {
		t.Error(diff)
	}
	if err := os.WriteFile(path, []byte("{"), 0o644); err != nil {
		t.Fatal(err)
	}
	if err := lock.Update(path, func(*lock.Lock) error { return nil }); err == nil || !strings.HasPrefix(err.Error(), path+": ") {
		t.Errorf("a broken lock was taken for an empty one: %v", err)
	}
}

func FuzzParse(f *testing.F) {
	f.Add([]byte(sealed(f)))
	f.Add([]byte(`{"version":2,"indexes":[],"plugins":[],"policies":[],"digest":""}`))
	f.Add([]byte(`{"version":2,"indexes":[],"plugins":[null],"policies":[],"digest":""}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		l, err := lock.Parse(data)
		if err != nil {
			return
		}
		again, err := lock.Parse(encode(t, l))
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(l, again); diff != "" {
			t.Error(diff)
		}
	})
}
