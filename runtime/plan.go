package runtime

import (
	"encoding/json"
	"fmt"
	"slices"
	"strconv"

	"github.com/latticenet/lattice-host/abi"
	"github.com/latticenet/lattice-host/abi/bundle"
)

// Action is what a plan does to one object.
type Action string

// The actions.
const (
	Create    Action = "create"
	Update    Action = "update"
	Delete    Action = "delete"
	Unchanged Action = "unchanged"
)

// Verb is what somebody asked for.
type Verb string

// The verbs.
const (
	VerbApply    Verb = "apply"
	VerbPrune    Verb = "prune"
	VerbDestroy  Verb = "destroy"
	VerbRollback Verb = "rollback"
)

// Cause is why there is a plan.
type Cause struct {
	Verb Verb `json:"verb"`
	// Revision is what is rolled back to.
	Revision int `json:"revision,omitempty"`
}

// String returns the cause as people say it.
func (c Cause) String() string {
	if c.Verb == VerbRollback {
		return "rollback to " + strconv.Itoa(c.Revision)
	}
	return string(c.Verb)
}

// Change is what a plan does to one object.
type Change struct {
	Action Action `json:"action"`
	// Object is the object, Resource the document that it derives from, the first of several.
	Object   abi.Ref `json:"object"`
	Resource abi.Ref `json:"resource"`
	// Stage is when the object is applied: the lower, the earlier. Objects are removed in reverse.
	Stage int `json:"stage"`
	// Where is the place in the target, such as a file.
	Where string `json:"where"`
	// Before and After are the digests of what is there and of what will be; empty where nothing
	// is.
	Before string `json:"before,omitempty"`
	After  string `json:"after,omitempty"`
	// Reason says in a few words why.
	Reason string `json:"reason"`
}

// Plan is what would be done to a target. It does not change.
type Plan struct {
	// Target says what is changed, such as directory:/srv/gitops.
	Target string
	Set    string
	Cause  Cause
	// Force says that what others wrote is replaced and removed.
	Force bool
	// Bundles are what the set consists of afterwards, in the order of their resources.
	Bundles []Bundle
	// Hold are the resources among them whose objects are left as they are, in their order.
	Hold []abi.Ref
	// Revoke are the resources among those whose objects that fetch secrets are removed all the
	// same, in their order.
	Revoke []abi.Ref
	// Changes are in the order in which they are done. Objects that stay as they are stand between
	// them.
	Changes []Change
	// Records says that the set consists of other bundles than before, or of none, though its
	// objects may be the same.
	Records bool
	// State identifies what the target held when the plan was made.
	State string
	// Digest is the SHA-256 of all of the above. See [Plan.Seal].
	Digest string
}

// Empty reports whether nothing would be written.
func (p *Plan) Empty() bool {
	return !p.Records && !slices.ContainsFunc(p.Changes, func(c Change) bool { return c.Action != Unchanged })
}

// Count returns how many objects an action is for.
func Count(changes []Change, action Action) int {
	n := 0
	for i := range changes {
		if changes[i].Action == action {
			n++
		}
	}
	return n
}

// PlanSchema names the form of a plan's JSON.
const PlanSchema = "lattice.plan.v1"

// planDocument is a plan as JSON: what gates and people see, and what the digest is over.
type planDocument struct {
	Schema  string       `json:"schema"`
	Target  string       `json:"target"`
	Set     string       `json:"set"`
	Cause   Cause        `json:"cause"`
	Force   bool         `json:"force,omitempty"`
	Bundles []planBundle `json:"bundles"`
	Hold    []abi.Ref    `json:"hold,omitempty"`
	Revoke  []abi.Ref    `json:"revoke,omitempty"`
	Changes []Change     `json:"changes"`
	Records bool         `json:"records,omitempty"`
	State   string       `json:"state"`
	Digest  string       `json:"digest,omitempty"`
}

type planBundle struct {
	Resource abi.Ref `json:"resource"`
	Digest   string  `json:"digest"`
}

func (p *Plan) document() planDocument {
	d := planDocument{
		Schema: PlanSchema, Target: p.Target, Set: p.Set, Cause: p.Cause, Force: p.Force,
		Bundles: make([]planBundle, len(p.Bundles)), Hold: p.Hold, Revoke: p.Revoke, Changes: p.Changes,
		Records: p.Records, State: p.State,
	}
	if d.Changes == nil {
		d.Changes = []Change{}
	}
	for i, b := range p.Bundles {
		d.Bundles[i] = planBundle{Digest: b.Digest()}
		if b.Content != nil {
			d.Bundles[i].Resource = b.Content.Resource
		}
	}
	return d
}

// MarshalJSON writes the plan with the digests of its bundles in their place.
func (p *Plan) MarshalJSON() ([]byte, error) {
	d := p.document()
	d.Digest = p.Digest
	return json.Marshal(d)
}

// computeDigest returns what the digest of the plan must be.
func (p *Plan) computeDigest() (string, error) {
	text, err := json.Marshal(p.document())
	if err != nil {
		return "", fmt.Errorf("the plan cannot be written: %w", err)
	}
	if text, err = bundle.Canonical(text); err != nil {
		return "", fmt.Errorf("the plan cannot be written: %w", err)
	}
	return bundle.Digest(text), nil
}

// Seal sets the digest, as the last thing that an executor does to a plan.
func (p *Plan) Seal() (err error) {
	p.Digest, err = p.computeDigest()
	return err
}

// Difference says what makes two plans different, or nothing when they are the same: the plan that
// was approved, and the one that would be made now.
func (p *Plan) Difference(now *Plan) error {
	if p.Digest == now.Digest {
		return nil
	}
	for i := range min(len(p.Changes), len(now.Changes)) {
		if was, is := p.Changes[i], now.Changes[i]; was != is {
			problem := "the target changed since the plan"
			if was.Object == is.Object && (was.Action != is.Action || was.Reason != is.Reason) {
				problem += fmt.Sprintf(": it was to be %s (%s), now it is %s (%s)", was.Action, was.Reason, is.Action, is.Reason)
			}
			return &Error{Kind: ErrConflict, Where: was.Where, Object: was.Object.String(), Problem: problem + "; make a new plan"}
		}
	}
	return &Error{Kind: ErrConflict, Where: p.Target, Problem: "the target changed since the plan; make a new plan"}
}
