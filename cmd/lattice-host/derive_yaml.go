package main

import (
	"bytes"
	"fmt"

	"github.com/latticenet/lattice-host/abi/bundle"
	"github.com/latticenet/lattice-host/runtime/layout"
)

// yamlStream returns the objects of all bundles as one YAML stream.
func yamlStream(results []derived) ([]byte, error) {
	var b bytes.Buffer
	for _, r := range results {
		writeHeader(&b, r)
		for i := range r.bundle.Outputs {
			o := &r.bundle.Outputs[i]
			fmt.Fprintf(&b, "---\n# %s\n", printable(layout.Origin(r.bundle, o)))
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
func writeHeader(b *bytes.Buffer, r derived) {
	fmt.Fprintf(b, "# %s\n# bundle %s\n", printable(r.doc.Object()), r.bundle.Digest())
	rows := make([][]string, len(r.bundle.Steps))
	for i, s := range r.bundle.Steps {
		rows[i] = []string{"# step " + layout.StepName(r.bundle, s.Pipeline, s.Name), pluginName(s), s.Digest}
	}
	table(b, rows)
}

func pluginName(s bundle.Step) string { return s.Plugin + "@" + s.Version }
