package schemas

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"testing"

	"k8s.io/apiextensions-apiserver/pkg/apis/apiextensions"
	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	crdvalidation "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/validation"
	"k8s.io/apimachinery/pkg/runtime"
	utilruntime "k8s.io/apimachinery/pkg/util/runtime"
	"sigs.k8s.io/yaml"

	"github.com/latticenet/lattice-host/abi"
	"github.com/latticenet/lattice-host/abi/cbor"
	"github.com/latticenet/lattice-host/host/resource"
	"github.com/latticenet/lattice-host/internal/kind"
	"github.com/latticenet/lattice-host/wasm-tests/schemas/internal/yamlstream"
)

// definition returns the CRD of a kind as an API server has it after a create request.
func definition(t *testing.T, k *kind.Kind) *apiextensionsv1.CustomResourceDefinition {
	t.Helper()
	text, err := k.CRD()
	if err != nil {
		t.Fatal(err)
	}
	crd := &apiextensionsv1.CustomResourceDefinition{}
	if err := yaml.UnmarshalStrict(text, crd); err != nil {
		t.Fatalf("%s: %v", k.Kind, err)
	}
	scheme := runtime.NewScheme()
	utilruntime.Must(apiextensionsv1.AddToScheme(scheme))
	scheme.Default(crd)
	return crd
}

// database is a kind as a plugin brings it, with every feature that a definition has.
func database(t *testing.T) *kind.Kind {
	t.Helper()
	raw := func(text string) cbor.Raw {
		value, err := cbor.FromJSON(nil, []byte(text), abi.MaxDepth)
		if err != nil {
			t.Fatal(err)
		}
		return value
	}
	k, err := kind.Parse(&abi.KindDefinition{
		Group: "data.acme.example", Version: "v1beta1", Kind: "Database", Plural: "databases", Scope: kind.ScopeCluster, Description: "A database.",
		Schema: raw(`{"type": "object", "required": ["engine"], "properties": {
			"engine": {"type": "string", "enum": ["postgres", "mariadb"]},
			"replicas": {"type": "integer", "minimum": 1, "maximum": 9, "default": 1},
			"size": {"type": "string", "pattern": "^[0-9]+Gi$", "default": "10Gi"},
			"port": {"x-kubernetes-int-or-string": true},
			"ratio": {"type": "number", "default": 0.5},
			"public": {"type": "boolean", "default": false},
			"users": {"type": "object", "additionalProperties": {"$ref": "#/$defs/User"}},
			"extra": {"type": "object", "x-kubernetes-preserve-unknown-fields": true}
		}, "$defs": {"User": {"type": "object", "properties": {"grants": {"type": "array", "items": {"type": "string"}}}}}}`),
		Rules: []abi.KindRule{{Field: "spec.replicas", Message: "mariadb runs once", Condition: raw(
			`{"anyOf": [{"not": {"properties": {"engine": {"const": "mariadb"}}}}, {"properties": {"replicas": {"maximum": 1}}, "allOf": [{"properties": {"public": {"const": false}}}]}]}`)}},
		Columns: []abi.KindColumn{{Name: "Engine", Path: "spec.engine"}, {Name: "Port", Path: "spec.port"}, {Name: "Replicas", Path: "spec.replicas"}},
	})
	if err != nil {
		t.Fatal(err)
	}
	return k
}

// TestKindsAreAccepted gives every definition to the validation that an API server runs on a create
// request.
func TestKindsAreAccepted(t *testing.T) {
	t.Parallel()
	for _, k := range append(resource.Builtin().Kinds(), database(t)) {
		internal := &apiextensions.CustomResourceDefinition{}
		if err := apiextensionsv1.Convert_v1_CustomResourceDefinition_To_apiextensions_CustomResourceDefinition(definition(t, k), internal, nil); err != nil {
			t.Fatal(err)
		}
		for _, err := range crdvalidation.ValidateCustomResourceDefinition(t.Context(), internal) {
			t.Errorf("%s: %v", k.Kind, err)
		}
	}
}

