package facts

import (
	"net/netip"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/latticenet/lattice-host/host/gate"
	"github.com/latticenet/lattice-host/host/resource"
)

// anyPort is every port, a range of ports, or a port that only has a name.
const anyPort = 0

// entityPrefix begins the host of an endpoint that is a Cilium entity, such as entity:world.
const entityPrefix = "entity:"

// endpoint asks about a target outside the mesh, and says whether the resource itself names it: a
// plugin can add others.
func (r *reader) endpoint(host string, port int64, protocol string, n node) {
	e := gate.ExternalEndpoint(hostName(host), port, protocol)
	if r.declared[e.ID] || r.isSharedEntry(e.ID) {
		e.Attributes[gate.AttributeDeclared] = true
	}
	r.ask(gate.ActionAccessExternalEndpoint, e, n)
}

// isSharedEntry reports whether a ServiceEntry has an endpoint that another document of the run and
// the namespace names. An entry is that of all of them, and lets no one out by itself: the policies
// of each document do.
func (r *reader) isSharedEntry(id string) bool {
	return r.in.Owners != nil && r.ref.GroupKind().String() == "ServiceEntry.networking.istio.io" && r.in.Owners.endpoints[name{r.ref.Namespace, id}] > 0
}

// declaredEndpoints returns the ids of the endpoints that a resource names: those of its external
// services, or of a member of the mesh its ways out.
func declaredEndpoints(source document) map[string]bool {
	declared := map[string]bool{}
	add := func(host string, port int64) { declared[gate.ExternalEndpoint(hostName(host), port, "").ID] = true }
	visitExternalServices(source.root.at("spec"), func(address string) {
		if host, port, ok := splitAddress(address); ok && port != anyPort {
			add(host, port)
		}
	})
	if !resource.IsMesh(source.ref.GroupKind()) {
		return declared
	}
	for _, rule := range source.root.at("spec", "egress").items() {
		host := rule.at("target", "fqdn").text()
		for _, p := range rule.at("ports").items() {
			if port := portOf(p.value); host != "" && port != anyPort {
				add(host, port)
			}
		}
	}
	return declared
}

// visitExternalServices visits the addresses of external services. The tasks of a job and the roles
// of a model are workloads of their own.
func visitExternalServices(n node, visit func(address string)) {
	for _, member := range n.members() {
		if member.key != "resources" {
			visitExternalServices(member, visit)
			continue
		}
		for _, r := range member.members() {
			if r.at("type").value != "external-service" {
				continue
			}
			for _, address := range r.at("params", "endpoints").members() {
				visit(address.text())
			}
		}
	}
}

// hostName returns a host as policies name it: in lower case, an address in its usual form, and a
// block of one address as the address.
func hostName(s string) string {
	if prefix, err := netip.ParsePrefix(s); err == nil {
		if prefix.IsSingleIP() {
			return prefix.Addr().Unmap().String()
		}
		return prefix.Masked().String()
	}
	name := strings.TrimSuffix(strings.ToLower(s), ".")
	if addr, err := netip.ParseAddr(strings.Trim(name, "[]")); err == nil {
		return addr.Unmap().WithZone("").String()
	}
	if addr, ok := numericAddress(name); ok {
		return addr.String()
	}
	return name
}

// numericAddress reads an address of IPv4 in one of the old forms that resolvers take: 0x7f.1,
// 017700000001, 2130706433.
func numericAddress(s string) (netip.Addr, bool) {
	parts := strings.Split(s, ".")
	if len(parts) > 4 {
		return netip.Addr{}, false
	}
	var sum uint64
	for i, part := range parts {
		bits := 8
		if last := i == len(parts)-1; last {
			bits = 8 * (5 - len(parts))
		}
		// An underscore separates digits in Go, and a prefix of b or o means nothing elsewhere.
		if strings.Trim(part, "0123456789abcdefx") != "" || strings.HasPrefix(part, "0b") {
			return netip.Addr{}, false
		}
		n, err := strconv.ParseUint(part, 0, bits)
		if err != nil {
			return netip.Addr{}, false
		}
		sum = sum<<bits | n
	}
	return netip.AddrFrom4([4]byte{byte(sum >> 24), byte(sum >> 16), byte(sum >> 8), byte(sum)}), true
}

