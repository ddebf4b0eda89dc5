// Package lock reads and writes lattice.lock: the exact plugin releases that an installation runs.
//
//	{"version": 2,
//	 "indexes": [{"name": "main", "root": 1, "rootKeyIds": ["…"], "snapshot": 17}],
//	 "plugins": [{"publisher": "acme", "name": "web", "version": "1.2.0", "range": "^1", "digest": "sha256:…", "size": 1234,
//	  "manifest": "sha256:…", "bundle": "sha256:…", "keyId": "ed25519-…", "abi": 1, "index": "main",
//	  "capabilities": {"digest": "sha256:…", "names": []}, "resolvedAt": "2026-01-02T03:04:05Z"}],
//	 "policies": [{"name": "base", "index": "main", "digest": "sha256:…", "resolvedAt": "2026-01-02T03:04:05Z"}],
//	 "digest": "sha256:…"}
//
// The plugins are sorted by publisher and name, and one plugin is there once. The last field is the
// digest of everything else, so that an edit by hand, or a merge that mixed two locks, is noticed.
// The lock says what was installed; it proves nothing. Anyone who loads a plugin verifies the
// release again.
package lock

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/latticenet/lattice-host/abi"
	"github.com/latticenet/lattice-host/internal/diskfile"
	"github.com/latticenet/lattice-host/internal/filelock"
	"github.com/latticenet/lattice-host/internal/problem"
	"github.com/latticenet/lattice-host/registry/internal/strictjson"
	"github.com/latticenet/lattice-host/registry/release"
)

// FileName is the usual name of a lock file.
const FileName = "lattice.lock"

// FormatVersion is the value of [Lock.Version].
const FormatVersion = 2

// MaxBytes is the largest lock file: some ten thousand plugins.
const MaxBytes = 8 << 20

// maxRangeBytes bounds what was asked for.
const maxRangeBytes = 200

// Sentinel errors of this package.
var (
	// ErrNotLocked marks a plugin that the lock does not hold.
	ErrNotLocked = problem.New(problem.Invalid, "not installed")
	// ErrEdited marks a lock file that somebody else than this program changed.
	ErrEdited = errors.New("was edited")
)

// Lock is the content of a lock file.
type Lock struct {
	// Version is [FormatVersion].
	Version int `json:"version"`
	// Indexes are those that the plugins came from, sorted by name.
	Indexes []Index `json:"indexes"`
	// Plugins are sorted by publisher and name.
	Plugins []Plugin `json:"plugins"`
	// Policies are bundles of policies, sorted by name, one of a name.
	Policies []Policy `json:"policies"`
	// Digest is that of everything else in canonical form. Encode sets it.
	Digest string `json:"digest"`
}

// Index is an index as it was when something was last installed from it.
type Index struct {
	// Name is what the installation calls it.
	Name string `json:"name"`
	// Root and Snapshot are versions of its metadata, RootKeyIDs the keys that the root names for
	// itself, sorted.
	Root       int64    `json:"root"`
	RootKeyIDs []string `json:"rootKeyIds"`
	Snapshot   int64    `json:"snapshot"`
}

// Plugin is one installed release.
type Plugin struct {
	// Publisher, Name and Version are those of the manifest.
	Publisher string `json:"publisher"`
	Name      string `json:"name"`
	Version   string `json:"version"`
	// Range is what was asked for, such as ^1, and what an update looks for; empty is any version
	// that is not a prerelease.
	Range string `json:"range"`
	// Digest is the digest of the module, in the form of release.Digest.
	Digest string `json:"digest"`
	// Size is the size of the module in bytes.
	Size int64 `json:"size"`
	// Manifest is the digest of the manifest that names the module in an OCI registry or layout.
	Manifest string `json:"manifest"`
	// Bundle is the digest of the release bundle.
	Bundle string `json:"bundle"`
	// KeyID is the id of the publisher's key that signed the release: the first in order when
	// several did.
	KeyID string `json:"keyId"`
	// CoSigners are the ids of the other keys that signed it, sorted.
	CoSigners []string `json:"coSigners,omitempty"`
	// Threshold is how many of them had to sign when it was installed; 0, which is left out, means
	// 1.
	Threshold int `json:"threshold,omitempty"`
	// ABI is the version of the contract that the plugin speaks.
	ABI int64 `json:"abi"`
	// Index names the index that the release came from.
	Index string `json:"index"`
	// Capabilities are those that the release asks for.
	Capabilities Capabilities `json:"capabilities"`
	// Kinds are the kinds of document that the release brings, sorted by group and kind.
	Kinds []Kind `json:"kinds,omitempty"`
	// ResolvedAt is when the release was chosen, in RFC 3339 ending in Z.
	ResolvedAt string `json:"resolvedAt"`
}

