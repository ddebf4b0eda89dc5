// Package filelock keeps processes, and goroutines of one process, from changing the same files at once.
package filelock

import (
	"errors"
	"os"
	"path/filepath"

	"golang.org/x/sys/unix"
)

// With runs do while it holds the lock that belongs to the file at path. The lock is advisory, and is gone when the
// process ends, however it ends. It lies in a file of its own beside path, because replacing path would leave others
// waiting for the replaced file. The folder must exist.
func With(path string, do func() error) (err error) {
	name := filepath.Join(filepath.Dir(path), "."+filepath.Base(path)+".flock")
	f, err := os.OpenFile(name, os.O_RDWR|os.O_CREATE, 0o644)
	if err != nil {
		return err
	}
	// Closing releases the lock. The file stays: removing it would let two processes lock two files of one name.
	defer func() { err = errors.Join(err, f.Close()) }()
	if err := exclusive(int(f.Fd())); err != nil {
		return &os.PathError{Op: "flock", Path: name, Err: err}
	}
	return do()
}

func exclusive(fd int) error {
	for {
		err := unix.Flock(fd, unix.LOCK_EX)
		if !errors.Is(err, unix.EINTR) {
			return err
		}
	}
}
