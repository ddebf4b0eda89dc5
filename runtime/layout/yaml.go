package layout

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/latticenet/lattice-host/abi/bundle"
)

// YAML returns an object as YAML with sorted keys.
func YAML(o *bundle.Output) ([]byte, error) {
	text, err := FromJSON(o.Document)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", o.Ref, err)
	}
	return text, nil
}

// FromJSON writes JSON as YAML that every reader of YAML 1.1 and 1.2 takes for the same values:
// text that could be read as a number, a boolean or a merge key is quoted.
func FromJSON(text []byte) ([]byte, error) {
	decoder := json.NewDecoder(bytes.NewReader(text))
	// Numbers stay as they are written.
	decoder.UseNumber()
	var tree any
	if err := decoder.Decode(&tree); err != nil {
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
