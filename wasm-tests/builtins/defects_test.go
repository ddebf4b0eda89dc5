package builtins

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/latticenet/lattice-host/abi/bundle"
	"github.com/latticenet/lattice-host/host/pipeline"
	"github.com/latticenet/lattice-host/host/resource"
)

// What other platforms with these kinds get wrong; wasm-tests/acceptance has the list.

// deriveTexts derives documents as [application] does, natively and with images by tag.
func deriveTexts(t *testing.T, texts ...string) ([]*bundle.Bundle, error) {
	t.Helper()
	root, err := Root()
	if err != nil {
		t.Fatal(err)
	}
	plugins, err := NewNative(root)
	if err != nil {
		t.Fatal(err)
	}
	docs, err := resource.Decode("documents.yaml", []byte(strings.Join(texts, "\n---\n")), resource.Options{AllowTags: true})
	if err != nil {
		return nil, err
	}
	engine, err := pipeline.New(t.Context(), pipeline.Config{Plugins: plugins})
	if err != nil {
		t.Fatal(err)
	}
	return engine.DeriveAll(t.Context(), docs)
}

// checkTexts derives documents and compares fields of the outputs, as the lines of an application
// do.
func checkTexts(t *testing.T, fields []string, texts ...string) {
	t.Helper()
	bundles, err := deriveTexts(t, texts...)
	if err != nil {
		t.Fatal(err)
	}
	for _, field := range fields {
		checkField(t, bundles, field)
	}
}

// refuseTexts derives documents, of which one must be refused with a message.
func refuseTexts(t *testing.T, message string, texts ...string) {
	t.Helper()
	if _, err := deriveTexts(t, texts...); err == nil || !strings.Contains(err.Error(), message) {
		t.Errorf("got %v, want %s", err, message)
	}
}

// TestDefect18a_BracesWithoutSecrets keeps braces in texts that no template engine reads.
func TestDefect18a_BracesWithoutSecrets(t *testing.T) {
	t.Parallel()
	checkTexts(t, []string{
		`ConfigMap/web-main-files data.etc-a = "{{ .Values.x }} and }} {{"`,
		`ConfigMap/web-main-env data.A = "{{ x }}"`,
	}, limited("web", `files: {/etc/a: {content: "{{ .Values.x }} and }} {{"}}, variables: {A: "{{ x }}"}`, ""))
}

// TestDefect18b_UnknownVolume refuses a mount of a volume that no resource describes.
func TestDefect18b_UnknownVolume(t *testing.T) {
	t.Parallel()
	const where = "spec.workload.containers.main.volumes./x.source: "
	refuseTexts(t, where, limited("web", `volumes: {/x: {source: "${resources.nowhere}"}}`, ""))
	refuseTexts(t, where, limited("web", `volumes: {/x: {source: "${resources.gpu}"}}`, "gpu: {type: gpu, params: {count: 1}}"))
}

// TestDefect18c_EnvFromTwice refuses to read one Secret twice into the environment.
func TestDefect18c_EnvFromTwice(t *testing.T) {
	t.Parallel()
	refuseTexts(t, "spec.workload.containers.main.envFrom.1: ", limited("web", "envFrom: [db, db]", "db: {type: existing-secret}"))
	checkTexts(t, []string{
		`Deployment/web spec.template.spec.containers.0.envFrom = [{"secretRef": {"name": "db"}}]`,
	}, limited("web", "envFrom: [db]", "db: {type: existing-secret}"))
}

// TestDefect18d_PullPolicy finds the tag after the last slash: what follows a colon before it is a
// port.
func TestDefect18d_PullPolicy(t *testing.T) {
	t.Parallel()
	digest := "@sha256:" + strings.Repeat("0", 64)
	for image, want := range map[string]string{
		"reg:5000/app": "Always", "reg:5000/app:latest": "Always", "reg:5000/app:v1": "IfNotPresent", "reg/app": "Always", "reg/app:v1": "IfNotPresent",
		"reg:5000/app" + digest: "IfNotPresent", "reg:5000/app:latest" + digest: "IfNotPresent", "app": "Always", "app:latest": "Always",
	} {
		text := strings.ReplaceAll(limited("web", "", ""), `"registry.example.com/a@sha256:2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824"`, `"`+image+`"`)
		checkTexts(t, []string{
			`Deployment/web spec.template.spec.containers.0.image = "` + image + `"`,
			`Deployment/web spec.template.spec.containers.0.imagePullPolicy = "` + want + `"`,
		}, text)
	}
}

