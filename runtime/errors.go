package runtime

import "github.com/latticenet/lattice-host/internal/problem"

// The kinds of errors that an executor tells apart.
var (
	// ErrInvalid marks a request that makes no sense for any target: a bad name, the same resource
	// twice.
	ErrInvalid = problem.New(problem.Invalid, "invalid")
	// ErrNotApproved marks a plan or a bundle that is not what gates judged.
	ErrNotApproved = problem.New(problem.Denied, "not approved")
	// ErrMissingKind marks kinds that the target does not know.
	ErrMissingKind = problem.New(problem.MissingKind, "kind is missing")
	// ErrConflict marks something that somebody else wrote or changed: since the plan, or an object
	// that the set must change.
	ErrConflict = problem.New(problem.Conflict, "conflict")
	// ErrNotHealthy marks objects that were written and did not become healthy in time.
	ErrNotHealthy = problem.New(problem.Unhealthy, "not healthy")
	// ErrNotFound marks a set, a resource or a revision that does not exist.
	ErrNotFound = problem.New(problem.Invalid, "not found")
	// ErrDamaged marks what an executor keeps for itself when it cannot be read any more.
	ErrDamaged = problem.New(problem.Invalid, "damaged")
)

// Error is one thing that is wrong, in one line.
type Error struct {
	// Kind is one of the errors of this package.
	Kind error
	// Where is the file or the address in question, Object the object. Both may be empty.
	Where, Object string
	// Problem is what is wrong and what to do.
	Problem string
}

// Error returns one line.
func (e *Error) Error() string { return e.AsProblem().Error() }

// AsProblem returns the error as users read it.
func (e *Error) AsProblem() problem.Problem {
	return problem.Problem{Position: problem.Position{File: e.Where}, Object: e.Object, Message: e.Problem, Cause: e.Kind}
}

// Damaged returns an [ErrDamaged] about what an executor keeps in a place.
func Damaged(where string, err error) error {
	return &Error{Kind: ErrDamaged, Where: where, Problem: err.Error() + "; restore it from a backup or from version control"}
}

func (e *Error) Unwrap() error { return e.Kind }
