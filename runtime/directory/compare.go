package directory

import (
	"context"
	"errors"

	"github.com/latticenet/lattice-host/abi"
	"github.com/latticenet/lattice-host/internal/diskfile"
	"github.com/latticenet/lattice-host/runtime"
	"github.com/latticenet/lattice-host/runtime/layout"
)

// maxComparedBytes is the largest file that is read for people. One that is larger is shown as if
// nothing were there.
const maxComparedBytes = 4 << 20

// Compare calls visit with the content of each file that a plan changes, before and after.
func (e *Executor) Compare(ctx context.Context, plan *runtime.Plan, visit func(c *runtime.Change, before, after []byte) error) error {
	bundles := map[abi.Ref]runtime.Bundle{}
	for _, b := range plan.Bundles {
		bundles[b.Content.Resource] = b
	}
	return e.with(ctx, func(s *session) error {
		for i := range plan.Changes {
			c := &plan.Changes[i]
			if c.Action == runtime.Unchanged {
				continue
			}
			before, err := s.contentBefore(c)
			if err != nil {
				return err
			}
			after, err := contentAfter(bundles, c)
			if err != nil {
				return err
			}
			if err := visit(c, before, after); err != nil {
				return err
			}
		}
		return nil
	})
}

func (s *session) contentBefore(c *runtime.Change) ([]byte, error) {
	if c.Before == "" || s.disk == nil {
		return nil, nil
	}
	data, err := s.disk.read(s.name(c.Where), maxComparedBytes)
	if errors.Is(err, diskfile.ErrTooLarge) {
		return nil, nil
	}
	return data, err
}

func contentAfter(bundles map[abi.Ref]runtime.Bundle, c *runtime.Change) ([]byte, error) {
	b, ok := bundles[c.Resource]
	if c.After == "" || !ok {
		return nil, nil
	}
	o := b.Content.Output(c.Object)
	if o == nil {
		return nil, nil
	}
	return layout.Content(b.Content, o)
}
