package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"slices"

	"github.com/spf13/cobra"

	"github.com/latticenet/lattice-host/registry/lock"
	"github.com/latticenet/lattice-host/registry/market"
	"github.com/latticenet/lattice-host/registry/release"
)

func (a *app) removeCommand() *cobra.Command {
	c := &cobra.Command{
		Use:   "remove NAME...",
		Short: "Remove installed plugins",
		Long: `Remove takes plugins out of the lock and their files out of the store. When one of them is not installed, none is removed.
The recorded keys of their publishers stay.`,
		Example: "  lattice-host remove acme/keda",
		Args:    arguments(1, -1, "the name of a plugin"),
	}
	c.RunE = a.does(func(ctx context.Context, names []string) error {
		home, err := a.openHome()
		if err != nil {
			return err
		}
		found, err := installedPlugins(home, names)
		if err != nil {
			return err
		}
		removed := []string{}
		for _, p := range found {
			if err := home.Remove(p.Path()); err != nil {
				return err
			}
			removed = append(removed, p.Reference())
			if err := a.auditPlugins(ctx, "plugin.removed", []lock.Plugin{p}, ""); err != nil {
				return err
			}
		}
		return a.emit(map[string]any{"removed": removed}, func(w io.Writer) {
			for _, reference := range removed {
				fmt.Fprintln(w, "removed", reference)
			}
		})
	})
	return c
}

// installedPlugins returns what the lock says about the named plugins, each once. Nothing is
// verified.
func installedPlugins(home *market.Home, names []string) ([]lock.Plugin, error) {
	file := filepath.Join(home.Dir(), lock.FileName)
	l, err := lock.Read(file)
	if err != nil {
		return nil, release.NotTrusted(file, "", err)
	}
	var found []lock.Plugin
	var errs []error
	for _, name := range names {
		p, err := l.Find(name)
		switch {
		case errors.Is(err, lock.ErrNotLocked):
			errs = append(errs, inputf("%s: is not installed; lattice-host list prints what is", name))
		case err != nil:
			errs = append(errs, err)
		case !slices.ContainsFunc(found, func(o lock.Plugin) bool { return o.Path() == p.Path() }):
			found = append(found, p)
		}
	}
	return found, errors.Join(errs...)
}
