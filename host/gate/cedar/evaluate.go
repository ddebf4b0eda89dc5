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

// Evaluate answers the requests of an input. An error of a policy is the verdict [gate.Error],
// whatever other policies say, and a request that no policy permits comes with the policy that
// would.
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
	about := gate.Reason{
		Engine: engineName, Principal: r.Principal.String(), Action: r.Action, Resource: r.Resource.String(), Object: r.Object, Path: r.Path,
		Note: r.Note,
	}
	about.Consent, _ = r.Context[gate.ContextConsent].(string)
	q, entities, err := e.checker.request(r)
	if err != nil {
		about.Verdict, about.Message = gate.Error, "the question cannot be asked: "+err.Error()
		add(a, about)
		return
	}
	// The library's own decision skips policies that fail, so that what it found counts, and
	// not that.
	_, found := cedar.Authorize(e.index.candidates(&q), entities, q)
	for _, failed := range found.Errors {
		p := e.byID[string(failed.PolicyID)]
		message := failed.Message
		if p.unordered {
			message = "a value that it computes has none"
		}
		add(a, p.reason(about, gate.Error, "policy "+p.id+" failed: "+message))
	}
	for _, d := range found.Reasons {
		p := e.byID[string(d.PolicyID)]
		if p.forbids {
			add(a, p.reason(about, gate.Deny, "forbidden by policy "+p.id+p.because))
			continue
		}
		add(a, p.reason(about, gate.Allow, "permitted by policy "+p.id+p.because))
	}
	if len(found.Reasons) == 0 && len(found.Errors) == 0 {
		about.Verdict, about.Message = gate.NoOpinion, "no permit policy for "+about.Principal+" to "+about.Action+" "+about.Resource
		if r.Hint != "" {
			about.Message += "; " + r.Hint
		}
		about.Advice = advice(&about)
		add(a, about)
	}
}

// reason completes a reason that a policy has given.
func (p *policy) reason(about gate.Reason, v gate.Verdict, message string) gate.Reason {
	about.Verdict, about.Message = v, message
	about.Policy, about.Position, about.Title, about.Severity = p.id, p.position, p.title, p.severity
	return about
}

func oneLine(s string) string { return strings.Join(strings.Fields(s), " ") }

// advice returns the policy that permits exactly one request.
func advice(about *gate.Reason) string {
	sum := sha256.Sum256([]byte(about.Principal + "\n" + about.Action + "\n" + about.Resource))
	var b strings.Builder
	fmt.Fprintf(&b, "@id(\"allow-%s-%s\")\n", about.Action, hex.EncodeToString(sum[:4]))
	if about.Action == gate.ActionRunRevoked {
		b.WriteString("@reason(\"it runs although it is revoked\")\n")
	}
	fmt.Fprintf(&b, "permit (\n  principal == %s,\n  action == %s,\n  resource == %s\n);\n",
		about.Principal, actionUID(about.Action), about.Resource)
	return b.String()
}
