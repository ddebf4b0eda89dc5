package codecache

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func header(file string) Header {
	return Header{Engine: "engine 1", Plugin: "acme/web@1.2.3", Digest: "sha256:00ff", File: file}
}

func open(t testing.TB, dir string) *Store {
	t.Helper()
	s, err := Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

func put(t testing.TB, s *Store, key Key, code string) {
	t.Helper()
	if err := s.Put(key, header("code"), []byte(code)); err != nil {
		t.Fatal(err)
	}
}

// tree returns what lies below a folder, without what belongs to stores that are open.
func tree(t *testing.T, dir string) []string {
	t.Helper()
	var files []string
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err == nil && !d.IsDir() {
			files = append(files, strings.TrimPrefix(path, dir+string(filepath.Separator)))
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return files
}

func TestPutAndCopy(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "a", "cache")
	to := t.TempDir()
	s := open(t, dir)
	if _, err := s.Copy(Key{1}, to, ""); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("before it is put: %v", err)
	}
	for _, code := range []string{"first", "", strings.Repeat("second", 1<<20)} {
		put(t, s, Key{1}, code)
		file, err := open(t, dir).Copy(Key{1}, to, "")
		if err != nil || file != filepath.Join(to, "code") {
			t.Fatalf("got %q, %v", file, err)
		}
		if got, err := os.ReadFile(file); err != nil || string(got) != code {
			t.Errorf("%d bytes came back as %d, %v", len(code), len(got), err)
		}
		if err := s.Check(Key{1}); err != nil {
			t.Error(err)
		}
	}
	for path, want := range map[string]fs.FileMode{dir: 0o700, s.Path(Key{1}): 0o600, s.Scratch(): 0o700} {
		if info, err := os.Stat(path); err != nil || info.Mode().Perm() != want {
			t.Errorf("%s has mode %v, %v", path, info.Mode(), err)
		}
	}
	if diff := cmp.Diff([]string{filepath.Join(layoutName, Key{1}.String())}, tree(t, dir)); diff != "" {
		t.Errorf("files (-want +got):\n%s", diff)
	}
	if err := s.Put(Key{1}, header("../code"), nil); err == nil {
		t.Error("an entry was kept whose file leads out of its folder")
	}
}

// TestDamaged changes an entry in every way that a file can be changed.
func TestDamaged(t *testing.T) {
	t.Parallel()
	s := open(t, t.TempDir())
	to := t.TempDir()
	key, path := Key{1}, s.Path(Key{1})
	put(t, s, Key{2}, "the code of another")
	other, err := os.ReadFile(s.Path(Key{2}))
	if err != nil {
		t.Fatal(err)
	}
	put(t, s, key, "the code")
	whole, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	refused := func(reason string) {
		t.Helper()
		if file, err := s.Copy(key, to, ""); !errors.Is(err, ErrDamaged) || file != "" {
			t.Errorf("%s: got %q, %v", reason, file, err)
		}
		if err := s.Check(key); !errors.Is(err, ErrDamaged) {
			t.Errorf("%s: the check says %v", reason, err)
		}
		if left := tree(t, s.Scratch()); left != nil {
			t.Fatalf("%s: files left: %q", reason, left)
		}
	}
	write := func(reason string, content []byte) {
		t.Helper()
		if err := os.WriteFile(path, content, 0o600); err != nil {
			t.Fatal(err)
		}
		refused(reason)
	}
	for n := range whole {
		write(fmt.Sprint("cut to ", n), whole[:n])
		for _, bit := range []byte{1, 0x20, 0x80} {
			flipped := bytes.Clone(whole)
			flipped[n] ^= bit
			write(fmt.Sprint("flipped at ", n), flipped)
		}
	}
	write("longer", append(bytes.Clone(whole), 0))
	write("another's", other)
	write("text", []byte("hello"))
	write("a header of 4 GiB", slices.Concat(whole[:prefixBytes-4], []byte{0xff, 0xff, 0xff, 0xff}, whole[prefixBytes:]))
	for _, file := range []string{"../code", "/etc/passwd", "a/b", "", "."} {
		write("leads to "+file, forged(t, key, file))
	}
	for reason, replace := range map[string]func() error{
		"a folder": func() error { return os.MkdirAll(filepath.Join(path, "inside"), 0o700) },
		"a link": func() error {
			good := filepath.Join(to, "good")
			return errors.Join(os.WriteFile(good, whole, 0o600), os.Symlink(good, path))
		},
		"a link to nowhere": func() error { return os.Symlink("nowhere", path) },
		"a pipe":            func() error { return makePipe(path) },
		"writable by others": func() error {
			return errors.Join(os.WriteFile(path, whole, 0o600), os.Chmod(path, 0o666))
		},
	} {
		if err := errors.Join(s.Discard(key), replace()); err != nil {
			t.Fatal(err)
		}
		refused(reason)
	}
	if err := s.Discard(key); err != nil {
		t.Fatal(err)
	}
	put(t, s, key, "the code")
	if _, err := s.Copy(key, to, ""); err != nil {
		t.Errorf("the entry does not come back: %v", err)
	}
}

