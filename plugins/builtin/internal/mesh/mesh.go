// Package mesh holds what the plugins that derive network objects share: how a service takes part
// in the mesh, how a member is named, selected and identified in it, and how egress rules travel
// from one step to the next.
package mesh

import (
	"slices"
	"strconv"
	"strings"

	"github.com/latticenet/lattice-host/abi/lattice"
	"github.com/latticenet/lattice-host/plugins/builtin/internal/naming"
	"github.com/latticenet/lattice-host/plugins/sdk/go/kube"
)

// HBONEPort is the port of the ambient mesh's tunnels.
const HBONEPort = 15008

// The values of [lattice.MemberPort.PeerAuth] next to the default, Strict.
const (
	// Permissive ports take plaintext from anywhere in the cluster.
	Permissive = "Permissive"
	// Webhook ports are called by the API server, which is not in the mesh.
	Webhook = "Webhook"
)

// The protocols of ports.
const (
	TCP = "TCP"
	UDP = "UDP"
)

// ciliumMaxPorts is how many ports one Cilium port rule holds (maxItems in the CRD).
const ciliumMaxPorts = 40

// The prefix that Cilium gives labels of Kubernetes, and the label of a pod's namespace with it.
const (
	ciliumPrefix         = "k8s:"
	ciliumLabelNamespace = ciliumPrefix + "io.kubernetes.pod.namespace"
)

// MaxGatewayName is the longest name of what a mesh makes for a Gateway: a Deployment, whose name
// is a label, a Service and a service account.
const MaxGatewayName = 63

// LabelGateway has the name of the Gateway on the pods that a mesh makes for it.
const LabelGateway = "gateway.networking.k8s.io/gateway-name"

// DefaultGatewayClass is the class of an ingress Gateway whose document names none.
const DefaultGatewayClass = "istio"

// WaypointName names the waypoint Gateway of a namespace. The waypoint's service account has the
// same name.
func WaypointName(namespace string) string { return gatewayName(namespace, "-waypoint", "") }

// IngressName names the ingress Gateway of a namespace.
func IngressName(namespace string) string {
	return gatewayName(namespace, "-ingress", "-"+DefaultGatewayClass)
}

// gatewayName appends suffix to a namespace, or to a part of it and its hash where the mesh, which
// appends more, would make a name that is too long.
func gatewayName(namespace, suffix, more string) string {
	room := MaxGatewayName - len(suffix) - len(more)
	if len(namespace) > room {
		const hash = 9
		namespace = naming.Derived(namespace[:room-hash]+"-", namespace)
	}
	return namespace + suffix
}

// IngressAccount names the service account that Istio makes for a namespace's ingress Gateway of a
// class; "" is the default class.
func IngressAccount(namespace, class string) string {
	return IngressName(namespace) + "-" + either(class, DefaultGatewayClass)
}

// IngressGateway returns the ingress Gateway of a namespace as a member, by the service account
// that a reference names: it may call every member that allows it. It is nil for any other
// reference.
func IngressGateway(r lattice.MemberRef) *lattice.LatticeMeshMember {
	gateway := IngressName(r.Namespace)
	if class, ok := strings.CutPrefix(r.Name, gateway+"-"); !ok || class == "" {
		return nil
	}
	m := newMember(lattice.ObjectMeta{Name: r.Name, Namespace: r.Namespace})
	m.Spec.Target.Selector.Set(LabelGateway, gateway)
	m.Spec.DependsAll = true
	return m
}

// Principal returns the identity of a service account in the mesh.
func Principal(trustDomain, namespace, account string) string {
	return trustDomain + "/ns/" + namespace + "/sa/" + account
}

// Account returns the service account of a member's pods.
func Account(m *lattice.LatticeMeshMember) string {
	if m.Spec.ServiceAccount != "" {
		return m.Spec.ServiceAccount
	}
	return m.Metadata.Name
}

// Ambient reports whether a member's pods are in the ambient mesh.
func Ambient(m *lattice.LatticeMeshMember) bool { return m.Spec.Ambient == nil || *m.Spec.Ambient }

// PodSelector selects a member's pods in their namespace. It is nil for a member that is a whole
// namespace.
func PodSelector(m *lattice.LatticeMeshMember) *kube.LabelSelector {
	if len(m.Spec.Target.Selector) == 0 {
		return nil
	}
	return &kube.LabelSelector{MatchLabels: m.Spec.Target.Selector}
}

// CiliumSelector selects a member's pods for a Cilium policy in the namespace from. Cilium looks
// into the policy's own namespace unless a selector names another.
func CiliumSelector(m *lattice.LatticeMeshMember, from string) kube.LabelSelector {
	var labels kube.Labels
	for _, l := range m.Spec.Target.Selector {
		labels.Set(ciliumPrefix+l.Key, l.Value)
	}
	switch {
	case m.Spec.Target.Namespace != "":
		labels.Set(ciliumLabelNamespace, m.Spec.Target.Namespace)
	case m.Metadata.Namespace != from:
		labels.Set(ciliumLabelNamespace, m.Metadata.Namespace)
	}
	return kube.LabelSelector{MatchLabels: labels}
}

