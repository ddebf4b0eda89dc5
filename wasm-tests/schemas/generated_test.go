package schemas_test

import (
	"encoding/json"
	"testing"

	"github.com/latticenet/lattice-host/abi"
	"github.com/latticenet/lattice-host/abi/bundle"
	"github.com/latticenet/lattice-host/host/pipeline"
	"github.com/latticenet/lattice-host/host/resource"
	"github.com/latticenet/lattice-host/wasm-tests/builtins"
	"github.com/latticenet/lattice-host/wasm-tests/property"
)

// generatedDocuments is how many generated documents are derived and validated.
const generatedDocuments = 200

func TestGenerated(t *testing.T) {
	judgeBundles(t, deriveGenerated(t))
}

// TestGeneratedServices judges what derives from services that use every field of the kind.
func TestGeneratedServices(t *testing.T) {
	root, err := builtins.Root()
	if err != nil {
		t.Fatal(err)
	}
	plugins, err := builtins.NewNative(root)
	if err != nil {
		t.Fatal(err)
	}
	bundles, err := property.Derive(t.Context(), plugins, property.Count(), property.Ordered)
	if err != nil {
		t.Fatal(err)
	}
	judgeBundles(t, bundles)
}

func judgeBundles(t *testing.T, bundles []*bundle.Bundle) {
	t.Helper()
	judge, judged := validator(t), 0
	for _, b := range bundles {
		for _, output := range b.Outputs {
			var object map[string]any
			if err := json.Unmarshal(output.Document, &object); err != nil {
				t.Fatal(err)
			}
			for _, problem := range judge.Validate(object) {
				t.Errorf("%s: %s: %v", b.Resource, output.Ref, problem)
			}
			judged++
		}
	}
	if judged < len(bundles) || judged == 0 {
		t.Errorf("%d objects derive from %d documents", judged, len(bundles))
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
