package facts

import (
	"net/netip"
	"slices"
	"strings"

	"github.com/latticenet/lattice-host/abi"
)

// authorizationPolicy asks about rules that let everybody in, and about policies for the pods of
// others.
func (r *reader) authorizationPolicy(root node) {
	spec := r.get(root, "spec")
	r.isObject(spec)
	r.fields(spec, "selector", "targetRef", "targetRefs", "rules", "action")
	if r.isWaypointDoor(spec) {
		return
	}
	r.policyTarget(spec)
	switch action := r.text(spec.at("action")); action {
	case "", "ALLOW":
	case "DENY", "AUDIT":
		return
	default:
		r.unreadable(spec.at("action"))
		return
	}
	door := r.isDoor(textsOf(spec.at("selector", "matchLabels")))
	for _, rule := range r.list(spec.at("rules")) {
		if !r.isObject(rule) {
			r.unreadable(rule)
			continue
		}
		if door && r.isOwnDoor(rule) {
			continue
		}
		sources := r.list(rule.at("from"))
		if len(sources) == 0 {
			r.wildcard("inbound", rule)
		}
		for _, s := range sources {
			if at := r.get(s, "source"); r.isEverybody(at) {
				r.wildcard("inbound", at)
			}
		}
	}
}

// isOwnDoor recognises a rule that lets everybody use the ports on which the gateway listens for
// the resource.
func (r *reader) isOwnDoor(rule node) bool {
	to := rule.at("to").items()
	return len(to) > 0 && !slices.ContainsFunc(to, func(n node) bool {
		var ports []port
		for _, p := range n.at("operation", "ports").items() {
			ports = append(ports, port{portOf(p.value), "tcp"})
		}
		return !r.opensDoor(ports)
	})
}

// isWaypointDoor recognises the policy that lets everybody with an identity into the tunnel to a
// waypoint, where the policies of the services of that waypoint decide.
func (r *reader) isWaypointDoor(spec node) bool {
	action := spec.at("action").value
	if textsOf(spec.at("selector", "matchLabels"))[labelWaypointFor] == "" || action != nil && action != "ALLOW" {
		return false
	}
	for _, rule := range spec.at("rules").items() {
		to := rule.at("to").items()
		if len(to) == 0 {
			return false
		}
		for _, t := range to {
			ports := t.at("operation", "ports").items()
			if len(ports) != 1 || portOf(ports[0].value) != tunnelPort {
				return false
			}
		}
	}
	return true
}

// isEverybody reports whether a source names no one, or only by patterns.
func (r *reader) isEverybody(source node) bool {
	if !r.isObject(source) {
		return true
	}
	named := false
	for _, field := range []string{
		"principals", "requestPrincipals", "namespaces", "serviceAccounts", "ipBlocks", "remoteIpBlocks",
	} {
		values := r.texts(source.at(field))
		if len(values) == 0 {
			continue
		}
		if !slices.ContainsFunc(values, isPattern) {
			named = true
		}
	}
	return !named
}

// isPattern reports whether a text matches several values, such as a block of addresses.
func isPattern(n node) bool {
	_, err := netip.ParsePrefix(n.text())
	return strings.Contains(n.text(), "*") || err == nil && strings.Contains(hostName(n.text()), "/")
}

// policyTarget asks about a policy for something that is not the bundle's.
func (r *reader) policyTarget(spec node) {
	refs := r.list(spec.at("targetRefs"))
	if one := spec.at("targetRef"); !one.missing() {
		refs = append(refs, one)
	}
	if len(refs) == 0 {
		r.ownPods(spec.at("selector"))
	}
	for _, at := range refs {
		kind := abi.GroupKind{Group: r.text(r.get(at, "group")), Kind: r.text(at.at("kind"))}
		if !r.hasKind(kind, r.text(at.at("name"))) || !at.at("namespace").missing() {
			r.unreadable(at)
		}
	}
}

// hasKind reports whether the bundle has an object of any version in the namespace of this one.
func (r *reader) hasKind(kind abi.GroupKind, name string) bool {
	for ref := range r.index.refs {
		if ref.GroupKind() == kind && ref.Name == name && ref.Namespace == r.ref.Namespace {
			return true
		}
	}
	return false
}

// peerAuthentication asks about plaintext: who talks it has no identity.
func (r *reader) peerAuthentication(root node) {
	spec := r.get(root, "spec")
	r.isObject(spec)
	r.fields(spec, "selector", "mtls", "portLevelMtls")
	r.ownPods(spec.at("selector"))
	modes := []node{r.get(spec, "mtls", "mode")}
	r.isObject(spec.at("portLevelMtls"))
	for _, member := range spec.at("portLevelMtls").members() {
		modes = append(modes, r.get(member, "mode"))
	}
	for _, mode := range modes {
		switch r.text(mode) {
		case "", "UNSET", "STRICT":
		default:
			r.wildcard("inbound", mode)
		}
	}
}

// inventedSuffix ends the host names that stand for addresses.
const inventedSuffix = ".svc.external"

