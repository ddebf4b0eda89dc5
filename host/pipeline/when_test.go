package pipeline_test

import (
	"context"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/latticenet/lattice-host/abi"
	"github.com/latticenet/lattice-host/host/pipeline"
	"github.com/latticenet/lattice-host/host/resource"
)

// TestWhen calls a plugin that names features only for documents that use one of them. Steps after
// it are run all the same.
func TestWhen(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		spec string
		want map[string]int
	}{
		"used":     {"egress: [{target: {fqdn: a.example.com}, ports: [443]}]", map[string]int{"some": 1, "other": 0, "every": 1, "last": 1}},
		"not used": {"", map[string]int{"some": 0, "other": 0, "every": 1, "last": 1}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			calls := map[string]int{"some": 0, "other": 0, "every": 0, "last": 0}
			plugins := fakes{}
			for plugin, derives := range map[string]string{
				"some": "covers: [egress], when: [egress, ingress]", "other": "when: [advertise]", "every": "covers: [mesh]", "last": "covers: [mesh]",
			} {
				plugins[plugin] = &fake{
					manifest: manifest(t, plugin, "derives: [{group: lattice.dev, kind: LatticeMeshMember, "+derives+"}]"),
					derive: func(context.Context, *abi.Request) (*abi.Response, []string, error) {
						calls[plugin]++
						return &abi.Response{}, nil, nil
					},
				}
			}
			pipelines, err := pipeline.ParsePipelines("pipeline.yaml", []byte(`
apiVersion: lattice.dev/v1
kind: Pipeline
metadata: {name: members}
spec:
  for: {group: lattice.dev, kind: LatticeMeshMember}
  steps:
  - {name: a, plugin: some}
  - {name: b, plugin: other, after: [a]}
  - {name: c, plugin: every, after: [b]}
  - {name: d, plugin: last, after: [c]}
`))
			if err != nil {
				t.Fatal(err)
			}
			engine, err := pipeline.New(t.Context(), pipeline.Config{Plugins: plugins, Pipelines: pipelines})
			if err != nil {
				t.Fatal(err)
			}
			docs, err := resource.Decode("member.yaml", []byte("apiVersion: lattice.dev/v1alpha1\nkind: LatticeMeshMember\n"+
				"metadata: {name: a, namespace: shop}\nspec:\n  target: {namespace: shop}\n  "+c.spec+"\n"), resource.Options{})
			if err != nil {
				t.Fatal(err)
			}
			if _, err := engine.DeriveAll(t.Context(), docs); err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(c.want, calls); diff != "" {
				t.Errorf("calls (-want +got):\n%s", diff)
			}
		})
	}
}
