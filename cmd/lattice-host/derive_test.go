package main

import (
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"go.yaml.in/yaml/v3"
	oldyaml "sigs.k8s.io/yaml"

	"github.com/latticenet/lattice-host/abi"
	"github.com/latticenet/lattice-host/abi/bundle"
	"github.com/latticenet/lattice-host/abi/cbor"
	"github.com/latticenet/lattice-host/host/pipeline"
)

// canonical returns canonical JSON, as a bundle holds its documents, or nothing for what is not JSON.
func canonical(text []byte) []byte {
	raw, err := cbor.FromJSON(nil, text, abi.MaxDepth)
	if err != nil {
		return nil
	}
	out, err := cbor.ToJSON(nil, raw)
	if err != nil {
		return nil
	}
	return out
}

// FuzzObjectYAML checks that the YAML of an object means the same as its JSON.
func FuzzObjectYAML(f *testing.F) {
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
		document := canonical(text)
		if document == nil || document[0] != '{' {
			return
		}
		written, err := objectYAML(&bundle.Output{Document: document})
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

func TestJSONToYAML(t *testing.T) {
	t.Parallel()
	got, err := jsonToYAML([]byte(`{"b":[{"x":1.0,"y":1}],"a":{"on":"yes","n":"012","e":{},"l":[]},"t":"two\nlines\n"}`))
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

func TestFileNames(t *testing.T) {
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
			"The namespace and group are left out where there is none.",
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
				b.Outputs = append(b.Outputs, bundle.Output{Ref: r, Stage: pipeline.StageWorkload})
			}
			got := objectFiles(b)
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

// fieldBundle returns a bundle with one object.
func fieldBundle(t testing.TB, document string) *bundle.Bundle {
	t.Helper()
	text := canonical([]byte(document))
	var o struct {
		APIVersion, Kind string
		Metadata         struct{ Name string }
	}
	if err := json.Unmarshal(text, &o); err != nil {
		t.Fatal(err)
	}
	ref := abi.Ref{APIVersion: o.APIVersion, Kind: o.Kind, Name: o.Metadata.Name}
	return &bundle.Bundle{
		Steps:   []bundle.Step{{Pipeline: "p", Name: "s"}},
		Outputs: []bundle.Output{{Ref: ref, Document: text, Pipeline: "p", Step: "s", Owners: []bundle.Owner{{Step: "s"}}}},
	}
}

const fieldDocument = `{"apiVersion":"v1","kind":"Pod","metadata":{"name":"x","annotations":{"a.b/c":"dots","a":"short"}},
"spec":{"n":12345678901234567890,"ports":[{"containerPort":80,"protocol":"UDP"},{"containerPort":80}],
"containers":[{"name":"main","image":"i"},{"name":"two"}],"list":[["x"],"y"],"empty":{}}}`

// FuzzFieldValue checks that every field which pipeline.Owners finds has a value, and no other has one.
func FuzzFieldValue(f *testing.F) {
	tests := map[string]string{
		"metadata.annotations.a.b/c": `"dots"`,
		"metadata.annotations.a":     `"short"`,
		"spec.n":                     `12345678901234567890`,
		"spec.ports[containerPort=80,protocol=TCP].protocol": ``,
		"spec.ports[containerPort=80,protocol=TCP]":          `{"containerPort":80}`,
		"spec.ports[0].protocol":                             `"UDP"`,
		"spec.containers[name=main].image":                   `"i"`,
		"spec.containers[name=none]":                         ``,
		"spec.list[0][0]":                                    `"x"`,
		"spec.empty":                                         `{}`,
		"spec..n":                                            ``,
		"spec[":                                              ``,
		"spec.containers[9]":                                 ``,
		"spec.n.x":                                           ``,
	}
	b := fieldBundle(f, fieldDocument)
	for path, want := range tests {
		f.Add(path)
		got, err := fieldValue(b.Outputs[0].Document, path)
		if string(got) != want || (err != nil) != (want == "") {
			f.Errorf("%s: got %s and %v, want %s", path, got, err, want)
		}
	}
	f.Fuzz(func(t *testing.T, path string) {
		_, ownerErr := pipeline.Owners(b, b.Outputs[0].Ref, path)
		value, err := fieldValue(b.Outputs[0].Document, path)
		if ownerErr == nil && err != nil {
			t.Errorf("%q has an owner and no value: %v", path, err)
		}
		if err != nil && !errors.Is(err, pipeline.ErrNotFound) {
			t.Errorf("%q: %v", path, err)
		}
		if err == nil && !json.Valid(value) {
			t.Errorf("%q: %s", path, value)
		}
	})
}

// TestWriteFile checks that a failed write leaves nothing behind.
func TestWriteFile(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	path := filepath.Join(dir, "folder")
	if err := os.Mkdir(path, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := writeFile(path, []byte("x"), 0o644); err == nil {
		t.Error("a folder was replaced by a file")
	}
	// A link, so that a mistake here does not cost the machine its device.
	device := filepath.Join(dir, "device")
	if err := os.Symlink(os.DevNull, device); err != nil {
		t.Fatal(err)
	}
	if err := writeFile(device, []byte("x"), 0o644); !errors.As(err, new(*inputError)) {
		t.Errorf("writing to a device: %v", err)
	}
	if info, err := os.Lstat(device); err != nil || info.Mode().IsRegular() {
		t.Errorf("the device is now %v, %v", info, err)
	}
	entries, err := os.ReadDir(dir)
	if err != nil || len(entries) != 2 {
		t.Errorf("left %v, %v", entries, err)
	}
}
