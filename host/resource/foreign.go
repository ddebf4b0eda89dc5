package resource

import (
	"strings"

	"github.com/latticenet/lattice-host/abi/lattice"
	"github.com/latticenet/lattice-host/internal/problem"
	"github.com/latticenet/lattice-host/internal/yamldoc"
)

// nearGroup is the number of edits up to which a group is taken for a misspelt one of this
// installation.
const nearGroup = 3

// foreign returns why a document is one for another program, or "" when it is, or may be meant to
// be, one for this installation. What has the kind or nearly the group of a known kind is taken for
// a mistake: leaving it out would remove what an earlier run applied for it.
func (t *Table) foreign(root *yamldoc.Node) string {
	if root.Kind != yamldoc.Map {
		return ""
	}
	version, kind := root.Find("apiVersion"), root.Find("kind")
	switch {
	case version == nil && kind == nil:
		return "it has neither apiVersion nor kind"
	case version == nil || kind == nil || version.Value.Kind != yamldoc.Text || kind.Value.Kind != yamldoc.Text:
		return ""
	}
	group, _, named := strings.Cut(version.Value.Text, "/")
	if !named {
		group = ""
	}
	name := kind.Value.Text
	if group == lattice.Group && (name == kindCedarPolicy || name == kindQuota) {
		return "policies are read with --policies"
	}
	for _, r := range t.rows {
		if strings.EqualFold(r.Kind.Kind, name) || problem.Distance(group, r.Group) <= nearGroup {
			return ""
		}
	}
	return "it is not of a kind that this installation reads"
}

// The kinds of policy documents, which often share a file with the services that they are about.
const (
	kindCedarPolicy = "CedarPolicy"
	kindQuota       = "LatticeQuota"
)

// leftOut describes a document that is not read.
func leftOut(file string, root *yamldoc.Node, why string) problem.Problem {
	return problem.Problem{
		Severity: problem.Warning, Position: root.In(file), Object: objectName(refOf(root, nil)), Message: "left out: " + why,
	}
}
