// Package transitions holds what becomes of the objects of a document when the document changes: what appears, what changes and
// in which fields, and what vanishes.
package transitions

import (
	"fmt"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/txtar"
	"sigs.k8s.io/yaml"

	"github.com/latticenet/lattice-host/host/pipeline"
	"github.com/latticenet/lattice-host/host/resource"
	"github.com/latticenet/lattice-host/runtime"
	"github.com/latticenet/lattice-host/runtime/directory"
	"github.com/latticenet/lattice-host/wasm-tests/builtins"
	"github.com/latticenet/lattice-host/wasm-tests/golden"
)

// platform is that of all cases, and peers what their documents may name.
const (
	platform = `{apiVersion: lattice.dev/v1, kind: Platform, spec: {
		clusterName: demo, provider: aws, monitoring: {enabled: true}, imageProviders: {ghcr: {provider: vault, id: registries/ghcr}}}}`
	peers = `
apiVersion: lattice.dev/v1alpha1
kind: SecretProvider
metadata: {name: vault, namespace: lattice-system}
spec: {all: true, provider: {vault: {server: https://vault}}}
---
apiVersion: lattice.dev/v1alpha1
kind: LatticeMeshMember
metadata: {name: front, namespace: shop}
spec: {target: {selector: {app: front}}, dependencies: [{name: web}]}
---
apiVersion: lattice.dev/v1alpha1
kind: LatticeMeshMember
metadata: {name: db, namespace: shop}
spec: {target: {selector: {app: db}}, ports: [{name: sql, port: 5432}], allowedCallers: [{name: web}]}
`
)

// fewest is how many pairs there are at least.
const fewest = 30

// TestTransitions plans the second document of each case in testdata where the first is applied. After that is applied, too,
// nothing is left to do.
func TestTransitions(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob("testdata/*.txtar")
	if err != nil || len(files) < fewest {
		t.Fatalf("there are %d cases, want at least %d: %v", len(files), fewest, err)
	}
	e := engine(t)
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txtar"), func(t *testing.T) {
			t.Parallel()
			archive, err := txtar.ParseFile(file)
			if err != nil {
				t.Fatal(err)
			}
			archive.Files = slices.DeleteFunc(archive.Files, func(f txtar.File) bool { return f.Name == "want" })
			if len(archive.Files) != 2 || archive.Files[0].Name != "before.yaml" || archive.Files[1].Name != "after.yaml" {
				t.Fatal("want before.yaml and after.yaml")
			}
			got := transition(t, e, archive.Files[0].Data, archive.Files[1].Data)
			archive.Files = append(archive.Files, txtar.File{Name: "want", Data: []byte(got)})
			golden.Check(t, file, string(txtar.Format(archive)))
		})
	}
}

// engine derives with the built-in plugins as ordinary Go.
func engine(t *testing.T) *pipeline.Engine {
	t.Helper()
	root, err := builtins.Root()
	if err != nil {
		t.Fatal(err)
	}
	var c pipeline.Config
	if c.Plugins, err = builtins.NewNative(root); err != nil {
		t.Fatal(err)
	}
	if c.Settings, err = pipeline.DefaultSettings().WithPlatform("platform.yaml", []byte(platform)); err != nil {
		t.Fatal(err)
	}
	if c.Peers, err = resource.Decode("peers.yaml", []byte(peers), resource.Options{}); err != nil {
		t.Fatal(err)
	}
	e, err := pipeline.New(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	return e
}

// transition returns what a plan does, a line an object.
func transition(t *testing.T, e *pipeline.Engine, before, after []byte) string {
	t.Helper()
	target, err := directory.New(t.TempDir(), directory.Options{})
	if err != nil {
		t.Fatal(err)
	}
	apply(t, target, derive(t, e, before))
	bundles := derive(t, e, after)
	p := plan(t, target, bundles)
	var out strings.Builder
	err = target.Compare(t.Context(), p, func(c *runtime.Change, before, after []byte) error {
		fmt.Fprintf(&out, "%s %s\n", c.Action, c.Object)
		if c.Action == runtime.Update {
			for _, field := range differences("", parse(t, before), parse(t, after)) {
				fmt.Fprintf(&out, "    %s\n", field)
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	apply(t, target, bundles)
	if again := plan(t, target, bundles); !again.Empty() {
		t.Errorf("after it was applied there is still something to do: %v", again.Changes)
	}
	return out.String()
}

func derive(t *testing.T, e *pipeline.Engine, documents []byte) []runtime.Bundle {
	t.Helper()
	docs, err := resource.Decode("documents.yaml", documents, resource.Options{})
	if err != nil {
		t.Fatal(err)
	}
	derived, err := e.DeriveAll(t.Context(), docs)
	if err != nil {
		t.Fatal(err)
	}
	bundles := make([]runtime.Bundle, len(derived))
	for i, b := range derived {
		bundles[i] = runtime.BundleOf(b)
	}
	return bundles
}

func plan(t *testing.T, target *directory.Executor, bundles []runtime.Bundle) *runtime.Plan {
	t.Helper()
	p, err := target.Plan(t.Context(), &runtime.Desired{Set: "all", Bundles: bundles})
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func apply(t *testing.T, target *directory.Executor, bundles []runtime.Bundle) {
	t.Helper()
	p := plan(t, target, bundles)
	if _, err := target.Apply(t.Context(), p, runtime.Approve(p, "decision-of-the-test"), runtime.ApplyOptions{}); err != nil {
		t.Fatal(err)
	}
}

func parse(t *testing.T, text []byte) any {
	t.Helper()
	var value any
	if err := yaml.Unmarshal(text, &value); err != nil {
		t.Fatal(err)
	}
	return value
}

// differences returns the fields in which two values differ, with + in front of those that the second alone has, - in front of
// those that the first alone has, and ~ in front of the others. Items of lists are told apart by their names, where they have some.
func differences(path string, before, after any) []string {
	a, b := children(before), children(after)
	if a == nil || b == nil {
		if fmt.Sprint(before) == fmt.Sprint(after) {
			return nil
		}
		return []string{"~ " + path}
	}
	var out []string
	for _, key := range slices.Sorted(keys(a, b)) {
		field := strings.TrimPrefix(path+"."+key, ".")
		x, inBefore := a[key]
		y, inAfter := b[key]
		switch {
		case !inBefore:
			out = append(out, "+ "+field)
		case !inAfter:
			out = append(out, "- "+field)
		default:
			out = append(out, differences(field, x, y)...)
		}
	}
	return out
}

func keys(maps ...map[string]any) func(yield func(string) bool) {
	return func(yield func(string) bool) {
		seen := map[string]bool{}
		for _, m := range maps {
			for key := range m {
				if !seen[key] && !yield(key) {
					return
				}
				seen[key] = true
			}
		}
	}
}

// children returns what a value holds, by key or by the name or place of an item; nil for a value that holds nothing.
func children(value any) map[string]any {
	switch value := value.(type) {
	case map[string]any:
		return value
	case []any:
		m := make(map[string]any, len(value))
		for i, item := range value {
			key := strconv.Itoa(i)
			if named, ok := item.(map[string]any); ok && named["name"] != nil {
				key = fmt.Sprint(named["name"])
			}
			m[key] = item
		}
		return m
	}
	return nil
}
