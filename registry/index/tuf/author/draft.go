// Package author publishes an index: the other side of package tuf.
//
// An index has five roles. Root and targets are meant for keys that are kept offline: root says
// which keys all others have, targets holds who the publishers are and what is revoked, and
// delegates the releases. Releases, snapshot and timestamp are meant for keys that a machine has:
// adding or yanking a release needs these alone, and they can neither add a publisher nor take back
// a revocation.
//
// A large index spreads its releases over bins, by the hash of the target's name: roles releases-00
// and so on, all with the keys of the role releases, so that a client downloads one small role and
// not all. [BinBits] says how many to make.
//
// A [Draft] is an index in the making: [New] or [Open] one, change it, and [Draft.Publish] returns
// what that writes, which [Change.Write] does.
package author

import (
	"context"
	"errors"
	"fmt"
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

// Signers are the keys of a role and how many of them must sign.
type Signers struct {
	Keys      []release.PublicKey
	Threshold int
}

func (s Signers) check(role string) error {
	ids := map[string]bool{}
	for _, key := range s.Keys {
		if _, err := release.NewPublicKey(key.Ed25519); err != nil {
			return fmt.Errorf("%s: %w", role, err)
		}
		ids[key.ID] = true
	}
	if s.Threshold < 1 || s.Threshold > len(ids) {
		return fmt.Errorf("%s: the threshold is %d, and there are %d different keys", role, s.Threshold, len(ids))
	}
	return nil
}

// list is the metadata of a role with targets.
type list = metadata.Metadata[metadata.TargetsType]

// Draft is an index in the making.
type Draft struct {
	root      *metadata.Metadata[metadata.RootType]
	timestamp *metadata.Metadata[metadata.TimestampType]
	snapshot  *metadata.Metadata[metadata.SnapshotType]
	targets   *list
	// lists are the roles with the releases, by name, as far as they were needed: reading all bins
	// takes seconds.
	lists map[string]*list
	// before is the published root, whose keys must sign the next as well, and view the published
	// index; nil for a new one.
	before *metadata.Metadata[metadata.RootType]
	view   *tuf.View
	// changed are the roles that must be published; for the bins, releases means all of them.
	// Renewed says that those bins must be published that expire soon.
	changed map[string]bool
	renewed bool
	// contents are the new targets by where they lie.
	contents map[string][]byte
	// plugins are the releases of the plugins that were needed, by publisher/name, and touched
	// those that have changed.
	plugins map[string][]tuf.Version
	touched map[string]bool
	notes   []string
	// revoked is what revocations.json says.
	revoked *revocation.List
	// published says that Publish was called.
	published bool
}

// Options are what an index is made with.
type Options struct {
	// BinBits is the number of bits of the hash that choose a release's bin: 0 for a single role,
	// else at most [MaxBinBits].
	BinBits int
}

// New returns an index without targets. Every role of [Roles] must have signers.
func New(signers map[string]Signers, o Options) (*Draft, error) {
	d := newDraft()
	d.revoked = revocation.New()
	d.targets.Signed.Delegations = &metadata.Delegations{Keys: map[string]*metadata.Key{}}
	if err := d.delegate(o.BinBits, []string{}, 0); err != nil {
		return nil, err
	}
	for _, role := range Roles() {
		if err := d.Rotate(role, signers[role]); err != nil {
			return nil, err
		}
	}
	return d, nil
}

// newDraft returns an index in which every role has the version 0.
func newDraft() *Draft {
	d := &Draft{
		root: metadata.Root(), timestamp: metadata.Timestamp(), snapshot: metadata.Snapshot(), targets: newList(0),
		lists: map[string]*list{}, changed: map[string]bool{}, contents: map[string][]byte{},
		plugins: map[string][]tuf.Version{}, touched: map[string]bool{},
	}
	d.root.Signed.Version, d.timestamp.Signed.Version, d.snapshot.Signed.Version = 0, 0, 0
	return d
}

// newList returns a role without targets that was published so many times.
func newList(version int64) *list {
	l := metadata.Targets()
	l.Signed.Version = version
	return l
}

// Open returns the index in the folder dir, verified from a pinned root on as a client does it, so
// that no one who can write to the folder gets a signature under what they put there: what the
// draft changes, it reads and verifies first, and what it does not change keeps the hash that the
// verified snapshot has for it. [Draft.Check] reads all. That the index has expired is not an
// error.
func Open(ctx context.Context, dir string, pinned []byte) (*Draft, error) {
	return Read(ctx, folder(dir), pinned)
}

// Read is [Open] for an index anywhere, to look at it. The source must stay open as long as the
// draft is used.
func Read(ctx context.Context, source tuf.Source, pinned []byte) (*Draft, error) {
	// Long ago, nothing had expired.
	longAgo := func() time.Time { return time.Unix(0, 0) }
	view, err := tuf.Look(ctx, tuf.Config{Root: pinned, Source: source, Clock: longAgo})
	if err != nil {
		return nil, err
	}
	d := newDraft()
	d.view, d.before = view, metadata.Root()
	err = errors.Join(
		read(ctx, view, d.root, RoleRoot), read(ctx, view, d.before, RoleRoot), read(ctx, view, d.timestamp, RoleTimestamp),
		read(ctx, view, d.snapshot, RoleSnapshot), read(ctx, view, d.targets, RoleTargets),
	)
	if err != nil {
		return nil, err
	}
	if err := d.delegates(); err != nil {
		return nil, err
	}
	if d.binBits() == 0 {
		if _, err := d.list(RoleReleases); err != nil {
			return nil, err
		}
	}
	d.revoked, err = revocations(ctx, view)
	return d, err
}

func read[T metadata.Roles](ctx context.Context, view *tuf.View, into *metadata.Metadata[T], role string) error {
	data, err := view.Metadata(ctx, role)
	if err != nil {
		return err
	}
	_, err = into.FromBytes(data)
	return err
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

// folder is the source of a draft: it holds nothing open, so that a draft need not be closed.
type folder string

// Metadata returns a file of metadata.
func (f folder) Metadata(ctx context.Context, file string, limit int64) ([]byte, error) {
	return f.read(func(s tuf.Source) ([]byte, error) { return s.Metadata(ctx, file, limit) })
}

// Target returns a target.
func (f folder) Target(ctx context.Context, path string, limit int64) ([]byte, error) {
	return f.read(func(s tuf.Source) ([]byte, error) { return s.Target(ctx, path, limit) })
}

// Close does nothing.
func (f folder) Close() error { return nil }

func (f folder) read(get func(tuf.Source) ([]byte, error)) (data []byte, err error) {
	source, err := tuf.OpenFolder(string(f))
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, source.Close()) }()
	return get(source)
}

