package main

import (
	"github.com/spf13/cobra"

	"github.com/latticenet/lattice-host/host/hostcall"
	"github.com/latticenet/lattice-host/internal/problem"
)

// hostCallFlags say how host calls are answered.
type hostCallFlags struct{ record, replay string }

func (f *hostCallFlags) registerReplay(c *cobra.Command) {
	c.Flags().StringVar(&f.replay, "replay", "", "`file` that derive --record wrote; plugins get the answers in it, and nothing else is read")
}

func (f *hostCallFlags) registerRecord(c *cobra.Command) {
	c.Flags().StringVar(&f.record, "record", "", "`file` to write everything into that plugins ask the host for, with the answers")
}

func (f *hostCallFlags) check() error {
	if f.record != "" && f.replay != "" {
		return usagef("either record host calls or replay them, not both")
	}
	return nil
}

// tape returns the record that is replayed, or nil.
func (f *hostCallFlags) tape() (*hostcall.Tape, error) {
	if f.replay == "" {
		return nil, nil
	}
	data, err := readFile(f.replay, hostcall.MaxTapeBytes)
	if err != nil {
		return nil, err
	}
	tape, err := hostcall.ParseTape(f.replay, data)
	if err != nil {
		return nil, problem.With(problem.Invalid, err)
	}
	return tape, nil
}

// keepHostCalls writes the record of a run that came to a good end, keeps what plugins stored, and
// tells which answers of a replayed record no one asked for.
func (a *app) keepHostCalls(f *hostCallFlags, run *hostcall.Run) error {
	if f.record != "" {
		tape, err := run.Tape()
		if err != nil {
			return err
		}
		if err := writeFile(f.record, tape, 0o600); err != nil {
			return asInput(err)
		}
	}
	if err := run.Commit(); err != nil {
		return asInput(err)
	}
	for _, line := range run.Unused() {
		a.note("%s", printable(line))
	}
	return nil
}
