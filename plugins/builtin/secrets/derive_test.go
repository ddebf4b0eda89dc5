package secrets_test

import (
	"strings"
	"testing"

	"sigs.k8s.io/yaml"

	"github.com/latticenet/lattice-host/abi"
	"github.com/latticenet/lattice-host/host/resource"
	"github.com/latticenet/lattice-host/plugins/builtin/secrets"
	"github.com/latticenet/lattice-host/plugins/sdk/go/plugintest"
)

const (
	container = "image: 'registry.example.com/a@sha256:2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824', " +
		"resources: {requests: {cpu: 1m, memory: 1Mi}, limits: {cpu: 1m, memory: 1Mi}}"
	vault = "{apiVersion: lattice.dev/v1alpha1, kind: SecretProvider, metadata: {name: vault, namespace: lattice-system}, " +
		"spec: {all: true, provider: {vault: {server: 'https://vault'}}}}"
	aws = "{apiVersion: lattice.dev/v1alpha1, kind: SecretProvider, metadata: {name: aws, namespace: lattice-system}, " +
		"spec: {all: true, provider: {aws: {region: eu-central-1}}}}"
	database = "db: {type: secret, id: prod/db, params: {provider: vault, keys: [password, user]}}"
)

// derive derives a service, which pulls its image from a registry where there are some.
func derive(t *testing.T, fields, resources string, registries []abi.ImageProvider) *plugintest.Answer {
	t.Helper()
	subject := &plugintest.Subject{
		Plugin: secrets.Plugin(), Manifest: "plugin.yaml", YAML: yaml.YAMLToJSON, Documents: resource.Options{}.JSON,
	}
	pull := ""
	if registries != nil {
		pull = "imagePullSecrets: [ghcr], "
	}
	return subject.Derive(t, plugintest.Case{
		Document: "{apiVersion: lattice.dev/v1alpha1, kind: LatticeService, metadata: {name: web, namespace: shop}, spec: {" + pull +
			"workload: {containers: {main: {" + container + ", " + fields + "}}, resources: {" + resources + "}}}}",
		Peers: []string{vault, aws}, Platform: &abi.Platform{ClusterName: "test", ImageProviders: registries},
	})
}

