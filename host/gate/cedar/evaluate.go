package cedar

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"strings"

	"github.com/cedar-policy/cedar-go"

	"github.com/latticenet/lattice-host/host/gate"
)

// Evaluate answers the requests of an input. An error of a policy is the verdict [gate.Error], whatever other policies
// say, and a request that no policy permits comes with the policy that would.
func (e *Engine) Evaluate(ctx context.Context, in *gate.Input) (gate.Answer, error) {
	var a gate.Answer
	asked := false
	for i := range in.Requests {
		r := &in.Requests[i]
		if r.Refusal != "" {
			continue
		}
		if err := ctx.Err(); err != nil {
			return gate.Answer{}, err
		}
		asked = true
		e.answer(r, &a)
	}
	if asked {
		for _, r := range e.closed {
			add(&a, r)
		}
	}
	return a, nil
}

func add(a *gate.Answer, r gate.Reason) {
	a.Verdict = max(a.Verdict, r.Verdict)
	a.Reasons = append(a.Reasons, r)
}

// answer decides one request.
func (e *Engine) answer(r *gate.Request, a *gate.Answer) {
	q, entities, err := e.checker.request(r)
	if err != nil {
		add(a, reason(r, gate.Error, "the question cannot be asked: "+err.Error()))
		return
	}
	// The library's own decision passes over policies that fail, so that what it found counts, and not that.
	_, found := cedar.Authorize(e.index.candidates(&q), entities, q)
	for _, failed := range found.Errors {
		p := e.byID[string(failed.PolicyID)]
		message := failed.Message
		if p.unordered {
			message = "a value that it computes has none"
		}
		add(a, p.reason(r, gate.Error, fmt.Sprintf("policy %s failed: %s", p.id, message)))
	}
	for _, d := range found.Reasons {
		p := e.byID[string(d.PolicyID)]
		if p.forbids {
			add(a, p.reason(r, gate.Deny, "forbidden by policy "+p.id+p.because()))
			continue
		}
		add(a, p.reason(r, gate.Allow, "permitted by policy "+p.id+p.because()))
	}
	if len(found.Reasons) == 0 && len(found.Errors) == 0 {
		none := reason(r, gate.NoOpinion, fmt.Sprintf("no permit policy for %s to %s %s", r.Principal, r.Action, r.Resource))
		none.Advice = advice(r)
		add(a, none)
	}
}

// reason returns a reason that no policy has given.
func reason(r *gate.Request, v gate.Verdict, message string) gate.Reason {
	return gate.Reason{
		Engine: engineName, Verdict: v, Principal: r.Principal.String(), Action: r.Action, Resource: r.Resource.String(),
		Object: r.Object, Path: r.Path, Message: message,
	}
}

func (p *policy) reason(r *gate.Request, v gate.Verdict, message string) gate.Reason {
	given := reason(r, v, message)
	given.Policy, given.Position = p.id, p.at.String()
	given.Title, given.Severity = oneLine(p.notes[annotationTitle]), oneLine(p.notes[annotationSeverity])
	return given
}

// because returns what a policy says about why it is there.
func (p *policy) because() string {
	for _, note := range []string{annotationReason, annotationDescription} {
		if text := oneLine(p.notes[note]); text != "" {
			return ": " + text
		}
	}
	return ""
}

func oneLine(s string) string { return strings.Join(strings.Fields(s), " ") }

// advice returns the policy that permits exactly one request.
func advice(r *gate.Request) string {
	principal, res := r.Principal.String(), r.Resource.String()
	sum := sha256.Sum256([]byte(principal + "\n" + r.Action + "\n" + res))
	var b strings.Builder
	fmt.Fprintf(&b, "@id(\"allow-%s-%s\")\n", r.Action, hex.EncodeToString(sum[:4]))
	if r.Action == gate.ActionRunRevoked {
		b.WriteString("@reason(\"it runs although it is revoked\")\n")
	}
	fmt.Fprintf(&b, "permit (\n  principal == %s,\n  action == %s,\n  resource == %s\n);\n", principal, actionUID(r.Action), res)
	return b.String()
}
