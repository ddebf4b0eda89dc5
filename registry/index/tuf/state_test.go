package tuf_test

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/latticenet/lattice-host/registry/index/tuf"
)

// The environment that makes the test program refresh instead of running tests: the folder of the
// state, and the folders of the index, one for each time that it was published.
const (
	childState  = "LATTICE_TEST_STATE"
	childIndex  = "LATTICE_TEST_INDEX"
	childRounds = "LATTICE_TEST_ROUNDS"
)

func TestMain(m *testing.M) {
	if os.Getenv(childState) == "" {
		os.Exit(m.Run())
	}
	if err := child(os.Getenv(childState), os.Getenv(childIndex), os.Getenv(childRounds) == ""); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// child refreshes from each folder in turn, forever or once. That another process was faster is no
// error.
func child(state, index string, forever bool) error {
	for first := true; first || forever; first = false {
		folders, err := filepath.Glob(filepath.Join(index, "*"))
		if err != nil {
			return err
		}
		for _, folder := range folders {
			if err := refreshFrom(state, folder); err != nil && !errors.Is(err, tuf.ErrRollback) {
				return err
			}
		}
		if forever {
			// What is already there would otherwise be all that is left to do.
			if err := os.RemoveAll(filepath.Join(state, "state.json")); err != nil {
				return err
			}
		}
	}
	return nil
}

func refreshFrom(state, folder string) error {
	root, err := os.ReadFile(filepath.Join(folder, "metadata", "1.root.json"))
	if err != nil {
		return err
	}
	source, err := tuf.OpenFolder(folder)
	if err != nil {
		return err
	}
	c, err := tuf.Open(tuf.Config{
		Root: root, Dir: state, Source: source, Keep: []string{tuf.RevocationsTarget}, Clock: func() time.Time { return start },
	})
	if err != nil {
		return errors.Join(err, source.Close())
	}
	_, err = c.Refresh(context.Background())
	return errors.Join(err, source.Close())
}

// history publishes an index n times and returns the parent of the folders.
func history(h *harness, n int) (dir string) {
	h.Helper()
	dir = h.TempDir()
	for i := range n {
		h.repo.AddTarget(targets, tuf.RevocationsTarget, fmt.Appendf(nil, "revocations %d", i))
		h.repo.PublishRoot()
		h.repo.PublishAll()
		h.repo.WriteFolder(filepath.Join(dir, fmt.Sprintf("%03d", i)))
	}
	return dir
}

func startChild(t *testing.T, state, index, rounds string) *exec.Cmd {
	t.Helper()
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), childState+"="+state, childIndex+"="+index, childRounds+"="+rounds)
	cmd.Stderr = os.Stderr
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	return cmd
}

// readable checks that the state is whole: what was verified last can be read, with what was to be
// kept.
func (h *harness) readable() {
	h.Helper()
	v, err := h.open().Verified()
	if errors.Is(err, tuf.ErrNotFound) {
		return
	}
	h.check(err)
	h.check(ignore(v.Target(context.Background(), tuf.RevocationsTarget)))
}

func TestAttack46_Processes(t *testing.T) {
	t.Parallel()
	h := newHarness(t, false)
	index := history(h, 6)
	first, second := startChild(t, h.config.Dir, index, "1"), startChild(t, h.config.Dir, index, "1")
	h.check(errors.Join(first.Wait(), second.Wait()))
	h.versions(7, 7, 7, 7)
	h.readable()
}

func TestAttack46_Goroutines(t *testing.T) {
	t.Parallel()
	h := newHarness(t, false)
	h.repo.AddTarget(targets, tuf.RevocationsTarget, []byte("none"))
	h.repo.AddTarget(targets, web1, []byte("one"))
	h.repo.PublishAll()
	h.config.Keep = []string{tuf.RevocationsTarget}
	client := h.open()
	v := h.refresh()
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			if _, err := client.Refresh(context.Background()); err != nil {
				t.Error(err)
			}
			if _, err := v.Target(context.Background(), web1); err != nil {
				t.Error(err)
			}
			if _, err := client.Verified(); err != nil {
				t.Error(err)
			}
			_ = v.Roles()
		})
	}
	wg.Wait()
}

