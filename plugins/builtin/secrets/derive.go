// Package secrets derives what fetches the secrets of a service, or of the tasks of a job, and
// gives them to its pods.
package secrets

import (
	"errors"
	"strconv"

	"github.com/latticenet/lattice-host/abi"
	"github.com/latticenet/lattice-host/abi/lattice"
	"github.com/latticenet/lattice-host/plugins/builtin/internal/naming"
	"github.com/latticenet/lattice-host/plugins/builtin/internal/subject"
	"github.com/latticenet/lattice-host/plugins/builtin/internal/workload"
	sdk "github.com/latticenet/lattice-host/plugins/sdk/go"
	"github.com/latticenet/lattice-host/plugins/sdk/go/kube"
)

// Plugin returns the plugin.
func Plugin() *sdk.Plugin { return &sdk.Plugin{Derive: derive} }

func derive(req *sdk.Request, resp *sdk.Response) error {
	switch kind := req.Kind(); kind {
	case lattice.KindService:
		svc, err := req.Service()
		if err != nil {
			return err
		}
		deriveService(req, resp, svc)
		return nil
	case lattice.KindJob:
		job, err := req.Job()
		if err != nil {
			return err
		}
		deriveJob(req, resp, job)
		return nil
	default:
		return errors.New("secrets derives from LatticeService and LatticeJob, not from " + strconv.Quote(kind) +
			"; use it in the pipeline of one of these kinds")
	}
}

func deriveService(req *sdk.Request, resp *sdk.Response, svc *lattice.LatticeService) {
	pods := workload.New(req, resp, subject.OfService(svc))
	if !pods.UsesSecrets() || pods.SecretsWait() {
		return
	}
	secrets := pods.Secrets()
	if resp.Failed() {
		return
	}
	emit(resp, secrets)
	resp.Contribute(abi.Ref{
		APIVersion: "apps/v1", Kind: naming.WorkloadKind(&svc.Spec), Namespace: svc.Metadata.Namespace, Name: svc.Metadata.Name,
	}, &secrets.Fields)
}

// deriveJob gives each task of a job its secrets. A job is not rolled when a value changes, so that
// it has no annotation that asks for that.
func deriveJob(req *sdk.Request, resp *sdk.Response, job *lattice.LatticeJob) {
	var using []*workload.Builder
	var tasks []string
	waits := false
	for _, s := range subject.OfJob(job) {
		pods := workload.New(req, resp, s)
		if pods.UsesSecrets() {
			using, tasks = append(using, pods), append(tasks, s.Task)
			waits = pods.SecretsWait() || waits
		}
	}
	if waits {
		return
	}
	all := make([]*workload.Secrets, len(using))
	for i, pods := range using {
		all[i] = pods.Secrets()
	}
	if resp.Failed() {
		return
	}
	fields := kube.VolcanoTasksFields{}
	for i, secrets := range all {
		emit(resp, secrets)
		fields.Tasks = append(fields.Tasks, kube.VolcanoTaskFields{Name: tasks[i], Template: secrets.Fields.Spec.Template})
	}
	if len(fields.Tasks) == 0 {
		return
	}
	to := abi.Ref{APIVersion: naming.VolcanoBatch, Kind: naming.JobKind(&job.Spec), Namespace: job.Metadata.Namespace, Name: job.Metadata.Name}
	if to.Kind == naming.KindCronJob {
		resp.Contribute(to, &kube.VolcanoCronJobFields{Spec: kube.VolcanoCronJobFieldsSpec{JobTemplate: kube.VolcanoJobFields{Spec: fields}}})
		return
	}
	resp.Contribute(to, &kube.VolcanoJobFields{Spec: fields})
}

func emit(resp *sdk.Response, secrets *workload.Secrets) {
	for i := range secrets.Objects {
		resp.Emit(&secrets.Objects[i])
	}
}
