package mesh

import (
	"slices"
	"strings"

	"github.com/latticenet/lattice-host/abi"
	"github.com/latticenet/lattice-host/abi/lattice"
	"github.com/latticenet/lattice-host/plugins/builtin/internal/naming"
	"github.com/latticenet/lattice-host/plugins/builtin/internal/subject"
	"github.com/latticenet/lattice-host/plugins/builtin/internal/training"
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
		setWorkload(m, w)
		if naming.WorkloadKind(&svc.Spec) == naming.KindStatefulSet {
			m.Spec.PodNames = naming.PodsService(name, &svc.Spec)
		}
	}
	AllowGateway(m, svc.Spec.Ingress)
	return m
}

// FromJob returns how the tasks of a job take part in the mesh, sorted by name. The tasks of a
// training talk to each other on ports that their framework chooses, which the tunnel of the mesh
// would slow: they are out of it, and closed to all others.
func FromJob(job *lattice.LatticeJob) []*lattice.LatticeMeshMember {
	var members []*lattice.LatticeMeshMember
	for _, s := range subject.OfJob(job) {
		m := newMember(lattice.ObjectMeta{Name: s.Name, Namespace: s.Owner.Namespace, Labels: naming.Labels(s.Name)})
		m.Spec.Target.Selector = naming.Selector(s.Name)
		if s.Workload != nil {
			setWorkload(m, s.Workload)
		}
		if len(m.Spec.Ports) > 0 && job.Spec.Schedule == "" {
			// The pods have names below that of the job; those of a schedule's jobs have the time
			// in them.
			m.Spec.PodNames = job.Metadata.Name
		}
		if t := job.Spec.Training; t != nil {
			m.Spec.Target.Selector = naming.Training(job.Metadata.Name)
			m.Spec.Ambient = new(false)
			m.Spec.AllowPeerTraffic = true
			m.Spec.PodNames = job.Metadata.Name
			if s.Task == t.CoordinatorTask {
				m.Spec.Ports = withPort(m.Spec.Ports, training.PortName, training.Port)
			}
		}
		members = append(members, m)
	}
	return members
}

// withPort adds a port, unless the member serves one of its number or name.
func withPort(ports []lattice.MemberPort, name string, port int64) []lattice.MemberPort {
	for i := range ports {
		if ports[i].Port == port || ports[i].Name == name {
			return ports
		}
	}
	return Insert(ports, lattice.MemberPort{Name: name, Port: port}, comparePortNames)
}

func comparePortNames(a, b lattice.MemberPort) int { return strings.Compare(a.Name, b.Name) }

// setWorkload fills in what a workload serves, who may call it, and whom it calls.
func setWorkload(m *lattice.LatticeMeshMember, w *lattice.Workload) {
	m.Spec.Ports = memberPorts(w.Service)
	m.Spec.AllowedCallers = callers(w, m.Metadata.Namespace)
	m.Spec.Dependencies = dependencies(w, m.Metadata.Namespace)
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

// Ref names the LatticeMeshMember of a service or task, which is called like that.
func Ref(namespace, name string) abi.Ref {
	return abi.Ref{APIVersion: lattice.APIVersion, Kind: lattice.KindMeshMember, Namespace: namespace, Name: name}
}

func newMember(meta lattice.ObjectMeta) *lattice.LatticeMeshMember {
	return &lattice.LatticeMeshMember{APIVersion: lattice.APIVersion, Kind: lattice.KindMeshMember, Metadata: meta}
}

// memberPorts returns the ports of the pods of a Service, sorted by name. Of several ports of the
// Service that lead to one of the pods the first is taken.
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
		ports = Insert(ports, port, comparePortNames)
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

// callers returns who may call a workload. Once everyone may, no one else needs to be named.
func callers(w *lattice.Workload, namespace string) []lattice.MemberRef {
	refs := serviceRefs(w, namespace, "inbound")
	for _, r := range refs {
		if r.Name == Any {
			return []lattice.MemberRef{{Name: Any}}
		}
	}
	return refs
}

// dependencies returns whom a workload calls. Only callers can stand for everyone.
func dependencies(w *lattice.Workload, namespace string) []lattice.MemberRef {
	return slices.DeleteFunc(serviceRefs(w, namespace, "outbound"), func(r lattice.MemberRef) bool { return r.Name == Any })
}

// serviceRefs returns the services that a workload's resources of one direction name.
func serviceRefs(w *lattice.Workload, namespace, direction string) []lattice.MemberRef {
	var refs []lattice.MemberRef
	resources := w.Resources
	for i := range resources {
		if r := &resources[i].Value; r.Type == "service" && Directed(r, direction) {
			refs = Insert(refs, lattice.MemberRef{
				Name: PeerName(resources[i].Key, r), Namespace: either(r.Namespace, namespace),
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
