package tuf

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/theupdateframework/go-tuf/v2/metadata"
	"github.com/theupdateframework/go-tuf/v2/metadata/trustedmetadata"
)

// View is an index as it was verified at one moment. It does not change; what it needs beyond the
// top-level metadata is fetched and verified when it is asked for. Its methods may be called from
// several goroutines.
type View struct {
	client *Client
	set    trustedmetadata.TrustedMetadata
	// at is when the refresh was that verified it.
	at time.Time
	// offline views neither fetch nor refuse what has expired.
	offline bool

	mu sync.Mutex
	// raw is the metadata of roles, and verified what each delegator's keys vouch for: that a role
	// was verified for one delegator says nothing about another's keys.
	raw      map[string][]byte
	verified map[edge]*targetsRole
	// newRoles and newTargets were fetched and are not yet stored.
	newRoles   map[string][]byte
	newTargets [][]byte
}

type targetsRole = metadata.Metadata[metadata.TargetsType]

// edge is a delegation.
type edge struct{ delegator, role string }

// Role is the state of one role.
type Role struct {
	// Name is root, timestamp, snapshot or targets.
	Name string
	// Version counts from 1.
	Version int64
	// Expires is when the role must have been published again.
	Expires time.Time
}

// Target is a verified file of the index.
type Target struct {
	// Name is the name that was asked for.
	Name string
	// Data is the content.
	Data []byte
	// Custom is the JSON that the role says about the target, or nil.
	Custom json.RawMessage
	// Role is the role that lists the target.
	Role string
}

func newView(c *Client, set *trustedmetadata.TrustedMetadata, at time.Time) *View {
	return &View{
		client: c, set: *set, at: at,
		raw: map[string][]byte{}, verified: map[edge]*targetsRole{}, newRoles: map[string][]byte{},
	}
}

// Verified returns the index as the last successful refresh left it, verified again from the pinned
// root and the files in the state folder. It fetches nothing and does not look at expiry dates:
// anyone who uses it decides what [View.Expired] means. The error is [ErrNotFound] when there was
// no successful refresh yet.
func (c *Client) Verified() (*View, error) {
	for {
		r, err := c.state.load()
		if err != nil {
			return nil, err
		}
		if r.Verified == nil {
			return nil, &indexError{
				kind: ErrNotFound, subject: c.state.dir, problem: "the index was never verified", advice: "refresh it first",
			}
		}
		view, err := c.reverify(r)
		if err == nil {
			return view, nil
		}
		// Another process may have replaced the record and removed what it no longer speaks of.
		if again, loadErr := c.state.load(); loadErr != nil || again.Verified == nil || *again.Verified == *r.Verified {
			return nil, errors.Join(err, loadErr)
		}
	}
}

// reverify makes the view of a record.
func (c *Client) reverify(r *record) (*View, error) {
	// The beginning of time: nothing has expired yet.
	var never time.Time
	set, err := c.anchor(never)
	if err != nil {
		return nil, err
	}
	c.replay(set, r.Verified.Root, never)
	if set.Root.Signed.Version < r.Verified.Root {
		return nil, c.state.damaged(rootsFolder, fmt.Errorf("no chain of signatures leads from root version %d to version %d",
			set.Root.Signed.Version, r.Verified.Root))
	}
	u := &update{client: c, set: set, record: r, now: never}
	if err := u.reload(r.Verified); err != nil {
		return nil, err
	}
	at, err := time.Parse(time.RFC3339, r.Verified.At)
	if err != nil {
		return nil, c.state.damaged(recordFile, err)
	}
	view := newView(c, set, at)
	view.offline = true
	top := &record{Roles: map[string]string{metadata.TARGETS: r.Verified.Targets}}
	_, err = view.load(context.Background(), nil, edge{metadata.ROOT, metadata.TARGETS}, top, never)
	return view, err
}