// KubeDNS selects the cluster's name servers for a Cilium policy.
func KubeDNS() kube.LabelSelector {
	return kube.LabelSelector{MatchLabels: kube.Labels{
		{Key: ciliumLabelNamespace, Value: "kube-system"}, {Key: ciliumPrefix + "k8s-app", Value: "kube-dns"},
	}}
}

// Port is a port of pods.
type Port struct {
	Number   int64
	Protocol string
}

func comparePorts(a, b Port) int {
	if c := ComparePorts(a.Number, b.Number); c != 0 {
		return c
	}
	return strings.Compare(a.Protocol, b.Protocol)
}

// Select returns the pods' ports of a member that keep takes, sorted by number and protocol.
func Select(m *lattice.LatticeMeshMember, keep func(*lattice.MemberPort) bool) []Port {
	var ports []Port
	for i := range m.Spec.Ports {
		if p := &m.Spec.Ports[i]; keep(p) {
			ports = Insert(ports, Port{p.Port, either(p.Protocol, TCP)}, comparePorts)
		}
	}
	return ports
}

// Carried reports whether the mesh's tunnels carry the traffic of a port. They carry TCP only; who
// may use any other port is the network policy's to decide.
func Carried(p *lattice.MemberPort) bool { return either(p.Protocol, TCP) == TCP }

// Ports returns the numbers of the ports of a member whose traffic the mesh carries, sorted: those
// with one of the peer authentications, or all when none is named.
func Ports(m *lattice.LatticeMeshMember, peerAuth ...string) []int64 {
	var numbers []int64
	for _, p := range Select(m, func(p *lattice.MemberPort) bool {
		return Carried(p) && (len(peerAuth) == 0 || slices.Contains(peerAuth, p.PeerAuth))
	}) {
		numbers = append(numbers, p.Number)
	}
	return numbers
}

// PortTexts returns ports as Istio wants them.
func PortTexts(ports []int64) []string {
	texts := make([]string, len(ports))
	for i, p := range ports {
		texts[i] = strconv.FormatInt(p, 10)
	}
	return texts
}

// CiliumPorts limits a Cilium rule to ports of one protocol. No ports give no limit.
func CiliumPorts(numbers []int64, protocol string) []kube.CiliumPortRule {
	ports := make([]Port, len(numbers))
	for i, n := range numbers {
		ports[i] = Port{n, protocol}
	}
	return CiliumRules(ports)
}

// CiliumRules limits a Cilium rule to ports. No ports give no limit.
func CiliumRules(ports []Port) []kube.CiliumPortRule {
	var rules []kube.CiliumPortRule
	for chunk := range slices.Chunk(ports, ciliumMaxPorts) {
		var rule kube.CiliumPortRule
		for _, p := range chunk {
			rule.Ports = append(rule.Ports, kube.CiliumPort{Port: strconv.FormatInt(p.Number, 10), Protocol: p.Protocol})
		}
		rules = append(rules, rule)
	}
	return rules
}

// CiliumName selects a DNS name for Cilium; a name that begins with an asterisk is a pattern.
func CiliumName(name string) kube.CiliumFQDN {
	if strings.HasPrefix(name, "*") {
		return kube.CiliumFQDN{MatchPattern: name}
	}
	return kube.CiliumFQDN{MatchName: name}
}

// Allow returns an Istio policy that lets principals use ports. No principals means everyone, no
// ports means all ports. The caller adds what it applies to.
func Allow(meta kube.ObjectMeta, principals []string, ports []int64) *kube.AuthorizationPolicy {
	policy := AllowNothing(meta)
	policy.Spec.Rules = []kube.AuthorizationRule{Rule(principals, ports)}
	return policy
}

// AllowNothing returns an Istio policy that lets no one in: a policy that allows, without a rule. A
// member that no policy is about would be open to all. The caller adds what it applies to.
func AllowNothing(meta kube.ObjectMeta) *kube.AuthorizationPolicy {
	return &kube.AuthorizationPolicy{
		Object: kube.NewObject("security.istio.io/v1", "AuthorizationPolicy", meta),
		Spec:   kube.AuthorizationPolicySpec{Action: "ALLOW"},
	}
}

// Rule lets principals use ports. No principals means everyone, no ports means all ports.
func Rule(principals []string, ports []int64) kube.AuthorizationRule {
	var rule kube.AuthorizationRule
	if len(principals) > 0 {
		rule.From = []kube.AuthorizationFrom{{Source: kube.AuthorizationSource{Principals: principals}}}
	}
	if len(ports) > 0 {
		rule.To = []kube.AuthorizationTo{{Operation: kube.AuthorizationOperation{Ports: PortTexts(ports)}}}
	}
	return rule
}

// MetricsPort is the name of ports that the platform's monitoring scrapes, through the mesh and
// without being named as a caller.
const MetricsPort = "metrics"

// Scraper returns the platform's monitoring as a member of the mesh.
func Scraper() *lattice.LatticeMeshMember {
	m := newMember(lattice.ObjectMeta{Name: "vmagent", Namespace: "monitoring"})
	m.Spec.Target.Selector = naming.Selector(m.Metadata.Name)
	return m
}
