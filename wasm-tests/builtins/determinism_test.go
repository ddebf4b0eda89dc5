package builtins

import (
	"context"
	"fmt"
	"path/filepath"
	"testing"

	"github.com/latticenet/lattice-host/abi"
	"github.com/latticenet/lattice-host/host/conformance"
	"github.com/latticenet/lattice-host/host/pipeline"
	"github.com/latticenet/lattice-host/host/sandbox"
)

// fewestRequests is how many different requests every built-in plugin gets at least.
const fewestRequests = 20

// recordedDocuments is how many generated documents are recorded besides goldens and examples.
const recordedDocuments = 80

// TestRow66_Determinism calls every built-in plugin with every request that the goldens, the
// examples and some generated documents lead to, and holds the answers against the contract.
func TestRow66_Determinism(t *testing.T) {
	root, err := Root()
	if err != nil {
		t.Fatal(err)
	}
	recorder := recordAll(t, root)
	first, second := sandboxed(t, root), sandboxed(t, root)
	for _, name := range Names() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var requests []conformance.Request
			for i, data := range recorder.Requests(name) {
				requests = append(requests, conformance.Request{Name: fmt.Sprint(i), Op: abi.OpDerive, Data: data})
			}
			if len(requests) < fewestRequests {
				t.Errorf("there are %d requests, at least %d are wanted", len(requests), fewestRequests)
			}
			a, b := first[name].(*sandbox.Plugin), second[name].(*sandbox.Plugin)
			if err := conformance.CheckDeterminism(t.Context(), a, b, requests...); err != nil {
				t.Error(err)
			}
			if err := conformance.CheckAnswers(t.Context(), a, requests...); err != nil {
				t.Error(err)
			}
		})
	}
}

func sandboxed(t *testing.T, root string) Set {
	t.Helper()
	set, runtime, err := NewSandboxed(t.Context(), root)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := runtime.Close(context.Background()); err != nil {
			t.Error(err)
		}
	})
	return set
}

// recordAll derives the goldens, the examples and generated documents natively. Whether they derive
// is what other tests are about.
func recordAll(t *testing.T, root string) *Recorder {
	t.Helper()
	native, err := NewNative(root)
	if err != nil {
		t.Fatal(err)
	}
	recorder := new(Recorder)
	plugins := recorder.Record(native)
	for _, name := range Names() {
		cases, err := conformance.ReadCases(filepath.Join(Folder(root, name), "testdata"))
		if err != nil {
			t.Fatal(err)
		}
		for _, c := range cases {
			_, _ = c.Derive(t.Context(), plugins)
		}
	}
	for _, e := range examples() {
		if _, err := e.engine(t, root, plugins).DeriveAll(t.Context(), read(t, root, e.files)); err != nil {
			t.Fatal(err)
		}
	}
	engine, err := pipeline.New(t.Context(), pipeline.Config{Plugins: plugins, Settings: monitored()})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := engine.DeriveAll(t.Context(), generated(t, recordedDocuments)); err != nil {
		t.Fatal(err)
	}
	return recorder
}
