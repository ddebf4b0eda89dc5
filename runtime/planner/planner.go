package planner

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/latticenet/lattice-host/abi"
	"github.com/latticenet/lattice-host/abi/bundle"
	"github.com/latticenet/lattice-host/internal/exactjson"
	"github.com/latticenet/lattice-host/runtime"
)

// Item is one object in one place of the target.
type Item struct {
	// Object is the object, Resource the document that it derives from, the first of several.
	Object, Resource abi.Ref
	// Stage is when the object is applied: the lower, the earlier.
	Stage int
	// Where is the place in the target, such as a file; a set has one object in each.
	Where string
	// Digest identifies the content: equal contents have equal digests.
	Digest string
}

// Compare orders items as they are applied: by stage, then by object, then by place.
func (i *Item) Compare(with *Item) int {
	return cmp.Or(cmp.Compare(i.Stage, with.Stage), i.Object.Compare(with.Object), strings.Compare(i.Where, with.Where))
}

// Found is what a target has in place of an item.
type Found struct {
	// Digest identifies the content; empty when nothing is there.
	Digest string `json:"digest"`
	// Obstacle says what is there that no object can replace, as in "is a folder"; else empty.
	Obstacle string `json:"obstacle,omitempty"`
}

// Input is what a plan is made of.
type Input struct {
	// Draft is what the set should consist of; see [Set]. Its target must be set.
	Draft runtime.Plan
	// Set is what the executor recorded about it.
	Set *Set
	// Want are the objects of the draft's bundles, each once; see [runtime.Owners].
	Want []Item
	// Wrote are the objects that the executor wrote, each with the digest of what it wrote.
	Wrote []Item
	// Look returns what is in a place. It is called once for each place, in the order of the plan.
	Look func(*Item) (Found, error)
	// Record is what else the plan rests on, such as the executor's inventory; it goes into the
	// plan's state as JSON.
	Record any
}

// Make returns the sealed plan. The error joins every conflict, each an [runtime.Error] of the kind
// [runtime.ErrConflict]; nothing was written.
func Make(in Input) (*runtime.Plan, error) {
	p := newPlanner(&in)
	want := slices.Clone(in.Want)
	slices.SortFunc(want, func(a, b Item) int { return a.Compare(&b) })
	for i := range want {
		if err := p.want(&want[i]); err != nil {
			return nil, err
		}
	}
	if err := p.rest(); err != nil {
		return nil, err
	}
	if len(p.conflicts) > 0 {
		return nil, errors.Join(p.conflicts...)
	}
	plan := in.Draft
	plan.Changes, plan.Records = p.changes, in.Set.Records(&plan)
	var err error
	if plan.State, err = p.state(); err != nil {
		return nil, err
	}
	return &plan, plan.Seal()
}

// errRule says that an executor reported what cannot be, such as an object to drop that it did not
// write.
var errRule = errors.New("the planner has no rule for it")

// planner compares what should be with what is there.
type planner struct {
	in *Input
	// owned is what the executor wrote and may change, held what it must leave alone, by place.
	owned, held map[string]Item
	// heldObjects and revoked are the objects of resources that are held, without the revoked ones.
	heldObjects, revoked map[abi.Ref]bool
	changes              []runtime.Change
	conflicts            []error
	// seen is what was found in the target, in the order of looking.
	seen []observation
}

// observation is what was found at one place of the target.
type observation struct {
	Where string `json:"where"`
	Found
}

func newPlanner(in *Input) *planner {
	p := &planner{
		in: in, owned: map[string]Item{}, held: map[string]Item{}, heldObjects: map[abi.Ref]bool{},
		revoked: runtime.Revoked(in.Draft.Bundles, in.Draft.Revoke),
	}
	for _, b := range runtime.Only(in.Draft.Bundles, in.Draft.Hold) {
		for _, o := range b.Content.Applied() {
			if !p.revoked[o.Ref] {
				p.heldObjects[o.Ref] = true
			}
		}
	}
	for _, item := range in.Wrote {
		if p.heldObjects[item.Object] {
			p.held[item.Where] = item
		} else {
			p.owned[item.Where] = item
		}
	}
	return p
}

