package ingress

import (
	"github.com/latticenet/lattice-host/abi/lattice"
	"github.com/latticenet/lattice-host/plugins/builtin/internal/mesh"
	"github.com/latticenet/lattice-host/plugins/builtin/internal/naming"
	"github.com/latticenet/lattice-host/plugins/sdk/go/kube"
)

// emitPolicies lets everybody use the ports on which the gateway listens for this document, and the
// gateway reach the document's pods. Policies of several documents add up.
func (p *plan) emitPolicies() {
	namespace, gateway := p.self.meta.Namespace, mesh.IngressName(p.self.meta.Namespace)
	var ports []int64
	for i := range p.self.routes {
		for _, l := range p.wanted(&p.self.routes[i]) {
			ports = mesh.Insert(ports, l.Port, mesh.ComparePorts)
		}
	}
	pods := mesh.IngressGateway(lattice.MemberRef{
		Namespace: namespace, Name: mesh.IngressAccount(namespace, p.self.class),
	})
	tunnel := mesh.CiliumPorts([]int64{mesh.HBONEPort}, mesh.TCP)
	egress := mesh.Egress{}
	egress.Add(mesh.DNS(nil))
	egress.Add(&kube.CiliumEgress{ToEntities: []string{"cluster"}, ToPorts: tunnel})
	if !mesh.Ambient(p.self.member) {
		egress.Add(&kube.CiliumEgress{
			ToEndpoints: []kube.LabelSelector{mesh.CiliumSelector(p.self.member, namespace)},
			ToPorts:     mesh.CiliumPorts(mesh.Ports(p.self.member), mesh.TCP),
		})
	}
	p.resp.Emit(&kube.CiliumNetworkPolicy{
		Object: kube.NewObject("cilium.io/v2", "CiliumNetworkPolicy", p.meta(naming.Derived("cnp-gw-", namespace, gateway, p.self.meta.Name))),
		Spec: kube.CiliumRule{
			EndpointSelector:  mesh.CiliumSelector(pods, namespace),
			EnableDefaultDeny: &kube.CiliumDefaultDeny{Ingress: true, Egress: true},
			Ingress: []kube.CiliumIngress{
				{FromEntities: []string{"cluster"}, ToPorts: tunnel},
				{FromEntities: []string{"cluster", "world"}, ToPorts: mesh.CiliumPorts(ports, mesh.TCP)},
			},
			Egress: egress.Rules,
		},
	})
	policy := mesh.Allow(p.meta(naming.Derived("allow-gw-", namespace, gateway, p.self.meta.Name)), nil, ports)
	policy.Spec.Selector = mesh.PodSelector(pods)
	p.resp.Emit(policy)
}
