package facts_test

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/rogpeppe/go-internal/txtar"
	"sigs.k8s.io/yaml"

	"github.com/latticenet/lattice-host/abi"
	"github.com/latticenet/lattice-host/host/gate"
	"github.com/latticenet/lattice-host/host/gate/facts"
)

// documents reads the documents of a YAML file. Those without a namespace get none.
func documents(t *testing.T, data []byte) []facts.Object {
	t.Helper()
	var objects []facts.Object
	for part := range bytes.SplitSeq(data, []byte("---\n")) {
		if len(bytes.TrimSpace(part)) == 0 {
			continue
		}
		var meta struct {
			APIVersion string `json:"apiVersion"`
			Kind       string `json:"kind"`
			Metadata   struct {
				Namespace string `json:"namespace"`
				Name      string `json:"name"`
			} `json:"metadata"`
		}
		if err := yaml.Unmarshal(part, &meta); err != nil {
			t.Fatal(err)
		}
		text, err := yaml.YAMLToJSONStrict(part)
		if err != nil {
			t.Fatal(err)
		}
		objects = append(objects, facts.Object{
			Ref: abi.Ref{
				APIVersion: meta.APIVersion, Kind: meta.Kind, Namespace: meta.Metadata.Namespace, Name: meta.Metadata.Name,
			},
			Document: text,
		})
	}
	return objects
}

// TestGolden holds what outputs ask for against the file want of every archive. LATTICE_UPDATE=1
// rewrites it. The file resource.yaml is what the outputs derive from; run.yaml, denied.yaml,
// peers.yaml and records.yaml are what is known besides: of the run, of the run but denied, next to
// it, and among the policies.
func TestGolden(t *testing.T) {
	paths, err := filepath.Glob(filepath.Join("testdata", "*.txtar"))
	if err != nil || len(paths) == 0 {
		t.Fatalf("no archives: %v", err)
	}
	for _, path := range paths {
		t.Run(strings.TrimSuffix(filepath.Base(path), ".txtar"), func(t *testing.T) {
			archive, err := txtar.ParseFile(path)
			if err != nil {
				t.Fatal(err)
			}
			files := map[string][]byte{}
			kept := &txtar.Archive{Comment: archive.Comment}
			for _, f := range archive.Files {
				files[f.Name] = f.Data
				if f.Name != "want" {
					kept.Files = append(kept.Files, f)
				}
			}
			in := orders(t, documents(t, files["outputs.yaml"])...)
			if data, ok := files["resource.yaml"]; ok {
				in.Resource = documents(t, data)[0]
			}
			var known []facts.Object
			var denied []abi.Ref
			for _, from := range []struct {
				file   string
				origin gate.Origin
			}{{"peers.yaml", gate.FromWith}, {"run.yaml", gate.FromRun}, {"denied.yaml", gate.FromRun}, {"records.yaml", gate.FromPolicies}} {
				for _, o := range documents(t, files[from.file]) {
					o.Origin, o.Place = from.origin, func(field string) string { return from.file + " " + field }
					known = append(known, o)
					if from.file == "denied.yaml" {
						denied = append(denied, o.Ref)
					}
				}
			}
			in.Owners, _ = facts.NewOwners(append(known, in.Resource)).Deny(denied)
			got := text(facts.Read(in).Requests())
			if os.Getenv("LATTICE_UPDATE") == "1" {
				kept.Files = append(kept.Files, txtar.File{Name: "want", Data: []byte(got)})
				if err := os.WriteFile(path, txtar.Format(kept), 0o644); err != nil {
					t.Fatal(err)
				}
				return
			}
			if diff := cmp.Diff(string(files["want"]), got); diff != "" {
				t.Errorf("%s-want +got (LATTICE_UPDATE=1 rewrites it)\n%s", archive.Comment, diff)
			}
		})
	}
}
