package main

import (
	"context"
	"errors"
	"fmt"
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
manifest, its entry in the lock, whether it is revoked, the receipt of the consent, and whether the sandbox takes it, as every
load does. Without names it also reads every other file of the store. The exit code is 11 when one fails, 10 when only a consent
is missing, 15 when only the sandbox refuses one.`,
		Example: "  lattice-host verify\n  lattice-host verify acme/deployment",
	}
	c.RunE = a.does(func(ctx context.Context, names []string) error {
		home, err := a.openHome()
		if err != nil {
			return err
		}
		s, err := home.Snapshot(ctx, market.Policy{})
		if err != nil {
			return err
		}
		entries, err := s.List(ctx)
		if err != nil {
			return err
		}
		entries, errs := chosenEntries(entries, names)
		text := writeVerified
		if len(names) == 0 && len(entries) == 0 {
			text = func(w io.Writer, _ []listedPlugin) { fmt.Fprintln(w, nothingInstalled) }
		}
		if err := a.emitPlugins(entries, text); err != nil {
			return err
		}
		a.warn(s)
		for _, e := range entries {
			errs = append(errs, e.Err, checkInstalled(ctx, s, e))
		}
		if len(names) == 0 {
			_, err := home.CheckStore(ctx)
			errs = append(errs, err)
		}
		return errors.Join(errs...)
	})
	return c
}

// checkInstalled checks whether an installed plugin can run at all, which those who installed it
// with an older program may not know.
func checkInstalled(ctx context.Context, s *market.Snapshot, e market.Entry) error {
	if e.Err != nil {
		return nil
	}
	loaded, err := s.Verify(ctx, e.Plugin)
	if err != nil {
		return err
	}
	return checkModule(loaded.Module.Manifest(), loaded.Module.Wasm())
}

func writeVerified(w io.Writer, plugins []listedPlugin) {
	var rows [][]string
	for _, p := range plugins {
		if p.Error == "" {
			rows = append(rows, []string{stateOK, p.reference(), p.Digest})
		}
	}
	table(w, rows)
}

// chosenEntries returns the entries with the given names, or all when there is no name. What is not
// installed is an error.
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
