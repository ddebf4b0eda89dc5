package gates

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/latticenet/lattice-host/host/gate"
	"github.com/latticenet/lattice-host/host/gate/facts"
	"github.com/latticenet/lattice-host/host/pipeline"
	"github.com/latticenet/lattice-host/host/resource"
	"github.com/latticenet/lattice-host/wasm-tests/builtins"
)

func read(t *testing.T, paths ...string) []*resource.Document {
	t.Helper()
	if len(paths) == 0 {
		return nil
	}
	docs, err := resource.Read(paths, nil, resource.Options{})
	if err != nil {
		t.Fatal(err)
	}
	return docs
}

func root(t *testing.T) string {
	t.Helper()
	dir, err := builtins.Root()
	if err != nil {
		t.Fatal(err)
	}
	return dir
}

// native returns the built-in plugins as ordinary Go.
func native(t *testing.T) builtins.Set {
	t.Helper()
	plugins, err := builtins.NewNative(root(t))
	if err != nil {
		t.Fatal(err)
	}
	return plugins
}

// derive derives documents, and returns what there is to ask about each.
func derive(t *testing.T, plugins builtins.Set, docs, peers []*resource.Document) map[string][]gate.Request {
	t.Helper()
	engine, err := pipeline.New(t.Context(), pipeline.Config{Plugins: plugins, Peers: peers})
	if err != nil {
		t.Fatal(err)
	}
	bundles, err := engine.DeriveAll(t.Context(), docs)
	if err != nil {
		t.Fatal(err)
	}
	var known []facts.Object
	for _, d := range append(docs, peers...) {
		known = append(known, facts.Object{Ref: d.Ref, Document: d.JSON()})
	}
	owners := facts.NewOwners(known)
	asked := map[string][]gate.Request{}
	for i, b := range bundles {
		in := facts.Input{Resource: facts.Object{Ref: docs[i].Ref, Document: docs[i].JSON()}, Owners: owners}
		if b.Resource != docs[i].Ref {
			t.Fatalf("bundle %d is of %s, not of %s", i, b.Resource, docs[i].Ref)
		}
		for _, o := range b.Outputs {
			in.Outputs = append(in.Outputs, facts.Object{Ref: o.Ref, Document: o.Document, Stage: o.Stage, Step: o.Step})
		}
		asked[docs[i].Object()] = facts.Of(in)
	}
	return asked
}

// TestExamples holds what the examples ask for against testdata.
func TestExamples(t *testing.T) {
	tests := map[string]struct{ files, peers []string }{
		"minimal": {files: []string{"minimal.yaml"}},
		"orders":  {files: []string{"orders.yaml"}, peers: []string{"orders-peers.yaml"}},
		"media":   {files: []string{"media"}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			at := func(names []string) (paths []string) {
				for _, n := range names {
					paths = append(paths, filepath.Join(root(t), "examples", n))
				}
				return paths
			}
			docs := read(t, at(tt.files)...)
			asked := derive(t, native(t), docs, read(t, at(tt.peers)...))
			var got bytes.Buffer
			for _, d := range docs {
				fmt.Fprintf(&got, "%s\n", d.Object())
				for _, r := range asked[d.Object()] {
					fmt.Fprintf(&got, "  %s %s @%s %s\n", r.Action, r.Resource, r.Object, r.Path)
					if r.Refusal != "" {
						fmt.Fprintf(&got, "    refused: %s\n", r.Refusal)
					}
				}
			}
			golden := filepath.Join("testdata", name+".txt")
			if os.Getenv("LATTICE_UPDATE") == "1" {
				if err := os.WriteFile(golden, got.Bytes(), 0o644); err != nil {
					t.Fatal(err)
				}
				return
			}
			want, err := os.ReadFile(golden)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(string(want), got.String()); diff != "" {
				t.Errorf("-want +got (LATTICE_UPDATE=1 rewrites it)\n%s", diff)
			}
		})
	}
}
