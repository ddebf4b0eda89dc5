package deployment_test

import (
	"encoding/json"
	"testing"

	"sigs.k8s.io/yaml"

	"github.com/latticenet/lattice-host/abi"
	"github.com/latticenet/lattice-host/host/resource"
	"github.com/latticenet/lattice-host/plugins/builtin/deployment"
	"github.com/latticenet/lattice-host/plugins/sdk/go/plugintest"
)

// subject is the plugin under test, which gets what a host gives it.
func subject() *plugintest.Subject {
	return &plugintest.Subject{
		Plugin: deployment.Plugin(), Manifest: "plugin.yaml", YAML: yaml.YAMLToJSON, Documents: resource.Options{}.JSON,
	}
}

const (
	image     = "registry.example.com/a@sha256:2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824"
	resources = "resources: {requests: {cpu: 1m, memory: 1Mi}, limits: {cpu: 1m, memory: 1Mi}}"
)

// container is a container with further fields.
func container(more string) string {
	return "{image: '" + image + "', " + resources + ", " + more + "}"
}

// service is a document with further fields of its workload and its spec, in flow style.
func service(containers, workload, spec string) string {
	return "{apiVersion: lattice.dev/v1alpha1, kind: LatticeService, metadata: {name: web, namespace: shop}, " +
		"spec: {workload: {containers: {" + containers + "}, " + workload + "}, " + spec + "}}"
}

// simple is a service of one container.
func simple(workload, spec string) string { return service("main: "+container(""), workload, spec) }

func derive(t *testing.T, document string) *plugintest.Answer {
	t.Helper()
	return subject().Derive(t, plugintest.Case{Document: document})
}

func deriveOn(t *testing.T, provider, document string) *plugintest.Answer {
	t.Helper()
	return subject().Derive(t, plugintest.Case{
		Document: document, Platform: &abi.Platform{ClusterName: "c", Provider: provider, TrustDomain: plugintest.TrustDomain},
	})
}

// object is a JSON object.
type object = map[string]any

// decoded returns an output as JSON.
func decoded(t *testing.T, a *plugintest.Answer, kind, name string) object {
	t.Helper()
	text, err := yaml.YAMLToJSON([]byte(a.Output(kind, name)))
	if err != nil {
		t.Fatal(err)
	}
	var v object
	if err := json.Unmarshal(text, &v); err != nil {
		t.Fatal(err)
	}
	return v
}

// at returns what a path of keys leads to, or nil.
func at(v any, keys ...any) any {
	for _, key := range keys {
		switch k := key.(type) {
		case string:
			m, _ := v.(object)
			v = m[k]
		case int:
			l, _ := v.([]any)
			if k >= len(l) {
				return nil
			}
			v = l[k]
		}
	}
	return v
}

// pod returns the pod template of the Deployment.
func pod(t *testing.T, a *plugintest.Answer) any {
	t.Helper()
	return at(decoded(t, a, "Deployment", "web"), "spec", "template")
}
