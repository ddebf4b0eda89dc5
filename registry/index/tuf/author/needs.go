package author

import (
	"encoding/hex"

	"github.com/theupdateframework/go-tuf/v2/metadata"

	"github.com/latticenet/lattice-host/registry/release"
)

// Need is a role that publishing a draft signs, and the keys for that.
type Need struct {
	// Role is one of [Roles].
	Role string
	// KeyIDs are those of the keys that may sign, in the form of release.KeyID, and Threshold how
	// many of them must.
	KeyIDs    []string
	Threshold int
	// Before says that these are the keys of the root that is published: they must sign the next
	// one as well as its own.
	Before bool
}

// Needs returns what publishing the draft signs as it is now, in the order of [Roles].
func (d *Draft) Needs() ([]Need, error) {
	if err := d.writeLists(); err != nil {
		return nil, err
	}
	signs := d.signs()
	var needs []Need
	for _, role := range Roles() {
		switch {
		case !signs[role]:
		case role == RoleReleases:
			needs = append(needs, d.ReleasesNeed())
		default:
			needs = append(needs, needOf(role, d.root))
			if role == RoleRoot && d.before != nil {
				before := needOf(role, d.before)
				before.Before = true
				needs = append(needs, before)
			}
		}
	}
	return needs, nil
}

func needOf(role string, root *metadata.Metadata[metadata.RootType]) Need {
	r := root.Signed.Roles[role]
	return Need{Role: role, KeyIDs: publicIDs(root.Signed.Keys, r.KeyIDs), Threshold: r.Threshold}
}

// signs returns the roles that must be signed. A snapshot names every role with targets, and a
// timestamp the snapshot.
func (d *Draft) signs() map[string]bool {
	signs := map[string]bool{RoleReleases: d.renewed}
	for role := range d.changed {
		switch role {
		case RoleRoot, RoleTargets, RoleSnapshot, RoleTimestamp:
			signs[role] = true
		default:
			signs[RoleReleases] = true
		}
	}
	signs[RoleSnapshot] = signs[RoleSnapshot] || signs[RoleReleases] || signs[RoleTargets]
	signs[RoleTimestamp] = signs[RoleTimestamp] || signs[RoleSnapshot]
	return signs
}

// ReleasesNeed returns what signing the role releases takes, whether or not the draft does.
func (d *Draft) ReleasesNeed() Need {
	ids, threshold := d.signersOf()
	return Need{Role: RoleReleases, KeyIDs: publicIDs(d.targets.Signed.Delegations.Keys, *ids), Threshold: *threshold}
}

// ReleasesKeys returns the keys of the role releases that people know by the ids of
// [Draft.ReleasesNeed], and how many of them must sign.
func (d *Draft) ReleasesKeys() (keys []release.PublicKey, threshold int) {
	ids, count := d.signersOf()
	for _, id := range *ids {
		raw, err := hex.DecodeString(d.targets.Signed.Delegations.Keys[id].Value.PublicKey)
		if key, errKey := release.NewPublicKey(raw); err == nil && errKey == nil {
			keys = append(keys, key)
		}
	}
	return keys, *count
}
