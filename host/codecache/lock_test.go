package codecache

import (
	"context"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"
)

func TestLock(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	var inside, entered atomic.Int32
	var all sync.WaitGroup
	for range 8 {
		s := open(t, dir)
		all.Go(func() {
			for range 20 {
				unlock := s.Lock(context.Background(), Key{1})
				if inside.Add(1) != 1 {
					t.Error("two have the lock")
				}
				entered.Add(1)
				inside.Add(-1)
				unlock()
			}
		})
	}
	all.Wait()
	if n := entered.Load(); n != 8*20 {
		t.Errorf("%d had the lock", n)
	}
	if left, err := os.ReadDir(filepath.Join(dir, layoutName, locksName)); err != nil || len(left) > 0 {
		t.Errorf("files left: %v, %v", left, err)
	}
}

func TestLockIsNotWaitedForInVain(t *testing.T) {
	t.Parallel()
	s := open(t, t.TempDir())
	defer s.Lock(t.Context(), Key{1})()
	// Another key is free.
	s.Lock(t.Context(), Key{2})()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	s.Lock(ctx, Key{1})()
	// Who did not get it must not give it away.
	if f, err := lockFile(filepath.Join(s.dir, locksName, Key{1}.String())); f != nil || err != nil {
		t.Errorf("the lock is free: %v, %v", f, err)
	}
}

// TestLockOfKilledProcess finds a lock's file that no one holds.
func TestLockOfKilledProcess(t *testing.T) {
	t.Parallel()
	s := open(t, t.TempDir())
	path := filepath.Join(s.dir, locksName, Key{1}.String())
	if err := os.WriteFile(path, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	s.Lock(t.Context(), Key{1})()
	if _, err := os.Stat(path); err == nil {
		t.Error("the file stays")
	}
}

// TestLockOfRemovedFile locks a file that was removed, and made again by somebody else, between
// opening and locking it.
func TestLockOfRemovedFile(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "lock")
	f, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = f.Close() }()
	if !isStill(f, path) {
		t.Error("the file is there")
	}
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	if isStill(f, path) {
		t.Error("the file is gone")
	}
	if err := os.WriteFile(path, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if isStill(f, path) {
		t.Error("another file is there")
	}
}
