package deployment

import (
	"strings"

	"github.com/latticenet/lattice-host/abi/lattice"
	"github.com/latticenet/lattice-host/plugins/builtin/internal/naming"
	"github.com/latticenet/lattice-host/plugins/builtin/internal/workload"
	"github.com/latticenet/lattice-host/plugins/sdk/go/kube"
)

// Annotations and labels of Services.
const (
	labelGlobal         = "istio.io/global"
	annotationPodGroup  = "scheduling.volcano.sh/group-name"
	annotationHostname  = "external-dns.alpha.kubernetes.io/hostname"
	annotationAWSType   = "service.beta.kubernetes.io/aws-load-balancer-type"
	annotationAWSAcross = "service.beta.kubernetes.io/aws-load-balancer-cross-zone-load-balancing-enabled"
)

func (d *derivation) emitDeployment() {
	object := kube.Deployment{
		Object: kube.NewObject("apps/v1", "Deployment", d.meta(d.name)),
		Spec: kube.DeploymentSpec{
			Selector: kube.LabelSelector{MatchLabels: naming.Selector(d.name)},
			Strategy: d.strategy(),
			Template: *d.pod,
		},
	}
	// With a scaler the number of replicas is the scaler's; setting it here too would undo its work
	// at every apply.
	if d.svc.Spec.Autoscaling == nil {
		replicas := d.replicas()
		object.Spec.Replicas = &replicas
	}
	d.resp.Emit(&object)
}

// strategy returns how pods are replaced. Where they mount a claim of one node, the old pod has to
// give it up first: a new one on another node would wait for it forever.
func (d *derivation) strategy() *kube.DeploymentStrategy {
	deploy := d.svc.Spec.Deploy
	canary := deploy != nil && deploy.Strategy == "canary"
	if claim := d.pods.OneNodeVolume(); claim != "" {
		if canary {
			d.resp.Error("spec.deploy.strategy", "a canary runs next to the pods that it replaces, but the volume "+claim+
				" can be mounted on one node only; set its accessMode to ReadWriteMany, or use the strategy rolling")
		}
		d.warnOneNode(claim)
		return &kube.DeploymentStrategy{Type: "Recreate"}
	}
	if deploy != nil && deploy.Strategy == "recreate" {
		return &kube.DeploymentStrategy{Type: "Recreate"}
	}
	return &kube.DeploymentStrategy{Type: "RollingUpdate", RollingUpdate: rollingUpdate(canary)}
}

// warnOneNode warns about replicas that all mount a volume of one node.
func (d *derivation) warnOneNode(claim string) {
	if d.svc.Spec.Autoscaling != nil || d.replicas() > 1 {
		d.resp.Warn("spec.workload.resources."+claim+".params.accessMode", "all replicas mount one volume that only one node can mount, "+
			"so those on other nodes never start; set perReplica: true to give each replica a volume of its own, set accessMode to "+
			"ReadWriteMany if the storage has it, or run one replica")
	}
}

func rollingUpdate(canary bool) *kube.RollingUpdate {
	if canary {
		// The API server takes text only as a percentage, so that none is the number 0.
		return &kube.RollingUpdate{MaxUnavailable: &kube.IntOrString{}, MaxSurge: &kube.IntOrString{Text: "100%"}}
	}
	quarter := kube.IntOrString{Text: "25%"}
	return &kube.RollingUpdate{MaxUnavailable: &quarter, MaxSurge: &quarter}
}

// emitPodGroup emits what Volcano reads the topology from; the pods name it. One pod is enough to
// start: a service grows and shrinks, and does not wait until all its pods can be placed.
func (d *derivation) emitPodGroup() {
	topology := d.svc.Spec.Topology
	if topology == nil {
		return
	}
	d.resp.Emit(&kube.PodGroup{
		Object: kube.NewObject("scheduling.volcano.sh/v1beta1", "PodGroup", d.meta(d.name)),
		Spec:   kube.PodGroupSpec{MinMember: 1, NetworkTopology: workload.NetworkTopology(topology)},
	})
}

// applyTopology hands the pods to Volcano.
func (d *derivation) applyTopology() {
	if d.svc.Spec.Topology == nil {
		return
	}
	d.pod.Spec.SchedulerName = workload.Volcano
	d.pod.Metadata.Annotations.Set(annotationPodGroup, d.name)
}

func (d *derivation) emitDisruptionBudget() {
	replicas := d.replicas()
	if replicas < 2 {
		return
	}
	d.resp.Emit(&kube.PodDisruptionBudget{
		Object: kube.NewObject("policy/v1", "PodDisruptionBudget", d.meta(d.name)),
		Spec: kube.PodDisruptionBudgetSpec{
			MinAvailable: &kube.IntOrString{Number: replicas - 1},
			Selector:     kube.LabelSelector{MatchLabels: naming.Selector(d.name)},
		},
	})
}

func (d *derivation) emitService() {
	ports := d.svc.Spec.Workload.Service
	// A Service has at least one port.
	if ports == nil || len(ports.Ports) == 0 {
		return
	}
	object := kube.Service{
		Object: kube.NewObject("v1", "Service", d.meta(d.name)),
		Spec:   kube.ServiceSpec{Selector: naming.Selector(d.name)},
	}
	external := ports.ServiceType == "NodePort" || ports.ServiceType == "LoadBalancer"
	if external {
		object.Spec.Type = ports.ServiceType
	}
	if isHeadless(ports) {
		object.Spec.ClusterIP = "None"
	}
	if d.svc.Spec.Advertise != nil {
		object.Metadata.Labels.Set(labelGlobal, "true")
	}
	if external && ports.PublishDNS && len(ports.Hostnames) > 0 {
		object.Metadata.Annotations.Set(annotationHostname, strings.Join(ports.Hostnames, ","))
	}
	if ports.ServiceType == "LoadBalancer" && d.req.Platform.Provider == "aws" {
		object.Metadata.Annotations.Set(annotationAWSType, "nlb")
		object.Metadata.Annotations.Set(annotationAWSAcross, "true")
	}
	for i := range ports.Ports {
		object.Spec.Ports = append(object.Spec.Ports, servicePort(ports.Ports[i].Key, &ports.Ports[i].Value))
	}
	d.resp.Emit(&object)
}

func servicePort(name string, p *lattice.Port) kube.ServicePort {
	port := kube.ServicePort{Name: name, Port: p.Port, Protocol: workload.Protocol(p)}
	if p.TargetPort != nil {
		port.TargetPort = &kube.IntOrString{Number: *p.TargetPort}
	}
	return port
}
