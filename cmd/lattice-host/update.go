package main

import (
	"context"

	"github.com/spf13/cobra"
)

func (a *app) updateCommand() *cobra.Command {
	f := new(installFlags)
	c := &cobra.Command{
		Use:   "update [NAME...]",
		Short: "Install newer versions of installed plugins",
		Long: `Update looks for the highest versions of the installed plugins, or of those named, that fit what was asked for when they were
installed, and installs them: all or none. NAME@RANGE asks for another range from then on. Where nothing newer fits, a plugin
stays as it is. Releases that need software which the platform does not have are skipped: --platform says what it has, or said so when
something was last installed or updated with it.

An update that asks for no more than the installed version needs no consent. One that asks for more is refused, with what is
new in words, until somebody agrees; the installed version runs on. An active plugin stays active.`,
		Example: `  lattice-host update
  lattice-host update demo/keda@^2
  lattice-host update acme/prices --grant grants.yaml`,
	}
	f.register(c, a)
	c.RunE = a.does(func(ctx context.Context, names []string) error {
		home, err := a.openHome()
		if err != nil {
			return err
		}
		if err := a.prepareInstall(ctx, f, home); err != nil {
			return err
		}
		installed, err := home.Update(ctx, names, f.options)
		if err != nil {
			return asInput(err)
		}
		if err := a.auditInstalled(ctx, installed); err != nil {
			return err
		}
		return a.emitInstalled(ctx, home, installed)
	})
	return c
}
