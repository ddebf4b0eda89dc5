package facts_test

import (
	"testing"

	"github.com/latticenet/lattice-host/docs/facts"
	"github.com/latticenet/lattice-host/wasm-tests/plugintest"
)

const document = `
apiVersion: lattice.dev/v1alpha1
kind: LatticeService
metadata: {name: orders, namespace: shop}
spec: {workload: {containers: {}}}
`

func TestDerive(t *testing.T) {
	answer := plugintest.Derive(t, facts.Plugin(), plugintest.Case{Document: document})
	want := plugintest.Canonical(t, `
apiVersion: v1
kind: ConfigMap
metadata: {name: orders-facts, namespace: shop}
data: {cluster: test}
`)
	if got := answer.Output("ConfigMap", "orders-facts"); got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}