// role returns the role that lists a target of a name.
func (d *Draft) role(name string) (string, *metadata.TargetsType, error) {
	if !tuf.AboutReleases(name) {
		return RoleTargets, &d.targets.Signed, nil
	}
	role := d.targets.Signed.Delegations.GetRolesForTarget(name)[0].Name
	l, err := d.list(role)
	if err != nil {
		return "", nil, err
	}
	return role, &l.Signed, nil
}

// Set puts a target into the index, under a name that tuf.ValidTarget allows. Releases are not set
// but added, and revocations revoked. Setting the same content again changes nothing.
func (d *Draft) Set(name string, content []byte) error {
	switch {
	case !tuf.ValidTarget(name):
		return fmt.Errorf("%q is not a name for a target of an index", name)
	case name == tuf.RevocationsTarget:
		return fmt.Errorf("%s: is written by revoking", name)
	case tuf.AboutReleases(name):
		return fmt.Errorf("%s: is written by adding a release", name)
	}
	return d.set(name, content)
}

func (d *Draft) set(name string, content []byte) error {
	changed, err := d.put(name, content)
	if err == nil && changed {
		d.note("%s: sets %s, %d bytes", RoleTargets, name, len(content))
	}
	return err
}

// put has the role of a target list it with a content, and reports whether that is another than
// before.
func (d *Draft) put(name string, content []byte) (changed bool, err error) {
	file, err := metadata.TargetFile().FromBytes(name, content)
	if err != nil {
		return false, err
	}
	role, signed, err := d.role(name)
	if err != nil {
		return false, err
	}
	if present := signed.Targets[name]; present != nil {
		if present.Equal(*file) {
			return false, nil
		}
		// What is said about a release stays said when it gets another signature.
		file.Custom = present.Custom
	}
	signed.Targets[name] = file
	d.contents[targetPath(name, file)] = content
	d.changed[role] = true
	return true, nil
}

// Target returns the content of a target as the draft would publish it. The error is
// tuf.ErrNotFound if none exists.
func (d *Draft) Target(name string) ([]byte, error) {
	_, signed, err := d.role(name)
	if err != nil {
		return nil, err
	}
	if file := signed.Targets[name]; file != nil {
		if content, ok := d.contents[targetPath(name, file)]; ok {
			return content, nil
		}
	}
	if d.view == nil {
		return nil, fmt.Errorf("%s: %w", name, tuf.ErrNotFound)
	}
	target, err := d.view.Target(context.Background(), name)
	if err != nil {
		return nil, err
	}
	return target.Data, nil
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

func (d *Draft) note(format string, args ...any) {
	d.notes = append(d.notes, fmt.Sprintf(format, args...))
}
