package networkpolicy

import (
	"slices"
	"strconv"

	"github.com/latticenet/lattice-host/abi/cbor"
	"github.com/latticenet/lattice-host/plugins/builtin/internal/mesh"
	sdk "github.com/latticenet/lattice-host/plugins/sdk/go"
	"github.com/latticenet/lattice-host/plugins/sdk/go/kube"
)

// serviceSuffix ends the DNS name of a Service, behind its namespace.
const serviceSuffix = ".svc.cluster.local"

// dnsPort is where name servers listen.
const dnsPort = 53

// webhookSources are the entities that a call of the API server can come from: it passes the node's proxy, so that
// Cilium sees a node, the API server itself, or an address outside the cluster.
func webhookSources() []string {
	return []string{"cluster", "remote-node", "kube-apiserver", "host", "world"}
}

func (d *member) ciliumPolicy() *kube.CiliumNetworkPolicy {
	policy := &kube.CiliumNetworkPolicy{
		Object: kube.NewObject("cilium.io/v2", "CiliumNetworkPolicy", d.meta("cnp-mesh-")),
		Spec:   kube.CiliumRule{EndpointSelector: d.cilium()},
	}
	if mesh.Ambient(d.LatticeMeshMember) {
		policy.Spec.Ingress, policy.Spec.Egress = d.ambientIngress(), d.ambientEgress()
	} else {
		policy.Spec.Ingress, policy.Spec.Egress = d.directIngress(), d.directEgress()
	}
	return policy
}

// cilium selects the member's own pods.
func (d *member) cilium() kube.LabelSelector {
	return mesh.CiliumSelector(d.LatticeMeshMember, d.Metadata.Namespace)
}

// ambientIngress opens the tunnel port, on which Istio decides who may enter, and the ports that take plaintext.
func (d *member) ambientIngress() []kube.CiliumIngress {
	plaintext := d.plaintextIngress()
	s := &d.Spec
	if len(d.inbound) == 0 && len(plaintext) == 0 && !s.AllowPeerTraffic && s.Advertise == nil {
		return nil
	}
	tunnel := kube.CiliumIngress{FromEntities: []string{"cluster"}, ToPorts: tunnelPort()}
	return append([]kube.CiliumIngress{tunnel}, plaintext...)
}

// ambientEgress opens what the tunnel needs, callees that are not in the ambient mesh, and targets outside the mesh.
func (d *member) ambientEgress() []cbor.Raw {
	rules := mesh.Egress{}
	rules.Add(d.dns())
	rules.Add(&kube.CiliumEgress{ToEntities: []string{"cluster", "world"}, ToPorts: tunnelPort()})
	for _, callee := range d.outbound {
		if !mesh.Ambient(callee.LatticeMeshMember) {
			rules.Add(&kube.CiliumEgress{
				ToEndpoints: []kube.LabelSelector{mesh.CiliumSelector(callee.LatticeMeshMember, d.Metadata.Namespace)},
				ToPorts:     mesh.CiliumPorts(mesh.Ports(callee.LatticeMeshMember), mesh.TCP),
			})
		}
	}
	return append(rules.Rules, d.egress.Rules...)
}

// directIngress opens the ports of a member outside the ambient mesh to the pods that may call it.
func (d *member) directIngress() []kube.CiliumIngress {
	var rules []kube.CiliumIngress
	if d.Spec.AllowPeerTraffic {
		rules = append(rules, kube.CiliumIngress{FromEndpoints: []kube.LabelSelector{d.cilium()}})
	}
	rules = append(rules, d.plaintextIngress()...)
	ports := mesh.CiliumPorts(mesh.Ports(d.LatticeMeshMember), mesh.TCP)
	for _, caller := range d.inbound {
		rules = append(rules, kube.CiliumIngress{
			FromEndpoints: []kube.LabelSelector{mesh.CiliumSelector(caller.LatticeMeshMember, d.Metadata.Namespace)},
			ToPorts:       ports,
		})
	}
	return rules
}

// directEgress lets a member outside the ambient mesh reach name servers, its own pods and targets outside the mesh.
func (d *member) directEgress() []cbor.Raw {
	rules := mesh.Egress{}
	rules.Add(d.dns())
	if d.Spec.AllowPeerTraffic {
		rules.Add(&kube.CiliumEgress{ToEndpoints: []kube.LabelSelector{d.cilium()}})
	}
	return append(rules.Rules, d.egress.Rules...)
}

// plaintextIngress opens the ports that callers without an identity may use.
func (d *member) plaintextIngress() []kube.CiliumIngress {
	var rules []kube.CiliumIngress
	if ports := mesh.Ports(d.LatticeMeshMember, mesh.Permissive); len(ports) > 0 {
		rules = append(rules, kube.CiliumIngress{
			FromEntities: []string{"cluster"}, ToPorts: mesh.CiliumPorts(ports, mesh.TCP),
		})
	}
	if ports := mesh.Ports(d.LatticeMeshMember, mesh.Webhook); len(ports) > 0 {
		rules = append(rules, kube.CiliumIngress{
			FromEntities: webhookSources(), ToPorts: mesh.CiliumPorts(ports, mesh.TCP),
		})
	}
	return rules
}

// dns lets the member look up names: those it needs when it needs any, else all.
func (d *member) dns() *kube.CiliumEgress {
	port := strconv.Itoa(dnsPort)
	rule := kube.CiliumPortRule{Ports: []kube.CiliumPort{
		{Port: port, Protocol: mesh.UDP}, {Port: port, Protocol: mesh.TCP},
	}}
	if names := d.dnsNames(); len(names) > 0 {
		rule.Rules = &kube.CiliumL7Rules{}
		for _, name := range names {
			rule.Rules.DNS = append(rule.Rules.DNS, mesh.CiliumName(name))
		}
	}
	return &kube.CiliumEgress{
		ToEndpoints: []kube.LabelSelector{mesh.KubeDNS()}, ToPorts: []kube.CiliumPortRule{rule},
	}
}

// dnsNames returns the names that the member needs, each once.
func (d *member) dnsNames() []string {
	var names []string
	add := func(name string) {
		if !slices.Contains(names, name) {
			names = append(names, name)
		}
	}
	for _, name := range d.egress.DNS {
		add(name)
	}
	for _, callee := range d.outbound {
		add(callee.Metadata.Name + "." + callee.Metadata.Namespace + serviceSuffix)
	}
	if len(names) > 0 && d.Spec.AllowPeerTraffic {
		// Pods find each other by the names of Services and of pods behind a headless one, whatever those are called.
		add("*." + d.Metadata.Namespace + serviceSuffix)
		add("*.*." + d.Metadata.Namespace + serviceSuffix)
	}
	return names
}

func tunnelPort() []kube.CiliumPortRule { return mesh.CiliumPorts([]int64{mesh.HBONEPort}, mesh.TCP) }

// reportBlocked says that a member outside the ambient mesh has no way to the members it depends on.
func (d *member) reportBlocked(resp *sdk.Response) {
	for _, callee := range d.outbound {
		resp.Warn("spec.dependencies", text(peer{d.LatticeMeshMember}.ref())+" is not in the ambient mesh, so that no egress "+
			"rule leads to "+text(callee.ref())+"; make it ambient, or allow the traffic under spec.egress")
	}
}
