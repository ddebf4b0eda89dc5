package schemas_test

import (
	"errors"
	"math"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/latticenet/lattice-host/wasm-tests/schemas"
	"github.com/latticenet/lattice-host/wasm-tests/schemas/crds"
	"k8s.io/apimachinery/pkg/util/validation/field"
)

func TestKinds(t *testing.T) {
	tests := map[string]struct {
		reason string
		object map[string]any
		want   []string
	}{
		"Empty": {
			object: map[string]any{},
			want:   []string{"apiVersion: Required value", "kind: Required value"},
		},
		"KindOfAnotherType": {
			object: map[string]any{"apiVersion": "v1", "kind": 1},
			want:   []string{"kind: Invalid value: 1: must be a string"},
		},
		"VersionWithTooManyParts": {
			object: map[string]any{"apiVersion": "a/b/c", "kind": "Pod"},
			want:   []string{`apiVersion: Invalid value: "a/b/c": unexpected GroupVersion string: a/b/c`},
		},
		"UnknownGroup": {
			object: map[string]any{"apiVersion": "scheduling.volcano.sh/v1beta1", "kind": "Hyperpod"},
			want:   []string{"no schema for scheduling.volcano.sh/v1beta1 Hyperpod"},
		},
		"UnknownKindOfKnownGroup": {
			object: map[string]any{"apiVersion": "apps/v1", "kind": "Deploiment"},
			want:   []string{"no schema for apps/v1 Deploiment"},
		},
		"UnknownVersionOfKnownKind": {
			object: map[string]any{"apiVersion": "networking.istio.io/v2", "kind": "ServiceEntry"},
			want:   []string{"no schema for networking.istio.io/v2 ServiceEntry (served: v1, v1alpha3, v1beta1)"},
		},
		"ListIsNotAnObject": {
			reason: "The scheme knows lists as well; their fields cannot be owned.",
			object: map[string]any{"apiVersion": "v1", "kind": "PodList"},
			want:   []string{"no schema for v1 PodList"},
		},
		"OptionsAreNotAnObject": {
			object: map[string]any{"apiVersion": "v1", "kind": "DeleteOptions"},
			want:   []string{"no schema for v1 DeleteOptions"},
		},
		"NotJSON": {
			object: map[string]any{"apiVersion": math.NaN()},
			want:   []string{"not JSON: json: unsupported value: NaN"},
		},
		"CoreWithoutMetadata": {
			object: map[string]any{"apiVersion": "v1", "kind": "ConfigMap"},
			want:   []string{"metadata.name: Required value: name or generateName is required"},
		},
		"CustomWithoutMetadata": {
			object: map[string]any{"apiVersion": "security.istio.io/v1", "kind": "AuthorizationPolicy"},
			want:   []string{"metadata: Required value"},
		},
		"MetadataOfAnotherType": {
			object: map[string]any{"apiVersion": "security.istio.io/v1", "kind": "AuthorizationPolicy", "metadata": "x"},
			want:   []string{"metadata: Invalid value: json: cannot unmarshal string into Go value of type v1.ObjectMeta"},
		},
		"NoNamespace": {
			reason: "The client that applies the object chooses the namespace.",
			object: map[string]any{"apiVersion": "v1", "kind": "ConfigMap", "metadata": map[string]any{"name": "a"}},
		},
		"GoIntegers": {
			reason: "Plugins' objects come as JSON, tests write Go literals; both are integers.",
			object: map[string]any{
				"apiVersion": "keda.sh/v1alpha1", "kind": "ScaledObject", "metadata": map[string]any{"name": "a"},
				"spec": map[string]any{
					"scaleTargetRef":  map[string]any{"name": "a"},
					"maxReplicaCount": 5,
					"triggers":        []any{map[string]any{"type": "cpu", "metadata": map[string]string{"value": "80"}}},
				},
			},
		},
		"UnknownKind": {
			object: map[string]any{"apiVersion": "lattice.dev/v1alpha1", "kind": "LatticeThing"},
			want:   []string{"no schema for lattice.dev/v1alpha1 LatticeThing"},
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			if diff := cmp.Diff(test.want, messages(validator(t).Validate(test.object))); diff != "" {
				t.Errorf("%s\n-want +got:\n%s", test.reason, diff)
			}
		})
	}
}

