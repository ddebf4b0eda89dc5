package schemas_test

import (
	"encoding/json"
	"testing"

	"github.com/latticenet/lattice-host/abi"
	"github.com/latticenet/lattice-host/abi/bundle"
	"github.com/latticenet/lattice-host/host/pipeline"
	"github.com/latticenet/lattice-host/host/resource"
	"github.com/latticenet/lattice-host/wasm-tests/builtins"
)

// generatedDocuments is how many generated documents are derived and validated.
const generatedDocuments = 200

func TestGenerated(t *testing.T) {
	judge := validator(t)
	for _, bundle := range deriveGenerated(t) {
		for _, output := range bundle.Outputs {
			var object map[string]any
			if err := json.Unmarshal(output.Document, &object); err != nil {
				t.Fatal(err)
			}
			for _, problem := range judge.Validate(object) {
				t.Errorf("%s: %s: %v", bundle.Resource, output.Ref, problem)
			}
		}
	}
}

func deriveGenerated(t *testing.T) []*bundle.Bundle {
	t.Helper()
	root, err := builtins.Root()
	if err != nil {
		t.Fatal(err)
	}
	plugins, err := builtins.NewNative(root)
	if err != nil {
		t.Fatal(err)
	}
	var docs []*resource.Document
	for seed := range uint64(generatedDocuments) {
		decoded, err := resource.Decode("generated.json", builtins.Generate(seed), resource.Options{})
		if err != nil {
			t.Fatal(err)
		}
		docs = append(docs, decoded...)
	}
	settings := pipeline.DefaultSettings()
	settings.Platform.Monitoring = abi.Monitoring{Enabled: true}
	engine, err := pipeline.New(t.Context(), pipeline.Config{Plugins: plugins, Settings: settings})
	if err != nil {
		t.Fatal(err)
	}
	bundles, err := engine.DeriveAll(t.Context(), docs)
	if err != nil {
		t.Fatal(err)
	}
	return bundles
}
