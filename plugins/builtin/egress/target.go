package egress

import (
	"slices"
	"strconv"
	"strings"

	"github.com/latticenet/lattice-host/abi/lattice"
	"github.com/latticenet/lattice-host/plugins/sdk/go/ascii"
)

// entities are the groups of endpoints that Cilium knows by name (the enumeration of toEntities in
// its CRD).
func entities() []string {
	return []string{"all", "cluster", "cluster-mesh", "health", "host", "ingress", "init", "kube-apiserver", "none",
		"remote-node", "unmanaged", "world"}
}

// target is a checked egress target. Equal targets have equal texts.
type target struct {
	lattice.EgressTarget
	// block is what CIDR says.
	block block
}

// checkTarget reads a target. The problem, which begins with the text that is wrong, is empty when
// the target is fine; field is the part of the target that it is about.
func checkTarget(t lattice.EgressTarget) (checked target, field, problem string) {
	set := 0
	for _, s := range []string{t.Entity, t.CIDR, t.FQDN} {
		if s != "" {
			set++
		}
	}
	if set != 1 {
		return checked, "", "must have exactly one of entity, cidr and fqdn"
	}
	switch {
	case t.Entity != "":
		checked.Entity = t.Entity
		field, problem = ".entity", checkEntity(t.Entity)
	case t.CIDR != "":
		checked.block, problem = parseBlock(t.CIDR)
		checked.CIDR, field = checked.block.String(), ".cidr"
	default:
		checked.FQDN = strings.TrimSuffix(strings.ToLower(t.FQDN), ".")
		field, problem = ".fqdn", checkHost(checked.FQDN)
	}
	if problem != "" {
		return target{}, field, strconv.Quote(t.Entity+t.CIDR+t.FQDN) + " " + problem
	}
	return checked, "", ""
}

func checkEntity(name string) string {
	if slices.Contains(entities(), name) {
		return ""
	}
	return "is not an entity; use one of " + strings.Join(entities(), ", ")
}

// checkHost returns what is wrong with a host name in lower case. An asterisk may stand for the
// first label.
func checkHost(name string) string {
	labels := strings.Split(strings.TrimPrefix(name, "*."), ".")
	for _, label := range labels {
		if !validLabel(label) {
			return "is not a host name; write it as api.example.com, or *.example.com for the names below one"
		}
	}
	if len(name) > 253 {
		return "is longer than the 253 characters that a host name may have"
	}
	if insideCluster(name) {
		return "is the name of a Service of this cluster, and an entry of that name would take its callers; call it through the " +
			"mesh as a resource of the type service, or open the cluster with the id entity:cluster:PORT"
	}
	if last := labels[len(labels)-1]; ascii.Only(last, isDigit) {
		return "ends like an IP address but is not one; correct the address, or use a host name"
	}
	return ""
}

// insideCluster reports whether a name is that of a Service, of one of its pods, or a pattern of
// such names.
func insideCluster(name string) bool {
	name = strings.TrimPrefix(name, "*.")
	for _, suffix := range []string{"svc", "cluster.local"} {
		if name == suffix || strings.HasSuffix(name, "."+suffix) {
			return true
		}
	}
	return false
}

func validLabel(s string) bool {
	if s == "" || len(s) > 63 || s[0] == '-' || s[len(s)-1] == '-' {
		return false
	}
	return ascii.Only(s, func(c byte) bool { return c >= 'a' && c <= 'z' || isDigit(c) || c == '-' || c == '_' })
}

func isDigit(c byte) bool { return c >= '0' && c <= '9' }

// hostTarget returns the target for a URL's host: a block of one address, or a name.
func hostTarget(host string) lattice.EgressTarget {
	if a := parseAddress(host); a != nil {
		return lattice.EgressTarget{CIDR: block{a, a.bits()}.String()}
	}
	return lattice.EgressTarget{FQDN: host}
}
