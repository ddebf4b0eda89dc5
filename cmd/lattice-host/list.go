package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"github.com/latticenet/lattice-host/internal/problem"
	"github.com/latticenet/lattice-host/registry/market"
	"github.com/latticenet/lattice-host/registry/release"
)

// The states of an installed plugin, beyond those of its lifecycle.
const (
	stateOK           = "ok"
	stateNotTrusted   = "not trusted"
	stateNeedsConsent = "needs consent"
	stateRevoked      = "revoked"
)

func (a *app) listCommand() *cobra.Command {
	var outdated bool
	c := &cobra.Command{
		Use:   "list",
		Short: "List the installed plugins",
		Long: `List verifies every installed plugin and prints one line for each, with its state: installed, active, disabled, or why it would
not run. Details are on standard error; verify makes them the exit code.

With --outdated it refreshes the indexes and lists the plugins for which there are newer versions: WANTED is what update
would install, NEWEST the newest of all.`,
		Example: "  lattice-host list\n  lattice-host list --outdated\n  lattice-host list -o json",
		Args:    noArguments(),
	}
	c.Flags().BoolVar(&outdated, "outdated", false, "list those for which there are newer versions")
	c.RunE = a.does(func(ctx context.Context, _ []string) error {
		home, err := a.openHome()
		if err != nil {
			return err
		}
		if outdated {
			return a.listOutdated(ctx, home)
		}
		s, err := home.Snapshot(ctx, market.Policy{})
		if err != nil {
			return err
		}
		entries, err := s.List(ctx)
		if err != nil {
			return err
		}
		if err := a.emitPlugins(entries, writePluginTable); err != nil {
			return err
		}
		a.warn(s)
		for _, e := range entries {
			if e.Err != nil {
				printErrors(a.stderr, e.Err)
			}
		}
		return nil
	})
	return c
}

// warn prints what an installation wants people to know.
func (a *app) warn(s *market.Snapshot) {
	for _, warning := range s.Warnings() {
		a.note("warning: %s", warning)
	}
}

// listedPlugin is an installed plugin as list and verify tell it.
type listedPlugin struct {
	Publisher    string   `json:"publisher"`
	Name         string   `json:"name"`
	Version      string   `json:"version"`
	Range        string   `json:"range,omitempty"`
	Index        string   `json:"index"`
	Digest       string   `json:"digest"`
	ABI          int64    `json:"abi"`
	Capabilities []string `json:"capabilities"`
	State        string   `json:"state"`
	Error        string   `json:"error,omitempty"`
}

func (p listedPlugin) reference() string { return p.Publisher + "/" + p.Name + "@" + p.Version }

func (a *app) emitPlugins(entries []market.Entry, text func(io.Writer, []listedPlugin)) error {
	plugins := make([]listedPlugin, len(entries))
	for i, e := range entries {
		plugins[i] = listedPlugin{
			Publisher: e.Publisher, Name: e.Name, Version: e.Version, Range: e.Range, Index: e.Index, Digest: e.Digest, ABI: e.ABI,
			Capabilities: e.Capabilities.Names, State: stateOf(e),
		}
		if e.Err != nil {
			plugins[i].Error = e.Err.Error()
		}
	}
	return a.emit(map[string]any{"plugins": plugins}, func(w io.Writer) { text(w, plugins) })
}

// stateOf returns the state of an installed plugin, or what is wrong with it.
func stateOf(e market.Entry) string {
	switch {
	case e.Err == nil:
		return e.State.String()
	case errors.Is(e.Err, market.ErrRevoked):
		return stateRevoked
	case errors.Is(e.Err, market.ErrNeedsConsent) && !errors.Is(e.Err, release.ErrNotTrusted):
		return stateNeedsConsent
	}
	return stateNotTrusted
}

// nothingInstalled is what list and verify tell about an installation without plugins.
const nothingInstalled = "nothing is installed"

func writePluginTable(w io.Writer, plugins []listedPlugin) {
	if len(plugins) == 0 {
		fmt.Fprintln(w, nothingInstalled)
		return
	}
	rows := [][]string{{"PLUGIN", "VERSION", "INDEX", "DIGEST", "ABI", "CAPABILITIES", "STATE"}}
	for _, p := range plugins {
		rows = append(rows, []string{
			p.Publisher + "/" + p.Name, p.Version, p.Index, problem.ShortDigest(p.Digest), strconv.FormatInt(p.ABI, 10), orNothing(p.Capabilities), p.State,
		})
	}
	table(w, rows)
}

// outdatedPlugin is an installed plugin for which there is a newer version.
type outdatedPlugin struct {
	Plugin  string `json:"plugin"`
	Version string `json:"version"`
	Range   string `json:"range,omitempty"`
	Wanted  string `json:"wanted"`
	Newest  string `json:"newest"`
}

func (a *app) listOutdated(ctx context.Context, home *market.Home) error {
	outdated, err := home.Outdated(ctx)
	if err != nil {
		return asInput(err)
	}
	plugins := make([]outdatedPlugin, len(outdated))
	for i, o := range outdated {
		plugins[i] = outdatedPlugin{o.Path(), o.Version, o.Range, o.InRange, o.Newest}
	}
	return a.emit(map[string]any{"plugins": plugins}, func(w io.Writer) {
		if len(plugins) == 0 {
			fmt.Fprintln(w, "everything is up to date")
			return
		}
		rows := [][]string{{"PLUGIN", "VERSION", "RANGE", "WANTED", "NEWEST"}}
		for _, p := range plugins {
			ranged := p.Range
			if ranged == "" {
				ranged = "any"
			}
			rows = append(rows, []string{p.Plugin, p.Version, ranged, p.Wanted, p.Newest})
		}
		table(w, rows)
	})
}

// orNothing joins names; without names it returns none.
func orNothing(names []string) string {
	if len(names) == 0 {
		return "none"
	}
	return strings.Join(names, ", ")
}
