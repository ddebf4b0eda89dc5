package quota

import (
	"bytes"
	"errors"
	"io"
	"slices"

	"go.yaml.in/yaml/v3"

	"github.com/latticenet/lattice-host/internal/problem"
)

// Namespaces are the groups of namespaces, by name; that of a namespace without the label [GroupLabel] is empty. One that is
// not there is not known.
type Namespaces map[string]string

// namespace is a Namespace, or a list of them as kubectl prints it. Nothing but its name and labels is of interest.
type namespace struct {
	APIVersion string `yaml:"apiVersion"`
	Kind       string `yaml:"kind"`
	Metadata   struct {
		Name   string            `yaml:"name"`
		Labels map[string]string `yaml:"labels"`
	} `yaml:"metadata"`
	Items []yaml.Node `yaml:"items"`
}

// ParseNamespaces reads the Namespaces of one file of YAML or JSON documents, and those in a List. Every problem is reported;
// the error satisfies errors.Is with problem.Invalid.
func ParseNamespaces(file string, data []byte) (Namespaces, error) {
	r := reader{file: file}
	found := Namespaces{}
	if len(data) > MaxFileBytes {
		r.fail(0, 0, "", "", "the file has %d bytes, the limit is %d", len(data), MaxFileBytes)
		return nil, r.problems
	}
	decoder := yaml.NewDecoder(bytes.NewReader(data))
	for {
		var n yaml.Node
		err := decoder.Decode(&n)
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			r.failYAML(err)
			break
		}
		if len(n.Content) == 1 && n.Content[0].ShortTag() != "!!null" {
			r.namespace(n.Content[0], found, true)
		}
	}
	if len(r.problems) > 0 {
		return nil, r.problems
	}
	return found, nil
}

// namespace reads one document, and adds what it says.
func (r *reader) namespace(n *yaml.Node, found Namespaces, lists bool) {
	at := problem.Position{File: r.file, Line: n.Line, Column: n.Column}
	var d namespace
	if err := n.Decode(&d); err != nil {
		r.failYAML(err)
		return
	}
	group, known := found[d.Metadata.Name]
	switch {
	case lists && d.APIVersion == "v1" && slices.Contains([]string{"List", "NamespaceList"}, d.Kind):
		for i := range d.Items {
			r.namespace(&d.Items[i], found, false)
		}
	case d.APIVersion != "v1" || d.Kind != "Namespace":
		r.failAt(at, "", "kind", "is %q of %q, and must be Namespace of v1; other objects are no policies", d.Kind, d.APIVersion)
	case d.Metadata.Name == "":
		r.failAt(at, "Namespace", "metadata.name", "is missing")
	case known && group != d.Metadata.Labels[GroupLabel]:
		r.failAt(at, "Namespace "+d.Metadata.Name, "metadata.labels", "is there twice, in the groups %q and %q; keep one",
			group, d.Metadata.Labels[GroupLabel])
	default:
		found[d.Metadata.Name] = d.Metadata.Labels[GroupLabel]
	}
}
