package resource

import (
	"reflect"
	"slices"
	"strings"

	"github.com/latticenet/lattice-host/abi/lattice"
	"github.com/latticenet/lattice-host/internal/problem"
	"github.com/latticenet/lattice-host/internal/yamldoc"
)

// namesPort reports whether a struct has a port that may be given by name.
func namesPort(t reflect.Type) bool {
	return t == reflect.TypeFor[lattice.HTTPGet]() || t == reflect.TypeFor[lattice.TCPSocket]() || t == reflect.TypeFor[lattice.GRPC]()
}

// withPortNumber replaces the name of a port by the number of the container's port that the
// service's port of that name leads to. Kubernetes looks for the name among the ports of the same
// container, and only one container lists them.
func (d *decoder) withPortNumber(n *yamldoc.Node, p *fieldPath) *yamldoc.Node {
	at := n.Find("port")
	if at == nil || at.Value.Kind != yamldoc.Text || yamldoc.IsInteger(at.Value.Text) {
		return n
	}
	// What is wrong is reported here, and once, so that any number does.
	number := "1"
	ports, in := d.servicePorts(p)
	if port := ports.Find(at.Value.Text); port == nil {
		where := p.member(at)
		d.fail(where.at, where, "there is no port "+problem.Quote(at.Value.Text)+" in "+in.service()+".ports; name one of them, or write the number of the container's port")
	} else {
		for _, key := range []string{"port", "targetPort"} {
			if m := port.Value.Find(key); m != nil && m.Value.Kind == yamldoc.Int {
				number = m.Value.Text
			}
		}
	}
	changed := *n
	changed.Members = slices.Clone(n.Members)
	for i, m := range changed.Members {
		if m.Key == "port" {
			changed.Members[i].Value = &yamldoc.Node{Kind: yamldoc.Int, Place: m.Value.Place, Text: number}
		}
	}
	return &changed
}

// servicePorts returns the ports of the workload that a path belongs to, the nearest above it, and
// where that is. A workload without ports has no members.
func (d *decoder) servicePorts(p *fieldPath) (ports *yamldoc.Node, in place) {
	for ; p != nil && p.parent != nil; p = p.parent {
		at := p.String()
		workload := inner(d.root, append(strings.Split(at, "."), "workload")...)
		if workload == nil {
			continue
		}
		if ports := inner(workload, "service", "ports"); ports != nil {
			return ports, place(at)
		}
		return new(yamldoc.Node), place(at)
	}
	return new(yamldoc.Node), inSpec
}

// inner returns the value that a path of keys leads to, or nil.
func inner(n *yamldoc.Node, keys ...string) *yamldoc.Node {
	for _, key := range keys {
		m := n.Find(key)
		if m == nil {
			return nil
		}
		n = m.Value
	}
	return n
}
