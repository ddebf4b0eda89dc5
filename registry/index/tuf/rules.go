package tuf

import (
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/hex"
	"maps"
	"slices"

	"github.com/theupdateframework/go-tuf/v2/metadata"

	"github.com/latticenet/lattice-host/registry/release"
)

// Limits on what a repository may ask of its clients. The sizes of files whose length no signed
// metadata says are those of go-tuf.
const (
	maxRootBytes      = 512_000
	maxTimestampBytes = 16_384
	maxSnapshotBytes  = 2_000_000
	maxRoleBytes      = 5_000_000
	// maxTargetBytes is the largest target: targets are documents, modules come from elsewhere.
	maxTargetBytes = 16 << 20
	// maxNewRoots is how many roots one refresh takes from its source.
	maxNewRoots = 256
	// maxVisitedRoles is how many roles one search for a target looks into.
	maxVisitedRoles = 32
	maxKeys         = 256
	maxDelegations  = 1024
	// maxBinBits allows 16,384 roles in which releases are spread by their hash.
	maxBinBits = 14
	maxTargets = 50_000
)

// rules are what is asked of metadata beyond its signatures.
type rules struct {
	// any takes every repository that the specification allows. What would harm a client is refused
	// all the same.
	any bool
}

// root checks the root that the rest is verified with.
func (r rules) root(signed *metadata.RootType) error {
	const role = metadata.ROOT
	if !r.any && !signed.ConsistentSnapshot {
		return malformed(role, "consistent_snapshot must be true")
	}
	if err := r.keys(role, signed.Keys); err != nil {
		return err
	}
	for _, name := range topLevelRoles {
		top := signed.Roles[name]
		if top == nil {
			return malformed(role, "roles.%s is missing", name)
		}
		if err := r.threshold(role, name, top.KeyIDs, top.Threshold); err != nil {
			return err
		}
		// Go-tuf verifies nothing with such a role, not even what it verified before.
		for _, id := range top.KeyIDs {
			if signed.Keys[id] == nil {
				return malformed(role, "roles.%s has the key %s, which is not among keys", name, id)
			}
		}
	}
	return nil
}

// keys checks what go-tuf would stumble over.
func (r rules) keys(role string, keys map[string]*metadata.Key) error {
	if len(keys) > maxKeys {
		return malformed(role, "has %d keys, the limit is %d", len(keys), maxKeys)
	}
	for _, id := range slices.Sorted(maps.Keys(keys)) {
		key := keys[id]
		if key == nil {
			return malformed(role, "keys.%s must not be null", id)
		}
		if key.Type != metadata.KeyTypeEd25519 {
			continue
		}
		raw, err := hex.DecodeString(key.Value.PublicKey)
		if err != nil || len(raw) != ed25519.PublicKeySize {
			return malformed(role, "keys.%s must be %d bytes in hexadecimal", id, ed25519.PublicKeySize)
		}
		if _, err := release.NewPublicKey(raw); err != nil {
			return malformed(role, "keys.%s: %v", id, err)
		}
	}
	return nil
}

func (r rules) threshold(role, name string, keyIDs []string, threshold int) error {
	if len(keyIDs) > maxKeys {
		return malformed(role, "%s has %d key ids, the limit is %d", name, len(keyIDs), maxKeys)
	}
	if threshold < 1 {
		return malformed(role, "%s has the threshold %d, it must be at least 1", name, threshold)
	}
	return nil
}

// timestamp checks the one entry of a timestamp.
func (r rules) timestamp(signed *metadata.TimestampType) error {
	const role = metadata.TIMESTAMP
	if !r.any && len(signed.Meta) != 1 {
		return malformed(role, "meta must have the entry %s and no other", fileOf(metadata.SNAPSHOT))
	}
	return r.meta(role, fileOf(metadata.SNAPSHOT), signed.Meta[fileOf(metadata.SNAPSHOT)], maxSnapshotBytes)
}

// snapshot checks the entries of a snapshot.
func (r rules) snapshot(signed *metadata.SnapshotType) error {
	const role = metadata.SNAPSHOT
	for _, file := range slices.Sorted(maps.Keys(signed.Meta)) {
		if err := r.meta(role, file, signed.Meta[file], maxRoleBytes); err != nil {
			return err
		}
	}
	if signed.Meta[fileOf(metadata.TARGETS)] == nil {
		return malformed(role, "meta has no entry %s", fileOf(metadata.TARGETS))
	}
	return nil
}

