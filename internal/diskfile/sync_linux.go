package diskfile

import (
	"errors"
	"os"
	"syscall"

	"golang.org/x/sys/unix"
)

// syncFileSystems makes everything durable that was written to the file systems of folders.
func syncFileSystems(folders map[string]bool) (done bool, err error) {
	synced := map[uint64]bool{}
	for folder := range folders {
		if err := syncFileSystem(folder, synced); err != nil {
			return false, err
		}
	}
	return true, nil
}

func syncFileSystem(folder string, synced map[uint64]bool) (err error) {
	f, err := os.Open(folder)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	info, err := f.Stat()
	if err != nil {
		return err
	}
	stat, ok := info.Sys().(*syscall.Stat_t)
	if ok && synced[stat.Dev] {
		return nil
	}
	if err := unix.Syncfs(int(f.Fd())); err != nil {
		return &os.PathError{Op: "syncfs", Path: folder, Err: err}
	}
	if ok {
		synced[stat.Dev] = true
	}
	return nil
}
