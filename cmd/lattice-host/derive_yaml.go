package main

import (
	"bytes"
	"fmt"

	"sigs.k8s.io/yaml"

	"github.com/latticenet/lattice-host/host/pipeline"
)

// yamlStream returns the objects of all bundles as one YAML stream.
func yamlStream(results []derived) ([]byte, error) {
	var b bytes.Buffer
	for _, r := range results {
		writeHeader(&b, r)
		for i := range r.bundle.Outputs {
			o := &r.bundle.Outputs[i]
			fmt.Fprintf(&b, "---\n# %s\n", printable(origin(r.bundle, o)))
			text, err := objectYAML(o)
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
	fmt.Fprintf(b, "# %s\n# bundle %s\n", printable(r.doc.Object()), r.bundle.Digest)
	rows := make([][]string, len(r.bundle.Steps))
	for i, s := range r.bundle.Steps {
		rows[i] = []string{"# step " + stepName(r.bundle, s.Pipeline, s.Name), pluginName(s), s.Digest}
	}
	table(b, rows)
}

// stepName names a step, with its pipeline when that is not the one of the bundle's resource.
func stepName(b *pipeline.Bundle, pipelineName, step string) string {
	if len(b.Steps) > 0 && b.Steps[0].Pipeline == pipelineName {
		return step
	}
	return pipelineName + "/" + step
}

func pluginName(s pipeline.StepRecord) string { return s.Plugin + "@" + s.Version }

// origin says which step emitted an object, and what from.
func origin(b *pipeline.Bundle, o *pipeline.BundleOutput) string {
	text := "step " + stepName(b, o.Pipeline, o.Step)
	if o.From != nil {
		text += ", from " + o.From.String()
	}
	return text
}

// objectYAML returns an object as YAML with sorted keys.
func objectYAML(o *pipeline.BundleOutput) ([]byte, error) {
	text, err := yaml.JSONToYAML(escapeForYAML(o.Document))
	if err != nil {
		return nil, fmt.Errorf("%s: %w", o.Ref, err)
	}
	return text, nil
}

// escapeForYAML escapes the characters of JSON text that YAML forbids or takes for a line break (YAML 1.2.2, section
// 5.1). They can only be inside strings.
func escapeForYAML(text []byte) []byte {
	escaped := make([]byte, 0, len(text))
	for _, r := range string(text) {
		switch {
		case r >= 0x7f && r <= 0x9f, r == 0x2028, r == 0x2029, r == 0xfeff, r == 0xfffe, r == 0xffff:
			escaped = fmt.Appendf(escaped, `\u%04x`, r)
		default:
			escaped = append(escaped, string(r)...)
		}
	}
	return escaped
}
