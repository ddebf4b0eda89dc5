package pipeline_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"strings"
	"testing"

	"sigs.k8s.io/yaml"

	"github.com/latticenet/lattice-host/abi"
	"github.com/latticenet/lattice-host/abi/cbor"
	"github.com/latticenet/lattice-host/host/pipeline"
	"github.com/latticenet/lattice-host/host/resource"
)

// fake is a plugin written in Go.
type fake struct {
	manifest *abi.Manifest
	derive   func(context.Context, *abi.Request) (*abi.Response, []string, error)
	validate func(*abi.ValidateRequest) *abi.ValidateResponse
}

func (f *fake) Manifest() *abi.Manifest { return f.manifest }

func (f *fake) Digest() string {
	return "sha256:" + strings.Repeat(fmt.Sprintf("%02x", len(f.manifest.Name)), 32)
}

func (f *fake) Derive(ctx context.Context, req *abi.Request) (*abi.Response, []string, error) {
	return f.derive(ctx, req)
}

func (f *fake) Validate(_ context.Context, req *abi.ValidateRequest) (*abi.ValidateResponse, []string, error) {
	if f.validate == nil {
		return &abi.ValidateResponse{}, nil, nil
	}
	return f.validate(req), nil, nil
}

// fakes finds plugins by their bare name.
type fakes map[string]*fake

func (f fakes) Plugin(_ context.Context, name string) (pipeline.Plugin, error) {
	_, bare, found := strings.Cut(name, "/")
	if !found {
		bare = name
	}
	if p, ok := f[bare]; ok {
		return p, nil
	}
	return nil, fmt.Errorf("no plugin %s is installed; run lattice-host install %s", name, name)
}

// idle returns the plugins of the built-in pipelines, each of which derives nothing.
func idle(t testing.TB) fakes {
	t.Helper()
	builtin, err := pipeline.Builtin(resource.Builtin())
	if err != nil {
		t.Fatal(err)
	}
	plugins := fakes{}
	for _, p := range builtin {
		for _, s := range p.Steps {
			plugins[s.Plugin] = &fake{derive: always(&abi.Response{}), manifest: manifest(t, s.Plugin,
				"derives: [{group: lattice.dev, kind: LatticeService}, {group: lattice.dev, kind: LatticeMeshMember}]")}
		}
	}
	return plugins
}

// manifest completes the interesting part of a manifest, as YAML.
func manifest(t testing.TB, name, text string) *abi.Manifest {
	t.Helper()
	m := map[string]any{
		"schema": abi.ManifestSchema, "publisher": "lattice", "name": name, "version": "1.0.0", "abi": abi.Version,
		"encoding": "cbor", "limits": map[string]any{},
		"derives": []any{map[string]any{
			"group": "lattice.dev", "kind": "LatticeMeshMember", "covers": []any{"mesh", "egress"},
		}},
	}
	var own map[string]any
	if err := yaml.Unmarshal([]byte(text), &own); err != nil {
		t.Fatal(err)
	}
	maps.Copy(m, own)
	data, err := json.Marshal(m)
	if err != nil {
		t.Fatal(err)
	}
	parsed, err := abi.ParseManifest(data)
	if err != nil {
		t.Fatalf("manifest of %s: %v", name, err)
	}
	return parsed
}

// message reads a message from YAML.
func message(t testing.TB, text string, m abi.Decoder) []string {
	t.Helper()
	data, err := yaml.YAMLToJSON([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	unknown, err := abi.Decode(data, abi.EncodingJSON, abi.MaxResponseBytes, m)
	if err != nil {
		t.Fatalf("%v in\n%s", err, text)
	}
	return unknown
}

func response(t testing.TB, text string) *abi.Response {
	t.Helper()
	r := new(abi.Response)
	message(t, text, r)
	return r
}

// always answers every call alike.
func always(r *abi.Response) func(context.Context, *abi.Request) (*abi.Response, []string, error) {
	return func(context.Context, *abi.Request) (*abi.Response, []string, error) { return r, nil, nil }
}

// item reads a value from YAML, or quicker from JSON.
func item(t testing.TB, text string) cbor.Raw {
	t.Helper()
	if raw, err := cbor.FromJSON(nil, []byte(text), abi.MaxDepth); err == nil {
		return raw
	}
	data, err := yaml.YAMLToJSON([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	return item(t, string(data))
}

// output makes an output with its reference.
func output(t testing.TB, text string) abi.Output {
	t.Helper()
	raw := item(t, text)
	data, err := cbor.ToJSON(nil, raw)
	if err != nil {
		t.Fatal(err)
	}
	var head struct {
		APIVersion, Kind string
		Metadata         struct{ Namespace, Name string }
	}
	if err := json.Unmarshal(data, &head); err != nil {
		t.Fatal(err)
	}
	return abi.Output{
		Ref: abi.Ref{
			APIVersion: head.APIVersion, Kind: head.Kind,
			Namespace: head.Metadata.Namespace, Name: head.Metadata.Name,
		},
		Document: raw,
	}
}

// members returns documents of the names, in namespace media.
func members(t testing.TB, names ...string) []*resource.Document {
	t.Helper()
	var text strings.Builder
	for _, name := range names {
		fmt.Fprintf(&text, "---\n%s", memberYAML(name))
	}
	docs, err := resource.Decode("members.yaml", []byte(text.String()), resource.Options{})
	if err != nil {
		t.Fatal(err)
	}
	return docs
}

func memberYAML(name string) string {
	return `apiVersion: lattice.dev/v1alpha1
kind: LatticeMeshMember
metadata: {name: ` + name + `, namespace: media, labels: {app: ` + name + `}}
spec:
  target: {selector: {app: ` + name + `}}
  ports: [{name: http, port: 8080}]
`
}

// memberPipeline returns a pipeline for LatticeMeshMember; steps are YAML flow mappings.
func memberPipeline(t testing.TB, steps ...string) []*pipeline.Pipeline {
	t.Helper()
	text := "apiVersion: lattice.dev/v1\nkind: Pipeline\nmetadata: {name: members}\nspec:\n" +
		"  for: {group: lattice.dev, kind: LatticeMeshMember}\n  steps:\n"
	for _, s := range steps {
		text += "  - " + s + "\n"
	}
	p, err := pipeline.ParsePipelines("pipeline.yaml", []byte(text))
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func engine(t testing.TB, c pipeline.Config) *pipeline.Engine {
	t.Helper()
	e, err := pipeline.New(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	return e
}

var errBoom = errors.New("boom")
