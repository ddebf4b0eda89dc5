package tuf

import (
	"bytes"
	"cmp"
	"context"
	"encoding/hex"
	"errors"
	"io/fs"
	"maps"
	"path"
	"slices"
	"strconv"
	"time"

	"github.com/theupdateframework/go-tuf/v2/metadata"
)

// get finds a target and returns its verified content.
func (v *View) get(ctx context.Context, name string, r *record, now time.Time) (*Target, error) {
	if !v.client.rules.any && !ValidTarget(name) || !fs.ValidPath(name) {
		return nil, &indexError{kind: ErrNotFound, subject: strconv.Quote(name), problem: "no target of an index has such a name"}
	}
	file, role, err := v.find(ctx, name, r, now)
	if err != nil {
		return nil, err
	}
	data, err := v.content(ctx, name, file)
	if err != nil {
		return nil, err
	}
	target := &Target{Name: name, Data: data, Role: role}
	if file.Custom != nil {
		target.Custom = bytes.Clone(*file.Custom)
	}
	return target, nil
}

// find looks for a target in the order that the specification gives: a role before those that it
// delegates to, and these in their order.
func (v *View) find(ctx context.Context, name string, r *record, now time.Time) (*metadata.TargetFiles, string, error) {
	type visit struct {
		edge
		parent *targetsRole
	}
	visits := []visit{{edge: edge{metadata.ROOT, metadata.TARGETS}}}
	visited := map[string]bool{}
	for len(visits) > 0 {
		next := visits[len(visits)-1]
		visits = visits[:len(visits)-1]
		if visited[next.role] {
			continue
		}
		if len(visited) == maxVisitedRoles {
			return nil, "", malformed(next.role, "the search for %s leads through more than %d roles", name, maxVisitedRoles)
		}
		visited[next.role] = true
		role, err := v.load(ctx, next.parent, next.edge, r, now)
		if err != nil {
			return nil, "", err
		}
		if file := role.Signed.Targets[name]; file != nil {
			return file, next.role, nil
		}
		children, terminating := v.client.rules.delegates(role, name)
		if terminating {
			visits = nil
		}
		for _, child := range slices.Backward(children) {
			visits = append(visits, visit{edge{next.role, child}, role})
		}
	}
	return nil, "", &indexError{
		kind: ErrNotFound, subject: name, problem: "the index does not have it", advice: "look at the spelling and the version",
	}
}

// delegates returns the roles that a role delegates a target to, up to a terminating one, after
// which no one else is asked.
func (r rules) delegates(role *targetsRole, target string) (names []string, terminating bool) {
	if role.Signed.Delegations == nil {
		return nil, false
	}
	for _, result := range r.rolesFor(role.Signed.Delegations, target) {
		names = append(names, result.Name)
		if result.Terminating {
			return names, true
		}
	}
	return names, false
}

// load returns a role that its delegator's keys vouch for: from memory, from the folder, or from
// the source. Parent is the delegator's metadata, nil for the root.
func (v *View) load(ctx context.Context, parent *targetsRole, e edge, r *record, now time.Time) (*targetsRole, error) {
	if role := v.verified[e]; role != nil {
		// A view may live longer than a role that it has loaded.
		if signed := &role.Signed; signed.IsExpired(now) {
			return nil, expired(e.role, signed.Version, signed.Expires, now)
		}
		return role, nil
	}
	meta := v.set.Snapshot.Signed.Meta[fileOf(e.role)]
	if meta == nil {
		return nil, malformed(e.role, "the snapshot does not name this role, to which %s delegates", e.delegator)
	}
	data, err := v.known(e.role, meta, r)
	if err != nil {
		return nil, err
	}
	if data != nil {
		role, err := v.accept(parent, e, data, now)
		// Where the snapshot has no hash, the source may have the same version with the signatures
		// of new keys.
		if err == nil || v.offline || len(meta.Hashes) > 0 {
			return role, err
		}
	}
	if data, err = v.fetch(ctx, e.role, meta); err != nil {
		return nil, err
	}
	role, err := v.accept(parent, e, data, now)
	if err == nil {
		v.newRoles[e.role] = data
	}
	return role, err
}