// forged returns an entry with a right checksum and a wrong file name.
func forged(t *testing.T, key Key, file string) []byte {
	t.Helper()
	good, err := encode(key, header("code"), []byte("the code"))
	if err != nil {
		t.Fatal(err)
	}
	b := bytes.Replace(good, []byte(`"file":"code"`), []byte(`"file":"`+file+`"`), 1)
	if bytes.Equal(good, b) {
		t.Fatal("the header has no file")
	}
	return sealed(b, len(b)-len("the code")-prefixBytes)
}

func TestEntryOfAnotherUser(t *testing.T) {
	t.Parallel()
	info, err := os.Stat(filepath.Join("testdata", "..", "doc.go"))
	if err != nil {
		t.Fatal(err)
	}
	if err := checkEntryFile(foreignInfo{info}); !errors.Is(err, ErrDamaged) {
		t.Errorf("got %v", err)
	}
}

// foreignInfo is a file of no one.
type foreignInfo struct{ fs.FileInfo }

func (foreignInfo) Sys() any { return nil }

// age says that an entry was used last some time ago.
func age(t *testing.T, path string, ago time.Duration) {
	t.Helper()
	at := time.Now().Add(-ago)
	if err := os.Chtimes(path, at, at); err != nil {
		t.Fatal(err)
	}
}

func TestBound(t *testing.T) {
	t.Parallel()
	s := open(t, t.TempDir())
	code := strings.Repeat("x", 1000)
	for i := range byte(4) {
		put(t, s, Key{i}, code)
		age(t, s.Path(Key{i}), time.Duration(10-i)*time.Hour)
	}
	// Using it makes the oldest the newest.
	if err := s.Check(Key{0}); err != nil {
		t.Fatal(err)
	}
	info, err := os.Stat(s.Path(Key{0}))
	if err != nil {
		t.Fatal(err)
	}
	s.maxBytes = 3 * info.Size()
	put(t, s, Key{4}, code)
	if diff := cmp.Diff([]Key{{0}, {3}, {4}}, keys(t, s)); diff != "" {
		t.Errorf("kept (-want +got):\n%s", diff)
	}
	s.maxBytes = 10
	put(t, s, Key{5}, code)
	if diff := cmp.Diff([]Key{{5}}, keys(t, s)); diff != "" {
		t.Errorf("kept when nothing fits (-want +got):\n%s", diff)
	}
}

func keys(t *testing.T, s *Store) []Key {
	t.Helper()
	files, err := entryFiles(s.dir)
	if err != nil {
		t.Fatal(err)
	}
	var all []Key
	for _, f := range files {
		all = append(all, f.key)
	}
	slices.SortFunc(all, func(a, b Key) int { return bytes.Compare(a[:], b[:]) })
	return all
}

