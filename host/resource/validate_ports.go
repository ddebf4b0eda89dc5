package resource

import (
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/latticenet/lattice-host/abi/lattice"
	"github.com/latticenet/lattice-host/internal/problem"
)

// maxPortName is the longest name of a port (RFC 6335, section 5.1).
const maxPortName = 15

// The types of a Service. All but the first make it reachable from outside the cluster.
const (
	serviceClusterIP    = "ClusterIP"
	serviceNodePort     = "NodePort"
	serviceLoadBalancer = "LoadBalancer"
	serviceHeadless     = "Headless"
)

// The kinds of a route.
const (
	routeHTTP = "HTTPRoute"
	routeGRPC = "GRPCRoute"
	routeTCP  = "TCPRoute"
)

func isPortName(s string) bool {
	return len(s) <= maxPortName && isName(s) && !strings.Contains(s, "--")
}

func (v *validator) ports(p *lattice.Ports, ingress bool) {
	names(v, v.in.service()+".ports", p.Ports, isPortName, "must be a DNS label of at most 15 characters that begins with a letter")
	// The API server tells ports of a Service apart by number and protocol (validateServicePort).
	type listener struct {
		port     int64
		protocol string
	}
	seen := map[listener]string{}
	for _, e := range p.Ports {
		field := v.in.service() + ".ports." + e.Key
		v.port(field+".port", e.Value.Port)
		at := listener{e.Value.Port, e.Value.Protocol}
		if other, ok := seen[at]; ok && validPort(e.Value.Port) {
			v.fail(field+".port", "the port "+strconv.FormatInt(e.Value.Port, 10)+"/"+at.protocol+" is taken by the port "+problem.Quote(other)+"; choose another one")
		}
		seen[at] = e.Key
		if e.Value.TargetPort != nil {
			v.port(field+".targetPort", *e.Value.TargetPort)
		}
	}
	v.headless(p)
	v.items(v.in.service()+".hostnames", p.Hostnames, isHost, ruleHost)
	v.exposure(p, ingress)
	v.tls(v.in.service()+".tls", p.TLS)
}

// headless checks that a service without an address of its own leads from no port to another one:
// its clients connect to the pods themselves.
func (v *validator) headless(p *lattice.Ports) {
	if p.ServiceType != serviceHeadless {
		return
	}
	v.require(len(p.Ports) > 0, v.in.service()+".ports", "is empty; a headless service needs at least one port")
	for _, e := range p.Ports {
		if t := e.Value.TargetPort; t != nil && *t != e.Value.Port {
			v.fail(v.in.service()+".ports."+e.Key+".targetPort", "must be the port, because clients of a headless service connect to the pods themselves; set port: "+strconv.FormatInt(*t, 10))
		}
	}
}

// exposure checks that a service is published in one way only.
func (v *validator) exposure(p *lattice.Ports, ingress bool) {
	external := p.ServiceType == serviceNodePort || p.ServiceType == serviceLoadBalancer
	if external && ingress {
		v.fail(fieldIngress, "a service of type "+p.ServiceType+" is reachable without it; remove spec.ingress or set serviceType: ClusterIP")
	}
	v.require(!external || len(p.Ports) > 0, v.in.service()+".ports", "is empty; a service of type "+p.ServiceType+" needs at least one port")
	published := func(field string) {
		v.require(external, field, "needs serviceType: LoadBalancer or NodePort; set it or remove this field")
		v.require(len(p.Hostnames) > 0, field, "needs at least one name in "+v.in.service()+".hostnames")
	}
	if p.PublishDNS {
		published(v.in.service() + ".publishDns")
	}
	if p.TLS != nil {
		published(v.in.service() + ".tls")
	}
}

func (v *validator) tls(field string, t *lattice.TLS) {
	if t == nil {
		return
	}
	v.require(t.SecretName == "" || t.IssuerRef == nil, field, "must have secretName or issuerRef, not both")
	v.optional(field+".secretName", t.SecretName, isSubdomain, ruleSubdomain)
	if t.IssuerRef != nil {
		v.require(isSubdomain(t.IssuerRef.Name), field+".issuerRef.name", ruleSubdomain+", not "+problem.Quote(t.IssuerRef.Name))
	}
}

