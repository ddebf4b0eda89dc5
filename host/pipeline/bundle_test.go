package pipeline_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/rogpeppe/go-internal/txtar"

	"github.com/latticenet/lattice-host/abi"
	"github.com/latticenet/lattice-host/abi/bundle"
	"github.com/latticenet/lattice-host/host/pipeline"
)

// archived returns the bundle that an archive of testdata/derive gives.
func archived(t testing.TB, name string) *bundle.Bundle {
	t.Helper()
	archive, err := txtar.ParseFile("testdata/derive/" + name + ".txtar")
	if err != nil {
		t.Fatal(err)
	}
	files := map[string][]byte{}
	for _, f := range archive.Files {
		files[f.Name] = f.Data
	}
	bundles, err := deriveArchive(t, files)
	if err != nil {
		t.Fatal(err)
	}
	return bundles[0]
}

// resealed puts the right digest into changed bytes, as anyone who tampers would.
func resealed(data []byte) []byte {
	digest := regexp.MustCompile(`^\{"digest":"sha256:[0-9a-f]{64}",`)
	sum := sha256.Sum256(digest.ReplaceAll(data, []byte(`{`)))
	return digest.ReplaceAll(data, []byte(`{"digest":"sha256:`+hex.EncodeToString(sum[:])+`",`))
}

func TestParseBundleRefuses(t *testing.T) {
	t.Parallel()
	data := archived(t, "service").JSON()
	if _, err := pipeline.ParseBundle(append(bytes.Clone(data), '\n')); err != nil {
		t.Fatalf("a line break at the end: %v", err)
	}
	swap := func(old, replacement string) func() []byte {
		return func() []byte { return resealed(bytes.Replace(data, []byte(old), []byte(replacement), 1)) }
	}
	cases := map[string]struct {
		reason string
		data   func() []byte
		says   string
	}{
		"Empty":     {"no bytes are not a bundle", func() []byte { return nil }, "ends early"},
		"Null":      {"null is not a bundle", func() []byte { return []byte("null") }, "its form is"},
		"Changed":   {"content that the digest does not cover is found", func() []byte { return bytes.Replace(data, []byte(`"stage":1`), []byte(`"stage":2`), 1) }, "the content has"},
		"NoDigest":  {"a bundle has a digest", func() []byte { return regexp.MustCompile(`"digest":"[^"]*",`).ReplaceAll(data, nil) }, "digest is"},
		"Space":     {"white space is not canonical", func() []byte { return bytes.Replace(data, []byte(`"stage":1`), []byte(`"stage": 1`), 1) }, "canonical form"},
		"Extra":     {"a field that the digest does not cover is an error", func() []byte { return bytes.Replace(data, []byte(`"stage":1`), []byte(`"stage":1,"stagf":1`), 1) }, "canonical form"},
		"Trailing":  {"bytes after the end are an error", func() []byte { return append(bytes.Clone(data), "{}"...) }, "follow the end"},
		"Unknown":   {"a field that the schema lacks is an error", swap(`"stage":1`, `"stage":1,"stagf":1`), "digest is"},
		"Case":      {"fields have one spelling", swap(`"stage":1`, `"Stage":1`), "digest is"},
		"Double":    {"a key is there once", swap(`"stage":1`, `"stage":1,"stage":1`), "duplicate"},
		"Schema":    {"another schema is not read", swap(bundle.Schema, "lattice.bundle.v3"), "its form is"},
		"Reference": {"a reference names its document", swap(`"kind":"ServiceAccount","name":"api","namespace":"media"},"stage"`, `"kind":"ServiceAccount","name":"xyz","namespace":"media"},"stage"`), "another object"},
		"Owner":     {"an owner is a step of the bundle", swap(`"owners":[{"step":"mesh"}]`, `"owners":[{"step":"mesh"},{"fields":{},"step":"stranger"}]`), "no fields"},
		"Stranger":  {"an owner is a step of the bundle", swap(`"owners":[{"step":"mesh"}]`, `"owners":[{"fields":{},"step":"mesh"},{"fields":{},"step":"stranger"}]`), "not a step of the bundle"},
		"First":     {"the first owner emitted the object", swap(`"owners":[{"step":"mesh"}]`, `"owners":[{"step":"egress"}]`), "first owner"},
		"Fields":    {"fields are fieldsV1", swap(`"f:apiVersion":{}`, `"e:apiVersion":{}`), "fieldsV1"},
		"Type":      {"fields have their type", swap(`"stage":1`, `"stage":"1"`), "stage"},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			changed := tc.data()
			if bytes.Equal(changed, data) {
				t.Fatal("the case changes nothing")
			}
			b, err := pipeline.ParseBundle(changed)
			if !errors.Is(err, bundle.ErrBundle) || b != nil || !strings.Contains(err.Error(), tc.says) {
				t.Errorf("%s: got %v, want ErrBundle that says %q", tc.reason, err, tc.says)
			}
		})
	}
}

func TestDigestIsOverTheRest(t *testing.T) {
	t.Parallel()
	b := archived(t, "service")
	if want := resealed(b.JSON()); !bytes.Equal(want, b.JSON()) {
		t.Errorf("got\n%s\nwant\n%s", b.JSON(), want)
	}
	if again := archived(t, "service"); again.Digest() != b.Digest() {
		t.Errorf("the same input gave %s and %s", b.Digest(), again.Digest())
	}
}

