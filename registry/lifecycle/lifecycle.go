// Package lifecycle says which states a plugin of an installation has, and which may follow which.
// It holds no state: anyone who keeps one asks before changing it.
package lifecycle

import (
	"errors"
	"fmt"
	"slices"
)

// State is what an installation made of a plugin.
type State string

// The states. What an installation does not know is [Unknown].
const (
	// Unknown is a plugin that was never verified.
	Unknown State = ""
	// Verified is a plugin whose signature and digest were found good. Nothing of it may run.
	Verified State = "verified"
	// Installed is a verified plugin that a person decided to have. It does not run yet.
	Installed State = "installed"
	// Active is a plugin that runs, or would if it were called.
	Active State = "active"
	// Disabled is a plugin that must not run. Starting the program again does not change that.
	Disabled State = "disabled"
)

// ErrTransition marks a step from one state to another that the lifecycle does not have.
var ErrTransition = errors.New("invalid transition")

// transitionError names both ends of the step.
type transitionError struct{ from, to State }

func (e *transitionError) Error() string {
	return fmt.Sprintf("invalid plugin status transition %s -> %s", e.from, e.to)
}

func (e *transitionError) Is(target error) bool { return target == ErrTransition }

// Next returns the states that may follow s. None exist for a state that does not exist.
func (s State) Next() []State {
	switch s {
	case Unknown:
		return []State{Verified}
	case Verified:
		return []State{Installed}
	case Installed:
		return []State{Active, Disabled}
	case Active:
		return []State{Disabled}
	case Disabled:
		return []State{Active}
	default:
		return nil
	}
}

// To returns nil when next may follow s, else an error that is [ErrTransition]. Staying in a state
// is not a transition.
func (s State) To(next State) error {
	if slices.Contains(s.Next(), next) {
		return nil
	}
	return &transitionError{from: s, to: next}
}

// String returns the state in words; [Unknown] has some too.
func (s State) String() string {
	if s == Unknown {
		return "unknown"
	}
	return string(s)
}
