package volcano

import (
	"slices"
	"strconv"
	"strings"

	"github.com/latticenet/lattice-host/abi/cbor"
	"github.com/latticenet/lattice-host/abi/lattice"
	"github.com/latticenet/lattice-host/plugins/builtin/internal/naming"
	"github.com/latticenet/lattice-host/plugins/builtin/internal/training"
	"github.com/latticenet/lattice-host/plugins/builtin/internal/workload"
	"github.com/latticenet/lattice-host/plugins/sdk/go/ascii"
	"github.com/latticenet/lattice-host/plugins/sdk/go/kube"
)

const (
	jax = "Jax"
	// scratchVolume is where frameworks keep files while they run: the root file system cannot be
	// written.
	scratchVolume = "lattice-tmp"
	scratchPath   = "/tmp"
	// taskIndex is the variable in which Volcano's plugin env gives a pod its number in its task.
	taskIndex = "VC_TASK_INDEX"
)

// trainingGroup is the nodes of a training.
type trainingGroup struct {
	job *lattice.LatticeJob
	*lattice.Training
	// first is the rank of each task's first pod. The coordinator's is 0, and the other tasks
	// follow by name.
	first map[string]int64
	// nodes is the number of pods, processes that of all their GPUs.
	nodes, processes int64
}

func (d *derivation) trainingGroup(tasks []task) *trainingGroup {
	g := &trainingGroup{job: d.job, Training: d.job.Spec.Training, first: map[string]int64{}}
	add := func(t *task) {
		g.first[t.Task] = g.nodes
		g.nodes += replicas(t.spec)
		g.processes += replicas(t.spec) * processes(t.Workload)
	}
	for i := range tasks {
		if tasks[i].Task == g.CoordinatorTask {
			add(&tasks[i])
		}
	}
	for i := range tasks {
		if tasks[i].Task != g.CoordinatorTask {
			add(&tasks[i])
		}
	}
	return g
}

// processes returns how many processes run on a node of the training: one for each GPU.
func processes(w *lattice.Workload) int64 {
	if gpu := workload.GPU(w); gpu != nil {
		return *gpu.Count
	}
	return 1
}

// join makes a task a node of the training, whose containers get the variables of
// [trainingGroup.env].
func (g *trainingGroup) join(t *task, env []kube.EnvVar, pod *kube.PodTemplate, out *kube.VolcanoTask) {
	if t.Task == g.CoordinatorTask && len(out.Policies) == 0 {
		out.Policies = []kube.VolcanoPolicy{{Event: "TaskCompleted", Action: "CompleteJob"}}
	}
	for _, l := range naming.Training(g.job.Metadata.Name) {
		pod.Metadata.Labels.Set(l.Key, l.Value)
	}
	// The tunnel of the mesh would slow what the nodes say to each other; the network policy closes
	// them to all others.
	pod.Metadata.Labels.Set("istio.io/dataplane-mode", "none")
	for i := range pod.Spec.Containers {
		c := &pod.Spec.Containers[i]
		own := t.Workload.Containers.Get(c.Name)
		if own == nil {
			// A sidecar.
			continue
		}
		for _, v := range env {
			if own.Variables.Get(v.Name) == nil && !slices.ContainsFunc(c.Env, func(o kube.EnvVar) bool { return o.Name == v.Name }) {
				c.Env = append(c.Env, v)
			}
		}
		g.wrap(t, c)
	}
	g.scratch(t, pod)
}

// env returns the variables of a task, sorted by name.
func (g *trainingGroup) env(t *task) []kube.EnvVar {
	values := kube.Labels{}
	local := strconv.FormatInt(processes(t.Workload), 10)
	if g.Framework == jax {
		if g.scheduled() == "" {
			values.Set("JAX_COORDINATOR_ADDRESS", g.coordinator()+":"+strconv.Itoa(training.Port))
		}
		values.Set("JAX_LOCAL_DEVICE_COUNT", local)
		values.Set("JAX_NUM_PROCESSES", strconv.FormatInt(g.nodes, 10))
	} else {
		if g.scheduled() == "" {
			values.Set("MASTER_ADDR", g.coordinator())
		}
		values.Set("MASTER_PORT", strconv.Itoa(training.Port))
		values.Set("NNODES", strconv.FormatInt(g.nodes, 10))
		values.Set("NPROC_PER_NODE", local)
		values.Set("WORLD_SIZE", strconv.FormatInt(g.processes, 10))
	}
	g.nccl(t, &values)
	env := make([]kube.EnvVar, len(values))
	for i, e := range values {
		// The kubelet replaces $(NAME) in a variable of the pod's own.
		env[i] = kube.EnvVar{Name: e.Key, Value: strings.ReplaceAll(e.Value, "$(", "$$(")}
	}
	return env
}