// TestAttack46_Killed kills refreshes at many moments.
func TestAttack46_Killed(t *testing.T) {
	t.Parallel()
	h := newHarness(t, false)
	index := history(h, 6)
	for i := range 10 {
		cmd := startChild(t, h.config.Dir, index, "")
		time.Sleep(time.Duration(20+11*i) * time.Millisecond)
		h.check(cmd.Process.Kill())
		if err := cmd.Wait(); err == nil {
			t.Fatal("the process ended before it was killed")
		}
		h.readable()
	}
	h.refresh()
	h.versions(7, 7, 7, 7)
	var left []string
	h.check(filepath.WalkDir(h.config.Dir, func(path string, d fs.DirEntry, err error) error {
		if strings.Contains(d.Name(), ".tmp-") {
			left = append(left, path)
		}
		return err
	}))
	if len(left) > 0 {
		t.Errorf("files left: %v", left)
	}
}

// TestFailedRefreshKeepsView: a new timestamp without its snapshot must not take away what was
// verified.
func TestFailedRefreshKeepsView(t *testing.T) {
	t.Parallel()
	for _, file := range []string{"timestamp.json", "2.snapshot.json", "2.targets.json"} {
		t.Run(file, func(t *testing.T) {
			t.Parallel()
			h := newHarness(t, false)
			want := h.refresh().Roles()
			for i, role := range []string{timestamp, snapshot, targets} {
				old := h.repo.Keys[role]
				h.repo.Rotate(role, 1, append(old, newKeys(byte(i))...)...)
			}
			h.repo.PublishRoot()
			h.repo.PublishAll()
			h.repo.Remove("metadata/" + file)
			h.refuse(tuf.ErrUnavailable, file)
			v, err := h.open().Verified()
			h.check(err)
			if diff := cmp.Diff(want, v.Roles()); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// TestKeptTargetUnavailable: a refresh has succeeded only when all that must be readable later is
// there.
func TestKeptTargetUnavailable(t *testing.T) {
	t.Parallel()
	h := newHarness(t, false)
	h.config.Keep = []string{tuf.RevocationsTarget}
	h.repo.AddTarget(targets, tuf.RevocationsTarget, []byte("one"))
	h.repo.PublishAll()
	h.refresh()
	h.repo.AddTarget(targets, tuf.RevocationsTarget, []byte("two"))
	h.repo.PublishAll()
	h.repo.Remove("targets/" + location(tuf.RevocationsTarget, "two"))
	h.refuse(tuf.ErrUnavailable, tuf.RevocationsTarget)
	v, err := h.open().Verified()
	h.check(err)
	target, err := v.Target(context.Background(), tuf.RevocationsTarget)
	h.check(err)
	if string(target.Data) != "one" {
		t.Errorf("%s", target.Data)
	}
}

// TestDelegatedOffline reads what a delegated role lists, which was fetched while the source was
// there.
func TestDelegatedOffline(t *testing.T) {
	t.Parallel()
	h := newHarness(t, false)
	h.delegate(delegation{from: targets, to: "a"}, delegation{from: targets, to: "b", paths: []string{"releases/beta/*/*"}})
	h.repo.AddTarget("a", web1, []byte("one"))
	h.repo.PublishAll()
	h.download(web1)
	h.config.Source = nil
	v, err := h.open().Verified()
	h.check(err)
	target, err := v.Target(context.Background(), web1)
	h.check(err)
	if string(target.Data) != "one" {
		t.Errorf("%s", target.Data)
	}
	_, err = v.Target(context.Background(), api1)
	h.wants(err, tuf.ErrUnavailable, "b: it was not fetched when the index was last refreshed")
}

func TestDamagedState(t *testing.T) {
	t.Parallel()
	// spoil changes the one file that matches.
	spoil := func(h *harness, pattern string, change func(string) error) {
		h.Helper()
		files, err := filepath.Glob(filepath.Join(h.config.Dir, pattern))
		if err != nil || len(files) == 0 {
			h.Fatal(pattern, err)
		}
		for _, file := range files {
			h.check(change(file))
		}
	}
	overwrite := func(text string) func(string) error {
		return func(file string) error { return os.WriteFile(file, []byte(text), 0o644) }
	}
	tests := map[string]struct {
		pattern string
		change  func(string) error
	}{
		"RecordEmpty":     {"state.json", overwrite("")},
		"RecordOther":     {"state.json", overwrite(`{"version":2,"root":1,"seen":{},"roles":{},"kept":[]}`)},
		"RecordUnknown":   {"state.json", overwrite(`{"version":1,"root":1,"seen":{},"roles":{},"kept":[],"x":1}`)},
		"RecordTraversal": {"state.json", overwrite(`{"version":1,"root":1,"seen":{"timestamp":"../../x"},"roles":{},"kept":[]}`)},
		"RecordTime":      {"state.json", overwrite(`{"version":1,"root":1,"seen":{},"roles":{},"kept":[],"verified":{"at":"now","root":1,"timestamp":"","snapshot":"","targets":""}}`)},
		"Clock":           {"clock", overwrite("yesterday")},
		"MetadataEdited":  {"metadata/*", overwrite("{}")},
		"MetadataRemoved": {"metadata/*", os.Remove},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := newHarness(t, false)
			h.refresh()
			spoil(h, tc.pattern, tc.change)
			h.refuse(tuf.ErrState, "remove the folder "+h.config.Dir)
		})
	}
}

// TestOlderMetadataInState puts an older timestamp in place of the newest: it is not a
// baseline.
func TestOlderMetadataInState(t *testing.T) {
	t.Parallel()
	h := newHarness(t, false)
	old := h.repo.Get("metadata/timestamp.json")
	h.repo.PublishTimestamp()
	h.refresh()
	sum := sha256.Sum256(h.repo.Get("metadata/timestamp.json"))
	file := filepath.Join(h.config.Dir, "metadata", hex.EncodeToString(sum[:]))
	h.check(os.WriteFile(file, old, 0o644))
	h.repo.Set("metadata/timestamp.json", old)
	h.refuse(tuf.ErrState, "the content does not have the digest in its name")
}

// TestSweep removes what a killed process left, and metadata that is out of use.
func TestSweep(t *testing.T) {
	t.Parallel()
	h := newHarness(t, false)
	h.refresh()
	for _, folder := range []string{"roots", "metadata", "targets"} {
		h.check(os.WriteFile(filepath.Join(h.config.Dir, folder, ".x.tmp-1"), nil, 0o600))
	}
	h.repo.PublishAll()
	h.refresh()
	var files []string
	for _, folder := range []string{"roots", "metadata", "targets"} {
		entries, err := os.ReadDir(filepath.Join(h.config.Dir, folder))
		h.check(err)
		for _, e := range entries {
			files = append(files, e.Name())
		}
	}
	if len(files) != 3 {
		t.Errorf("want timestamp, snapshot and targets, got %v", files)
	}
}

// TestManyTargets fills the folder of targets: it does not grow forever, and what must be kept
// stays.
func TestManyTargets(t *testing.T) {
	t.Parallel()
	h := newHarness(t, false)
	h.config.Keep = []string{tuf.RevocationsTarget}
	h.repo.AddTarget(targets, tuf.RevocationsTarget, []byte("none"))
	h.repo.PublishAll()
	h.refresh()
	folder := filepath.Join(h.config.Dir, "targets")
	for i := range 4096 {
		h.check(os.WriteFile(filepath.Join(folder, fmt.Sprintf("%064x", i)), nil, 0o644))
	}
	h.refresh()
	entries, err := os.ReadDir(folder)
	h.check(err)
	if len(entries) != 1 {
		t.Errorf("%d targets are left", len(entries))
	}
	h.readable()
}

// TestReadingChangesNothing: what was verified can be read from a folder that must not be written
// to.
func TestReadingChangesNothing(t *testing.T) {
	t.Parallel()
	h := newHarness(t, false)
	h.config.Keep = []string{tuf.RevocationsTarget}
	h.repo.AddTarget(targets, tuf.RevocationsTarget, []byte("one"))
	h.repo.PublishAll()
	h.refresh()
	before := listing(h)
	h.readable()
	if diff := cmp.Diff(before, listing(h)); diff != "" {
		t.Errorf("reading changed the folder:\n%s", diff)
	}
}

func listing(h *harness) (files map[string]string) {
	h.Helper()
	files = map[string]string{}
	h.check(filepath.WalkDir(h.config.Dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		info, err := d.Info()
		if err != nil {
			return err
		}
		files[path] = info.ModTime().String()
		return nil
	}))
	return files
}
