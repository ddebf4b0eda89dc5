package workload

import (
	"strings"

	"github.com/latticenet/lattice-host/plugins/builtin/internal/naming"
	"github.com/latticenet/lattice-host/plugins/sdk/go/kube"
)

// nobodyID is the group of the files in volumes, unless a container runs as root.
const nobodyID = 65534

func (b *Builder) podTemplate() {
	spec := &b.pod.Spec
	runtime := b.subject.Runtime
	b.pod.Metadata.Labels = naming.Labels(b.subject.Name)
	spec.ServiceAccountName = b.subject.Name
	automount := false
	spec.AutomountServiceAccountToken = &automount
	if runtime.AutomountServiceAccountToken != nil {
		spec.AutomountServiceAccountToken = runtime.AutomountServiceAccountToken
	}
	// Variables of every service of the namespace: they clash with the workload's own, and slow the
	// start of pods.
	spec.EnableServiceLinks = new(false)
	spec.HostNetwork = runtime.HostNetwork
	if runtime.HostNetwork != nil && *runtime.HostNetwork {
		// Otherwise the node's resolver answers, which knows no service.
		spec.DNSPolicy = "ClusterFirstWithHostNet"
	}
	// A name with a dot is looked up as it is first. The policies of Cilium allow whole names,
	// refuse those with a search domain appended, and musl gives up after the first refusal
	// (cilium/cilium#11034).
	spec.DNSConfig = &kube.DNSConfig{Options: []kube.DNSOption{{Name: "ndots", Value: "1"}}}
	spec.ShareProcessNamespace = runtime.ShareProcessNamespace
	spec.TerminationGracePeriodSeconds = runtime.TerminationGracePeriodSeconds
	spec.TopologySpreadConstraints = []kube.TopologySpreadConstraint{{
		MaxSkew: 1, TopologyKey: spreadKey(b.req.Platform.Provider), WhenUnsatisfiable: "ScheduleAnyway",
		LabelSelector: kube.LabelSelector{MatchLabels: naming.Selector(b.subject.Name)},
	}}
	all := b.containers()
	b.warnOrder(all)
	b.warnToken()
	b.placement()
	spec.SecurityContext = b.podSecurity(all)
	for i := range all {
		c := b.container(&all[i])
		if all[i].init {
			spec.InitContainers = append(spec.InitContainers, c)
		} else {
			spec.Containers = append(spec.Containers, c)
		}
	}
	b.applyGPU()
	b.applySharedVolumes()
	b.pod.Metadata.Annotations.Set(naming.AnnotationConfigHash, b.configs.hash())
}

// placement says on which nodes the document wants the pods.
func (b *Builder) placement() {
	runtime, spec := b.subject.Runtime, &b.pod.Spec
	for i := range runtime.NodeSelector {
		spec.NodeSelector.Set(runtime.NodeSelector[i].Key, runtime.NodeSelector[i].Value)
	}
	for i := range runtime.Tolerations {
		t := &runtime.Tolerations[i]
		spec.Tolerations = append(spec.Tolerations, kube.Toleration{
			Key: t.Key, Operator: t.Operator, Value: t.Value, Effect: t.Effect, TolerationSeconds: t.TolerationSeconds,
		})
	}
}

// warnToken warns about a token that opens nothing: rights on the Kubernetes API are not part of
// the document.
func (b *Builder) warnToken() {
	if on := b.subject.Runtime.AutomountServiceAccountToken; on == nil || !*on {
		return
	}
	server := "; without a resource of type external-service with the id entity:kube-apiserver:443, the network policy closes the way to the API server too"
	for i := range b.subject.Workload.Resources {
		r := &b.subject.Workload.Resources[i].Value
		switch r.Type {
		case "external-service":
			if strings.HasPrefix(r.ID, "entity:kube-apiserver") || strings.HasPrefix(r.ID, "entity:cluster") || strings.HasPrefix(r.ID, "entity:all") {
				server = ""
			}
		case "service", "volume", "secret", "gpu", "existing-secret", "existing-configmap":
		default:
			// A plugin covers it, which may give rights.
			return
		}
	}
	b.resp.Warn(b.subject.Field+".automountServiceAccountToken", "the service account has no rights on the Kubernetes API, so that its token opens "+
		"nothing; a resource of a custom type that a plugin covers can give them, or bind a Role to the service account "+b.subject.Name+" by other means"+server)
}

// spreadKey returns the topology that pods are spread over: zones where the provider has them.
func spreadKey(provider string) string {
	switch provider {
	case "aws", "gcp", "azure":
		return "topology.kubernetes.io/zone"
	}
	return "kubernetes.io/hostname"
}

func (b *Builder) podSecurity(all []container) *kube.PodSecurityContext {
	nonRoot, group := true, int64(nobodyID)
	for i := range all {
		if runsAsRoot(all[i].Security) {
			nonRoot = false
		}
		if s := all[i].Security; s != nil && s.RunAsUser != nil && *s.RunAsUser == 0 {
			group = 0
		}
	}
	runtime := b.subject.Runtime
	if runtime.FSGroup != nil {
		group = *runtime.FSGroup
	}
	policy := runtime.FSGroupChangePolicy
	if policy == "" {
		policy = "OnRootMismatch"
	}
	security := &kube.PodSecurityContext{
		RunAsNonRoot: &nonRoot, FSGroup: &group, FSGroupChangePolicy: policy,
		SeccompProfile: &kube.ProfileSetting{Type: runtimeDefault},
	}
	for i := range runtime.Sysctls {
		e := &runtime.Sysctls[i]
		security.Sysctls = append(security.Sysctls, kube.Sysctl{Name: e.Key, Value: e.Value})
	}
	return security
}