// knownPort checks the name of a port that may be absent.
func (v *validator) knownPort(field, port string, ports []string, where string) {
	if port != "" && !slices.Contains(ports, port) {
		v.fail(field, "there is no port "+problem.Quote(port)+" in "+where)
	}
}

// ingress checks the routes to ports that are declared under the field where.
func (v *validator) ingress(in *lattice.Ingress, ports []string, where string) {
	v.optional(fieldIngress+".gatewayClass", in.GatewayClass, isSubdomain, ruleSubdomain)
	v.require(len(in.Routes) > 0, fieldIngress+".routes", "is empty; add a route or remove spec.ingress")
	names(v, fieldIngress+".routes", in.Routes, isName, ruleName)
	for i := range in.Routes {
		v.route(fieldIngress+".routes."+in.Routes[i].Key, &in.Routes[i].Value, ports, where)
	}
}

func (v *validator) route(field string, r *lattice.Route, ports []string, where string) {
	v.knownPort(field+".port", r.Port, ports, where)
	v.require(r.Port != "" || len(ports) <= 1, field+".port", "is missing; with more than one port in "+where+" a route must name one")
	v.require(r.Port != "" || len(ports) > 0, field, "there is no port to route to; add one to "+where)
	v.items(field+".hosts", r.Hosts, func(s string) bool { return isHost(plainHost(s)) }, ruleHost)
	v.tls(field+".tls", r.TLS)
	if r.Kind == routeTCP {
		v.tcpRoute(field, r)
		return
	}
	v.require(len(r.Hosts) > 0, field+".hosts", "is empty; an "+r.Kind+" needs at least one host")
	v.require(r.ListenPort == nil, field+".listenPort", "applies to a TCPRoute only; remove it")
	for i, rule := range r.Rules {
		for j := range rule.Matches {
			v.match(field+".rules."+strconv.Itoa(i)+".matches."+strconv.Itoa(j), r.Kind, &rule.Matches[j])
		}
	}
}

func (v *validator) tcpRoute(field string, r *lattice.Route) {
	v.require(len(r.Hosts) == 0, field+".hosts", "a TCPRoute has no hosts; remove them")
	v.require(len(r.Rules) == 0, field+".rules", "a TCPRoute has no rules; remove them")
	if r.ListenPort == nil {
		v.fail(field+".listenPort", "is missing; a TCPRoute needs the port that the gateway listens on")
	} else {
		v.port(field+".listenPort", *r.ListenPort)
	}
	if r.TLS != nil && (r.TLS.SecretName == "" || r.TLS.IssuerRef != nil) {
		v.fail(field+".tls", "a TCPRoute takes a certificate by secretName only")
	}
}

// match checks that a match has the fields that its kind of route knows.
func (v *validator) match(field, kind string, m *lattice.RouteMatch) {
	if kind == routeHTTP {
		v.require(m.GRPCMethod == nil, field+".grpcMethod", "applies to a GRPCRoute only; remove it")
	}
	if kind == routeGRPC {
		v.require(m.Path == nil, field+".path", "applies to an HTTPRoute only; use grpcMethod")
		v.require(m.Method == "", field+".method", "applies to an HTTPRoute only; use grpcMethod")
	}
	if m.Path != nil {
		v.require(strings.HasPrefix(m.Path.Value, "/"), field+".path.value", "must begin with /, not "+problem.Quote(m.Path.Value))
	}
	if m.GRPCMethod != nil {
		v.require(m.GRPCMethod.Service != "" || m.GRPCMethod.Method != "", field+".grpcMethod", "is empty; give service, method or both")
	}
	for i, h := range m.Headers {
		v.headerMatch(field+".headers."+strconv.Itoa(i), h)
	}
}

func (v *validator) headerMatch(field string, h lattice.HeaderMatch) {
	const expression = "RegularExpression"
	v.headerName(field+".name", h.Name)
	v.require(h.Value != "", field+".value", "is empty; say what the header must be")
	if h.Type != expression {
		return
	}
	if _, err := regexp.Compile(h.Value); err != nil {
		v.fail(field+".value", "is not a regular expression: "+err.Error())
	}
}
