package mesh

import (
	"slices"
	"strings"

	"github.com/latticenet/lattice-host/abi"
	"github.com/latticenet/lattice-host/abi/lattice"
	"github.com/latticenet/lattice-host/plugins/builtin/internal/naming"
)

// Any is the name that means every caller.
const Any = "*"

// FromService returns how a service takes part in the mesh. Its egress is left to another step.
func FromService(svc *lattice.LatticeService) *lattice.LatticeMeshMember {
	name, namespace := svc.Metadata.Name, svc.Metadata.Namespace
	m := newMember(lattice.ObjectMeta{Name: name, Namespace: namespace, Labels: naming.Labels(name)})
	m.Spec.Target.Selector = naming.Selector(name)
	m.Spec.Advertise = svc.Spec.Advertise
	if w := svc.Spec.Workload; w != nil {
		m.Spec.Ports = memberPorts(w.Service)
		m.Spec.AllowedCallers = callers(svc)
		m.Spec.Dependencies = dependencies(svc)
		if naming.WorkloadKind(&svc.Spec) == naming.KindStatefulSet {
			m.Spec.PodNames = naming.PodsService(name, &svc.Spec)
		}
	}
	AllowGateway(m, svc.Spec.Ingress)
	return m
}

// AllowGateway lets the ingress Gateway of the namespace call a member that has routes.
func AllowGateway(m *lattice.LatticeMeshMember, in *lattice.Ingress) {
	if in == nil || len(in.Routes) == 0 {
		return
	}
	namespace := m.Metadata.Namespace
	gateway := lattice.MemberRef{Name: IngressAccount(namespace, in.GatewayClass), Namespace: namespace}
	if !slices.Contains(m.Spec.AllowedCallers, gateway) {
		m.Spec.AllowedCallers = Insert(m.Spec.AllowedCallers, gateway, CompareRefs)
	}
}

// Ref names the LatticeMeshMember of a service, which is called like the service.
func Ref(service *lattice.ObjectMeta) abi.Ref {
	return abi.Ref{
		APIVersion: lattice.APIVersion, Kind: lattice.KindMeshMember, Namespace: service.Namespace, Name: service.Name,
	}
}

func newMember(meta lattice.ObjectMeta) *lattice.LatticeMeshMember {
	return &lattice.LatticeMeshMember{APIVersion: lattice.APIVersion, Kind: lattice.KindMeshMember, Metadata: meta}
}

// memberPorts returns the ports of the pods of a Service, sorted by name. Of several ports of the Service that lead to one
// of the pods the first is taken.
func memberPorts(served *lattice.Ports) []lattice.MemberPort {
	if served == nil {
		return nil
	}
	peerAuth, external := "", OutsideCluster(served)
	if external {
		// Callers from outside the cluster have no identity in the mesh.
		peerAuth = Permissive
	}
	var ports []lattice.MemberPort
	for _, p := range served.Ports {
		port := lattice.MemberPort{Name: p.Key, Port: p.Value.Port, PeerAuth: peerAuth, External: external}
		if p.Value.Protocol != TCP {
			port.Protocol = p.Value.Protocol
		}
		if p.Value.TargetPort != nil {
			port.Port, port.ServicePort = *p.Value.TargetPort, &p.Value.Port
		}
		ports = Insert(ports, port, func(a, b lattice.MemberPort) int { return strings.Compare(a.Name, b.Name) })
	}
	seen := make([]Port, 0, len(ports))
	return slices.DeleteFunc(ports, func(p lattice.MemberPort) bool {
		at := Port{p.Port, p.Protocol}
		if slices.Contains(seen, at) {
			return true
		}
		seen = append(seen, at)
		return false
	})
}

// OutsideCluster reports whether a Service is reached from outside the cluster.
func OutsideCluster(served *lattice.Ports) bool {
	return served.ServiceType == "NodePort" || served.ServiceType == "LoadBalancer"
}

// callers returns who may call a service. Once everyone may, no one else needs to be named.
func callers(svc *lattice.LatticeService) []lattice.MemberRef {
	refs := serviceRefs(svc, "inbound")
	for _, r := range refs {
		if r.Name == Any {
			return []lattice.MemberRef{{Name: Any}}
		}
	}
	return refs
}

// dependencies returns whom a service calls. Only callers can stand for everyone.
func dependencies(svc *lattice.LatticeService) []lattice.MemberRef {
	return slices.DeleteFunc(serviceRefs(svc, "outbound"), func(r lattice.MemberRef) bool { return r.Name == Any })
}

// serviceRefs returns the services that a service's resources of one direction name.
func serviceRefs(svc *lattice.LatticeService, direction string) []lattice.MemberRef {
	var refs []lattice.MemberRef
	resources := svc.Spec.Workload.Resources
	for i := range resources {
		if r := &resources[i].Value; r.Type == "service" && Directed(r, direction) {
			refs = Insert(refs, lattice.MemberRef{
				Name: PeerName(resources[i].Key, r), Namespace: either(r.Namespace, svc.Metadata.Namespace),
			}, CompareRefs)
		}
	}
	return refs
}

// PeerName returns the name of the service that a service resource refers to.
func PeerName(key string, r *lattice.Resource) string { return either(r.ID, key) }

// Directed reports whether a resource has a direction, outbound or inbound.
func Directed(r *lattice.Resource, direction string) bool {
	actual := either(r.Direction, "outbound")
	return actual == direction || actual == "both"
}

func either(a, b string) string {
	if a != "" {
		return a
	}
	return b
}