// want plans an object that the draft's bundles have.
func (p *planner) want(item *Item) error {
	if p.heldObjects[item.Object] || p.revoked[item.Object] {
		return nil
	}
	found, err := p.look(item)
	if err != nil {
		return err
	}
	was, isOwned := p.owned[item.Where]
	_, isHeld := p.held[item.Where]
	delete(p.owned, item.Where)
	whose := unowned
	switch {
	case isHeld:
		whose = held
	case isOwned:
		whose = owned
	}
	is := contentOf(found, was.Digest)
	if isOwned && found.Digest != "" && found.Digest == item.Digest {
		is = unrecorded
		if was == *item {
			is = desired
		}
	}
	return p.note(put, whose, is, item, found)
}

// rest plans what the executor wrote and the draft does not have: removed in the reverse of the
// order in which it is applied, or left alone where it is held.
func (p *planner) rest() error {
	owned := inOrder(p.owned)
	slices.Reverse(owned)
	for i := range owned {
		want := drop
		if p.revoked[owned[i].Object] {
			want = revoke
		}
		if err := p.recorded(want, &owned[i]); err != nil {
			return err
		}
	}
	for _, item := range inOrder(p.held) {
		if err := p.recorded(leave, &item); err != nil {
			return err
		}
	}
	return nil
}

// recorded plans a place that only the executor's record names.
func (p *planner) recorded(want intent, item *Item) error {
	found, err := p.look(item)
	if err != nil {
		return err
	}
	whose := owned
	if want == leave {
		whose = held
	}
	return p.note(want, whose, contentOf(found, item.Digest), item, found)
}

// contentOf says what is in a place where the executor wrote content of that digest, empty for
// none.
func contentOf(found Found, wrote string) content {
	switch {
	case found.Obstacle != "":
		return obstacle
	case found.Digest == "":
		return nothing
	case found.Digest == wrote:
		return written
	}
	return foreign
}

// note adds what the table says about an object.
func (p *planner) note(want intent, whose owner, is content, item *Item, found Found) error {
	v, ok := decide(want, whose, is, p.in.Draft.Force)
	switch {
	case !ok:
		return fmt.Errorf("%s: %s: %w", item.Where, item.Object, errRule)
	case v.action == "":
		reason := v.reason
		if is == obstacle && whose != held {
			reason = "is " + found.Obstacle + "; " + reason
		}
		p.conflicts = append(p.conflicts, &runtime.Error{
			Kind: runtime.ErrConflict, Where: item.Where, Object: item.Object.String(), Problem: reason,
		})
		return nil
	}
	c := runtime.Change{
		Action: v.action, Object: item.Object, Resource: item.Resource, Stage: item.Stage, Where: item.Where,
		Before: cmp.Or(found.Digest, found.Obstacle), Reason: v.reason,
	}
	if v.action != runtime.Delete {
		c.After = item.Digest
	}
	p.changes = append(p.changes, c)
	return nil
}

func (p *planner) look(item *Item) (Found, error) {
	found, err := p.in.Look(item)
	p.seen = append(p.seen, observation{item.Where, found})
	return found, err
}

// state returns the digest of what the plan rests on.
func (p *planner) state() (string, error) {
	text, err := exactjson.Marshal(struct {
		Record any           `json:"record"`
		Seen   []observation `json:"seen"`
	}{p.in.Record, p.seen})
	return bundle.Digest(text), err
}

// inOrder returns items in the order in which they are applied.
func inOrder(byPlace map[string]Item) []Item {
	return slices.SortedFunc(maps.Values(byPlace), func(a, b Item) int { return a.Compare(&b) })
}
