package builtins

import (
	"bytes"
	"context"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/txtar"
	"sigs.k8s.io/yaml"

	"github.com/latticenet/lattice-host/abi/bundle"
	"github.com/latticenet/lattice-host/host/conformance"
	"github.com/latticenet/lattice-host/wasm-tests/golden"
)

// fewestCases is how many goldens every built-in plugin has at least.
const fewestCases = 8

// pairs returns the built-in plugins, each of which is run natively and in the sandbox and
// compared.
func pairs(t *testing.T) Set {
	t.Helper()
	root, err := Root()
	if err != nil {
		t.Fatal(err)
	}
	set, runtime, err := NewBoth(t.Context(), root, func(plugin, step string, native, sandbox []byte) {
		t.Errorf("step %s: %s answers other bytes in the sandbox:\nnative  %x\nsandbox %x", step, plugin, native, sandbox)
	})
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

// A golden has the sections resource.yaml, and optionally peers.yaml, settings.yaml and
// pipeline.yaml; the whole chain runs, and want.yaml holds the objects that the plugin under test
// emitted or contributed to, want-results what the steps said, want-error the error.
func TestGolden(t *testing.T) {
	plugins := pairs(t)
	root, err := Root()
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range Names() {
		files, err := filepath.Glob(filepath.Join(Folder(root, name), "testdata", "*.txtar"))
		if err != nil {
			t.Fatal(err)
		}
		if len(files) < fewestCases {
			t.Errorf("%s has %d goldens, want at least %d", name, len(files), fewestCases)
		}
		for _, file := range files {
			t.Run(name+"/"+strings.TrimSuffix(filepath.Base(file), ".txtar"), func(t *testing.T) {
				checkCase(t, plugins, name, file)
			})
		}
	}
}

func checkCase(t *testing.T, plugins Set, plugin, file string) {
	archive, err := txtar.ParseFile(file)
	if err != nil {
		t.Fatal(err)
	}
	c := conformance.Case{Name: filepath.Base(file), Files: archive.Files}
	// The files whose names begin with want say what must come out.
	got := slices.DeleteFunc(slices.Clone(c.Files), func(f txtar.File) bool { return strings.HasPrefix(f.Name, "want") })
	bundle, err := c.Derive(t.Context(), plugins)
	// An error is what a case is about, or a golden that was rewritten unread.
	if isError := strings.HasPrefix(c.Name, "error-"); isError != (err != nil) {
		t.Errorf("%s: want-error is for cases named error-*, and those alone: %v", file, err)
	}
	if err != nil {
		got = append(got, txtar.File{Name: "want-error", Data: []byte(err.Error() + "\n")})
	} else {
		got = append(got, txtar.File{Name: "want.yaml", Data: documents(t, bundle, plugin)})
		if results := resultLines(bundle); len(results) > 0 {
			got = append(got, txtar.File{Name: "want-results", Data: results})
		}
	}
	archive.Files = got
	golden.Check(t, file, string(txtar.Format(archive)))
}

// documents returns the objects that a plugin had a part in.
func documents(t *testing.T, b *bundle.Bundle, plugin string) []byte {
	t.Helper()
	var out bytes.Buffer
	for _, o := range b.Outputs {
		if !slices.ContainsFunc(o.Owners, func(owner bundle.Owner) bool {
			return pluginOf(b, o.Pipeline, owner.Step) == plugin
		}) {
			continue
		}
		text, err := yaml.JSONToYAML(o.Document)
		if err != nil {
			t.Fatal(err)
		}
		out.WriteString("---\n")
		out.Write(text)
	}
	return out.Bytes()
}

func pluginOf(b *bundle.Bundle, pipelineName, step string) string {
	for _, s := range b.Steps {
		if s.Pipeline == pipelineName && s.Name == step {
			_, name, _ := strings.Cut(s.Plugin, "/")
			return name
		}
	}
	return ""
}

func resultLines(b *bundle.Bundle) []byte {
	var out bytes.Buffer
	for _, r := range b.Results {
		out.WriteString(string(r.Severity) + ": " + r.Step + ": " + r.Field + ": " + r.Message + "\n")
	}
	return out.Bytes()
}
