// Package tuftest is a repository in memory for tests of what reads one, honest or not: everything
// that a repository publishes can be changed before or after it is signed.
package tuftest

import (
	"archive/tar"
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"net/http"
	"net/url"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/theupdateframework/go-tuf/v2/metadata"

	"github.com/latticenet/lattice-host/registry/index/tuf"
)

// Targets is a role with targets.
type Targets = metadata.Metadata[metadata.TargetsType]

// Repository is a repository and the keys of all its roles. Its fields are what it would publish
// next; what it has published is in Files. It is a tuf.Source and an http.Handler.
type Repository struct {
	Root      *metadata.Metadata[metadata.RootType]
	Timestamp *metadata.Metadata[metadata.TimestampType]
	Snapshot  *metadata.Metadata[metadata.SnapshotType]
	// Roles are the role targets and the delegated ones.
	Roles map[string]*Targets
	// Keys sign, by role.
	Keys map[string][]Key
	// Hashes says whether metadata names lengths and hashes of other metadata.
	Hashes bool
	// Custom is what AddTarget notes next to targets.
	Custom json.RawMessage

	t testing.TB
	// mu guards Files and Requests, which servers use at the same time.
	mu sync.Mutex
	// Files is what is served, by path: metadata/… and targets/….
	Files map[string][]byte
	// Requests are the files of metadata that were asked for, and the targets by their path.
	Requests []string
}

// New returns a repository that has published version 1 of all top-level roles, without targets.
// Each role has a key of its own, and everything expires a year after now.
func New(t testing.TB, now time.Time) *Repository {
	t.Helper()
	expires := now.UTC().Truncate(time.Second).AddDate(1, 0, 0)
	r := &Repository{
		Root: metadata.Root(expires), Timestamp: metadata.Timestamp(expires), Snapshot: metadata.Snapshot(expires),
		Roles: map[string]*Targets{metadata.TARGETS: metadata.Targets(expires)},
		Keys:  map[string][]Key{}, Hashes: true, t: t, Files: map[string][]byte{},
	}
	for i, role := range metadata.TOP_LEVEL_ROLE_NAMES {
		r.Rotate(role, 1, NewKey(byte(i)))
	}
	r.PutRoot()
	r.PutRole(metadata.TARGETS)
	r.PutSnapshot()
	r.PutTimestamp()
	return r
}

// Rotate gives a top-level role other keys and a threshold. The root must be published for it to
// count.
func (r *Repository) Rotate(role string, threshold int, keys ...Key) {
	r.t.Helper()
	top := r.Root.Signed.Roles[role]
	top.KeyIDs, top.Threshold = []string{}, threshold
	r.Keys[role] = keys
	for _, key := range keys {
		r.check(r.Root.Signed.AddKey(key.Public(), role))
	}
}

// AddTarget puts a target into a role that is published later, and its content among the files at
// once.
func (r *Repository) AddTarget(role, name string, content []byte) {
	r.t.Helper()
	file, err := metadata.TargetFile().FromBytes(name, content)
	r.check(err)
	if custom := r.Custom; custom != nil {
		file.Custom = &custom
	}
	r.Roles[role].Signed.Targets[name] = file
	r.Set("targets/"+TargetPath(name, content), content)
}

// TargetPath returns where a target is published.
func TargetPath(name string, content []byte) string {
	sum := sha256.Sum256(content)
	folder, base := path.Split(name)
	return folder + hex.EncodeToString(sum[:]) + "." + base
}

// Delegate makes a role that another delegates to. Its keys are those given; the parent must be
// published for it to count. A role that exists is delegated to once more.
func (r *Repository) Delegate(parent string, d metadata.DelegatedRole, keys ...Key) {
	r.t.Helper()
	signed := &r.Roles[parent].Signed
	if signed.Delegations == nil {
		signed.Delegations = &metadata.Delegations{Keys: map[string]*metadata.Key{}, Roles: []metadata.DelegatedRole{}}
	}
	d.Threshold = max(d.Threshold, 1)
	signed.Delegations.Roles = append(signed.Delegations.Roles, d)
	for _, key := range keys {
		r.check(signed.AddKey(key.Public(), d.Name))
	}
	if r.Roles[d.Name] == nil {
		r.Roles[d.Name] = metadata.Targets(r.Root.Signed.Expires)
		r.Keys[d.Name] = keys
	}
}

