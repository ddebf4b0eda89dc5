package author

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"

	"github.com/theupdateframework/go-tuf/v2/metadata"

	"github.com/latticenet/lattice-host/registry/index/tuf"
)

// MaxBinBits is the limit on [Options.BinBits]: every client downloads a snapshot with a line of
// 140 bytes for each bin.
const MaxBinBits = 12

// BinBits returns how many bits are best for an index that will have so many releases. To look one
// up, a client downloads the snapshot, which grows with the number of bins, and two bins, which
// shrink with it.
func BinBits(releases int) int {
	// As much is downloaded for 1,000 releases in one role as with the best number of bins for
	// 500,000.
	if releases <= 1000 {
		return 0
	}
	bits := 1
	for bits < MaxBinBits && 1<<(2*bits) < 2*releases {
		bits++
	}
	return bits
}

// binBits is 0 for a single role.
func (d *Draft) binBits() int {
	if bins := d.targets.Signed.Delegations.SuccinctRoles; bins != nil {
		return bins.BitLength
	}
	return 0
}

// delegate has the role targets delegate the releases to a single role or to bins.
func (d *Draft) delegate(bits int, keyIDs []string, threshold int) error {
	if bits < 0 || bits > MaxBinBits {
		return fmt.Errorf("the number of bits for the bins is %d, it must be from 0 to %d", bits, MaxBinBits)
	}
	delegations := d.targets.Signed.Delegations
	delegations.Roles, delegations.SuccinctRoles = nil, nil
	if bits == 0 {
		delegations.Roles = []metadata.DelegatedRole{{
			Name: RoleReleases, Terminating: true, Paths: tuf.ReleasePatterns(), KeyIDs: keyIDs, Threshold: threshold,
		}}
	} else {
		delegations.SuccinctRoles = &metadata.SuccinctRoles{
			BitLength: bits, NamePrefix: RoleReleases, KeyIDs: keyIDs, Threshold: threshold,
		}
	}
	clear(d.lists)
	for _, name := range d.listNames() {
		// A client refuses a snapshot that no longer names a role, so that one of this name may
		// have been there before.
		version := int64(0)
		if was := d.snapshot.Signed.Meta[name+".json"]; was != nil {
			version = was.Version
		}
		d.lists[name] = newList(version)
	}
	d.changed[RoleTargets], d.changed[RoleReleases] = true, true
	return nil
}

// delegates checks that the role targets delegates as this package has it.
func (d *Draft) delegates() error {
	delegations := d.targets.Signed.Delegations
	switch {
	case delegations == nil:
	case delegations.SuccinctRoles != nil && delegations.SuccinctRoles.NamePrefix == RoleReleases:
		if bits := delegations.SuccinctRoles.BitLength; bits > MaxBinBits {
			return fmt.Errorf("the index has bins of %d bits, this program writes at most %d", bits, MaxBinBits)
		}
		return nil
	case len(delegations.Roles) == 1 && delegations.Roles[0].Name == RoleReleases &&
		slices.Equal(delegations.Roles[0].Paths, tuf.ReleasePatterns()):
		return nil
	}
	return errors.New("the index does not delegate to a role releases as this program does, which did not make it")
}

// listNames returns the names of the roles with the releases.
func (d *Draft) listNames() []string {
	if bins := d.targets.Signed.Delegations.SuccinctRoles; bins != nil {
		return bins.GetRoles()
	}
	return []string{RoleReleases}
}

// list returns a role with releases, which is read and verified when it is needed first.
func (d *Draft) list(name string) (*list, error) {
	if l := d.lists[name]; l != nil {
		return l, nil
	}
	l := newList(0)
	// Files of this machine need no deadline.
	if err := read(context.Background(), d.view, l, name); err != nil {
		return nil, err
	}
	d.lists[name] = l
	return l, nil
}

// signersOf returns the key ids and the threshold of the role releases, to be changed.
func (d *Draft) signersOf() (keyIDs *[]string, threshold *int) {
	delegations := d.targets.Signed.Delegations
	if bins := delegations.SuccinctRoles; bins != nil {
		return &bins.KeyIDs, &bins.Threshold
	}
	return &delegations.Roles[0].KeyIDs, &delegations.Roles[0].Threshold
}

// Spread puts the releases into another number of bins, for an index that has grown. All of them
// and the role targets are published again. The files of roles that are no longer used must stay:
// the snapshot names them forever.
func (d *Draft) Spread(bits int) error {
	if bits == d.binBits() {
		return nil
	}
	all := map[string]*metadata.TargetFiles{}
	for _, name := range d.listNames() {
		l, err := d.list(name)
		if err != nil {
			return err
		}
		maps.Copy(all, l.Signed.Targets)
	}
	keyIDs, threshold := d.signersOf()
	if err := d.delegate(bits, *keyIDs, *threshold); err != nil {
		return err
	}
	for name, file := range all {
		_, signed, err := d.role(name)
		if err != nil {
			return err
		}
		signed.Targets[name] = file
	}
	d.note("%s: spreads %d targets over %d roles", RoleTargets, len(all), 1<<bits)
	return nil
}
