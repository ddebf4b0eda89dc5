package runtime

import (
	"bytes"
	"slices"
	"strings"
)

// Approval is what the gate "execute" judged and let pass.
type Approval struct {
	// Plan is the digest of the plan.
	Plan string
	// Bundles are the digests of every bundle, in any order.
	Bundles []string
	// Decisions are the ids of the decisions. Without one nothing is approved.
	Decisions []string
}

// Approve returns the approval of a plan as it is at this moment, for the decisions that judged it.
// Where time passed since they did, [ApproveJudged] makes sure that the plan still has what they
// saw.
func Approve(p *Plan, decisions ...string) *Approval {
	a := &Approval{Plan: p.Digest, Decisions: decisions}
	for _, b := range p.Bundles {
		a.Bundles = append(a.Bundles, b.Digest())
	}
	return a
}

// ApproveJudged returns the approval of a plan by decisions about bundles, whose digests were taken
// when they were judged. Those that are held need no decision, since nothing is written for them.
func ApproveJudged(p *Plan, judged []string, decisions ...string) *Approval {
	a := &Approval{Plan: p.Digest, Bundles: slices.Clone(judged), Decisions: decisions}
	for _, b := range Only(p.Bundles, p.Hold) {
		a.Bundles = append(a.Bundles, b.Digest())
	}
	return a
}

// Check returns a copy of the plan if it is exactly the approved one. The bytes of the bundles are
// copied first, so that the bytes that are compared are those that the copy has, and what they say
// is read again. The error is [ErrNotApproved].
func (a *Approval) Check(p *Plan) (*Plan, error) {
	if a == nil || len(a.Decisions) == 0 || slices.Contains(a.Decisions, "") {
		return nil, notApproved("", "no decision approves the plan")
	}
	approved := *p
	approved.Changes, approved.Hold, approved.Revoke = slices.Clone(p.Changes), slices.Clone(p.Hold), slices.Clone(p.Revoke)
	approved.Bundles = make([]Bundle, len(p.Bundles))
	left := slices.Sorted(slices.Values(a.Bundles))
	for i, b := range p.Bundles {
		own, err := judged(b, &left)
		if err != nil {
			return nil, err
		}
		approved.Bundles[i] = own
	}
	if len(left) > 0 {
		return nil, notApproved("", "bundles were judged that the plan does not have: "+strings.Join(left, ", "))
	}
	digest, err := approved.computeDigest()
	if err != nil {
		return nil, notApproved("", err.Error())
	}
	if digest != p.Digest || digest != a.Plan {
		return nil, notApproved("", "the plan is not the one that was judged, it has the digest "+digest)
	}
	return &approved, nil
}

// judged returns its own copy of a bundle if it is one of those left, and takes it from them.
func judged(b Bundle, left *[]string) (Bundle, error) {
	name := "bundle"
	if b.Content != nil {
		name = b.Content.Resource.String()
	}
	own, err := ReadBundle(b.Raw)
	if err != nil {
		return own, notApproved(name, "the bundle is not one that was judged: "+err.Error())
	}
	at, found := slices.BinarySearch(*left, own.Digest())
	if !found || !bytes.Equal(own.Raw, b.Raw) {
		return own, notApproved(name, "the bundle is not one that was judged, it has the digest "+own.Digest())
	}
	*left = slices.Delete(*left, at, at+1)
	return own, nil
}

func notApproved(object, problem string) error {
	return &Error{Kind: ErrNotApproved, Object: object, Problem: problem + "; nothing is written, judge the plan again"}
}
