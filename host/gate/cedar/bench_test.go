package cedar

import (
	"fmt"
	"strings"
	"testing"

	"github.com/cedar-policy/cedar-go"

	"github.com/latticenet/lattice-host/host/gate"
	"github.com/latticenet/lattice-host/host/gate/cedar/cedartest"
)

// fleet returns n policies: what services of a fleet may reach, each for one service, and one in
// ten for all of them.
func fleet(n int) string {
	var b strings.Builder
	requests := cedartest.Requests()[:11]
	for i := range n {
		r := requests[i%len(requests)]
		principal := fmt.Sprintf(`principal == Lattice::Service::"team/app%d"`, i)
		if i%10 == 0 {
			principal = "principal"
		}
		fmt.Fprintf(&b, "@id(\"p%d\") permit (%s, action == Lattice::Action::\"%s\", resource) when { principal.namespace == \"team\" || principal.kind like \"s*%d\" };\n",
			i, principal, r.Action, i)
	}
	return b.String()
}

// BenchmarkEvaluate asks one question.
func BenchmarkEvaluate(b *testing.B) {
	r := cedartest.Requests()[4]
	r.Principal = gate.Service("team", "app4", "service")
	for _, n := range []int{10, 100, 1000} {
		e := mustParse(b, fleet(n))
		in := &gate.Input{Requests: []gate.Request{r}}
		b.Run(fmt.Sprintf("policies=%d", n), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if a, err := e.Evaluate(b.Context(), in); err != nil || a.Verdict != gate.Allow {
					b.Fatal(a, err)
				}
			}
		})
		b.Run(fmt.Sprintf("library/policies=%d", n), func(b *testing.B) {
			set := cedar.NewPolicySet()
			for _, p := range e.policies {
				set.Add(cedar.PolicyID(p.id), p.compiled)
			}
			b.ReportAllocs()
			for b.Loop() {
				q, entities, err := e.checker.request(&r)
				if err != nil {
					b.Fatal(err)
				}
				if d, _ := cedar.Authorize(set, entities, q); d != cedar.Allow {
					b.Fatal(d)
				}
			}
		})
	}
}

func BenchmarkParse(b *testing.B) {
	for _, n := range []int{0, 10, 1000} {
		text := []byte(fleet(n))
		b.Run(fmt.Sprintf("policies=%d", n), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, err := Parse([]File{{Text: text}}); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
