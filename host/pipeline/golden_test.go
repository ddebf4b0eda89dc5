package pipeline_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"iter"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/rogpeppe/go-internal/txtar"
	"sigs.k8s.io/yaml"

	"github.com/latticenet/lattice-host/abi"
	"github.com/latticenet/lattice-host/abi/bundle"
	"github.com/latticenet/lattice-host/host/pipeline"
	"github.com/latticenet/lattice-host/host/resource"
	"github.com/latticenet/lattice-host/internal/problem"
)

// golden runs a function on every archive of a folder. The function gets the inputs and returns the
// files whose names begin with want; LATTICE_UPDATE=1 writes them.
func golden(t *testing.T, folder string, run func(t *testing.T, files map[string][]byte) map[string][]byte) {
	t.Helper()
	paths, err := filepath.Glob(filepath.Join("testdata", folder, "*.txtar"))
	if err != nil || len(paths) == 0 {
		t.Fatalf("no archives in %s: %v", folder, err)
	}
	for _, path := range paths {
		t.Run(strings.TrimSuffix(filepath.Base(path), ".txtar"), func(t *testing.T) {
			t.Parallel()
			archive, err := txtar.ParseFile(path)
			if err != nil {
				t.Fatal(err)
			}
			inputs, want := map[string][]byte{}, map[string][]byte{}
			kept := &txtar.Archive{Comment: archive.Comment}
			for _, f := range archive.Files {
				if strings.HasPrefix(f.Name, "want") {
					want[f.Name] = f.Data
					continue
				}
				inputs[f.Name] = f.Data
				kept.Files = append(kept.Files, f)
			}
			got := run(t, inputs)
			if os.Getenv("LATTICE_UPDATE") != "" {
				for name, data := range sortedFiles(got) {
					kept.Files = append(kept.Files, txtar.File{Name: name, Data: data})
				}
				if err := os.WriteFile(path, txtar.Format(kept), 0o644); err != nil {
					t.Fatal(err)
				}
				return
			}
			if diff := cmp.Diff(texts(want), texts(got)); diff != "" {
				t.Errorf("%s\n-want +got:\n%s", archive.Comment, diff)
			}
		})
	}
}

func texts(files map[string][]byte) map[string]string {
	m := map[string]string{}
	for name, data := range files {
		m[name] = string(data)
	}
	return m
}

// script is a plugin as an archive describes it.
type script struct {
	Manifest json.RawMessage `json:"manifest"`
	// Rounds are the answers, the last one for all later rounds. Kinds are those for one kind of
	// resource.
	Rounds   []json.RawMessage            `json:"rounds"`
	Kinds    map[string][]json.RawMessage `json:"kinds"`
	Validate json.RawMessage              `json:"validate"`
	Fail     string                       `json:"fail"`
}

func scripted(t testing.TB, name string, data []byte) *fake {
	t.Helper()
	var s script
	if err := yaml.UnmarshalStrict(data, &s); err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	f := &fake{manifest: manifest(t, name, string(s.Manifest))}
	f.derive = func(_ context.Context, req *abi.Request) (*abi.Response, []string, error) {
		if s.Fail != "" {
			return nil, nil, errors.New(s.Fail)
		}
		resp := new(abi.Response)
		rounds := s.Rounds
		for kind, own := range s.Kinds {
			if bytes.Contains(req.Resource, []byte(kind)) {
				rounds = own
			}
		}
		if len(rounds) == 0 {
			return resp, nil, nil
		}
		unknown := message(t, string(rounds[min(int(req.Round), len(rounds))-1]), resp)
		return resp, unknown, nil
	}
	f.validate = func(*abi.ValidateRequest) *abi.ValidateResponse {
		resp := new(abi.ValidateResponse)
		if s.Validate != nil {
			message(t, string(s.Validate), resp)
		}
		return resp
	}
	return f
}

// TestDeriveGoldens derives the documents of each archive with its plugins, and holds bundles and
// messages against it.
func TestDeriveGoldens(t *testing.T) {
	t.Parallel()
	golden(t, "derive", func(t *testing.T, files map[string][]byte) map[string][]byte {
		bundles, err := deriveArchive(t, files)
		if err != nil {
			return map[string][]byte{"want-error": []byte(err.Error() + "\n")}
		}
		got := map[string][]byte{}
		for _, b := range bundles {
			again, err := pipeline.ParseBundle(b.JSON())
			if err != nil {
				t.Error(err)
			} else if diff := cmp.Diff(b, again); diff != "" {
				t.Errorf("the bundle reads back differently:\n%s", diff)
			}
			got["want/"+b.Resource.Name+".json"] = readable(t, b)
		}
		return got
	})
}

func deriveArchive(t testing.TB, files map[string][]byte) ([]*bundle.Bundle, error) {
	t.Helper()
	c := pipeline.Config{}
	plugins := idle(t)
	for name, data := range files {
		if plugin, ok := strings.CutPrefix(name, "plugins/"); ok {
			plugin = strings.TrimSuffix(plugin, ".yaml")
			plugins[plugin] = scripted(t, plugin, data)
		}
	}
	c.Plugins = plugins
	var err error
	if data, ok := files["pipelines.yaml"]; ok {
		if c.Pipelines, err = pipeline.ParsePipelines("pipelines.yaml", data); err != nil {
			return nil, err
		}
	}
	if data, ok := files["settings.yaml"]; ok {
		if c.Settings, err = pipeline.ParseSettings("settings.yaml", data); err != nil {
			return nil, err
		}
	}
	e, err := pipeline.New(t.Context(), c)
	if err != nil {
		return nil, err
	}
	docs, err := resource.Decode("docs.yaml", files["docs.yaml"], resource.Options{AllowTags: true})
	if err != nil {
		t.Fatal(err)
	}
	return e.DeriveAll(t.Context(), docs)
}

// readable indents a bundle and takes out the digests that change with the defaults of the
// resource.
func readable(t *testing.T, b *bundle.Bundle) []byte {
	t.Helper()
	var text bytes.Buffer
	if err := json.Indent(&text, b.JSON(), "", "  "); err != nil {
		t.Fatal(err)
	}
	text.WriteByte('\n')
	return regexp.MustCompile(`"(digest)": "sha256:[0-9a-f]{64}",\n  `).
		ReplaceAll(text.Bytes(), []byte("\"$1\": \"…\",\n  "))
}

// TestParseGoldens reads pipeline, settings and platform documents that are wrong.
func TestParseGoldens(t *testing.T) {
	t.Parallel()
	golden(t, "parse", func(t *testing.T, files map[string][]byte) map[string][]byte {
		var err error
		settings := pipeline.DefaultSettings()
		if data, ok := files["settings.yaml"]; ok {
			settings, err = pipeline.ParseSettings("settings.yaml", data)
		}
		if data, ok := files["platform.yaml"]; ok && err == nil {
			_, err = settings.WithPlatform("platform.yaml", data)
		}
		if data, ok := files["pipelines.yaml"]; ok {
			_, err = pipeline.ParsePipelines("pipelines.yaml", data)
		}
		if !errors.Is(err, problem.Invalid) {
			t.Fatalf("got %v, want an error that is problem.Invalid", err)
		}
		return map[string][]byte{"want-error": []byte(err.Error() + "\n")}
	})
}

func sortedFiles(files map[string][]byte) iter.Seq2[string, []byte] {
	return func(yield func(string, []byte) bool) {
		for _, name := range slices.Sorted(maps.Keys(files)) {
			if !yield(name, files[name]) {
				return
			}
		}
	}
}