// portOf returns a port that is a number or the text of one.
func portOf(value any) int64 {
	text := ""
	switch v := value.(type) {
	case string:
		text = v
	case interface{ String() string }:
		text = v.String()
	}
	port, err := strconv.ParseUint(text, 10, 16)
	if err != nil {
		return anyPort
	}
	return int64(port)
}

// transport returns the protocol below an application's, in lower case.
func transport(protocol string) string {
	switch lower := strings.ToLower(protocol); lower {
	case "":
		return "any"
	case "any", "udp", "sctp", "icmp", "icmpv6":
		return lower
	}
	// HTTP, HTTPS, GRPC, TLS, MONGO and whatever else Istio knows.
	return "tcp"
}

// address asks about a URL, or a host with its port, that something outside the bundle would
// connect to.
func (r *reader) address(n node) {
	host, port, ok := splitAddress(n.text())
	if !ok {
		r.unreadable(n)
		return
	}
	if insideCluster(host) {
		return
	}
	r.endpoint(host, port, "tcp", n)
}

func splitAddress(s string) (host string, port int64, ok bool) {
	if !strings.Contains(s, "://") {
		s = "tcp://" + s
	}
	u, err := url.Parse(s)
	if err != nil || u.Hostname() == "" {
		return "", 0, false
	}
	port = portOf(u.Port())
	if port == anyPort {
		port = map[string]int64{"http": 80, "https": 443}[u.Scheme]
	}
	return u.Hostname(), port, true
}

// insideCluster reports whether a name is that of a Service.
func insideCluster(host string) bool {
	host = hostName(host)
	return strings.HasSuffix(host, ".svc") || strings.HasSuffix(host, ".svc.cluster.local")
}

// service asks about a Service that is reached from outside the cluster, or that leads there.
func (r *reader) service(root node) {
	spec := r.get(root, "spec")
	r.isObject(spec)
	r.fields(spec, serviceFields()...)
	at := spec.at("type")
	switch kind := r.text(at); kind {
	case "", "ClusterIP":
	case "ExternalName":
		target := spec.at("externalName")
		ports := r.list(spec.at("ports"))
		for _, p := range ports {
			r.endpoint(r.text(target), portOf(r.get(p, "port").value), transport(r.text(p.at("protocol"))), target)
		}
		if len(ports) == 0 {
			r.endpoint(r.text(target), anyPort, "any", target)
		}
	default:
		r.override("service", "service:"+kind, at)
		if kind == "LoadBalancer" {
			r.loadBalancer(root)
		}
	}
	ips := r.texts(spec.at("externalIPs"))
	for _, ip := range ips {
		r.override("service", "externalIP:"+ip.text(), ip)
	}
	selector := spec.at("selector")
	inside := slices.Contains([]string{"", "ClusterIP", "ExternalName"}, at.text()) && len(ips) == 0
	if r.isObject(selector) && !inside && !r.owns(textsOf(selector)) {
		// It would open the pods of others.
		r.unreadable(selector)
	}
}

func serviceFields() []string {
	return strings.Fields(`type selector ports clusterIP clusterIPs externalIPs externalName sessionAffinity
		sessionAffinityConfig loadBalancerIP loadBalancerSourceRanges loadBalancerClass allocateLoadBalancerNodePorts
		externalTrafficPolicy internalTrafficPolicy healthCheckNodePort publishNotReadyAddresses ipFamilies ipFamilyPolicy
		trafficDistribution`)
}

// loadBalancer asks from where a load balancer is reached, which is from everywhere unless it says
// otherwise, at which address, and who runs it.
func (r *reader) loadBalancer(root node) {
	spec := root.at("spec")
	sources := r.texts(spec.at("loadBalancerSourceRanges"))
	for _, source := range sources {
		r.override("service", "loadBalancerSource:"+hostName(strings.TrimSpace(source.text())), source)
	}
	annotation := root.at("metadata", "annotations", annotationSources)
	switch written := r.text(annotation); {
	case len(sources) > 0:
	case strings.TrimSpace(written) == "":
		r.override("service", "loadBalancerSource:0.0.0.0/0", spec.at("loadBalancerSourceRanges"))
	default:
		for source := range strings.SplitSeq(written, ",") {
			r.override("service", "loadBalancerSource:"+hostName(strings.TrimSpace(source)), annotation)
		}
	}
	if ip := r.text(spec.at("loadBalancerIP")); ip != "" {
		r.override("service", "externalIP:"+ip, spec.at("loadBalancerIP"))
	}
	if class := r.text(spec.at("loadBalancerClass")); class != "" {
		r.override("service", "loadBalancerClass:"+class, spec.at("loadBalancerClass"))
	}
}

