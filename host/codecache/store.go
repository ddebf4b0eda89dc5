package codecache

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"time"
)

// MaxBytes is how much a folder keeps: a hundred modules of ten megabytes, more than an
// installation has in all the versions that it goes back to. What was not used for the longest time
// goes first.
const MaxBytes = 1 << 30

// Store is a folder of compiled modules. Its methods may be called by several goroutines at once.
type Store struct {
	// dir holds one file an entry, by its key.
	dir      string
	scratch  string
	lock     *os.File
	maxBytes int64
}

// Open returns the store below dir, which is made with mode 0700 when it is missing. The error
// wraps [ErrUnsafe] when the folder must not be used; after any other one the host can do without.
func Open(dir string) (*Store, error) {
	// What cannot be made may be there all the same.
	made := os.MkdirAll(dir, 0o700)
	own, err := layout(dir)
	if err != nil {
		return nil, cmp.Or(unsafeOnly(err), made, err)
	}
	scratch := filepath.Join(own, scratchName)
	for _, d := range []string{scratch, filepath.Join(own, locksName)} {
		if err := errors.Join(os.MkdirAll(d, 0o700), checkPrivate(d)); err != nil {
			return nil, err
		}
	}
	sweep(scratch)
	s := &Store{dir: own, maxBytes: MaxBytes}
	if s.scratch, s.lock, err = makeScratch(scratch); err != nil {
		return nil, err
	}
	return s, nil
}

// unsafeOnly returns err if it says that a folder must not be used.
func unsafeOnly(err error) error {
	if errors.Is(err, ErrUnsafe) {
		return err
	}
	return nil
}

// Scratch returns a folder on the same file system that is this Store's alone and is removed with
// it.
func (s *Store) Scratch() string { return s.scratch }

// Close removes the scratch folder. What is kept stays.
func (s *Store) Close() error { return closeScratch(s.scratch, s.lock) }

// Path returns the file of an entry, which may not exist.
func (s *Store) Path(key Key) string { return filepath.Join(s.dir, key.String()) }

// SkeletonPath returns the file of a skeleton, which may not exist.
func (s *Store) SkeletonPath(key Key) string { return s.Path(key) + skeletonEnding }

// Copy puts machine code into a folder and returns the file. Its name is the one that the engine
// knows the code by when name is empty. What is under that name is what was checked: no one else
// has the copy. The error wraps [fs.ErrNotExist] if none exists and [ErrDamaged] when it must not
// be used.
func (s *Store) Copy(key Key, to, name string) (file string, err error) {
	var copied string
	h, err := s.read(s.Path(key), key, func(e *entry) (err error) {
		copied, err = copyToFile(s.scratch, e.copyCode)
		return err
	})
	if err != nil {
		return "", err
	}
	file = filepath.Join(to, cmp.Or(name, h.File))
	return file, moveFile(copied, file)
}

// Skeleton returns what [Store.PutSkeleton] kept. Errors are those of [Store.Copy].
func (s *Store) Skeleton(key Key) (Header, []byte, error) {
	var content bytes.Buffer
	h, err := s.read(s.SkeletonPath(key), key, func(e *entry) error { return e.copyCode(&content) })
	if err != nil {
		return Header{}, nil, err
	}
	return h, content.Bytes(), nil
}

// read opens an entry, has its content read, and notes that it was used. What cannot be noted may
// be removed too early, and is made again then.
func (s *Store) read(path string, key Key, content func(*entry) error) (h Header, err error) {
	h, err = readFile(path, key, content)
	if err == nil {
		now := time.Now()
		_ = os.Chtimes(path, now, now)
	}
	return h, err
}

// Check reads an entry as [Store.Copy] does.
func (s *Store) Check(key Key) error {
	_, err := s.read(s.Path(key), key, (*entry).discard)
	return err
}

// Discard removes an entry, and the skeleton with its key, whatever is in their place.
func (s *Store) Discard(key Key) error {
	return errors.Join(os.RemoveAll(s.Path(key)), os.RemoveAll(s.SkeletonPath(key)))
}

// Put keeps a compiled module, in place of one with the same key, and removes what was not used for
// the longest time if the folder becomes too large.
//
// The file appears complete under its name or not at all, for everyone who looks. It is not synced:
// what a crash of the machine leaves of it is found to be damaged.
func (s *Store) Put(key Key, h Header, code []byte) error { return s.put(s.Path(key), key, h, code) }

// PutSkeleton keeps, as Put does, what lets compiled code be used without reading the module again.
// The entry has a key of its own, and the header of the code. [List] does not have it.
func (s *Store) PutSkeleton(key Key, h Header, content []byte) error {
	return s.put(s.SkeletonPath(key), key, h, content)
}

func (s *Store) put(path string, key Key, h Header, code []byte) error {
	data, err := encode(key, h, code)
	if err != nil {
		return err
	}
	written, err := copyToFile(s.scratch, func(w io.Writer) error {
		_, err := w.Write(data)
		return err
	})
	if err != nil {
		return err
	}
	if err := moveFile(written, path); err != nil {
		return err
	}
	return s.trim(path)
}

// trim removes the entries beyond the bound. The newest one stays even if it is too large by
// itself.
func (s *Store) trim(newest string) error {
	files, err := entryFiles(s.dir)
	slices.SortFunc(files, func(a, b entryFile) int { return a.info.ModTime().Compare(b.info.ModTime()) })
	var total int64
	for _, f := range files {
		total += f.info.Size()
	}
	for _, f := range files {
		if total <= s.maxBytes {
			break
		}
		if f.path == newest {
			continue
		}
		err = errors.Join(err, os.RemoveAll(f.path))
		total -= f.info.Size()
	}
	return err
}

// copyToFile makes a file with what do writes, and returns it, or none.
func copyToFile(dir string, do func(io.Writer) error) (file string, err error) {
	f, err := os.CreateTemp(dir, "copy-*")
	if err != nil {
		return "", err
	}
	err = errors.Join(do(f), f.Close())
	if err != nil {
		return "", errors.Join(err, os.Remove(f.Name()))
	}
	return f.Name(), nil
}

// moveFile renames a file, or removes it.
func moveFile(from, to string) error {
	err := os.Rename(from, to)
	if err != nil {
		return errors.Join(err, os.Remove(from))
	}
	return nil
}

// openEntry opens a file that no one but the user could have written.
func openEntry(path string) (*os.File, error) {
	f, err := os.OpenFile(path, os.O_RDONLY|openFlags, 0)
	switch {
	case err == nil:
	case isLink(err):
		return nil, fmt.Errorf("%w: it is a link", ErrDamaged)
	default:
		return nil, err
	}
	info, err := f.Stat()
	if err == nil {
		err = checkEntryFile(info)
	}
	if err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return f, nil
}

func checkEntryFile(info fs.FileInfo) error {
	switch {
	case !info.Mode().IsRegular():
		return fmt.Errorf("%w: it is not a regular file", ErrDamaged)
	case !ownedByUser(info):
		return fmt.Errorf("%w: it belongs to another user", ErrDamaged)
	case info.Mode().Perm()&0o022 != 0:
		return fmt.Errorf("%w: others may write to it (mode %04o)", ErrDamaged, info.Mode().Perm())
	}
	return nil
}

// readFile opens an entry, has its content read, and returns its header.
func readFile(path string, key Key, content func(*entry) error) (h Header, err error) {
	f, err := openEntry(path)
	if err != nil {
		return Header{}, err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	e, err := readEntry(f, key)
	if err != nil {
		return Header{}, err
	}
	return e.Header, content(e)
}
