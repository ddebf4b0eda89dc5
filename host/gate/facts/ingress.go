package facts

import (
	"slices"
	"strings"

	"github.com/latticenet/lattice-host/abi"
)

// The ports on which a gateway listens for HTTP.
const (
	httpPort  = 80
	httpsPort = 443
)

// platformIssuer issues the certificates of routes that name no issuer.
const platformIssuer = "lattice-ca"

// exposure is what a resource itself publishes. What it says is not asked about again.
type exposure struct {
	// class is that of its gateway; empty when it has no routes.
	class string
	// hosts are those of its routes, names also those of its Service.
	hosts, names map[string]bool
	// ports are those on which the gateway listens for it.
	ports map[int64]bool
	// issuers are those that it names.
	issuers map[string]bool
}

func exposureOf(source document) exposure {
	spec := source.root.at("spec")
	e := exposure{hosts: map[string]bool{}, names: map[string]bool{}, ports: map[int64]bool{}, issuers: map[string]bool{platformIssuer: true}}
	for _, route := range publications(source) {
		e.class = "istio"
		for _, host := range route.hosts {
			e.hosts[host], e.names[host] = true, true
			e.ports[httpPort], e.ports[httpsPort] = true, true
		}
	}
	in := spec.at("ingress")
	if class := in.at("gatewayClass").text(); class != "" && e.class != "" {
		e.class = class
	}
	for _, route := range in.at("routes").members() {
		if port := portOf(route.at("listenPort").value); port != anyPort {
			e.ports[port] = true
		}
		e.issuers[route.at("tls", "issuerRef", "name").text()] = true
	}
	served := spec.at("workload", "service")
	e.issuers[served.at("tls", "issuerRef", "name").text()] = true
	for _, host := range served.at("hostnames").items() {
		e.names[hostName(host.text())] = true
	}
	return e
}

// publication is one route of a document.
type publication struct {
	owner abi.Ref
	// listeners begins the names of its listeners.
	listeners string
	hosts     []string
	// secret has its certificate.
	secret string
}

func publications(d document) []publication {
	var list []publication
	for _, route := range d.root.at("spec", "ingress", "routes").members() {
		id := d.ref.Name + "-" + route.key
		p := publication{owner: d.ref, listeners: id + "-", secret: route.at("tls", "secretName").text()}
		if p.secret == "" {
			p.secret = id + "-tls"
		}
		for _, host := range route.at("hosts").items() {
			p.hosts = append(p.hosts, hostName(host.text()))
		}
		list = append(list, p)
	}
	return list
}

// neighbour returns the route of another document of the run that a listener of the namespace's
// gateway is for; nil when there is no such route. What that document publishes is asked about with
// its own outputs.
func (r *reader) neighbour(listener, host string) *publication {
	if r.in.Owners == nil {
		return nil
	}
	routes := r.in.Owners.routes[r.ref.Namespace]
	at := slices.IndexFunc(routes, func(p publication) bool {
		return strings.HasPrefix(listener, p.listeners) && (host == "" && len(p.hosts) == 0 || slices.Contains(p.hosts, host)) &&
			!sameDocument(p.owner, r.in.Resource.Ref)
	})
	if at < 0 {
		return nil
	}
	return &routes[at]
}

// isDoor reports whether labels select the pods of the gateway that the resource itself asks for.
func (r *reader) isDoor(labels map[string]string) bool {
	for key, gateway := range labels {
		if _, key = labelSource(key); key == labelGatewayName {
			return r.exposure.class != "" && r.index.gateways[gateway] == r.exposure.class
		}
	}
	return false
}

// opensDoor reports whether ports are only those on which the gateway listens for the resource.
func (r *reader) opensDoor(ports []port) bool {
	return len(ports) > 0 && !slices.ContainsFunc(ports, func(p port) bool { return p.protocol != "tcp" || !r.exposure.ports[p.number] })
}

// certificate asks about names that the resource does not publish, about an issuer that it does not
// name, and as a whole about a certificate in a Secret that may be somebody else's.
func (r *reader) certificate(root node) {
	spec := r.get(root, "spec")
	r.isObject(spec)
	r.fields(spec, "secretName", "dnsNames", "issuerRef", "duration", "renewBefore", "privateKey", "usages", "revisionHistoryLimit")
	if secret := spec.at("secretName"); !strings.HasPrefix(r.text(secret), r.in.Resource.Ref.Name+"-") {
		r.unreadable(secret)
	}
	for _, host := range r.texts(spec.at("dnsNames")) {
		if !r.exposure.names[hostName(host.text())] {
			r.publishes(host.text(), host)
		}
	}
	issuer := r.get(spec, "issuerRef")
	if name := r.text(r.get(issuer, "name")); !r.exposure.issuers[name] || name == "" {
		r.override("object", "issuer:"+name, issuer)
	}
}
