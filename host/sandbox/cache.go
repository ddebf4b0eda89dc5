package sandbox

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/tetratelabs/wazero"
)

// engineVersion is the version of wazero in go.mod. Compiled code of another version would not run, and the engine itself
// does not always know which version it is.
const engineVersion = "v1.12.0"

// codeCache is a folder of compiled modules. What lies in it is run without further checks, so that only the user that
// runs the host may write there.
type codeCache struct {
	wazero.CompilationCache
	// dir is empty when the cache is in memory.
	dir string
}

// openCache returns the cache below dir. A folder that others could write to is an error. One that cannot be used is
// replaced with a cache in memory, and warn says why.
func openCache(dir string, warn func(string)) (*codeCache, error) {
	inMemory := &codeCache{CompilationCache: wazero.NewCompilationCache()}
	if dir == "" {
		return inMemory, nil
	}
	own := filepath.Join(dir, "wazero-"+engineVersion)
	usable := os.MkdirAll(own, 0o700)
	for _, d := range []string{dir, own} {
		if err := checkPrivate(d); err != nil {
			return nil, err
		}
	}
	if usable == nil {
		usable = checkWritable(own)
	}
	if usable == nil {
		var onDisk wazero.CompilationCache
		if onDisk, usable = wazero.NewCompilationCacheWithDir(own); usable == nil {
			return &codeCache{onDisk, own}, nil
		}
	}
	warn(fmt.Sprintf("compilation cache: %v, so that plugins are compiled again in every process", usable))
	return inMemory, nil
}

// checkPrivate returns an error if someone else than the user could put files in dir. A dir that cannot be looked at is no
// danger, since it will not be used.
func checkPrivate(dir string) error {
	info, err := os.Stat(dir)
	switch {
	case err != nil:
		return nil
	case !info.IsDir():
		return fmt.Errorf("compilation cache: %s: is not a folder", dir)
	case info.Mode().Perm()&0o022 != 0:
		return fmt.Errorf("compilation cache: %s: others may write to it (mode %04o), run chmod 700 %s", dir, info.Mode().Perm(), dir)
	case !ownedByUser(info):
		return fmt.Errorf("compilation cache: %s: belongs to another user, choose a folder of your own", dir)
	}
	return nil
}

func checkWritable(dir string) error {
	f, err := os.CreateTemp(dir, "probe-*")
	if err != nil {
		return err
	}
	return errors.Join(f.Close(), os.Remove(f.Name()))
}

// isCacheError reports whether a module did not compile because of the cache: a damaged entry, or a file system that
// does not work. The engine marks the former by its first word only.
func (c *codeCache) isCacheError(err error) bool {
	var path *fs.PathError
	var link *os.LinkError
	return c.dir != "" &&
		(strings.HasPrefix(err.Error(), "compilationcache:") || errors.As(err, &path) || errors.As(err, &link))
}

// clear removes every entry.
func (c *codeCache) clear() error {
	entries, err := os.ReadDir(c.dir)
	for _, e := range entries {
		if e.IsDir() {
			err = errors.Join(err, clearDir(filepath.Join(c.dir, e.Name())))
		}
	}
	return err
}

// clearDir empties a folder that the engine made. The folder itself stays, since the engine makes it only once.
func clearDir(dir string) error {
	entries, err := os.ReadDir(dir)
	for _, e := range entries {
		err = errors.Join(err, os.RemoveAll(filepath.Join(dir, e.Name())))
	}
	return err
}
