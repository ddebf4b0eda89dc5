// Package filelock keeps processes, and goroutines of one process, from changing the same files at
// once.
package filelock

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"time"

	"golang.org/x/sys/unix"
)

// With runs do while it holds the lock that belongs to the file at path. The lock is advisory, and
// is gone when the process ends, however it ends. It lies in a file of its own next to path,
// because replacing path would leave others waiting for the replaced file. The folder must exist.
func With(path string, do func() error) (err error) {
	name := filepath.Join(filepath.Dir(path), "."+filepath.Base(path)+".flock")
	f, err := os.OpenFile(name, os.O_RDWR|os.O_CREATE, 0o644)
	if err != nil {
		return err
	}
	// Closing releases the lock. The file stays: removing it would let two processes lock two files
	// of one name.
	defer func() { err = errors.Join(err, f.Close()) }()
	if err := flock(f, unix.LOCK_EX); err != nil {
		return err
	}
	return do()
}

// retry is how often [Hold] looks whether a lock is free.
const retry = 20 * time.Millisecond

// Hold takes the lock of an open file or folder, and waits for it until ctx is done. Closing the
// file releases it.
func Hold(ctx context.Context, f *os.File) error {
	for {
		err := flock(f, unix.LOCK_EX|unix.LOCK_NB)
		if !errors.Is(err, unix.EWOULDBLOCK) {
			return err
		}
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-time.After(retry):
		}
	}
}

func flock(f *os.File, how int) error {
	for {
		err := unix.Flock(int(f.Fd()), how)
		switch {
		case err == nil:
			return nil
		case !errors.Is(err, unix.EINTR):
			return &os.PathError{Op: "flock", Path: f.Name(), Err: err}
		}
	}
}
