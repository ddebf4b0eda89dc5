package resource

import (
	"net/netip"
	"strconv"

	"github.com/latticenet/lattice-host/abi/lattice"
	"github.com/latticenet/lattice-host/internal/problem"
)

func (v *validator) member(s *lattice.MemberSpec) {
	v.target(&s.Target)
	v.memberPorts(s.Ports)
	v.members("spec.allowedCallers", s.AllowedCallers, true)
	v.members("spec.dependencies", s.Dependencies, false)
	for i := range s.Egress {
		v.egress("spec.egress."+strconv.Itoa(i), &s.Egress[i])
	}
	v.optional("spec.serviceAccount", s.ServiceAccount, isSubdomain, ruleSubdomain)
	v.optional("spec.podNames", s.PodNames, isName, "is the name of a Service and "+ruleName)
	v.advertise("spec.advertise", s.Advertise)
	if s.Ingress != nil {
		ports := make([]string, len(s.Ports))
		for i, p := range s.Ports {
			ports[i] = p.Name
		}
		v.ingress(s.Ingress, ports, "spec.ports")
	}
}

func (v *validator) target(t *lattice.MemberTarget) {
	v.requireOf((len(t.Selector) > 0) != (t.Namespace != ""), "spec.target", "must have exactly one of selector, with at least one label, and namespace")
	v.labels("spec.target.selector", t.Selector)
	v.optional("spec.target.namespace", t.Namespace, isLabel, ruleNamespace)
}

func (v *validator) memberPorts(ports []lattice.MemberPort) {
	type listener struct {
		port     int64
		protocol string
	}
	numbers, taken := map[listener]bool{}, map[string]bool{}
	for i, p := range ports {
		field := "spec.ports." + strconv.Itoa(i)
		v.port(field+".port", p.Port)
		at := listener{p.Port, p.Protocol}
		v.require(!numbers[at] || !validPort(p.Port), field+".port", "the port "+strconv.FormatInt(p.Port, 10)+"/"+p.Protocol+" is a duplicate; remove one")
		numbers[at] = true
		v.require(!p.External || p.PeerAuth == "Permissive", field+".external", "needs peerAuth: Permissive, because callers from outside the cluster have no identity in the mesh")
		if p.ServicePort != nil {
			v.port(field+".servicePort", *p.ServicePort)
		}
		v.require(isName(p.Name), field+".name", ruleName+", not "+problem.Quote(p.Name))
		v.require(!taken[p.Name] || p.Name == "", field+".name", "the name "+problem.Quote(p.Name)+" is a duplicate; rename one")
		taken[p.Name] = true
	}
}

// members checks references to other members; only callers may be everyone.
func (v *validator) members(field string, refs []lattice.MemberRef, everyone bool) {
	seen := map[lattice.MemberRef]bool{}
	for i, r := range refs {
		at := field + "." + strconv.Itoa(i)
		switch {
		case r.Name == "*" && everyone:
		case r.Name == "*":
			v.fail(at+".name", "cannot be *; set spec.dependsAll to depend on every member")
		default:
			v.require(isSubdomain(r.Name), at+".name", ruleSubdomain+", not "+problem.Quote(r.Name))
		}
		v.optional(at+".namespace", r.Namespace, isLabel, ruleNamespace)
		v.require(!seen[r], at, "the member is a duplicate; remove one")
		seen[r] = true
	}
}

func (v *validator) egress(field string, e *lattice.EgressRule) {
	v.egressTarget(field+".target", &e.Target)
	seen := map[int64]bool{}
	for i, port := range e.Ports {
		at := field + ".ports." + strconv.Itoa(i)
		v.port(at, port)
		v.require(!seen[port] || !validPort(port), at, "the port "+strconv.FormatInt(port, 10)+" is a duplicate; remove one")
		seen[port] = true
	}
}

func (v *validator) egressTarget(field string, t *lattice.EgressTarget) {
	given := 0
	for _, s := range []string{t.Entity, t.CIDR, t.FQDN} {
		if s != "" {
			given++
		}
	}
	v.requireOf(given == 1, field, "must have exactly one of entity, cidr and fqdn")
	if t.Entity != "" {
		v.knownEntity(field+".entity", t.Entity)
	}
	v.optional(field+".cidr", t.CIDR, isCIDR, "must be a block of addresses such as 10.0.0.0/8 or 2001:db8::/32")
	v.optional(field+".fqdn", plainHost(t.FQDN), isHost, ruleHost)
}

func isCIDR(s string) bool {
	_, err := netip.ParsePrefix(s)
	return err == nil
}
