//go:build !unix

package sandbox

import "io/fs"

// ownedByUser reports whether the file belongs to the user that runs the host. It cannot be known on this system, so that
// a cache on disk is refused.
func ownedByUser(fs.FileInfo) bool { return false }
