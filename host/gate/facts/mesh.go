package facts

import (
	"slices"
	"strings"
)

// meshMember asks about an agreement that is more than one with named peers.
func (r *reader) meshMember(root node) {
	spec := r.get(root, "spec")
	r.isObject(spec)
	r.fields(spec, "target", "ports", "allowedCallers", "dependencies", "egress", "allowPeerTraffic", "dependsAll", "ingress",
		"serviceAccount", "ambient", "advertise", "podNames")
	r.ownTarget(r.get(spec, "target"))
	r.memberWildcards(spec)
	if on, set := r.flag(spec.at("ambient")); set && !on && r.source.root.at("spec", "ambient").value != false {
		r.override("pod", "meshOptOut:ambient", spec.at("ambient"))
	}
	for _, rule := range r.list(spec.at("egress")) {
		protocol := r.text(r.get(rule, "protocol"))
		if protocol == "" {
			protocol = "TCP"
		}
		var ports []port
		for _, p := range r.list(rule.at("ports")) {
			ports = append(ports, port{portOf(p.value), transport(protocol)})
		}
		r.memberEgress(r.get(rule, "target"), ports)
	}
	account := r.text(spec.at("serviceAccount"))
	if account != "" && account != r.in.Resource.Ref.Name && !r.has("v1", "ServiceAccount", account) {
		r.override("pod", "serviceAccount:"+account, spec.at("serviceAccount"))
	}
}

func (r *reader) memberEgress(target node, ports []port) {
	r.isObject(target)
	r.fields(target, "entity", "cidr", "fqdn")
	out := direction{mesh: "outbound"}
	if entity := target.at("entity"); !entity.missing() {
		r.text(entity)
		r.entity(entity.text(), out, ports, entity)
	}
	for _, field := range []string{"cidr", "fqdn"} {
		if host := target.at(field); !host.missing() {
			r.outbound(out, r.text(host), ports, host)
		}
	}
}

// memberWildcards asks about a member that everybody may call, or that calls everybody. Callers
// without mutual TLS have no identity.
func (r *reader) memberWildcards(spec node) {
	for _, p := range r.list(r.get(spec, "ports")) {
		if auth := r.text(r.get(p, "peerAuth")); auth != "" && auth != "Strict" {
			r.wildcard("inbound", p.at("peerAuth"))
		}
		if external, _ := r.flag(p.at("external")); external {
			r.wildcard("inbound", p.at("external"))
		}
	}
	for _, caller := range r.list(r.get(spec, "allowedCallers")) {
		if r.text(r.get(caller, "name")) == "*" {
			r.wildcard("inbound", caller)
		}
	}
	for _, callee := range r.list(r.get(spec, "dependencies")) {
		if r.text(r.get(callee, "name")) == "*" {
			r.wildcard("outbound", callee)
		}
	}
	if all, _ := r.flag(r.get(spec, "dependsAll")); all {
		r.wildcard("outbound", spec.at("dependsAll"))
	}
	for _, s := range r.texts(r.get(spec, "advertise", "allowedServices")) {
		if s.text() == "*" {
			r.wildcard("advertise", s)
		}
	}
}

// ownTarget asks about a member that selects pods of other documents.
func (r *reader) ownTarget(target node) {
	if namespace := r.text(r.get(target, "namespace")); namespace != "" {
		if !r.index.everywhere || namespace != r.in.Resource.Ref.Namespace {
			r.unreadable(target.at("namespace"))
		}
		return
	}
	if !r.owns(textsOf(target.at("selector"))) {
		r.unreadable(target.at("selector"))
	}
}

// ownPods asks about an object as a whole when its label selector may select pods of others.
func (r *reader) ownPods(n node) {
	r.isObject(n)
	labels := map[string]string{}
	for key, value := range textsOf(n.at("matchLabels")) {
		for _, source := range []string{"k8s:", "any:"} {
			key = strings.TrimPrefix(key, source)
		}
		// A policy is for its own namespace only.
		if key != "io.kubernetes.pod.namespace" || value != r.ref.Namespace {
			labels[key] = value
		}
	}
	if !r.owns(labels) {
		r.unreadable(n)
	}
}

// owns reports whether labels select pods of the bundle only: the labels are of such a pod, and one
// of them is the name of the resource or of one of its workloads. What the author of the resource
// wrote as a selector counts as well.
func (r *reader) owns(labels map[string]string) bool {
	if r.index.everywhere {
		return true
	}
	for _, declared := range r.index.declared {
		if includes(labels, declared) {
			return true
		}
	}
	named := false
	for key, value := range labels {
		named = named || key != labelManagedBy && r.index.names[value]
	}
	return named && slices.ContainsFunc(r.index.labels, func(s labelSet) bool {
		return s.namespace == r.ref.Namespace && includes(s.labels, labels)
	})
}

// includes reports whether labels has all of some.
func includes(labels, some map[string]string) bool {
	for key, value := range some {
		if got, ok := labels[key]; !ok || got != value {
			return false
		}
	}
	return true
}

func (r *reader) budget(root node) { r.ownPods(r.get(root, "spec", "selector")) }

// serviceScrape asks about a scrape of other Services, and about everything that it may say but
// where and how often metrics are read: credentials, proxies, other paths and labels.
func (r *reader) serviceScrape(root node) {
	spec := r.get(root, "spec")
	r.isObject(spec)
	r.fields(spec, "selector", "endpoints")
	r.ownPods(spec.at("selector"))
	for _, endpoint := range r.list(spec.at("endpoints")) {
		r.isObject(endpoint)
		r.fields(endpoint, "port", "path", "interval")
	}
}

// everyProgram asks whether pods may start every program although the document allows some only:
// nothing that was derived ends the others, because one container allows all, or because it is not
// known what one is started with.
func (r *reader) everyProgram(n node) {
	for _, member := range n.members() {
		if member.key == "allowedBinaries" && len(member.items()) > 0 {
			r.override("binary", "allowedBinary:*", member)
			continue
		}
		r.everyProgram(member)
	}
}

// tracingPolicy asks about programs that pods may start beyond those that they are known to start,
// and about policies that do something else.
func (r *reader) tracingPolicy(root node) {
	spec := r.get(root, "spec")
	r.isObject(spec)
	r.fields(spec, "podSelector", "kprobes")
	r.ownPods(spec.at("podSelector"))
	for _, probe := range r.list(spec.at("kprobes")) {
		if r.text(r.get(probe, "call")) != "security_bprm_check" {
			r.unreadable(probe)
			continue
		}
		for _, selector := range r.list(probe.at("selectors")) {
			r.binaries(selector)
		}
	}
}

// binaries asks about the programs that a selector lets start, which is one that kills every other.
func (r *reader) binaries(selector node) {
	r.isObject(selector)
	r.fields(selector, "matchArgs", "matchActions")
	for _, action := range r.list(selector.at("matchActions")) {
		if r.text(r.get(action, "action")) != "Sigkill" {
			r.unreadable(action)
		}
	}
	for _, match := range r.list(selector.at("matchArgs")) {
		if r.text(r.get(match, "operator")) != "NotEqual" {
			r.unreadable(match)
		}
		for _, binary := range r.texts(match.at("values")) {
			if !r.index.commands[binary.text()] {
				r.override("binary", "allowedBinary:"+binary.text(), binary)
			}
		}
	}
}
