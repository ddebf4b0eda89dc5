package resource

import (
	"cmp"
	"slices"
	"strings"

	"github.com/latticenet/lattice-host/abi/cbor"
	"github.com/latticenet/lattice-host/abi/lattice"
)

// The features of a LatticeService. Each one that a document uses must be covered by a step of its
// pipeline.
const (
	// FeatureWorkload is the containers themselves; every service has it.
	FeatureWorkload = "workload"
	// FeatureServicePorts is workload.service.
	FeatureServicePorts = "service-ports"
	// FeatureAutoscaling is spec.autoscaling.
	FeatureAutoscaling = "autoscaling"
	// FeatureBackup is spec.backup.
	FeatureBackup = "backup"
	// FeatureTopology is spec.topology.
	FeatureTopology = "topology"
	// FeatureMetrics is spec.observability.metrics.
	FeatureMetrics = "metrics"
	// FeatureTLS is workload.service.tls.
	FeatureTLS = "tls"
	// FeaturePublicDNS is workload.service.publishDns.
	FeaturePublicDNS = "public-dns"
	// FeatureSecrets is a secret resource, and each variable, file and envFrom that uses one.
	FeatureSecrets = "secrets"
	// FeatureImagePullSecrets is spec.imagePullSecrets.
	FeatureImagePullSecrets = "image-pull-secrets"
	// FeatureExternalServices is a resource of type external-service.
	FeatureExternalServices = "external-services"
	// FeatureVolumes is a resource of type volume.
	FeatureVolumes = "volumes"
	// FeatureGPU is a resource of type gpu.
	FeatureGPU = "gpu"
	// FeatureAllowedBinaries is security.allowedBinaries of a container or sidecar.
	FeatureAllowedBinaries = "allowed-binaries"
	// FeatureExistingObjects is a resource of type existing-secret or existing-configmap.
	FeatureExistingObjects = "existing-objects"
	// FeatureCustomResources is a resource of a type that the platform does not know.
	FeatureCustomResources = "custom-resources"
	// FeatureCanary is spec.deploy.canary.
	FeatureCanary = "canary"
)

// The features that a LatticeService and a LatticeMeshMember share.
const (
	// FeatureMesh is a resource of type service; every LatticeMeshMember has it.
	FeatureMesh = "mesh"
	// FeatureIngress is spec.ingress.
	FeatureIngress = "ingress"
	// FeatureAdvertise is spec.advertise.
	FeatureAdvertise = "advertise"
)

// The features that only a LatticeJob has.
const (
	// FeatureSchedule is spec.schedule.
	FeatureSchedule = "schedule"
	// FeatureTraining is spec.training.
	FeatureTraining = "training"
)

// FeatureEgress is spec.egress of a LatticeMeshMember.
const FeatureEgress = "egress"

// FeatureSecretStore is what every SecretProvider is.
const FeatureSecretStore = "secret-store"

// Feature is one use of something that a step of the pipeline must cover.
type Feature struct {
	// Name is one of the Feature constants.
	Name string
	// Field is the path of the place that uses it.
	Field string
}

type features []Feature

// sorted returns the features by name and field, each once, in as little memory as they take.
func (f features) sorted() []Feature {
	slices.SortFunc(f, func(a, b Feature) int { return cmp.Or(cmp.Compare(a.Name, b.Name), cmp.Compare(a.Field, b.Field)) })
	return slices.Clip(slices.Clone(slices.Compact(f)))
}

// use notes a feature when it is used.
func (f *features) use(used bool, name, field string) {
	if used {
		*f = append(*f, Feature{name, field})
	}
}

func (f *features) member(s *lattice.MemberSpec) {
	f.use(true, FeatureMesh, "spec")
	f.use(len(s.Egress) > 0, FeatureEgress, "spec.egress")
	f.use(s.Ingress != nil, FeatureIngress, fieldIngress)
	f.use(s.Advertise != nil, FeatureAdvertise, "spec.advertise")
}

