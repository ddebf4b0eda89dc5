package main

import (
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"github.com/latticenet/lattice-host/host/engine"
	"github.com/latticenet/lattice-host/runtime"
	"github.com/latticenet/lattice-host/runtime/directory"
)

// defaultSet is the set of objects that a target has unless the user names another one.
const defaultSet = "default"

// targetFlags say where objects go.
type targetFlags struct {
	to, set string
	force   bool
}

func (f *targetFlags) register(c *cobra.Command) {
	c.Flags().StringVar(&f.to, "to", "", "where objects go: `"+dirFormat+"PATH`, a folder for what delivers folders, such as git")
	c.Flags().StringVar(&f.set, "set", defaultSet, "`name` of the set, which is all that was applied to the target under this name")
}

func (f *targetFlags) registerForce(c *cobra.Command) {
	c.Flags().BoolVar(&f.force, "force", false, "replace and remove what somebody else wrote or changed")
}

func (f *targetFlags) open(a *app) (*engine.Target, error) {
	path, ok := strings.CutPrefix(f.to, dirFormat)
	switch {
	case f.to == "":
		return nil, usagef("say where objects go with --to %sPATH", dirFormat)
	case !ok || path == "":
		return nil, usagef("--to %s is not known; it can be %sPATH", f.to, dirFormat)
	}
	if err := runtime.CheckSet(f.set); err != nil {
		return nil, usagef("--set: %s", err.Error())
	}
	abs, err := filepath.Abs(path)
	if err != nil {
		return nil, err
	}
	if filepath.Dir(abs) == abs {
		return nil, usagef("--to %s is the root of the file system; name a folder of its own", f.to)
	}
	executor, err := directory.New(abs, directory.Options{Clock: a.now})
	if err != nil {
		return nil, err
	}
	return &engine.Target{Executor: executor, Kind: "directory", Name: abs, Set: f.set, Options: runtime.Options{Force: f.force}}, nil
}