func TestOwner(t *testing.T) {
	t.Parallel()
	b := archived(t, "service")
	deployment := abi.Ref{APIVersion: "apps/v1", Kind: "Deployment", Namespace: "media", Name: "api"}
	account := abi.Ref{APIVersion: "v1", Kind: "ServiceAccount", Namespace: "media", Name: "api"}
	policy := abi.Ref{APIVersion: "cilium.io/v2", Kind: "CiliumNetworkPolicy", Namespace: "media", Name: "api"}
	const containers = "spec.template.spec.containers"
	cases := map[string]struct {
		ref  abi.Ref
		path string
		want []string
		err  string
	}{
		"Whole":         {ref: deployment, want: []string{"deployment", "autoscaling"}},
		"Single":        {ref: account, path: "metadata.name", want: []string{"deployment"}},
		"OtherPipeline": {ref: policy, path: "spec", want: []string{"network"}},
		"OneOwner":      {ref: deployment, path: "spec.template.metadata.labels.app", want: []string{"deployment"}},
		"Contributed":   {ref: deployment, path: "metadata.annotations", want: []string{"autoscaling"}},
		"KeyWithDots":   {ref: deployment, path: "metadata.annotations.example.com/scaled", want: []string{"autoscaling"}},
		"Inner":         {ref: deployment, path: containers, want: []string{"deployment", "autoscaling"}},
		"ByName":        {ref: deployment, path: containers + "[name=main]", want: []string{"deployment", "autoscaling"}},
		"ByPlace":       {ref: deployment, path: containers + "[1].image", want: []string{"autoscaling"}},
		"ItemField":     {ref: deployment, path: containers + "[name=main].image", want: []string{"deployment"}},
		"Shared":        {ref: deployment, path: containers + "[name=main].name", want: []string{"deployment", "autoscaling"}},
		"AtomicItem":    {ref: deployment, path: containers + "[name=main].env[name=B].value", want: []string{"autoscaling"}},
		"DefaultKey":    {ref: deployment, path: containers + "[name=main].ports[containerPort=8080,protocol=TCP]", want: []string{"deployment"}},
		"LacksKey":      {ref: deployment, path: containers + "[name=main].ports[0].containerPort", want: []string{"deployment"}},
		"Toleration":    {ref: deployment, path: "spec.template.spec.tolerations[key=spot]", want: []string{"autoscaling"}},
		"SharedItem":    {ref: deployment, path: "spec.template.spec.tolerations[key=gpu].key", want: []string{"deployment", "autoscaling"}},
		"NoObject": {
			ref: abi.Ref{APIVersion: "apps/v1", Kind: "Deployment", Namespace: "media", Name: "web"},
			err: "the bundle has no Deployment.apps media/web; it has Deployment.apps media/api, ServiceAccount media/api, CiliumNetworkPolicy.cilium.io media/api, LatticeMeshMember.lattice.dev media/api, ScaledObject.keda.sh media/api",
		},
		"NoField": {ref: deployment, path: "spec.template.specs", err: `Deployment.apps media/api: spec.template: has no field "specs"; it has metadata, spec`},
		"NoRoot":  {ref: deployment, path: "data", err: `Deployment.apps media/api: has no field "data"; it has apiVersion, kind, metadata, spec`},
		"NoItem":  {ref: deployment, path: containers + "[name=x].image", err: "Deployment.apps media/api: " + containers + ": has no item [name=x]; it has [name=main], [name=agent]"},
		"NoPlace": {ref: deployment, path: containers + "[2]", err: "Deployment.apps media/api: " + containers + ": has no item [2]; it has [name=main], [name=agent]"},
		"NotList": {ref: deployment, path: "spec[0]", err: "Deployment.apps media/api: spec: is an object, not a list"},
		"NotMap":  {ref: deployment, path: "kind.x", err: `Deployment.apps media/api: kind: is the value "Deployment", it has no field "x"`},
		"Open":    {ref: deployment, path: containers + "[name=main", err: "Deployment.apps media/api: " + containers + `: a closing ] is missing in "[name=main"`},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			owners, err := pipeline.Owners(b, tc.ref, tc.path)
			if tc.err != "" {
				if !errors.Is(err, pipeline.ErrNotFound) || err.Error() != tc.err {
					t.Errorf("got %v, want %s", err, tc.err)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			var got []string
			for _, o := range owners {
				got = append(got, o.Name)
				if !strings.HasPrefix(o.Digest, "sha256:") || o.Version != "1.0.0" {
					t.Errorf("the record is incomplete: %+v", o)
				}
			}
			if diff := cmp.Diff(tc.want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func FuzzParseBundle(f *testing.F) {
	data := archived(f, "service").JSON()
	f.Add(data)
	f.Add(archived(f, "one-step").JSON())
	f.Add([]byte(`{"outputs":[]}`))
	f.Add(bytes.Replace(data, []byte("k:"), []byte("k:["), 1))
	f.Fuzz(func(t *testing.T, data []byte) {
		for _, text := range [][]byte{data, resealed(data)} {
			b, err := pipeline.ParseBundle(text)
			if err != nil {
				if !errors.Is(err, bundle.ErrBundle) {
					t.Fatalf("got %v, want ErrBundle", err)
				}
				continue
			}
			if !bytes.Equal(b.JSON(), bytes.TrimSuffix(text, []byte("\n"))) {
				t.Fatal("the bundle is written differently")
			}
			for i := range b.Outputs {
				for _, path := range []string{"", "spec", "metadata.name", "spec[0]"} {
					if _, err := pipeline.Owners(b, b.Outputs[i].Ref, path); err != nil && !errors.Is(err, pipeline.ErrNotFound) {
						t.Fatalf("owner of %s: %v", path, err)
					}
				}
			}
		}
	})
}
