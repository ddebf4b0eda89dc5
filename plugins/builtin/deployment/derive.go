// Package deployment derives what a service runs as: its ServiceAccount, Deployment, Service, PodDisruptionBudget,
// configuration and volumes.
package deployment

import (
	"github.com/latticenet/lattice-host/abi/lattice"
	"github.com/latticenet/lattice-host/plugins/builtin/internal/naming"
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
	// configs are the objects made of variables and files, in the order in which they enter the config hash.
	configs configObjects
	volumes volumeSet
	pod     kube.PodTemplate
}

func derive(req *sdk.Request, resp *sdk.Response) error {
	svc, err := req.Service()
	if err != nil {
		return err
	}
	d := &derivation{req: req, resp: resp, svc: svc, name: svc.Metadata.Name}
	if d.requirePeers() {
		return nil
	}
	d.podTemplate()
	if resp.Failed() {
		return nil
	}
	d.emitServiceAccount()
	d.emitClaims()
	d.configs.emit(resp)
	d.emitService()
	d.emitDisruptionBudget()
	d.emitDeployment()
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

// container is what the main containers and the sidecars have in common.
type container struct {
	lattice.Container
	name string
	// field is the path of the container in the document.
	field         string
	init, sidecar bool
}

// containers returns the main containers and then the sidecars, each sorted by name.
func (d *derivation) containers() []container {
	spec := &d.svc.Spec
	all := make([]container, 0, len(spec.Workload.Containers)+len(spec.Sidecars))
	for i := range spec.Workload.Containers {
		e := &spec.Workload.Containers[i]
		all = append(all, container{Container: e.Value, name: e.Key, field: "spec.workload.containers." + e.Key})
	}
	for i := range spec.Sidecars {
		s := &spec.Sidecars[i].Value
		all = append(all, container{
			Container: lattice.Container{
				Image: s.Image, Command: s.Command, Args: s.Args, WorkingDir: s.WorkingDir, Variables: s.Variables,
				Resources: s.Resources, Files: s.Files, Volumes: s.Volumes, LivenessProbe: s.LivenessProbe,
				ReadinessProbe: s.ReadinessProbe, StartupProbe: s.StartupProbe, Security: s.Security,
			},
			name: spec.Sidecars[i].Key, field: "spec.sidecars." + spec.Sidecars[i].Key, init: s.Init, sidecar: true,
		})
	}
	return all
}
