package diskfile_test

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/latticenet/lattice-host/internal/diskfile"
)

func check(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// TestBatch writes few files, and so many that their file system is synced, into folders that are
// not there yet.
func TestBatch(t *testing.T) {
	t.Parallel()
	for _, n := range []int{0, 3, 200} {
		t.Run(fmt.Sprint(n), func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			name := func(i int) string { return filepath.Join(dir, "a", fmt.Sprint(i%7), "b", fmt.Sprint(i)) }
			var b diskfile.Batch
			var group sync.WaitGroup
			for i := range n {
				group.Go(func() {
					if err := b.MkdirAll(filepath.Dir(name(i))); err != nil {
						t.Error(err)
					}
					if err := b.Replace(name(i), fmt.Append(nil, i), 0o644); err != nil {
						t.Error(err)
					}
				})
			}
			group.Wait()
			check(t, b.Sync())
			for i := range n {
				data, err := os.ReadFile(name(i))
				if err != nil || string(data) != fmt.Sprint(i) {
					t.Errorf("%q, %v", data, err)
				}
			}
		})
	}
}

// TestBatchReports a file that cannot be made durable, and forgets it then.
func TestBatchReports(t *testing.T) {
	t.Parallel()
	for _, n := range []int{1, 100} {
		dir := t.TempDir()
		var b diskfile.Batch
		for i := range n {
			check(t, b.Replace(filepath.Join(dir, fmt.Sprint(i)), nil, 0o644))
		}
		check(t, os.RemoveAll(dir))
		if err := b.Sync(); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("%d files: %v", n, err)
		}
		check(t, b.Sync())
	}
}

func TestTidy(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	check(t, diskfile.Tidy(filepath.Join(dir, "absent")))
	longAgo := time.Now().Add(-2 * time.Hour)
	for name, want := range map[string]struct{ old, stays bool }{
		".a.tmp-1": {true, false}, ".b.tmp-1": {false, true}, "c.tmp-1": {true, true}, ".d": {true, true}, "e": {true, true},
	} {
		file := filepath.Join(dir, name)
		check(t, os.WriteFile(file, nil, 0o600))
		if want.old {
			check(t, os.Chtimes(file, longAgo, longAgo))
		}
		check(t, diskfile.Tidy(dir))
		if _, err := os.Stat(file); (err == nil) != want.stays {
			t.Errorf("%s: %v", name, err)
		}
	}
	// What Replace writes meanwhile has such a name.
	blocked := filepath.Join(dir, "folder")
	check(t, os.MkdirAll(filepath.Join(blocked, "x"), 0o755))
	if err := diskfile.Replace(blocked, nil, 0o644); err == nil {
		t.Error("a file replaced a folder")
	}
	entries, err := filepath.Glob(filepath.Join(dir, ".folder.tmp-*"))
	if err != nil || len(entries) > 0 {
		t.Errorf("%v, %v", entries, err)
	}
}
