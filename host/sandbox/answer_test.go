package sandbox

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/latticenet/lattice-host/abi"
)

func TestCheckResponse(t *testing.T) {
	t.Parallel()
	manifest := jsonManifest()
	manifest.Contributes = []abi.GroupKind{{Group: "apps", Kind: "Deployment"}}
	manifest.Requires = []abi.GroupKind{{Group: "lattice.dev", Kind: "LatticeService"}}
	manifest.ContextProduced = []string{"mesh"}
	const (
		ref    = `{"apiVersion":"v1","kind":"ConfigMap","namespace":"media","name":"web"}`
		object = `{"apiVersion":"v1","kind":"ConfigMap","metadata":{"namespace":"media","name":"web"}}`
	)
	output := func(ref, document string) string {
		return fmt.Sprintf(`{"outputs":[{"ref":%s,"document":%s}]}`, ref, document)
	}
	repeat := func(field, item string, n int) string {
		return `{"` + field + `":[` + strings.TrimSuffix(strings.Repeat(item+",", n), ",") + `]}`
	}
	for _, c := range []struct {
		reason, answer string
		want           []string
	}{
		{"nothing", `{}`, nil},
		{"all that is allowed", `{
			"outputs":[{"ref":` + ref + `,"document":` + object + `}],
			"contributions":[{"ref":{"apiVersion":"apps/v1","kind":"Deployment","name":"web"},"fields":{"spec":{}}}],
			"results":[{"severity":"warning","field":"spec.a","message":"beware: ünïcode is fine"}],
			"context":[{"key":"mesh","value":[1]}],
			"requirements":[{"name":"peers","apiVersion":"lattice.dev/v1alpha1","kind":"LatticeService"}]}`, nil},
		{"an undeclared kind", output(`{"apiVersion":"rbac.authorization.k8s.io/v1","kind":"ClusterRole","name":"root"}`,
			`{"apiVersion":"rbac.authorization.k8s.io/v1","kind":"ClusterRole","metadata":{"name":"root"}}`), []string{
			"outputs.0: rbac.authorization.k8s.io/v1 ClusterRole.rbac.authorization.k8s.io root: the kind is none of the outputs in the manifest",
		}},
		{"a kind of the same name in another group", output(`{"apiVersion":"evil/v1","kind":"ConfigMap","name":"web"}`,
			`{"apiVersion":"evil/v1","kind":"ConfigMap","metadata":{"name":"web"}}`), []string{
			"outputs.0: evil/v1 ConfigMap.evil web: the kind is none of the outputs in the manifest",
		}},
		{"a document under a false name", output(ref, `{"apiVersion":"v1","kind":"Secret","metadata":{"namespace":"media","name":"web"}}`), []string{
			"outputs.0: v1 ConfigMap media/web: document: is v1 Secret media/web by its own account, ref must say the same",
		}},
		{"a document in another namespace", output(ref, `{"apiVersion":"v1","kind":"ConfigMap","metadata":{"namespace":"kube-system","name":"web"}}`), []string{
			"outputs.0: v1 ConfigMap media/web: document: is v1 ConfigMap kube-system/web by its own account, ref must say the same",
		}},
		{"a document that is no object", output(ref, `7`), []string{
			"outputs.0: v1 ConfigMap media/web: document: must be an object with apiVersion, kind and metadata.name",
		}},
		{"a document without a name", output(ref, `{"apiVersion":"v1","kind":"ConfigMap","metadata":{"namespace":"media"}}`), []string{
			"outputs.0: v1 ConfigMap media/web: document: must be an object with apiVersion, kind and metadata.name",
		}},
		{"a document whose name is a number", output(ref, `{"apiVersion":"v1","kind":"ConfigMap","metadata":{"namespace":"media","name":7}}`), []string{
			"outputs.0: v1 ConfigMap media/web: document: must be an object with apiVersion, kind and metadata.name",
		}},
		{"an incomplete reference", output(`{"apiVersion":"","kind":"","name":""}`, object), []string{
			"outputs.0.ref.apiVersion: is missing", "outputs.0.ref.kind: is missing", "outputs.0.ref.name: is missing",
		}},
		{"a version without its group", output(`{"apiVersion":"/v1","kind":"ConfigMap","name":"web"}`, object), []string{
			`outputs.0.ref.apiVersion: is "/v1", must be version or group/version`,
		}},
		{"a name that moves the cursor", output(`{"apiVersion":"v1","kind":"ConfigMap","name":"web\u001b[2J"}`, object), []string{
			`outputs.0.ref.name: has a control character at byte 3: web\x1b[2J`,
		}},
		{"the same output twice", `{"outputs":[{"ref":` + ref + `,"document":` + object + `},{"ref":` + ref + `,"document":` + object + `}]}`, []string{
			"outputs.1: v1 ConfigMap media/web: is there twice",
		}},
		{"an undeclared contribution", `{"contributions":[{"ref":` + ref + `,"fields":{}}]}`, []string{
			"contributions.0: v1 ConfigMap media/web: the kind is none of the contributes in the manifest",
		}},
		{"a contribution that is no object", `{"contributions":[{"ref":{"apiVersion":"apps/v1","kind":"Deployment","name":"web"},"fields":[]}]}`, []string{
			"contributions.0: apps/v1 Deployment.apps web: fields: must be an object",
		}},
		{"undeclared and double context", `{"context":[{"key":"mesh","value":1},{"key":"mesh","value":2},{"key":"other","value":3}]}`, []string{
			`context.1: key "mesh" is there twice`, `context.2: key "other" is none of contextProduced in the manifest`,
		}},
		{"requirements", `{"requirements":[
			{"name":"a","apiVersion":"v1","kind":"Secret"},
			{"name":"a","apiVersion":"lattice.dev/v1alpha1","kind":"LatticeService"},
			{"name":"","apiVersion":"lattice.dev/v1alpha1","kind":"LatticeService"},
			{"name":"b","apiVersion":"","kind":"LatticeService"}]}`, []string{
			`requirements.0: "a": the kind Secret is none of the requires in the manifest`,
			`requirements.1.name: "a" is empty or there twice`,
			`requirements.2.name: "" is empty or there twice`,
			`requirements.3: "b": apiVersion must be version or group/version and kind must not be empty`,
		}},
		{"results", `{"results":[
			{"severity":"fatal","message":"x"},
			{"severity":"error","message":" "},
			{"severity":"error","message":"one\nweb.yaml:1:1: a forged line"},
			{"severity":"error","message":"a\u202eb"},
			{"severity":"error","field":"a\u0000","message":"x"}]}`, []string{
			`results.0.severity: is "fatal", must be error, warning or info`,
			`results.1.message: is empty`,
			`results.2.message: has a control character at byte 3: one\nweb.yaml:1:1: a forged line`,
			`results.3.message: has a control character at byte 1: a\u202eb`,
			`results.4.field: has a control character at byte 1: a\x00`,
		}},
		{"too many outputs", repeat("outputs", `{"ref":`+ref+`,"document":`+object+`}`, 257), []string{"outputs: has 257 entries, the limit is 256"}},
		{"too many requirements", repeat("requirements", `{"name":"a","apiVersion":"v1","kind":"Secret"}`, 1025), []string{"requirements: has 1025 entries, the limit is 1024"}},
		{"too many results", repeat("results", `{"severity":"info","message":"x"}`, 1025), []string{"results: has 1025 entries, the limit is 1024"}},
	} {
		t.Run(c.reason, func(t *testing.T) {
			t.Parallel()
			var r abi.Response
			if _, err := abi.Decode([]byte(c.answer), abi.EncodingJSON, abi.MaxResponseBytes, &r); err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(c.want, checkResponse(&r, manifest).found); diff != "" {
				t.Errorf("violations (-want +got):\n%s", diff)
			}
		})
	}
}

