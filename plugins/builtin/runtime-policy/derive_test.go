package runtimepolicy_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"sigs.k8s.io/yaml"

	"github.com/latticenet/lattice-host/host/gate"
	"github.com/latticenet/lattice-host/host/gate/facts"
	"github.com/latticenet/lattice-host/host/resource"
	runtimepolicy "github.com/latticenet/lattice-host/plugins/builtin/runtime-policy"
	"github.com/latticenet/lattice-host/plugins/sdk/go/plugintest"
)

// TestRow15 limits the programs of a service, and asks the gate where that is not possible.
func TestRow15(t *testing.T) {
	t.Parallel()
	s := &plugintest.Subject{
		Plugin: runtimepolicy.Plugin(), Manifest: "plugin.yaml", YAML: yaml.YAMLToJSON, Documents: resource.Options{}.JSON,
	}
	for name, c := range map[string]struct {
		// main and other are what the containers say beyond their image.
		main, other string
		// values are the programs that may start; asked are the programs that the gate asks about.
		values, asked string
	}{
		"sorted, each once": {main: "command: [/app/b], security: {allowedBinaries: [/app/c, /app/a, /app/b]}", other: "command: [/app/b]",
			values: `["/app/a","/app/b","/app/c"]`, asked: "allowedBinary:/app/a allowedBinary:/app/b allowedBinary:/app/c"},
		"every program":       {main: "security: {allowedBinaries: ['*']}", other: "command: [/app/b]", asked: "allowedBinary:*"},
		"unknown entry point": {main: "security: {allowedBinaries: [/app/a]}", other: "workingDir: /", asked: "allowedBinary:*"},
		"nothing is said":     {main: "command: [/app/a]", other: "command: [/app/b]"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			document := "apiVersion: lattice.dev/v1alpha1\nkind: LatticeService\nmetadata: {name: orders, namespace: shop}\nspec:\n  workload:\n    containers:\n"
			for container, more := range map[string]string{"main": c.main, "other": c.other} {
				document += "      " + container + ": {image: 'registry.example.com/a@sha256:2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824', " +
					"resources: {requests: {cpu: 1m, memory: 1Mi}, limits: {cpu: 1m, memory: 1Mi}}, " + more + "}\n"
			}
			answer := s.Derive(t, plugintest.Case{Document: document})
			values := ""
			if len(answer.Outputs) > 0 {
				_, after, _ := strings.Cut(answer.Spec("TracingPolicyNamespaced", "allow-binaries-orders"), `"values":`)
				values, _, _ = strings.Cut(strings.Join(strings.Fields(after), ""), "}")
			}
			if diff := cmp.Diff(c.values, values); diff != "" {
				t.Errorf("programs (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff(c.asked, asked(t, document, answer)); diff != "" {
				t.Errorf("questions (-want +got):\n%s", diff)
			}
		})
	}
}

// asked returns the programs that the gate asks about.
func asked(t *testing.T, document string, answer *plugintest.Answer) string {
	t.Helper()
	docs, err := resource.Decode("service.yaml", []byte(document), resource.Options{})
	if err != nil {
		t.Fatal(err)
	}
	in := facts.Input{Resource: facts.Object{Ref: docs[0].Ref, Document: docs[0].JSON()}}
	for _, o := range answer.Outputs {
		in.Outputs = append(in.Outputs, facts.Object{Ref: o.Ref, Document: []byte(plugintest.Text(t, o.Document))})
	}
	var programs []string
	for _, r := range facts.Read(in).Requests() {
		if r.Action == gate.ActionOverrideSecurity {
			programs = append(programs, r.Resource.ID)
		}
	}
	return strings.Join(programs, " ")
}
