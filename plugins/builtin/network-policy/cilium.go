package networkpolicy

import (
	"slices"

	"github.com/latticenet/lattice-host/abi/cbor"
	"github.com/latticenet/lattice-host/abi/lattice"
	"github.com/latticenet/lattice-host/plugins/builtin/internal/mesh"
	sdk "github.com/latticenet/lattice-host/plugins/sdk/go"
	"github.com/latticenet/lattice-host/plugins/sdk/go/kube"
)

// serviceSuffix ends the DNS name of a Service, after its namespace.
const serviceSuffix = ".svc.cluster.local"

// webhookSources are the entities that a call of the API server can come from: it passes the node's
// proxy, so that Cilium sees a node, the API server itself, or an address outside the cluster.
func webhookSources() []string {
	return []string{"cluster", "remote-node", "kube-apiserver", "host", "world"}
}

func (d *member) ciliumPolicy() *kube.CiliumNetworkPolicy {
	policy := &kube.CiliumNetworkPolicy{
		Object: kube.NewObject("cilium.io/v2", "CiliumNetworkPolicy", d.meta("cnp-mesh-")),
		// Without this a direction that no rule is about is open: to have no callers would let
		// everybody in.
		Spec: kube.CiliumRule{
			EndpointSelector: d.cilium(), EnableDefaultDeny: &kube.CiliumDefaultDeny{Ingress: true, Egress: true},
		},
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

// ambientIngress opens the tunnel port, on which Istio decides who may enter, and the ports that
// take plaintext. What the tunnel does not carry comes straight from the pods that may call.
func (d *member) ambientIngress() []kube.CiliumIngress {
	direct := append(d.plaintextIngress(), d.ingressFrom(untunneled)...)
	s := &d.Spec
	if len(d.inbound) == 0 && len(direct) == 0 && len(d.scraped()) == 0 && !s.AllowPeerTraffic && s.Advertise == nil {
		return nil
	}
	tunnel := kube.CiliumIngress{FromEntities: []string{"cluster"}, ToPorts: tunnelPort()}
	return append([]kube.CiliumIngress{tunnel}, direct...)
}

func anyPort(*lattice.MemberPort) bool { return true }

// untunneled takes the ports whose callers the network policy has to tell apart, because the mesh
// does not see them.
func untunneled(p *lattice.MemberPort) bool {
	return !mesh.Carried(p) && p.PeerAuth != mesh.Permissive && p.PeerAuth != mesh.Webhook
}

// ingressFrom opens ports to the pods of each caller, and to the member's own where they call each
// other.
func (d *member) ingressFrom(keep func(*lattice.MemberPort) bool) []kube.CiliumIngress {
	ports := mesh.Select(d.LatticeMeshMember, keep)
	if len(ports) == 0 {
		return nil
	}
	var rules []kube.CiliumIngress
	if d.Spec.AllowPeerTraffic {
		rules = append(rules, kube.CiliumIngress{FromEndpoints: []kube.LabelSelector{d.cilium()}, ToPorts: mesh.CiliumRules(ports)})
	}
	for _, caller := range d.inbound {
		if caller.ref() == (peer{d.LatticeMeshMember}).ref() && d.Spec.AllowPeerTraffic {
			continue
		}
		rules = append(rules, kube.CiliumIngress{
			FromEndpoints: []kube.LabelSelector{mesh.CiliumSelector(caller.LatticeMeshMember, d.Metadata.Namespace)},
			ToPorts:       mesh.CiliumRules(ports),
		})
	}
	return rules
}

// ambientEgress opens what the tunnel needs, callees that are not in the ambient mesh, and targets
// outside the mesh.
func (d *member) ambientEgress() []cbor.Raw {
	rules := mesh.Egress{}
	rules.Add(mesh.DNS(d.dnsNames()))
	rules.Add(&kube.CiliumEgress{ToEntities: []string{"cluster", "world"}, ToPorts: tunnelPort()})
	for _, callee := range d.outbound {
		keep := untunneled
		if !mesh.Ambient(callee.LatticeMeshMember) {
			keep = anyPort
		}
		if ports := mesh.Select(callee.LatticeMeshMember, keep); len(ports) > 0 || !mesh.Ambient(callee.LatticeMeshMember) {
			rules.Add(&kube.CiliumEgress{
				ToEndpoints: []kube.LabelSelector{mesh.CiliumSelector(callee.LatticeMeshMember, d.Metadata.Namespace)},
				ToPorts:     mesh.CiliumRules(ports),
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
	ports := mesh.CiliumRules(mesh.Select(d.LatticeMeshMember, anyPort))
	for _, caller := range d.inbound {
		rules = append(rules, kube.CiliumIngress{
			FromEndpoints: []kube.LabelSelector{mesh.CiliumSelector(caller.LatticeMeshMember, d.Metadata.Namespace)},
			ToPorts:       ports,
		})
	}
	if scraped := d.scraped(); len(scraped) > 0 {
		rules = append(rules, kube.CiliumIngress{
			FromEndpoints: []kube.LabelSelector{mesh.CiliumSelector(mesh.Scraper(), d.Metadata.Namespace)},
			ToPorts:       mesh.CiliumPorts(scraped, mesh.TCP),
		})
	}
	return rules
}

// directEgress lets a member outside the ambient mesh reach name servers, its own pods and targets
// outside the mesh.
func (d *member) directEgress() []cbor.Raw {
	rules := mesh.Egress{}
	rules.Add(mesh.DNS(d.dnsNames()))
	if d.Spec.AllowPeerTraffic {
		rules.Add(&kube.CiliumEgress{ToEndpoints: []kube.LabelSelector{d.cilium()}})
	}
	return append(rules.Rules, d.egress.Rules...)
}

// plaintextIngress opens the ports that callers without an identity may use.
func (d *member) plaintextIngress() []kube.CiliumIngress {
	var rules []kube.CiliumIngress
	open := func(sources []string, keep func(*lattice.MemberPort) bool) {
		if ports := mesh.Select(d.LatticeMeshMember, keep); len(ports) > 0 {
			rules = append(rules, kube.CiliumIngress{FromEntities: sources, ToPorts: mesh.CiliumRules(ports)})
		}
	}
	open([]string{"cluster"}, func(p *lattice.MemberPort) bool { return p.PeerAuth == mesh.Permissive && !p.External })
	// A load balancer or node that passes traffic on may keep the caller's address, which is in the
	// entity world.
	open([]string{"cluster", "world"}, func(p *lattice.MemberPort) bool { return p.PeerAuth == mesh.Permissive && p.External })
	open(webhookSources(), func(p *lattice.MemberPort) bool { return p.PeerAuth == mesh.Webhook })
	return rules
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
		if pods := callee.Spec.PodNames; pods != "" {
			// The pods, and their addresses with ports: an SRV record is two labels above.
			pods += "." + callee.Metadata.Namespace + serviceSuffix
			add(pods)
			add("*." + pods)
			add("*.*." + pods)
		}
	}
	if len(names) > 0 && d.Spec.AllowPeerTraffic {
		// Pods find each other by the names of Services and of pods of a headless one, whatever
		// those are called.
		add("*." + d.Metadata.Namespace + serviceSuffix)
		add("*.*." + d.Metadata.Namespace + serviceSuffix)
		if pods := d.Spec.PodNames; pods != "" {
			// A name with a dot is looked up as it is before the search domains are tried.
			add("*." + pods)
		}
	}
	return names
}

func tunnelPort() []kube.CiliumPortRule { return mesh.CiliumPorts([]int64{mesh.HBONEPort}, mesh.TCP) }

// reportBlocked says that a member outside the ambient mesh has no way to the members it depends
// on.
func (d *member) reportBlocked(resp *sdk.Response) {
	for _, callee := range d.outbound {
		resp.Warn("spec.dependencies", text(peer{d.LatticeMeshMember}.ref())+" is not in the ambient mesh, so that no egress "+
			"rule leads to "+text(callee.ref())+"; make it ambient, or allow the traffic under spec.egress")
	}
}