// Policy is an installed bundle of policies.
type Policy struct {
	// Name is that of the bundle in the index.
	Name string `json:"name"`
	// Index names the index that it came from.
	Index string `json:"index"`
	// Digest is that of the archive.
	Digest string `json:"digest"`
	// ResolvedAt is when it was installed, in RFC 3339 ending in Z.
	ResolvedAt string `json:"resolvedAt"`
}

// Capabilities are a set of capabilities.
type Capabilities struct {
	// Digest is the SHA-256 of the set in canonical form, hosts and kinds included.
	Digest string `json:"digest"`
	// Names are those of the capabilities, sorted.
	Names []string `json:"names"`
}

// Kind is a kind of document that a release brings.
type Kind struct {
	Group   string `json:"group"`
	Kind    string `json:"kind"`
	Version string `json:"version"`
	// Digest is that of the whole definition, see internal/kind.
	Digest string `json:"digest"`
}

// GroupKind returns group and kind.
func (k Kind) GroupKind() abi.GroupKind { return abi.GroupKind{Group: k.Group, Kind: k.Kind} }

func compareKind(a, b Kind) int {
	return slices.Compare([]string{a.Group, a.Kind}, []string{b.Group, b.Kind})
}

// Signers returns the ids of all keys that signed the release, sorted.
func (p Plugin) Signers() []string { return append([]string{p.KeyID}, p.CoSigners...) }

// SetSigners notes who signed the release, sorted, and how many had to.
func (p *Plugin) SetSigners(ids []string, threshold int) {
	p.KeyID, p.CoSigners, p.Threshold = ids[0], slices.Clone(ids[1:]), 0
	if len(p.CoSigners) == 0 {
		p.CoSigners = nil
	}
	if threshold > 1 {
		p.Threshold = threshold
	}
}

// Path returns publisher/name.
func (p Plugin) Path() string { return p.Publisher + "/" + p.Name }

// Reference returns publisher/name@version.
func (p Plugin) Reference() string { return p.Path() + "@" + p.Version }

// New returns an empty lock.
func New() *Lock {
	return &Lock{Version: FormatVersion, Indexes: []Index{}, Plugins: []Plugin{}, Policies: []Policy{}}
}

// Parse reads a lock file strictly: unknown, double or missing keys, plugins out of order or there
// twice, values outside their grammar and another digest are errors; the last wraps [ErrEdited].
func Parse(data []byte) (*Lock, error) {
	var l Lock
	if err := strictjson.Decode(data, MaxBytes, &l); err != nil {
		return nil, err
	}
	if err := l.check(); err != nil {
		return nil, err
	}
	want, err := l.sum()
	if err != nil {
		return nil, err
	}
	if l.Digest != want {
		return nil, fmt.Errorf("digest: the file %w by hand or by another program", ErrEdited)
	}
	return &l, nil
}

// sum returns the digest of everything but the digest.
func (l *Lock) sum() (string, error) {
	rest := *l
	rest.Digest = ""
	data, err := strictjson.Marshal(rest)
	return release.Digest(data), err
}

// Encode returns the content of the lock file. Equal locks give equal bytes.
func (l *Lock) Encode() ([]byte, error) {
	if err := l.check(); err != nil {
		return nil, err
	}
	sealed := *l
	var err error
	if sealed.Digest, err = l.sum(); err != nil {
		return nil, err
	}
	return strictjson.MarshalIndent(sealed)
}

// Read reads the lock file at path. Where none exists, nothing is installed: the lock is empty.
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
		return nil, fmt.Errorf("%s: %w: restore it, or remove it and install again", path, err)
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

// Update reads the lock file at path, has it changed and writes it, while no other Update of the
// same file runs in this or another process. When change returns an error, that error is returned
// and the file stays as it is.
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

