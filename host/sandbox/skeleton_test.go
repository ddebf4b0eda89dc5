package sandbox

import (
	"errors"
	"io/fs"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/latticenet/lattice-host/abi"
	"github.com/latticenet/lattice-host/host/codecache"
	"github.com/latticenet/lattice-host/host/sandbox/internal/wasmbin"
	"github.com/latticenet/lattice-host/host/sandbox/meter"
)

// TestSkeleton loads a plugin from its bytes and from its skeleton: both do the same.
func TestSkeleton(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	wasm := (&guestModule{answer: "{}"}).build()
	signed := sign(t, jsonManifest(), wasm)
	first := newRuntime(t, Config{CacheDir: dir})
	if compiled, _ := first.loadSkeleton(signed); compiled != nil {
		t.Fatal("there is a skeleton before anything was loaded")
	}
	use := func(r *Runtime) (string, Usage, making) {
		p := load(t, r, jsonManifest(), wasm)
		answer, usage, err := p.Measure(t.Context(), "", abi.OpDerive, []byte("{}"))
		if err != nil {
			t.Fatal(err)
		}
		return string(answer), usage, p.instances.making
	}
	wantAnswer, wantUsage, wantMaking := use(first)

	second := newRuntime(t, Config{CacheDir: dir})
	compiled, s := second.loadSkeleton(signed)
	if compiled == nil {
		t.Fatal("the skeleton was not used")
	}
	if m, err := wasmbin.Parse(s.Module.Wasm); err != nil || len(s.Module.Wasm) >= len(wasm)+100 {
		t.Errorf("the skeleton is not a module without bodies: %v, %v", m, err)
	}
	answer, usage, takes := use(second)
	if answer != wantAnswer {
		t.Errorf("got %q, want %q", answer, wantAnswer)
	}
	if diff := cmp.Diff(wantUsage, usage); diff != "" {
		t.Errorf("usage (-bytes +skeleton):\n%s", diff)
	}
	if diff := cmp.Diff(wantMaking, takes); diff != "" {
		t.Errorf("making (-bytes +skeleton):\n%s", diff)
	}
}

// TestSkeletonWithoutCode takes away or changes what a skeleton needs. The plugin loads from its
// bytes then; code that does nothing but trap is never run.
func TestSkeletonWithoutCode(t *testing.T) {
	t.Parallel()
	wasm := (&guestModule{answer: "{}"}).build()
	signed := sign(t, jsonManifest(), wasm)
	for reason, change := range map[string]func(t *testing.T, dir string, key codecache.Key){
		"no machine code": func(t *testing.T, dir string, _ codecache.Key) {
			if err := os.Remove(onlyFile(t, dir)); err != nil {
				t.Fatal(err)
			}
		},
		"damaged machine code": func(t *testing.T, dir string, _ codecache.Key) {
			if err := os.WriteFile(onlyFile(t, dir), []byte("x"), 0o600); err != nil {
				t.Fatal(err)
			}
		},
		"damaged skeleton": func(t *testing.T, dir string, key codecache.Key) {
			if err := os.WriteFile(openCodeCache(t, dir).SkeletonPath(key), []byte("x"), 0o600); err != nil {
				t.Fatal(err)
			}
		},
		// The engine does not find the code, as if it looked elsewhere.
		"another name": func(t *testing.T, dir string, key codecache.Key) {
			store := openCodeCache(t, dir)
			h, content, err := store.Skeleton(key)
			if err != nil {
				t.Fatal(err)
			}
			h.File = "elsewhere"
			if err := store.PutSkeleton(key, h, content); err != nil {
				t.Fatal(err)
			}
		},
		"not JSON": func(t *testing.T, dir string, key codecache.Key) {
			if err := openCodeCache(t, dir).PutSkeleton(key, codecache.Header{File: "x"}, []byte("x")); err != nil {
				t.Fatal(err)
			}
		},
	} {
		t.Run(reason, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			useOnce(t, Config{CacheDir: dir}, wasm)
			r := newRuntime(t, Config{CacheDir: dir})
			key, _ := r.cache.skeletonKey(signed.Digest())
			if _, err := r.cache.skeleton(signed.Digest()); err != nil {
				t.Fatal(err)
			}
			change(t, dir, key)
			if compiled, _ := r.loadSkeleton(signed); compiled != nil {
				t.Error("the skeleton was used")
			}
			useOnce(t, Config{CacheDir: dir}, wasm)
		})
	}
}

// TestSkeletonOf proves that a skeleton is that of one module, one engine and one program.
func TestSkeletonOf(t *testing.T) {
	t.Parallel()
	cache := newRuntime(t, Config{CacheDir: t.TempDir()}).cache
	key, ok := cache.skeletonKey("sha256:1")
	other, _ := cache.skeletonKey("sha256:2")
	if !ok || key == other {
		t.Errorf("two modules have the keys %s and %s, %t", key, other, ok)
	}
	if _, err := cache.skeleton("sha256:1"); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("a module that was never loaded: %v", err)
	}
	cache.engine = "another"
	if again, _ := cache.skeletonKey("sha256:1"); again == key {
		t.Error("two engines share a skeleton")
	}
	if _, ok := (&codeCache{}).skeletonKey("sha256:1"); ok {
		t.Error("a cache in memory has skeletons")
	}
}

func TestWithoutBodies(t *testing.T) {
	t.Parallel()
	metered, err := meter.Rewrite((&guestModule{answer: "{}"}).build(), meterOptions())
	if err != nil {
		t.Fatal(err)
	}
	hollow, err := withoutBodies(metered.Wasm)
	if err != nil {
		t.Fatal(err)
	}
	before, err := wasmbin.Parse(metered.Wasm)
	if err != nil {
		t.Fatal(err)
	}
	after, err := wasmbin.Parse(hollow)
	if err != nil {
		t.Fatal(err)
	}
	for i, s := range before.Sections {
		if got := after.Sections[i]; got.ID != s.ID || s.ID != wasmbin.SectionCode && string(got.Content) != string(s.Content) {
			t.Errorf("section %d, %v, became %v", i, s.ID, got.ID)
		}
	}
}

func TestFindBuildID(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ head, want string }{
		"ELF":     {"\x7fELF....\x04\x00\x00\x00\x05\x00\x00\x00\x04\x00\x00\x00Go\x00\x00a/b/crest", "a/b/c"},
		"cut":     {"\x04\x00\x00\x00\xff\x00\x00\x00\x04\x00\x00\x00Go\x00\x00a/b", ""},
		"Mach-O":  {"....\xff Go build ID: \"a/b\"\n \xffcode", "a/b"},
		"no end":  {"....\xff Go build ID: \"a/b", ""},
		"neither": {"hello", ""},
		"nothing": {"", ""},
	} {
		if got := findBuildID([]byte(c.head)); got != c.want {
			t.Errorf("%s: got %q, want %q", name, got, c.want)
		}
	}
	if id := buildID(); strings.Count(id, "/") < 1 {
		t.Errorf("this program has the build ID %q", id)
	}
}
