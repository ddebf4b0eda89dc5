package ingress

import (
	"slices"

	"github.com/latticenet/lattice-host/abi/lattice"
	"github.com/latticenet/lattice-host/plugins/builtin/internal/mesh"
	"github.com/latticenet/lattice-host/plugins/builtin/internal/naming"
	"github.com/latticenet/lattice-host/plugins/sdk/go/kube"
)

const gatewayAPI = "gateway.networking.k8s.io/v1"

// emit emits the Gateway, and what is the document's own.
func (p *plan) emit() {
	p.resp.Emit(p.gateway())
	for i := range p.self.routes {
		r := &p.self.routes[i]
		switch r.Kind {
		case kindTCP:
			p.emitTCP(r)
		case kindGRPC:
			p.emitGRPC(r)
		default:
			p.emitHTTP(r)
		}
		p.emitCertificate(r)
	}
	p.emitPolicies()
}

func (p *plan) meta(name string) kube.ObjectMeta { return naming.Meta(p.self.meta, name) }

// parents returns the listeners of a route on one port.
func (p *plan) parents(r *route, port int64) []kube.ParentRef {
	var refs []kube.ParentRef
	for _, host := range r.Hosts {
		refs = append(refs, kube.ParentRef{Name: mesh.IngressName(p.self.meta.Namespace), SectionName: p.serving(port, host).Name})
	}
	return refs
}

func (p *plan) backends(r *route) []kube.BackendRef {
	return []kube.BackendRef{{Name: p.self.meta.Name, Port: r.port}}
}

// emitHTTP emits an HTTPRoute. With a certificate plain HTTP is only sent on to HTTPS.
func (p *plan) emitHTTP(r *route) {
	spec := kube.HTTPRouteSpec{ParentRefs: p.parents(r, httpPort), Hostnames: r.Hosts}
	if r.TLS != nil {
		redirect := spec
		redirect.Rules = []kube.HTTPRule{{
			Matches: []kube.HTTPMatch{{Path: &kube.ValueMatch{Type: "PathPrefix", Value: "/"}}},
			Filters: []kube.HTTPFilter{{
				Type: "RequestRedirect", RequestRedirect: &kube.HTTPRedirect{Scheme: "https", StatusCode: 301},
			}},
		}}
		p.resp.Emit(&kube.HTTPRoute{Object: kube.NewObject(gatewayAPI, kindHTTP, p.meta(r.id()+"-redirect")), Spec: redirect})
		spec.ParentRefs = p.parents(r, httpsPort)
	}
	for _, rule := range rulesOf(r) {
		spec.Rules = append(spec.Rules, kube.HTTPRule{Matches: httpMatches(rule.Matches), BackendRefs: p.backends(r)})
	}
	p.resp.Emit(&kube.HTTPRoute{Object: kube.NewObject(gatewayAPI, kindHTTP, p.meta(r.id()+"-route")), Spec: spec})
}

// httpMatches returns matches as the API server completes them, so that what is applied is what is
// there.
func httpMatches(matches []lattice.RouteMatch) []kube.HTTPMatch {
	if len(matches) == 0 {
		matches = make([]lattice.RouteMatch, 1)
	}
	list := make([]kube.HTTPMatch, len(matches))
	for i := range matches {
		m := &matches[i]
		path := &kube.ValueMatch{Type: "PathPrefix", Value: "/"}
		if m.Path != nil {
			path = &kube.ValueMatch{Type: either(m.Path.Type, "PathPrefix"), Value: m.Path.Value}
		}
		list[i] = kube.HTTPMatch{Path: path, Headers: headers(m.Headers), Method: m.Method}
	}
	return list
}

func headers(matches []lattice.HeaderMatch) []kube.HeaderMatch {
	var list []kube.HeaderMatch
	for _, h := range matches {
		list = append(list, kube.HeaderMatch{Type: either(h.Type, "Exact"), Name: h.Name, Value: h.Value})
	}
	return list
}

// emitGRPC emits a GRPCRoute. With a certificate calls come through TLS only.
func (p *plan) emitGRPC(r *route) {
	port := int64(httpPort)
	if r.TLS != nil {
		port = httpsPort
	}
	spec := kube.GRPCRouteSpec{ParentRefs: p.parents(r, port), Hostnames: r.Hosts}
	for _, rule := range rulesOf(r) {
		spec.Rules = append(spec.Rules, kube.GRPCRule{Matches: grpcMatches(rule.Matches), BackendRefs: p.backends(r)})
	}
	p.resp.Emit(&kube.GRPCRoute{Object: kube.NewObject(gatewayAPI, kindGRPC, p.meta(r.id()+"-route")), Spec: spec})
}

func grpcMatches(matches []lattice.RouteMatch) []kube.GRPCMatch {
	var list []kube.GRPCMatch
	for i := range matches {
		m := kube.GRPCMatch{Headers: headers(matches[i].Headers)}
		if method := matches[i].GRPCMethod; method != nil {
			m.Method = &kube.GRPCMethod{Type: "Exact", Service: method.Service, Method: method.Method}
		}
		list = append(list, m)
	}
	return list
}

func (p *plan) emitTCP(r *route) {
	p.resp.Emit(&kube.TCPRoute{
		Object: kube.NewObject(gatewayAPI, kindTCP, p.meta(r.id()+"-route")),
		Spec: kube.TCPRouteSpec{
			ParentRefs: []kube.ParentRef{{Name: mesh.IngressName(p.self.meta.Namespace), SectionName: r.id() + "-tcp"}},
			Rules:      []kube.TCPRule{{BackendRefs: p.backends(r)}},
		},
	})
}

// emitCertificate emits the certificate of the hosts that the route's own listeners serve.
func (p *plan) emitCertificate(r *route) {
	issuer, kind := p.issued(r)
	if issuer == "" {
		return
	}
	var hosts []string
	for _, host := range r.Hosts {
		if l := p.serving(httpsPort, host); l.of.id() == r.id() && !slices.Contains(hosts, host) {
			hosts = append(hosts, host)
		}
	}
	if len(hosts) == 0 {
		return
	}
	p.resp.Emit(&kube.Certificate{
		Object: kube.NewObject("cert-manager.io/v1", "Certificate", p.meta(r.id()+"-cert")),
		Spec: kube.CertificateSpec{
			SecretName: r.secret(), DNSNames: hosts,
			IssuerRef: kube.IssuerRef{Name: issuer, Kind: kind, Group: "cert-manager.io"},
		},
	})
}

func either(a, b string) string {
	if a != "" {
		return a
	}
	return b
}
