package sandbox

import (
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/mod/modfile"

	"github.com/latticenet/lattice-host/abi"
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
		if r.Mod.Path == "github.com/tetratelabs/wazero" && r.Mod.Version == engineVersion {
			return
		}
	}
	t.Errorf("go.mod does not require wazero %s", engineVersion)
}

// cached returns the files of the cache.
func cached(t *testing.T, dir string) []string {
	t.Helper()
	var files []string
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err == nil && !d.IsDir() {
			files = append(files, path)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return files
}

func TestCache(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "a", "cache")
	wasm := (&guestModule{answer: "{}"}).build()
	var log messages
	var progress []string
	use := func() {
		t.Helper()
		r := newRuntime(t, Config{CacheDir: dir, Log: log.add, Progress: func(plugin string, done bool) {
			state := "begins"
			if done {
				state = "ends"
			}
			progress = append(progress, plugin+" "+state)
		}})
		p := load(t, r, jsonManifest(), wasm)
		if answer, err := p.Call(t.Context(), "", abi.OpDerive, []byte("{}")); err != nil || string(answer) != "{}" {
			t.Fatalf("got %q, %v", answer, err)
		}
	}
	use()
	info, err := os.Stat(dir)
	if err != nil || info.Mode().Perm() != 0o700 {
		t.Fatalf("the folder has mode %v, %v", info.Mode(), err)
	}
	files := cached(t, dir)
	if len(files) != 1 || !strings.HasPrefix(files[0], filepath.Join(dir, "wazero-"+engineVersion)+string(filepath.Separator)) {
		t.Fatalf("the cache holds %q", files)
	}
	use()
	if again := cached(t, dir); len(again) != 1 {
		t.Errorf("the second time the cache holds %q", again)
	}
	if diff := cmp.Diff([]string{"acme/web@1.2.3 begins", "acme/web@1.2.3 ends", "acme/web@1.2.3 begins", "acme/web@1.2.3 ends"}, progress); diff != "" {
		t.Errorf("progress (-want +got):\n%s", diff)
	}
	if log.all != nil {
		t.Errorf("the log has %q", log.texts())
	}
	content, err := os.ReadFile(files[0])
	if err != nil {
		t.Fatal(err)
	}
	for _, damaged := range [][]byte{nil, content[:10], content[:len(content)/2], append([]byte("X"), content[1:]...)} {
		log.all = nil
		if err := os.WriteFile(files[0], damaged, 0o600); err != nil {
			t.Fatal(err)
		}
		use()
		texts := log.texts()
		if len(texts) != 1 || !strings.HasPrefix(texts[0], "warning: compilation cache: ") || !strings.HasSuffix(texts[0], ", so that it is cleared") {
			t.Errorf("%d bytes of %d: the log has %q", len(damaged), len(content), texts)
		}
		if healed, err := os.ReadFile(files[0]); err != nil || len(healed) != len(content) {
			t.Errorf("%d bytes of %d: the entry was not written again: %d bytes, %v", len(damaged), len(content), len(healed), err)
		}
	}
}

func TestCacheDirRefused(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		reason  string
		prepare func(dir string) error
		want    string
	}{
		{"the world may write", func(dir string) error { return os.Chmod(dir, 0o777) }, `^compilation cache: DIR: others may write to it \(mode 0777\), run chmod 700 DIR$`},
		{"the group may write", func(dir string) error { return os.Chmod(dir, 0o770) }, `^compilation cache: DIR: others may write to it \(mode 0770\), run chmod 700 DIR$`},
		{"the group may write to what is inside", func(dir string) error {
			own := filepath.Join(dir, "wazero-"+engineVersion)
			return joinErrors(os.Mkdir(own, 0o700), os.Chmod(own, 0o770))
		}, `^compilation cache: DIR/wazero-` + regexp.QuoteMeta(engineVersion) + `: others may write to it`},
		{"a file", func(dir string) error {
			return joinErrors(os.Remove(dir), os.WriteFile(dir, nil, 0o600))
		}, `^compilation cache: DIR: is not a folder$`},
	} {
		t.Run(c.reason, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			if err := c.prepare(dir); err != nil {
				t.Fatal(err)
			}
			_, err := New(t.Context(), Config{CacheDir: dir})
			want := regexp.MustCompile(strings.ReplaceAll(c.want, "DIR", regexp.QuoteMeta(dir)))
			if err == nil || !want.MatchString(err.Error()) {
				t.Errorf("got %v, want %s", err, want)
			}
		})
	}
}

func joinErrors(errs ...error) error {
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}

// fakeInfo is a folder with an owner of the test's choice.
type fakeInfo struct {
	fs.FileInfo
	sys any
}

func (f fakeInfo) Sys() any { return f.sys }

func TestCacheDirUnusable(t *testing.T) {
	t.Parallel()
	// A file where a parent folder should be stops even the superuser.
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	var log messages
	r := newRuntime(t, Config{CacheDir: filepath.Join(file, "cache"), Log: log.add})
	load(t, r, jsonManifest(), (&guestModule{}).build())
	want := []string{"warning: compilation cache: mkdir " + file + ": not a directory, so that plugins are compiled again in every process"}
	if diff := cmp.Diff(want, log.texts()); diff != "" {
		t.Errorf("log (-want +got):\n%s", diff)
	}
}
