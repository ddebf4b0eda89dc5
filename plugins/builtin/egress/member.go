package egress

import (
	"slices"
	"strconv"

	"github.com/latticenet/lattice-host/abi/lattice"
	"github.com/latticenet/lattice-host/plugins/builtin/internal/mesh"
	sdk "github.com/latticenet/lattice-host/plugins/sdk/go"
	"github.com/latticenet/lattice-host/plugins/sdk/go/kube"
)

// deriveObjects derives from the egress rules of a member: Cilium rules, in their order, for a
// later step, and for a member of the ambient mesh the objects that put the traffic through the
// namespace's waypoint.
func deriveObjects(req *sdk.Request, resp *sdk.Response, m *lattice.LatticeMeshMember) error {
	var left mesh.Egress
	var through waypoint
	for i := range m.Spec.Egress {
		rule := &m.Spec.Egress[i]
		field := "spec.egress." + strconv.Itoa(i)
		t, part, problem := checkTarget(rule.Target)
		if problem != "" {
			resp.Error(field+".target"+part, problem)
			continue
		}
		ports, protocol := sortedPorts(rule.Ports), rule.Protocol
		if protocol == "" {
			protocol = mesh.TCP
		}
		left.Add(ciliumRule(&t, ports, protocol))
		if t.FQDN != "" && !slices.Contains(left.DNS, t.FQDN) {
			left.DNS = append(left.DNS, t.FQDN)
		}
		if !mesh.Ambient(m) || t.Entity != "" {
			continue
		}
		if len(ports) == 0 {
			resp.Warn(field+".ports", "no ports are named for "+t.name()+", and the waypoint routes by port; the network "+
				"policy alone limits the traffic; name the ports to check the caller's identity too")
			continue
		}
		through.add(&t, ports, protocol)
	}
	if resp.Failed() || len(m.Spec.Egress) == 0 {
		return nil
	}
	if len(through.destinations) > 0 {
		ready, err := through.shareEntries(req, resp, m)
		if err != nil || !ready {
			return err
		}
	}
	resp.Leave(mesh.EgressKey, &left)
	through.emit(resp, m, req.Platform.TrustDomain)
	return nil
}

func sortedPorts(ports []int64) []int64 {
	var sorted []int64
	for _, p := range ports {
		sorted = mesh.Insert(sorted, p, mesh.ComparePorts)
	}
	return sorted
}

func ciliumRule(t *target, ports []int64, protocol string) *kube.CiliumEgress {
	rule := &kube.CiliumEgress{ToPorts: mesh.CiliumPorts(ports, protocol)}
	switch {
	case t.Entity != "":
		rule.ToEntities = []string{t.Entity}
	case t.CIDR != "":
		rule.ToCIDR = []string{t.CIDR}
	default:
		rule.ToFQDNs = []kube.CiliumFQDN{mesh.CiliumName(t.FQDN)}
	}
	return rule
}