// meta asks for length and hash, which the specification does not: they keep a mirror from feeding
// bytes to the parser that no one signed.
func (r rules) meta(role, file string, meta *metadata.MetaFiles, limit int64) error {
	if meta == nil {
		return malformed(role, "meta.%s is missing or null", file)
	}
	if meta.Version < 1 {
		return malformed(role, "meta.%s.version is %d, it must be at least 1", file, meta.Version)
	}
	if meta.Length < 0 || meta.Length > limit {
		return malformed(role, "meta.%s.length is %d, the limit is %d", file, meta.Length, limit)
	}
	if r.any {
		return nil
	}
	if meta.Length == 0 {
		return malformed(role, "meta.%s.length is missing", file)
	}
	return hashes(role, "meta."+file, meta.Hashes)
}

func hashes(role, at string, h metadata.Hashes) error {
	if len(h["sha256"]) != sha256.Size {
		return malformed(role, "%s.hashes.sha256 is missing or does not have %d bytes", at, sha256.Size)
	}
	return nil
}

// delegation is what the role that delegates says about the delegated one: nil for the role
// targets.
type delegation func(target string) bool

// targets checks a role with targets before anything in it is used.
func (r rules) targets(role string, signed *metadata.TargetsType, may delegation) error {
	if len(signed.Targets) > maxTargets {
		return malformed(role, "has %d targets, the limit is %d", len(signed.Targets), maxTargets)
	}
	for _, name := range slices.Sorted(maps.Keys(signed.Targets)) {
		if err := r.target(role, name, signed.Targets[name], may); err != nil {
			return err
		}
	}
	if signed.Delegations == nil {
		return nil
	}
	return r.delegations(role, signed.Delegations)
}

func (r rules) target(role, name string, file *metadata.TargetFiles, may delegation) error {
	if file.Length < 0 || file.Length > maxTargetBytes {
		return malformed(role, "the target %q has the length %d, the limit is %d", name, file.Length, maxTargetBytes)
	}
	if r.any {
		return nil
	}
	if !ValidTarget(name) {
		return malformed(role, "%q is not a name for a target of an index", name)
	}
	if may != nil && !may(name) {
		return malformed(role, "the target %q was not delegated to this role", name)
	}
	return hashes(role, "targets."+name, file.Hashes)
}

func (r rules) delegations(role string, d *metadata.Delegations) error {
	if err := r.keys(role, d.Keys); err != nil {
		return err
	}
	if len(d.Roles) > maxDelegations {
		return malformed(role, "delegates to %d roles, the limit is %d", len(d.Roles), maxDelegations)
	}
	seen := map[string]bool{}
	for _, delegated := range d.Roles {
		if err := r.delegated(role, delegated); err != nil {
			return err
		}
		if seen[delegated.Name] {
			return malformed(role, "delegates to %q twice", delegated.Name)
		}
		seen[delegated.Name] = true
	}
	if d.SuccinctRoles == nil {
		return nil
	}
	return r.bins(role, d)
}

func (r rules) delegated(role string, d metadata.DelegatedRole) error {
	if err := r.threshold(role, d.Name, d.KeyIDs, d.Threshold); err != nil {
		return err
	}
	// Go-tuf compares the prefixes with another encoding of the hash than the specification.
	if len(d.PathHashPrefixes) > 0 {
		return malformed(role, "delegates to %q by path_hash_prefixes, use paths or succinct_roles", d.Name)
	}
	if !r.any && !validRole(d.Name) {
		return malformed(role, "%q is not a name for a delegated role", d.Name)
	}
	return nil
}

func (r rules) bins(role string, d *metadata.Delegations) error {
	bins := d.SuccinctRoles
	if len(d.Roles) > 0 {
		return malformed(role, "has both roles and succinct_roles")
	}
	if bins.BitLength > maxBinBits {
		return malformed(role, "succinct_roles.bit_length is %d, the limit is %d", bins.BitLength, maxBinBits)
	}
	if !r.any && !validRole(bins.NamePrefix) {
		return malformed(role, "succinct_roles.name_prefix %q is not a name for a delegated role", bins.NamePrefix)
	}
	return r.threshold(role, bins.NamePrefix, bins.KeyIDs, bins.Threshold)
}

// mayList returns what a delegation allows: the targets that delegated may list.
func (r rules) mayList(d *metadata.Delegations, delegated string) delegation {
	return func(target string) bool {
		for _, result := range r.rolesFor(d, target) {
			if result.Name == delegated {
				return true
			}
		}
		return false
	}
}

// rolesFor returns the roles that a target is delegated to, in their order. Bins have no paths, so
// that they would be asked for publishers and revocations too when the role targets has none: an
// index has nothing but releases in them.
func (r rules) rolesFor(d *metadata.Delegations, target string) []metadata.RoleResult {
	if !r.any && d.SuccinctRoles != nil && !AboutReleases(target) {
		return nil
	}
	return d.GetRolesForTarget(target)
}

func fileOf(role string) string { return role + ".json" }
