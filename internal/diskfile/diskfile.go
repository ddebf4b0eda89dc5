// Package diskfile writes files that are either completely there or not there at all, also after a
// crash, and reads files of bounded size.
package diskfile

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// Replace writes data to the file at path, in place of one that may be there. The folder must
// exist.
func Replace(path string, data []byte, mode fs.FileMode) error {
	return Steps{}.Replace(path, data, mode)
}

// Create writes data to the file at path and fails with an error that is fs.ErrExist when there is
// one. The folder must exist.
func Create(path string, data []byte, mode fs.FileMode) error {
	return Steps{}.Create(path, data, mode)
}

// Steps writes files step by step. The zero value just writes them.
type Steps struct {
	// Before is called before each step that changes something on the disk, and may fail it; nil
	// does nothing. A test can end the process there, to see what a kill leaves.
	Before func() error
}

// Step is what comes before a step of the caller's own.
func (s Steps) Step() error {
	if s.Before == nil {
		return nil
	}
	return s.Before()
}

// Replace is the function of this name, step by step.
func (s Steps) Replace(path string, data []byte, mode fs.FileMode) error {
	return s.write(path, data, mode, os.Rename)
}

// Create is the function of this name, step by step.
func (s Steps) Create(path string, data []byte, mode fs.FileMode) error {
	// A link, unlike a rename, does not replace what is there.
	return s.write(path, data, mode, os.Link)
}

func (s Steps) write(path string, data []byte, mode fs.FileMode, publish func(from, to string) error) error {
	if err := s.place(path, data, mode, publish, (*os.File).Sync); err != nil {
		return err
	}
	if err := s.Step(); err != nil {
		return err
	}
	return syncPath(filepath.Dir(path))
}

// place writes a file under another name, settles it, and publishes it.
func (s Steps) place(path string, data []byte, mode fs.FileMode, publish func(from, to string) error, settle func(*os.File) error) (err error) {
	temporary, err := s.writeTemporary(path, data, mode, settle)
	if err != nil {
		return err
	}
	defer func() {
		err = errors.Join(err, s.Step())
		if removeErr := os.Remove(temporary); removeErr != nil && !errors.Is(removeErr, fs.ErrNotExist) {
			err = errors.Join(err, removeErr)
		}
	}()
	if err := s.Step(); err != nil {
		return err
	}
	return publish(temporary, path)
}

// infix is in the names of files that are not complete yet.
const infix = ".tmp-"

func (s Steps) writeTemporary(path string, data []byte, mode fs.FileMode, settle func(*os.File) error) (name string, err error) {
	if err := s.Step(); err != nil {
		return "", err
	}
	// The process's umask must not matter, but CreateTemp's 0600 must stay until the content is
	// complete.
	f, err := os.CreateTemp(filepath.Dir(path), "."+filepath.Base(path)+infix+"*")
	if err != nil {
		return "", err
	}
	defer func() {
		if err = errors.Join(err, f.Close()); err != nil {
			err = errors.Join(err, os.Remove(f.Name()))
		}
	}()
	for _, step := range []func() error{
		func() error { _, err := f.Write(data); return err },
		func() error { return f.Chmod(mode) },
		func() error { return settle(f) },
	} {
		if err := s.Step(); err != nil {
			return "", err
		}
		if err := step(); err != nil {
			return "", err
		}
	}
	return f.Name(), nil
}

// IsTemporary reports whether a name is one that files have in their folder before they are
// complete.
func IsTemporary(name string) bool {
	return strings.HasPrefix(name, ".") && strings.Contains(name, infix)
}

// abandoned is how old a file that is not complete must be for no one to be writing it any more.
const abandoned = time.Hour

// Tidy removes from a folder what programs left there that were killed an hour ago or earlier while
// they wrote a file. That there is no such folder is not an error.
func Tidy(dir string) error {
	entries, err := os.ReadDir(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	var problems []error
	for _, e := range entries {
		if !IsTemporary(e.Name()) {
			continue
		}
		info, err := e.Info()
		if err != nil || !info.Mode().IsRegular() || time.Since(info.ModTime()) < abandoned {
			// One that is gone has been completed.
			continue
		}
		if err := os.Remove(filepath.Join(dir, e.Name())); !errors.Is(err, fs.ErrNotExist) {
			problems = append(problems, err)
		}
	}
	return errors.Join(problems...)
}

// syncPath makes the renames in a folder durable, or the content of a file.
func syncPath(path string) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	return errors.Join(f.Sync(), f.Close())
}

// ErrTooLarge marks a file above the limit of the one who reads it.
var ErrTooLarge = errors.New("the file is too large")

// Opener opens files: os.OpenFile, or the method of an os.Root.
type Opener func(path string, flag int, mode fs.FileMode) (*os.File, error)

// Read reads the regular file at path, of at most limit bytes, whatever its size is said to be. The
// error is [ErrTooLarge] when it has more.
func Read(open Opener, path string, limit int64) (data []byte, err error) {
	// Opening a named pipe would wait for a writer otherwise.
	f, err := open(path, os.O_RDONLY|unix.O_NONBLOCK, 0)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	info, err := f.Stat()
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() {
		return nil, fmt.Errorf("%s: is not a regular file", path)
	}
	// The size is a hint: growing a buffer while reading copies a large file several times.
	buffer := bytes.NewBuffer(make([]byte, 0, max(0, min(info.Size(), limit))+bytes.MinRead))
	if _, err := buffer.ReadFrom(io.LimitReader(f, limit+1)); err != nil {
		return nil, err
	}
	data = buffer.Bytes()
	if int64(len(data)) > limit {
		return nil, fmt.Errorf("%s: %w: has more than %d bytes", path, ErrTooLarge, limit)
	}
	return data, nil
}
