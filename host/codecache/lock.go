package codecache

import (
	"context"
	"os"
	"path/filepath"
	"time"
)

const (
	// lockWait bounds the wait for another process that makes the same entry. One that was stopped
	// would otherwise stop everyone.
	lockWait = time.Minute
	// lockPoll is the time between two tries; compiling takes a hundred times as long.
	lockPoll = 10 * time.Millisecond
)

// Lock waits until no one else makes an entry, so that it is not made twice. It only saves work:
// where there is no lock to be had, or not within a minute, or ctx is done, the entry is made
// without.
func (s *Store) Lock(ctx context.Context, key Key) (unlock func()) {
	ctx, cancel := context.WithTimeout(ctx, lockWait)
	defer cancel()
	path := filepath.Join(s.dir, locksName, key.String())
	for {
		f, err := lockFile(path)
		switch {
		case err != nil:
			return func() {}
		case f != nil:
			return func() {
				// It is removed while it is locked: who opened it meanwhile sees that it is gone
				// and begins again.
				_ = os.Remove(path)
				_ = f.Close()
			}
		}
		select {
		case <-ctx.Done():
			return func() {}
		case <-time.After(lockPoll):
		}
	}
}

// lockFile makes and locks a file. It returns nil when somebody else has it.
func lockFile(path string) (*os.File, error) {
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE|openFlags, 0o600)
	if err != nil {
		return nil, err
	}
	free, err := tryLock(f)
	if err == nil && free && isStill(f, path) {
		return f, nil
	}
	_ = f.Close()
	return nil, err
}

// isStill reports whether an open file is the one at path, and not one that was there.
func isStill(f *os.File, path string) bool {
	opened, err := f.Stat()
	if err != nil {
		return false
	}
	there, err := os.Lstat(path)
	return err == nil && os.SameFile(opened, there)
}
