package kv

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/latticenet/lattice-host/abi"
	"github.com/latticenet/lattice-host/abi/cbor"
)

const plugin = "acme/web"

func raw(t testing.TB, json string) cbor.Raw {
	t.Helper()
	data, err := cbor.FromJSON(nil, []byte(json), abi.MaxDepth)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// entries makes a map of JSON texts; an empty text is an empty value.
func entries(t testing.TB, pairs ...string) cbor.Map[cbor.Raw] {
	t.Helper()
	var m cbor.Map[cbor.Raw]
	for i := 0; i < len(pairs); i += 2 {
		var value cbor.Raw
		if pairs[i+1] != "" {
			value = raw(t, pairs[i+1])
		}
		m.Set(pairs[i], value)
	}
	return m
}

func TestStoreKeeps(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "kv")
	s := Open(dir)
	got, version, err := s.Read(plugin)
	if err != nil || got != nil || version != "" {
		t.Fatalf("a new store has %v, %q, %v", got, version, err)
	}
	if _, err := os.Stat(dir); err == nil {
		t.Error("reading made the folder")
	}
	if err := s.Write(plugin, version, entries(t, "a", "1", "b", `{"x":1.0}`, "gone", "")); err != nil {
		t.Fatal(err)
	}
	got, version, err = Open(dir).Read(plugin)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(entries(t, "a", "1", "b", `{"x":1.0}`), got); diff != "" {
		t.Error(diff)
	}
	if err := s.Write(plugin, version, entries(t, "a", "", "c", `"x"`)); err != nil {
		t.Fatal(err)
	}
	if got, _, err = s.Read(plugin); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(entries(t, "b", `{"x":1.0}`, "c", `"x"`), got); diff != "" {
		t.Error(diff)
	}
	if other, _, err := s.Read("acme/other"); err != nil || other != nil {
		t.Errorf("another plugin sees %v, %v", other, err)
	}
	for _, path := range []string{dir, filepath.Join(dir, "acme.web.json")} {
		if info, err := os.Stat(path); err != nil || info.Mode().Perm()&0o077 != 0 {
			t.Errorf("%s: others may read it: %v, %v", path, info.Mode(), err)
		}
	}
}

func TestStoreRefuses(t *testing.T) {
	t.Parallel()
	long := `"` + strings.Repeat("x", abi.MaxKVValueBytes-2) + `"`
	var full, many cbor.Map[cbor.Raw]
	for i := range abi.MaxKVKeys + 1 {
		name := string(rune('a'+i%26)) + strings.Repeat("k", i/26)
		many.Set(name, raw(t, "1"))
		if i <= abi.MaxKVBytes/abi.MaxKVValueBytes {
			full.Set(name, raw(t, long))
		}
	}
	for _, tc := range []struct {
		reason  string
		plugin  string
		changes cbor.Map[cbor.Raw]
		want    error
		says    string
	}{
		{reason: "a path for a name", plugin: "../web", says: "is not publisher/name"},
		{reason: "a name without a publisher", plugin: "web", says: "is not publisher/name"},
		{reason: "a key outside the grammar", plugin: plugin, changes: entries(t, "a b", "1"), says: `"a b" is not a key`},
		{reason: "null", plugin: plugin, changes: entries(t, "a", "null"), says: "must not be null"},
		{reason: "a value that is too large", plugin: plugin, changes: entries(t, "a", `"x`+long[1:]), want: ErrFull, says: "65537 bytes"},
		{reason: "too much in all", plugin: plugin, changes: full, want: ErrFull, says: "the limit is 1048576"},
		{reason: "too many keys", plugin: plugin, changes: many, want: ErrFull, says: "1025 keys"},
	} {
		dir := filepath.Join(t.TempDir(), "kv")
		err := Open(dir).Write(tc.plugin, "", tc.changes)
		if err == nil || !strings.Contains(err.Error(), tc.says) || tc.want != nil && !errors.Is(err, tc.want) {
			t.Errorf("%s: got %v", tc.reason, err)
		}
		if files, _ := filepath.Glob(filepath.Join(dir, "*.json")); files != nil {
			t.Errorf("%s: it was written: %v", tc.reason, files)
		}
	}
}

func TestDamagedStores(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct{ reason, content, says string }{
		{"empty", "", "message"},
		{"cut short", `{"entries":{"a":1},"plugin":"acme/web","ver`, "ends"},
		{"another plugin's", `{"entries":{},"plugin":"acme/other","version":1}`, `plugin: is "acme/other"`},
		{"another version's", `{"entries":{},"plugin":"acme/web","version":2}`, "version: is 2"},
		{"an unknown key", `{"entries":{},"plugin":"acme/web","version":1,"x":1}`, `unknown field "x"`},
		{"a null", `{"entries":{"a":null},"plugin":"acme/web","version":1}`, "null"},
		{"a bad key", `{"entries":{"a b":1},"plugin":"acme/web","version":1}`, "is not a key"},
	} {
		dir := t.TempDir()
		if err := os.Chmod(dir, 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, "acme.web.json"), []byte(tc.content), 0o600); err != nil {
			t.Fatal(err)
		}
		for name, err := range map[string]error{
			"read": func() error { _, _, err := Open(dir).Read(plugin); return err }(), "write": Open(dir).Write(plugin, "", entries(t, "a", "1")),
		} {
			if !errors.Is(err, ErrDamaged) || !strings.Contains(err.Error(), tc.says) || !strings.Contains(err.Error(), "remove the file") {
				t.Errorf("%s: %s gave %v", tc.reason, name, err)
			}
		}
	}
}

func TestOpenFolderIsRefused(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	if err := os.Chmod(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	_, _, err := Open(dir).Read(plugin)
	if err == nil || !strings.Contains(err.Error(), "chmod 700") {
		t.Errorf("reading gave %v", err)
	}
	if err := Open(dir).Write(plugin, "", nil); err == nil || !strings.Contains(err.Error(), "chmod 700") {
		t.Errorf("writing gave %v", err)
	}
}

// Of several writers that have read the same state, one wins and the others get an error.
func TestConcurrentWriters(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "kv")
	const writers = 8
	errs := make([]error, writers)
	var wg sync.WaitGroup
	for i := range writers {
		wg.Go(func() { errs[i] = Open(dir).Write(plugin, "", entries(t, "winner", string(rune('0'+i)))) })
	}
	wg.Wait()
	winners := 0
	for _, err := range errs {
		switch {
		case err == nil:
			winners++
		case !errors.Is(err, ErrChanged):
			t.Error(err)
		}
	}
	if got, _, err := Open(dir).Read(plugin); err != nil || winners != 1 || len(got) != 1 {
		t.Errorf("%d writers won, the store has %v, %v", winners, got, err)
	}
}

func FuzzParse(f *testing.F) {
	f.Add([]byte(`{"entries":{"a":[1.5,null]},"plugin":"acme/web","version":1}`))
	f.Add([]byte(`{"entries":null}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		first, err := parse(data, plugin)
		if err != nil {
			return
		}
		again, err := encode(plugin, first)
		if err != nil {
			t.Fatal(err)
		}
		second, err := parse(again, plugin)
		if err != nil {
			t.Fatalf("%s reads as an error: %v", again, err)
		}
		if diff := cmp.Diff(first, second); diff != "" {
			t.Error(diff)
		}
	})
}
