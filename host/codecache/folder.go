package codecache

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"
)

// Below the folder that the user chose lies one for this layout of it, so that a host with another
// layout finds nothing that it could misread.
const (
	layoutName  = "code-1"
	scratchName = "scratch"
	locksName   = "locks"
)

// ErrUnsafe says that somebody else could put files in the folder. It must not be used.
var ErrUnsafe = errors.New("others could put files there")

// checkPrivate returns an error if someone else than the user could put files in a folder. One that
// does not exist is harmless.
func checkPrivate(dir string) error {
	info, err := os.Stat(dir)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil
	case err != nil:
		return err
	case !info.IsDir():
		return &unsafeError{dir, "is not a folder"}
	case info.Mode().Perm()&0o022 != 0:
		return &unsafeError{dir, fmt.Sprintf("others may write to it (mode %04o), run chmod 700 %s", info.Mode().Perm(), dir)}
	case !ownedByUser(info):
		return &unsafeError{dir, "belongs to another user, choose a folder of your own"}
	}
	return nil
}

// unsafeError is an [ErrUnsafe] that names the folder and what to do.
type unsafeError struct{ dir, problem string }

func (e *unsafeError) Error() string        { return e.dir + ": " + e.problem }
func (e *unsafeError) Is(target error) bool { return target == ErrUnsafe }

// layout returns the folder of this layout below dir, where a link on the way leads now: where it
// leads later does not matter. The folder may not exist.
func layout(dir string) (string, error) {
	if err := checkPrivate(dir); err != nil {
		return "", err
	}
	absolute, err := filepath.Abs(dir)
	if err != nil {
		return "", err
	}
	resolved, err := filepath.EvalSymlinks(absolute)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		resolved = absolute
	case err != nil:
		return "", err
	}
	own := filepath.Join(resolved, layoutName)
	if info, err := os.Lstat(own); err == nil && !info.IsDir() {
		return "", &unsafeError{own, "is not a folder"}
	}
	return own, checkPrivate(own)
}

// abandonedAfter is how old a scratch folder is that no one holds a lock on, before it is taken for
// one that a process left when it was killed. A process that has just made one takes the lock
// within microseconds.
const abandonedAfter = time.Minute

// makeScratch makes a folder for this process, and returns it with the lock that keeps others from
// removing it.
func makeScratch(parent string) (dir string, lock *os.File, err error) {
	if dir, err = os.MkdirTemp(parent, "*"); err != nil {
		return "", nil, err
	}
	lock, err = os.Open(dir)
	if err == nil {
		var free bool
		if free, err = tryLock(lock); err == nil && !free {
			err = fmt.Errorf("%s: somebody else has its lock", dir)
		}
	}
	if err != nil {
		return "", nil, errors.Join(err, closeScratch(dir, lock))
	}
	return dir, lock, nil
}

func closeScratch(dir string, lock *os.File) error {
	err := os.RemoveAll(dir)
	if lock != nil {
		err = errors.Join(err, lock.Close())
	}
	return err
}

// sweep removes what processes left that were killed. What goes wrong is left to the next one.
func sweep(parent string) {
	entries, err := os.ReadDir(parent)
	if err != nil {
		return
	}
	for _, e := range entries {
		info, err := e.Info()
		if err == nil && time.Since(info.ModTime()) > abandonedAfter {
			removeAbandoned(filepath.Join(parent, e.Name()))
		}
	}
}

func removeAbandoned(dir string) {
	lock, err := os.OpenFile(dir, os.O_RDONLY|openFlags, 0)
	if err != nil {
		return
	}
	defer func() { _ = lock.Close() }()
	if free, err := tryLock(lock); err == nil && free {
		_ = os.RemoveAll(dir)
	}
}
