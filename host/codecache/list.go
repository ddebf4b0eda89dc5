package codecache

import (
	"encoding/hex"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// Listed is an entry as [List] found it.
type Listed struct {
	Key Key
	// Header is zero when Err is not nil.
	Header
	// Bytes is the size of the file.
	Bytes int64
	// Used is when it was last used or written.
	Used time.Time
	// Err says why the entry will not be used; it wraps [ErrDamaged] unless the file could not be
	// read.
	Err error
}

// List reads and checks all entries below dir, the one used last first. A folder that does not
// exist has none. The error wraps [ErrUnsafe] when the folder must not be used.
func List(dir string) ([]Listed, error) {
	own, err := layout(dir)
	if err != nil {
		return nil, err
	}
	files, err := entryFiles(own)
	files = slices.DeleteFunc(files, func(f entryFile) bool { return f.skeleton })
	listed := make([]Listed, len(files))
	for i, f := range files {
		listed[i] = Listed{Key: f.key, Bytes: f.info.Size(), Used: f.info.ModTime()}
		listed[i].Header, listed[i].Err = readFile(f.path, f.key, (*entry).discard)
	}
	slices.SortStableFunc(listed, func(a, b Listed) int { return b.Used.Compare(a.Used) })
	return listed, err
}

// Clear removes the entries below dir that were last used before a time, or all when it is zero,
// and what killed processes left there. It returns how many compiled modules and bytes went, also
// when there is an error.
func Clear(dir string, before time.Time) (entries int, bytes int64, err error) {
	own, err := layout(dir)
	if err != nil {
		return 0, 0, err
	}
	sweep(filepath.Join(own, scratchName))
	files, err := entryFiles(own)
	for _, f := range files {
		if !before.IsZero() && !f.info.ModTime().Before(before) {
			continue
		}
		if removeErr := os.RemoveAll(f.path); removeErr != nil {
			err = errors.Join(err, removeErr)
			continue
		}
		if !f.skeleton {
			entries++
		}
		bytes += f.info.Size()
	}
	return entries, bytes, err
}

// entryFile is what has the name of an entry. Nothing else in the folder is touched.
type entryFile struct {
	path string
	key  Key
	info fs.FileInfo
	// skeleton says that it is not a compiled module.
	skeleton bool
}

// skeletonEnding follows the key in the name of a skeleton.
const skeletonEnding = ".skeleton"

// entryFiles returns what lies in the folder. The error joins what could not be looked at.
func entryFiles(dir string) ([]entryFile, error) {
	all, err := os.ReadDir(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	var files []entryFile
	for _, e := range all {
		name, skeleton := strings.CutSuffix(e.Name(), skeletonEnding)
		key, ok := parseKey(name)
		if !ok {
			continue
		}
		info, infoErr := e.Info()
		switch {
		case infoErr == nil:
			files = append(files, entryFile{filepath.Join(dir, e.Name()), key, info, skeleton})
		case !errors.Is(infoErr, fs.ErrNotExist):
			// Another process may have removed it meanwhile; any other error is reported.
			err = errors.Join(err, infoErr)
		}
	}
	return files, err
}

func parseKey(name string) (key Key, ok bool) {
	n, err := hex.Decode(key[:], []byte(name[:min(len(name), 2*len(key))]))
	return key, err == nil && n == len(key) && key.String() == name
}