// DelegateBins makes the roles prefix-0 and so on, over which targets are spread by so many bits of
// their hash, all with one key.
func (r *Repository) DelegateBins(prefix string, bits int, key Key) {
	r.t.Helper()
	bins := &metadata.SuccinctRoles{KeyIDs: []string{}, Threshold: 1, BitLength: bits, NamePrefix: prefix}
	signed := &r.Roles[metadata.TARGETS].Signed
	signed.Delegations = &metadata.Delegations{Keys: map[string]*metadata.Key{}, SuccinctRoles: bins}
	r.check(signed.AddKey(key.Public(), ""))
	for _, name := range bins.GetRoles() {
		r.Roles[name] = metadata.Targets(r.Root.Signed.Expires)
		r.Keys[name] = []Key{key}
	}
}

// Bin returns the role of DelegateBins that a target belongs to.
func (r *Repository) Bin(target string) string {
	return r.Roles[metadata.TARGETS].Signed.Delegations.GetRolesForTarget(target)[0].Name
}

// Publish publishes the next version of the named roles, of the snapshot and of the timestamp.
func (r *Repository) Publish(roles ...string) {
	r.t.Helper()
	for _, role := range roles {
		r.Roles[role].Signed.Version++
		r.PutRole(role)
	}
	r.PublishSnapshot()
}

// PublishAll publishes the next version of every role but the root.
func (r *Repository) PublishAll() {
	r.t.Helper()
	r.Publish(slices.Sorted(maps.Keys(r.Roles))...)
}

// PublishSnapshot publishes the next version of the snapshot and of the timestamp.
func (r *Repository) PublishSnapshot() {
	r.t.Helper()
	r.Snapshot.Signed.Version++
	r.PutSnapshot()
	r.PublishTimestamp()
}

// PublishTimestamp publishes the next version of the timestamp.
func (r *Repository) PublishTimestamp() {
	r.t.Helper()
	r.Timestamp.Signed.Version++
	r.PutTimestamp()
}

// PublishRoot publishes the next version of the root. Further keys sign it as well, such as those
// that it replaces.
func (r *Repository) PublishRoot(further ...Key) {
	r.t.Helper()
	r.Root.Signed.Version++
	r.PutRoot(further...)
}

// PutRoot signs and serves the root as it is.
func (r *Repository) PutRoot(further ...Key) {
	r.t.Helper()
	keys := append(slices.Clone(r.Keys[metadata.ROOT]), further...)
	r.Set(fmt.Sprintf("metadata/%d.root.json", r.Root.Signed.Version), sign(r, r.Root, keys))
}

// PutRole signs and serves a role as it is, and notes it in the snapshot.
func (r *Repository) PutRole(role string) {
	r.t.Helper()
	signed := &r.Roles[role].Signed
	data := sign(r, r.Roles[role], r.Keys[role])
	r.Set("metadata/"+r.versioned(role, signed.Version), data)
	r.Snapshot.Signed.Meta[role+".json"] = r.meta(signed.Version, data)
}

// PutSnapshot signs and serves the snapshot as it is, and notes it in the timestamp.
func (r *Repository) PutSnapshot() {
	r.t.Helper()
	data := sign(r, r.Snapshot, r.Keys[metadata.SNAPSHOT])
	r.Set("metadata/"+r.versioned(metadata.SNAPSHOT, r.Snapshot.Signed.Version), data)
	r.Timestamp.Signed.Meta["snapshot.json"] = r.meta(r.Snapshot.Signed.Version, data)
}

// PutTimestamp signs and serves the timestamp as it is.
func (r *Repository) PutTimestamp() {
	r.t.Helper()
	r.Set("metadata/timestamp.json", sign(r, r.Timestamp, r.Keys[metadata.TIMESTAMP]))
}

func (r *Repository) versioned(role string, version int64) string {
	if !r.Root.Signed.ConsistentSnapshot {
		return role + ".json"
	}
	return fmt.Sprintf("%d.%s.json", version, role)
}

