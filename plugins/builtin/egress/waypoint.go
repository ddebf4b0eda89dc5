package egress

import (
	"slices"
	"strconv"
	"strings"

	"github.com/latticenet/lattice-host/abi/lattice"
	"github.com/latticenet/lattice-host/plugins/builtin/internal/mesh"
	"github.com/latticenet/lattice-host/plugins/builtin/internal/naming"
	sdk "github.com/latticenet/lattice-host/plugins/sdk/go"
	"github.com/latticenet/lattice-host/plugins/sdk/go/kube"
)

// The label that makes a service use a waypoint, and the one on a waypoint that says what it is
// for.
const (
	labelUseWaypoint = "istio.io/use-waypoint"
	labelWaypointFor = "istio.io/waypoint-for"
	forServices      = "service"
)

// waypoint is the traffic of one member that passes its namespace's waypoint, by target.
type waypoint struct{ destinations []destination }

// destination is one target with the ports of all its rules. Istio wants one ServiceEntry a host.
type destination struct {
	target
	// ports are all that the member may use.
	ports []int64
	// entries are the ports of the ServiceEntry, sorted by number.
	entries []kube.ServiceEntryPort
}

// name is what the names of a target's objects are derived from: the host name, the address or the
// block.
func (t *target) name() string {
	switch {
	case t.FQDN != "":
		return t.FQDN
	case t.block.single():
		return t.block.address.String()
	}
	return t.CIDR
}

func (w *waypoint) add(t *target, ports []int64, protocol string) {
	at := slices.IndexFunc(w.destinations, func(d destination) bool { return d.EgressTarget == t.EgressTarget })
	if at < 0 {
		at = len(w.destinations)
		w.destinations = append(w.destinations, destination{target: *t})
	}
	d := &w.destinations[at]
	for _, port := range ports {
		d.ports = mesh.Insert(d.ports, port, mesh.ComparePorts)
		d.addEntry(port, protocol)
	}
}

// addEntry adds a port to the ServiceEntry, which can name a number once. Where a number is used
// with both protocols TCP stays: the mesh carries nothing else, and the network policy allows both.
func (d *destination) addEntry(port int64, protocol string) {
	entry := entryPort(port, protocol)
	for i := range d.entries {
		if d.entries[i].Number == port {
			if protocol == mesh.TCP {
				d.entries[i] = entry
			}
			return
		}
	}
	d.entries = mesh.Insert(d.entries, entry, func(a, b kube.ServiceEntryPort) int {
		return mesh.ComparePorts(a.Number, b.Number)
	})
}

func entryPort(port int64, protocol string) kube.ServiceEntryPort {
	switch {
	case protocol == mesh.UDP:
	case port == 443:
		protocol = "HTTPS"
	case port == 80:
		protocol = "HTTP"
	}
	return kube.ServiceEntryPort{
		Number: port, Name: strings.ToLower(protocol) + "-" + strconv.FormatInt(port, 10), Protocol: protocol,
	}
}

// emit emits the objects of every destination, and the waypoint when there is one.
func (w *waypoint) emit(resp *sdk.Response, m *lattice.LatticeMeshMember, trustDomain string) {
	if len(w.destinations) == 0 {
		return
	}
	namespace := m.Metadata.Namespace
	own := []string{mesh.Principal(trustDomain, namespace, mesh.Account(m))}
	for i := range w.destinations {
		d := &w.destinations[i]
		entry := d.serviceEntry(namespace)
		resp.Emit(entry)
		policy := mesh.Allow(memberMeta(m, naming.Derived("allow-fqdn-", namespace, m.Metadata.Name, d.name())), own, d.ports)
		policy.Spec.TargetRefs = []kube.PolicyTarget{{
			Group: "networking.istio.io", Kind: entry.Kind, Name: entry.Metadata.Name,
		}}
		resp.Emit(policy)
	}
	emitReturn(resp, m, trustDomain)
	resp.Emit(gateway(namespace))
	resp.Emit(allowToWaypoint(namespace))
}

