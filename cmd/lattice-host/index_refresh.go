package main

import (
	"context"

	"github.com/spf13/cobra"

	"github.com/latticenet/lattice-host/registry/index/tuf/author"
)

func (a *app) indexRefreshCommand() *cobra.Command {
	var flags publishFlags
	var roles, expires []string
	var bins int
	c := &cobra.Command{
		Use:   "refresh DIR --keys KEYS",
		Short: "Publish an index again before it expires",
		Long: `Refresh publishes roles again, so that they expire later: releases, snapshot and timestamp, unless --role names others. A
machine does this, well before the shortest lifetime has passed.

--expires changes how long a role lives from now on. The role root says so, and signs that. --bins spreads the releases of an index
that has grown over more roles; the role targets says so, and signs that.`,
		Example: `  lattice-host index refresh ./index --keys ./keys
  lattice-host index refresh ./index --role targets --keys ./keys
  lattice-host index refresh ./index --bins 8 --keys ./keys
  lattice-host index refresh ./index --expires snapshot=7d --expires timestamp=7d --keys ./keys`,
		Args: arguments(1, 1, "the folder of the index"),
	}
	flags.add(c)
	c.Flags().StringArrayVar(&roles, "role", nil, "`role` to publish again; repeatable")
	c.Flags().StringArrayVar(&expires, "expires", nil, "`ROLE=DURATION`: how long the role is valid, such as 12h or 90d; repeatable")
	c.Flags().IntVar(&bins, "bins", 0, binsUsage())
	c.RunE = a.does(func(ctx context.Context, args []string) error {
		if len(roles) == 0 {
			roles = []string{author.RoleReleases, author.RoleSnapshot, author.RoleTimestamp}
		}
		return a.emitPublished(a.publish(ctx, args[0], &flags, func(p *publishing) error {
			if err := p.setLifetimes(expires); err != nil {
				return err
			}
			if c.Flags().Changed("bins") {
				if err := p.draft.Spread(bins); err != nil {
					return err
				}
			}
			return p.draft.Renew(roles...)
		}))
	})
	return c
}

// setLifetimes changes how long roles live.
func (p *publishing) setLifetimes(expires []string) error {
	if len(expires) == 0 {
		return nil
	}
	lifetimes, err := p.draft.Lifetimes()
	if err != nil {
		return err
	}
	if err := readLifetimes(expires, lifetimes); err != nil {
		return err
	}
	return p.draft.SetLifetimes(lifetimes)
}

// readLifetimes puts the values of --expires into lifetimes.
func readLifetimes(expires []string, lifetimes author.Lifetimes) error {
	for _, value := range expires {
		role, duration, err := roleValue("expires", value)
		if err != nil {
			return err
		}
		if lifetimes[role], err = parseLifetime(duration); err != nil {
			return err
		}
	}
	return nil
}
