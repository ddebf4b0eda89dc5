package volcano_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"sigs.k8s.io/yaml"

	"github.com/latticenet/lattice-host/host/resource"
	"github.com/latticenet/lattice-host/plugins/builtin/volcano"
	"github.com/latticenet/lattice-host/plugins/sdk/go/plugintest"
)

func subject() *plugintest.Subject {
	return &plugintest.Subject{
		Plugin: volcano.Plugin(), Manifest: "plugin.yaml", YAML: yaml.YAMLToJSON, Documents: resource.Options{}.JSON,
	}
}

const container = "image: 'registry.example.com/a@sha256:2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824', " +
	"resources: {requests: {cpu: 1m, memory: 1Mi}, limits: {cpu: 1m, memory: 1Mi}}"

// job is a document with the name llm, in flow style.
func job(spec string) string {
	return "{apiVersion: lattice.dev/v1alpha1, kind: LatticeJob, metadata: {name: llm, namespace: ml}, spec: {queue: q, minAvailable: 1, " + spec + "}}"
}

type object = map[string]any

// spec returns the spec of what runs the job.
func spec(t *testing.T, document string) object {
	t.Helper()
	a := subject().Derive(t, plugintest.Case{Document: document})
	kind := "Job"
	if strings.Contains(document, "schedule: ") {
		kind = "CronJob"
	}
	var out struct{ Spec object }
	if err := yaml.Unmarshal([]byte(a.Output(kind, "llm")), &out); err != nil {
		t.Fatal(err)
	}
	return out.Spec
}

// at returns what a path of keys and places leads to.
func at(value any, path ...any) any {
	for _, step := range path {
		switch step := step.(type) {
		case string:
			inner, _ := value.(object)
			value = inner[step]
		case int:
			list, _ := value.([]any)
			if step >= len(list) {
				return nil
			}
			value = list[step]
		}
	}
	return value
}

// TestRow25_Job runs a job by Volcano: what tasks have in common reaches them, and a schedule makes
// it a CronJob of the same.
func TestRow25_Job(t *testing.T) {
	t.Parallel()
	const tasks = "defaults: {replicas: 2, restartPolicy: OnFailure, policies: [{event: TaskCompleted, action: CompleteJob}], " +
		"workload: {containers: {main: {" + container + "}}}}, tasks: {b: {replicas: 3}, a: {}}"
	once := spec(t, job(tasks))
	for _, tt := range []struct {
		path []any
		want any
	}{
		{[]any{"queue"}, "q"},
		{[]any{"minAvailable"}, 1.0},
		{[]any{"schedulerName"}, "volcano"},
		{[]any{"plugins"}, object{"env": []any{}}},
		{[]any{"policies"}, []any{object{"event": "PodEvicted", "action": "RestartJob"}, object{"event": "PodFailed", "action": "RestartJob"}}},
		{[]any{"tasks", 0, "name"}, "a"},
		{[]any{"tasks", 0, "replicas"}, 2.0},
		{[]any{"tasks", 1, "replicas"}, 3.0},
		{[]any{"tasks", 1, "policies"}, []any{object{"event": "TaskCompleted", "action": "CompleteJob"}}},
		{[]any{"tasks", 1, "template", "spec", "restartPolicy"}, "OnFailure"},
		{[]any{"tasks", 1, "template", "spec", "serviceAccountName"}, "llm-b"},
		{[]any{"tasks", 1, "template", "metadata", "labels"}, object{"app.kubernetes.io/name": "llm-b", "app.kubernetes.io/managed-by": "lattice"}},
	} {
		if diff := cmp.Diff(tt.want, at(once, tt.path...)); diff != "" {
			t.Errorf("%v: -want +got\n%s", tt.path, diff)
		}
	}
	daily := spec(t, job("schedule: 0 3 * * *, suspend: true, "+tasks))
	if diff := cmp.Diff(any(once), at(daily, "jobTemplate", "spec")); diff != "" {
		t.Errorf("the job of the schedule is another one: -want +got\n%s", diff)
	}
	if daily["schedule"] != "0 3 * * *" || daily["suspend"] != true {
		t.Errorf("got %v", daily)
	}
}

