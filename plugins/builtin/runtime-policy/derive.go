// Package runtimepolicy derives what ends programs that a service, or a task of a job, does not
// allow.
package runtimepolicy

import (
	"errors"
	"strconv"

	"github.com/latticenet/lattice-host/abi/lattice"
	"github.com/latticenet/lattice-host/plugins/builtin/internal/binaries"
	"github.com/latticenet/lattice-host/plugins/builtin/internal/naming"
	"github.com/latticenet/lattice-host/plugins/builtin/internal/subject"
	"github.com/latticenet/lattice-host/plugins/builtin/internal/training"
	sdk "github.com/latticenet/lattice-host/plugins/sdk/go"
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
		deriveService(resp, svc)
		return nil
	case lattice.KindJob:
		job, err := req.Job()
		if err != nil {
			return err
		}
		deriveJob(resp, job)
		return nil
	default:
		return errors.New("runtime-policy derives from LatticeService and LatticeJob, not from " + strconv.Quote(kind) +
			"; use it in the pipeline of one of these kinds")
	}
}

func deriveService(resp *sdk.Response, svc *lattice.LatticeService) {
	set := binaries.Of("spec", svc.Spec.Workload, &svc.Spec.Runtime)
	if svc.Spec.Backup != nil && svc.Spec.Backup.Hooks != nil {
		for i, hook := range svc.Spec.Backup.Hooks.Pre {
			set.Command("spec.backup.hooks.pre."+strconv.Itoa(i)+".command.0", hook.Command)
		}
		for i, hook := range svc.Spec.Backup.Hooks.Post {
			set.Command("spec.backup.hooks.post."+strconv.Itoa(i)+".command.0", hook.Command)
		}
	}
	emit(resp, set, &svc.Metadata, svc.Metadata.Name)
}

func deriveJob(resp *sdk.Response, job *lattice.LatticeJob) {
	for _, s := range subject.OfJob(job) {
		set := binaries.Of(s.Field, s.Workload, s.Runtime)
		if job.Spec.Training != nil {
			// What gives the program its rank.
			set.Command("spec.training", []string{training.Shell})
		}
		emit(resp, set, s.Owner, s.Name)
	}
}

// emit emits a policy where pods are limited to some programs, and every program of theirs is
// known. Where it is not, the gate asks whether the pods may start anything.
func emit(resp *sdk.Response, set *binaries.Set, owner *lattice.ObjectMeta, pods string) {
	if set.Limited() {
		set.Check(resp)
		resp.Emit(set.Policy(naming.ObjectMeta(owner, "allow-binaries-"+pods, pods), naming.Selector(pods)))
	}
}