// FuzzCheckResponse looks for answers that make the host panic, or whose faults do not show as single lines.
func FuzzCheckResponse(f *testing.F) {
	f.Add([]byte(`{"outputs":[{"ref":{"apiVersion":"v1","kind":"ConfigMap","name":"a"},"document":{"metadata":{}}}]}`))
	f.Add([]byte(`{"results":[{"severity":"error","message":"a\nb"}],"context":[{"key":"\u001b","value":null}]}`))
	f.Add([]byte(`{"requirements":[{"name":"","apiVersion":"/","kind":"K"}],"contributions":[{"ref":{"apiVersion":"v1","kind":"K","name":"n"},"fields":1}]}`))
	manifest := jsonManifest()
	f.Fuzz(func(t *testing.T, data []byte) {
		for _, encoding := range []abi.Encoding{abi.EncodingCBOR, abi.EncodingJSON} {
			var r abi.Response
			unknown, err := abi.Decode(data, encoding, abi.MaxResponseBytes, &r)
			if err != nil {
				continue
			}
			for _, line := range append(checkResponse(&r, manifest).found, shownKeys(unknown)...) {
				if strings.ContainsAny(line, "\n\r\x1b\x00") {
					t.Errorf("%q is not a plain line", line)
				}
			}
		}
	})
}
