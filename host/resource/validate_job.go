package resource

import (
	"strconv"

	"github.com/latticenet/lattice-host/abi/lattice"
	"github.com/latticenet/lattice-host/internal/problem"
)

// cronSuffix is how much longer than a CronJob's name that of a job is which it starts: a hyphen
// and ten digits of a time.
const cronSuffix = 11

// maxPods is how many pods a job may have.
const maxPods = 10_000

// fieldTask is the place of a task.
func fieldTask(name string) place { return place(fieldTasks + "." + name) }

func (v *validator) job(j *lattice.LatticeJob) {
	s := &j.Spec
	v.require(isSubdomain(s.Queue), "spec.queue", "is the name of a queue of Volcano and "+ruleSubdomain+", not "+problem.Quote(s.Queue))
	v.optional("spec.schedulerName", s.SchedulerName, isSubdomain, ruleSubdomain)
	v.optional("spec.priorityClassName", s.PriorityClassName, isSubdomain, ruleSubdomain)
	v.topology(s.Topology)
	v.schedule(s)
	v.policies("spec.policies", s.Policies)
	v.require(len(s.Tasks) > 0, fieldTasks, "is empty; a job needs at least one task")
	names(v, fieldTasks, s.Tasks, isName, ruleName)
	pods := int64(0)
	for i := range s.Tasks {
		t := &s.Tasks[i].Value
		v.task(s.Tasks[i].Key, t)
		v.podName(j, s.Tasks[i].Key, replicas(t))
		pods += replicas(t)
	}
	v.require(pods <= maxPods, fieldTasks, "have "+strconv.FormatInt(pods, 10)+" pods, and a job may have "+strconv.Itoa(maxPods)+"; lower replicas")
	// Volcano's admission refuses such a job.
	v.require(s.MinAvailable <= pods || pods == 0, "spec.minAvailable", "is "+strconv.FormatInt(s.MinAvailable, 10)+", more than all tasks have pods, which is "+
		strconv.FormatInt(pods, 10)+"; lower it or raise replicas")
	v.sharedVolumes(s)
	v.training(s)
}

// sharedVolumes checks that tasks which say the size of one volume say the same of it: there is one
// claim.
func (v *validator) sharedVolumes(s *lattice.JobSpec) {
	type owner struct {
		field                          string
		size, storageClass, accessMode string
	}
	owners := map[string]owner{}
	for i := range s.Tasks {
		w, in := s.Tasks[i].Value.Workload, fieldTask(s.Tasks[i].Key)
		if w == nil {
			continue
		}
		for _, e := range w.Resources {
			r := &e.Value
			if r.Type != typeVolume || r.ID == "" || r.Params == nil || r.Params.Size == "" {
				continue
			}
			own := owner{in.resources() + "." + e.Key, r.Params.Size, r.Params.StorageClass, r.Params.AccessMode}
			first, known := owners[r.ID]
			if !known {
				owners[r.ID] = own
				continue
			}
			field := own.field
			own.field = first.field
			v.require(own == first, field+".params", "the volume "+problem.Quote(r.ID)+" is another one in "+first.field+"; say the same of it, or its id alone")
		}
	}
}

// replicas returns the number of pods of a task, as far as it is right.
func replicas(t *lattice.JobTask) int64 {
	if t.Replicas == nil || *t.Replicas < 0 {
		return 0
	}
	return *t.Replicas
}

// schedule checks what belongs to a schedule.
func (v *validator) schedule(s *lattice.JobSpec) {
	v.optional("spec.schedule", s.Schedule, cronPattern.MatchString, "must be a cron expression of five parts such as 0 3 * * *")
	if s.Schedule != "" {
		return
	}
	for _, f := range []struct {
		name  string
		given bool
	}{
		{"concurrencyPolicy", s.ConcurrencyPolicy != ""}, {"suspend", s.Suspend != nil},
		{"successfulJobsHistoryLimit", s.SuccessfulJobsHistoryLimit != nil}, {"failedJobsHistoryLimit", s.FailedJobsHistoryLimit != nil},
		{"startingDeadlineSeconds", s.StartingDeadlineSeconds != nil},
	} {
		v.require(!f.given, "spec."+f.name, "belongs to spec.schedule; set it or remove this field")
	}
}

