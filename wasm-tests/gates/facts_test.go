package gates

import (
	"bytes"
	"fmt"
	"path/filepath"
	"slices"
	"testing"

	"github.com/latticenet/lattice-host/host/gate/facts"
	"github.com/latticenet/lattice-host/host/pipeline"
	"github.com/latticenet/lattice-host/host/resource"
	"github.com/latticenet/lattice-host/wasm-tests/builtins"
	"github.com/latticenet/lattice-host/wasm-tests/golden"
)

func read(t testing.TB, paths ...string) []*resource.Document {
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

func root(t testing.TB) string {
	t.Helper()
	dir, err := builtins.Root()
	if err != nil {
		t.Fatal(err)
	}
	return dir
}

// native returns the built-in plugins as ordinary Go.
func native(t testing.TB) builtins.Set {
	t.Helper()
	plugins, err := builtins.NewNative(root(t))
	if err != nil {
		t.Fatal(err)
	}
	return plugins
}

// inputs derives documents, and returns what there is to judge about each.
func inputs(t testing.TB, plugins builtins.Set, docs, peers []*resource.Document) []facts.Input {
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
	for _, d := range slices.Concat(docs, peers) {
		known = append(known, facts.Object{Ref: d.Ref, Document: d.JSON()})
	}
	owners := facts.NewOwners(known)
	var all []facts.Input
	for i, b := range bundles {
		if b.Resource != docs[i].Ref {
			t.Fatalf("bundle %d is of %s, not of %s", i, b.Resource, docs[i].Ref)
		}
		in := facts.Input{Resource: known[i], Owners: owners}
		for _, o := range b.Outputs {
			in.Outputs = append(in.Outputs, facts.Object{Ref: o.Ref, Document: o.Document, Stage: o.Stage, Step: o.Step})
		}
		all = append(all, in)
	}
	return all
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
			var got bytes.Buffer
			for _, in := range inputs(t, native(t), docs, read(t, at(tt.peers)...)) {
				fmt.Fprintf(&got, "%s\n", facts.Subject(in.Resource.Ref))
				for _, r := range facts.Read(in).Requests() {
					fmt.Fprintf(&got, "  %s %s @%s %s\n", r.Action, r.Resource, r.Object, r.Path)
					if r.Refusal != "" {
						fmt.Fprintf(&got, "    refused: %s\n", r.Refusal)
					}
				}
			}
			golden.Check(t, filepath.Join("testdata", name+".txt"), got.String())
		})
	}
}

// BenchmarkOf finds what the orders example asks for.
func BenchmarkOf(b *testing.B) {
	in := inputs(b, native(b), read(b, filepath.Join(root(b), "examples", "orders.yaml")), nil)[0]
	b.ReportAllocs()
	for b.Loop() {
		facts.Read(in).Requests()
	}
}
