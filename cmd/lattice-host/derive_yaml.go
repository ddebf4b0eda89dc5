package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/latticenet/lattice-host/abi/bundle"
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
func stepName(b *bundle.Bundle, pipelineName, step string) string {
	if len(b.Steps) > 0 && b.Steps[0].Pipeline == pipelineName {
		return step
	}
	return pipelineName + "/" + step
}

func pluginName(s bundle.Step) string { return s.Plugin + "@" + s.Version }

// origin says which step emitted an object, and what from.
func origin(b *bundle.Bundle, o *bundle.Output) string {
	text := "step " + stepName(b, o.Pipeline, o.Step)
	if o.From != nil {
		text += ", from " + o.From.String()
	}
	return text
}

// objectYAML returns an object as YAML with sorted keys.
func objectYAML(o *bundle.Output) ([]byte, error) {
	text, err := jsonToYAML(o.Document)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", o.Ref, err)
	}
	return text, nil
}

// jsonToYAML writes JSON as YAML that every reader of YAML 1.1 and 1.2 takes for the same values: text that could be read
// as a number, a boolean or a merge key is quoted.
func jsonToYAML(text []byte) ([]byte, error) {
	tree, err := decodeTree(text)
	if err != nil {
		return nil, err
	}
	var b bytes.Buffer
	encoder := yaml.NewEncoder(&b)
	encoder.SetIndent(2)
	encoder.CompactSeqIndent()
	if err := encoder.Encode(withNumbers(tree)); err != nil {
		return nil, err
	}
	return b.Bytes(), encoder.Close()
}

// decodeTree decodes JSON into maps, lists and scalars. Numbers stay as they are written.
func decodeTree(text []byte) (tree any, err error) {
	decoder := json.NewDecoder(bytes.NewReader(text))
	decoder.UseNumber()
	return tree, decoder.Decode(&tree)
}

// withNumbers marks numbers as such, for a writer that takes them for text.
func withNumbers(tree any) any {
	switch v := tree.(type) {
	case map[string]any:
		for key, value := range v {
			v[key] = withNumbers(value)
		}
	case []any:
		for i, item := range v {
			v[i] = withNumbers(item)
		}
	case json.Number:
		// The text is kept: 1.0 is not 1.
		tag := "!!int"
		if strings.ContainsAny(v.String(), ".eE") {
			tag = "!!float"
		}
		return &yaml.Node{Kind: yaml.ScalarNode, Tag: tag, Value: v.String()}
	}
	return tree
}