func validatorOf(t *testing.T, kinds ...*kind.Kind) *Validator {
	t.Helper()
	dir := t.TempDir()
	for _, k := range kinds {
		text, err := json.Marshal(definition(t, k))
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, k.Plural+".yaml"), text, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	v, err := New(dir)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

// TestUsersDocumentsAreAccepted gives every document that the host takes, in the form that its user
// wrote, to the definition of its kind: an API server must neither refuse nor prune any of it.
func TestUsersDocumentsAreAccepted(t *testing.T) {
	t.Parallel()
	v := validatorOf(t, resource.Builtin().Kinds()...)
	root := filepath.Join("..", "..")
	archives, err := filepath.Glob(filepath.Join(root, "host", "resource", "testdata", "*-good.txtar"))
	if err != nil || len(archives) < 10 {
		t.Fatalf("%d archives: %v", len(archives), err)
	}
	inputs := map[string][]byte{}
	for _, file := range archives {
		data, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		_, input, _ := bytes.Cut(data, []byte("\n-- input."))
		_, input, _ = bytes.Cut(input, []byte("\n"))
		input, _, _ = bytes.Cut(input, []byte("\n-- "))
		inputs[file] = input
	}
	for _, pattern := range []string{filepath.Join(root, "examples", "*.yaml"), filepath.Join("testdata", "documents", "*.yaml")} {
		files, err := filepath.Glob(pattern)
		if err != nil || len(files) == 0 {
			t.Fatalf("%s: %v", pattern, err)
		}
		for _, file := range files {
			if inputs[file], err = os.ReadFile(file); err != nil {
				t.Fatal(err)
			}
		}
	}
	checked := 0
	for file, input := range inputs {
		docs, err := resource.Decode(file, input, resource.Options{AllowTags: true, WaiveCPULimit: true})
		if err != nil {
			t.Errorf("%s: the host refuses it: %v", file, err)
			continue
		}
		checked += len(docs)
		read := yaml.Unmarshal
		texts := yamlstream.Split(input)
		if json.Valid(input) {
			// JSON has escapes that YAML has not.
			read, texts = unmarshalJSON, [][]byte{input}
		}
		for _, text := range texts {
			var document any
			if err := read(text, &document); err != nil {
				t.Fatalf("%s: %v", file, err)
			}
			for _, instance := range each(document) {
				for _, err := range v.Validate(instance) {
					t.Errorf("%s: %v", file, err)
				}
			}
		}
	}
	if checked < 30 {
		t.Errorf("%d documents only", checked)
	}
}

func unmarshalJSON(text []byte, into any, _ ...yaml.JSONOpt) error { return json.Unmarshal(text, into) }

// each returns the documents of a list.
func each(document any) []map[string]any {
	switch d := document.(type) {
	case map[string]any:
		if items, ok := d["items"].([]any); ok {
			return each(items)
		}
		return []map[string]any{d}
	case []any:
		var all []map[string]any
		for _, item := range d {
			all = append(all, each(item)...)
		}
		return all
	}
	return nil
}

// TestRulesHold checks that a server refuses what the host refuses by a rule of a plugin's kind.
func TestRulesHold(t *testing.T) {
	t.Parallel()
	k := database(t)
	v := validatorOf(t, k)
	for spec, valid := range map[string]bool{
		`{"engine": "postgres", "replicas": 3, "port": 80, "users": {"a": {"grants": ["x"]}}, "extra": {"a": [1]}}`: true,
		`{"engine": "mariadb", "port": "sql"}`:       true,
		`{"engine": "mariadb", "replicas": 2}`:       false,
		`{"engine": "mariadb", "public": true}`:      false,
		`{"engine": "postgres", "public": true}`:     true,
		`{"engine": "oracle"}`:                       false,
		`{"engine": "postgres", "engin": "x"}`:       false,
		`{"engine": "postgres", "users": {"a": []}}`: false,
	} {
		value, err := cbor.FromJSON(nil, []byte(spec), abi.MaxDepth)
		if err != nil {
			t.Fatal(err)
		}
		if got := len(k.CheckSpec(value)) == 0; got != valid {
			t.Errorf("%s: the host says %t", spec, got)
		}
		var instance map[string]any
		if err := yaml.Unmarshal([]byte(`{"apiVersion": "data.acme.example/v1beta1", "kind": "Database", "metadata": {"name": "a"}, "spec": `+spec+`}`), &instance); err != nil {
			t.Fatal(err)
		}
		if errs := v.Validate(instance); (len(errs) == 0) != valid {
			t.Errorf("%s: the server says %v", spec, errs)
		}
	}
}
