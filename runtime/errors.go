package runtime

import (
	"errors"
	"strings"
)

// The kinds of errors that an executor tells apart.
var (
	// ErrInvalid marks a request that makes no sense for any target: a bad name, the same resource twice.
	ErrInvalid = errors.New("invalid")
	// ErrNotApproved marks a plan or a bundle that is not what gates judged.
	ErrNotApproved = errors.New("not approved")
	// ErrMissingKind marks kinds that the target does not know.
	ErrMissingKind = errors.New("kind is missing")
	// ErrConflict marks something that somebody else wrote or changed: since the plan, or an object that the set must change.
	ErrConflict = errors.New("conflict")
	// ErrNotHealthy marks objects that were written and did not become healthy in time.
	ErrNotHealthy = errors.New("not healthy")
	// ErrNotFound marks a set, a resource or a revision that is not there.
	ErrNotFound = errors.New("not found")
	// ErrDamaged marks what an executor keeps for itself when it cannot be read any more.
	ErrDamaged = errors.New("damaged")
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

func (e *Error) Error() string {
	parts := make([]string, 0, 3)
	for _, part := range [...]string{e.Where, e.Object, e.Problem} {
		if part != "" {
			parts = append(parts, part)
		}
	}
	return strings.Join(parts, ": ")
}

// Damaged returns an [ErrDamaged] about what an executor keeps in a place.
func Damaged(where string, err error) error {
	return &Error{Kind: ErrDamaged, Where: where, Problem: err.Error() + "; restore it from a backup or from version control"}
}

func (e *Error) Unwrap() error { return e.Kind }
