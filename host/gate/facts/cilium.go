package facts

import (
	"slices"
	"strings"
)

// tunnelPort is the port of the ambient mesh's tunnel (HBONE).
const tunnelPort = 15008

// direction is one side of a network policy.
type direction struct {
	// mesh is inbound or outbound, word from or to.
	mesh, word string
	// door is set where the policy is about the gateway that the resource itself asks for.
	door bool
}

func (r *reader) ciliumPolicy(root node) {
	rules := r.list(root.at("specs"))
	if spec := root.at("spec"); !spec.missing() {
		rules = append(rules, spec)
	}
	for _, rule := range rules {
		if !r.isObject(rule) {
			r.unreadable(rule)
			continue
		}
		r.fields(rule, "endpointSelector", "ingress", "egress", "ingressDeny", "egressDeny", "labels", "description",
			"enableDefaultDeny")
		r.ownPods(rule.at("endpointSelector"))
		door := r.isDoor(textsOf(rule.at("endpointSelector", "matchLabels")))
		for _, in := range r.list(rule.at("ingress")) {
			r.ciliumRule(in, direction{mesh: "inbound", word: "from", door: door})
		}
		for _, out := range r.list(rule.at("egress")) {
			r.ciliumRule(out, direction{mesh: "outbound", word: "to"})
		}
		for side, mesh := range map[string]string{"ingress": "inbound", "egress": "outbound"} {
			if deny, set := r.flag(r.get(rule, "enableDefaultDeny", side)); set && !deny {
				r.wildcard(mesh, rule.at("enableDefaultDeny", side))
			}
		}
	}
}

// ciliumRule asks about a rule that allows traffic.
func (r *reader) ciliumRule(n node, d direction) {
	if !r.isObject(n) {
		r.unreadable(n)
		return
	}
	r.fields(n, d.word+"Endpoints", d.word+"Entities", d.word+"CIDR", d.word+"CIDRSet", d.word+"FQDNs", "toPorts", "icmps",
		"authentication")
	ports := r.ciliumPorts(n)
	// Anyone who may pass is decided at the tunnel's end.
	tunnel := !r.index.outside && len(ports) > 0 && !slices.ContainsFunc(ports, func(p port) bool { return !p.isTunnel() })
	// So does the resource itself for the ports of its gateway.
	tunnel = tunnel || d.door && r.opensDoor(ports)
	if len(n.members()) > 0 && namesNoPeer(n, d) && !tunnel {
		r.wildcard(d.mesh, n)
		r.outbound(d, entityPrefix+"all", ports, n)
	}
	for _, s := range r.list(n.at(d.word + "Endpoints")) {
		if r.isObject(s); r.selectsAll(s) && !tunnel {
			r.wildcard(d.mesh, s)
		}
		r.reserved(s, d, ports, tunnel)
	}
	if mode := r.get(n, "authentication", "mode"); !mode.missing() && mode.value != "required" {
		// Anyone who talks without authentication has no identity.
		r.wildcard(d.mesh, mode)
	}
	for _, e := range r.texts(n.at(d.word + "Entities")) {
		if !tunnel {
			r.entity(e.text(), d, ports, e)
		}
	}
	r.ciliumBlocks(n, d, ports)
	for _, name := range r.list(n.at(d.word + "FQDNs")) {
		r.isObject(name)
		for _, match := range name.members() {
			r.outbound(d, r.text(match), ports, match)
		}
		r.fields(name, "matchName", "matchPattern")
	}
}

// namesNoPeer reports whether a rule names no peer, which means every peer. An empty list counts as
// no peer, however Cilium reads it.
func namesNoPeer(n node, d direction) bool {
	for _, member := range n.members() {
		if _, list := member.value.([]any); list && len(member.items()) == 0 || member.missing() {
			continue
		}
		if strings.HasPrefix(member.key, d.word) && member.key != "toPorts" {
			return false
		}
	}
	return true
}

func (r *reader) ciliumBlocks(n node, d direction, ports []port) {
	blocks := r.texts(n.at(d.word + "CIDR"))
	for _, set := range r.list(n.at(d.word + "CIDRSet")) {
		r.fields(set, "cidr", "except")
		blocks = append(blocks, r.get(set, "cidr"))
	}
	for _, b := range blocks {
		r.block(b, d, ports)
	}
}

// block asks about a block of addresses. Callers from a block have no identity.
func (r *reader) block(n node, d direction, ports []port) {
	block := hostName(r.text(n))
	if d.mesh == "inbound" && strings.Contains(block, "/") {
		r.wildcard(d.mesh, n)
	}
	r.outbound(d, block, ports, n)
}

// outbound asks about each port of a target; it asks nothing of the other direction.
func (r *reader) outbound(d direction, host string, ports []port, n node) {
	if d.mesh != "outbound" {
		return
	}
	if len(ports) == 0 {
		ports = []port{{protocol: "any"}}
	}
	for _, p := range ports {
		r.endpoint(host, p.number, p.protocol, n)
	}
}

