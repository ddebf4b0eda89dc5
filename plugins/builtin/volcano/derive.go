// Package volcano derives what a job runs as: a Job of Volcano, or a CronJob that makes them, with
// the service accounts, configuration and volumes of its tasks.
package volcano

import (
	"slices"
	"strconv"
	"strings"

	"github.com/latticenet/lattice-host/abi/lattice"
	"github.com/latticenet/lattice-host/plugins/builtin/internal/naming"
	"github.com/latticenet/lattice-host/plugins/builtin/internal/subject"
	"github.com/latticenet/lattice-host/plugins/builtin/internal/workload"
	sdk "github.com/latticenet/lattice-host/plugins/sdk/go"
	"github.com/latticenet/lattice-host/plugins/sdk/go/kube"
)

// Plugin returns the plugin.
func Plugin() *sdk.Plugin { return &sdk.Plugin{Derive: derive} }

// derivation is the work on one job.
type derivation struct {
	req  *sdk.Request
	resp *sdk.Response
	job  *lattice.LatticeJob
}

// task is one task, and what its pods are made with.
type task struct {
	subject.Subject
	spec *lattice.JobTask
	pods *workload.Builder
}

func derive(req *sdk.Request, resp *sdk.Response) error {
	job, err := req.Job()
	if err != nil {
		return err
	}
	d := &derivation{req: req, resp: resp, job: job}
	tasks := d.tasks()
	for i := range tasks {
		if tasks[i].pods.Waits() {
			return nil
		}
	}
	d.checkQueue()
	spec := d.spec(tasks)
	if resp.Failed() {
		return nil
	}
	for i := range tasks {
		tasks[i].pods.EmitAccount()
		tasks[i].pods.Emit()
	}
	d.emit(spec)
	return nil
}

// checkQueue refuses a queue that the platform does not have. Volcano refuses such a job when it is
// created.
func (d *derivation) checkQueue() {
	if queues := d.req.Platform.Queues; len(queues) > 0 && !slices.Contains(queues, d.job.Spec.Queue) {
		d.resp.Error("spec.queue", "the platform has no queue "+strconv.Quote(d.job.Spec.Queue)+"; it has "+strings.Join(queues, ", "))
	}
}

func (d *derivation) tasks() []task {
	subjects := subject.OfJob(d.job)
	tasks := make([]task, len(subjects))
	for i, s := range subjects {
		tasks[i] = task{Subject: s, spec: &d.job.Spec.Tasks[i].Value, pods: workload.New(d.req, d.resp, s)}
	}
	return tasks
}

func (d *derivation) spec(tasks []task) kube.VolcanoJobSpec {
	s := &d.job.Spec
	spec := kube.VolcanoJobSpec{
		SchedulerName: s.SchedulerName, MinAvailable: s.MinAvailable, MaxRetry: s.MaxRetry, Queue: s.Queue,
		PriorityClassName: s.PriorityClassName, Policies: policies(s.Policies),
		Plugins: kube.VolcanoPlugins{Env: &kube.VolcanoArguments{}},
	}
	if len(spec.Policies) == 0 {
		spec.Policies = []kube.VolcanoPolicy{{Event: "PodEvicted", Action: "RestartJob"}, {Event: "PodFailed", Action: "RestartJob"}}
	}
	if s.Topology != nil {
		spec.NetworkTopology = workload.NetworkTopology(s.Topology)
	}
	var group *trainingGroup
	if slices.ContainsFunc(tasks, serves) {
		// Others find the pods by name.
		spec.Plugins.Svc = &kube.VolcanoArguments{}
	}
	if s.Training != nil {
		group = d.trainingGroup(tasks)
		// The others look up the coordinator before it is ready.
		spec.Plugins.Svc = &kube.VolcanoArguments{"--publish-not-ready-addresses"}
	}
	for i := range tasks {
		spec.Tasks = append(spec.Tasks, d.task(&tasks[i], group))
	}
	return spec
}

// serves reports whether others may call the pods of a task.
func serves(t task) bool { return t.Workload.Service != nil && len(t.Workload.Service.Ports) > 0 }

// task derives one task, as a node of a training where there is one.
func (d *derivation) task(t *task, group *trainingGroup) kube.VolcanoTask {
	var env []kube.EnvVar
	if group != nil {
		env = group.env(t)
	}
	for i := range env {
		t.pods.Provide(env[i].Name)
	}
	pod := t.pods.Pod()
	pod.Spec.RestartPolicy = t.spec.RestartPolicy
	if pod.Spec.SchedulerName == "" {
		pod.Spec.SchedulerName = d.job.Spec.SchedulerName
	}
	out := kube.VolcanoTask{Name: t.Task, Replicas: replicas(t.spec), Policies: policies(t.spec.Policies)}
	if group != nil {
		group.join(t, env, pod, &out)
	}
	d.warn(t)
	out.Template = *pod
	return out
}

// warn warns about what keeps a task from ending, or from running on several nodes.
func (d *derivation) warn(t *task) {
	for i := range t.Runtime.Sidecars {
		if !t.Runtime.Sidecars[i].Value.Init {
			d.resp.Warn(t.At("sidecars.")+t.Runtime.Sidecars[i].Key, "the pod ends when all of its containers have ended, so that this one must end by itself; "+
				"make it an init container, or have the main container stop it")
		}
	}
	if volume := t.pods.OneNodeVolume(); volume != "" && replicas(t.spec) > 1 {
		d.resp.Warn(t.At("workload.resources.")+volume, "the volume can be mounted on one node at a time, and the task has "+
			strconv.FormatInt(replicas(t.spec), 10)+" pods, which all have to run there; set its accessMode to ReadWriteMany, or run one replica")
	}
}

func replicas(t *lattice.JobTask) int64 {
	if t.Replicas == nil {
		return 1
	}
	return *t.Replicas
}

// policies returns what events do, as Volcano writes it.
func policies(list []lattice.JobPolicy) []kube.VolcanoPolicy {
	var out []kube.VolcanoPolicy
	for _, p := range list {
		if p.Event == "Any" {
			p.Event = "*"
		}
		out = append(out, kube.VolcanoPolicy{Event: p.Event, Action: p.Action})
	}
	return out
}

func (d *derivation) emit(spec kube.VolcanoJobSpec) {
	meta, s := naming.Meta(&d.job.Metadata, d.job.Metadata.Name), &d.job.Spec
	if naming.JobKind(s) == naming.KindJob {
		d.resp.Emit(&kube.VolcanoJob{Object: kube.NewObject(naming.VolcanoBatch, naming.KindJob, meta), Spec: spec})
		return
	}
	d.resp.Emit(&kube.VolcanoCronJob{
		Object: kube.NewObject(naming.VolcanoBatch, naming.KindCronJob, meta),
		Spec: kube.VolcanoCronJobSpec{
			Schedule: s.Schedule, ConcurrencyPolicy: s.ConcurrencyPolicy, Suspend: s.Suspend,
			SuccessfulJobsHistoryLimit: s.SuccessfulJobsHistoryLimit, FailedJobsHistoryLimit: s.FailedJobsHistoryLimit,
			StartingDeadlineSeconds: s.StartingDeadlineSeconds, JobTemplate: kube.VolcanoJobTemplate{Spec: spec},
		},
	})
}
