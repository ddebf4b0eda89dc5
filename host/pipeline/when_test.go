package pipeline_test

import (
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/latticenet/lattice-host/abi"
	"github.com/latticenet/lattice-host/host/pipeline"
	"github.com/latticenet/lattice-host/host/resource"
	"github.com/latticenet/lattice-host/internal/problem"
)

// TestWhen calls a plugin that names features only for documents that use one of them, and asks it
// about settings that no one wrote no earlier. Steps after it are run all the same.
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
			calls, asked := map[string]int{"some": 0, "other": 0, "every": 0, "last": 0}, map[string]int{"some": 0, "other": 0, "every": 0, "last": 0}
			plugins := fakes{}
			for plugin, derives := range map[string]string{
				"some": "covers: [egress], when: [egress, ingress]", "other": "when: [advertise]", "every": "covers: [mesh]", "last": "covers: [mesh]",
			} {
				plugins[plugin] = &fake{
					manifest: manifest(t, plugin, "derives: [{group: lattice.dev, kind: LatticeMeshMember, "+derives+"}]\nsettingsSchema: {type: object}"),
					validate: func(*abi.ValidateRequest) *abi.ValidateResponse {
						asked[plugin]++
						return &abi.ValidateResponse{}
					},
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
			if _, err := engine.DeriveAll(t.Context(), docs); err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(c.want, asked); diff != "" {
				t.Errorf("questions about settings (-want +got):\n%s", diff)
			}
			for plugin := range calls {
				calls[plugin] /= 2
			}
			if diff := cmp.Diff(c.want, calls); diff != "" {
				t.Errorf("calls (-want +got):\n%s", diff)
			}
		})
	}
}

// TestSettingsAreAskedAboutBeforeTheCall refuses to call a plugin that does without settings which
// it needs.
func TestSettingsAreAskedAboutBeforeTheCall(t *testing.T) {
	t.Parallel()
	plugin := &fake{
		manifest: manifest(t, "needy", "settingsSchema: {type: object}"),
		validate: func(*abi.ValidateRequest) *abi.ValidateResponse {
			return &abi.ValidateResponse{Results: []abi.Result{{Severity: abi.SeverityError, Field: "settings.size", Message: "is missing"}}}
		},
		derive: func(context.Context, *abi.Request) (*abi.Response, []string, error) {
			t.Error("the plugin was called")
			return &abi.Response{}, nil, nil
		},
	}
	e := engine(t, pipeline.Config{Plugins: fakes{"needy": plugin}, Pipelines: memberPipeline(t, "{name: a, plugin: needy}")})
	_, err := e.Derive(t.Context(), members(t, "root")[0])
	if !errors.Is(err, problem.Invalid) || !strings.Contains(err.Error(), "spec.steps.a.settings.size: is missing") {
		t.Errorf("got %v", err)
	}
}

// TestFactsOfThePlatform tells a step the facts that the manifest of its plugin names, and no others.
func TestFactsOfThePlatform(t *testing.T) {
	t.Parallel()
	settings, err := pipeline.DefaultSettings().WithPlatform("platform.yaml", []byte(
		"{apiVersion: lattice.dev/v1, kind: Platform, spec: {clusterName: prod, provider: aws, monitoring: {enabled: true}, queues: [batch]}}"))
	if err != nil {
		t.Fatal(err)
	}
	var told abi.Platform
	plugin := &fake{
		manifest: manifest(t, "curious", "platform: [clusterName, queues]"),
		derive: func(_ context.Context, req *abi.Request) (*abi.Response, []string, error) {
			told = req.Platform
			return &abi.Response{}, nil, nil
		},
	}
	e := engine(t, pipeline.Config{
		Plugins: fakes{"curious": plugin}, Pipelines: memberPipeline(t, "{name: a, plugin: curious}"), Settings: settings,
	})
	if _, err := e.Derive(t.Context(), members(t, "root")[0]); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(abi.Platform{ClusterName: "prod", Queues: []string{"batch"}}, told); diff != "" {
		t.Errorf("-want +got\n%s", diff)
	}
}