// reload verifies timestamp and snapshot as they lie in the folder.
func (u *update) reload(v *verified) error {
	timestamp, err := u.client.state.blob(metadataBlobs, v.Timestamp, maxTimestampBytes)
	if err != nil {
		return err
	}
	snapshot, err := u.client.state.blob(metadataBlobs, v.Snapshot, maxSnapshotBytes)
	if err != nil {
		return err
	}
	if err := u.updateTimestamp(timestamp); err != nil {
		return refusal(metadata.TIMESTAMP, timestamp, 0, u.now, err)
	}
	if err := u.client.rules.timestamp(&u.set.Timestamp.Signed); err != nil {
		return err
	}
	if err := u.updateSnapshot(snapshot, false); err != nil {
		return refusal(metadata.SNAPSHOT, snapshot, 0, u.now, err)
	}
	return u.client.rules.snapshot(&u.set.Snapshot.Signed)
}

// Roles returns the top-level roles in the order root, timestamp, snapshot, targets.
func (v *View) Roles() []Role {
	root, timestamp, snapshot := &v.set.Root.Signed, &v.set.Timestamp.Signed, &v.set.Snapshot.Signed
	v.mu.Lock()
	defer v.mu.Unlock()
	targets := &v.verified[edge{metadata.ROOT, metadata.TARGETS}].Signed
	return []Role{
		{metadata.ROOT, root.Version, root.Expires},
		{metadata.TIMESTAMP, timestamp.Version, timestamp.Expires},
		{metadata.SNAPSHOT, snapshot.Version, snapshot.Expires},
		{metadata.TARGETS, targets.Version, targets.Expires},
	}
}

// At returns when the refresh was that verified the index.
func (v *View) At() time.Time { return v.at }

// Expired returns the top-level roles that have expired by the clock of the client, which does not
// go back, the longest expired first.
func (v *View) Expired() ([]Role, error) {
	now, err := v.client.state.latest(v.client.config.Clock())
	if err != nil {
		return nil, err
	}
	roles := slices.DeleteFunc(v.Roles(), func(r Role) bool { return !now.After(r.Expires) })
	slices.SortStableFunc(roles, func(a, b Role) int { return a.Expires.Compare(b.Expires) })
	return roles, nil
}

// StaleDays returns for how many whole days a top-level role has been expired; -1 while none is.
func (v *View) StaleDays() (int, error) {
	roles, err := v.Expired()
	if err != nil || len(roles) == 0 {
		return -1, err
	}
	return v.daysSince(roles[0].Expires)
}

// AgeDays returns how many whole days ago the index was verified.
func (v *View) AgeDays() (int, error) { return v.daysSince(v.at) }

func (v *View) daysSince(moment time.Time) (int, error) {
	now, err := v.client.state.latest(v.client.config.Clock())
	return int(now.Sub(moment) / (24 * time.Hour)), err
}

// Target returns a file of the index, verified. Its error is [ErrNotFound] when the index does not
// have it, [ErrExpired] when the view came from a refresh and has expired since, and
// [ErrUnavailable] when the view came from [Client.Verified] and the file was not fetched before.
func (v *View) Target(ctx context.Context, name string) (target *Target, err error) {
	err = v.do(ctx, func(ctx context.Context, r *record, now time.Time) (err error) {
		target, err = v.get(ctx, name, r, now)
		return err
	})
	if err != nil {
		return nil, err
	}
	return target, nil
}

// do has find look for something in the index, and stores what that fetched.
func (v *View) do(ctx context.Context, find func(context.Context, *record, time.Time) error) error {
	ctx, cancel := context.WithTimeout(ctx, v.client.config.Timeout)
	defer cancel()
	now, err := v.now()
	if err != nil {
		return err
	}
	r, err := v.client.state.load()
	if err != nil {
		return err
	}
	v.mu.Lock()
	defer v.mu.Unlock()
	return errors.Join(find(ctx, r, now), v.storeNew())
}

// Delegated returns the names of the roles that the role targets delegates to, in its order.
func (v *View) Delegated() []string {
	v.mu.Lock()
	defer v.mu.Unlock()
	return delegated(v.verified[edge{metadata.ROOT, metadata.TARGETS}])
}

