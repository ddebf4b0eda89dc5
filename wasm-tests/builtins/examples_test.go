package builtins

import (
	"bytes"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"sigs.k8s.io/yaml"

	"github.com/latticenet/lattice-host/host/pipeline"
	"github.com/latticenet/lattice-host/host/resource"
	"github.com/latticenet/lattice-host/runtime"
	"github.com/latticenet/lattice-host/wasm-tests/golden"
)

// example is a derivation of documents below examples/, and what it gives below examples/golden/.
type example struct {
	name  string
	files []string
	peers []string
	// platform is a file; without one, the platform is the default one.
	platform string
}

func examples() []example {
	return []example{
		{name: "minimal", files: []string{"minimal.yaml"}},
		{name: "orders", files: []string{"orders.yaml"}, peers: []string{"orders-peers.yaml"}},
		{name: "front", files: []string{"front.yaml"}},
		{name: "media", files: []string{"media"}},
		{name: "stores", files: []string{"stores.yaml"}},
		{name: "secrets", files: []string{"secrets.yaml"}, peers: []string{"stores.yaml"}},
		{name: "full", files: []string{"full.yaml"}, peers: []string{"peers"}, platform: "platforms/full.yaml"},
		{name: "training", files: []string{"training.yaml"}},
		{name: "cron", files: []string{"cron.yaml"}},
		{name: "homelab", files: []string{"homelab"}, peers: []string{"peers/vault.yaml"}, platform: "platforms/homelab.yaml"},
	}
}

func read(tb testing.TB, root string, names []string) []*resource.Document {
	tb.Helper()
	if len(names) == 0 {
		return nil
	}
	var paths []string
	for _, name := range names {
		paths = append(paths, filepath.Join(root, "examples", name))
	}
	docs, err := resource.Read(paths, nil, resource.Options{})
	if err != nil {
		tb.Fatal(err)
	}
	return docs
}

func (e example) engine(tb testing.TB, root string, plugins Set) *pipeline.Engine {
	tb.Helper()
	config := pipeline.Config{Plugins: plugins, Peers: read(tb, root, e.peers)}
	if e.platform != "" {
		text, err := os.ReadFile(filepath.Join(root, "examples", e.platform))
		if err != nil {
			tb.Fatal(err)
		}
		if config.Settings, err = pipeline.DefaultSettings().WithPlatform(e.platform, text); err != nil {
			tb.Fatal(err)
		}
	}
	engine, err := pipeline.New(tb.Context(), config)
	if err != nil {
		tb.Fatal(err)
	}
	return engine
}

func TestExamples(t *testing.T) {
	root, err := Root()
	if err != nil {
		t.Fatal(err)
	}
	plugins := pairs(t)
	for _, e := range examples() {
		t.Run(e.name, func(t *testing.T) {
			bundles, err := e.engine(t, root, plugins).DeriveAll(t.Context(), read(t, root, e.files))
			if err != nil {
				t.Fatal(err)
			}
			var got bytes.Buffer
			for _, b := range bundles {
				for _, o := range b.Outputs {
					text, err := yaml.JSONToYAML(o.Document)
					if err != nil {
						t.Fatal(err)
					}
					got.WriteString("---\n")
					got.Write(text)
				}
			}
			golden.Check(t, filepath.Join(root, "examples", "golden", e.name+".yaml"), got.String())
		})
	}
}

// TestRow66_HundredRepeats derives the full example a hundred times, by turns on two hosts that
// know nothing of each other: one runs the plugins in the sandbox and the other natively. What an
// executor gets has the same bytes each time.
func TestRow66_HundredRepeats(t *testing.T) {
	root, err := Root()
	if err != nil {
		t.Fatal(err)
	}
	native, err := NewNative(root)
	if err != nil {
		t.Fatal(err)
	}
	i := slices.IndexFunc(examples(), func(e example) bool { return e.name == "full" })
	full := examples()[i]
	// The pairs have the digests of native plugins, and bundles name digests.
	hosts := []*pipeline.Engine{full.engine(t, root, pairs(t)), full.engine(t, root, native)}
	var first []runtime.Bundle
	for n := range 100 {
		bundles, err := hosts[n%2].DeriveAll(t.Context(), read(t, root, full.files))
		if err != nil {
			t.Fatal(err)
		}
		var got []runtime.Bundle
		for _, b := range bundles {
			got = append(got, runtime.BundleOf(b))
		}
		if n == 0 {
			first = got
		}
		for i := range got {
			if len(got) != len(first) || !bytes.Equal(got[i].Raw, first[i].Raw) || got[i].Digest() != first[i].Digest() {
				t.Fatalf("time %d: other bytes", n+1)
			}
		}
	}
	if len(first) == 0 {
		t.Error("nothing derives")
	}
}
