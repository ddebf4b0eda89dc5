// Package subject says what pods a document is about: those of a service, or those of each task of
// a job.
package subject

import (
	"slices"

	"github.com/latticenet/lattice-host/abi/lattice"
	"github.com/latticenet/lattice-host/plugins/builtin/internal/naming"
)

// Subject is what pods are derived for: a service, or one task of a job.
type Subject struct {
	// Name begins the names of all derived objects, and is the value of the label that selects the
	// pods.
	Name string
	// Owner is the metadata of the document.
	Owner *lattice.ObjectMeta
	// Field is the path in the document of what has the workload and the runtime, such as spec.
	Field string
	// Workload has at least one container, unless the document was read without them.
	Workload *lattice.Workload
	// Runtime is how the pods run. It is not nil.
	Runtime *lattice.Runtime
	// Task is the name of a job's task; empty for a service.
	Task string
	// Claimed are the ids of volumes whose claims other tasks of the job make.
	Claimed []string
}

// OfService returns a service as a subject.
func OfService(svc *lattice.LatticeService) Subject {
	return Subject{
		Name: svc.Metadata.Name, Owner: &svc.Metadata, Field: "spec", Workload: svc.Spec.Workload, Runtime: &svc.Spec.Runtime,
	}
}

// OfJob returns the tasks of a job as subjects, sorted by name.
func OfJob(job *lattice.LatticeJob) []Subject {
	subjects := make([]Subject, len(job.Spec.Tasks))
	for i := range job.Spec.Tasks {
		task := &job.Spec.Tasks[i]
		subjects[i] = Subject{
			Name: naming.Task(job.Metadata.Name, task.Key), Owner: &job.Metadata, Field: "spec.tasks." + task.Key,
			Workload: task.Value.Workload, Runtime: &task.Value.Runtime, Task: task.Key,
		}
	}
	for i := range subjects {
		for j := range subjects {
			for _, id := range subjects[j].owned() {
				// Of several tasks that say the size of a volume, the first makes its claim.
				if i != j && (j < i || !slices.Contains(subjects[i].owned(), id)) {
					subjects[i].Claimed = append(subjects[i].Claimed, id)
				}
			}
		}
	}
	return subjects
}

// owned returns the ids of the volumes of which the workload says the size.
func (s *Subject) owned() []string {
	var ids []string
	if s.Workload == nil {
		return nil
	}
	for i := range s.Workload.Resources {
		if r := &s.Workload.Resources[i].Value; r.Type == "volume" && r.ID != "" && r.Params != nil && r.Params.Size != "" {
			ids = append(ids, r.ID)
		}
	}
	return ids
}

// At returns the path of a field, such as workload.resources.
func (s *Subject) At(field string) string { return s.Field + "." + field }
