package deployment

import (
	"strings"

	"github.com/latticenet/lattice-host/abi/lattice"
	"github.com/latticenet/lattice-host/plugins/builtin/internal/naming"
	"github.com/latticenet/lattice-host/plugins/sdk/go/kube"
)

// Annotations and labels of Services.
const (
	labelGlobal         = "istio.io/global"
	annotationHostname  = "external-dns.alpha.kubernetes.io/hostname"
	annotationAWSType   = "service.beta.kubernetes.io/aws-load-balancer-type"
	annotationAWSAcross = "service.beta.kubernetes.io/aws-load-balancer-cross-zone-load-balancing-enabled"
)

func (d *derivation) emitServiceAccount() {
	automount := false
	d.resp.Emit(&kube.ServiceAccount{
		Object:                       kube.NewObject("v1", "ServiceAccount", d.meta(d.name)),
		AutomountServiceAccountToken: &automount,
	})
}

func (d *derivation) emitDeployment() {
	object := kube.Deployment{
		Object: kube.NewObject("apps/v1", "Deployment", d.meta(d.name)),
		Spec: kube.DeploymentSpec{
			Selector: kube.LabelSelector{MatchLabels: naming.Selector(d.name)},
			Strategy: &kube.DeploymentStrategy{Type: "RollingUpdate", RollingUpdate: d.rollingUpdate()},
			Template: d.pod,
		},
	}
	// With a scaler the number of replicas is the scaler's; setting it here too would undo its work at every apply.
	if d.svc.Spec.Autoscaling == nil {
		replicas := d.replicas()
		object.Spec.Replicas = &replicas
	}
	d.resp.Emit(&object)
}

func (d *derivation) rollingUpdate() *kube.RollingUpdate {
	if deploy := d.svc.Spec.Deploy; deploy != nil && deploy.Strategy == "canary" {
		// The API server takes text only as a percentage, so that none is the number 0.
		return &kube.RollingUpdate{MaxUnavailable: &kube.IntOrString{}, MaxSurge: &kube.IntOrString{Text: "100%"}}
	}
	quarter := kube.IntOrString{Text: "25%"}
	return &kube.RollingUpdate{MaxUnavailable: &quarter, MaxSurge: &quarter}
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
	if ports == nil {
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
		port := kube.ServicePort{
			Name: ports.Ports[i].Key, Port: ports.Ports[i].Value.Port, Protocol: protocol(&ports.Ports[i].Value),
		}
		if target := ports.Ports[i].Value.TargetPort; target != nil {
			port.TargetPort = &kube.IntOrString{Number: *target}
		}
		object.Spec.Ports = append(object.Spec.Ports, port)
	}
	d.resp.Emit(&object)
}

func protocol(p *lattice.Port) string {
	if p.Protocol == "" {
		return "TCP"
	}
	return p.Protocol
}

// emitClaims emits a claim for every volume that the service owns: those that state a size.
func (d *derivation) emitClaims() {
	for i := range d.svc.Spec.Workload.Resources {
		r := &d.svc.Spec.Workload.Resources[i]
		if r.Value.Type != "volume" || r.Value.Params == nil || r.Value.Params.Size == "" {
			continue
		}
		mode := r.Value.Params.AccessMode
		if mode == "" {
			mode = "ReadWriteOnce"
		}
		d.resp.Emit(&kube.PersistentVolumeClaim{
			Object: kube.NewObject("v1", "PersistentVolumeClaim", d.meta(d.claimName(r.Key, &r.Value))),
			Spec: kube.PersistentVolumeClaimSpec{
				AccessModes:      []string{mode},
				Resources:        kube.VolumeResources{Requests: kube.Labels{{Key: "storage", Value: r.Value.Params.Size}}},
				StorageClassName: r.Value.Params.StorageClass,
			},
		})
	}
}

// claimName returns the name of a volume's claim. A volume with an id is known by it to other services too.
func (d *derivation) claimName(resource string, r *lattice.Resource) string {
	if r.ID != "" {
		return "vol-" + r.ID
	}
	return d.name + "-" + resource
}
