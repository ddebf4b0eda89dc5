package secretprovider_test

import (
	"strings"
	"testing"

	"sigs.k8s.io/yaml"

	"github.com/latticenet/lattice-host/host/resource"
	secretprovider "github.com/latticenet/lattice-host/plugins/builtin/secret-provider"
	"github.com/latticenet/lattice-host/plugins/sdk/go/plugintest"
)

func derive(t *testing.T, spec string) string {
	t.Helper()
	subject := &plugintest.Subject{
		Plugin: secretprovider.Plugin(), Manifest: "plugin.yaml", YAML: yaml.YAMLToJSON, Documents: resource.Options{}.JSON,
	}
	answer := subject.Derive(t, plugintest.Case{
		Document: "{apiVersion: lattice.dev/v1alpha1, kind: SecretProvider, metadata: {name: store}, spec: " + spec + "}",
	})
	text, err := yaml.JSONToYAML([]byte(answer.Output("ClusterSecretStore", "store")))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// TestRow29_SecretProvider derives one store of the document's name for the namespaces that it
// names, with the block of the provider as it is; the mapping of keys is for those who refer to the
// store.
func TestRow29_SecretProvider(t *testing.T) {
	const vault = `{vault: {server: "https://vault.example.com", path: kv, version: v2}}`
	want := derive(t, "{provider: "+vault+", namespaces: [shop]}")
	for _, line := range []string{"kind: ClusterSecretStore", "  name: store", "lattice.dev/secrets-provider: vault", "server: https://vault.example.com", "version: v2"} {
		if !strings.Contains(want, line) {
			t.Errorf("no %q in\n%s", line, want)
		}
	}
	if strings.Contains(want, "  namespace: ") {
		t.Errorf("a store belongs to the whole cluster:\n%s", want)
	}
	if !strings.Contains(want, "conditions:\n  - namespaces:\n    - shop\n") {
		t.Errorf("the store is not limited to the namespaces of the document:\n%s", want)
	}
	if got := derive(t, "{provider: "+vault+", namespaces: [shop], keyMapping: {a/b: c}}"); got != want {
		t.Errorf("a mapping changes the store:\n%s", got)
	}
	if got := derive(t, "{provider: "+vault+", all: true}"); strings.Contains(got, "conditions") {
		t.Errorf("all: true has a condition:\n%s", got)
	}
	aws := derive(t, "{provider: {aws: {service: SecretsManager, region: eu-central-1}}, namespaces: [shop]}")
	if !strings.Contains(aws, "lattice.dev/secrets-provider: aws") || strings.Contains(aws, "vault") {
		t.Errorf("another provider:\n%s", aws)
	}
}
