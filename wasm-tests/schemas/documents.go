package schemas

import (
	"bytes"
	"fmt"

	"github.com/latticenet/lattice-host/wasm-tests/schemas/internal/yamlstream"
	utiljson "k8s.io/apimachinery/pkg/util/json"
	"sigs.k8s.io/yaml"
)

// Documents reads a stream of YAML (or JSON) documents into objects for [Validator.Validate].
// Documents that hold only comments are left out.
//
// # Errors
//
// A key that appears twice in one mapping is an error. It has to be found here: once the text has
// become a map, one of the two is gone.
func Documents(data []byte) ([]map[string]any, error) {
	var objects []map[string]any
	for number, text := range yamlstream.Split(data) {
		raw, err := yaml.YAMLToJSONStrict(text)
		if err != nil {
			return nil, fmt.Errorf("document %d: %w", number+1, err)
		}
		if bytes.Equal(bytes.TrimSpace(raw), []byte("null")) {
			continue
		}
		var object map[string]any
		if err := utiljson.Unmarshal(raw, &object); err != nil {
			return nil, fmt.Errorf("document %d: not an object: %w", number+1, err)
		}
		objects = append(objects, object)
	}
	return objects, nil
}
