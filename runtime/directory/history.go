package directory

import (
	"cmp"
	"errors"
	"slices"
	"strconv"

	"github.com/latticenet/lattice-host/runtime"
)

// history returns the revisions of the set, the newest first.
func (s *session) history() ([]runtime.Revision, error) {
	kept, err := s.revisions()
	if err != nil {
		return nil, s.at(err)
	}
	list := make([]runtime.Revision, len(kept))
	for i, r := range kept {
		if r.Set != s.inventory.Set {
			return nil, s.at(damaged(revisionFile(r.Number), errors.New("it is of the set "+r.Set)))
		}
		list[i] = r.Revision
	}
	slices.SortFunc(list, func(a, b runtime.Revision) int { return cmp.Compare(b.Number, a.Number) })
	return list, nil
}

// revisions reads all revisions that are kept.
func (s *session) revisions() ([]*revision, error) {
	names, err := s.disk.list(historyFolder)
	if err != nil {
		return nil, err
	}
	var all []*revision
	for _, name := range names {
		number, err := strconv.Atoi(name)
		if err != nil || strconv.Itoa(number) != name {
			continue
		}
		data, err := s.disk.read(revisionFile(number), maxStateBytes)
		if err != nil {
			return nil, err
		}
		r, err := parseRevision(revisionFile(number), data)
		if err != nil {
			return nil, err
		}
		if r.Number != number {
			return nil, damaged(revisionFile(number), errors.New("it is revision "+strconv.Itoa(r.Number)))
		}
		all = append(all, r)
	}
	return all, nil
}
