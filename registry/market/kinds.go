package market

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/latticenet/lattice-host/abi"
	"github.com/latticenet/lattice-host/internal/kind"
	"github.com/latticenet/lattice-host/registry/lifecycle"
	"github.com/latticenet/lattice-host/registry/lock"
	"github.com/latticenet/lattice-host/registry/release"
)

// lockedKinds returns what the lock says about the kinds that a manifest brings; nil for none.
func lockedKinds(m *abi.Manifest) []lock.Kind {
	var kinds []lock.Kind
	for i := range m.Kinds {
		d := &m.Kinds[i]
		kinds = append(kinds, lock.Kind{Group: d.Group, Kind: d.Kind, Version: d.Version, Digest: kind.Digest(d)})
	}
	slices.SortFunc(kinds, func(a, b lock.Kind) int { return slices.Compare([]string{a.Group, a.Kind}, []string{b.Group, b.Kind}) })
	return kinds
}

// conflicts returns what keeps the kinds of releases out of the installation: another plugin brings
// one of them, or the installed version of the plugin brings a newer version of it.
func (in *install) conflicts(releases []*fetched) []error {
	by := map[abi.GroupKind]string{}
	for _, p := range in.lock.Plugins {
		if slices.ContainsFunc(releases, func(f *fetched) bool { return f.entry.Path() == p.Path() }) {
			continue
		}
		for _, k := range p.Kinds {
			by[k.GroupKind()] = p.Reference()
		}
	}
	var problems []error
	for _, f := range releases {
		for _, k := range f.entry.Kinds {
			if other := by[k.GroupKind()]; other != "" {
				problems = append(problems, release.NotTrusted(f.entry.Reference(), f.entry.Digest, fmt.Errorf(
					"it brings the kind %s, and so does %s: two plugins cannot bring one kind; remove one of them", k.GroupKind(), other)))
			}
			by[k.GroupKind()] = f.entry.Reference()
			problems = append(problems, in.downgraded(f, k)...)
		}
	}
	return problems
}

// downgraded refuses an older version of a kind: documents that were written for the installed one
// would not be valid.
func (in *install) downgraded(f *fetched, k lock.Kind) []error {
	if f.previous == nil || in.opts.AllowDowngrade {
		return nil
	}
	for _, before := range f.previous.Kinds {
		if before.GroupKind() == k.GroupKind() && kind.CompareVersions(k.Version, before.Version) < 0 {
			return []error{fmt.Errorf("%s: brings the kind %s in the version %s, and %s brings it in the newer version %s: allow the downgrade with --allow-downgrade",
				f.entry.Reference(), k.GroupKind(), k.Version, f.previous.Reference(), before.Version)}
		}
	}
	return nil
}

// Kinds returns the kinds that active plugins bring, in the order of the plugins. Each comes from a
// manifest that was verified from the bytes on disk up. A plugin that would not load brings
// nothing; the error is that of [Snapshot.Load] for each of these.
func (h *Home) Kinds(ctx context.Context) ([]*kind.Kind, error) {
	l, err := lock.Read(h.lockFile())
	if err != nil {
		return nil, release.NotTrusted(h.dir, "", err)
	}
	// Most installations bring none, and need not be verified for that.
	if !slices.ContainsFunc(l.Plugins, func(p lock.Plugin) bool { return len(p.Kinds) > 0 }) {
		return nil, nil
	}
	s, err := h.Snapshot(ctx, Policy{})
	if err != nil {
		return nil, err
	}
	return s.kinds(ctx)
}

func (s *Snapshot) kinds(ctx context.Context) ([]*kind.Kind, error) {
	var kinds []*kind.Kind
	var problems []error
	for _, p := range s.lock.Plugins {
		if state, _ := s.State(p); len(p.Kinds) == 0 || state != lifecycle.Active {
			continue
		}
		loaded, err := s.Load(ctx, p.Path())
		if err != nil {
			problems = append(problems, err)
			continue
		}
		// Loading it has read them.
		brought, err := kind.ParseAll(loaded.Module.Manifest())
		kinds, problems = append(kinds, brought...), append(problems, err)
	}
	return kinds, errors.Join(problems...)
}
