package directory

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io"
	"io/fs"
	"os"
	"path"
	"slices"
	"syscall"

	"golang.org/x/sync/errgroup"
	"golang.org/x/sys/unix"

	"github.com/latticenet/lattice-host/internal/diskfile"
)

// disk is the folder. Nothing outside can be reached through it.
type disk struct {
	root *os.Root
	// before is called before each operation that changes something, and may fail it.
	before func() error
}

// The modes of what the executor makes. What it keeps for itself has every object of the last
// revisions, Secrets too, and is no one else's; anyone who delivers the folder reads the objects.
const (
	ownMode          fs.FileMode = 0o600
	ownFolderMode    fs.FileMode = 0o700
	objectMode       fs.FileMode = 0o644
	objectFolderMode fs.FileMode = 0o755
)

// write makes a file with content, which is on the disk when it was synced. What was there is lost;
// a kill leaves a part.
func (d *disk) write(name string, data []byte, mode fs.FileMode) (err error) {
	// A link that somebody put there must not lead to a file.
	if err := d.remove(name); err != nil {
		return err
	}
	if err := d.before(); err != nil {
		return err
	}
	f, err := d.root.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, mode)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	// In two parts, so that a test can end the process between them.
	for _, part := range [][]byte{data[:len(data)/2], data[len(data)/2:]} {
		if err := d.before(); err != nil {
			return err
		}
		if _, err := f.Write(part); err != nil {
			return err
		}
	}
	// The process's umask must not matter.
	return f.Chmod(mode)
}

// syncers is how many files are synced at once: a disk takes about as long for them as for one.
const syncers = 16

// syncAll has files on the disk when it returns.
func (d *disk) syncAll(names []string) error {
	var group errgroup.Group
	group.SetLimit(syncers)
	for _, name := range names {
		group.Go(func() error { return d.sync(name) })
	}
	return group.Wait()
}

// replace puts a file in place at once: by way of a staged file, which must be no one else's.
func (d *disk) replace(staged, name string, data []byte) error {
	if err := d.write(staged, data, ownMode); err != nil {
		return err
	}
	if err := d.sync(staged); err != nil {
		return err
	}
	if err := d.rename(staged, name); err != nil {
		return err
	}
	return d.sync(path.Dir(name))
}

func (d *disk) rename(from, to string) error {
	if err := d.before(); err != nil {
		return err
	}
	return d.root.Rename(from, to)
}

// remove removes a file or an empty folder, if it is there.
func (d *disk) remove(name string) error {
	if err := d.before(); err != nil {
		return err
	}
	if err := d.root.Remove(name); !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}

// removeEmpty removes a folder unless something is in it. What is not a folder stays.
func (d *disk) removeEmpty(name string) error {
	info, err := d.root.Lstat(name)
	if errors.Is(err, fs.ErrNotExist) || err == nil && !info.IsDir() {
		return nil
	}
	if err != nil {
		return err
	}
	if err := d.remove(name); !errors.Is(err, unix.ENOTEMPTY) && !errors.Is(err, unix.EEXIST) {
		return err
	}
	return nil
}

// mkdirOwn makes a folder of the executor's own. One that is there, from version control for
// instance, becomes no one else's.
func (d *disk) mkdirOwn(name string) error {
	if err := d.mkdir(name, ownFolderMode); err != nil {
		return err
	}
	info, err := d.root.Lstat(name)
	if err != nil || info.Mode().Perm() == ownFolderMode {
		return err
	}
	if err := d.before(); err != nil {
		return err
	}
	return d.root.Chmod(name, ownFolderMode)
}

// mkdir makes a folder unless there is one.
func (d *disk) mkdir(name string, mode fs.FileMode) error {
	info, err := d.root.Lstat(name)
	if err == nil && !info.IsDir() {
		return &fs.PathError{Op: "mkdir", Path: name, Err: unix.ENOTDIR}
	}
	if err == nil || !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if err := d.before(); err != nil {
		return err
	}
	return d.root.Mkdir(name, mode)
}

// sync makes a file durable, or what happened in a folder, if it is still there.
func (d *disk) sync(name string) error {
	f, err := d.root.Open(name)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	return errors.Join(f.Sync(), f.Close())
}

// read returns a file's content, or nothing when it does not exist.
func (d *disk) read(name string, limit int64) ([]byte, error) {
	data, err := diskfile.Read(d.root.OpenFile, name, limit)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	return data, err
}

// list returns the names in a folder, sorted, and none when it does not exist.
func (d *disk) list(name string) (names []string, err error) {
	info, err := d.root.Lstat(name)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err == nil && !info.IsDir() {
		err = &fs.PathError{Op: "open", Path: name, Err: unix.ENOTDIR}
	}
	if err != nil {
		return nil, err
	}
	entries, err := fs.ReadDir(d.root.FS(), name)
	for _, e := range entries {
		names = append(names, e.Name())
	}
	return names, err
}

// Values in place of the digest of what is in a file's place.
const (
	aFolder = "a folder, where a file must be"
	aLink   = "a link, where a file must be"
	// aDevice is a pipe, a socket and the like.
	aDevice = "not a regular file"
	// below means that a parent folder of the file is a link or is not a folder.
	below = "below a link, or below something that is not a folder"
	// elsewhere is a file that no staged one can take the place of.
	elsewhere = "on another file system"
)

// odd says what is in a file's place and is not one.
func odd(mode fs.FileMode) string {
	switch {
	case mode.IsDir():
		return aFolder
	case mode&fs.ModeSymlink != 0:
		return aLink
	}
	return aDevice
}

func isOdd(sum string) bool {
	return slices.Contains([]string{aFolder, aLink, aDevice, below, elsewhere}, sum)
}

// hasOn reports whether what is in the folder is on the folder's own file system.
func (d *disk) hasOn(info fs.FileInfo) bool {
	there, ok := info.Sys().(*syscall.Stat_t)
	if !ok {
		return true
	}
	own, err := d.root.Stat(".")
	if err != nil {
		return false
	}
	folder, ok := own.Sys().(*syscall.Stat_t)
	return !ok || folder.Dev == there.Dev
}

// digest returns the SHA-256 of a file in a folder of objects: nothing when it does not exist, and
// what [isOdd] when it is not a file that can be replaced.
func (d *disk) digest(name string) (sum string, err error) {
	for _, p := range []string{path.Dir(name), name} {
		info, err := d.root.Lstat(p)
		switch {
		case errors.Is(err, fs.ErrNotExist):
			return "", nil
		case err != nil:
			return "", err
		case p == name && !info.Mode().IsRegular():
			return odd(info.Mode()), nil
		case p != name && !info.IsDir():
			return below, nil
		case !d.hasOn(info):
			return elsewhere, nil
		}
	}
	// Opening a named pipe, should one be there by now, would wait for a writer otherwise.
	f, err := d.root.OpenFile(name, os.O_RDONLY|unix.O_NONBLOCK|unix.O_NOFOLLOW, 0)
	if err != nil {
		return "", err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	h := sha256.New()
	if _, err := io.Copy(h, f); err != nil {
		return "", err
	}
	return "sha256:" + hex.EncodeToString(h.Sum(nil)), nil
}
