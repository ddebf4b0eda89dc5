package kind_test

import (
	"testing"

	"github.com/latticenet/lattice-host/abi"
	"github.com/latticenet/lattice-host/abi/cbor"
	"github.com/latticenet/lattice-host/internal/kind"
)

// FuzzParseSchema reads schemas of plugins. What is accepted must be printable as a definition, and
// defaults must meet it.
func FuzzParseSchema(f *testing.F) {
	for _, seed := range []string{
		`{"type": "object", "properties": {"a": {"type": "string", "default": "x"}}}`,
		`{"type": "object", "properties": {"a": {"$ref": "#/$defs/A"}}, "$defs": {"A": {"type": "array", "items": {"type": "integer"}}}}`,
		`{"type": "object", "properties": {"a": {"type": "object", "additionalProperties": {"type": "number", "minimum": 1}, "default": {"x": 2}}}}`,
		`{"type": "object", "properties": {"a": {"x-kubernetes-int-or-string": true, "pattern": "^a"}}}`,
	} {
		f.Add([]byte(seed), []byte(`{"a": "x"}`))
	}
	f.Fuzz(func(t *testing.T, schema, spec []byte) {
		s, err := kind.ParseSchema(schema)
		if err != nil {
			return
		}
		k := &kind.Kind{GroupKind: abi.GroupKind{Group: "example.com", Kind: "Thing"}, Version: "v1", Plural: "things", Scope: kind.ScopeNamespaced, Spec: s}
		if _, err := k.CRD(); err != nil {
			t.Fatal(err)
		}
		k.All()
		value, err := cbor.FromJSON(nil, spec, abi.MaxDepth)
		if err != nil || len(k.CheckSpec(value)) > 0 {
			return
		}
		full := s.AppendDefaults(nil, value)
		if err := cbor.Validate(full, abi.MaxDepth); err != nil {
			t.Fatalf("with defaults: %v", err)
		}
		if v := k.CheckSpec(full); len(v) > 0 {
			t.Fatalf("the defaults break the schema: %v", v)
		}
	})
}