// accept verifies a role for its delegator and remembers it.
func (v *View) accept(parent *targetsRole, e edge, data []byte, now time.Time) (*targetsRole, error) {
	role, err := v.verify(parent, e, data, now)
	if err != nil {
		return nil, err
	}
	v.raw[e.role], v.verified[e] = data, role
	return role, nil
}

// known returns the metadata of a role if it is in memory or in the folder, else nil.
func (v *View) known(role string, meta *metadata.MetaFiles, r *record) ([]byte, error) {
	if data := v.raw[role]; data != nil {
		return data, nil
	}
	name := r.Roles[role]
	if name == "" {
		return nil, nil
	}
	data, err := v.client.state.blob(metadataBlobs, name, maxRoleBytes)
	if err != nil {
		if v.offline {
			return nil, err
		}
		return nil, nil //nolint:nilerr // Another process replaced it, or it is damaged: the source has it.
	}
	if meta.VerifyLengthHashes(data) != nil || len(meta.Hashes) == 0 && peek(data).Version != meta.Version {
		return nil, nil
	}
	return data, nil
}

func (v *View) fetch(ctx context.Context, role string, meta *metadata.MetaFiles) ([]byte, error) {
	if v.offline || v.client.config.Source == nil {
		return nil, unavailable(role, errors.New("it was not fetched when the index was last refreshed"))
	}
	return v.client.fetch(ctx, &v.set, role, meta, maxRoleBytes)
}

// verify verifies a role in a set that knows nothing but its delegator.
func (v *View) verify(parent *targetsRole, e edge, data []byte, now time.Time) (*targetsRole, error) {
	set := v.set
	set.RefTime = now
	set.Targets = map[string]*targetsRole{}
	var may delegation
	if parent != nil {
		set.Targets[e.delegator] = parent
		may = v.client.rules.mayList(parent.Signed.Delegations, e.role)
	}
	var role *targetsRole
	err := guard(func() (err error) {
		role, err = set.UpdateDelegatedTargets(data, e.role, e.delegator)
		return err
	})
	if err != nil {
		return nil, refusal(e.role, data, 0, now, err)
	}
	if err := v.client.rules.targets(e.role, &role.Signed, may); err != nil {
		return nil, err
	}
	return role, nil
}

// content returns the bytes of a target, from the folder or the source.
func (v *View) content(ctx context.Context, name string, file *metadata.TargetFiles) ([]byte, error) {
	if sum := hex.EncodeToString(file.Hashes["sha256"]); validDigest(sum) {
		if data, err := v.client.state.blob(targetBlobs, sum, maxTargetBytes); err == nil && file.VerifyLengthHashes(data) == nil {
			return data, nil
		}
	}
	if v.offline || v.client.config.Source == nil {
		return nil, unavailable(name, errors.New("it was not fetched while the index was there"))
	}
	data, err := v.client.config.Source.Target(ctx, v.location(name, file), file.Length)
	if err != nil {
		return nil, fetchError(name, err)
	}
	if err := file.VerifyLengthHashes(data); err != nil {
		return nil, mismatch(name, "%s", reason(err))
	}
	v.newTargets = append(v.newTargets, data)
	return bytes.Clone(data), nil
}

// location returns where a target lies: with its hash in front of its name where the repository
// keeps old versions.
func (v *View) location(name string, file *metadata.TargetFiles) string {
	if !v.set.Root.Signed.ConsistentSnapshot {
		return name
	}
	algorithms := slices.Sorted(maps.Keys(file.Hashes))
	prefix := cmp.Or(hex.EncodeToString(file.Hashes["sha256"]), hex.EncodeToString(file.Hashes[algorithms[0]]))
	folder, base := path.Split(name)
	return folder + prefix + "." + base
}
