package sandbox

import (
	"cmp"
	"errors"
	"fmt"
	"strings"

	"github.com/latticenet/lattice-host/abi"
	"github.com/latticenet/lattice-host/internal/problem"
)

// Sentinel errors, for errors.Is. Each but ErrClosed is wrapped in an [*Error].
var (
	// ErrPlugin is matched by every failure that the plugin caused or took part in.
	ErrPlugin = problem.New(problem.Plugin, "plugin failed")
	// ErrContract says that a module does not keep ABI 1 and was not loaded.
	ErrContract = errors.New("breaks the contract")
	// ErrTrap says that the plugin stopped: a WebAssembly trap, an exit, a wrong use of a host
	// function, or a failure that a module made with an Extism PDK reported.
	ErrTrap = errors.New("trapped")
	// ErrMemory says that the plugin stopped after it was refused memory beyond its limit. It comes
	// with ErrTrap.
	ErrMemory = errors.New("out of memory")
	// ErrTimeout says that the plugin did not answer within its time limit.
	ErrTimeout = errors.New("timed out")
	// ErrFuel says that the plugin spent its fuel before it answered. Unlike time, fuel is spent
	// alike on every machine.
	ErrFuel = errors.New("out of fuel")
	// ErrBadAnswer says that the plugin's answer is not a message.
	ErrBadAnswer = errors.New("bad answer")
	// ErrRequestTooLarge says that the request is larger than the plugin's manifest allows.
	ErrRequestTooLarge = errors.New("request too large")
	// ErrClosed says that the runtime or the plugin was closed before or during the call.
	ErrClosed = errors.New("sandbox closed")
)

// Error is the failure of one plugin. It matches [ErrPlugin], unless the caller's context ended the
// call or the runtime was closed, and what it wraps.
type Error struct {
	// Plugin is publisher/name.
	Plugin string
	// Version is the version in the manifest, Digest the SHA-256 of the module.
	Version, Digest string
	// Step is the step in whose name the plugin was called; empty outside of a pipeline.
	Step string
	// Err is what went wrong.
	Err error
}

// Error returns one line that names the plugin, its version and digest, the step and the problem.
func (e *Error) Error() string {
	var b strings.Builder
	fmt.Fprintf(&b, "plugin %s@%s (%s): ", e.Plugin, e.Version, e.Digest)
	if e.Step != "" {
		fmt.Fprintf(&b, "step %s: ", printable(e.Step, maxShownName))
	}
	b.WriteString(e.Err.Error())
	return b.String()
}

// AsProblem returns the error as users read it.
func (e *Error) AsProblem() problem.Problem {
	return problem.Problem{
		Code: cmp.Or(e.Code(), problem.CodeOf(e.Err)), Step: e.Step, Plugin: e.Plugin + "@" + e.Version, Digest: e.Digest, Message: e.Err.Error(), Cause: e,
	}
}

// Unwrap returns e.Err.
func (e *Error) Unwrap() error { return e.Err }

// Is reports whether target is [ErrPlugin] and the plugin is to blame.
func (e *Error) Is(target error) bool { return target == ErrPlugin && e.Code() == problem.Plugin }

// Code returns problem.Plugin when the plugin is to blame, else nothing.
func (e *Error) Code() problem.Code {
	var out *outsideError
	if errors.As(e.Err, &out) {
		return ""
	}
	return problem.Plugin
}

// outsideError marks an end of a call that the plugin has no part in.
type outsideError struct{ error }

func (e *outsideError) Unwrap() error { return e.error }

// identity names a plugin in errors and logs.
type identity struct{ plugin, version, digest string }

func newIdentity(m *abi.Manifest, digest string) identity {
	return identity{m.Publisher + "/" + m.Name, m.Version, digest}
}

// reference returns publisher/name@version.
func (id identity) reference() string { return id.plugin + "@" + id.version }

func (id identity) fail(step string, err error) error {
	return &Error{Plugin: id.plugin, Version: id.version, Digest: id.digest, Step: step, Err: err}
}

// maxViolations bounds how many violations one error lists.
const maxViolations = 50

// violations collects what is wrong with a module.
type violations struct {
	found []string
	// dropped counts those beyond maxViolations.
	dropped int
}

func (v *violations) add(format string, args ...any) {
	if len(v.found) == maxViolations {
		v.dropped++
		return
	}
	v.found = append(v.found, fmt.Sprintf(format, args...))
}

// err returns nil if none exist, or all of them as one [*Error] each, in the order they were found.
func (v *violations) err(id identity, step string, kind error) error {
	found := v.found
	if v.dropped > 0 {
		found = append(found, fmt.Sprintf("and %d more", v.dropped))
	}
	errs := make([]error, len(found))
	for i, f := range found {
		errs[i] = id.fail(step, fmt.Errorf("%w: %s", kind, f))
	}
	if len(errs) == 1 {
		return errs[0]
	}
	return errors.Join(errs...)
}
