//go:build !unix

package codecache

import (
	"errors"
	"io/fs"
	"os"
)

// ownedByUser reports whether the file belongs to the user that runs the host. It cannot be known
// on this system, so that a cache on disk is refused.
func ownedByUser(fs.FileInfo) bool { return false }

const openFlags = 0

func isLink(error) bool { return false }

func tryLock(*os.File) (bool, error) { return false, errors.ErrUnsupported }
