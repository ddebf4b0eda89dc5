package main

import (
	"os/user"

	"github.com/spf13/cobra"

	"github.com/latticenet/lattice-host/host/engine"
	"github.com/latticenet/lattice-host/host/gate/policy"
	"github.com/latticenet/lattice-host/internal/problem"
	"github.com/latticenet/lattice-host/registry/market"
)

// policyFlags say which policies decide.
type policyFlags struct{ engine.Policies }

func (f *policyFlags) register(c *cobra.Command) {
	c.Flags().StringArrayVar(&f.Paths, "policies", nil, "`file` or folder with policies, besides those of the installation; repeatable")
	f.registerDefaults(c)
	// The flag was defined just above, the only thing that can be wrong.
	_ = c.MarkFlagDirname("policies")
}

func (f *policyFlags) registerDefaults(c *cobra.Command) {
	c.Flags().BoolVar(&f.NoDefaults, "no-default-policies", false, "leave the policies out that come with the program")
}

// load reads the policies. Home may be nil.
func (f *policyFlags) load(home *market.Home) (*policy.Set, error) { return f.Load(home) }

func denied(err error) error { return problem.With(problem.Denied, err) }

// userName returns who runs the program.
func userName() string {
	u, err := user.Current()
	if err != nil {
		return "unknown"
	}
	return u.Username
}