// entity asks about an entity. Those within the cluster are wildcards, the others are endpoints,
// and some are both.
func (r *reader) entity(name string, d direction, ports []port, n node) {
	entity := strings.ToLower(name)
	switch entity {
	case "all", "cluster", "unmanaged":
		r.wildcard(d.mesh, n)
	case "world", "world-ipv4", "world-ipv6":
		if d.mesh == "inbound" {
			r.wildcard(d.mesh, n)
		}
	case "none":
		return
	case "host", "remote-node", "kube-apiserver", "health", "init", "ingress", "cluster-mesh":
	default:
		r.unreadable(n)
	}
	if entity != "cluster" && entity != "unmanaged" {
		r.outbound(d, entityPrefix+entity, ports, n)
	}
}

// port is a port with its protocol in lower case.
type port struct {
	number   int64
	protocol string
}

func (p port) isTunnel() bool { return p.number == tunnelPort && p.protocol == "tcp" }

// ciliumPorts returns the ports of a rule; none when it is for all of them.
func (r *reader) ciliumPorts(n node) []port {
	var ports []port
	for _, rule := range r.list(n.at("toPorts")) {
		r.isObject(rule)
		r.fields(rule, "ports", "rules", "serverNames")
		list := r.list(rule.at("ports"))
		for _, p := range list {
			one := port{portOf(r.get(p, "port").value), transport(r.text(p.at("protocol")))}
			if !p.at("endPort").missing() {
				one.number = anyPort
			}
			ports = append(ports, one)
		}
		if len(list) == 0 {
			ports = append(ports, port{protocol: "any"})
		}
	}
	for range r.list(n.at("icmps")) {
		ports = append(ports, port{protocol: "icmp"})
	}
	return ports
}

// selectsAll reports whether a selector selects every pod, or every pod of the namespace. One that
// names no label's value might. A label that all pods have tells none from others.
func (r *reader) selectsAll(n node) bool {
	for _, member := range n.at("matchLabels").members() {
		switch _, key := labelSource(member.key); key {
		case labelManagedBy, "io.cilium.k8s.policy.cluster":
		case "io.kubernetes.pod.namespace":
			if member.text() != r.ref.Namespace {
				return false
			}
		default:
			return false
		}
	}
	for _, e := range n.at("matchExpressions").items() {
		if e.at("operator").value == "In" {
			return false
		}
	}
	return true
}

// labelSource takes a label of Cilium apart into where it comes from and its key. Pods have the
// sources k8s and any.
func labelSource(label string) (source, key string) {
	if rest, ok := strings.CutPrefix(label, "$"); ok {
		return "reserved", rest
	}
	if rest, ok := strings.CutPrefix(label, "reserved."); ok {
		return "reserved", rest
	}
	if source, key, ok := strings.Cut(label, ":"); ok {
		return source, key
	}
	return "any", label
}

// reserved asks about a selector of endpoints that are not pods: the identity of an entity, or of a
// block of addresses, is a label, too.
func (r *reader) reserved(selector node, d direction, ports []port, tunnel bool) {
	look := func(label string, n node) {
		switch source, key := labelSource(label); source {
		case "k8s", "any":
		case "reserved":
			if !tunnel {
				r.entity(key, d, ports, n)
			}
		default:
			r.unreadable(n)
		}
	}
	labels := selector.at("matchLabels")
	r.isObject(labels)
	for _, member := range labels.members() {
		look(member.key, member)
	}
	for _, e := range r.list(selector.at("matchExpressions")) {
		look(r.text(r.get(e, "key")), e)
	}
}

// networkPolicy asks about a policy of Kubernetes itself.
func (r *reader) networkPolicy(root node) {
	spec := r.get(root, "spec")
	r.isObject(spec)
	r.fields(spec, "podSelector", "ingress", "egress", "policyTypes")
	r.ownPods(spec.at("podSelector"))
	for _, rule := range r.list(spec.at("ingress")) {
		r.policyRule(rule, direction{mesh: "inbound", word: "from"})
	}
	for _, rule := range r.list(spec.at("egress")) {
		r.policyRule(rule, direction{mesh: "outbound", word: "to"})
	}
}

func (r *reader) policyRule(n node, d direction) {
	if !r.isObject(n) {
		r.unreadable(n)
		return
	}
	r.fields(n, d.word, "ports")
	var ports []port
	for _, p := range r.list(n.at("ports")) {
		protocol := r.text(r.get(p, "protocol"))
		if protocol == "" {
			protocol = "TCP"
		}
		one := port{portOf(p.at("port").value), transport(protocol)}
		if !p.at("endPort").missing() {
			one.number = anyPort
		}
		ports = append(ports, one)
	}
	peers := r.list(n.at(d.word))
	if len(peers) == 0 {
		r.wildcard(d.mesh, n)
		r.outbound(d, entityPrefix+"all", ports, n)
	}
	for _, peer := range peers {
		r.isObject(peer)
		r.fields(peer, "podSelector", "namespaceSelector", "ipBlock")
		if block := peer.at("ipBlock"); !block.missing() {
			r.block(r.get(block, "cidr"), d, ports)
			continue
		}
		if r.selectsAll(peer.at("podSelector")) && r.selectsAll(peer.at("namespaceSelector")) {
			r.wildcard(d.mesh, peer)
		}
	}
}
