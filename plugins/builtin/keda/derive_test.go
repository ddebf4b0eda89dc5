package keda

import (
	"regexp"
	"strings"
	"testing"

	"sigs.k8s.io/yaml"

	"github.com/latticenet/lattice-host/abi"
	"github.com/latticenet/lattice-host/abi/cbor"
	"github.com/latticenet/lattice-host/plugins/sdk/go/plugintest"
)

// subject takes documents that a host would refuse, too: a name that is a query must not pass here
// either.
func subject() *plugintest.Subject {
	return &plugintest.Subject{Plugin: Plugin(), Manifest: "plugin.yaml", YAML: yaml.YAMLToJSON}
}

func service(name, spec string) string {
	return "apiVersion: lattice.dev/v1alpha1\nkind: LatticeService\nmetadata: {name: " + name + ", namespace: shop}\nspec:\n" +
		"  workload: {containers: {main: {image: 'registry.example.com/a@sha256:2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824', " +
		"resources: {requests: {cpu: 1m, memory: 1Mi}, limits: {cpu: 1m, memory: 1Mi}}}}}\n" + spec
}

// TestRow12 derives the triggers of KEDA: utilisation, a metric, and what is refused.
func TestRow12(t *testing.T) {
	t.Parallel()
	for reason, c := range map[string]struct {
		name, spec string
		monitored  bool
		// want are parts of the object; wantError is a part of the error.
		want      []string
		wantError string
	}{
		"cpu without a metric": {"a", "  autoscaling: {max: 3}", false, []string{`"type":"cpu"`, `"metricType":"Utilization"`, `"value":"80"`, `"minReplicaCount":1`, `"maxReplicaCount":3`}, ""},
		"memory":               {"a", "  autoscaling: {max: 3, metrics: [{metric: memory, target: 100}]}", false, []string{`"type":"memory"`, `"value":"100"`}, ""},
		"a metric":             {"a", "  autoscaling: {max: 3, metrics: [{metric: depth, target: 0.8}]}", true, []string{`"type":"prometheus"`, `"metricType":"Value"`, `"threshold":"0.8"`, `avg(depth{namespace=\"shop\",pod=~\"a-[`}, ""},
		"monitoring off":       {"a", "  autoscaling: {max: 3, metrics: [{metric: depth, target: 1}]}", false, nil, "needs monitoring"},
		"a query for a name":   {"a", "  autoscaling: {max: 3, metrics: [{metric: 'up) or vector(1', target: 1}]}", true, nil, "is not a Prometheus name"},
		"54 characters":        {strings.Repeat("a", 54), "  autoscaling: {max: 3}", false, []string{`"type":"cpu"`}, ""},
		"55 characters":        {strings.Repeat("a", 55), "  autoscaling: {max: 3}", false, nil, "KEDA scales nothing whose name has more than 54"},
		"a fraction":           {"a", "  autoscaling: {max: 3, metrics: [{metric: cpu, target: 0.5}]}", false, nil, "whole percent"},
		"no pods":              {"a", "  replicas: 0\n  autoscaling: {max: 3}", false, nil, "KEDA refuses to scale from zero"},
	} {
		t.Run(reason, func(t *testing.T) {
			t.Parallel()
			answer := subject().Derive(t, plugintest.Case{Document: service(c.name, c.spec), Platform: &abi.Platform{Monitoring: abi.Monitoring{Enabled: c.monitored}}})
			text := ""
			for _, r := range answer.Results {
				text += r.Message + "\n"
			}
			if len(answer.Outputs) == 0 != (c.wantError != "") || !strings.Contains(text, c.wantError) {
				t.Errorf("got %d outputs and %q, want an error with %q", len(answer.Outputs), text, c.wantError)
			}
			for _, o := range answer.Outputs {
				object, err := cbor.ToJSON(nil, o.Document)
				if err != nil {
					t.Fatal(err)
				}
				for _, part := range c.want {
					if !strings.Contains(string(object), part) {
						t.Errorf("got %s, want %s", object, part)
					}
				}
			}
		})
	}
}

// TestPodPattern compares the pattern with names that Kubernetes generates.
func TestPodPattern(t *testing.T) {
	t.Parallel()
	long, longest := strings.Repeat("a", 46), strings.Repeat("a", 54)
	for _, c := range []struct {
		service, pod string
		want         bool
	}{
		{"orders", "orders-6d4b75cb6d-hw7xb", true},
		{"orders", "orders-d4b75-hw7xb", true},
		{"orders", "orders-worker-6d4b75cb6d-hw7xb", false},
		{"orders", "orders-b-6d4b75cb6d-hw7xb", false},
		{"orders", "orders-worker-0", false},
		{"orders", "my-orders-6d4b75cb6d-hw7xb", false},
		{"orders", "orders-6d4b75cb6dhw7xb", false},
		{long, long + "-6d4b75cb6d-hw7xb", true},
		// The name of the ReplicaSet and a dash are cut to 58 characters.
		{longest, longest + "-6d4hw7xb", true},
		{longest, longest + "-worker", false},
	} {
		pattern := regexp.MustCompile("^(?:" + podPattern(c.service) + ")$")
		if got := pattern.MatchString(c.pod); got != c.want {
			t.Errorf("%s matches %s: %t, want %t", pattern, c.pod, got, c.want)
		}
	}
}