// TestDefect18f_SidecarVariables renders the variables of every container.
func TestDefect18f_SidecarVariables(t *testing.T) {
	t.Parallel()
	const rest = `image: "registry.example.com/a@sha256:2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824",
		resources: {requests: {cpu: 1m, memory: 1Mi}, limits: {cpu: 1m, memory: 1Mi}}, variables: {NAME: "${metadata.name} at $${cluster}"}`
	checkTexts(t, []string{
		`ConfigMap/web-main-env data.NAME = "web at ${cluster}"`,
		`ConfigMap/web-log-env data.NAME = "web at ${cluster}"`,
		`ConfigMap/web-setup-env data.NAME = "web at ${cluster}"`,
		`Deployment/web spec.template.spec.initContainers.0.envFrom = [{"configMapRef": {"name": "web-setup-env"}}]`,
		`Deployment/web spec.template.spec.containers.1.envFrom = [{"configMapRef": {"name": "web-log-env"}}]`,
	}, `{apiVersion: lattice.dev/v1alpha1, kind: LatticeService, metadata: {name: web, namespace: shop}, spec: {
		workload: {containers: {main: {`+rest+`}}}, sidecars: {log: {`+rest+`}, setup: {init: true, command: [/setup], `+rest+`}}}}`)
}

// training is a job with a coordinator that is not the first of its tasks by name, and with
// defaults.
const training = `{apiVersion: lattice.dev/v1alpha1, kind: LatticeJob, metadata: {name: llm, namespace: ml}, spec: {queue: q, minAvailable: 3,
	training: {coordinatorTask: head}, tasks: {a: {}, head: {replicas: 1}},
	defaults: {replicas: 2, workload: {containers: {main: {command: [/train], security: {allowedBinaries: [/python]},
		image: "registry.example.com/a@sha256:2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824",
		resources: {requests: {cpu: 1m, memory: 1Mi}, limits: {cpu: 1m, memory: 1Mi}}}}}}}}`

// TestDefect13a_Defaults brings defaults to the tasks of the job, and the coordinator's end to that
// of the job.
func TestDefect13a_Defaults(t *testing.T) {
	t.Parallel()
	checkTexts(t, []string{
		`Job/llm spec.tasks.0.replicas = 2`, `Job/llm spec.tasks.1.replicas = 1`,
		`Job/llm spec.tasks.0.template.spec.restartPolicy = "Never"`,
		`Job/llm spec.tasks.1.policies = [{"event": "TaskCompleted", "action": "CompleteJob"}]`,
	}, training)
	ordinary := strings.Replace(strings.Replace(training, "training: {coordinatorTask: head}, ", "", 1), "replicas: 2,",
		"replicas: 2, restartPolicy: OnFailure, policies: [{event: PodFailed, action: RestartTask}],", 1)
	checkTexts(t, []string{
		`Job/llm spec.tasks.0.template.spec.restartPolicy = "OnFailure"`,
		`Job/llm spec.tasks.1.policies = [{"event": "PodFailed", "action": "RestartTask"}]`,
	}, ordinary)
}

// TestDefect13b_CoordinatorIsFirst gives the coordinator the rank 0, and the other tasks those
// after it.
func TestDefect13b_CoordinatorIsFirst(t *testing.T) {
	t.Parallel()
	const command = `spec.tasks.%s.template.spec.containers.0.command.2 = "export RANK=\"${RANK:-$((%s + VC_TASK_INDEX))}\"; exec \"$@\""`
	checkTexts(t, []string{
		`Job/llm spec.tasks.1.name = "head"`,
		"Job/llm " + fmt.Sprintf(command, "1", "0"), "Job/llm " + fmt.Sprintf(command, "0", "1"),
	}, training)
}

