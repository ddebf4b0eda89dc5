package market

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/latticenet/lattice-host/abi"
	"github.com/latticenet/lattice-host/internal/diskfile"
	"github.com/latticenet/lattice-host/internal/filelock"
	"github.com/latticenet/lattice-host/internal/problem"
	"github.com/latticenet/lattice-host/registry/internal/strictjson"
	"github.com/latticenet/lattice-host/registry/lifecycle"
	"github.com/latticenet/lattice-host/registry/lock"
)

// MaxFailures is how many times in a row a plugin may fail before it is disabled.
const MaxFailures = 5

// ErrNotActive marks an installed plugin that was not activated, or that was disabled.
var ErrNotActive = problem.New(problem.Denied, "is not active")

const (
	statesFormat   = 1
	maxStatesBytes = 4 << 20
)

// states is the content of state.json: what became of the installed plugins. A plugin that is not
// in it is installed and was never activated.
type states struct {
	Version int `json:"version"`
	// Plugins are by publisher/name.
	Plugins map[string]pluginState `json:"plugins"`
}

type pluginState struct {
	State lifecycle.State `json:"state"`
	// Since is when it got the state.
	Since string `json:"since"`
	// Reason says why it is disabled.
	Reason string `json:"reason,omitempty"`
	// Failures counts those in a row.
	Failures int `json:"failures,omitempty"`
}

func (h *Home) statesFile() string { return filepath.Join(h.dir, "state.json") }

func (h *Home) readStates() (*states, error) {
	data, err := diskfile.Read(os.OpenFile, h.statesFile(), maxStatesBytes)
	if errors.Is(err, fs.ErrNotExist) {
		return &states{Version: statesFormat, Plugins: map[string]pluginState{}}, nil
	}
	if err != nil {
		return nil, err
	}
	s, err := parseStates(data)
	if err != nil {
		return nil, fmt.Errorf("%s: %w; remove the file to have every plugin installed and not active", h.statesFile(), err)
	}
	return s, nil
}

func parseStates(data []byte) (*states, error) {
	var s states
	if err := strictjson.Decode(data, maxStatesBytes, &s); err != nil {
		return nil, err
	}
	if s.Version != statesFormat || s.Plugins == nil {
		return nil, fmt.Errorf("version: is %d, this program reads version %d", s.Version, statesFormat)
	}
	for path, p := range s.Plugins {
		publisher, name, _ := strings.Cut(path, "/")
		switch {
		case !abi.ValidName(publisher) || !abi.ValidName(name):
			return nil, fmt.Errorf("plugins: %q is not publisher/name", path)
		case p.State != lifecycle.Installed && p.State != lifecycle.Active && p.State != lifecycle.Disabled:
			return nil, fmt.Errorf("plugins.%s.state: %q is not a plugin state", path, p.State)
		case p.Failures < 0:
			return nil, fmt.Errorf("plugins.%s.failures: is %d", path, p.Failures)
		}
	}
	return &s, nil
}

// of returns the state of an installed plugin.
func (s *states) of(path string) pluginState {
	p, ok := s.Plugins[path]
	if !ok {
		p.State = lifecycle.Installed
	}
	return p
}

// updateStates changes state.json while no other process does.
func (h *Home) updateStates(change func(*states) error) error {
	return filelock.With(h.statesFile(), func() error {
		s, err := h.readStates()
		if err != nil {
			return err
		}
		if err := change(s); err != nil {
			return err
		}
		data, err := strictjson.MarshalIndent(s)
		if err != nil {
			return err
		}
		return replaceChanged(h.statesFile(), data)
	})
}

func (h *Home) forgetState(path string) error {
	return h.updateStates(func(s *states) error {
		delete(s.Plugins, path)
		return nil
	})
}

// SetActive activates installed plugins, or disables active ones, all or none, and returns the
// entries of those whose state changed. The names are those of lock.Lock.Find. One that already has
// the state keeps it.
func (h *Home) SetActive(names []string, active bool, reason string) ([]lock.Plugin, error) {
	l, err := lock.Read(h.lockFile())
	if err != nil {
		return nil, err
	}
	var chosen []lock.Plugin
	var problems []error
	for _, name := range names {
		p, err := l.Find(name)
		chosen, problems = append(chosen, p), append(problems, err)
	}
	if err := errors.Join(problems...); err != nil {
		return nil, err
	}
	next := lifecycle.Disabled
	if active {
		next, reason = lifecycle.Active, ""
	}
	var changed []lock.Plugin
	err = h.updateStates(func(s *states) error {
		for _, p := range chosen {
			now := s.of(p.Path())
			if now.State == next {
				continue
			}
			if err := now.State.To(next); err != nil {
				return fmt.Errorf("%s: %w", p.Reference(), err)
			}
			s.Plugins[p.Path()] = pluginState{State: next, Since: lock.Date(h.now()), Reason: reason}
			changed = append(changed, p)
		}
		return nil
	})
	return changed, err
}

// Count notes how a run of plugins, publisher/name, ended: those that failed, and those that
// answered. A plugin that failed [MaxFailures] times in a row is disabled; these are returned.
// Nothing is written while nothing fails.
func (h *Home) Count(failed, answered []string) (disabled []string, err error) {
	if len(failed) == 0 {
		s, err := h.readStates()
		if err != nil || !s.anyFailed(answered) {
			return nil, err
		}
	}
	err = h.updateStates(func(s *states) error {
		for _, path := range answered {
			if p, ok := s.Plugins[path]; ok {
				p.Failures = 0
				s.Plugins[path] = p
			}
		}
		for _, path := range failed {
			p := s.of(path)
			if p.State != lifecycle.Active {
				continue
			}
			p.Failures++
			if p.Failures >= MaxFailures {
				p = pluginState{
					State: lifecycle.Disabled, Since: lock.Date(h.now()), Failures: p.Failures,
					Reason: fmt.Sprintf("it failed %d times in a row", p.Failures),
				}
				disabled = append(disabled, path)
			}
			s.Plugins[path] = p
		}
		return nil
	})
	return disabled, err
}

func (s *states) anyFailed(paths []string) bool {
	for _, path := range paths {
		if s.Plugins[path].Failures > 0 {
			return true
		}
	}
	return false
}

// notActive says why a plugin does not run.
func notActive(p lock.Plugin, s pluginState) error {
	if s.State == lifecycle.Disabled {
		return fmt.Errorf("%s: %w: it was disabled on %s, because %s: run lattice-host enable %s after fixing that",
			p.Reference(), ErrNotActive, s.Since, s.Reason, p.Path())
	}
	return fmt.Errorf("%s: %w: it is installed and was never activated: run lattice-host enable %s", p.Reference(), ErrNotActive, p.Path())
}