// flat is an object, or what the plugin contributes, on one line in the order of its keys.
func flat(t *testing.T, text string) string {
	t.Helper()
	out, err := yaml.YAMLToJSON([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	return string(out)
}

// names lists the objects of an answer.
func names(a *plugintest.Answer) string {
	var out []string
	for _, o := range a.Outputs {
		out = append(out, o.Ref.Name)
	}
	return strings.Join(out, " ")
}

// TestRow06_FiveRoutes derives exactly the objects of each route.
func TestRow06_FiveRoutes(t *testing.T) {
	for _, tc := range []struct {
		name, fields, resources string
		registries              []abi.ImageProvider
		// objects are all that is emitted, object is the one to look at, and want is in it.
		objects, object string
		want            []string
	}{
		{
			name: "one key", fields: "variables: {A: '${secret.db.password}'}", resources: database,
			objects: "web-db", object: "web-db",
			want: []string{`"data":[{"remoteRef":{"key":"prod/db","property":"password"},"secretKey":"password"},{"remoteRef":{"key":"prod/db","property":"user"},"secretKey":"user"}]`},
		},
		{
			name: "text", fields: "variables: {A: 'x:${secret.db.password}'}", resources: database,
			objects: "web-db web-main-env-eso", object: "web-main-env-eso",
			want: []string{`"data":{"A":"x:{{ .db_password }}"}`, `"refreshInterval":"1h"`, `"secretKey":"db_password"`},
		},
		{
			name: "file", fields: "files: {/etc/a/b.conf: {content: 'p=${secret.db.password}'}}", resources: database,
			objects: "web-db web-main-file-etc-a-b-conf", object: "web-main-file-etc-a-b-conf",
			want: []string{`"data":{"etc-a-b.conf":"p={{ .db_password }}"}`},
		},
		{
			name: "pull", registries: []abi.ImageProvider{{Name: "ghcr", Provider: "vault", ID: "registries/ghcr", Key: "config"}},
			objects: "web-ghcr-credentials", object: "web-ghcr-credentials",
			want: []string{`"data":[{"remoteRef":{"key":"registries/ghcr","property":"config"},"secretKey":".dockerconfigjson"}]`, `"type":"kubernetes.io/dockerconfigjson"`},
		},
		{
			name: "bulk", fields: "envFrom: [db]", resources: "db: {type: secret, id: prod/db, params: {provider: vault, refreshInterval: 5m}}",
			objects: "web-db", object: "web-db",
			want: []string{`"dataFrom":[{"extract":{"key":"prod/db"}}]`, `"refreshInterval":"5m"`},
		},
	} {
		t.Run(tc.name, func(t *testing.T) {
			a := derive(t, tc.fields, tc.resources, tc.registries)
			if got := names(a); got != tc.objects {
				t.Errorf("objects %q, want %q", got, tc.objects)
			}
			text := flat(t, a.Output("ExternalSecret", tc.object))
			for _, want := range append(tc.want, `"lattice.dev/service":"web"`, `"secretStoreRef":{"kind":"ClusterSecretStore","name":"vault"}`) {
				if !strings.Contains(text, want) {
					t.Errorf("no %s in %s", want, text)
				}
			}
		})
	}
}

// TestRow07_BothSpellings derives the same from ${secret.a.b} and ${resources.a.b}.
func TestRow07_BothSpellings(t *testing.T) {
	const fields = "variables: {A: '${secret.db.user}', B: 'x${secret.db.password}'}, files: {/a: {content: '${secret.db.password}'}}"
	a, b := derive(t, fields, database, nil), derive(t, strings.ReplaceAll(fields, "${secret.", "${resources."), database, nil)
	if len(a.Outputs) != 3 || string(a.AppendCBOR(nil)) != string(b.AppendCBOR(nil)) {
		t.Errorf("%s and %s differ", names(a), names(b))
	}
}

// TestRow08_Stores takes one object a store for variables, and refuses two stores in one text.
func TestRow08_Stores(t *testing.T) {
	const other = database + ", key: {type: secret, id: key, params: {provider: aws, keys: [k]}}"
	a := derive(t, "variables: {A: 'x${secret.db.user}', B: 'x${secret.key.k}', C: '-${secret.db.user}'}", other, nil)
	if got := names(a); got != "web-db web-key web-main-env-eso-0 web-main-env-eso-1" {
		t.Errorf("objects %q", got)
	}
	if text := flat(t, a.Output("ExternalSecret", "web-main-env-eso-0")); !strings.Contains(text, `"data":{"B":"x{{ .key_k }}"}`) {
		t.Errorf("the first store by name is aws: %s", text)
	}
	for _, fields := range []string{"variables: {A: '${secret.db.user}${secret.key.k}'}", "files: {/a: {content: '${secret.key.k} ${secret.db.user}'}}"} {
		a := derive(t, fields, other, nil)
		if len(a.Outputs) > 0 || len(a.Results) != 1 || !strings.Contains(a.Results[0].Message, "multiple stores") {
			t.Errorf("%s: got %v", fields, a.Results)
		}
	}
}

// TestRow09_Literals keeps braces of the author in texts with secrets: executed, the template has
// them back.
func TestRow09_Literals(t *testing.T) {
	a := derive(t, "variables: {A: '{{ .x }} ${secret.db.user} }}'}", database, nil)
	if text := flat(t, a.Output("ExternalSecret", "web-main-env-eso")); !strings.Contains(text, `{\"{{\"}} .x }} {{ .db_user }} }}"`) {
		t.Errorf("braces of the author are live: %s", text)
	}
	for _, fields := range []string{"variables: {A: '{{ .x }} $${secret.db.user}'}", "files: {/a: {content: '{{ .x }} ${secret.db.user}', noExpand: true}}"} {
		if got := names(derive(t, fields, database, nil)); got != "web-db" {
			t.Errorf("%s: what has no secret is left to the step that has the pods: %s", fields, got)
		}
	}
}
