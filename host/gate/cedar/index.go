package cedar

import (
	"iter"

	"github.com/cedar-policy/cedar-go"
	"github.com/cedar-policy/cedar-go/types"
	"github.com/cedar-policy/cedar-go/x/exp/ast"
)

// index finds the policies that may match a request. The library evaluates all that it is given,
// and most cannot match: their scope names another action, principal or resource. Leaving them out
// changes no decision, as a scope cannot fail and is looked at before any condition.
type index map[types.EntityUID]*slice

// slice holds the policies for one action, each in one place.
type slice struct {
	byPrincipal, byResource map[types.EntityUID][]*policy
	others                  []*policy
}

func newIndex(c *checker, policies []*policy) index {
	x := make(index, len(c.schema.Actions))
	for uid := range c.schema.Actions {
		x[uid] = &slice{byPrincipal: map[types.EntityUID][]*policy{}, byResource: map[types.EntityUID][]*policy{}}
	}
	for _, p := range policies {
		ids := c.actions(p.tree)
		if ids == nil {
			for _, s := range x {
				s.add(p)
			}
			continue
		}
		added := make(map[string]bool, len(ids))
		for _, id := range ids {
			if s := x[actionUID(id)]; s != nil && !added[id] {
				added[id] = true
				s.add(p)
			}
		}
	}
	return x
}

func (s *slice) add(p *policy) {
	if eq, ok := p.tree.Principal.(ast.ScopeTypeEq); ok {
		s.byPrincipal[eq.Entity] = append(s.byPrincipal[eq.Entity], p)
		return
	}
	if eq, ok := p.tree.Resource.(ast.ScopeTypeEq); ok {
		s.byResource[eq.Entity] = append(s.byResource[eq.Entity], p)
		return
	}
	s.others = append(s.others, p)
}

// candidates are the policies that may match one request.
type candidates [3][]*policy

func (x index) candidates(r *types.Request) candidates {
	s := x[r.Action]
	if s == nil {
		return candidates{}
	}
	return candidates{s.byPrincipal[r.Principal], s.byResource[r.Resource], s.others}
}

// All returns the policies by id.
func (c candidates) All() iter.Seq2[cedar.PolicyID, *cedar.Policy] {
	return func(yield func(cedar.PolicyID, *cedar.Policy) bool) {
		for _, policies := range c {
			for _, p := range policies {
				if !yield(cedar.PolicyID(p.id), p.compiled) {
					return
				}
			}
		}
	}
}
