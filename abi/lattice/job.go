package lattice

import "github.com/latticenet/lattice-host/abi/cbor"

// JobSpec is the spec of a [LatticeJob].
type JobSpec struct {
	// SchedulerName is the scheduler of the pods. Default volcano.
	//
	//kind:maxLength 63
	//kind:default "volcano"
	SchedulerName string `json:"schedulerName,omitempty"`
	// Queue is the queue of Volcano that the job waits in. A gate asks whether the namespace may
	// use it.
	//
	//kind:minLength 1
	//kind:maxLength 253
	Queue string `json:"queue"`
	// MinAvailable is how many pods must be able to run at the same time before any of them starts.
	//
	//kind:minimum 1
	//kind:maximum 2147483647
	MinAvailable int64 `json:"minAvailable"`
	// MaxRetry is how often the job is started again before it has failed. Volcano's default is 3.
	//
	//kind:minimum 0
	//kind:maximum 2147483647
	MaxRetry *int64 `json:"maxRetry,omitempty"`
	// PriorityClassName is the priority of the job among those that wait.
	//
	//kind:maxLength 253
	PriorityClassName string `json:"priorityClassName,omitempty"`
	// Schedule runs the job at times: a cron expression of five parts.
	//
	//kind:maxLength 128
	Schedule string `json:"schedule,omitempty"`
	// ConcurrencyPolicy says what happens when it is time and the last run has not ended: Allow
	// (default), Forbid or Replace.
	//
	//kind:enum Allow Forbid Replace
	ConcurrencyPolicy string `json:"concurrencyPolicy,omitempty"`
	// Suspend stops further runs of a schedule.
	Suspend *bool `json:"suspend,omitempty"`
	// SuccessfulJobsHistoryLimit is how many runs that succeeded are kept.
	//
	//kind:minimum 0
	//kind:maximum 2147483647
	SuccessfulJobsHistoryLimit *int64 `json:"successfulJobsHistoryLimit,omitempty"`
	// FailedJobsHistoryLimit is how many runs that failed are kept.
	//
	//kind:minimum 0
	//kind:maximum 2147483647
	FailedJobsHistoryLimit *int64 `json:"failedJobsHistoryLimit,omitempty"`
	// StartingDeadlineSeconds is how late a run may start.
	//
	//kind:minimum 0
	//kind:maximum 2147483647
	StartingDeadlineSeconds *int64 `json:"startingDeadlineSeconds,omitempty"`
	// Topology constrains where pods run in the network.
	Topology *Topology `json:"topology,omitempty"`
	// Policies say what an event does to the job. Without any, an evicted or failed pod restarts
	// the job.
	//
	//kind:maxItems 16
	Policies []JobPolicy `json:"policies,omitempty"`
	// Defaults are what tasks have in common. They are merged under each task: mappings by key,
	// everything else where the task says nothing. The host merges them, so that a derivation sees
	// complete tasks and no defaults.
	//
	//kind:partial
	Defaults *JobTask `json:"defaults,omitempty"`
	// Tasks by name, each a number of equal pods.
	//
	//kind:partial
	//kind:minProperties 1
	//kind:maxProperties 64
	Tasks cbor.Map[JobTask] `json:"tasks"`
	// Training makes the tasks the nodes of one distributed training.
	Training *Training `json:"training,omitempty"`
}

// JobTask is a number of equal pods.
type JobTask struct {
	Runtime
	// Replicas is the number of pods. Default 1.
	//
	//kind:minimum 1
	//kind:maximum 2147483647
	//kind:default 1
	Replicas *int64 `json:"replicas,omitempty"`
	// Workload is what runs.
	Workload *Workload `json:"workload"`
	// RestartPolicy says whether a container that ends is started again in its pod: Never
	// (default), OnFailure or Always.
	//
	//kind:enum Never OnFailure Always
	//kind:default "Never"
	RestartPolicy string `json:"restartPolicy,omitempty"`
	// Policies say what an event of the task does.
	//
	//kind:maxItems 16
	Policies []JobPolicy `json:"policies,omitempty"`
}

// JobPolicy is what an event does.
type JobPolicy struct {
	// Event is what happens; Any is every event.
	//
	//kind:enum PodFailed PodEvicted PodPending TaskCompleted Unknown Any
	Event string `json:"event"`
	// Action is what is done about it.
	//
	//kind:enum AbortJob RestartJob RestartTask RestartPod TerminateJob CompleteJob
	Action string `json:"action"`
}

// Training makes tasks find each other, with the variables of a framework.
type Training struct {
	// Framework is PyTorch (default), DeepSpeed or Jax.
	//
	//kind:enum PyTorch DeepSpeed Jax
	//kind:default "PyTorch"
	Framework string `json:"framework,omitempty"`
	// CoordinatorTask is the task of rank 0, which the others call. Default master.
	//
	//kind:maxLength 63
	//kind:default "master"
	CoordinatorTask string `json:"coordinatorTask,omitempty"`
	// NCCL says how GPUs of different nodes talk.
	NCCL *NCCL `json:"nccl,omitempty"`
}

// NCCL configures NVIDIA's library of collective communication.
type NCCL struct {
	// NetIf is the network interface (NCCL_SOCKET_IFNAME).
	//
	//kind:maxLength 256
	NetIf string `json:"netIf,omitempty"`
	// IBHCA is the InfiniBand adapter (NCCL_IB_HCA).
	//
	//kind:maxLength 256
	IBHCA string `json:"ibHca,omitempty"`
	// GDR says whether adapters read the memory of GPUs themselves (NCCL_NET_GDR_LEVEL).
	GDR *bool `json:"gdr,omitempty"`
	// Debug is how much is logged (NCCL_DEBUG). Default WARN.
	//
	//kind:enum VERSION WARN INFO TRACE
	//kind:default "WARN"
	Debug string `json:"debug,omitempty"`
	// ExtraEnv are further variables.
	//
	//kind:maxProperties 64
	//kind:values.maxLength 4096
	ExtraEnv cbor.Map[string] `json:"extraEnv,omitempty"`
}
