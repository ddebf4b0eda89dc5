package main

import (
	"context"
	"fmt"
	"io"

	"github.com/spf13/cobra"
)

func (a *app) searchCommand() *cobra.Command {
	c := &cobra.Command{
		Use:   "search [WORD...]",
		Short: "Find plugins in the trusted indexes",
		Long: `Search refreshes the trusted indexes and lists the plugins whose name or summary has all of the words, or all plugins. What it
shows is what the indexes say; an install verifies.`,
		Example: "  lattice-host search\n  lattice-host search network policy",
	}
	c.RunE = a.does(func(ctx context.Context, words []string) error {
		home, err := a.openHome()
		if err != nil {
			return err
		}
		offers, err := home.Search(ctx, words)
		if err != nil {
			return asInput(err)
		}
		found := make([]foundPlugin, len(offers))
		for i, o := range offers {
			found[i] = foundPlugin{o.Path(), o.Latest, o.Installed, o.Index, o.Summary}
		}
		return a.emit(map[string]any{"plugins": found}, func(w io.Writer) { writeFound(w, found) })
	})
	return c
}

// foundPlugin is a plugin as search tells it.
type foundPlugin struct {
	Plugin    string `json:"plugin"`
	Latest    string `json:"latest"`
	Installed string `json:"installed,omitempty"`
	Index     string `json:"index"`
	Summary   string `json:"summary,omitempty"`
}

func writeFound(w io.Writer, found []foundPlugin) {
	if len(found) == 0 {
		fmt.Fprintln(w, "nothing found")
		return
	}
	rows := [][]string{{"PLUGIN", "LATEST", "INSTALLED", "INDEX", "SUMMARY"}}
	for _, p := range found {
		installed := p.Installed
		if installed == "" {
			installed = "no"
		}
		rows = append(rows, []string{p.Plugin, p.Latest, installed, p.Index, p.Summary})
	}
	table(w, rows)
}
