package main

import (
	"io"

	"github.com/latticenet/lattice-host/host/resource"
)

// listedKind is a kind as kind list tells it.
type listedKind struct {
	Group   string `json:"group"`
	Version string `json:"version"`
	Kind    string `json:"kind"`
	Plural  string `json:"plural"`
	Scope   string `json:"scope"`
	// Plugin is publisher/name@version of the plugin that brings the kind; empty for the program's
	// own.
	Plugin      string   `json:"plugin,omitempty"`
	Description string   `json:"description,omitempty"`
	Features    []string `json:"features"`
}

func (a *app) listKinds(t *resource.Table) error {
	var kinds []listedKind
	for _, k := range t.Kinds() {
		listed := listedKind{
			Group: k.Group, Version: k.Version, Kind: k.Kind, Plural: k.Plural, Scope: k.Scope, Plugin: k.Plugin, Description: k.Description,
			Features: []string{},
		}
		for _, f := range k.Features {
			listed.Features = append(listed.Features, f.Name)
		}
		kinds = append(kinds, listed)
	}
	return a.emit(map[string]any{"kinds": kinds}, func(w io.Writer) {
		rows := [][]string{{"KIND", "APIVERSION", "SCOPE", "PLUGIN", "DESCRIPTION"}}
		for _, k := range kinds {
			plugin := k.Plugin
			if plugin == "" {
				plugin = "-"
			}
			rows = append(rows, []string{k.Kind, k.Group + "/" + k.Version, k.Scope, plugin, k.Description})
		}
		table(w, rows)
	})
}
