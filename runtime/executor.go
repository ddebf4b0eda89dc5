package runtime

import (
	"context"

	"github.com/latticenet/lattice-host/abi"
)

// Executor brings bundles to one target and observes them there. It is safe for concurrent use, also by several processes.
type Executor interface {
	// Plan says what makes the target hold what is desired. Objects that somebody else wrote or changed are an
	// [ErrConflict] that names all of them, unless the desire is forced.
	Plan(ctx context.Context, desired *Desired) (*Plan, error)
	// Prune says what takes resources, and all that derives from them, out of a set. The others are held. One that is not in
	// the set is an [ErrNotFound].
	Prune(ctx context.Context, set string, resources []abi.Ref, o Options) (*Plan, error)
	// Destroy says what removes a set with everything that the executor wrote and keeps for it.
	Destroy(ctx context.Context, set string, o Options) (*Plan, error)
	// Rollback says what makes the target hold what it held at a revision of History.
	Rollback(ctx context.Context, set string, revision int, o Options) (*Plan, error)

	// Apply does what a plan says. The error is [ErrNotApproved] when the plan or the bytes of a bundle are not those of the
	// approval, and [ErrConflict] when the target changed since the plan; nothing is written then. A plan that changes
	// nothing writes nothing and makes no revision.
	Apply(ctx context.Context, plan *Plan, approval *Approval) (*Result, error)

	// Observe says what became of the objects of a set. A set that is not there has none.
	Observe(ctx context.Context, set string) (*Status, error)
	// History returns the revisions of a set that can be rolled back to, the newest first.
	History(ctx context.Context, set string) ([]Revision, error)
}

// Options change how a plan is made.
type Options struct {
	// Force replaces and removes what somebody else wrote or changed. Gates see it in the plan.
	Force bool
}