// scaledObject asks where a scaler gets its figures, and whom it scales.
func (r *reader) scaledObject(root node) {
	r.scaleTarget(r.get(root, "spec", "scaleTargetRef"), "apps/v1", "Deployment")
	r.triggers(root)
}

func (r *reader) scaledJob(root node) { r.triggers(root) }

func (r *reader) podAutoscaler(root node) {
	r.scaleTarget(r.get(root, "spec", "scaleTargetRef"), "", "")
}

// scaleTarget asks about a scaler of something that is not the bundle's.
func (r *reader) scaleTarget(n node, apiVersion, kind string) {
	if own := r.text(r.get(n, "apiVersion")); own != "" {
		apiVersion = own
	}
	if own := r.text(n.at("kind")); own != "" {
		kind = own
	}
	if !r.has(apiVersion, kind, r.text(n.at("name"))) {
		r.unreadable(n)
	}
}

// has reports whether the bundle has an object in the namespace of this one.
func (r *reader) has(apiVersion, kind, name string) bool {
	for ref := range r.index.refs {
		if ref.APIVersion == apiVersion && ref.Kind == kind && ref.Name == name && ref.Namespace == r.ref.Namespace {
			return true
		}
	}
	return false
}

// triggers asks about the addresses of triggers. One of a type that is not listed may reach
// anything.
func (r *reader) triggers(root node) {
	for _, t := range r.list(r.get(root, "spec", "triggers")) {
		kind := r.get(t, "type")
		if !slices.Contains([]string{"cpu", "memory", "cron", "kubernetes-workload", "prometheus", "external", "external-push"}, r.text(kind)) {
			r.unreadable(kind)
		}
		if auth := t.at("authenticationRef"); !auth.missing() {
			// Its kind is asked about when it is among the outputs. Another one has secrets of
			// others.
			kind := r.text(r.get(auth, "kind"))
			if kind == "" {
				kind = "TriggerAuthentication"
			}
			if !r.has(r.ref.APIVersion, kind, r.text(auth.at("name"))) {
				r.unreadable(auth)
			}
		}
		metadata := r.get(t, "metadata")
		switch kind.text() {
		case "prometheus":
			r.address(metadata.at("serverAddress"))
			continue
		case "external", "external-push":
			r.address(metadata.at("scalerAddress"))
			continue
		}
		for _, value := range metadata.members() {
			if strings.Contains(value.text(), "://") {
				r.address(value)
				continue
			}
			if isAddressKey(value.key) {
				r.addresses(value)
			}
		}
	}
}

// isAddressKey reports whether a scaler connects to what it finds under a key, which may be several
// hosts.
func isAddressKey(key string) bool {
	lower := strings.ToLower(key)
	return slices.ContainsFunc([]string{"address", "addresses", "host", "hosts", "servers", "server", "url", "endpoint", "brokers", "connection"},
		func(end string) bool { return strings.HasSuffix(lower, end) })
}

// addresses asks about hosts, each perhaps with a port, with commas between them.
func (r *reader) addresses(n node) {
	for address := range strings.SplitSeq(n.text(), ",") {
		if host, port, ok := splitAddress(strings.TrimSpace(address)); !ok {
			r.unreadable(n)
		} else if !insideCluster(host) {
			r.endpoint(host, port, "tcp", n)
		}
	}
}

// triggerAuthentication asks about what lets the scaler in elsewhere. The Secrets that it names are
// asked about where they are named; the identity of the scaler itself is one in a cloud, and
// whatever else it may be is asked about as a whole.
func (r *reader) triggerAuthentication(root node) {
	spec := r.get(root, "spec")
	r.isObject(spec)
	r.fields(spec, "secretTargetRef", "configMapTargetRef", "env", "podIdentity")
	identity := spec.at("podIdentity")
	if provider := r.text(r.get(identity, "provider")); provider != "" && provider != "none" {
		r.override("pod", "cloudIdentity:"+provider, identity)
	}
}
