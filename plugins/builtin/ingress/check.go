package ingress

import (
	"strconv"
	"strings"

	"github.com/latticenet/lattice-host/abi/lattice"
	"github.com/latticenet/lattice-host/plugins/builtin/internal/mesh"
)

// The limits of the Gateway API for a route (maxItems and a rule of its CRDs).
const (
	maxHostnames    = 16
	maxRules        = 16
	maxTotalMatches = 128
)

// check reports what the Gateway API or Istio would refuse or turn round.
func (p *plan) check(others []*workload) {
	w := p.self
	account := mesh.IngressAccount(w.meta.Namespace, w.class)
	if len(account) > mesh.MaxGatewayName {
		p.resp.Error("spec.ingress.gatewayClass", "the gateway's Service and account would be called "+account+", which is longer "+
			"than "+strconv.Itoa(mesh.MaxGatewayName)+" characters; use a class with a shorter name")
	}
	if w.class != "istio" && !strings.HasPrefix(w.class, "istio-") {
		p.resp.Warn("spec.ingress.gatewayClass", "a gateway of the class "+w.class+" has no identity in the mesh, so that the "+
			"policies let none of its traffic in; use a class of Istio, or make the ports Permissive")
	}
	for i := range w.routes {
		p.checkRoute(&w.routes[i])
	}
	for _, other := range others {
		p.checkOther(other)
	}
}

func (p *plan) checkRoute(r *route) {
	if r.port == 0 {
		p.resp.Error(r.field("port"), "there is no port to route to; name one of the service's ports")
	}
	if r.isTCP() {
		switch {
		case r.ListenPort == nil:
			p.resp.Error(r.field("listenPort"), "is missing; a TCPRoute needs the port that the gateway listens on")
		case *r.ListenPort >= proxyFirst && *r.ListenPort <= proxyLast:
			p.resp.Error(r.field("listenPort"), "the ports "+strconv.Itoa(proxyFirst)+" to "+strconv.Itoa(proxyLast)+
				" are the gateway's own; choose another one")
		}
		return
	}
	if len(r.Hosts) > maxHostnames {
		p.resp.Error(r.field("hosts"), "there are "+strconv.Itoa(len(r.Hosts))+" hosts, and a route has at most "+
			strconv.Itoa(maxHostnames)+"; split the route")
	}
	if len(r.Rules) > maxRules {
		p.resp.Error(r.field("rules"), "there are "+strconv.Itoa(len(r.Rules))+" rules, and a route has at most "+
			strconv.Itoa(maxRules)+"; split the route")
	}
	matches := 0
	for i := range r.Rules {
		matches += len(r.Rules[i].Matches)
	}
	if matches >= maxTotalMatches {
		p.resp.Error(r.field("rules"), "there are "+strconv.Itoa(matches)+" matches, and the rules of a route have fewer than "+
			strconv.Itoa(maxTotalMatches)+" together; split the route")
	}
}

// checkOther reports what cannot be next to another workload: names that are put together from two
// can be equal.
func (p *plan) checkOther(other *workload) {
	if len(other.routes) > 0 && other.class != p.self.class {
		p.resp.Error("spec.ingress.gatewayClass", "the namespace has one gateway, and "+other.meta.Name+" wants it to be of the "+
			"class "+other.class+", not "+p.self.class+"; use one class for both")
	}
	for i := range p.self.routes {
		r := &p.self.routes[i]
		if r.TLS != nil && r.secret() == other.ownTLS {
			p.resp.Error(r.field(""), "its certificate would be in the Secret "+other.ownTLS+", as that of the service "+
				other.meta.Name+" is; rename the route")
		}
		for j := range other.routes {
			if o := &other.routes[j]; o.id() == r.id() {
				p.resp.Error(r.field(""), "its objects would be called "+r.id()+"-…, as those of "+o.text()+"; rename one of the routes")
			}
		}
	}
}

// rulesOf returns the rules of a route, at least one.
func rulesOf(r *route) []lattice.RouteRule {
	if len(r.Rules) == 0 {
		return make([]lattice.RouteRule, 1)
	}
	return r.Rules
}
