package main

import (
	"context"
	"io"
	"time"

	"github.com/spf13/cobra"

	"github.com/latticenet/lattice-host/host/hostcall"
)

// app is what one run of the program works with.
type app struct {
	stdin          io.Reader
	stdout, stderr io.Writer
	getenv         func(string) string
	now            func() time.Time
	// pages fetches what plugins ask for from the network.
	pages hostcall.Getter
	// compiler is the command line of a process that compiles a module, see
	// [sandbox.Config.Compiler].
	compiler []string

	// ask asks for passphrases; nil when there is no one. Passphrase opened a key file before:
	// people often have one for several.
	ask        asker
	passphrase []byte

	// homeFlag and output are the global flags.
	homeFlag string
	output   string
	// args are the command line.
	args []string
	// started says that the command line was understood: an error before that is one of usage.
	started bool
	// wrote says that the command has written to standard output.
	wrote bool
	// differs says that diff --exit-code found a difference.
	differs bool
}

// body is what a command does, with the context of the run and the arguments without flags.
type body func(ctx context.Context, args []string) error

// does makes f the action of a command.
func (a *app) does(f body) func(*cobra.Command, []string) error {
	return func(c *cobra.Command, args []string) error {
		a.started = true
		return f(c.Context(), args)
	}
}

// json reports whether the user asked for JSON. A command line that was not understood to its end
// is searched for that.
func (a *app) json() bool {
	if a.started || a.output != "" {
		return a.output == formatJSON
	}
	for i, arg := range a.args {
		next := ""
		if i+1 < len(a.args) {
			next = a.args[i+1]
		}
		switch arg {
		case "-ojson", "-o=json", "--output=json":
			return true
		case "-o", "--output":
			return next == formatJSON
		case "--":
			return false
		}
	}
	return false
}
