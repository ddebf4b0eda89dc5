package deployment

import (
	"slices"

	"github.com/latticenet/lattice-host/abi/lattice"
	"github.com/latticenet/lattice-host/plugins/builtin/internal/naming"
	"github.com/latticenet/lattice-host/plugins/sdk/go/kube"
)

// isSet reports whether a StatefulSet runs the pods, which have names or volumes of their own then.
func (d *derivation) isSet() bool { return naming.WorkloadKind(&d.svc.Spec) == naming.KindStatefulSet }

// emitStatefulSet emits the set, and the Service under which its pods have addresses of their own.
func (d *derivation) emitStatefulSet() {
	object := kube.StatefulSet{
		Object: kube.NewObject("apps/v1", "StatefulSet", d.meta(d.name)),
		Spec: kube.StatefulSetSpec{
			ServiceName:          d.emitPodsService(),
			Selector:             kube.LabelSelector{MatchLabels: naming.Selector(d.name)},
			Template:             *d.pod,
			VolumeClaimTemplates: d.pods.ClaimTemplates(),
		},
	}
	if d.svc.Spec.Autoscaling == nil {
		replicas := d.replicas()
		object.Spec.Replicas = &replicas
	}
	if claim := d.pods.OneNodeVolume(); claim != "" {
		d.warnOneNode(claim)
	}
	d.resp.Emit(&object)
}

// emitPodsService returns the name of the headless Service of a set: the service's own where it is
// headless, and else a second one, which is emitted. Pods are found through that one before they
// are ready, because they look for each other to become so.
func (d *derivation) emitPodsService() string {
	name, unready := naming.PodsService(d.name, &d.svc.Spec), true
	if name == d.name {
		return name
	}
	ports := d.svc.Spec.Workload.Service
	object := kube.Service{
		Object: kube.NewObject("v1", "Service", d.meta(name)),
		Spec:   kube.ServiceSpec{ClusterIP: "None", PublishNotReadyAddresses: &unready, Selector: naming.Selector(d.name)},
	}
	// Under the name of the service, monitoring would read its metrics a second time through this
	// one.
	object.Metadata.Labels = kube.Labels{
		{Key: naming.LabelManagedBy, Value: naming.ManagedBy}, {Key: naming.LabelPartOf, Value: d.name},
	}
	if ports != nil {
		for i := range ports.Ports {
			port := servicePort(ports.Ports[i].Key, &ports.Ports[i].Value)
			if port.TargetPort != nil {
				// Clients connect to the pods themselves, where only this port is.
				port.Port = port.TargetPort.Number
			}
			// Two ports may lead to one port of the pods, which is named once.
			if !slices.ContainsFunc(object.Spec.Ports, func(o kube.ServicePort) bool { return o.Port == port.Port && o.Protocol == port.Protocol }) {
				object.Spec.Ports = append(object.Spec.Ports, port)
			}
		}
	}
	d.resp.Emit(&object)
	return name
}

func isHeadless(ports *lattice.Ports) bool { return ports != nil && ports.ServiceType == "Headless" }