// emitReturn lets the waypoint reach the ports of the member's pods.
func emitReturn(resp *sdk.Response, m *lattice.LatticeMeshMember, trustDomain string) {
	ports := mesh.Ports(m)
	if len(ports) == 0 {
		return
	}
	namespace := m.Metadata.Namespace
	policy := mesh.Allow(memberMeta(m, naming.Derived("allow-wp-to-", namespace, m.Metadata.Name)),
		[]string{mesh.Principal(trustDomain, namespace, mesh.WaypointName(namespace))}, ports)
	policy.Spec.Selector = mesh.PodSelector(m)
	resp.Emit(policy)
}

func memberMeta(m *lattice.LatticeMeshMember, name string) kube.ObjectMeta {
	return naming.Meta(&m.Metadata, name)
}

// sharedMeta is the metadata of an object that several members of a namespace derive. It says
// nothing of one of them, so that all derive the same.
func sharedMeta(namespace, name string) kube.ObjectMeta {
	return kube.ObjectMeta{Name: name, Namespace: namespace, Labels: naming.Labels(name)}
}

// serviceEntry makes a target known to the mesh, with the waypoint in front. A name is looked up,
// an address is an endpoint of an invented name, and a pattern or a block of addresses is passed on
// as the caller dialled it. An ambient mesh that does not match patterns or blocks leaves their
// traffic to the network policy.
func (d *destination) serviceEntry(namespace string) *kube.ServiceEntry {
	meta := sharedMeta(namespace, naming.Derived("se-auto-", namespace, d.name()))
	meta.Labels.Set(labelUseWaypoint, mesh.WaypointName(namespace))
	spec := kube.ServiceEntrySpec{
		Hosts: []string{d.FQDN}, ExportTo: []string{"."}, Location: "MESH_EXTERNAL", Resolution: "DNS", Ports: d.entries,
	}
	switch {
	case d.CIDR != "" && d.block.single():
		spec.Hosts[0] = "ip-" + d.block.address.label() + ".svc.external"
		spec.Resolution = "STATIC"
		spec.Endpoints = []kube.WorkloadEntry{{Address: d.block.address.String()}}
	case d.CIDR != "":
		spec.Hosts[0] = "ip-" + d.block.address.label() + "-" + strconv.Itoa(d.block.bits) + ".svc.external"
		spec.Resolution = "NONE"
		spec.Addresses = []string{d.CIDR}
	case strings.HasPrefix(d.FQDN, "*"):
		spec.Resolution = "NONE"
	}
	return &kube.ServiceEntry{
		Object: kube.NewObject("networking.istio.io/v1", "ServiceEntry", meta), Spec: spec,
	}
}

// gateway is the waypoint of a namespace.
func gateway(namespace string) *kube.Gateway {
	meta := sharedMeta(namespace, mesh.WaypointName(namespace))
	meta.Labels.Set(labelWaypointFor, forServices)
	return &kube.Gateway{
		Object: kube.NewObject("gateway.networking.k8s.io/v1", "Gateway", meta),
		Spec: kube.GatewaySpec{
			GatewayClassName: "istio-waypoint",
			Listeners:        []kube.Listener{{Name: "mesh", Port: mesh.HBONEPort, Protocol: "HBONE"}},
		},
	}
}

// allowToWaypoint lets everyone with an identity into the tunnel to the waypoint, where the
// policies of the service entries decide.
func allowToWaypoint(namespace string) *kube.AuthorizationPolicy {
	policy := mesh.Allow(sharedMeta(namespace, "allow-to-waypoint"), nil, []int64{mesh.HBONEPort})
	policy.Spec.Selector = &kube.LabelSelector{MatchLabels: kube.Labels{{Key: labelWaypointFor, Value: forServices}}}
	return policy
}
