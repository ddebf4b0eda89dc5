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

// TestFilesOfPrograms refuses programs that are looked for by PATH, and warns of those whose path
// is a link on most systems: the kernel names files.
func TestFilesOfPrograms(t *testing.T) {
	t.Parallel()
	s := &plugintest.Subject{
		Plugin: runtimepolicy.Plugin(), Manifest: "plugin.yaml", YAML: yaml.YAMLToJSON, Documents: resource.Options{}.JSON,
	}
	const main = "spec.workload.containers.main."
	for name, c := range map[string]struct{ more, want string }{
		"files":                 {"command: [/app/a], security: {allowedBinaries: [/usr/bin/tar]}", ""},
		"a probe by PATH":       {"command: [/app/a], security: {allowedBinaries: [/b]}, readinessProbe: {exec: {command: [pg_isready]}}", "error " + main + `readinessProbe.exec.command.0: "pg_isready" is looked for by PATH`},
		"a hook by PATH":        {"command: [/app/a], security: {allowedBinaries: [/b]}, lifecycle: {preStop: {exec: {command: [end]}}}", "error " + main + `lifecycle.preStop.exec.command.0: "end" is looked for by PATH`},
		"by PATH, not limited":  {"command: [/app/a], readinessProbe: {exec: {command: [pg_isready]}}", ""},
		"a link":                {"command: [/bin/foo], security: {allowedBinaries: [/b]}", "warning " + main + "command.0: /bin/foo is a link on most systems, but the policy knows programs by the path of their file and would end it there; add that path to allowedBinaries: /usr/bin/foo"},
		"a link, said once":     {"command: [/bin/foo], security: {allowedBinaries: [/bin/foo]}", "warning " + main + "security.allowedBinaries.0: /bin/foo is a link"},
		"a link and its file":   {"command: [/bin/foo], security: {allowedBinaries: [/usr/bin/foo]}", ""},
		"a shell":               {"command: [/bin/sh], security: {allowedBinaries: [/b]}", "warning " + main + "command.0: /bin/sh is a link on most systems, but the policy knows programs by the path of their file and would end it there; add that path to allowedBinaries: /usr/bin/dash or /usr/bin/bash or /bin/busybox or /usr/bin/busybox"},
		"a shell and its files": {"command: [/bin/sh], security: {allowedBinaries: [/bin/busybox, /usr/bin/busybox]}", ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			answer := s.Derive(t, plugintest.Case{Document: "{apiVersion: lattice.dev/v1alpha1, kind: LatticeService, metadata: {name: orders, namespace: shop}, spec: {workload: {containers: {main: " +
				"{image: 'registry.example.com/a@sha256:2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824', resources: {requests: {cpu: 1m, memory: 1Mi}, limits: {cpu: 1m, memory: 1Mi}}, " + c.more + "}}}}}"})
			got := strings.Join(answer.Messages(), "\n")
			if c.want == "" && got != "" || !strings.HasPrefix(got, c.want) || strings.Count(got, "\n") > 0 {
				t.Errorf("got %q, want %q", got, c.want)
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
