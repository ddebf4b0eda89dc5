package gate

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"unicode"
)

// Engine answers for one kind of policies. It is immutable, and safe for concurrent use.
type Engine interface {
	// Name is cedar or rego.
	Name() string
	// Digest is the SHA-256 of the policies, in the form of release.Digest, whatever order they
	// were read in.
	Digest() string
	// Len is how many policies there are.
	Len() int
	// Authorizes reports whether the engine answers [Input.Requests], rather than look at
	// [Input.Document].
	Authorizes() bool
	// Evaluate judges the input. An engine that has nothing to judge in it answers Allow without a
	// reason; a request that has a refusal is not to be asked about. An error is the verdict
	// [Error].
	Evaluate(ctx context.Context, in *Input) (Answer, error)
}

// Answer is what one engine says.
type Answer struct {
	Verdict  Verdict
	Reasons  []Reason
	Warnings []Reason
}

// Policies are the policies of one run, which do not change. They are safe for concurrent use, and
// made by [New].
type Policies struct {
	engines []Engine
	digest  string
}

// ErrNoPolicies marks a host that has no policies, which denies everything.
var ErrNoPolicies = errors.New("no policies are loaded")

// engineHost is the engine of what the host decides itself.
const engineHost = "host"

// New returns the policies of engines. At least one must have a policy: the error wraps
// [ErrNoPolicies] otherwise.
func New(engines ...Engine) (*Policies, error) {
	p := &Policies{}
	sum := sha256.New()
	count := 0
	for _, e := range engines {
		p.engines = append(p.engines, e)
		count += e.Len()
	}
	slices.SortFunc(p.engines, func(a, b Engine) int { return strings.Compare(a.Name(), b.Name()) })
	for _, e := range p.engines {
		fmt.Fprintf(sum, "%s %s\n", e.Name(), e.Digest())
	}
	if count == 0 {
		return nil, fmt.Errorf("%w, so everything is denied", ErrNoPolicies)
	}
	p.digest = "sha256:" + hex.EncodeToString(sum.Sum(nil))
	return p, nil
}

// Digest names the policies: equal policies have equal digests.
func (p *Policies) Digest() string { return p.digest }

// Including returns the policies with a digest that also covers a further input of decisions, such
// as quotas, given its name and text.
func (p *Policies) Including(name string, text []byte) *Policies {
	sum := sha256.New()
	fmt.Fprintf(sum, "%s\n%s %d\n%s\n", p.digest, name, len(text), text)
	return &Policies{engines: p.engines, digest: "sha256:" + hex.EncodeToString(sum.Sum(nil))}
}

// Decide asks every engine and combines what they say. It always returns a decision: whatever goes
// wrong, a panic of an engine included, is a reason to deny.
func (p *Policies) Decide(ctx context.Context, in *Input) *Decision {
	d := &Decision{Point: in.Point, Subject: in.Subject, InputDigest: in.Digest, PolicyDigest: p.digest, Reasons: []Reason{}}
	refused := Answer{Verdict: Allow}
	for i := range in.Requests {
		if r := &in.Requests[i]; r.Refusal != "" {
			refused.Verdict = Deny
			refused.Reasons = append(refused.Reasons, refusal(r))
		}
	}
	d.add(refused)
	if len(in.Requests) > 0 && !slices.ContainsFunc(p.engines, Engine.Authorizes) {
		d.add(Answer{Verdict: NoOpinion, Reasons: []Reason{{
			Engine: engineHost, Verdict: NoOpinion, Message: "there is something to ask, and no Cedar policies to answer it",
		}}})
	}
	for _, e := range p.engines {
		answer, err := ask(ctx, e, in)
		if err != nil {
			answer.Verdict = Error
			answer.Reasons = append(answer.Reasons, Reason{Engine: e.Name(), Verdict: Error, Message: err.Error()})
		}
		d.add(answer)
	}
	slices.SortFunc(d.Reasons, func(a, b Reason) int { return a.compare(&b) })
	slices.SortFunc(d.Warnings, func(a, b Reason) int { return a.compare(&b) })
	d.ID = d.identify()
	return d
}

func refusal(r *Request) Reason {
	return Reason{
		Engine: engineHost, Verdict: Deny, Principal: r.Principal.String(), Action: r.Action, Resource: r.Resource.String(),
		Object: r.Object, Path: r.Path, Message: r.Refusal,
	}
}

// ask evaluates one engine. What panics does not allow anything.
func ask(ctx context.Context, e Engine, in *Input) (answer Answer, err error) {
	defer func() {
		if p := recover(); p != nil {
			answer, err = Answer{}, fmt.Errorf("the engine failed: %v", p)
		}
	}()
	return e.Evaluate(ctx, in)
}

// add adds an answer. A reason counts even when the verdict of its engine is weaker, and an invalid
// verdict is an error.
func (d *Decision) add(a Answer) {
	d.Verdict = max(d.Verdict, min(a.Verdict, Error))
	for _, r := range a.Reasons {
		r.Verdict = min(r.Verdict, Error)
		d.Verdict = max(d.Verdict, r.Verdict)
		d.Reasons = append(d.Reasons, r)
	}
	for _, w := range a.Warnings {
		w.Verdict = min(w.Verdict, Error)
		d.Warnings = append(d.Warnings, w)
	}
}

// identify returns the id of a decision whose other fields are set.
func (d *Decision) identify() string {
	c := *d
	c.ID = ""
	data, err := json.Marshal(&c)
	if err != nil {
		// Only an invalid verdict cannot be written, and add does not let one in.
		return ""
	}
	sum := sha256.Sum256(data)
	return "decision-" + hex.EncodeToString(sum[:8])
}

// String returns the entity as Cedar writes it, with the namespace Lattice.
func (e Entity) String() string { return Namespace + "::" + e.Type + "::" + quoteCedar(e.ID) }

// Namespace is the Cedar namespace of all entity types and actions.
const Namespace = "Lattice"

// quoteCedar writes a string literal of Cedar.
func quoteCedar(s string) string {
	var b strings.Builder
	b.WriteByte('"')
	for _, r := range s {
		switch {
		case r == '"' || r == '\\':
			b.WriteByte('\\')
			b.WriteRune(r)
		case !unicode.IsPrint(r):
			fmt.Fprintf(&b, `\u{%x}`, r)
		default:
			b.WriteRune(r)
		}
	}
	b.WriteByte('"')
	return b.String()
}
