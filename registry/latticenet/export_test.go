package latticenet

import (
	"errors"
	"io"
	"os"
)

// Limits are small ones for tests.
type Limits struct {
	Stream, Files, File int64
	Entries             int
}

// ImportWithin is Import with other limits.
func ImportWithin(dir string, v *Verified, l Limits) (*Imported, error) {
	return importWithin(dir, v, limits{stream: l.Stream, files: l.Files, file: l.File, entries: l.Entries})
}

// DefaultLimits are those of Import.
func DefaultLimits() Limits {
	l := defaultLimits()
	return Limits{Stream: l.stream, Files: l.files, File: l.file, Entries: l.entries}
}

// ArchivePaths returns the paths of a bundle's entries; folders end in a slash.
func ArchivePaths(artifact []byte) ([]string, error) {
	var paths []string
	err := readArchive(artifact, defaultLimits(), func(e entry, _ io.Reader) error {
		if e.folder {
			e.path += "/"
		}
		paths = append(paths, e.path)
		return nil
	})
	return paths, err
}

// Compare compares a plugin with what is stored below dir, as Import does where it is stored
// already.
func Compare(dir string, v *Verified) (err error) {
	root, err := os.OpenRoot(dir)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, root.Close()) }()
	return v.compare(root, v.folder(), defaultLimits())
}
