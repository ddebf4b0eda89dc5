// Package lock reads and writes lattice.lock: the exact plugin releases that an installation runs.
//
//	{"version": 1, "plugins": [{"publisher": "acme", "name": "web", "version": "1.2.0", "digest": "sha256:…", "size": 1234,
//	 "bundle": "sha256:…", "keyId": "ed25519-…", "abi": 1, "index": "ed25519-…", "capabilities": []}]}
//
// The plugins are sorted by publisher and name, and one plugin is there once. The lock says what was installed; it proves
// nothing. Whoever loads a plugin verifies the release again.
package lock

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"
	"strconv"
	"strings"

	"github.com/latticenet/lattice-host/abi"
	"github.com/latticenet/lattice-host/internal/diskfile"
	"github.com/latticenet/lattice-host/internal/filelock"
	"github.com/latticenet/lattice-host/registry/internal/strictjson"
	"github.com/latticenet/lattice-host/registry/release"
)

// FileName is the usual name of a lock file.
const FileName = "lattice.lock"

// FormatVersion is the value of [Lock.Version].
const FormatVersion = 1

// MaxBytes is the largest lock file: some ten thousand plugins.
const MaxBytes = 4 << 20

// ErrNotLocked marks a plugin that the lock does not hold. Such errors are release.ErrNotTrusted as well.
var ErrNotLocked = errors.New("not installed")

// Lock is the content of a lock file.
type Lock struct {
	// Version is [FormatVersion].
	Version int `json:"version"`
	// Plugins are sorted by publisher and name.
	Plugins []Plugin `json:"plugins"`
}

// Plugin is one installed release.
type Plugin struct {
	// Publisher, Name and Version are those of the manifest.
	Publisher string `json:"publisher"`
	Name      string `json:"name"`
	Version   string `json:"version"`
	// Digest is the digest of the module, in the form of release.Digest.
	Digest string `json:"digest"`
	// Size is the size of the module in bytes.
	Size int64 `json:"size"`
	// Bundle is the digest of the release bundle.
	Bundle string `json:"bundle"`
	// KeyID is the id of the publisher's key that signed the release.
	KeyID string `json:"keyId"`
	// ABI is the version of the contract that the plugin speaks.
	ABI int64 `json:"abi"`
	// Index names the index that the release came from: the id of the key that signed the index. A path would tie the file
	// to one machine, and would be anybody's to claim.
	Index string `json:"index"`
	// Capabilities are the names of the capabilities that were granted, sorted.
	Capabilities []string `json:"capabilities"`
}

// Path returns publisher/name.
func (p Plugin) Path() string { return p.Publisher + "/" + p.Name }

// Reference returns publisher/name@version.
func (p Plugin) Reference() string { return p.Path() + "@" + p.Version }

// New returns an empty lock.
func New() *Lock { return &Lock{Version: FormatVersion, Plugins: []Plugin{}} }

// Parse reads a lock file strictly: unknown, double or missing keys, plugins out of order or there twice, and values
// outside their grammar are errors.
func Parse(data []byte) (*Lock, error) {
	var l Lock
	if err := strictjson.Decode(data, MaxBytes, &l); err != nil {
		return nil, err
	}
	if err := l.check(); err != nil {
		return nil, err
	}
	return &l, nil
}

// Encode returns the content of the lock file. Equal locks give equal bytes.
func (l *Lock) Encode() ([]byte, error) {
	if err := l.check(); err != nil {
		return nil, err
	}
	return strictjson.MarshalIndent(l)
}

// Read reads the lock file at path. Where there is none, nothing is installed: the lock is empty.
func Read(path string) (*Lock, error) {
	data, err := diskfile.Read(os.OpenFile, path, MaxBytes)
	if errors.Is(err, fs.ErrNotExist) {
		return New(), nil
	}
	if err != nil {
		return nil, err
	}
	l, err := Parse(data)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return l, nil
}

// Write replaces the lock file at path.
func Write(path string, l *Lock) error {
	data, err := l.Encode()
	if err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	return diskfile.Replace(path, data, 0o644)
}