// nccl adds how GPUs of different nodes talk: what suits the model, and then what the document
// says.
func (g *trainingGroup) nccl(t *task, values *kube.Labels) {
	values.Set("NCCL_DEBUG", "WARN")
	if gpu := workload.GPU(t.Workload); gpu != nil {
		for _, e := range modelDefaults(gpu.Model) {
			values.Set(e.Key, e.Value)
		}
	}
	n := g.NCCL
	if n == nil {
		return
	}
	for _, v := range []struct{ name, value string }{
		{"NCCL_DEBUG", n.Debug}, {"NCCL_SOCKET_IFNAME", n.NetIf}, {"NCCL_IB_HCA", n.IBHCA}, {"NCCL_NET_GDR_LEVEL", gdrLevel(n.GDR)},
	} {
		if v.value != "" {
			values.Set(v.name, v.value)
		}
	}
	for _, e := range n.ExtraEnv {
		values.Set(e.Key, e.Value)
	}
}

// gdrLevel returns how far apart a GPU and an adapter may be that reads its memory: anywhere in the
// machine, or never.
func gdrLevel(on *bool) string {
	switch {
	case on == nil:
		return ""
	case *on:
		return "5"
	}
	return "0"
}

// modelDefaults returns what suits the network of machines that have a model of GPU.
func modelDefaults(model string) cbor.Map[string] {
	const algorithms, infiniband = "NCCL_ALGO", "NCCL_IB_DISABLE"
	switch model {
	case "H100SXM":
		return cbor.Map[string]{{Key: algorithms, Value: "Ring,Tree"}, {Key: infiniband, Value: "0"}}
	case "H100", "H100PCIE":
		return cbor.Map[string]{{Key: algorithms, Value: "Ring"}, {Key: infiniband, Value: "0"}}
	case "A100", "A100-80G", "A100-40G":
		return cbor.Map[string]{{Key: algorithms, Value: "Ring,Tree"}}
	case "L4", "L40", "L40S", "T4":
		return cbor.Map[string]{{Key: algorithms, Value: "Ring"}, {Key: infiniband, Value: "1"}}
	}
	return nil
}

// coordinator returns the name of the first pod of the coordinator's task, below the Service that
// Volcano's plugin svc makes.
func (g *trainingGroup) coordinator() string {
	name := g.job.Metadata.Name
	return naming.Task(name, g.CoordinatorTask) + "-0." + name
}

// scheduled returns the variable that has the coordinator's name where the job is named after the
// time it starts at; otherwise "".
func (g *trainingGroup) scheduled() string {
	if g.job.Spec.Schedule == "" {
		return ""
	}
	return "VC_" + ascii.Upper(ascii.Swap(g.CoordinatorTask, '-', '_')) + "_HOSTS"
}

// wrap has a shell tell the program of a container its rank, which is known only when the pod runs.
func (g *trainingGroup) wrap(t *task, c *kube.Container) {
	rank, address, suffix := "RANK", "MASTER_ADDR", ""
	if g.Framework == jax {
		rank, address, suffix = "JAX_PROCESS_ID", "JAX_COORDINATOR_ADDRESS", ":"+strconv.Itoa(training.Port)
	}
	script := "export " + rank + "=\"${" + rank + ":-$((" + strconv.FormatInt(g.first[t.Task], 10) + " + " + taskIndex + "))}\""
	if hosts := g.scheduled(); hosts != "" {
		// Volcano lists the pods of a task with commas; the first one is the coordinator.
		script += " " + address + "=\"${" + address + ":-${" + hosts + "%%,*}" + suffix + "}\""
	}
	c.Args = slices.Concat(c.Command, c.Args)
	c.Command = []string{training.Shell, "-c", script + `; exec "$@"`, "sh"}
}

// scratch gives the containers of a node a folder for temporary files, except those that have one
// there.
func (g *trainingGroup) scratch(t *task, pod *kube.PodTemplate) {
	added := false
	for i := range pod.Spec.Containers {
		c := &pod.Spec.Containers[i]
		if slices.ContainsFunc(c.VolumeMounts, func(m kube.VolumeMount) bool { return strings.TrimSuffix(m.MountPath, "/") == scratchPath }) {
			continue
		}
		if !added {
			added = true
			t.pods.AddVolume(t.At("workload.resources"), kube.Volume{Name: scratchVolume, EmptyDir: &kube.EmptyDir{}})
		}
		c.VolumeMounts = append(c.VolumeMounts, kube.VolumeMount{Name: scratchVolume, MountPath: scratchPath})
	}
}
