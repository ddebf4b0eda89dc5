package latticenet

import "io"

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

// CompareVersions orders two versions of the range grammar.
func CompareVersions(a, b string) (int, error) {
	v, err := parseVersion(a)
	if err != nil {
		return 0, err
	}
	w, err := parseVersion(b)
	return v.compare(w), err
}
