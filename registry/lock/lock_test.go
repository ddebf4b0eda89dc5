package lock_test

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/latticenet/lattice-host/registry/internal/registrytest"
	"github.com/latticenet/lattice-host/registry/lock"
	"github.com/latticenet/lattice-host/registry/release"
)

func plugin(path string) lock.Plugin {
	publisher, name, _ := strings.Cut(path, "/")
	return lock.Plugin{
		Publisher: publisher, Name: name, Version: "1.2.0", Digest: "sha256:" + strings.Repeat("a", 64), Size: 1234,
		Bundle: "sha256:" + strings.Repeat("b", 64), KeyID: "ed25519-0123456789abcdef", ABI: 1,
		Index: "ed25519-fedcba9876543210", Capabilities: []string{"http.get", "kv"},
	}
}

func locked(paths ...string) *lock.Lock {
	l := lock.New()
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
  "version": 1,
  "plugins": [
    {
      "publisher": "acme",
      "name": "web",
      "version": "1.2.0",
      "digest": "sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
      "size": 1234,
      "bundle": "sha256:bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb",
      "keyId": "ed25519-0123456789abcdef",
      "abi": 1,
      "index": "ed25519-fedcba9876543210",
      "capabilities": [
        "http.get",
        "kv"
      ]
    }
  ]
}
`

func TestEncode(t *testing.T) {
	t.Parallel()
	if diff := cmp.Diff(golden, string(encode(t, locked("acme/web")))); diff != "" {
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
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	bad := func(change func(*lock.Lock)) string {
		l := locked("acme/api", "acme/web")
		change(l)
		data := `{"version":` + fmt.Sprint(l.Version) + `,"plugins":[`
		for i, p := range l.Plugins {
			if i > 0 {
				data += ","
			}
			data += fmt.Sprintf(`{"publisher":%q,"name":%q,"version":%q,"digest":%q,"size":%d,"bundle":%q,"keyId":%q,"abi":%d,"index":%q,"capabilities":["%s"]}`,
				p.Publisher, p.Name, p.Version, p.Digest, p.Size, p.Bundle, p.KeyID, p.ABI, p.Index, strings.Join(p.Capabilities, `","`))
		}
		return data + "]}"
	}
	if _, err := lock.Parse([]byte(bad(func(*lock.Lock) {}))); err != nil {
		t.Fatalf("the unchanged document: %v", err)
	}
	set := func(old, with string) string { return string(registrytest.SetField(t, []byte(golden), old, with)) }
	tests := map[string]struct{ reason, data, says string }{
		"Version":         {"Another version may mean anything.", bad(func(l *lock.Lock) { l.Version = 2 }), "reads version 1"},
		"Order":           {"One lock has one spelling.", bad(func(l *lock.Lock) { l.Plugins[0], l.Plugins[1] = l.Plugins[1], l.Plugins[0] }), "plugins.1: acme/api must stand once"},
		"Twice":           {"Two versions leave open which one runs.", bad(func(l *lock.Lock) { l.Plugins[1].Name = "api"; l.Plugins[1].Version = "2.0.0" }), "plugins.1: acme/api must stand once"},
		"Publisher":       {"A name is not a path.", bad(func(l *lock.Lock) { l.Plugins[0].Publisher = ".." }), `plugins.0.publisher: ".."`},
		"Name":            {"Look-alikes are other names.", bad(func(l *lock.Lock) { l.Plugins[1].Name = "wеb" }), "plugins.1.name"},
		"UpperName":       {"Names that differ by case only collide.", bad(func(l *lock.Lock) { l.Plugins[1].Name = "Web" }), "plugins.1.name"},
		"PluginVersion":   {"A version is not a path.", bad(func(l *lock.Lock) { l.Plugins[0].Version = "../1" }), "plugins.0.version"},
		"Digest":          {"Digests have one form.", bad(func(l *lock.Lock) { l.Plugins[0].Digest = "sha256:../x" }), "plugins.0.digest"},
		"Bundle":          {"Digests have one form.", bad(func(l *lock.Lock) { l.Plugins[0].Bundle = "" }), "plugins.0.bundle"},
		"NegativeSize":    {"A size is positive.", bad(func(l *lock.Lock) { l.Plugins[0].Size = -1 }), "plugins.0.size"},
		"HugeSize":        {"A size is bounded.", bad(func(l *lock.Lock) { l.Plugins[0].Size = 1 << 62 }), "plugins.0.size"},
		"Key":             {"A key id is a token.", bad(func(l *lock.Lock) { l.Plugins[0].KeyID = "../k" }), "plugins.0.keyId"},
		"ABI":             {"Another contract does not load.", bad(func(l *lock.Lock) { l.Plugins[0].ABI = 2 }), "plugins.0.abi"},
		"Index":           {"An index name is a token.", bad(func(l *lock.Lock) { l.Plugins[0].Index = "a/b" }), "plugins.0.index"},
		"CapabilityOrder": {"Sets are sorted.", bad(func(l *lock.Lock) { l.Plugins[0].Capabilities = []string{"kv", "http.get"} }), "plugins.0.capabilities"},
		"CapabilityTwice": {"Sets hold a name once.", bad(func(l *lock.Lock) { l.Plugins[0].Capabilities = []string{"kv", "kv"} }), "plugins.0.capabilities"},
		"UnknownKey":      {"What is not understood is not ignored.", set(`"abi"`, `"trusted": true, "abi"`), "unknown field"},
		"OtherCase":       {"Keys have one spelling.", set(`"abi"`, `"ABI"`), "plugins.0.ABI"},
		"DoubleKey":       {"One of two would be ignored.", set(`"abi"`, `"abi": 1, "abi"`), "is there twice"},
		"MissingKey":      {"Nothing is assumed.", set(`"abi": 1,`, ``), "plugins.0.abi: is missing"},
		"NullPlugins":     {"Null is not an empty set.", `{"version":1,"plugins":null}`, "plugins: must be an array"},
		"NullSet":         {"Null is not an empty set.", set("[\n        \"http.get\",\n        \"kv\"\n      ]", "null"), "capabilities: must be an array"},
		"NullEntry":       {"Null is not a plugin.", `{"version":1,"plugins":[null]}`, "plugins.0: must not be null"},
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
		"Ambiguous": {reason: "Nobody chooses between publishers but the user.", name: "api", says: "api: not trusted: several publishers have a plugin of this name, say which one: acme/api, zeta/api"},
		"Unknown":   {reason: "What is not installed does not run.", name: "acme/db", notLocked: true, says: "acme/db: not trusted: not installed: run lattice-host install --index DIR acme/db"},
		"Empty":     {reason: "No name is no plugin.", name: "", notLocked: true, says: ": not trusted: not installed: run lattice-host install --index DIR "},
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
			if errors.Is(err, lock.ErrNotLocked) != tc.notLocked || !errors.Is(err, release.ErrNotTrusted) {
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
	f.Add([]byte(golden))
	f.Add([]byte(`{"version":1,"plugins":[]}`))
	f.Add([]byte(`{"version":1,"plugins":[null]}`))
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
