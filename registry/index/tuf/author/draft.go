// Package author publishes an index: the other side of package tuf.
//
// An index has five roles. Root and targets are meant for keys that are kept offline: root says which keys all others have,
// targets holds who the publishers are and what is revoked, and delegates the releases. Releases, snapshot and timestamp
// are meant for keys that a machine has: adding or yanking a release needs these alone, and they can neither add a
// publisher nor take back a revocation.
//
// A [Draft] is an index in the making: [New] or [Open] one, change it, and [Draft.Publish] returns what that writes, which
// [Change.Write] does.
package author

import (
	"context"
	"crypto/ed25519"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/theupdateframework/go-tuf/v2/metadata"

	"github.com/latticenet/lattice-host/registry/index/revocation"
	"github.com/latticenet/lattice-host/registry/index/tuf"
	"github.com/latticenet/lattice-host/registry/release"
)

// The roles of an index.
const (
	RoleRoot      = metadata.ROOT
	RoleTargets   = metadata.TARGETS
	RoleReleases  = "releases"
	RoleSnapshot  = metadata.SNAPSHOT
	RoleTimestamp = metadata.TIMESTAMP
)

// Roles returns the roles in the order in which a client reads them.
func Roles() []string {
	return []string{RoleRoot, RoleTimestamp, RoleSnapshot, RoleTargets, RoleReleases}
}

// releasePaths are the targets that the role releases may list.
const releasePaths = "releases/*/*/*"

// Signers are the keys of a role and how many of them must sign.
type Signers struct {
	Keys      []release.PublicKey
	Threshold int
}

func (s Signers) check(role string) error {
	ids := map[string]bool{}
	for _, key := range s.Keys {
		if len(key.Ed25519) != ed25519.PublicKeySize {
			return fmt.Errorf("%s: the key %s is no Ed25519 key", role, key.ID)
		}
		ids[key.ID] = true
	}
	if s.Threshold < 1 || s.Threshold > len(ids) {
		return fmt.Errorf("%s: the threshold is %d, and there are %d different keys", role, s.Threshold, len(ids))
	}
	return nil
}

// Draft is an index in the making.
type Draft struct {
	root      *metadata.Metadata[metadata.RootType]
	timestamp *metadata.Metadata[metadata.TimestampType]
	snapshot  *metadata.Metadata[metadata.SnapshotType]
	targets   *metadata.Metadata[metadata.TargetsType]
	releases  *metadata.Metadata[metadata.TargetsType]
	// before is the published root, whose keys must sign the next as well; nil for a new index.
	before *metadata.Metadata[metadata.RootType]
	// changed are the roles that must be published, and contents the new targets by where they lie.
	changed  map[string]bool
	contents map[string][]byte
	notes    []string
	// revoked is what revocations.json says.
	revoked *revocation.List
	// published says that Publish was called.
	published bool
}

// New returns an index without targets. Every role of [Roles] must have signers.
func New(signers map[string]Signers) (*Draft, error) {
	d := &Draft{
		root: metadata.Root(), timestamp: metadata.Timestamp(), snapshot: metadata.Snapshot(),
		targets: metadata.Targets(), releases: metadata.Targets(), changed: map[string]bool{}, contents: map[string][]byte{},
		revoked: revocation.New(),
	}
	d.targets.Signed.Delegations = &metadata.Delegations{
		Keys:  map[string]*metadata.Key{},
		Roles: []metadata.DelegatedRole{{Name: RoleReleases, Terminating: true, Paths: []string{releasePaths}, KeyIDs: []string{}}},
	}
	d.root.Signed.Version, d.timestamp.Signed.Version, d.snapshot.Signed.Version = 0, 0, 0
	d.targets.Signed.Version, d.releases.Signed.Version = 0, 0
	for _, role := range Roles() {
		if err := d.Rotate(role, signers[role]); err != nil {
			return nil, err
		}
	}
	return d, nil
}