// policies checks what events do. Volcano's admission refuses a duplicate event, and others next to
// Any.
func (v *validator) policies(field string, policies []lattice.JobPolicy) {
	seen := map[string]bool{}
	for i, p := range policies {
		at := field + "." + strconv.Itoa(i) + ".event"
		v.require(!seen[p.Event], at, problem.Quote(p.Event)+" is a duplicate; remove one")
		seen[p.Event] = true
		v.require(p.Event != "Any" || len(policies) == 1, at, "Any is every event and must be the only one; name the events, or remove the other policies")
	}
}

func (v *validator) task(name string, t *lattice.JobTask) {
	v.in = fieldTask(name)
	defer func() { v.in = inSpec }()
	v.runtime(&t.Runtime)
	v.policies(v.in.field("policies"), t.Policies)
	if t.Workload == nil {
		return
	}
	v.workload(t.Workload, &t.Runtime)
	if p := t.Workload.Service; p != nil {
		v.taskPorts(p)
	}
	for i := range t.Workload.Resources {
		field, p := v.in.resources()+"."+t.Workload.Resources[i].Key+".params", t.Workload.Resources[i].Value.Params
		if p == nil {
			continue
		}
		v.require(!isTrue(p.PerReplica), field+".perReplica", "a job keeps no volume for each of its pods; set scratch: true for a directory that ends with its pod")
		v.require(p.AccessMode != accessModePod || replicas(t) <= 1, field+".accessMode", "one pod mounts such a volume, and the task has several; use another mode, or run one replica")
	}
}

// taskPorts checks the ports of a task, which others call without a Service in front.
func (v *validator) taskPorts(p *lattice.Ports) {
	v.ports(p, false)
	const noService = "the pods of a job have no Service of their own; remove it"
	v.require(p.ServiceType == "" || p.ServiceType == defaultServiceType, v.in.service()+".serviceType", noService)
	v.require(!p.StableNames, v.in.service()+".stableNames", noService)
	v.require(len(p.Hostnames) == 0, v.in.service()+".hostnames", noService)
}

// podName checks that the pods of a task can be called as Volcano calls them, which is a label of
// theirs too.
func (v *validator) podName(j *lattice.LatticeJob, task string, replicas int64) {
	longest := len(j.Metadata.Name) + len(task) + len("--") + len(strconv.FormatInt(max(replicas-1, 0), 10))
	why := ""
	if j.Spec.Schedule != "" {
		longest += cronSuffix
		why = ", with the time of the run"
	}
	v.require(longest <= maxLabel, string(fieldTask(task)), "the pods are named after the job, the task and a number"+why+", which is "+strconv.Itoa(longest)+
		" characters, and may be "+strconv.Itoa(maxLabel)+"; shorten the name of the job or of the task")
}

func (v *validator) training(s *lattice.JobSpec) {
	if s.Training == nil {
		return
	}
	coordinator := s.Training.CoordinatorTask
	v.require(s.Tasks.Get(coordinator) != nil, "spec.training.coordinatorTask", "there is no task "+problem.Quote(coordinator)+" in "+fieldTasks+"; name one of them")
	if s.Training.NCCL != nil {
		names(v, "spec.training.nccl.extraEnv", s.Training.NCCL.ExtraEnv, isVariable, ruleVariable)
	}
	for i := range s.Tasks {
		t, in := &s.Tasks[i].Value, fieldTask(s.Tasks[i].Key)
		v.require(t.RestartPolicy == defaultRestart, in.field("restartPolicy"), "must be Never in a training, in which all tasks start together; remove it")
		if t.Workload == nil {
			continue
		}
		for _, c := range t.Workload.Containers {
			v.require(len(c.Value.Command) > 0, in.containers()+"."+c.Key+".command", "is missing; a training starts the program itself to give it its rank")
		}
	}
}
