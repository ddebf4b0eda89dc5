package main

import (
	"errors"
	"io/fs"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"github.com/latticenet/lattice-host/internal/problem"
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

// target is where objects go.
type target struct {
	executor runtime.Executor
	// kind and name say what policies are asked about.
	kind, name string
	set        string
	options    runtime.Options
}

func (f *targetFlags) open(a *app) (*target, error) {
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
	return &target{executor: executor, kind: "directory", name: abs, set: f.set, options: runtime.Options{Force: f.force}}, nil
}

// noSet says that the target does not hold the set.
func (t *target) noSet() error {
	return &runtime.Error{Kind: runtime.ErrNotFound, Where: t.String(), Problem: "no set " + t.set + " in this target; check --to and --set"}
}

// String names the target for people.
func (t *target) String() string { return t.kind + ":" + t.name }

// asTarget blames the target or what the user asked of it, rather than the program.
func asTarget(err error) error {
	var own problem.Problem
	var path *fs.PathError
	if !errors.As(err, &own) && errors.As(err, &path) {
		return asInput(err)
	}
	return err
}
