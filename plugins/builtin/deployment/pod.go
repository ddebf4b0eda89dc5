package deployment

import (
	"github.com/latticenet/lattice-host/plugins/builtin/internal/naming"
	"github.com/latticenet/lattice-host/plugins/sdk/go/kube"
)

// nobody owns the files of volumes, unless a container runs as root.
const nobody = 65534

func (d *derivation) podTemplate() {
	spec := &d.pod.Spec
	runtime := &d.svc.Spec.Runtime
	d.pod.Metadata.Labels = naming.Labels(d.name)
	spec.ServiceAccountName = d.name
	automount := false
	spec.AutomountServiceAccountToken = &automount
	if runtime.AutomountServiceAccountToken != nil {
		spec.AutomountServiceAccountToken = runtime.AutomountServiceAccountToken
	}
	spec.HostNetwork = runtime.HostNetwork
	spec.ShareProcessNamespace = runtime.ShareProcessNamespace
	spec.TopologySpreadConstraints = []kube.TopologySpreadConstraint{{
		MaxSkew: 1, TopologyKey: spreadKey(d.req.Platform.Provider), WhenUnsatisfiable: "ScheduleAnyway",
		LabelSelector: kube.LabelSelector{MatchLabels: naming.Selector(d.name)},
	}}
	all := d.containers()
	spec.SecurityContext = d.podSecurity(all)
	for i := range all {
		c := d.container(&all[i])
		// On the node's network a port belongs to one container only.
		if i == 0 || runtime.HostNetwork == nil || !*runtime.HostNetwork {
			c.Ports = d.containerPorts(&all[i])
		}
		if all[i].init {
			spec.InitContainers = append(spec.InitContainers, c)
		} else {
			spec.Containers = append(spec.Containers, c)
		}
	}
	d.applyGPU()
	d.applySharedVolumes()
	d.applyBackup()
	spec.Volumes = d.volumes
	d.pod.Metadata.Annotations.Set(naming.AnnotationConfigHash, d.configs.hash())
}

// spreadKey returns the topology that pods are spread over: zones where the provider has them.
func spreadKey(provider string) string {
	switch provider {
	case "aws", "gcp", "azure":
		return "topology.kubernetes.io/zone"
	}
	return "kubernetes.io/hostname"
}

func (d *derivation) podSecurity(all []container) *kube.PodSecurityContext {
	nonRoot, group := true, int64(nobody)
	for i := range all {
		if runsAsRoot(all[i].Security) {
			nonRoot = false
		}
		if s := all[i].Security; s != nil && s.RunAsUser != nil && *s.RunAsUser == 0 {
			group = 0
		}
	}
	security := &kube.PodSecurityContext{
		RunAsNonRoot: &nonRoot, FSGroup: &group, FSGroupChangePolicy: "OnRootMismatch",
		SeccompProfile: &kube.ProfileSetting{Type: runtimeDefault},
	}
	for i := range d.svc.Spec.Sysctls {
		e := &d.svc.Spec.Sysctls[i]
		security.Sysctls = append(security.Sysctls, kube.Sysctl{Name: e.Key, Value: e.Value})
	}
	return security
}
