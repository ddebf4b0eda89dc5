package bundle_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/latticenet/lattice-host/abi"
	"github.com/latticenet/lattice-host/abi/bundle"
)

const exampleDocument = `{"apiVersion":"lattice.dev/v1alpha1","kind":"LatticeService","metadata":{"name":"api","namespace":"media"},"spec":{}}`

// example returns a bundle that has every field.
func example() *bundle.Bundle {
	config := abi.Ref{APIVersion: "v1", Kind: "ConfigMap", Namespace: "media", Name: "api"}
	member := abi.Ref{APIVersion: "lattice.dev/v1alpha1", Kind: "LatticeMeshMember", Namespace: "media", Name: "api"}
	return bundle.New(bundle.Content{
		Resource: abi.Ref{APIVersion: "lattice.dev/v1alpha1", Kind: "LatticeService", Namespace: "media", Name: "api"},
		Document: json.RawMessage(exampleDocument),
		Outputs: []bundle.Output{
			{
				Ref: config, Document: json.RawMessage(`{"apiVersion":"v1","data":{"<&>":"é\n"},"kind":"ConfigMap","metadata":{"name":"api","namespace":"media"}}`),
				Stage: 1, Pipeline: "service", Step: "a",
				Owners: []bundle.Owner{{Step: "a", Fields: json.RawMessage(`{"f:apiVersion":{}}`)}, {Step: "b", Fields: json.RawMessage(`{"f:data":{}}`)}},
			},
			{
				Ref: member, Document: json.RawMessage(`{"apiVersion":"lattice.dev/v1alpha1","kind":"LatticeMeshMember","metadata":{"name":"api","namespace":"media"},"spec":{"n":1.0}}`),
				Stage: 2, Pipeline: "service", Step: "b", From: &config, Derived: true, Owners: []bundle.Owner{{Step: "b"}},
			},
		},
		Steps: []bundle.Step{
			{Pipeline: "service", Name: "a", Plugin: "core/a", Version: "1.0.0", Digest: "sha256:a", Settings: "sha256:s"},
			{Pipeline: "service", Name: "b", Plugin: "core/b", Version: "1.0.0", Digest: "sha256:b"},
		},
		HostCalls: []bundle.HostCall{
			{Pipeline: "service", Step: "a", Resource: config, Op: "http.get", Target: "https://example.com/", Request: "sha256:r", Answer: "sha256:a"},
		},
		Results: []bundle.Result{{Pipeline: "service", Step: "a", Resource: member, Severity: abi.SeverityWarning, Field: "spec", Message: "\"quoted\"\u2028"}},
		Platform: abi.Platform{
			AppArmor: "RuntimeDefault", Queues: []string{"batch", "default"},
			ImageProviders: []abi.ImageProvider{{Name: "ghcr", Provider: "vault", ID: "registries/ghcr", Key: "config", RefreshInterval: "1h"}},
			ClusterName:    "c", Provider: "aws", TrustDomain: "t", Monitoring: abi.Monitoring{Enabled: true, HighlyAvailable: true},
		},
		SettingsDigest: bundle.Digest([]byte("settings")),
	})
}

func TestRoundTrip(t *testing.T) {
	t.Parallel()
	want := example()
	data := want.JSON()
	if canonical, err := bundle.Canonical(data); err != nil || !bytes.Equal(canonical, data) {
		t.Errorf("the bytes are not canonical: %v\n%s\n%s", err, data, canonical)
	}
	got, err := bundle.Parse(append(bytes.Clone(data), '\n'))
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want.Content, got.Content); diff != "" {
		t.Error(diff)
	}
	if o := got.Output(want.Outputs[1].Ref); o == nil || o.Step != "b" || got.Output(abi.Ref{}) != nil {
		t.Errorf("got %+v", o)
	}
	if s := got.Step("service", "b"); s == nil || s.Plugin != "core/b" || got.Step("service", "c") != nil {
		t.Errorf("got %+v", s)
	}
}

func TestGolden(t *testing.T) {
	t.Parallel()
	const file = "testdata/example.json"
	got := append(example().JSON(), '\n')
	if os.Getenv("LATTICE_UPDATE") != "" {
		if err := os.WriteFile(file, got, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), string(got)); diff != "" {
		t.Errorf("-want +got (LATTICE_UPDATE=1 rewrites it)\n%s", diff)
	}
}

// resealed puts the right digest into changed bytes, as anyone who tampers would.
func resealed(data []byte) []byte {
	digest := regexp.MustCompile(`"digest":"sha256:[0-9a-f]{64}","`)
	bare := digest.ReplaceAll(data, []byte(`"`))
	return digest.ReplaceAll(data, []byte(`"digest":"`+bundle.Digest(bare)+`","`))
}

