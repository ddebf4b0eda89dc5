package kube

import "github.com/latticenet/lattice-host/abi/cbor"

// VolcanoJob is batch.volcano.sh/v1alpha1 Job.
type VolcanoJob struct {
	Object
	Spec VolcanoJobSpec `json:"spec"`
}

// VolcanoJobSpec is the spec of a [VolcanoJob].
type VolcanoJobSpec struct {
	SchedulerName     string           `json:"schedulerName,omitempty"`
	MinAvailable      int64            `json:"minAvailable"`
	MaxRetry          *int64           `json:"maxRetry,omitempty"`
	Queue             string           `json:"queue,omitempty"`
	PriorityClassName string           `json:"priorityClassName,omitempty"`
	Plugins           VolcanoPlugins   `json:"plugins"`
	Policies          []VolcanoPolicy  `json:"policies,omitempty"`
	Tasks             []VolcanoTask    `json:"tasks"`
	NetworkTopology   *NetworkTopology `json:"networkTopology,omitempty"`
}

// VolcanoPlugins are the arguments of the plugins of Volcano that a job uses; nil leaves a plugin
// out.
type VolcanoPlugins struct {
	// Env gives each container the number of its pod in VC_TASK_INDEX.
	Env *VolcanoArguments `json:"env,omitempty"`
	// Svc gives the pods names below a headless Service of the job's name.
	Svc *VolcanoArguments `json:"svc,omitempty"`
}

// VolcanoArguments are the arguments of a plugin, which may be none.
type VolcanoArguments []string

// AppendCBOR appends the list.
func (a *VolcanoArguments) AppendCBOR(b []byte) []byte {
	return cbor.AppendList(b, *a, func(b []byte, s *string) []byte { return cbor.AppendString(b, *s) })
}

// VolcanoPolicy is what an event of a job or task does.
type VolcanoPolicy struct {
	Event  string `json:"event"`
	Action string `json:"action"`
}

// VolcanoTask is a number of equal pods.
type VolcanoTask struct {
	Name     string          `json:"name"`
	Replicas int64           `json:"replicas"`
	Policies []VolcanoPolicy `json:"policies,omitempty"`
	Template PodTemplate     `json:"template"`
}

// VolcanoCronJob is batch.volcano.sh/v1alpha1 CronJob.
type VolcanoCronJob struct {
	Object
	Spec VolcanoCronJobSpec `json:"spec"`
}

// VolcanoCronJobSpec is the spec of a [VolcanoCronJob].
type VolcanoCronJobSpec struct {
	Schedule                   string             `json:"schedule"`
	ConcurrencyPolicy          string             `json:"concurrencyPolicy,omitempty"`
	Suspend                    *bool              `json:"suspend,omitempty"`
	SuccessfulJobsHistoryLimit *int64             `json:"successfulJobsHistoryLimit,omitempty"`
	FailedJobsHistoryLimit     *int64             `json:"failedJobsHistoryLimit,omitempty"`
	StartingDeadlineSeconds    *int64             `json:"startingDeadlineSeconds,omitempty"`
	JobTemplate                VolcanoJobTemplate `json:"jobTemplate"`
}

// VolcanoJobTemplate is what a [VolcanoCronJob] makes jobs of.
type VolcanoJobTemplate struct {
	Spec VolcanoJobSpec `json:"spec"`
}

// VolcanoJobFields are what a step adds to the tasks of a [VolcanoJob] that another step owns.
type VolcanoJobFields struct {
	Spec VolcanoTasksFields `json:"spec"`
}

// VolcanoCronJobFields are what a step adds to the tasks of a [VolcanoCronJob].
type VolcanoCronJobFields struct {
	Spec VolcanoCronJobFieldsSpec `json:"spec"`
}

// VolcanoCronJobFieldsSpec is the spec of [VolcanoCronJobFields].
type VolcanoCronJobFieldsSpec struct {
	JobTemplate VolcanoJobFields `json:"jobTemplate"`
}

// VolcanoTasksFields are tasks by name.
type VolcanoTasksFields struct {
	Tasks []VolcanoTaskFields `json:"tasks"`
}

// VolcanoTaskFields are what a step adds to the pods of a task.
type VolcanoTaskFields struct {
	Name     string            `json:"name"`
	Template PodTemplateFields `json:"template"`
}