func TestListAndClear(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	if listed, err := List(filepath.Join(dir, "missing")); err != nil || len(listed) > 0 {
		t.Errorf("a folder that is missing: %v, %v", listed, err)
	}
	if n, bytes, err := Clear(filepath.Join(dir, "missing"), time.Time{}); n != 0 || bytes != 0 || err != nil {
		t.Errorf("clearing a folder that is missing: %d, %d, %v", n, bytes, err)
	}
	s := open(t, dir)
	for i := range byte(3) {
		put(t, s, Key{i}, "code")
		age(t, s.Path(Key{i}), time.Duration(i)*time.Hour)
	}
	if err := os.Truncate(s.Path(Key{1}), 20); err != nil {
		t.Fatal(err)
	}
	age(t, s.Path(Key{1}), time.Hour)
	foreign := []string{filepath.Join(dir, "notes"), filepath.Join(s.dir, "notes"), filepath.Join(s.dir, strings.ToUpper(Key{0xaa}.String()))}
	for _, file := range foreign {
		if err := os.WriteFile(file, nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	listed, err := List(dir)
	if err != nil || len(listed) != 3 {
		t.Fatalf("got %v, %v", listed, err)
	}
	for i, l := range listed {
		damaged := i == 1
		if l.Key != (Key{byte(i)}) || errors.Is(l.Err, ErrDamaged) != damaged || (l.Header == header("code")) == damaged || l.Bytes == 0 {
			t.Errorf("entry %d is %+v", i, l)
		}
	}
	if n, bytes, err := Clear(dir, time.Now().Add(-90*time.Minute)); n != 1 || bytes != listed[2].Bytes || err != nil {
		t.Errorf("clearing what is old removed %d, %d bytes, %v", n, bytes, err)
	}
	if n, _, err := Clear(dir, time.Time{}); n != 2 || err != nil {
		t.Errorf("clearing removed %d, %v", n, err)
	}
	for _, file := range foreign {
		if _, err := os.Stat(file); err != nil {
			t.Errorf("a foreign file was deleted: %v", err)
		}
	}
	put(t, s, Key{1}, "again")
}

func TestUnsafeFolder(t *testing.T) {
	t.Parallel()
	for reason, c := range map[string]struct {
		prepare func(dir string) error
		want    string
	}{
		"the world may write": {
			func(dir string) error { return os.Chmod(dir, 0o777) },
			`^DIR: others may write to it \(mode 0777\), run chmod 700 DIR$`,
		},
		"the group may write": {
			func(dir string) error { return os.Chmod(dir, 0o770) },
			`^DIR: others may write to it \(mode 0770\), run chmod 700 DIR$`,
		},
		"the group may write to what is inside": {
			func(dir string) error {
				own := filepath.Join(dir, layoutName)
				return errors.Join(os.Mkdir(own, 0o700), os.Chmod(own, 0o770))
			},
			`^DIR/code-1: others may write to it`,
		},
		"the group may write to scratch folders": {
			func(dir string) error {
				own := filepath.Join(dir, layoutName, scratchName)
				return errors.Join(os.MkdirAll(own, 0o700), os.Chmod(own, 0o770))
			},
			`^DIR/code-1/scratch: others may write to it`,
		},
		"a file": {
			func(dir string) error { return errors.Join(os.Remove(dir), os.WriteFile(dir, nil, 0o600)) },
			`^DIR: is not a folder$`,
		},
		"a link inside": {
			func(dir string) error { return os.Symlink(".", filepath.Join(dir, layoutName)) },
			`^DIR/code-1: is not a folder$`,
		},
	} {
		t.Run(reason, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			if err := c.prepare(dir); err != nil {
				t.Fatal(err)
			}
			want := regexp.MustCompile(strings.ReplaceAll(c.want, "DIR", regexp.QuoteMeta(dir)))
			if _, err := Open(dir); !errors.Is(err, ErrUnsafe) || !want.MatchString(err.Error()) {
				t.Errorf("got %v, want %s", err, want)
			}
		})
	}
}

// TestLinkToFolder has the working directory change under a store whose folder is a relative link.
func TestLinkToFolder(t *testing.T) {
	dir := t.TempDir()
	if err := errors.Join(os.Mkdir(filepath.Join(dir, "real"), 0o700), os.Symlink("real", filepath.Join(dir, "link"))); err != nil {
		t.Fatal(err)
	}
	t.Chdir(dir)
	s := open(t, "link")
	t.Chdir(t.TempDir())
	put(t, s, Key{1}, "code")
	if got := tree(t, filepath.Join(dir, "real")); len(got) != 1 {
		t.Errorf("the folder that the link led to holds %q", got)
	}
}

func TestUnusableFolder(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	if err := errors.Join(os.WriteFile(filepath.Join(dir, "file"), nil, 0o600), os.Symlink("nowhere", filepath.Join(dir, "dangling"))); err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{filepath.Join("file", "below"), "dangling"} {
		if s, err := Open(filepath.Join(dir, path)); err == nil || errors.Is(err, ErrUnsafe) {
			t.Errorf("%s: got %v, %v", path, s, err)
		}
	}
}

func TestAbandonedScratchIsSwept(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	running := open(t, dir)
	parent := filepath.Dir(running.Scratch())
	killed, young := filepath.Join(parent, "killed"), filepath.Join(parent, "young")
	for _, d := range []string{killed, young} {
		if err := os.MkdirAll(filepath.Join(d, "inside"), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	age(t, killed, 2*abandonedAfter)
	age(t, running.Scratch(), 2*abandonedAfter)
	open(t, dir)
	if _, err := os.Stat(killed); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("the folder of a process that is gone stays: %v", err)
	}
	for _, d := range []string{young, running.Scratch()} {
		if _, err := os.Stat(d); err != nil {
			t.Errorf("a folder that is in use is gone: %v", err)
		}
	}
}

// TestSkeleton keeps something next to a compiled module, which goes with it.
func TestSkeleton(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	s := open(t, dir)
	if _, _, err := s.Skeleton(Key{1}); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("before it is put: %v", err)
	}
	put(t, s, Key{1}, "code")
	if err := s.PutSkeleton(Key{1}, header("code"), []byte("bones")); err != nil {
		t.Fatal(err)
	}
	if h, got, err := s.Skeleton(Key{1}); err != nil || string(got) != "bones" || h.File != "code" {
		t.Errorf("got %+v, %q, %v", h, got, err)
	}
	if listed, err := List(dir); err != nil || len(listed) != 1 {
		t.Errorf("the list has %+v, %v", listed, err)
	}
	if err := os.WriteFile(s.SkeletonPath(Key{1}), []byte("x"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, _, err := s.Skeleton(Key{1}); !errors.Is(err, ErrDamaged) {
		t.Errorf("a damaged one: %v", err)
	}
	if n, _, err := Clear(dir, time.Time{}); err != nil || n != 1 {
		t.Errorf("%d compiled modules were removed, %v", n, err)
	}
	if left := tree(t, filepath.Join(dir, layoutName)); left != nil {
		t.Errorf("%q are left", left)
	}
}
