// Package deployment derives what a service runs as: its ServiceAccount, Deployment, Service,
// PodDisruptionBudget, configuration and volumes.
package deployment

import (
	"github.com/latticenet/lattice-host/abi/lattice"
	"github.com/latticenet/lattice-host/plugins/builtin/internal/naming"
	"github.com/latticenet/lattice-host/plugins/builtin/internal/subject"
	"github.com/latticenet/lattice-host/plugins/builtin/internal/workload"
	sdk "github.com/latticenet/lattice-host/plugins/sdk/go"
	"github.com/latticenet/lattice-host/plugins/sdk/go/kube"
)

// Plugin returns the plugin.
func Plugin() *sdk.Plugin { return &sdk.Plugin{Derive: derive} }

// derivation is the work on one service.
type derivation struct {
	req  *sdk.Request
	resp *sdk.Response
	svc  *lattice.LatticeService
	// name is the service's, and that of most derived objects.
	name string
	pods *workload.Builder
	pod  *kube.PodTemplate
}

func derive(req *sdk.Request, resp *sdk.Response) error {
	svc, err := req.Service()
	if err != nil {
		return err
	}
	d := &derivation{req: req, resp: resp, svc: svc, name: svc.Metadata.Name}
	d.pods = workload.New(req, resp, subject.OfService(svc))
	if d.pods.Waits() {
		return nil
	}
	d.pod = d.pods.Pod()
	d.applyTLS()
	d.applyTopology()
	d.applyBackup()
	if resp.Failed() {
		return nil
	}
	d.pods.EmitAccount()
	d.pods.Emit()
	d.emitService()
	d.emitDisruptionBudget()
	d.emitPodGroup()
	if d.isSet() {
		d.emitStatefulSet()
	} else {
		d.emitDeployment()
	}
	return nil
}

// meta returns the metadata of an object that goes with the service.
func (d *derivation) meta(name string) kube.ObjectMeta {
	return naming.Meta(&d.svc.Metadata, name)
}

func (d *derivation) replicas() int64 {
	if d.svc.Spec.Replicas == nil {
		return 1
	}
	return *d.svc.Spec.Replicas
}
