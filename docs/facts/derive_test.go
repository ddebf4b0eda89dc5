package facts_test

import (
	"testing"

	"sigs.k8s.io/yaml"

	"github.com/latticenet/lattice-host/docs/facts"
	"github.com/latticenet/lattice-host/host/resource"
	"github.com/latticenet/lattice-host/plugins/sdk/go/plugintest"
)

const document = `
apiVersion: lattice.dev/v1alpha1
kind: LatticeService
metadata: {name: orders, namespace: shop}
spec:
  workload:
    containers:
      main:
        image: registry.example.com/orders@sha256:2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824
        resources: {requests: {cpu: 50m, memory: 32Mi}, limits: {cpu: 50m, memory: 32Mi}}
`

func TestDerive(t *testing.T) {
	subject := &plugintest.Subject{
		Plugin: facts.Plugin(), Manifest: "plugin.yaml", YAML: yaml.YAMLToJSON, Documents: resource.Options{}.JSON,
	}
	answer := subject.Derive(t, plugintest.Case{Document: document})
	want := subject.Canonical(t, `
apiVersion: v1
kind: ConfigMap
metadata: {name: orders-facts, namespace: shop}
data: {cluster: test}
`)
	if got := answer.Output("ConfigMap", "orders-facts"); got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}