// A message that moves between runs would make a report, and what is derived from it, differ for
// the same input.
func TestSameMessagesEveryTime(t *testing.T) {
	object := documents(t, `
apiVersion: v1
kind: Secret
metadata: {name: a, labels: {"a b": "c", "d e": "f", "g h": "i"}, annotations: {"j k": l, "m n": o}}
stringData: {"1 2": x, "3 4": x, "5 6": x, "7 8": x}
`)[0]
	want := messages(validator(t).Validate(object))
	if len(want) != 9 {
		t.Fatalf("%d messages: %q", len(want), want)
	}
	for range 50 {
		if diff := cmp.Diff(want, messages(validator(t).Validate(object))); diff != "" {
			t.Fatalf("-first +later:\n%s", diff)
		}
	}
}

func TestSecretValuesStayOutOfMessages(t *testing.T) {
	for _, data := range []string{"{key: hunter2!}", "{key: [hunter2]}", "{'a b': hunter2}"} {
		for _, place := range []string{"data", "stringData"} {
			text := "{apiVersion: v1, kind: Secret, metadata: {name: a}, " + place + ": " + data + "}"
			got := messages(validator(t).Validate(documents(t, text)[0]))
			if len(got) == 0 && !(place == "stringData" && strings.Contains(data, "hunter2!")) {
				t.Errorf("%s: no error", text)
			}
			if all := strings.Join(got, "\n"); strings.Contains(all, "hunter2") {
				t.Errorf("%s: %s", text, all)
			}
		}
	}
}

func TestValidateLeavesTheObjectAlone(t *testing.T) {
	for _, file := range []string{"httproute", "scaledobject", "deployment"} {
		text := good(t, file, "metadata:\n  name: m", "unknown: [1]\nmetadata:\n  name: m")
		object, before := documents(t, text)[0], documents(t, text)[0]
		if len(validator(t).Validate(object)) == 0 {
			t.Errorf("%s: no error", file)
		}
		if diff := cmp.Diff(before, object); diff != "" {
			t.Errorf("%s: -before +after:\n%s", file, diff)
		}
	}
}

func TestErrorsCarryTheirField(t *testing.T) {
	object := documents(t, good(t, "scaledobject", "kind: Deployment\n    name: my-api", "kind: Deployment"))[0]
	errs := validator(t).Validate(object)
	var found *field.Error
	if len(errs) != 1 || !errors.As(errs[0], &found) || found.Field != "spec.scaleTargetRef.name" {
		t.Errorf("got %v", errs)
	}
}

func TestConcurrentUse(t *testing.T) {
	dir, err := crds.Dir()
	if err != nil {
		t.Fatal(err)
	}
	validator(t) // has fetched
	fresh, err := schemas.New(dir)
	if err != nil {
		t.Fatal(err)
	}
	object := documents(t, good(t, "httproute", "value: /\n", "value: api\n"))[0]
	want := messages(validator(t).Validate(object))
	var group sync.WaitGroup
	for range 8 {
		group.Go(func() {
			if diff := cmp.Diff(want, messages(fresh.Validate(object))); diff != "" {
				t.Errorf("-want +got:\n%s", diff)
			}
		})
	}
	group.Wait()
}

func TestNewRefuses(t *testing.T) {
	crd := `apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {name: as.example.com}
spec:
  group: example.com
  scope: Namespaced
  names: {kind: A, plural: as}
  versions: [{name: v1, served: true, storage: true, schema: {openAPIV3Schema: {type: object}}}]
`
	tests := map[string]struct {
		reason string
		files  map[string]string
		want   string
	}{
		"NoFile": {
			want: "CRD folder DIR: no *.yaml file; fill it with fetch-crds",
		},
		"NotACRD": {
			files: map[string]string{"a.yaml": "apiVersion: v1\nkind: Pod\n"},
			want:  "DIR/a.yaml: document 1: v1 Pod is not a CRD",
		},
		"CommentsOnly": {
			files: map[string]string{"a.yaml": "# nothing\n"},
			want:  "DIR/a.yaml: no CRD",
		},
		"UnknownFieldInCRD": {
			reason: "A rule that is not understood would silently not apply.",
			files:  map[string]string{"a.yaml": strings.Replace(crd, "scope:", "scop:", 1)},
			want:   `DIR/a.yaml: document 1: error unmarshaling JSON: while decoding JSON: json: unknown field "scop"`,
		},
		"Twice": {
			files: map[string]string{"a.yaml": crd, "b.yaml": crd},
			want:  "CRD as.example.com: example.com/v1, Kind=A is defined twice in the folder",
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			for file, text := range test.files {
				if err := os.WriteFile(filepath.Join(dir, file), []byte(text), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			_, err := schemas.New(dir)
			got := "no error"
			if err != nil {
				got = strings.ReplaceAll(err.Error(), dir, "DIR")
			}
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Errorf("%s\n-want +got:\n%s", test.reason, diff)
			}
		})
	}
}