// Open returns the index in the folder dir, verified from a pinned root on as a client does it, so that nobody who can write to
// the folder gets a signature under what they put there. That it has expired is no error.
func Open(ctx context.Context, dir string, pinned []byte) (draft *Draft, err error) {
	source, err := tuf.OpenFolder(dir)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, source.Close()) }()
	state, err := os.MkdirTemp("", "lattice-index-*")
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(state)) }()
	// Long ago, nothing had expired.
	longAgo := func() time.Time { return time.Unix(0, 0) }
	client, err := tuf.Open(tuf.Config{Root: pinned, Dir: state, Source: source, Clock: longAgo})
	if err != nil {
		return nil, err
	}
	view, err := client.Refresh(ctx)
	if err != nil {
		return nil, err
	}
	// Looking for a release has the client verify the role releases.
	if _, err := view.Target(ctx, tuf.ReleaseTarget("none", "none", "0.0.0")); err != nil && !errors.Is(err, tuf.ErrNotFound) {
		return nil, err
	}
	newest, err := client.Newest()
	if err != nil {
		return nil, err
	}
	if draft, err = parse(newest); err != nil {
		return nil, err
	}
	draft.revoked, err = revocations(ctx, view)
	return draft, err
}

// revocations reads what is revoked.
func revocations(ctx context.Context, view *tuf.View) (*revocation.List, error) {
	target, err := view.Target(ctx, tuf.RevocationsTarget)
	if errors.Is(err, tuf.ErrNotFound) {
		return revocation.New(), nil
	}
	if err != nil {
		return nil, err
	}
	list, err := revocation.Parse(target.Data)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", tuf.RevocationsTarget, err)
	}
	return list, nil
}

// parse reads metadata that was verified.
func parse(verified map[string][]byte) (*Draft, error) {
	d := &Draft{
		root: metadata.Root(), timestamp: metadata.Timestamp(), snapshot: metadata.Snapshot(), targets: metadata.Targets(),
		releases: metadata.Targets(), before: metadata.Root(), changed: map[string]bool{}, contents: map[string][]byte{},
	}
	if verified[RoleReleases] == nil {
		return nil, errors.New("the index does not delegate to a role releases, this program did not make it")
	}
	return d, errors.Join(
		read(d.root, verified[RoleRoot]), read(d.before, verified[RoleRoot]), read(d.timestamp, verified[RoleTimestamp]),
		read(d.snapshot, verified[RoleSnapshot]), read(d.targets, verified[RoleTargets]), read(d.releases, verified[RoleReleases]),
	)
}

func read[T metadata.Roles](into *metadata.Metadata[T], data []byte) error {
	_, err := into.FromBytes(data)
	return err
}

// Rotate gives a role other keys and another threshold. The role is published again, so that its old keys' signatures are
// of no use any more.
func (d *Draft) Rotate(role string, s Signers) error {
	if err := s.check(role); err != nil {
		return err
	}
	keys := make([]*metadata.Key, len(s.Keys))
	ids := make([]string, len(s.Keys))
	for i, k := range s.Keys {
		key, err := metadata.KeyFromPublicKey(k.Ed25519)
		if err != nil {
			return err
		}
		keys[i] = key
		if ids[i], err = key.ID(); err != nil {
			return err
		}
	}
	d.changed[role] = true
	d.note("%s: %d of the keys %s", role, s.Threshold, keyIDs(s.Keys))
	if role == RoleReleases {
		d.changed[RoleTargets] = true
		d.targets.Signed.Delegations.Keys = map[string]*metadata.Key{}
		delegated := &d.targets.Signed.Delegations.Roles[0]
		delegated.KeyIDs, delegated.Threshold = ids, s.Threshold
		for i, key := range keys {
			d.targets.Signed.Delegations.Keys[ids[i]] = key
		}
		return nil
	}
	top := d.root.Signed.Roles[role]
	if top == nil {
		return fmt.Errorf("%q is no role of an index, the roles are %s", role, strings.Join(Roles(), ", "))
	}
	d.changed[RoleRoot] = true
	top.KeyIDs, top.Threshold = ids, s.Threshold
	for i, key := range keys {
		d.root.Signed.Keys[ids[i]] = key
	}
	d.dropKeys()
	return nil
}