// Find returns the plugin with the given name: publisher/name, or a bare name that one publisher
// only uses. The error has the code [problem.Invalid]; it wraps [ErrNotLocked] when no plugin
// matches, and names the publishers when there are several.
func (l *Lock) Find(name string) (Plugin, error) {
	var found []Plugin
	for _, p := range l.Plugins {
		if p.Path() == name || p.Name == name {
			found = append(found, p)
		}
	}
	switch len(found) {
	case 0:
		return Plugin{}, fmt.Errorf("%s: %w; run lattice-host install %s", name, ErrNotLocked, name)
	case 1:
		return found[0], nil
	}
	paths := make([]string, len(found))
	for i, p := range found {
		paths[i] = p.Path()
	}
	return Plugin{}, problem.Errorf(problem.Invalid, "%s: several publishers have a plugin of this name, say which one: %s",
		name, strings.Join(paths, ", "))
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

// SetIndex puts x into the lock, in place of another state of the same index.
func (l *Lock) SetIndex(x Index) {
	i, found := slices.BinarySearchFunc(l.Indexes, x, compareIndex)
	if found {
		l.Indexes[i] = x
		return
	}
	l.Indexes = slices.Insert(l.Indexes, i, x)
}

// Index returns the state of an index when something was last installed from it.
func (l *Lock) Index(name string) (Index, bool) {
	i, found := slices.BinarySearchFunc(l.Indexes, Index{Name: name}, compareIndex)
	if !found {
		return Index{}, false
	}
	return l.Indexes[i], true
}

// DropIndexes removes the indexes that nothing came from.
func (l *Lock) DropIndexes() {
	l.Indexes = slices.DeleteFunc(l.Indexes, func(x Index) bool {
		return !slices.ContainsFunc(l.Plugins, func(p Plugin) bool { return p.Index == x.Name }) &&
			!slices.ContainsFunc(l.Policies, func(p Policy) bool { return p.Index == x.Name })
	})
}

// SetPolicy puts p into the lock, in place of another bundle of its name.
func (l *Lock) SetPolicy(p Policy) {
	i, found := slices.BinarySearchFunc(l.Policies, p, comparePolicy)
	if found {
		l.Policies[i] = p
		return
	}
	l.Policies = slices.Insert(l.Policies, i, p)
}

// DeletePolicy takes the bundle with a name out of the lock, and reports whether there was one.
func (l *Lock) DeletePolicy(name string) bool {
	before := len(l.Policies)
	l.Policies = slices.DeleteFunc(l.Policies, func(p Policy) bool { return p.Name == name })
	return len(l.Policies) < before
}

// Blobs returns the digests of everything that the lock names.
func (l *Lock) Blobs() []string {
	var digests []string
	for _, p := range l.Plugins {
		digests = append(digests, p.Digest, p.Bundle)
	}
	for _, p := range l.Policies {
		digests = append(digests, p.Digest)
	}
	return digests
}

func comparePolicy(a, b Policy) int { return strings.Compare(a.Name, b.Name) }

func compareIndex(a, b Index) int { return strings.Compare(a.Name, b.Name) }

func comparePath(a, b Plugin) int {
	if d := strings.Compare(a.Publisher, b.Publisher); d != 0 {
		return d
	}
	return strings.Compare(a.Name, b.Name)
}

// checkKinds checks that no two plugins bring one kind.
func (l *Lock) checkKinds() error {
	by := map[abi.GroupKind]string{}
	for _, p := range l.Plugins {
		for _, k := range p.Kinds {
			if other := by[k.GroupKind()]; other != "" {
				return fmt.Errorf("plugins: %s and %s both bring the kind %s", other, p.Path(), k.GroupKind())
			}
			by[k.GroupKind()] = p.Path()
		}
	}
	return nil
}

func (l *Lock) check() error {
	if l.Version != FormatVersion {
		return fmt.Errorf("version: is %d, this program reads version %d", l.Version, FormatVersion)
	}
	if l.Indexes == nil || l.Plugins == nil || l.Policies == nil {
		return errors.New("indexes, plugins and policies: must be arrays")
	}
	for i, x := range l.Indexes {
		if err := x.check(); err != nil {
			return fmt.Errorf("indexes.%d.%w", i, err)
		}
		if i > 0 && compareIndex(l.Indexes[i-1], x) >= 0 {
			return fmt.Errorf("indexes.%d: %s must appear once, in the order of names", i, x.Name)
		}
	}
	for i, p := range l.Plugins {
		at := "plugins." + strconv.Itoa(i)
		if err := p.check(); err != nil {
			return fmt.Errorf("%s.%w", at, err)
		}
		if i > 0 && comparePath(l.Plugins[i-1], p) >= 0 {
			return fmt.Errorf("%s: %s must appear once, in the order of publisher and name", at, p.Path())
		}
		if !l.hasIndex(p.Index) {
			return fmt.Errorf("%s.index: %q is not among the indexes", at, p.Index)
		}
	}
	return errors.Join(l.checkKinds(), l.checkPolicies())
}

func (l *Lock) hasIndex(name string) bool {
	return slices.ContainsFunc(l.Indexes, func(x Index) bool { return x.Name == name })
}

func (l *Lock) checkPolicies() error {
	for i, p := range l.Policies {
		at := "policies." + strconv.Itoa(i)
		_, err := time.Parse(timeLayout, p.ResolvedAt)
		switch {
		case !abi.ValidName(p.Name):
			return fmt.Errorf("%s.%w", at, badValue("name", p.Name))
		case !l.hasIndex(p.Index):
			return fmt.Errorf("%s.index: %q is not among the indexes", at, p.Index)
		case !release.ValidDigest(p.Digest):
			return fmt.Errorf("%s.%w", at, badValue("digest", p.Digest))
		case err != nil:
			return fmt.Errorf("%s.%w", at, badValue("resolvedAt", p.ResolvedAt))
		case i > 0 && comparePolicy(l.Policies[i-1], p) >= 0:
			return fmt.Errorf("%s: %s must appear once, in the order of names", at, p.Name)
		}
	}
	return nil
}

func (x Index) check() error {
	switch {
	case !validToken(x.Name):
		return badValue("name", x.Name)
	case x.Root < 1:
		return badValue("root", strconv.FormatInt(x.Root, 10))
	case x.Snapshot < 1:
		return badValue("snapshot", strconv.FormatInt(x.Snapshot, 10))
	case len(x.RootKeyIDs) == 0:
		return errors.New("rootKeyIds: must have entries")
	}
	for i, id := range x.RootKeyIDs {
		if !validToken(id) || i > 0 && x.RootKeyIDs[i-1] >= id {
			return badValue("rootKeyIds", id)
		}
	}
	return nil
}

func (p Plugin) check() error {
	_, err := time.Parse(timeLayout, p.ResolvedAt)
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
	case len(p.Range) > maxRangeBytes || strings.ContainsFunc(p.Range, func(r rune) bool { return r < ' ' || r > '~' }):
		return badValue("range", p.Range)
	case !release.ValidDigest(p.Manifest):
		return badValue("manifest", p.Manifest)
	case !release.ValidDigest(p.Bundle):
		return badValue("bundle", p.Bundle)
	case !validToken(p.KeyID):
		return badValue("keyId", p.KeyID)
	case p.Threshold != 0 && (p.Threshold < 2 || p.Threshold > 1+len(p.CoSigners)):
		return badValue("threshold", strconv.Itoa(p.Threshold))
	case p.ABI != abi.Version:
		return badValue("abi", strconv.FormatInt(p.ABI, 10))
	case !validToken(p.Index):
		return badValue("index", p.Index)
	case !release.ValidDigest(p.Capabilities.Digest):
		return badValue("capabilities.digest", p.Capabilities.Digest)
	case p.Capabilities.Names == nil:
		return errors.New("capabilities.names: must be an array")
	case err != nil:
		return badValue("resolvedAt", p.ResolvedAt)
	}
	before := p.KeyID
	for _, id := range p.CoSigners {
		if !validToken(id) || before >= id {
			return badValue("coSigners", id)
		}
		before = id
	}
	for i, k := range p.Kinds {
		if k.Group == "" || k.Kind == "" || k.Version == "" || !release.ValidDigest(k.Digest) || i > 0 && compareKind(p.Kinds[i-1], k) >= 0 {
			return badValue("kinds", k.GroupKind().String())
		}
	}
	for i, c := range p.Capabilities.Names {
		if !validToken(c) || i > 0 && p.Capabilities.Names[i-1] >= c {
			return badValue("capabilities.names", c)
		}
	}
	return nil
}

// timeLayout is RFC 3339 in UTC to the second.
const timeLayout = "2006-01-02T15:04:05Z"

// Date returns a time as the lock has it.
func Date(t time.Time) string { return t.UTC().Format(timeLayout) }

func badValue(field, value string) error {
	return fmt.Errorf("%s: %q is not valid or out of order", field, value)
}

// validToken reports whether s is a name of 1 to 80 lower-case letters, digits, dots, underscores
// and hyphens that begins with a letter or digit.
func validToken(s string) bool {
	if s == "" || len(s) > 80 || strings.ContainsRune("._-", rune(s[0])) {
		return false
	}
	return strings.Trim(s, "abcdefghijklmnopqrstuvwxyz0123456789._-") == ""
}
