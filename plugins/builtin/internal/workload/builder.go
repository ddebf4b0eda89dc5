// Package workload derives the pods of a workload, and what goes with them: the ConfigMaps and
// Secrets of its variables and files, and the claims of its volumes. Plugins that run pods in other
// objects than a Deployment derive them with it too.
package workload

import (
	"github.com/latticenet/lattice-host/abi/lattice"
	"github.com/latticenet/lattice-host/plugins/builtin/internal/naming"
	"github.com/latticenet/lattice-host/plugins/builtin/internal/subject"
	sdk "github.com/latticenet/lattice-host/plugins/sdk/go"
	"github.com/latticenet/lattice-host/plugins/sdk/go/kube"
)

// Builder derives the pods of one subject. Its errors and warnings go to the response.
type Builder struct {
	req     *sdk.Request
	resp    *sdk.Response
	subject subject.Subject
	// configs are the objects made of variables and files, in the order in which they enter the
	// config hash.
	configs configObjects
	volumes volumeSet
	pod     kube.PodTemplate
	// perReplica are the volumes of which each replica has its own: no volumes of the pod, but of
	// its set.
	perReplica []string
	// provided are the variables that the containers get from elsewhere.
	provided []string
}

// New returns a builder for a subject.
func New(req *sdk.Request, resp *sdk.Response, s subject.Subject) *Builder {
	return &Builder{req: req, resp: resp, subject: s}
}

// Provide says that the main containers get a variable which the document does not name.
func (b *Builder) Provide(variable string) { b.provided = append(b.provided, variable) }

// Pod returns the pod template. It may be changed until it is emitted as a part of another object.
func (b *Builder) Pod() *kube.PodTemplate {
	b.podTemplate()
	return &b.pod
}

// EmitAccount emits the service account of the pods.
func (b *Builder) EmitAccount() {
	b.resp.Emit(&kube.ServiceAccount{
		Object: kube.NewObject("v1", "ServiceAccount", b.meta(b.subject.Name)), AutomountServiceAccountToken: new(false),
	})
}

// Emit emits the claims, ConfigMaps and Secrets that the pods use.
func (b *Builder) Emit() {
	b.emitClaims()
	b.configs.emit(b.resp)
}

// meta returns the metadata of an object that goes with the subject.
func (b *Builder) meta(name string) kube.ObjectMeta {
	return kube.ObjectMeta{Name: name, Namespace: b.subject.Owner.Namespace, Labels: naming.Labels(b.subject.Name)}
}

// container is what the main containers and the sidecars have in common.
type container struct {
	lattice.Container
	name string
	// field is the path of the container in the document.
	field         string
	init, sidecar bool
	// first is true of the first main container.
	first bool
	// after are the init containers that run before this one.
	after []string
	// facts are variables with what is known only when the pod runs, and own those that the
	// document names.
	facts []fact
	own   []kube.EnvVar
}

// containers returns the main containers and then the sidecars, each sorted by name; init
// containers in the order in which they run.
func (b *Builder) containers() []container {
	main, sidecars := b.subject.Workload.Containers, b.subject.Runtime.Sidecars
	all := make([]container, 0, len(main)+len(sidecars))
	for i := range main {
		e := &main[i]
		all = append(all, container{Container: e.Value, name: e.Key, field: b.subject.Field + ".workload.containers." + e.Key, first: i == 0})
	}
	for i := range sidecars {
		s := &sidecars[i].Value
		all = append(all, container{
			Container: lattice.Container{
				Image: s.Image, Command: s.Command, Args: s.Args, WorkingDir: s.WorkingDir, Variables: s.Variables,
				Resources: s.Resources, Files: s.Files, Volumes: s.Volumes, LivenessProbe: s.LivenessProbe,
				ReadinessProbe: s.ReadinessProbe, StartupProbe: s.StartupProbe, Lifecycle: s.Lifecycle, Security: s.Security,
			},
			name: sidecars[i].Key, field: b.subject.Field + ".sidecars." + sidecars[i].Key, init: s.Init, after: s.After, sidecar: true,
		})
	}
	inOrder(all[len(main):])
	return all
}
