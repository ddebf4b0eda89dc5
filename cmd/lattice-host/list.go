package main

import (
	"context"
	"fmt"
	"io"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"github.com/latticenet/lattice-host/registry/market"
)

// The states of an installed plugin.
const (
	stateOK         = "ok"
	stateNotTrusted = "not trusted"
)

func (a *app) listCommand() *cobra.Command {
	c := &cobra.Command{
		Use:   "list",
		Short: "List the installed plugins",
		Long: `List verifies every installed plugin and prints one line for each. Why a plugin is not trusted is on standard error; verify
makes that the exit code.`,
		Example: "  lattice-host list\n  lattice-host list -o json",
		Args:    noArguments(),
	}
	c.RunE = a.does(func(ctx context.Context, _ []string) error {
		home, err := a.openHome()
		if err != nil {
			return err
		}
		entries, err := home.List(ctx)
		if err != nil {
			return err
		}
		if err := a.emitPlugins(entries, writePluginTable); err != nil {
			return err
		}
		for _, e := range entries {
			if e.Err != nil {
				printErrors(a.stderr, e.Err)
			}
		}
		return nil
	})
	return c
}

// listedPlugin is an installed plugin as list and verify tell it.
type listedPlugin struct {
	Publisher    string   `json:"publisher"`
	Name         string   `json:"name"`
	Version      string   `json:"version"`
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
			Publisher: e.Publisher, Name: e.Name, Version: e.Version, Digest: e.Digest, ABI: e.ABI,
			Capabilities: e.Capabilities, State: stateOK,
		}
		if e.Err != nil {
			plugins[i].State, plugins[i].Error = stateNotTrusted, e.Err.Error()
		}
	}
	return a.emit(map[string]any{"plugins": plugins}, func(w io.Writer) { text(w, plugins) })
}

func writePluginTable(w io.Writer, plugins []listedPlugin) {
	if len(plugins) == 0 {
		fmt.Fprintln(w, "nothing is installed")
		return
	}
	rows := [][]string{{"PLUGIN", "VERSION", "DIGEST", "ABI", "CAPABILITIES", "STATE"}}
	for _, p := range plugins {
		rows = append(rows, []string{
			p.Publisher + "/" + p.Name, p.Version, shortDigest(p.Digest), strconv.FormatInt(p.ABI, 10), orNothing(p.Capabilities), p.State,
		})
	}
	table(w, rows)
}

// orNothing joins names, and says so when there are none.
func orNothing(names []string) string {
	if len(names) == 0 {
		return "none"
	}
	return strings.Join(names, ", ")
}
