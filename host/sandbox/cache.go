package sandbox

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"runtime/debug"
	"strings"

	"github.com/tetratelabs/wazero"
	"golang.org/x/sys/cpu"

	"github.com/latticenet/lattice-host/host/codecache"
	"github.com/latticenet/lattice-host/host/sandbox/meter"
)

// engineVersion is the version of wazero in go.mod. Compiled code of another version would not run,
// and the engine itself does not always know which version it is: the build of a test does not say.
const engineVersion = "v1.12.0"

const enginePath = "github.com/tetratelabs/wazero"

// Engine describes everything but the module that compiled code depends on: the engine, the meter,
// the machine. Compiled code of another Engine is of no use here.
func Engine() string {
	return fmt.Sprintf("wazero %s (%s), meter %d, %s/%s, cpu %s",
		engineVersion, engineInBuild(), meter.Version, runtime.GOOS, runtime.GOARCH, cpuFeatures())
}

// engineInBuild returns the engine's version as the engine finds it, which it writes into compiled
// code: a program that was built with another version, or with a replaced one, does not share with
// others.
func engineInBuild() string {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return "unknown"
	}
	for _, dep := range info.Deps {
		switch {
		case dep.Path != enginePath:
		case dep.Replace != nil:
			return dep.Version + " => " + dep.Replace.Path + " " + dep.Replace.Version
		default:
			return dep.Version
		}
	}
	return "unknown"
}

// cpuFeatures returns a short digest of what the processor can do. The engine's code depends on a
// few features only; it does not say which.
func cpuFeatures() string {
	sum := sha256.Sum256(fmt.Appendf(nil, "%v %v", cpu.X86, cpu.ARM64))
	return fmt.Sprintf("%x", sum[:6])
}

// codeCache brings together the engine, which only knows a folder from which it runs what it finds,
// and a store that knows what it keeps. The engine's folder is one that no other process writes to,
// and is empty except for what was just checked.
type codeCache struct {
	wazero.CompilationCache
	// store is nil when the cache is in memory.
	store *codecache.Store
	// folder is where the engine looks.
	folder string
	// engine is what [Engine] says.
	engine string
	warn   func(string)
}

// openCache returns the cache below dir. A folder that others could write to is an error. One that
// cannot be used is replaced with a cache in memory, and warn says why.
func openCache(dir string, warn func(string)) (*codeCache, error) {
	inMemory := &codeCache{CompilationCache: wazero.NewCompilationCache(), warn: warn}
	if dir == "" {
		return inMemory, nil
	}
	onDisk, err := openStore(dir)
	switch {
	case errors.Is(err, codecache.ErrUnsafe):
		return nil, fmt.Errorf("compilation cache: %w", err)
	case err != nil:
		warn(fmt.Sprintf("compilation cache: %v, so that plugins are compiled again in every process", err))
		return inMemory, nil
	}
	onDisk.warn = warn
	return onDisk, nil
}

func openStore(dir string) (*codeCache, error) {
	store, err := codecache.Open(dir)
	if err != nil {
		return nil, err
	}
	cache, folder, err := engineCache(store.Scratch())
	if err != nil {
		return nil, errors.Join(err, store.Close())
	}
	return &codeCache{CompilationCache: cache, store: store, folder: folder, engine: Engine()}, nil
}

// engineCache returns a cache of the engine in an empty folder, and the folder that the engine made
// there for its files.
func engineCache(dir string) (cache wazero.CompilationCache, folder string, err error) {
	if cache, err = wazero.NewCompilationCacheWithDir(dir); err != nil {
		return nil, "", err
	}
	name, err := onlyEntry(dir)
	return cache, filepath.Join(dir, name), err
}

// onlyEntry returns the name of the one thing that lies in a folder.
func onlyEntry(dir string) (string, error) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return "", err
	}
	if len(entries) != 1 {
		return "", fmt.Errorf("%s: the engine made %d files, not one", dir, len(entries))
	}
	return entries[0].Name(), nil
}

// Close frees the engine's code and the folder.
func (c *codeCache) Close(ctx context.Context) error {
	err := c.CompilationCache.Close(ctx)
	if c.store != nil {
		err = errors.Join(err, c.store.Close())
	}
	return err
}

// key returns the key of compiled code: a digest of what the engine gets, and of the engine.
func (c *codeCache) key(wasm []byte) codecache.Key {
	h := sha256.New()
	h.Write(binary.BigEndian.AppendUint64(nil, uint64(len(c.engine))))
	h.Write([]byte(c.engine))
	h.Write(wasm)
	return codecache.Key(h.Sum(nil))
}

// fetch puts compiled code where the engine looks for it, and returns the file. It is called name,
// or what the engine calls it for the module that it was compiled from. The error wraps
// [fs.ErrNotExist] when nothing that could be used is kept. What is damaged is discarded.
func (c *codeCache) fetch(key codecache.Key, name string) (file string, err error) {
	file, err = c.store.Copy(key, c.folder, name)
	return file, c.discardDamaged(key, err)
}

// check reports whether compiled code is kept, as fetch does.
func (c *codeCache) check(key codecache.Key) error {
	return c.discardDamaged(key, c.store.Check(key))
}

func (c *codeCache) discardDamaged(key codecache.Key, err error) error {
	if !errors.Is(err, codecache.ErrDamaged) {
		return err
	}
	c.warn(fmt.Sprintf("compilation cache: %s: %v; it is discarded, and the plugin compiled again", c.store.Path(key), err))
	if err := c.store.Discard(key); err != nil {
		c.warn(fmt.Sprintf("compilation cache: %v", err))
	}
	return fs.ErrNotExist
}

// put keeps what the engine wrote to file, and puts it where this process's engine looks for it.
func (c *codeCache) put(key codecache.Key, id identity, file string) (moved string, err error) {
	code, err := os.ReadFile(file)
	if err != nil {
		return "", err
	}
	h := codecache.Header{Engine: c.engine, Plugin: id.reference(), Digest: id.digest, File: filepath.Base(file)}
	if err := c.store.Put(key, h, code); err != nil {
		return "", err
	}
	moved = filepath.Join(c.folder, h.File)
	return moved, os.Rename(file, moved)
}

// isFileError reports whether a module did not compile because of a file system that does not work.
// The engine marks what it could not read by its first word only.
func isFileError(err error) bool {
	var path *fs.PathError
	var link *os.LinkError
	return strings.HasPrefix(err.Error(), "compilationcache:") || errors.As(err, &path) || errors.As(err, &link)
}
