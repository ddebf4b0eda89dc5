package layout_test

import (
	"encoding/json"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"go.yaml.in/yaml/v3"
	oldyaml "sigs.k8s.io/yaml"

	"github.com/latticenet/lattice-host/abi"
	"github.com/latticenet/lattice-host/abi/bundle"
	"github.com/latticenet/lattice-host/runtime/layout"
)

// FuzzYAML checks that the YAML of an object means the same as its JSON.
func FuzzYAML(f *testing.F) {
	for _, seed := range []string{
		`{"a":{"b":[1,-2,1.5,1e30,true,false,"x"]},"":""}`,
		`{"yes":"no","on":"off","null":"~","1":"1e3","0o7":"0x1f","<<":"<<","=":"=","2020-01-01":"12:30:45"}`,
		`{"a":"line\nbreak\r\ttab","b":"\u0000\u001b\u007f\u0085\u00a0\u2028\u2029\ufeff\ufffe\uffff😀","c":" # no comment","d":"---\n"}`,
		`{"a":9223372036854775807,"b":-9223372036854775808,"c":18446744073709551615,"d":"@sha256:0123"}`,
		`{"` + strings.Repeat("k", 2000) + `":"` + strings.Repeat("long text ", 300) + `"}`,
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		document, err := bundle.Canonical(text)
		if err != nil || document[0] != '{' {
			return
		}
		written, err := layout.YAML(&bundle.Output{Document: document})
		if err != nil {
			t.Fatal(err)
		}
		var want, oldReader, newReader any
		if err := json.Unmarshal(document, &want); err != nil {
			t.Fatal(err)
		}
		// This one reads YAML 1.1, as kubectl does.
		if err := oldyaml.Unmarshal(written, &oldReader); err != nil {
			t.Fatalf("%v in\n%s", err, written)
		}
		if d := cmp.Diff(want, oldReader); d != "" {
			t.Errorf("%s\n%s", written, d)
		}
		if err := yaml.Unmarshal(written, &newReader); err != nil {
			t.Fatalf("%v in\n%s", err, written)
		}
		again, err := json.Marshal(newReader)
		if err != nil {
			t.Fatal(err)
		}
		var got any
		if err := json.Unmarshal(again, &got); err != nil {
			t.Fatal(err)
		}
		if d := cmp.Diff(want, got); d != "" {
			t.Errorf("%s\n%s", written, d)
		}
	})
}

func TestFromJSON(t *testing.T) {
	t.Parallel()
	got, err := layout.FromJSON([]byte(`{"b":[{"x":1.0,"y":1}],"a":{"on":"yes","n":"012","e":{},"l":[]},"t":"two\nlines\n"}`))
	if err != nil {
		t.Fatal(err)
	}
	want := `a:
  e: {}
  l: []
  "n": "012"
  "on": "yes"
b:
- x: 1.0
  "y": 1
t: |
  two
  lines
`
	if d := cmp.Diff(want, string(got)); d != "" {
		t.Error(d)
	}
}

func TestFiles(t *testing.T) {
	t.Parallel()
	ref := func(apiVersion, kind, namespace, name string) abi.Ref {
		return abi.Ref{APIVersion: apiVersion, Kind: kind, Namespace: namespace, Name: name}
	}
	tests := map[string]struct {
		reason string
		refs   []abi.Ref
		want   []string
	}{
		"Plain": {
			"An empty namespace or group is left out.",
			[]abi.Ref{ref("apps/v1", "Deployment", "shop", "orders"), ref("v1", "Namespace", "", "shop")},
			[]string{"4-deployment.apps-shop-orders.yaml", "4-namespace-shop.yaml"},
		},
		"Ambiguous": {
			"Hyphens in names must not make one file of two objects.",
			[]abi.Ref{ref("v1", "Secret", "a-b", "c"), ref("v1", "Secret", "a", "b-c")},
			[]string{"4-secret-a-b-c-e49c62d876f1.yaml", "4-secret-a-b-c-9d0eb45a25aa.yaml"},
		},
		"Versions": {
			"Neither must two versions of one kind.",
			[]abi.Ref{ref("a/v1", "K", "", "x"), ref("a/v2", "K", "", "x")},
			nil,
		},
		"Hostile": {
			"A name leads nowhere else.",
			[]abi.Ref{ref("v1", "Secret", "..", "../../etc/passwd\n\x00")},
			[]string{"4-secret-..-.._.._etc_passwd__.yaml"},
		},
		"Long": {
			"A name fits a file system.",
			[]abi.Ref{ref("v1", "Secret", "ns", strings.Repeat("n", 253))},
			nil,
		},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := new(bundle.Bundle)
			for _, r := range tc.refs {
				b.Outputs = append(b.Outputs, bundle.Output{Ref: r, Stage: 4})
			}
			got := layout.Files(b)
			if d := cmp.Diff(tc.want, got); tc.want != nil && d != "" {
				t.Errorf("%s\n%s", tc.reason, d)
			}
			seen := map[string]bool{}
			for _, file := range got {
				if seen[file] || len(file) > 255 || filepath.Base(file) != file {
					t.Errorf("%s\n%q is not a name of its own", tc.reason, file)
				}
				seen[file] = true
			}
		})
	}
}
