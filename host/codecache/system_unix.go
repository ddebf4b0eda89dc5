//go:build unix

package codecache

import (
	"errors"
	"io/fs"
	"os"
	"syscall"

	"golang.org/x/sys/unix"
)

// ownedByUser reports whether the file belongs to the user that runs the host.
func ownedByUser(info fs.FileInfo) bool {
	stat, ok := info.Sys().(*syscall.Stat_t)
	return ok && int(stat.Uid) == os.Geteuid()
}

// openFlags refuse a link and do not wait for somebody to write to a pipe.
const openFlags = unix.O_NOFOLLOW | unix.O_NONBLOCK

// isLink reports whether a file was not opened because it is a link.
func isLink(err error) bool { return errors.Is(err, unix.ELOOP) || errors.Is(err, unix.EMLINK) }

// tryLock takes the lock of an open file or folder for as long as it is open, and reports whether
// no one else has it. The lock is advisory, and ends with the process, however that ends.
func tryLock(f *os.File) (bool, error) {
	for {
		err := unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB)
		switch {
		case err == nil:
			return true, nil
		case errors.Is(err, unix.EWOULDBLOCK):
			return false, nil
		case !errors.Is(err, unix.EINTR):
			return false, &os.PathError{Op: "flock", Path: f.Name(), Err: err}
		}
	}
}
