package main

import (
	"encoding/json"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/latticenet/lattice-host/abi"
	"github.com/latticenet/lattice-host/wasm-tests/bench/internal/orders"
	"github.com/latticenet/lattice-host/wasm-tests/builtins"
)

// derived returns the objects that the host derives from orders, by reference.
func derived(t *testing.T) map[abi.Ref]any {
	t.Helper()
	root, err := builtins.Root()
	if err != nil {
		t.Fatal(err)
	}
	native, err := builtins.NewNative(root)
	if err != nil {
		t.Fatal(err)
	}
	example, err := orders.Read(root)
	if err != nil {
		t.Fatal(err)
	}
	engine, err := example.Engine(t.Context(), native)
	if err != nil {
		t.Fatal(err)
	}
	bundle, err := engine.Derive(t.Context(), example.Service)
	if err != nil {
		t.Fatal(err)
	}
	var texts [][]byte
	for _, o := range bundle.Outputs {
		texts = append(texts, o.Document)
	}
	return byRef(t, texts)
}

// byRef decodes objects.
func byRef(t *testing.T, texts [][]byte) map[abi.Ref]any {
	t.Helper()
	objects := map[abi.Ref]any{}
	for _, text := range texts {
		var named struct {
			abi.Ref
			Metadata struct{ Namespace, Name string }
		}
		var object any
		for _, into := range []any{&named, &object} {
			if err := json.Unmarshal(text, into); err != nil {
				t.Fatalf("%v\n%s", err, text)
			}
		}
		ref := named.Ref
		ref.Namespace, ref.Name = named.Metadata.Namespace, named.Metadata.Name
		if objects[ref] != nil {
			t.Errorf("%s is a duplicate", ref)
		}
		objects[ref] = object
	}
	return objects
}

// The peers are compared with the host, so they must do the same work.
func TestProgramDerivesWhatTheHostDerives(t *testing.T) {
	root, err := builtins.Root()
	if err != nil {
		t.Fatal(err)
	}
	example, err := orders.Read(root)
	if err != nil {
		t.Fatal(err)
	}
	got, err := newProgram(example.Peers).run(example.Service.JSON())
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(derived(t), byRef(t, got)); diff != "" {
		t.Errorf("-host +program\n%s", diff)
	}
}
