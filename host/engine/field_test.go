package engine

import (
	"encoding/json"
	"errors"
	"testing"

	"github.com/latticenet/lattice-host/abi"
	"github.com/latticenet/lattice-host/abi/bundle"
	"github.com/latticenet/lattice-host/abi/cbor"
	"github.com/latticenet/lattice-host/host/pipeline"
)

// canonical returns canonical JSON, as a bundle holds its documents, or nothing for what is not
// JSON.
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
	return bundle.New(bundle.Content{
		Steps:   []bundle.Step{{Pipeline: "p", Name: "s"}},
		Outputs: []bundle.Output{{Ref: ref, Document: text, Pipeline: "p", Step: "s", Owners: []bundle.Owner{{Step: "s"}}}},
	})
}

const fieldDocument = `{"apiVersion":"v1","kind":"Pod","metadata":{"name":"x","annotations":{"a.b/c":"dots","a":"short"}},
"spec":{"n":12345678901234567890,"ports":[{"containerPort":80,"protocol":"UDP"},{"containerPort":80}],
"containers":[{"name":"main","image":"i"},{"name":"two"}],"list":[["x"],"y"],"empty":{}}}`

// FuzzFieldValue checks that every field which pipeline.Owners finds has a value, and no other has
// one.
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