// serviceEntry asks about every host and address that is made known to the mesh, with every port.
func (r *reader) serviceEntry(root node) {
	spec := r.get(root, "spec")
	r.isObject(spec)
	r.fields(spec, "hosts", "addresses", "ports", "location", "resolution", "endpoints", "exportTo", "subjectAltNames")
	for _, to := range r.texts(spec.at("exportTo")) {
		switch namespace := to.text(); namespace {
		case ".", "~", r.in.Resource.Ref.Namespace:
		case "*":
			r.wildcard("advertise", to)
		default:
			r.foreign(to, namespace)
		}
	}
	var ports []port
	names := map[string]int{}
	for _, p := range r.list(spec.at("ports")) {
		names[r.text(r.get(p, "name"))] = len(ports)
		one := port{portOf(p.at("number").value), transport(r.text(p.at("protocol")))}
		ports = append(ports, one)
		if target := p.at("targetPort"); !target.missing() {
			ports = append(ports, port{portOf(target.value), one.protocol})
		}
	}
	out := direction{mesh: "outbound"}
	addresses := r.texts(spec.at("addresses"))
	for _, a := range addresses {
		r.outbound(out, a.text(), ports, a)
	}
	endpoints := r.list(spec.at("endpoints"))
	for _, e := range endpoints {
		own := slices.Clone(ports)
		for _, override := range r.get(e, "ports").members() {
			if i, ok := names[override.key]; ok {
				own[i].number = portOf(override.value)
			}
		}
		r.outbound(out, r.text(e.at("address")), own, e.at("address"))
	}
	fixed := len(addresses)+len(endpoints) > 0 && slices.Contains([]any{"STATIC", "NONE"}, spec.at("resolution").value)
	for _, host := range r.texts(spec.at("hosts")) {
		if !fixed || !strings.HasSuffix(host.text(), inventedSuffix) {
			r.outbound(out, host.text(), ports, host)
		}
	}
}

// waypointClass is the class of the gateways of the ambient mesh, which only the mesh reaches.
const waypointClass = "istio-waypoint"

// gateway asks about a gateway that is reached from outside, that takes the routes of other
// namespaces, or is more than its listeners.
func (r *reader) gateway(root node) {
	spec := r.get(root, "spec")
	r.isObject(spec)
	r.fields(spec, "gatewayClassName", "listeners")
	if class := r.text(spec.at("gatewayClassName")); class != waypointClass && class != r.exposure.class {
		// It is reached from outside the mesh, and the resource does not ask for it.
		r.override("service", "gateway:"+class, spec.at("gatewayClassName"))
	}
	r.neighbours = map[name]bool{}
	for _, l := range r.list(spec.at("listeners")) {
		host := r.get(l, "hostname")
		route := r.neighbour(r.text(l.at("name")), hostName(r.text(host)))
		if route != nil {
			r.neighbours[name{r.ref.Namespace, route.secret}] = true
		}
		if host.text() != "" && route == nil {
			r.publishes(host.text(), host)
		}
		at := r.get(l, "allowedRoutes", "namespaces", "from")
		if from := r.text(at); from != "" && from != "Same" && from != "None" {
			r.wildcard("inbound", at)
		}
	}
}

// route asks about routes at the gateways or Services of others, and about those that lead out of
// the mesh or to what is not a Service.
func (r *reader) route(root node) {
	spec := r.get(root, "spec")
	r.isObject(spec)
	r.fields(spec, "parentRefs", "hostnames", "rules")
	for _, host := range r.texts(spec.at("hostnames")) {
		r.publishes(host.text(), host)
	}
	for _, parent := range r.list(spec.at("parentRefs")) {
		kind := abi.GroupKind{Group: "gateway.networking.k8s.io", Kind: "Gateway"}
		if group := r.get(parent, "group"); !group.missing() {
			kind.Group = r.text(group)
		}
		if own := r.text(parent.at("kind")); own != "" {
			kind.Kind = own
		}
		at := parent.at("namespace")
		if namespace := r.text(at); namespace != "" && namespace != r.ref.Namespace || !r.hasKind(kind, r.text(parent.at("name"))) {
			r.unreadable(parent)
		}
	}
	for _, rule := range r.list(spec.at("rules")) {
		r.backends(rule)
	}
}

// backends looks for backends in a rule and its filters.
func (r *reader) backends(n node) {
	for _, item := range n.items() {
		r.backends(item)
	}
	for _, member := range n.members() {
		switch member.key {
		case "backendRefs":
			for _, b := range r.list(member) {
				r.backend(b)
			}
		case "backendRef":
			r.backend(member)
		case "extensionRef":
			r.unreadable(member)
		}
		r.backends(member)
	}
}

func (r *reader) backend(n node) {
	if at := r.get(n, "namespace"); r.text(at) != "" && at.text() != r.in.Resource.Ref.Namespace {
		r.foreign(at, at.text())
	}
	group, kind := r.text(r.get(n, "group")), r.text(n.at("kind"))
	switch {
	case group == "" && (kind == "" || kind == "Service"):
	case group == "networking.istio.io" && kind == "Hostname":
		r.endpoint(r.text(n.at("name")), portOf(n.at("port").value), "tcp", n.at("name"))
	default:
		r.unreadable(n)
	}
}
