package resource

import (
	"strconv"

	"github.com/latticenet/lattice-host/internal/yamldoc"
)

// fieldPath is the way from the top of a document to a value.
type fieldPath struct {
	parent *fieldPath
	name   string
	// at is where to point a reader to.
	at yamldoc.Place
}

func (p *fieldPath) String() string {
	if p == nil || p.parent == nil {
		return ""
	}
	if front := p.parent.String(); front != "" {
		return front + "." + p.name
	}
	return p.name
}

func (p *fieldPath) member(m *yamldoc.Member) *fieldPath { return &fieldPath{p, m.Key, m.Spot()} }

func (p *fieldPath) item(i int, n *yamldoc.Node) *fieldPath {
	return &fieldPath{p, strconv.Itoa(i), n.Place}
}

// path returns a path that is known as text.
func (p *fieldPath) path(field string) *fieldPath { return &fieldPath{parent: p, name: field} }
