package quota

import (
	"github.com/latticenet/lattice-host/internal/problem"
	"github.com/latticenet/lattice-host/internal/yamldoc"
)

// Namespaces are the groups of namespaces, by name; that of a namespace without the label
// [GroupLabel] is empty. A missing one is unknown.
type Namespaces map[string]string

// ParseNamespaces reads the Namespaces of one file of YAML or JSON documents, and those in a List.
// Nothing but their names and labels is of interest. Every problem is reported; the error satisfies
// errors.Is with problem.Invalid.
func ParseNamespaces(file string, data []byte) (Namespaces, error) {
	opened, documents := yamldoc.Open(file, data, MaxFileBytes)
	r := reader{opened}
	found := Namespaces{}
	for _, n := range documents {
		if n.TextOf("apiVersion") == "v1" && n.TextOf("kind") == "NamespaceList" {
			items := n.Find("items")
			for i := 0; items != nil && i < len(items.Value.Items); i++ {
				r.namespace(items.Value.Items[i], found)
			}
			continue
		}
		r.namespace(n, found)
	}
	if err := r.Err(); err != nil {
		return nil, err
	}
	return found, nil
}

// namespace reads one document, and adds what it says.
func (r reader) namespace(n *yamldoc.Node, found Namespaces) {
	at := n.In(r.File)
	var metadata struct {
		Name   string
		Labels map[string]string
	}
	r.Object = "Namespace"
	if m := n.Find("metadata"); m != nil {
		metadata.Name = m.Value.TextOf("name")
		if labels := m.Value.Find("labels"); labels != nil {
			r.DecodeAt(labels.Value, "metadata.labels", &metadata.Labels)
		}
	}
	group, known := found[metadata.Name]
	switch own := metadata.Labels[GroupLabel]; {
	case n.TextOf("apiVersion") != "v1" || n.TextOf("kind") != "Namespace":
		r.failAt(at, "", "kind", "is %s of %s, and must be Namespace of v1; other objects are not policies",
			problem.Quote(n.TextOf("kind")), problem.Quote(n.TextOf("apiVersion")))
	case metadata.Name == "":
		r.failAt(at, "Namespace", "metadata.name", "is missing")
	case known && group != own:
		r.failAt(at, "Namespace "+metadata.Name, "metadata.labels", "is a duplicate, in the groups %q and %q; keep one", group, own)
	default:
		found[metadata.Name] = own
	}
}