// A CRD that a server would refuse must not pass for one that allows everything.
func TestUnusableCRD(t *testing.T) {
	tests := map[string]struct {
		schema string
		want   []string
	}{
		"NoSchema": {
			schema: "{}",
			want:   []string{"CRD as.example.com: version v1: no schema"},
		},
		"NotStructural": {
			schema: "{openAPIV3Schema: {type: object, properties: {a: {}}}}",
			want:   []string{"CRD as.example.com: version v1: properties[a].type: Required value: must not be empty for specified object fields"},
		},
		"BrokenRule": {
			schema: `{openAPIV3Schema: {type: object, x-kubernetes-validations: [{rule: "self.b ==", message: m}]}}`,
			want:   []string{"(root): Invalid value: \"object\": rule compile error: compilation failed: ERROR: <input>:1:10: Syntax error: mismatched input '<EOF>' expecting {'[', '{', '(', '.', '-', '!', 'true', 'false', 'null', NUM_FLOAT, NUM_INT, NUM_UINT, STRING, BYTES, IDENTIFIER}\n | self.b ==\n | .........^"},
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			text := `{apiVersion: apiextensions.k8s.io/v1, kind: CustomResourceDefinition, metadata: {name: as.example.com},
spec: {group: example.com, scope: Namespaced, names: {kind: A, plural: as},
versions: [{name: v1, served: true, storage: true, schema: ` + test.schema + `}]}}`
			if err := os.WriteFile(filepath.Join(dir, "a.yaml"), []byte(text), 0o644); err != nil {
				t.Fatal(err)
			}
			v, err := schemas.New(dir)
			if err != nil {
				t.Fatal(err)
			}
			got := messages(v.Validate(map[string]any{"apiVersion": "example.com/v1", "kind": "A", "metadata": map[string]any{"name": "a"}}))
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Errorf("-want +got:\n%s", diff)
			}
		})
	}
}

func TestDocuments(t *testing.T) {
	tests := map[string]struct {
		text string
		want []map[string]any
		err  string
	}{
		"Nothing":      {text: ""},
		"CommentsOnly": {text: "# one\n---\n# two\n"},
		"Several": {
			text: "# the first\n---\na: 1\n--- # the second\n# of two\nb: '1'\n...\n",
			want: []map[string]any{{"a": int64(1)}, {"b": "1"}},
		},
		"JSON": {
			text: `{"a": [true, null, 0.5]}`,
			want: []map[string]any{{"a": []any{true, nil, 0.5}}},
		},
		"SeparatorInText": {
			text: "a: |\n  x\n  ---\n  y\n",
			want: []map[string]any{{"a": "x\n---\ny\n"}},
		},
		"KeyTwice": {
			text: "a: 1\n---\nb: 1\nc: 2\nb: 3\n",
			err:  "document 2: yaml: unmarshal errors:\n  line 3: key \"b\" already set in map",
		},
		"NotAnObject": {
			text: "- a\n",
			err:  "document 1: not an object: json: cannot unmarshal array into Go value of type map[string]interface {}",
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			got, err := schemas.Documents([]byte(test.text))
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Errorf("-want +got:\n%s", diff)
			}
			message := ""
			if err != nil {
				message = err.Error()
			}
			if diff := cmp.Diff(test.err, message); diff != "" {
				t.Errorf("error: -want +got:\n%s", diff)
			}
		})
	}
}
