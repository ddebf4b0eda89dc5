package main

import (
	"context"
	"errors"
	"io"

	"github.com/spf13/cobra"

	"github.com/latticenet/lattice-host/registry/lock"
	"github.com/latticenet/lattice-host/registry/market"
)

func (a *app) verifyCommand() *cobra.Command {
	c := &cobra.Command{
		Use:   "verify [NAME...]",
		Short: "Check the files, signatures and lock of installed plugins",
		Long: `Verify reads every installed plugin, or those named, from the store, and checks its digest, its publisher's signature, its
manifest and its entry in the lock, as every load does. The exit code is 11 when one fails.`,
		Example: "  lattice-host verify\n  lattice-host verify acme/deployment",
	}
	c.RunE = a.does(func(ctx context.Context, names []string) error {
		home, err := a.openHome()
		if err != nil {
			return err
		}
		entries, err := home.List(ctx)
		if err != nil {
			return err
		}
		entries, errs := chosenEntries(entries, names)
		if err := a.emitPlugins(entries, writeVerified); err != nil {
			return err
		}
		for _, e := range entries {
			errs = append(errs, e.Err)
		}
		return errors.Join(errs...)
	})
	return c
}

func writeVerified(w io.Writer, plugins []listedPlugin) {
	var rows [][]string
	for _, p := range plugins {
		if p.State == stateOK {
			rows = append(rows, []string{stateOK, p.reference(), p.Digest})
		}
	}
	table(w, rows)
}

// chosenEntries returns the entries with the given names, or all when there is no name. What is not installed is an error.
func chosenEntries(entries []market.Entry, names []string) ([]market.Entry, []error) {
	if len(names) == 0 {
		return entries, nil
	}
	byPath := map[string]market.Entry{}
	installed := lock.New()
	for _, e := range entries {
		byPath[e.Path()] = e
		installed.Plugins = append(installed.Plugins, e.Plugin)
	}
	var chosen []market.Entry
	var errs []error
	for _, name := range names {
		p, err := installed.Find(name)
		if err != nil {
			errs = append(errs, err)
			continue
		}
		chosen = append(chosen, byPath[p.Path()])
	}
	return chosen, errs
}