func (r *Repository) meta(version int64, data []byte) *metadata.MetaFiles {
	if r.Hashes {
		return Meta(version, data)
	}
	return &metadata.MetaFiles{Version: version}
}

// Meta returns what a snapshot or timestamp says about metadata, with its length and hash.
func Meta(version int64, data []byte) *metadata.MetaFiles {
	sum := sha256.Sum256(data)
	// Not with MetaFile of go-tuf, which corrects versions that are wrong on purpose.
	return &metadata.MetaFiles{Version: version, Length: int64(len(data)), Hashes: metadata.Hashes{"sha256": sum[:]}}
}

func sign[T metadata.Roles](r *Repository, m *metadata.Metadata[T], keys []Key) []byte {
	r.t.Helper()
	m.ClearSignatures()
	for _, key := range keys {
		_, err := m.Sign(key.signer)
		r.check(err)
	}
	data, err := m.ToBytes(false)
	r.check(err)
	return data
}

func (r *Repository) check(err error) {
	r.t.Helper()
	if err != nil {
		r.t.Fatal(err)
	}
}

// Set serves data under a path.
func (r *Repository) Set(path string, data []byte) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.Files[path] = data
}

// Get returns what is served under a path. It must be there.
func (r *Repository) Get(path string) []byte {
	r.t.Helper()
	r.mu.Lock()
	defer r.mu.Unlock()
	data, ok := r.Files[path]
	if !ok {
		r.t.Fatalf("nothing is served under %s", path)
	}
	return data
}

// Remove serves nothing under a path any more.
func (r *Repository) Remove(path string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	delete(r.Files, path)
}

// Asked returns the requests since it was called last.
func (r *Repository) Asked() []string {
	r.mu.Lock()
	defer r.mu.Unlock()
	asked := r.Requests
	r.Requests = nil
	return asked
}

// Metadata serves as a tuf.Source.
func (r *Repository) Metadata(_ context.Context, file string, limit int64) ([]byte, error) {
	return r.serve(file, "metadata/"+file, limit)
}

// Target serves as a tuf.Source.
func (r *Repository) Target(_ context.Context, path string, limit int64) ([]byte, error) {
	return r.serve(path, "targets/"+path, limit)
}

// Close does nothing.
func (r *Repository) Close() error { return nil }

func (r *Repository) serve(request, path string, limit int64) ([]byte, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.Requests = append(r.Requests, request)
	data, ok := r.Files[path]
	switch {
	case !ok:
		return nil, fmt.Errorf("%s: %w", path, fs.ErrNotExist)
	case int64(len(data)) > limit:
		return nil, fmt.Errorf("%s: %w", path, tuf.ErrTooLarge)
	}
	return bytes.Clone(data), nil
}

// ServeHTTP serves the files.
func (r *Repository) ServeHTTP(w http.ResponseWriter, request *http.Request) {
	folder, escaped, _ := strings.Cut(strings.TrimPrefix(request.URL.EscapedPath(), "/"), "/")
	name, err := url.PathUnescape(escaped)
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	data, err := r.serve(name, folder+"/"+name, 1<<40)
	if err != nil {
		http.NotFound(w, request)
		return
	}
	_, _ = w.Write(data)
}

// WriteFolder writes what is served into a folder.
func (r *Repository) WriteFolder(dir string) {
	r.t.Helper()
	for name, data := range r.Files {
		file := filepath.Join(dir, filepath.FromSlash(name))
		r.check(os.MkdirAll(filepath.Dir(file), 0o755))
		r.check(os.WriteFile(file, data, 0o644))
	}
}

// WriteTar writes what is served as a tar file.
func (r *Repository) WriteTar(to io.Writer) {
	r.t.Helper()
	w := tar.NewWriter(to)
	for _, name := range slices.Sorted(maps.Keys(r.Files)) {
		data := r.Files[name]
		r.check(w.WriteHeader(&tar.Header{Typeflag: tar.TypeReg, Name: name, Mode: 0o644, Size: int64(len(data))}))
		_, err := w.Write(data)
		r.check(err)
	}
	r.check(w.Close())
}
