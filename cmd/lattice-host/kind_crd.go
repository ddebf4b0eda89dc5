package main

import (
	"encoding/json"
	"io"

	"sigs.k8s.io/yaml"

	"github.com/latticenet/lattice-host/internal/kind"
)

// printCRDs prints the definitions of kinds as a stream of YAML documents, or as one List.
func (a *app) printCRDs(kinds []*kind.Kind) error {
	items := make([]json.RawMessage, len(kinds))
	for i, k := range kinds {
		var err error
		if items[i], err = k.CRD(); err != nil {
			return err
		}
	}
	return a.printObjects(items)
}

// printObjects prints objects as a stream of YAML documents, or as one List.
func (a *app) printObjects(items []json.RawMessage) error {
	texts := make([][]byte, len(items))
	for i, item := range items {
		var err error
		if texts[i], err = yaml.JSONToYAML(item); err != nil {
			return err
		}
	}
	return a.emit(map[string]any{"apiVersion": "v1", "kind": "List", "items": items}, func(w io.Writer) {
		for i, text := range texts {
			if i > 0 {
				_, _ = io.WriteString(w, "---\n")
			}
			_, _ = w.Write(text)
		}
	})
}
