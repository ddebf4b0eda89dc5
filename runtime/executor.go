package runtime

import (
	"context"
	"time"

	"github.com/latticenet/lattice-host/abi"
)

// Executor brings bundles to one target and observes them there. It is safe for concurrent use,
// also by several processes.
type Executor interface {
	// Plan says what makes the target hold what is desired. Objects that somebody else wrote or
	// changed are an [ErrConflict] that names all of them, unless the desire is forced. Kinds that
	// the target does not know are an [ErrMissingKind] that names all of those.
	Plan(ctx context.Context, desired *Desired) (*Plan, error)
	// Prune says what takes resources, and all that derives from them, out of a set. The others are
	// held. One that is not in the set is an [ErrNotFound].
	Prune(ctx context.Context, set string, resources []abi.Ref, o Options) (*Plan, error)
	// Destroy says what removes a set with everything that the executor wrote and keeps for it.
	Destroy(ctx context.Context, set string, o Options) (*Plan, error)
	// Rollback says what makes the target hold what it held at a revision of History.
	Rollback(ctx context.Context, set string, revision int, o Options) (*Plan, error)

	// Compare calls visit for each object that a plan changes, in their order, with what is in its
	// place now and what the plan puts there, as text for people; empty where nothing is. Its error
	// ends the comparison.
	Compare(ctx context.Context, plan *Plan, visit func(c *Change, before, after []byte) error) error

	// Apply does what a plan says. The error is [ErrNotApproved] when the plan or the bytes of a
	// bundle are not those of the approval, and [ErrConflict] when the target changed since the
	// plan; nothing is written then, and there is no result. A plan that changes nothing writes
	// nothing and makes no revision.
	//
	// Objects are applied by stage, the lowest first. Where the target tells how they do, the next
	// stage is not begun before those of the last one are healthy: the error is [ErrNotHealthy]
	// when they are not in time. Objects are removed after all of that, in reverse. Whatever fails
	// ends it, and what was done until then stays and belongs to the set; there is a result with
	// the error then.
	Apply(ctx context.Context, plan *Plan, approval *Approval, o ApplyOptions) (*Result, error)

	// Observe says what became of the objects of a set. A set that does not exist has none.
	Observe(ctx context.Context, set string) (*Status, error)
	// History returns the revisions of a set that can be rolled back to, the newest first.
	History(ctx context.Context, set string) ([]Revision, error)
}

// Options change how a plan is made.
type Options struct {
	// Force replaces and removes what somebody else wrote or changed. Gates see it, and it is
	// part of the plan.
	Force bool
}

// ApplyOptions say how a plan is applied, never what is done. The zero value waits as long as the
// context lasts and reports nothing.
type ApplyOptions struct {
	// Timeout is how long the objects of one stage may take to become healthy, where the target
	// tells how they do. 0 is as long as the context lasts.
	Timeout time.Duration
	// Progress is called after each object that was changed, and when the health of one that is
	// waited for changes, by one goroutine at a time. It must not call the executor. Nil does
	// nothing.
	Progress func(Progress)
}

// Progress is how far the application of a plan has come.
type Progress struct {
	// Object is the object that something happened to, and Action what the plan does to it.
	Object abi.Ref
	Action Action
	// Health is set where the target tells how the object does.
	Health Health
	// Done and Total count the objects that the plan changes.
	Done, Total int
}
