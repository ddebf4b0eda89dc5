package observability_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"sigs.k8s.io/yaml"

	"github.com/latticenet/lattice-host/abi"
	"github.com/latticenet/lattice-host/plugins/builtin/observability"
	"github.com/latticenet/lattice-host/plugins/sdk/go/plugintest"
)

// TestRow13 chooses the port whose metrics are read, in the four ways that there are.
func TestRow13(t *testing.T) {
	t.Parallel()
	// Without Documents: a host refuses a port that does not exist before the plugin does.
	s := &plugintest.Subject{Plugin: observability.Plugin(), Manifest: "plugin.yaml", YAML: yaml.YAMLToJSON}
	const withMappings = "  observability: {metrics: {mappings: {a: b}}}\n"
	for name, c := range map[string]struct {
		ports, spec string
		off         bool
		// want is the scrape's spec, messages what the plugin says.
		want     string
		messages []string
	}{
		"the port that is named": {ports: "{metrics: {port: 1}, admin: {port: 9000}}", spec: "  observability: {metrics: {port: admin}}\n",
			want:     `{"endpoints":[{"interval":"30s","path":"/metrics","port":"admin"}],"selector":{"matchLabels":{"app.kubernetes.io/name":"orders"}}}`,
			messages: []string{`warning spec.observability.metrics.port: the mesh lets monitoring call ports named metrics only; name the port "admin" so, or let monitoring/vmagent call the service`}},
		"a port that does not exist": {ports: "{http: {port: 1}}", spec: "  observability: {metrics: {port: admin}}\n",
			messages: []string{`error spec.observability.metrics.port: the service has no TCP port "admin"; name one of spec.workload.service.ports`}},
		"a port called metrics": {ports: "{metrics: {port: 1}}", spec: withMappings,
			want: `{"endpoints":[{"interval":"30s","path":"/metrics","port":"metrics"}],"selector":{"matchLabels":{"app.kubernetes.io/name":"orders"}}}`},
		"mappings without a port": {ports: "{http: {port: 1}}", spec: withMappings,
			messages: []string{"error spec.observability.metrics.mappings: nothing serves the metrics that are mapped; write their port under spec.observability.metrics.port, or call a port of the service metrics"}},
		"nothing":        {ports: "{http: {port: 1}}"},
		"monitoring off": {ports: "{metrics: {port: 1}}", off: true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			answer := s.Derive(t, plugintest.Case{
				Platform: &abi.Platform{Monitoring: abi.Monitoring{Enabled: !c.off}},
				Document: "apiVersion: lattice.dev/v1alpha1\nkind: LatticeService\nmetadata: {name: orders, namespace: shop}\nspec:\n" +
					"  workload:\n    containers: {main: {image: 'registry.example.com/a@sha256:2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824', " +
					"resources: {requests: {cpu: 1m, memory: 1Mi}, limits: {cpu: 1m, memory: 1Mi}}}}\n    service: {ports: " + c.ports + "}\n" + c.spec,
			})
			got := ""
			if len(answer.Outputs) > 0 {
				got = strings.Join(strings.Fields(answer.Spec("VMServiceScrape", "orders-scrape")), "")
			}
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Errorf("scrape (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff(c.messages, answer.Messages()); diff != "" {
				t.Errorf("messages (-want +got):\n%s", diff)
			}
		})
	}
}