// dropKeys removes keys that no role has any more.
func (d *Draft) dropKeys() {
	used := map[string]bool{}
	for _, top := range d.root.Signed.Roles {
		for _, id := range top.KeyIDs {
			used[id] = true
		}
	}
	maps.DeleteFunc(d.root.Signed.Keys, func(id string, _ *metadata.Key) bool { return !used[id] })
}

func keyIDs(keys []release.PublicKey) string {
	ids := make([]string, len(keys))
	for i, key := range keys {
		ids[i] = key.ID
	}
	return strings.Join(ids, ", ")
}

func (d *Draft) note(format string, args ...any) {
	d.notes = append(d.notes, fmt.Sprintf(format, args...))
}

// role returns the role that lists targets of a name.
func (d *Draft) role(name string) (string, *metadata.TargetsType) {
	if strings.HasPrefix(name, "releases/") {
		return RoleReleases, &d.releases.Signed
	}
	return RoleTargets, &d.targets.Signed
}

// Set puts a target into the index, under a name that tuf.ValidTarget allows. A release cannot be replaced by another content:
// raise its version. Setting the same content again changes nothing. Revocations are not set but revoked.
func (d *Draft) Set(name string, content []byte) error {
	if !tuf.ValidTarget(name) {
		return fmt.Errorf("%q is not a name for a target of an index", name)
	}
	if name == tuf.RevocationsTarget {
		return fmt.Errorf("%s: is written by revoking", name)
	}
	return d.set(name, content)
}

func (d *Draft) set(name string, content []byte) error {
	file, err := metadata.TargetFile().FromBytes(name, content)
	if err != nil {
		return err
	}
	role, signed := d.role(name)
	present := signed.Targets[name]
	switch {
	case present != nil && present.Equal(*file):
		return nil
	case present != nil && role == RoleReleases:
		return fmt.Errorf("%s: the index has this release with another content: raise the version", name)
	}
	signed.Targets[name] = file
	d.contents[targetPath(name, content)] = content
	d.changed[role] = true
	d.note("%s: sets %s, %d bytes", role, name, len(content))
	return nil
}

// Yank takes a release back: it is not chosen any more, and runs on where it is installed. Without a reason, a yanked
// release is offered again.
func (d *Draft) Yank(name, reason string) error {
	role, signed := d.role(name)
	file := signed.Targets[name]
	if file == nil || role != RoleReleases {
		return fmt.Errorf("%s: is not a release of the index", name)
	}
	if reason == "" {
		file.Custom = nil
		d.note("%s: offers %s again", role, name)
	} else {
		custom, err := json.Marshal(tuf.Note{Yanked: &tuf.Yanked{Reason: reason}})
		if err != nil {
			return err
		}
		if len(custom) > tuf.MaxNoteBytes {
			return fmt.Errorf("%s: the reason is too long, the limit is %d bytes", name, tuf.MaxNoteBytes)
		}
		raw := json.RawMessage(custom)
		file.Custom = &raw
		d.note("%s: yanks %s: %s", role, name, reason)
	}
	d.changed[role] = true
	return nil
}

// Revoke adds to what must not run any more, which the role targets signs.
func (d *Draft) Revoke(e revocation.Entry) error {
	if err := d.revoked.Add(e); err != nil {
		return err
	}
	d.note("%s: revokes %s: %s", RoleTargets, e.Subject(), e.Reason)
	return d.setRevocations()
}

// Restore takes a revocation back that was a mistake. Subject is that of the entry.
func (d *Draft) Restore(subject string) error {
	if err := d.revoked.Remove(subject); err != nil {
		return err
	}
	d.note("%s: restores %s", RoleTargets, subject)
	return d.setRevocations()
}

func (d *Draft) setRevocations() error {
	data, err := d.revoked.Encode()
	if err != nil {
		return err
	}
	return d.set(tuf.RevocationsTarget, data)
}

// Renew publishes roles again, so that they expire later.
func (d *Draft) Renew(roles ...string) error {
	for _, role := range roles {
		if !slices.Contains(Roles(), role) {
			return fmt.Errorf("%q is no role of an index, the roles are %s", role, strings.Join(Roles(), ", "))
		}
		d.changed[role] = true
	}
	return nil
}
