// Package kv keeps the small stores of an installation's plugins on disk, one file a plugin. A
// store belongs to the plugin, publisher/name, whatever its version.
package kv

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/latticenet/lattice-host/abi"
	"github.com/latticenet/lattice-host/abi/cbor"
	"github.com/latticenet/lattice-host/internal/diskfile"
	"github.com/latticenet/lattice-host/internal/filelock"
	"github.com/latticenet/lattice-host/internal/problem"
	"github.com/latticenet/lattice-host/registry/internal/strictjson"
)

// FormatVersion is the version of a store's file.
const FormatVersion = 1

// maxFileBytes is larger than the file of any store within its limits: each byte of a value counts
// for itself, and the names of keys take no escapes.
const maxFileBytes = 2 * abi.MaxKVBytes

var (
	// ErrChanged says that a store is no longer as it was when it was read.
	ErrChanged = problem.New(problem.Conflict, "was changed meanwhile")
	// ErrDamaged says that a store's file is not one.
	ErrDamaged = errors.New("is damaged")
	// ErrFull says that a store would be beyond its limits.
	ErrFull = errors.New("is full")
)

// Stores are the stores of an installation. Its methods may be called by several goroutines and
// processes at once.
type Stores struct{ dir string }

// Open returns the stores in dir. The folder is made, with mode 0700, when something is first kept.
func Open(dir string) *Stores { return &Stores{dir} }

// file is the content of a store's file.
type file struct {
	Version int    `json:"version"`
	Plugin  string `json:"plugin"`
	// Entries hold the values by key.
	Entries map[string]json.RawMessage `json:"entries"`
}

// Read returns what a plugin, publisher/name, keeps, and a version that changes with it. A plugin
// that kept nothing has an empty store.
func (s *Stores) Read(plugin string) (cbor.Map[cbor.Raw], string, error) {
	path, err := s.path(plugin)
	if err != nil {
		return nil, "", err
	}
	if err := s.checkFolder(); err != nil {
		return nil, "", err
	}
	return read(path, plugin)
}

func read(path, plugin string) (cbor.Map[cbor.Raw], string, error) {
	data, err := diskfile.Read(os.OpenFile, path, maxFileBytes)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, "", nil
	}
	if err != nil {
		return nil, "", err
	}
	entries, err := parse(data, plugin)
	if err != nil {
		return nil, "", fmt.Errorf("%s: the store of %s %w: %w; remove the file to begin with an empty store", path, plugin, ErrDamaged, err)
	}
	sum := sha256.Sum256(data)
	return entries, hex.EncodeToString(sum[:]), nil
}

// parse reads a store's file strictly.
func parse(data []byte, plugin string) (cbor.Map[cbor.Raw], error) {
	var f file
	if err := strictjson.Decode(data, maxFileBytes, &f); err != nil {
		return nil, err
	}
	switch {
	case f.Version != FormatVersion:
		return nil, fmt.Errorf("version: is %d, this program reads version %d", f.Version, FormatVersion)
	case f.Plugin != plugin:
		return nil, fmt.Errorf("plugin: is %q", f.Plugin)
	}
	var entries cbor.Map[cbor.Raw]
	for key, text := range f.Entries {
		value, err := cbor.FromJSON(nil, text, abi.MaxDepth)
		if err != nil {
			return nil, fmt.Errorf("entries.%s: %w", key, err)
		}
		entries = append(entries, cbor.Entry[cbor.Raw]{Key: key, Value: value})
	}
	slices.SortFunc(entries, func(a, b cbor.Entry[cbor.Raw]) int { return strings.Compare(a.Key, b.Key) })
	return entries, check(entries)
}

// Write sets entries and removes those that are empty, all or nothing. It fails with an error that
// wraps [ErrChanged] unless the store is of that version, and with one that wraps [ErrFull] when it
// would be too large.
func (s *Stores) Write(plugin, version string, changes cbor.Map[cbor.Raw]) error {
	path, err := s.path(plugin)
	if err != nil {
		return err
	}
	if err := os.MkdirAll(s.dir, 0o700); err != nil {
		return err
	}
	if err := s.checkFolder(); err != nil {
		return err
	}
	return filelock.With(path, func() error {
		entries, now, err := read(path, plugin)
		if err != nil {
			return err
		}
		if now != version {
			return fmt.Errorf("the store of %s %w by another run; run again", plugin, ErrChanged)
		}
		for _, c := range changes {
			entries.Set(c.Key, c.Value)
		}
		entries = slices.DeleteFunc(entries, func(e cbor.Entry[cbor.Raw]) bool { return len(e.Value) == 0 })
		if err := check(entries); err != nil {
			return fmt.Errorf("the store of %s: %w", plugin, err)
		}
		data, err := encode(plugin, entries)
		if err != nil {
			return err
		}
		return diskfile.Replace(path, data, 0o600)
	})
}

func encode(plugin string, entries cbor.Map[cbor.Raw]) ([]byte, error) {
	f := file{Version: FormatVersion, Plugin: plugin, Entries: map[string]json.RawMessage{}}
	for _, e := range entries {
		text, err := cbor.ToJSON(nil, e.Value)
		if err != nil {
			return nil, fmt.Errorf("the value of %s: %w", e.Key, err)
		}
		f.Entries[e.Key] = text
	}
	data, err := strictjson.Marshal(f)
	return append(data, '\n'), err
}

// check holds a store to its limits.
func check(entries cbor.Map[cbor.Raw]) error {
	if len(entries) > abi.MaxKVKeys {
		return fmt.Errorf("%w: it would have %d keys, the limit is %d", ErrFull, len(entries), abi.MaxKVKeys)
	}
	size := 0
	for _, e := range entries {
		text, err := cbor.ToJSON(nil, e.Value)
		switch {
		case err != nil:
			return fmt.Errorf("%s: %w", e.Key, err)
		case !abi.ValidKVKey(e.Key):
			return fmt.Errorf("%q is not a key", e.Key)
		case string(text) == "null":
			return fmt.Errorf("%s: must not be null", e.Key)
		case len(text) > abi.MaxKVValueBytes:
			return fmt.Errorf("%w: %s has %d bytes, the limit is %d", ErrFull, e.Key, len(text), abi.MaxKVValueBytes)
		}
		size += len(e.Key) + len(text)
	}
	if size > abi.MaxKVBytes {
		return fmt.Errorf("%w: it would have %d bytes, the limit is %d", ErrFull, size, abi.MaxKVBytes)
	}
	return nil
}

// path returns the file of a plugin's store. Names hold no dots, so that no two plugins share a
// file.
func (s *Stores) path(plugin string) (string, error) {
	publisher, name, _ := strings.Cut(plugin, "/")
	if !abi.ValidName(publisher) || !abi.ValidName(name) {
		return "", fmt.Errorf("%q is not publisher/name", plugin)
	}
	return filepath.Join(s.dir, publisher+"."+name+".json"), nil
}

// checkFolder refuses a folder that others may look into: what plugins keep is no one else's
// business, and no one else may put words into their mouths.
func (s *Stores) checkFolder() error {
	info, err := os.Stat(s.dir)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil
	case err != nil:
		return err
	case !info.IsDir():
		return fmt.Errorf("%s: is not a folder", s.dir)
	case info.Mode().Perm()&0o077 != 0:
		return fmt.Errorf("%s: others than its owner have access: run chmod 700 %s", s.dir, s.dir)
	}
	return nil
}
