package main

import (
	"context"
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"github.com/latticenet/lattice-host/registry/lock"
)

func (a *app) enableCommand() *cobra.Command {
	c := &cobra.Command{
		Use:   "enable NAME...",
		Short: "Let installed plugins run",
		Long: `Enable activates plugins that are installed or disabled: all or none. A plugin that failed five times in a row was disabled;
enabling it resets the count.`,
		Example: "  lattice-host enable demo/keda",
		Args:    arguments(1, -1, "the name of a plugin"),
	}
	c.RunE = a.does(func(ctx context.Context, names []string) error { return a.setActive(ctx, names, true, "") })
	return c
}

func (a *app) disableCommand() *cobra.Command {
	var reason string
	c := &cobra.Command{
		Use:   "disable NAME...",
		Short: "Keep installed plugins from running",
		Long: `Disable keeps active plugins from running, all or none, until they are enabled again. A derivation that needs one of them
fails and says why. Nothing is removed.`,
		Example: "  lattice-host disable demo/keda --reason \"drops replicas, ticket 4711\"",
		Args:    arguments(1, -1, "the name of a plugin"),
	}
	c.Flags().StringVar(&reason, "reason", "somebody disabled it by hand", "why, in one `line`; commands print it when they refuse the plugin")
	c.RunE = a.does(func(ctx context.Context, names []string) error { return a.setActive(ctx, names, false, reason) })
	return c
}

func (a *app) setActive(ctx context.Context, names []string, active bool, reason string) error {
	home, err := a.openHome()
	if err != nil {
		return err
	}
	if _, err := installedPlugins(home, names); err != nil {
		return err
	}
	changed, err := home.SetActive(names, active, reason)
	if err != nil {
		return asInput(err)
	}
	verb := map[bool]string{true: "enabled", false: "disabled"}[active]
	if err := a.auditPlugins(ctx, "plugin."+verb, changed, reason); err != nil {
		return err
	}
	return a.emit(map[string][]string{verb: references(changed)}, func(w io.Writer) {
		for _, p := range changed {
			fmt.Fprintln(w, verb, p.Reference())
		}
		if len(changed) == 0 {
			fmt.Fprintln(w, "nothing to do")
		}
	})
}

func references(plugins []lock.Plugin) []string {
	list := make([]string, len(plugins))
	for i, p := range plugins {
		list[i] = p.Reference()
	}
	return list
}
