package author

import (
	"encoding/hex"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/theupdateframework/go-tuf/v2/metadata"

	"github.com/latticenet/lattice-host/registry/release"
)

// Rotate gives a role other keys and another threshold. The role is published again, so that its
// old keys' signatures are of no use any more.
func (d *Draft) Rotate(role string, s Signers) error {
	if err := s.check(role); err != nil {
		return err
	}
	keys := make(map[string]*metadata.Key, len(s.Keys))
	ids := make([]string, len(s.Keys))
	for i, k := range s.Keys {
		key, err := metadata.KeyFromPublicKey(k.Ed25519)
		if err != nil {
			return err
		}
		if ids[i], err = key.ID(); err != nil {
			return err
		}
		keys[ids[i]] = key
	}
	if err := d.setSigners(role, ids, s.Threshold, keys); err != nil {
		return err
	}
	d.changed[role] = true
	d.note("%s: %d of the keys %s", role, s.Threshold, keyIDs(s.Keys))
	return nil
}

func (d *Draft) setSigners(role string, ids []string, threshold int, keys map[string]*metadata.Key) error {
	if role == RoleReleases {
		d.changed[RoleTargets] = true
		d.targets.Signed.Delegations.Keys = keys
		present, presentThreshold := d.signersOf()
		*present, *presentThreshold = ids, threshold
		return nil
	}
	top := d.root.Signed.Roles[role]
	if top == nil {
		return noRole(role)
	}
	d.changed[RoleRoot] = true
	top.KeyIDs, top.Threshold = ids, threshold
	maps.Copy(d.root.Signed.Keys, keys)
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

func noRole(role string) error {
	return fmt.Errorf("%q is not a role of an index, the roles are %s", role, strings.Join(Roles(), ", "))
}

// Renew publishes roles again, so that they expire later. Of the bins of the role releases those
// are published that have less than half of their life left: all of them at once would have every
// client download all it needs again.
func (d *Draft) Renew(roles ...string) error {
	for _, role := range roles {
		switch {
		case !slices.Contains(Roles(), role):
			return noRole(role)
		case role == RoleReleases && d.binBits() > 0:
			d.renewed = true
		default:
			d.changed[role] = true
		}
	}
	return nil
}

// RoleState is what there is to know about a role of an index.
type RoleState struct {
	// Name is one of [Roles].
	Name string
	// Version counts from 1, 0 before it is published. Of bins, it is the highest.
	Version int64
	// Expires is when the role must have been published again. Of bins, it is the earliest.
	Expires time.Time
	// KeyIDs are those of the keys that may sign, in the form of release.KeyID, and Threshold how
	// many of them must.
	KeyIDs    []string
	Threshold int
	// Bins is the number of bins of the role releases, else 0.
	Bins int
}

// State returns the roles in the order of [Roles], as they are now. It reads all bins.
func (d *Draft) State() ([]RoleState, error) {
	top := func(role string, version int64, expires time.Time) RoleState {
		r := d.root.Signed.Roles[role]
		return RoleState{role, version, expires, publicIDs(d.root.Signed.Keys, r.KeyIDs), r.Threshold, 0}
	}
	releases, err := d.releasesState()
	if err != nil {
		return nil, err
	}
	return []RoleState{
		top(RoleRoot, d.root.Signed.Version, d.root.Signed.Expires),
		top(RoleTimestamp, d.timestamp.Signed.Version, d.timestamp.Signed.Expires),
		top(RoleSnapshot, d.snapshot.Signed.Version, d.snapshot.Signed.Expires),
		top(RoleTargets, d.targets.Signed.Version, d.targets.Signed.Expires),
		releases,
	}, nil
}

func (d *Draft) releasesState() (RoleState, error) {
	ids, threshold := d.signersOf()
	state := RoleState{Name: RoleReleases, KeyIDs: publicIDs(d.targets.Signed.Delegations.Keys, *ids), Threshold: *threshold}
	if bits := d.binBits(); bits > 0 {
		state.Bins = 1 << bits
	}
	for i, name := range d.listNames() {
		l, err := d.list(name)
		if err != nil {
			return state, err
		}
		state.Version = max(state.Version, l.Signed.Version)
		if i == 0 || l.Signed.Expires.Before(state.Expires) {
			state.Expires = l.Signed.Expires
		}
	}
	return state, nil
}

// publicIDs returns the ids that people know keys by.
func publicIDs(keys map[string]*metadata.Key, ids []string) []string {
	public := make([]string, len(ids))
	for i, id := range ids {
		raw, err := hex.DecodeString(keys[id].Value.PublicKey)
		public[i] = release.KeyID(raw)
		if err != nil || keys[id].Type != metadata.KeyTypeEd25519 {
			// Of an index that another program made.
			public[i] = id
		}
	}
	return public
}