// TestRow26_Training gives each node of a training its rank, beginning with the coordinator, and
// what its framework reads.
func TestRow26_Training(t *testing.T) {
	t.Parallel()
	const tasks = "defaults: {workload: {containers: {main: {" + container + ", command: [/train, a], args: [b]}}, " +
		"resources: {gpu: {type: gpu, params: {count: 4}}}}}, tasks: {a: {replicas: 2}, head: {}, z: {}}"
	env := func(s object, task int) map[string]string {
		out := map[string]string{}
		list, _ := at(s, "tasks", task, "template", "spec", "containers", 0, "env").([]any)
		for _, v := range list {
			out[fmt.Sprint(at(v, "name"))] = fmt.Sprint(at(v, "value"))
		}
		return out
	}
	script := func(s object, task int) string {
		return fmt.Sprint(at(s, "tasks", task, "template", "spec", "containers", 0, "command", 2))
	}
	torch := spec(t, job("training: {coordinatorTask: head, nccl: {netIf: eth0, extraEnv: {NCCL_X: '1'}}}, "+tasks))
	for i, rank := range []int{1, 0, 3} {
		want := fmt.Sprintf(`export RANK="${RANK:-$((%d + VC_TASK_INDEX))}"; exec "$@"`, rank)
		if diff := cmp.Diff(want, script(torch, i)); diff != "" {
			t.Errorf("task %d: -want +got\n%s", i, diff)
		}
		if diff := cmp.Diff(map[string]string{
			"MASTER_ADDR": "llm-head-0.llm", "MASTER_PORT": "29500", "NNODES": "4", "NPROC_PER_NODE": "4", "WORLD_SIZE": "16",
			"NCCL_DEBUG": "WARN", "NCCL_SOCKET_IFNAME": "eth0", "NCCL_X": "1",
		}, env(torch, i)); diff != "" {
			t.Errorf("task %d: -want +got\n%s", i, diff)
		}
		pod := at(torch, "tasks", i, "template")
		if diff := cmp.Diff(any([]any{"/train", "a", "b"}), at(pod, "spec", "containers", 0, "args")); diff != "" {
			t.Errorf("task %d: -want +got\n%s", i, diff)
		}
		if at(pod, "metadata", "labels", "lattice.dev/training-job") != "llm" || at(pod, "metadata", "labels", "istio.io/dataplane-mode") != "none" {
			t.Errorf("task %d: labels %v", i, at(pod, "metadata", "labels"))
		}
	}
	if at(torch, "tasks", 1, "policies", 0, "action") != "CompleteJob" || at(torch, "tasks", 0, "policies") != nil {
		t.Error("the job does not end with its coordinator, or with another task")
	}
	jax := spec(t, job("training: {framework: Jax, coordinatorTask: head}, "+tasks))
	if diff := cmp.Diff(map[string]string{
		"JAX_COORDINATOR_ADDRESS": "llm-head-0.llm:29500", "JAX_NUM_PROCESSES": "4", "JAX_LOCAL_DEVICE_COUNT": "4", "NCCL_DEBUG": "WARN",
	}, env(jax, 0)); diff != "" {
		t.Errorf("-want +got\n%s", diff)
	}
	if want := `export JAX_PROCESS_ID="${JAX_PROCESS_ID:-$((1 + VC_TASK_INDEX))}"; exec "$@"`; script(jax, 0) != want {
		t.Errorf("got %s, want %s", script(jax, 0), want)
	}
}

// TestModels has the variables that suit the network of each model.
func TestModels(t *testing.T) {
	t.Parallel()
	for model, want := range map[string]string{
		"H100SXM": "NCCL_ALGO=Ring,Tree NCCL_IB_DISABLE=0", "H100": "NCCL_ALGO=Ring NCCL_IB_DISABLE=0", "A100": "NCCL_ALGO=Ring,Tree",
		"L4": "NCCL_ALGO=Ring NCCL_IB_DISABLE=1", "L40": "NCCL_ALGO=Ring NCCL_IB_DISABLE=1", "T4": "NCCL_ALGO=Ring NCCL_IB_DISABLE=1", "V100": "",
	} {
		s := spec(t, job("training: {}, tasks: {master: {workload: {containers: {main: {"+container+", command: [/a]}}, "+
			"resources: {gpu: {type: gpu, params: {count: 1, model: "+model+"}}}}}}"))
		var got []string
		list, _ := at(s, "tasks", 0, "template", "spec", "containers", 0, "env").([]any)
		for _, v := range list {
			if name := fmt.Sprint(at(v, "name")); name == "NCCL_ALGO" || name == "NCCL_IB_DISABLE" {
				got = append(got, name+"="+fmt.Sprint(at(v, "value")))
			}
		}
		if strings.Join(got, " ") != want {
			t.Errorf("%s: got %q, want %q", model, strings.Join(got, " "), want)
		}
	}
}

func FuzzServe(f *testing.F) {
	for _, message := range plugintest.Seeds() {
		f.Add(message)
	}
	f.Fuzz(func(t *testing.T, message []byte) { plugintest.CheckServe(t, volcano.Plugin(), message) })
}