func delegated(role *targetsRole) []string {
	d := role.Signed.Delegations
	switch {
	case d == nil:
		return nil
	case d.SuccinctRoles != nil:
		return d.SuccinctRoles.GetRoles()
	}
	names := make([]string, len(d.Roles))
	for i := range d.Roles {
		names[i] = d.Roles[i].Name
	}
	return names
}

// Metadata returns the verified metadata of a role of [View.Roles] or [View.Delegated]. Its error
// is that of [View.Target].
func (v *View) Metadata(ctx context.Context, role string) ([]byte, error) {
	switch role {
	case metadata.ROOT:
		return v.set.Root.ToBytes(false)
	case metadata.TIMESTAMP:
		return v.set.Timestamp.ToBytes(false)
	case metadata.SNAPSHOT:
		return v.set.Snapshot.ToBytes(false)
	}
	e := edge{metadata.TARGETS, role}
	if role == metadata.TARGETS {
		e.delegator = metadata.ROOT
	}
	var data []byte
	err := v.do(ctx, func(ctx context.Context, r *record, now time.Time) error {
		parent := v.verified[edge{metadata.ROOT, metadata.TARGETS}]
		if e.delegator == metadata.TARGETS && !slices.Contains(delegated(parent), role) {
			return &indexError{kind: ErrNotFound, subject: role, problem: "the role targets does not delegate to it"}
		}
		_, err := v.load(ctx, parent, e, r, now)
		data = bytes.Clone(v.raw[role])
		return err
	})
	return data, err
}

// now returns the time that expiry dates are compared with, and refuses what has expired since the
// refresh.
func (v *View) now() (time.Time, error) {
	if v.offline {
		return time.Time{}, nil
	}
	now, err := v.client.state.now(v.client.config.Clock())
	if err != nil {
		return now, err
	}
	for _, role := range v.Roles() {
		if now.After(role.Expires) {
			return now, expired(role.Name, role.Version, role.Expires, now)
		}
	}
	return now, nil
}

// storeNew stores what was fetched since the view was made or stored.
func (v *View) storeNew() error {
	if len(v.newRoles) == 0 && len(v.newTargets) == 0 {
		return nil
	}
	return v.client.state.locked(func() error {
		r, err := v.client.state.load()
		if err != nil {
			return err
		}
		return errors.Join(v.store(r), v.client.state.save(r))
	})
}

// store puts what was fetched into the folder and the record.
func (v *View) store(r *record) error {
	for _, role := range slices.Sorted(maps.Keys(v.newRoles)) {
		name, err := v.client.state.put(metadataBlobs, v.newRoles[role])
		if err != nil {
			return err
		}
		r.Roles[role] = name
	}
	for _, data := range v.newTargets {
		if _, err := v.client.state.put(targetBlobs, data); err != nil {
			return err
		}
	}
	clear(v.newRoles)
	v.newTargets = nil
	return nil
}

// Newest returns the newest metadata that was verified, by role, whether or not the refresh that
// brought it succeeded in the end.
func (c *Client) Newest() (map[string][]byte, error) {
	r, err := c.state.load()
	if err != nil {
		return nil, err
	}
	newest := map[string][]byte{metadata.ROOT: bytes.Clone(c.config.Root)}
	if r.Root > peek(c.config.Root).Version {
		if newest[metadata.ROOT], err = c.state.root(r.Root); err != nil {
			return nil, c.state.damaged(rootFile(r.Root), err)
		}
	}
	names := maps.Clone(r.Roles)
	names[metadata.TIMESTAMP], names[metadata.SNAPSHOT] = r.Seen.Timestamp, r.Seen.Snapshot
	for role, name := range names {
		if name == "" {
			continue
		}
		if newest[role], err = c.state.blob(metadataBlobs, name, maxRoleBytes); err != nil {
			return nil, err
		}
	}
	return newest, nil
}
