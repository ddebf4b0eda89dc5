// Package mesh holds what the plugins that derive network objects share: how a service takes part in the mesh, how a
// member is named, selected and identified in it, and how egress rules travel from one step to the next.
package mesh

import (
	"slices"
	"strconv"
	"strings"

	"github.com/latticenet/lattice-host/abi/lattice"
	"github.com/latticenet/lattice-host/plugins/sdk/go/kube"
)

// HBONEPort is the port of the ambient mesh's tunnels.
const HBONEPort = 15008

// The values of [lattice.MemberPort.PeerAuth] beside the default, Strict.
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

// WaypointName names the waypoint Gateway of a namespace. The waypoint's service account has the same name.
func WaypointName(namespace string) string { return namespace + "-waypoint" }

// gatewayName names the ingress Gateway of a namespace.
func gatewayName(namespace string) string { return namespace + "-ingress" }

// IngressAccount names the service account of a namespace's ingress Gateway.
func IngressAccount(namespace string) string { return gatewayName(namespace) + "-istio" }

// IngressGateway returns the ingress Gateway of a namespace as a member: it may call whoever allows it.
func IngressGateway(namespace string) *lattice.LatticeMeshMember {
	m := newMember(lattice.ObjectMeta{Name: IngressAccount(namespace), Namespace: namespace})
	m.Spec.Target.Selector.Set("gateway.networking.k8s.io/gateway-name", gatewayName(namespace))
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

// PodSelector selects a member's pods in their namespace. It is nil for a member that is a whole namespace.
func PodSelector(m *lattice.LatticeMeshMember) *kube.LabelSelector {
	if len(m.Spec.Target.Selector) == 0 {
		return nil
	}
	return &kube.LabelSelector{MatchLabels: m.Spec.Target.Selector}
}

// CiliumSelector selects a member's pods for a Cilium policy in the namespace from. Cilium looks into the policy's own
// namespace unless a selector names another.
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

// Ports returns the pods' ports of a member, sorted: those with one of the peer authentications, or all when none is
// named.
func Ports(m *lattice.LatticeMeshMember, peerAuth ...string) []int64 {
	var ports []int64
	for i := range m.Spec.Ports {
		if p := &m.Spec.Ports[i]; len(peerAuth) == 0 || slices.Contains(peerAuth, p.PeerAuth) {
			ports = Insert(ports, p.Port, ComparePorts)
		}
	}
	return ports
}

// PortTexts returns ports as Istio and Cilium want them.
func PortTexts(ports []int64) []string {
	texts := make([]string, len(ports))
	for i, p := range ports {
		texts[i] = strconv.FormatInt(p, 10)
	}
	return texts
}

// CiliumPorts limits a Cilium rule to ports. No ports give no limit.
func CiliumPorts(ports []int64, protocol string) []kube.CiliumPortRule {
	var rules []kube.CiliumPortRule
	for chunk := range slices.Chunk(ports, ciliumMaxPorts) {
		var rule kube.CiliumPortRule
		for _, text := range PortTexts(chunk) {
			rule.Ports = append(rule.Ports, kube.CiliumPort{Port: text, Protocol: protocol})
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

// Allow returns an Istio policy that lets principals, or everyone when there are none, use ports, or all when there are
// none. The caller adds what it applies to.
func Allow(meta kube.ObjectMeta, principals []string, ports []int64) *kube.AuthorizationPolicy {
	var rule kube.AuthorizationRule
	if len(principals) > 0 {
		rule.From = []kube.AuthorizationFrom{{Source: kube.AuthorizationSource{Principals: principals}}}
	}
	if len(ports) > 0 {
		rule.To = []kube.AuthorizationTo{{Operation: kube.AuthorizationOperation{Ports: PortTexts(ports)}}}
	}
	return &kube.AuthorizationPolicy{
		Object: kube.NewObject("security.istio.io/v1", "AuthorizationPolicy", meta),
		Spec:   kube.AuthorizationPolicySpec{Action: "ALLOW", Rules: []kube.AuthorizationRule{rule}},
	}
}
