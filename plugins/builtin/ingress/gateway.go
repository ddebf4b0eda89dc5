package ingress

import (
	"slices"
	"strconv"
	"strings"

	"github.com/latticenet/lattice-host/plugins/builtin/internal/mesh"
	"github.com/latticenet/lattice-host/plugins/builtin/internal/naming"
	sdk "github.com/latticenet/lattice-host/plugins/sdk/go"
	"github.com/latticenet/lattice-host/plugins/sdk/go/kube"
)

// The kinds of a route.
const (
	kindHTTP = "HTTPRoute"
	kindGRPC = "GRPCRoute"
	kindTCP  = "TCPRoute"
)

// The protocols of listeners.
const (
	http  = "HTTP"
	https = "HTTPS"
	tcp   = "TCP"
	tls   = "TLS"
)

const (
	httpPort  = 80
	httpsPort = 443
	// maxListeners is how many a Gateway may have (maxItems in its CRD).
	maxListeners = 64
	// The ports that Istio's proxy keeps for itself (istio.io, Application requirements).
	proxyFirst, proxyLast = 15000, 15090
)

// defaultIssuer is the ClusterIssuer of certificates when neither the route nor the settings name
// one.
const defaultIssuer = "lattice-ca"

// listener is one listener of the Gateway, with the route that it is named after.
type listener struct {
	kube.Listener
	of *route
	// issuer and kind are those of the certificate; empty for one of a Secret that somebody else
	// makes.
	issuer, kind string
}

// plan is the Gateway of a namespace as one of its documents sees it.
type plan struct {
	resp      *sdk.Response
	self      *workload
	issuer    string
	listeners []listener
}

// secret names what has the certificate of a route.
func (r *route) secret() string {
	if r.TLS.SecretName != "" {
		return r.TLS.SecretName
	}
	return r.id() + "-tls"
}

// issued returns who issues the certificate of a route; nothing for one of a Secret that somebody
// else makes.
func (p *plan) issued(r *route) (name, kind string) {
	switch {
	case r.TLS == nil || r.TLS.SecretName != "":
		return "", ""
	case r.TLS.IssuerRef == nil:
		return p.issuer, "ClusterIssuer"
	case r.TLS.IssuerRef.Kind == "":
		return r.TLS.IssuerRef.Name, "ClusterIssuer"
	}
	return r.TLS.IssuerRef.Name, r.TLS.IssuerRef.Kind
}

// wanted returns the listeners that a route asks for, in the order of its hosts.
func (p *plan) wanted(r *route) []listener {
	if r.isTCP() {
		if r.ListenPort == nil {
			return nil
		}
		l := listener{Listener: kube.Listener{Name: r.id() + "-tcp", Port: *r.ListenPort, Protocol: tcp}, of: r}
		if r.TLS != nil {
			l.Protocol, l.TLS = tls, terminate(r)
		}
		return []listener{l}
	}
	var list []listener
	for i, host := range r.Hosts {
		n := strconv.Itoa(i)
		list = append(list, listener{of: r, Listener: kube.Listener{
			Name: r.id() + "-http-" + n, Hostname: host, Port: httpPort, Protocol: http,
		}})
		if r.TLS != nil {
			secure := listener{of: r, Listener: kube.Listener{
				Name: r.id() + "-https-" + n, Hostname: host, Port: httpsPort, Protocol: https, TLS: terminate(r),
			}}
			secure.issuer, secure.kind = p.issued(r)
			list = append(list, secure)
		}
	}
	return list
}

func terminate(r *route) *kube.ListenerTLS {
	return &kube.ListenerTLS{Mode: "Terminate", CertificateRefs: []kube.CertificateRef{{Kind: "Secret", Name: r.secret()}}}
}

// listen fills in the listeners of all routes of the namespace: those of one port and host are one,
// named after the first workload and route. The Gateway is the same whichever document it derives
// from.
func (p *plan) listen(others []*workload) {
	all := mesh.Insert(slices.Clone(others), p.self, func(a, b *workload) int { return strings.Compare(a.meta.Name, b.meta.Name) })
	for _, w := range all {
		for i := range w.routes {
			for _, l := range p.wanted(&w.routes[i]) {
				p.add(l)
			}
		}
	}
	if n := len(p.listeners); n > maxListeners {
		p.resp.Error("spec.ingress", "the routes of the namespace "+p.self.meta.Namespace+" need "+strconv.Itoa(n)+
			" listeners, and a Gateway has at most "+strconv.Itoa(maxListeners)+"; use a wildcard for hosts of one domain, or "+
			"another namespace")
	}
}

// add adds a listener, unless one for the same port and host can serve its route as well.
func (p *plan) add(l listener) {
	for i := range p.listeners {
		first := &p.listeners[i]
		if first.Port != l.Port || first.Hostname != l.Hostname && isHTTP(first) && isHTTP(&l) {
			continue
		}
		problem := conflict(first, &l)
		if problem == "" {
			return
		}
		if l.of.of == p.self {
			p.resp.Error(l.of.field(""), problem+" "+first.of.text())
		} else if first.of.of == p.self {
			p.resp.Error(first.of.field(""), problem+" "+l.of.text())
		}
		return
	}
	p.listeners = append(p.listeners, l)
}

func isHTTP(l *listener) bool { return l.Protocol == http || l.Protocol == https }

// conflict returns why two listeners of a port and host cannot be one, up to the name of the other
// route.
func conflict(a, b *listener) string {
	switch {
	case !isHTTP(a) || !isHTTP(b):
		return "the port " + strconv.FormatInt(a.Port, 10) + " of the gateway is taken; choose another listenPort, here or in"
	case a.Protocol == http:
		return ""
	case a.issuer == "" && b.issuer == "" && a.TLS.CertificateRefs[0] == b.TLS.CertificateRefs[0],
		a.issuer != "" && a.issuer == b.issuer && a.kind == b.kind:
		return ""
	}
	return "the host " + a.Hostname + " would have two certificates; name the same Secret or issuer under tls, as in"
}

// serving returns the listener that serves a port and host.
func (p *plan) serving(port int64, host string) *listener {
	for i := range p.listeners {
		if l := &p.listeners[i]; l.Port == port && l.Hostname == host {
			return l
		}
	}
	return nil
}

// gateway is the ingress Gateway. It is that of all documents of the namespace, so that it says
// nothing of one of them.
func (p *plan) gateway() *kube.Gateway {
	name := mesh.IngressName(p.self.meta.Namespace)
	meta := kube.ObjectMeta{Name: name, Namespace: p.self.meta.Namespace, Labels: naming.Labels(name)}
	g := &kube.Gateway{
		Object: kube.NewObject("gateway.networking.k8s.io/v1", "Gateway", meta),
		Spec:   kube.GatewaySpec{GatewayClassName: p.self.class},
	}
	for i := range p.listeners {
		g.Spec.Listeners = append(g.Spec.Listeners, p.listeners[i].Listener)
	}
	return g
}