// TestDefect13c_ShellIsAllowed allows the shell that commands are wrapped in.
func TestDefect13c_ShellIsAllowed(t *testing.T) {
	t.Parallel()
	bundles, err := deriveTexts(t, training)
	if err != nil {
		t.Fatal(err)
	}
	policy := output(bundles, "TracingPolicyNamespaced/allow-binaries-llm-a")
	allowed, _ := follow(policy, "spec.kprobes.0.selectors.0.matchArgs.0.values").([]any)
	for _, want := range []string{"/bin/sh", "/python", "/train"} {
		if !slices.Contains(allowed, any(want)) {
			t.Errorf("%s is not among %v", want, allowed)
		}
	}
}

// TestDefect14c_RelativeCommand refuses a command that is looked up on a path.
func TestDefect14c_RelativeCommand(t *testing.T) {
	t.Parallel()
	refuseTexts(t, "spec.workload.containers.main.command.0: ", limited("web", "command: [python3, -m, server]", ""))
}

// TestDefect05a_ClaimName names the claim by the service and the resource, or by the volume's id,
// not by the namespace.
func TestDefect05a_ClaimName(t *testing.T) {
	t.Parallel()
	checkTexts(t, []string{
		`ConfigMap/web-main-env data.OWN = "web-data"`, `ConfigMap/web-main-env data.SHARED = "vol-library"`,
		`PersistentVolumeClaim/web-data metadata.namespace = "shop"`, `PersistentVolumeClaim/vol-library metadata.namespace = "shop"`,
	}, limited("web", `variables: {OWN: "${resources.data.claim_name}", SHARED: "${resources.media.claim_name}"}`,
		"data: {type: volume, params: {size: 1Gi}}, media: {type: volume, id: library, params: {size: 1Gi}}"))
}

// TestDefect10a_OrderOfEdges derives the same rules in the same order, whatever the order in which
// documents and resources come.
func TestDefect10a_OrderOfEdges(t *testing.T) {
	t.Parallel()
	const ports = "service: {ports: {http: {port: 80}}}, "
	callee := func(resources string) string {
		return strings.Replace(limited("web", "", resources), "{workload: {", "{workload: {"+ports, 1)
	}
	caller := func(name string) string { return limited(name, "", "web: {type: service, direction: both}") }
	forwards, err := deriveTexts(t, callee("x: {type: service, id: a, direction: both}, y: {type: service, id: b, direction: both}, z: {type: service, id: c, direction: both}"),
		caller("a"), caller("b"), caller("c"))
	if err != nil {
		t.Fatal(err)
	}
	backwards, err := deriveTexts(t, caller("c"), caller("b"), caller("a"),
		callee("z: {type: service, id: a, direction: both}, y: {type: service, id: b, direction: both}, x: {type: service, id: c, direction: both}"))
	if err != nil {
		t.Fatal(err)
	}
	principals := []any{"lattice.default.local/ns/shop/sa/a", "lattice.default.local/ns/shop/sa/b", "lattice.default.local/ns/shop/sa/c"}
	for _, bundles := range [][]*bundle.Bundle{forwards, backwards} {
		// The first four bytes of the SHA-256 of shop/web.
		policy := output(bundles, "AuthorizationPolicy/allow-to-97375646")
		if diff := cmp.Diff(principals, follow(policy, "spec.rules.0.from.0.source.principals")); diff != "" {
			t.Errorf("-want +got\n%s", diff)
		}
	}
	for _, object := range []string{"CiliumNetworkPolicy/cnp-mesh-97375646", "AuthorizationPolicy/allow-to-97375646"} {
		if diff := cmp.Diff(output(forwards, object), output(backwards, object)); diff != "" || output(forwards, object) == nil {
			t.Errorf("%s: -forwards +backwards\n%s", object, diff)
		}
	}
}