func (f *features) service(s *lattice.ServiceSpec) {
	f.use(s.Autoscaling != nil, FeatureAutoscaling, "spec.autoscaling")
	f.use(s.Backup != nil, FeatureBackup, "spec.backup")
	f.use(s.Ingress != nil, FeatureIngress, fieldIngress)
	f.use(s.Advertise != nil, FeatureAdvertise, "spec.advertise")
	f.use(s.Topology != nil, FeatureTopology, "spec.topology")
	f.use(s.Observability != nil && s.Observability.Metrics != nil, FeatureMetrics, "spec.observability.metrics")
	f.use(s.Deploy != nil && s.Deploy.Canary != nil, FeatureCanary, "spec.deploy.canary")
	f.workload(inSpec, s.Workload, &s.Runtime)
}

func (f *features) job(s *lattice.JobSpec) {
	f.use(s.Schedule != "", FeatureSchedule, "spec.schedule")
	f.use(s.Topology != nil, FeatureTopology, "spec.topology")
	f.use(s.Training != nil, FeatureTraining, "spec.training")
	for i := range s.Tasks {
		f.workload(fieldTask(s.Tasks[i].Key), s.Tasks[i].Value.Workload, &s.Tasks[i].Value.Runtime)
	}
}

// workload notes what one kind of pod uses.
func (f *features) workload(in place, w *lattice.Workload, r *lattice.Runtime) {
	f.use(true, FeatureWorkload, in.field("workload"))
	f.use(len(r.ImagePullSecrets) > 0, FeatureImagePullSecrets, in.field("imagePullSecrets"))
	if p := w.Service; p != nil {
		f.use(true, FeatureServicePorts, in.service())
		f.use(p.TLS != nil, FeatureTLS, in.service()+".tls")
		f.use(p.PublishDNS, FeaturePublicDNS, in.service()+".publishDns")
	}
	for _, e := range w.Resources {
		f.use(true, featureOf(e.Value.Type), in.resources()+"."+e.Key)
	}
	for _, c := range w.Containers {
		field := in.containers() + "." + c.Key
		f.container(field, c.Value.Variables, c.Value.Files, c.Value.Security, w.Resources)
		f.use(slices.ContainsFunc(c.Value.EnvFrom, func(name string) bool { return isSecret(w.Resources.Get(name)) }), FeatureSecrets, field+".envFrom")
	}
	for _, c := range r.Sidecars {
		f.container(in.sidecars()+"."+c.Key, c.Value.Variables, c.Value.Files, c.Value.Security, w.Resources)
	}
}

// featureOf returns the feature that a resource of a type needs.
func featureOf(resourceType string) string {
	switch resourceType {
	case typeService:
		return FeatureMesh
	case typeExternalService:
		return FeatureExternalServices
	case typeVolume:
		return FeatureVolumes
	case typeSecret:
		return FeatureSecrets
	case typeGPU:
		return FeatureGPU
	case typeExistingSecret, typeExistingConfig:
		return FeatureExistingObjects
	}
	return FeatureCustomResources
}

func (f *features) container(field string, variables cbor.Map[string], files cbor.Map[lattice.File], s *lattice.Security, resources cbor.Map[lattice.Resource]) {
	for _, e := range variables {
		f.use(refersToSecret(e.Value, resources), FeatureSecrets, field+".variables."+e.Key)
	}
	for _, e := range files {
		f.use(!e.Value.NoExpand && refersToSecret(e.Value.Content, resources), FeatureSecrets, field+".files."+e.Key+".content")
	}
	f.use(s != nil && len(s.AllowedBinaries) > 0, FeatureAllowedBinaries, field+".security.allowedBinaries")
}

func isSecret(r *lattice.Resource) bool { return r != nil && r.Type == typeSecret }

// refersToSecret reports whether a template refers to a secret. An escaped reference counts too:
// which escapes hold depends on the step that expands the template, and a secret that no step
// covers must not pass unnoticed.
func refersToSecret(template string, resources cbor.Map[lattice.Resource]) bool {
	if strings.Contains(template, "${secret.") {
		return true
	}
	for rest := template; ; {
		_, after, ok := strings.Cut(rest, "${resources.")
		if !ok {
			return false
		}
		name, _, _ := strings.Cut(after, ".")
		if r := resources.Get(name); r != nil && r.Type == typeSecret {
			return true
		}
		rest = after
	}
}