func TestParseRefuses(t *testing.T) {
	t.Parallel()
	data := example().JSON()
	swap := func(old, replacement string) []byte {
		return resealed(bytes.Replace(data, []byte(old), []byte(replacement), 1))
	}
	cases := map[string]struct {
		data []byte
		says string
	}{
		"Empty":     {nil, "the bundle cannot be read: byte 0: the message ends early"},
		"Large":     {make([]byte, bundle.MaxBytes+1), "the bundle cannot be read: it has 67108865 bytes, the limit is 67108864"},
		"Digest":    {bytes.Replace(data, []byte(`"stage":1`), []byte(`"stage":2`), 1), "the content has"},
		"OneByte":   {bytes.Replace(data, []byte(`é`), []byte(`è`), 1), "the content has"},
		"Order":     {swap(`"name":"api","namespace":"media"},"stage"`, `"namespace":"media","name":"api"},"stage"`), "digest is"},
		"Unknown":   {swap(`"stage":1`, `"stage":1,"stagf":1`), "digest is"},
		"Type":      {swap(`"stage":1`, `"stage":"1"`), "stage"},
		"Schema":    {swap(bundle.Schema, "lattice.bundle.v1"), `its form is "lattice.bundle.v1", this program reads lattice.bundle.v2; derive and apply the document again`},
		"NoSchema":  {[]byte(`{}`), `its form is ""`},
		"Reference": {swap(`"kind":"ConfigMap","name":"api","namespace":"media"},"stage"`, `"kind":"ConfigMap","name":"apj","namespace":"media"},"stage"`), `"ConfigMap media/apj": the document is another object`},
		"First":     {swap(`"owners":[{"step":"b"}]`, `"owners":[{"step":"a"}]`), `"LatticeMeshMember.lattice.dev media/api": the first owner is not the step that emitted the object`},
		"Stranger":  {swap(`"fields":{"f:data":{}},"step":"b"`, `"fields":{"f:data":{}},"step":"c"`), `"ConfigMap media/api": its owner is not a step of the bundle: "service/c"`},
		"NoFields":  {swap(`{"fields":{"f:data":{}},"step":"b"}`, `{"step":"b"}`), `one of several owners has no fields: "b"`},
		"BadFields": {swap(`{"f:data":{}}`, `null`), `the fields of an owner are not fieldsV1: "b"`},
		"HostCall":  {swap(`"request":"sha256:r"`, `"pipeline":"x","request":"sha256:r"`), "duplicate"},
		"Document":  {swap(`"name":"api","namespace":"media"},"spec":{}`, `"name":"apj","namespace":"media"},"spec":{}`), "the document is not that of the resource"},
		"Null":      {swap(exampleDocument, `null`), "the document is not that of the resource"},
		"Absent":    {swap(`"document":`+exampleDocument+",", ""), "the document of the resource"},
		"NoCaller":  {swap(`"op":"http.get","pipeline":"service"`, `"op":"http.get","pipeline":"other"`), `a host call is of no step of the bundle: "other/a"`},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if bytes.Equal(tc.data, data) {
				t.Fatal("the case changes nothing")
			}
			b, err := bundle.Parse(tc.data)
			if !errors.Is(err, bundle.ErrBundle) || b != nil || !strings.Contains(err.Error(), tc.says) {
				t.Errorf("got %v, want ErrBundle that says %q", err, tc.says)
			}
		})
	}
}

// TestLaw01_DigestNamesBytesThatNeverChange changes all that can be reached of a bundle.
func TestLaw01_DigestNamesBytesThatNeverChange(t *testing.T) {
	t.Parallel()
	b := example()
	data, digest := bytes.Clone(b.JSON()), b.Digest()
	bare := bytes.Replace(data, []byte(`"digest":"`+digest+`",`), nil, 1)
	if want := bundle.Digest(bare); digest != want {
		t.Errorf("the digest is %s, that of everything else is %s", digest, want)
	}
	outputs := b.Outputs
	b.Outputs, b.Results, b.Steps, b.SettingsDigest, b.Document = outputs[:1], nil, nil, "", nil
	b.Outputs[0].Stage = 7
	b.Outputs[0].Document = json.RawMessage(`{}`)
	if !bytes.Equal(b.JSON(), data) || b.Digest() != digest {
		t.Error("the bytes or the digest changed")
	}
	parsed, err := bundle.Parse(data)
	if err != nil || parsed.Digest() != digest || len(parsed.Outputs) != 2 {
		t.Errorf("got %v, %v", parsed, err)
	}
}

// TestContentIsNotShared builds two bundles from the same content.
func TestContentIsNotShared(t *testing.T) {
	t.Parallel()
	content := example().Content
	one, two := bundle.New(content), bundle.New(content)
	one.Outputs[0].Stage = 7
	if content.Outputs[0].Stage == 7 || two.Outputs[0].Stage == 7 || one.Digest() != two.Digest() {
		t.Error("what is done to one bundle shows in another")
	}
}

func FuzzParse(f *testing.F) {
	data := example().JSON()
	f.Add(data)
	f.Add([]byte(`{"outputs":[]}`))
	f.Add(bytes.Replace(data, []byte(`"stage":1`), []byte(`"stage":2`), 1))
	f.Fuzz(func(t *testing.T, data []byte) {
		for _, text := range [][]byte{data, resealed(data)} {
			b, err := bundle.Parse(text)
			if err != nil {
				if !errors.Is(err, bundle.ErrBundle) {
					t.Fatalf("got %v, want ErrBundle", err)
				}
				continue
			}
			if !bytes.Equal(b.JSON(), bytes.TrimSuffix(text, []byte("\n"))) {
				t.Fatal("the bundle is written differently")
			}
		}
	})
}