// Update reads the lock file at path, has it changed and writes it, while no other Update of the same file runs in this
// or another process. When change returns an error, that error is returned and the file stays as it is.
func Update(path string, change func(*Lock) error) error {
	return filelock.With(path, func() error {
		l, err := Read(path)
		if err != nil {
			return err
		}
		if err := change(l); err != nil {
			return err
		}
		return Write(path, l)
	})
}

// Find returns the plugin with the given name: publisher/name, or a bare name that one publisher only uses.
// The error wraps release.ErrNotTrusted; when there is none it wraps [ErrNotLocked] as well, and when there are several it
// names the publishers.
func (l *Lock) Find(name string) (Plugin, error) {
	var found []Plugin
	for _, p := range l.Plugins {
		if p.Path() == name || p.Name == name {
			found = append(found, p)
		}
	}
	switch len(found) {
	case 0:
		return Plugin{}, release.NotTrusted(name, "", fmt.Errorf("%w: run lattice-host install --index DIR %s", ErrNotLocked, name))
	case 1:
		return found[0], nil
	}
	paths := make([]string, len(found))
	for i, p := range found {
		paths[i] = p.Path()
	}
	return Plugin{}, release.NotTrusted(name, "",
		errors.New("several publishers have a plugin of this name, say which one: "+strings.Join(paths, ", ")))
}

// Set puts p into the lock, in place of another version of the same plugin.
func (l *Lock) Set(p Plugin) {
	i, found := slices.BinarySearchFunc(l.Plugins, p, comparePath)
	if found {
		l.Plugins[i] = p
		return
	}
	l.Plugins = slices.Insert(l.Plugins, i, p)
}

// Delete takes the plugin with the path of p out of the lock.
func (l *Lock) Delete(p Plugin) {
	l.Plugins = slices.DeleteFunc(l.Plugins, func(o Plugin) bool { return o.Path() == p.Path() })
}

func comparePath(a, b Plugin) int {
	if d := strings.Compare(a.Publisher, b.Publisher); d != 0 {
		return d
	}
	return strings.Compare(a.Name, b.Name)
}

func (l *Lock) check() error {
	if l.Version != FormatVersion {
		return fmt.Errorf("version: is %d, this program reads version %d", l.Version, FormatVersion)
	}
	if l.Plugins == nil {
		return errors.New("plugins: must be an array")
	}
	for i, p := range l.Plugins {
		at := "plugins." + strconv.Itoa(i)
		if err := p.check(); err != nil {
			return fmt.Errorf("%s.%w", at, err)
		}
		if i > 0 && comparePath(l.Plugins[i-1], p) >= 0 {
			return fmt.Errorf("%s: %s must stand once, in the order of publisher and name", at, p.Path())
		}
	}
	return nil
}

func (p Plugin) check() error {
	switch {
	case !abi.ValidName(p.Publisher):
		return badValue("publisher", p.Publisher)
	case !abi.ValidName(p.Name):
		return badValue("name", p.Name)
	case !abi.ValidVersion(p.Version):
		return badValue("version", p.Version)
	case !release.ValidDigest(p.Digest):
		return badValue("digest", p.Digest)
	case p.Size <= 0 || p.Size > abi.MaxModuleBytes:
		return badValue("size", strconv.FormatInt(p.Size, 10))
	case !release.ValidDigest(p.Bundle):
		return badValue("bundle", p.Bundle)
	case !validToken(p.KeyID):
		return badValue("keyId", p.KeyID)
	case p.ABI != abi.Version:
		return badValue("abi", strconv.FormatInt(p.ABI, 10))
	case !validToken(p.Index):
		return badValue("index", p.Index)
	case p.Capabilities == nil:
		return errors.New("capabilities: must be an array")
	}
	for i, c := range p.Capabilities {
		if !validToken(c) || i > 0 && p.Capabilities[i-1] >= c {
			return badValue("capabilities", c)
		}
	}
	return nil
}

func badValue(field, value string) error {
	return fmt.Errorf("%s: %q is not valid or out of order", field, value)
}

// validToken reports whether s is a name of 1 to 80 lower-case letters, digits, dots, underscores and hyphens that begins
// with a letter or digit.
func validToken(s string) bool {
	if s == "" || len(s) > 80 || strings.ContainsRune("._-", rune(s[0])) {
		return false
	}
	return strings.Trim(s, "abcdefghijklmnopqrstuvwxyz0123456789._-") == ""
}
