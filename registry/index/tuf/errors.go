package tuf

import (
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/theupdateframework/go-tuf/v2/metadata"

	"github.com/latticenet/lattice-host/internal/problem"
	"github.com/latticenet/lattice-host/registry/release"
)

// Sentinel errors of this package. Those up to [ErrState] wrap release.ErrNotTrusted as well.
var (
	// ErrExpired marks metadata past its date.
	ErrExpired = errors.New("expired metadata")
	// ErrRollback marks metadata that is older than what this client has verified before.
	ErrRollback = errors.New("metadata rolled back")
	// ErrSignature marks metadata without enough valid signatures.
	ErrSignature = errors.New("not enough signatures")
	// ErrMismatch marks a file that is not the one that signed metadata speaks of: another length,
	// hash or version.
	ErrMismatch = errors.New("not the file that signed metadata names")
	// ErrMalformed marks metadata that breaks its format, the grammar of names or a limit.
	ErrMalformed = errors.New("malformed metadata")
	// ErrClock marks a clock that was set back.
	ErrClock = errors.New("clock set back")
	// ErrState marks a damaged state folder.
	ErrState = errors.New("damaged state")
	// ErrUnavailable marks a source that does not answer, or not fast enough.
	ErrUnavailable = problem.New(problem.Unreachable, "index unavailable")
	// ErrNotFound marks a target that the index does not have, or a client that has never verified
	// an index.
	ErrNotFound = errors.New("not in the index")
)

// indexError says what is wrong with one role or file, and what to do.
type indexError struct {
	kind error
	// subject is a role, a target or a file.
	subject, problem, advice string
	// cause is nil, or an error below with more to say to errors.Is.
	cause error
}

func (e *indexError) Error() string {
	text := "index: " + e.subject + ": " + e.problem
	if e.advice != "" {
		text += ": " + e.advice
	}
	return text
}

func (e *indexError) Unwrap() []error {
	wrapped := []error{e.kind}
	if !errors.Is(e.kind, ErrUnavailable) && !errors.Is(e.kind, ErrNotFound) {
		wrapped = append(wrapped, release.ErrNotTrusted)
	}
	if e.cause != nil {
		wrapped = append(wrapped, e.cause)
	}
	return wrapped
}

// Advice to append to an error.
const (
	askOperator  = "ask the operator of the index to publish it again, or use a newer copy"
	otherMirror  = "use another mirror, and tell its operator"
	tellOperator = "use another mirror if there is one, and tell the operator of the index"
)

func expired(role string, version int64, expires, now time.Time) error {
	return &indexError{kind: ErrExpired, subject: role, advice: askOperator, problem: fmt.Sprintf(
		"version %d expired on %s, and it is %s", version, date(expires), date(now))}
}

func rolledBack(role string, offered, known int64) error {
	return &indexError{kind: ErrRollback, subject: role, advice: otherMirror, problem: fmt.Sprintf(
		"version %d is offered, and version %d was verified before", offered, known)}
}

func malformed(role, format string, args ...any) error {
	return &indexError{kind: ErrMalformed, subject: role, advice: tellOperator, problem: fmt.Sprintf(format, args...)}
}

// pinned returns an error about the pinned root, which no mirror has given.
func pinned(err error) error {
	var e *indexError
	if !errors.As(err, &e) {
		return err
	}
	own := *e
	own.advice = "get the first root.json from the operator of the index, in a way that you trust"
	return &own
}

func mismatch(subject, format string, args ...any) error {
	return &indexError{kind: ErrMismatch, subject: subject, advice: otherMirror, problem: fmt.Sprintf(format, args...)}
}

func unavailable(subject string, cause error) error {
	return &indexError{
		kind: ErrUnavailable, subject: subject, cause: cause,
		problem: cause.Error(), advice: "look at the address and the network, or use a mirror",
	}
}

func date(t time.Time) string { return t.UTC().Format(time.RFC3339) }

// header is what the errors about signed metadata need of it.
type header struct {
	Version int64
	Expires time.Time
}

// peek reads the header of metadata without judging it.
func peek(data []byte) header {
	var m struct {
		Signed struct {
			Version int64     `json:"version"`
			Expires time.Time `json:"expires"`
		} `json:"signed"`
	}
	if json.Unmarshal(data, &m) != nil {
		return header{}
	}
	return header(m.Signed)
}

// refusal puts an error of go-tuf about the metadata of a role into words. Known is the version
// that was verified before, or 0. Go-tuf reports a wrong version either way with one error, so that
// a version above known is another file's.
func refusal(role string, data []byte, known int64, now time.Time, err error) error {
	h := peek(data)
	switch {
	case errors.Is(err, &metadata.ErrExpiredMetadata{}):
		return expired(role, h.Version, h.Expires, now)
	case errors.Is(err, &metadata.ErrUnsignedMetadata{}):
		return &indexError{
			kind: ErrSignature, subject: role, advice: otherMirror,
			problem: fmt.Sprintf("version %d: %s", h.Version, reason(err)),
		}
	case errors.Is(err, &metadata.ErrLengthOrHashMismatch{}):
		return mismatch(role, "%s", reason(err))
	case errors.Is(err, &metadata.ErrBadVersionNumber{}) && h.Version < known:
		return rolledBack(role, h.Version, known)
	case errors.Is(err, &metadata.ErrBadVersionNumber{}):
		return mismatch(role, "version %d: %s", h.Version, reason(err))
	}
	return malformed(role, "%s", reason(err))
}

// reason returns the message of an error of go-tuf without the name of its type.
func reason(err error) string {
	var (
		unsigned *metadata.ErrUnsignedMetadata
		length   *metadata.ErrLengthOrHashMismatch
		version  *metadata.ErrBadVersionNumber
		value    *metadata.ErrValue
	)
	switch {
	case errors.As(err, &unsigned):
		return unsigned.Msg
	case errors.As(err, &length):
		return length.Msg
	case errors.As(err, &version):
		return version.Msg
	case errors.As(err, &value):
		return value.Msg
	}
	return err.Error()
}

// guard runs a call into go-tuf, whose parser panics on some malformed documents before it has
// looked at a signature.
func guard(call func() error) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("the parser failed: %v", p)
		}
	}()
	return call()
}
