package problem

import (
	"context"
	"errors"
	"io/fs"
	"slices"
	"syscall"
)

// AsInput blames the input for err: a problem of code [Invalid] unless err has a code of its own.
// It returns err as it is when the machine or the command line is to blame, or when it is nil. Of a
// file that cannot be read it says why.
func AsInput(err error) error {
	if err == nil || IsMachine(err) || errors.Is(err, Usage) {
		return err
	}
	var path *fs.PathError
	if errors.As(err, &path) && err.Error() == path.Error() {
		return OfFile(path.Path, err)
	}
	return With(Invalid, err)
}

// IsMachine reports whether the system has not enough of something, or is broken.
func IsMachine(err error) bool {
	return slices.ContainsFunc([]error{
		syscall.ENOSPC, syscall.EDQUOT, syscall.EIO, syscall.EROFS, syscall.EMFILE, syscall.ENFILE, syscall.ENOMEM,
		context.Canceled, context.DeadlineExceeded,
	}, func(e error) bool { return errors.Is(err, e) })
}

// OfFile says why a file cannot be read.
func OfFile(file string, err error) error {
	message := err.Error()
	var path *fs.PathError
	switch {
	case errors.Is(err, fs.ErrNotExist):
		message = "the file does not exist; check the path"
	case errors.Is(err, fs.ErrPermission):
		message = "permission is missing"
	case errors.Is(err, syscall.ENOTDIR):
		message = "is not a folder, or is below something that is not one"
	case errors.As(err, &path):
		message = "cannot be read: " + path.Err.Error()
	}
	return Problem{Position: Position{File: file}, Message: message}
}
