package sandbox

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/mod/modfile"

	"github.com/latticenet/lattice-host/abi"
	"github.com/latticenet/lattice-host/host/codecache"
	"github.com/latticenet/lattice-host/host/sandbox/meter"
)

func TestEngineVersion(t *testing.T) {
	t.Parallel()
	data, err := os.ReadFile("../../go.mod")
	if err != nil {
		t.Fatal(err)
	}
	mod, err := modfile.Parse("go.mod", data, nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range mod.Require {
		if r.Mod.Path == enginePath && r.Mod.Version == engineVersion {
			return
		}
	}
	t.Errorf("go.mod does not require wazero %s", engineVersion)
}

// entries returns what the cache holds next to skeletons, and fails when anything else was left in
// it.
func entries(t *testing.T, dir string) []codecache.Listed {
	t.Helper()
	listed, err := codecache.List(dir)
	if err != nil {
		t.Fatal(err)
	}
	err = filepath.WalkDir(dir, func(path string, d os.DirEntry, err error) error {
		if err == nil && !d.IsDir() && !regexp.MustCompile(`/code-1/[0-9a-f]{64}(\.skeleton)?$`).MatchString(filepath.ToSlash(path)) {
			t.Errorf("%s was not removed", path)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return listed
}

// onlyFile returns the file of the one entry of a cache.
func onlyFile(t *testing.T, dir string) string {
	t.Helper()
	listed := entries(t, dir)
	if len(listed) != 1 || listed[0].Err != nil {
		t.Fatalf("the cache holds %+v", listed)
	}
	return filepath.Join(dir, "code-1", listed[0].Key.String())
}

// useOnce loads a plugin in a runtime of its own and calls it.
func useOnce(t *testing.T, c Config, wasm []byte) {
	t.Helper()
	r, err := New(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	p := load(t, r, jsonManifest(), wasm)
	if answer, err := p.Call(t.Context(), "", abi.OpDerive, []byte("{}")); err != nil || string(answer) != "{}" {
		t.Errorf("got %q, %v", answer, err)
	}
	if err := r.Close(t.Context()); err != nil {
		t.Error(err)
	}
}

func TestCache(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "a", "cache")
	wasm := (&guestModule{answer: "{}"}).build()
	var log messages
	var progress []string
	config := Config{CacheDir: dir, Log: log.add, Progress: func(plugin string, done bool) {
		progress = append(progress, fmt.Sprint(plugin, " done: ", done))
	}}
	useOnce(t, config, wasm)
	file := onlyFile(t, dir)
	if e := entries(t, dir)[0]; e.Plugin != "acme/web@1.2.3" || e.Engine != Engine() || !strings.HasPrefix(e.Digest, "sha256:") {
		t.Errorf("the entry is %+v", e)
	}
	before, err := os.Stat(file)
	if err != nil {
		t.Fatal(err)
	}
	useOnce(t, config, wasm)
	if after, err := os.Stat(onlyFile(t, dir)); err != nil || !os.SameFile(before, after) {
		t.Errorf("the second process wrote the entry again, %v", err)
	}
	if diff := cmp.Diff([]string{"acme/web@1.2.3 done: false", "acme/web@1.2.3 done: true"}, progress); diff != "" {
		t.Errorf("progress (-want +got):\n%s", diff)
	}
	if log.all != nil {
		t.Errorf("the log has %q", log.texts())
	}
}

// kept returns the engine's bytes of the one entry of a cache.
func kept(t *testing.T, dir string) (codecache.Listed, []byte) {
	t.Helper()
	store := openCodeCache(t, dir)
	listed := entries(t, dir)
	if len(listed) != 1 {
		t.Fatalf("the cache holds %+v", listed)
	}
	copied, err := store.Copy(listed[0].Key, store.Scratch(), "")
	if err != nil {
		t.Fatal(err)
	}
	code, err := os.ReadFile(copied)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Remove(copied); err != nil {
		t.Fatal(err)
	}
	return listed[0], code
}

func openCodeCache(t *testing.T, dir string) *codecache.Store {
	t.Helper()
	store, err := codecache.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := store.Close(); err != nil {
			t.Error(err)
		}
	})
	return store
}

// TestCacheIsUsed keeps the code of one module as that of another. Without it, no one would know
// whether what the tests below damage would have been run.
func TestCacheIsUsed(t *testing.T) {
	t.Parallel()
	dir, otherDir := t.TempDir(), t.TempDir()
	wasm := (&guestModule{answer: "{}"}).build()
	useOnce(t, Config{CacheDir: dir}, wasm)
	other := newRuntime(t, Config{CacheDir: otherDir})
	load(t, other, jsonManifest(), (&guestModule{answer: "{}", call: packed(answerAt+1, 1)}).build())
	listed, _ := kept(t, dir)
	_, code := kept(t, otherDir)
	if err := openCodeCache(t, dir).Put(listed.Key, listed.Header, code); err != nil {
		t.Fatal(err)
	}
	p := load(t, newRuntime(t, Config{CacheDir: dir}), jsonManifest(), wasm)
	if answer, err := p.Call(t.Context(), "", abi.OpDerive, []byte("{}")); err != nil || string(answer) != "}" {
		t.Errorf("what is kept was not run: got %q, %v", answer, err)
	}
}

// engineCode returns the machine code in a file of the engine, and its checksum: six bytes of
// magic, the engine's version after one byte of length, the number of functions, their offsets, the
// length of the code, the code, its CRC-32C.
func engineCode(t *testing.T, file []byte) (code, checksum []byte) {
	t.Helper()
	rest, ok := bytes.CutPrefix(file, []byte("WAZEVO"))
	if !ok {
		t.Fatal("the engine has another format")
	}
	rest = rest[1+int(rest[0]):]
	rest = rest[4+8*binary.LittleEndian.Uint32(rest):]
	size := binary.LittleEndian.Uint64(rest)
	return rest[8 : 8+size], rest[8+size : 8+size+4]
}

// TestDamagedCache edits the file of a compiled module. Each edit must be found, reported once, and
// undone; none may be run.
func TestDamagedCache(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	wasm := (&guestModule{answer: "{}"}).build()
	useOnce(t, Config{CacheDir: dir}, wasm)
	file := onlyFile(t, dir)
	_, payload := kept(t, dir)
	whole, err := os.ReadFile(file)
	if err != nil || !bytes.HasSuffix(whole, payload) {
		t.Fatal("the engine's bytes do not end the entry", err)
	}
	write := func(content []byte) func() error {
		return func() error { return os.WriteFile(file, content, 0o600) }
	}
	edits := map[string]func() error{
		"empty":  write(nil),
		"longer": write(append(bytes.Clone(whole), 0)),
		"a folder": func() error {
			return errors.Join(os.Remove(file), os.MkdirAll(filepath.Join(file, "inside"), 0o700))
		},
		"a link": func() error {
			aside := filepath.Join(t.TempDir(), "aside")
			return errors.Join(os.Rename(file, aside), os.Symlink(aside, file))
		},
		"writable by others": func() error { return os.Chmod(file, 0o602) },
	}
	for at := 0; at < len(whole); at += 1 + len(whole)/40 {
		flipped := bytes.Clone(whole)
		flipped[at] ^= 4
		edits[fmt.Sprint("flipped at ", at)] = write(flipped)
		edits[fmt.Sprint("cut to ", at)] = write(whole[:at])
	}
	code, _ := engineCode(t, payload)
	for at := 0; at < len(code); at += 1 + len(code)/20 {
		edited := bytes.Clone(whole)
		code, checksum := engineCode(t, edited[len(whole)-len(payload):])
		// The instruction that stops a process.
		code[at] = 0xcc
		binary.LittleEndian.PutUint32(checksum, crc32.Checksum(code, crc32.MakeTable(crc32.Castagnoli)))
		if !bytes.Equal(edited, whole) {
			edits[fmt.Sprint("code edited at ", at, ", the engine's checksum right")] = write(edited)
		}
	}
	for reason, edit := range edits {
		if err := edit(); err != nil {
			t.Fatal(err)
		}
		var log messages
		useOnce(t, Config{CacheDir: dir, Log: log.add}, wasm)
		want := "warning: compilation cache: " + file + ": damaged: "
		texts := log.texts()
		if len(texts) != 1 || !strings.HasPrefix(texts[0], want) || !strings.HasSuffix(texts[0], "; it is discarded, and the plugin compiled again") {
			t.Errorf("%s: the log has %q", reason, texts)
		}
		if onlyFile(t, dir) != file {
			t.Errorf("%s: the entry was not written again", reason)
		}
	}
}

// TestCacheOfSeveralRuntimes starts with an empty cache in several runtimes at once.
func TestCacheOfSeveralRuntimes(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	wasm := (&guestModule{answer: "{}"}).build()
	module := sign(t, jsonManifest(), wasm)
	var compiled atomic.Int32
	var all sync.WaitGroup
	for range 8 {
		r := newRuntime(t, Config{CacheDir: dir})
		all.Go(func() {
			fresh, err := r.Prewarm(t.Context(), module)
			if err != nil {
				t.Error(err)
			}
			if fresh {
				compiled.Add(1)
			}
			p, err := r.Load(t.Context(), module)
			if err != nil {
				t.Error(err)
				return
			}
			if answer, err := p.Call(t.Context(), "", abi.OpDerive, []byte("{}")); err != nil || string(answer) != "{}" {
				t.Errorf("got %q, %v", answer, err)
			}
		})
	}
	all.Wait()
	if n := compiled.Load(); n != 1 {
		t.Errorf("it was compiled %d times", n)
	}
	onlyFile(t, dir)
}

// TestCacheOfAnotherVersion keeps what another version of the host compiled, and neither uses nor
// removes it.
func TestCacheOfAnotherVersion(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	other := codecache.Header{Engine: "another engine", Plugin: "acme/web@1.2.3", File: "code"}
	if err := openCodeCache(t, dir).Put(codecache.Key{1}, other, []byte("its code")); err != nil {
		t.Fatal(err)
	}
	var log messages
	for range 2 {
		useOnce(t, Config{CacheDir: dir, Log: log.add}, (&guestModule{answer: "{}"}).build())
	}
	var engines []string
	for _, e := range entries(t, dir) {
		engines = append(engines, e.Engine)
	}
	if diff := cmp.Diff([]string{Engine(), "another engine"}, engines); diff != "" {
		t.Errorf("kept (-want +got):\n%s", diff)
	}
	if log.all != nil {
		t.Errorf("the log has %q", log.texts())
	}
}

func TestPrewarm(t *testing.T) {
	t.Parallel()
	good := sign(t, jsonManifest(), (&guestModule{answer: "{}"}).build())
	dir := t.TempDir()
	r := newRuntime(t, Config{CacheDir: dir})
	for i, want := range []bool{true, false} {
		if compiled, err := r.Prewarm(t.Context(), good); compiled != want || err != nil {
			t.Errorf("time %d: got %v, %v", i+1, compiled, err)
		}
	}
	if err := os.Truncate(onlyFile(t, dir), 100); err != nil {
		t.Fatal(err)
	}
	if compiled, err := r.Prewarm(t.Context(), good); !compiled || err != nil {
		t.Errorf("with a damaged entry: got %v, %v", compiled, err)
	}
	if _, err := r.Prewarm(t.Context(), sign(t, jsonManifest(), (&guestModule{drop: abi.ExportCall}).build())); !errors.Is(err, ErrContract) {
		t.Errorf("a module that breaks the contract: %v", err)
	}
	if _, err := newRuntime(t, Config{}).Prewarm(t.Context(), good); err == nil || errors.Is(err, ErrPlugin) {
		t.Errorf("without a folder: %v", err)
	}
	cancelled, cancel := context.WithCancel(t.Context())
	cancel()
	other := sign(t, jsonManifest(), (&guestModule{answer: "[]"}).build())
	if _, err := r.Prewarm(cancelled, other); !errors.Is(err, context.Canceled) || errors.Is(err, ErrPlugin) {
		t.Errorf("interrupted: %v", err)
	}
}

func TestCacheDirRefused(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	if err := os.Chmod(dir, 0o770); err != nil {
		t.Fatal(err)
	}
	_, err := New(t.Context(), Config{CacheDir: dir})
	want := "compilation cache: " + dir + ": others may write to it (mode 0770), run chmod 700 " + dir
	if !errors.Is(err, codecache.ErrUnsafe) || err.Error() != want {
		t.Errorf("got %v, want %s", err, want)
	}
}

func TestCacheDirUnusable(t *testing.T) {
	t.Parallel()
	// A file where a parent folder should be stops even the superuser.
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	var log messages
	useOnce(t, Config{CacheDir: filepath.Join(file, "cache"), Log: log.add}, (&guestModule{answer: "{}"}).build())
	want := []string{"warning: compilation cache: mkdir " + file + ": not a directory, so that plugins are compiled again in every process"}
	if diff := cmp.Diff(want, log.texts()); diff != "" {
		t.Errorf("log (-want +got):\n%s", diff)
	}
}

// TestCacheBreaksLater takes a runtime's folder away while it runs, so that nothing can be written
// any more: neither by the cache nor by the engine.
func TestCacheBreaksLater(t *testing.T) {
	t.Parallel()
	for reason, c := range map[string]struct {
		compiledBefore bool
		warnings       int
	}{
		"nothing is compiled":    {false, 1},
		"it is compiled already": {true, 1},
	} {
		t.Run(reason, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			wasm := (&guestModule{answer: "{}"}).build()
			if c.compiledBefore {
				useOnce(t, Config{CacheDir: dir}, wasm)
			}
			var log messages
			r := newRuntime(t, Config{CacheDir: dir, Log: log.add})
			if err := os.RemoveAll(r.cache.store.Scratch()); err != nil {
				t.Fatal(err)
			}
			p := load(t, r, jsonManifest(), wasm)
			if answer, err := p.Call(t.Context(), "", abi.OpDerive, []byte("{}")); err != nil || string(answer) != "{}" {
				t.Errorf("got %q, %v", answer, err)
			}
			texts := log.texts()
			if len(texts) != c.warnings || !strings.HasSuffix(texts[0], "so that acme/web@1.2.3 is compiled again in every process") {
				t.Errorf("the log has %q", texts)
			}
		})
	}
}

// TestCacheKey asserts that code of another engine, or of another module, has another key.
func TestCacheKey(t *testing.T) {
	t.Parallel()
	seen := map[codecache.Key]bool{}
	for _, c := range []struct{ engine, wasm string }{{"a", "bc"}, {"ab", "c"}, {"a", "bd"}, {"b", "bc"}} {
		seen[(&codeCache{engine: c.engine}).key([]byte(c.wasm))] = true
	}
	if len(seen) != 4 {
		t.Errorf("4 modules have %d keys", len(seen))
	}
	for _, want := range []string{"wazero " + engineVersion, fmt.Sprint("meter ", meter.Version), "cpu "} {
		if !strings.Contains(Engine(), want) {
			t.Errorf("the engine %q lacks %q", Engine(), want)
		}
	}
}
