package builtins

import (
	"bytes"
	"context"
	"path/filepath"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"

	"github.com/latticenet/lattice-host/abi"
	"github.com/latticenet/lattice-host/host/pipeline"
)

// published compiles a schema that is published for other languages.
func published(t *testing.T, root, name string) *jsonschema.Schema {
	t.Helper()
	schema, err := jsonschema.NewCompiler().Compile(filepath.Join(root, "abi", "schema", name+".schema.json"))
	if err != nil {
		t.Fatal(err)
	}
	return schema
}

func conforms(t *testing.T, schema *jsonschema.Schema, what string, message []byte) {
	t.Helper()
	value, err := jsonschema.UnmarshalJSON(bytes.NewReader(message))
	if err == nil {
		err = schema.Validate(value)
	}
	if err != nil {
		t.Errorf("%s does not conform to the published schema: %v\n%.2000s", what, err, message)
	}
}

// overheard checks every message of a plugin.
type overheard struct {
	pipeline.Plugin
	t                 *testing.T
	request, response *jsonschema.Schema
}

func (o overheard) Derive(ctx context.Context, req *abi.Request) (*abi.Response, []string, error) {
	response, unknown, err := o.Plugin.Derive(ctx, req)
	for _, m := range []struct {
		schema  *jsonschema.Schema
		message abi.Encoder
	}{{o.request, req}, {o.response, response}} {
		text, encodeErr := abi.Encode(nil, m.message, abi.EncodingJSON)
		if encodeErr != nil {
			o.t.Error(encodeErr)
		}
		conforms(o.t, m.schema, "a message of "+o.Manifest().Name, text)
	}
	return response, unknown, err
}

// An author in another language has nothing but the schemas: what is said must be what they say.
func TestMessagesConformToPublishedSchemas(t *testing.T) {
	root, err := Root()
	if err != nil {
		t.Fatal(err)
	}
	native, err := NewNative(root)
	if err != nil {
		t.Fatal(err)
	}
	request, response := published(t, root, "request"), published(t, root, "response")
	service, manifest := published(t, root, "latticeService"), published(t, root, "manifest")
	set := Set{}
	for name, p := range native {
		set[name] = overheard{p, t, request, response}
		conforms(t, manifest, "the manifest of "+name, p.Manifest().CanonicalJSON())
	}
	docs := generated(t, 50)
	for _, doc := range docs {
		conforms(t, service, doc.Object(), doc.JSON())
	}
	engine, err := pipeline.New(t.Context(), pipeline.Config{Plugins: set, Settings: monitored()})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := engine.DeriveAll(t.Context(), docs); err != nil {
		t.Fatal(err)
	}
}
