package main

import (
	"bytes"
	"fmt"

	"github.com/latticenet/lattice-host/abi/bundle"
	"github.com/latticenet/lattice-host/host/engine"
	"github.com/latticenet/lattice-host/runtime/layout"
)

// yamlStream returns the objects of all bundles as one YAML stream.
func yamlStream(results []engine.Derived) ([]byte, error) {
	var b bytes.Buffer
	for _, r := range results {
		writeHeader(&b, r)
		for _, o := range r.Bundle.Applied() {
			fmt.Fprintf(&b, "---\n# %s\n", printable(layout.Origin(r.Bundle, o)))
			text, err := layout.YAML(o)
			if err != nil {
				return nil, err
			}
			b.Write(text)
		}
	}
	return b.Bytes(), nil
}

// writeHeader writes the comment in front of a document's objects.
func writeHeader(b *bytes.Buffer, r engine.Derived) {
	fmt.Fprintf(b, "# %s\n# bundle %s\n", printable(r.Document.Object()), r.Bundle.Digest())
	rows := make([][]string, len(r.Bundle.Steps))
	for i, s := range r.Bundle.Steps {
		rows[i] = []string{"# step " + layout.StepName(r.Bundle, s.Pipeline, s.Name), pluginName(s), s.Digest}
	}
	table(b, rows)
}

func pluginName(s bundle.Step) string { return s.Plugin + "@" + s.Version }
