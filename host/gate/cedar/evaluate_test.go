package cedar

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/cedar-policy/cedar-go"
	"github.com/google/go-cmp/cmp"

	"github.com/latticenet/lattice-host/host/gate"
	"github.com/latticenet/lattice-host/host/gate/cedar/cedartest"
)

// mustParse parses the text of one file.
func mustParse(t testing.TB, text string, documents ...File) *Engine {
	t.Helper()
	e, err := Parse([]File{{Name: "p.cedar", Text: []byte(text)}}, documents...)
	if err != nil {
		t.Fatal(err)
	}
	return e
}

// evaluate answers requests.
func evaluate(t testing.TB, e *Engine, requests ...gate.Request) gate.Answer {
	t.Helper()
	a, err := e.Evaluate(t.Context(), &gate.Input{Point: gate.Outputs, Requests: requests})
	if err != nil {
		t.Fatal(err)
	}
	return a
}

// summary is an answer in short.
func summary(a gate.Answer) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s\n", a.Verdict)
	for _, r := range a.Reasons {
		fmt.Fprintf(&b, "%s: %s: %s: %s\n", r.Verdict, r.Position, r.Policy, r.Message)
	}
	return b.String()
}

const (
	permitAll = "@id(\"p\") @reason(\"tests\") permit (principal, action, resource);\n"
	forbidAll = "@id(\"f\") forbid (principal, action, resource);\n"
	// The type checker sees a number, and so does not see that none exists.
	failing = "@id(\"e\") forbid (principal, action, resource) when { 9223372036854775807 + 1 > 0 };\n"
)

func TestRow21_FourDecisions(t *testing.T) {
	for _, r := range cedartest.Requests() {
		for _, tt := range []struct {
			name, policies, want string
		}{
			{"no policy", "", "no-opinion\nno-opinion: : : no permit policy for " + r.Principal.String() + " to " + r.Action + " " + r.Resource.String() + "\n"},
			{"permit", permitAll, "allow\nallow: p.cedar:1:1: p: permitted by policy p: tests\n"},
			{"permit and forbid", permitAll + forbidAll, "deny\ndeny: p.cedar:2:1: f: forbidden by policy f\n"},
			{
				"permit and a forbid that fails", permitAll + failing,
				"error\nerror: p.cedar:2:1: e: policy e failed: integer overflow while attempting to add `9223372036854775807` with `1`\n" +
					"allow: p.cedar:1:1: p: permitted by policy p: tests\n",
			},
		} {
			t.Run(r.Action+"/"+tt.name, func(t *testing.T) {
				got := evaluate(t, mustParse(t, tt.policies), r)
				if diff := cmp.Diff(tt.want, summary(got)); diff != "" {
					t.Errorf("-want +got:\n%s", diff)
				}
				for _, reason := range got.Reasons {
					if reason.Principal != r.Principal.String() || reason.Action != r.Action || reason.Resource != r.Resource.String() {
						t.Errorf("the reason is about %s %s %s", reason.Principal, reason.Action, reason.Resource)
					}
				}
			})
		}
	}
}

// TestRow21_EveryActionIsAsked makes the table of the test above complete.
func TestRow21_EveryActionIsAsked(t *testing.T) {
	c, err := newChecker()
	if err != nil {
		t.Fatal(err)
	}
	asked := map[string]bool{}
	for _, r := range cedartest.Requests() {
		asked[r.Action] = true
	}
	for uid := range c.schema.Actions {
		if !asked[string(uid.ID)] {
			t.Errorf("no request of package cedartest has the action %s", uid.ID)
		}
	}
	if len(asked) != len(c.schema.Actions) {
		t.Errorf("there are requests with %d actions, the schema has %d", len(asked), len(c.schema.Actions))
	}
}

// TestDefect16a_PortsAreNumbers compares the port of an endpoint as a number, and refuses a policy
// that takes it for a text.
func TestDefect16a_PortsAreNumbers(t *testing.T) {
	const permit = "@id(\"p\") permit (principal, action == Lattice::Action::\"AccessExternalEndpoint\", resource) when "
	e := mustParse(t, permit+"{ resource.port < 1024 };\n")
	service := gate.Service("media", "plex", "service")
	for port, want := range map[int64]gate.Verdict{443: gate.Allow, 1023: gate.Allow, 1024: gate.NoOpinion, 5432: gate.NoOpinion} {
		r := gate.Request{Principal: service, Action: gate.ActionAccessExternalEndpoint, Resource: gate.ExternalEndpoint("db.example.com", port, "tcp")}
		if got := evaluate(t, e, r); got.Verdict != want {
			t.Errorf("port %d: %s, want %s", port, got.Verdict, want)
		}
	}
	if _, err := Parse([]File{{Name: "p.cedar", Text: []byte(permit + "{ resource.port == \"443\" };\n")}}); err == nil {
		t.Error("a policy that compares the port with a text is taken")
	}
}

func TestAnnotations(t *testing.T) {
	e := mustParse(t, `@id("no-root") @title("No root") @severity("high") @reason("see the runbook") @description("not shown")
forbid (principal, action == Lattice::Action::"OverrideSecurity", resource);
@id("no-secrets") @description("No one \n  reads them")
forbid (principal, action == Lattice::Action::"AccessSecret", resource);
`)
	request := gate.Request{
		Principal: gate.Service("media", "plex", "service"), Action: gate.ActionOverrideSecurity,
		Resource: gate.SecurityOverride("container", "runAsRoot"), Object: "Deployment.apps media/plex", Path: "spec.template",
	}
	secret := gate.Request{Principal: request.Principal, Action: gate.ActionAccessSecret, Resource: gate.SecretPath("vault", "x")}
	want := gate.Answer{Verdict: gate.Deny, Reasons: []gate.Reason{{
		Engine: "cedar", Verdict: gate.Deny, Policy: "no-root", Position: "p.cedar:1:1", Title: "No root", Severity: "high",
		Principal: `Lattice::Service::"media/plex"`, Action: "OverrideSecurity", Resource: `Lattice::SecurityOverride::"runAsRoot"`,
		Object: "Deployment.apps media/plex", Path: "spec.template", Message: "forbidden by policy no-root: see the runbook",
	}, {
		Engine: "cedar", Verdict: gate.Deny, Policy: "no-secrets", Position: "p.cedar:3:1",
		Principal: `Lattice::Service::"media/plex"`, Action: "AccessSecret", Resource: `Lattice::SecretPath::"vault:x"`,
		Message: "forbidden by policy no-secrets: No one reads them",
	}}}
	if diff := cmp.Diff(want, evaluate(t, e, request, secret)); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
}

// TestAdvice pastes the advice, and asks again.
func TestAdvice(t *testing.T) {
	requests := cedartest.Requests()
	for _, id := range []string{"", `q"\`, "line\nbreak", "umlaut ä 漢", "\u202egnp.exe", "\x00\x1b[31m", "*", "a\u00a0b", "'"} {
		requests = append(requests, gate.Request{
			Principal: gate.Service(id, id, "service"), Action: gate.ActionAccessSecret, Resource: gate.SecretPath("vault", id),
		})
	}
	for _, r := range requests {
		t.Run(r.Action+" "+r.Resource.ID, func(t *testing.T) {
			refused := evaluate(t, mustParse(t, ""), r)
			if len(refused.Reasons) != 1 || refused.Reasons[0].Advice == "" {
				t.Fatalf("there is no advice: %+v", refused)
			}
			advised := mustParse(t, refused.Reasons[0].Advice)
			if got := evaluate(t, advised, r); got.Verdict != gate.Allow {
				t.Errorf("with the advice the verdict is %s:\n%s", got.Verdict, refused.Reasons[0].Advice)
			}
			for _, other := range []func(*gate.Request){
				func(r *gate.Request) { r.Principal.ID += "x" }, func(r *gate.Request) { r.Resource.ID += "x" },
			} {
				changed := r
				other(&changed)
				if got := evaluate(t, advised, changed); got.Verdict != gate.NoOpinion {
					t.Errorf("the advice permits more than was asked: %+v", got)
				}
			}
		})
	}
}

func TestAdviceText(t *testing.T) {
	r := cedartest.Requests()[13]
	const want = `@id("allow-RunRevoked-11db87ba")
@reason("it runs although it is revoked")
permit (
  principal == Lattice::User::"ada",
  action == Lattice::Action::"RunRevoked",
  resource == Lattice::Plugin::"acme/cache@1.2.3"
);
`
	if diff := cmp.Diff(want, evaluate(t, mustParse(t, ""), r).Reasons[0].Advice); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
}

func TestNothingToAnswer(t *testing.T) {
	broken := File{Name: "d.yaml", Text: []byte("kind: Nothing")}
	r := cedartest.Requests()[0]
	r.Refusal = "the owner does not consent"
	if got := evaluate(t, mustParse(t, forbidAll, broken), r); got.Verdict != gate.Allow || len(got.Reasons) != 0 {
		t.Errorf("got %+v", got)
	}
}

func TestCancelled(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err := mustParse(t, permitAll).Evaluate(ctx, &gate.Input{Requests: cedartest.Requests()})
	if !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
}

const documentFormat = `
apiVersion: lattice.dev/v1alpha1
kind: CedarPolicy
metadata: {name: team}
spec:
  enabled: %t
  policies: '%s'
`

// TestBrokenDocument shows that what may have forbidden something denies, and what cannot have does
// not.
func TestBrokenDocument(t *testing.T) {
	for _, tt := range []struct {
		name, policies string
		enabled        bool
		want           gate.Verdict
	}{
		{"right", `@id("x") permit (principal, action == Lattice::Action::"Admit", resource);`, true, gate.Allow},
		{"wrong and forbids", `@id("x") forbid (principal, action == Lattice::Action::"Emit", resource);`, true, gate.Error},
		{"wrong, next to one that forbids", `@id("x") permit (principal, action == Lattice::Action::"Emit", resource); @id("y") forbid (principal, action, resource);`, true, gate.Error},
		{"unreadable", `@id("x") fobid (principal, action == Lattice::Action::"Emit", resource);`, true, gate.Error},
		{"no policies", ` `, true, gate.Error},
		{"wrong and permits", `@id("x") permit (principal, action == Lattice::Action::"Emit", resource);`, true, gate.Allow},
		{"wrong and disabled", `@id("x") forbid (principal, action == Lattice::Action::"Emit", resource);`, false, gate.Allow},
		{"id taken and forbids", `@id("x") forbid (principal, action == Lattice::Action::"Grant", resource); @id("x") permit (principal, action == Lattice::Action::"Grant", resource);`, true, gate.Error},
	} {
		t.Run(tt.name, func(t *testing.T) {
			d := File{Name: "team.yaml", Text: fmt.Appendf(nil, documentFormat, tt.enabled, tt.policies)}
			if got := evaluate(t, mustParse(t, permitAll, d), cedartest.Requests()[0]); got.Verdict != tt.want {
				t.Errorf("got %s, want %s\n%s", got.Verdict, tt.want, summary(got))
			}
		})
	}
}

// TestIndexChangesNoDecision compares with what the library says to all policies.
func TestIndexChangesNoDecision(t *testing.T) {
	g := cedartest.New(3)
	matched := 0
	for range 40 {
		about := g.Request()
		var text strings.Builder
		for i := range 60 {
			text.WriteString(g.Policy(fmt.Sprintf("p%d", i), &about))
		}
		e := mustParse(t, text.String())
		set := cedar.NewPolicySet()
		for _, p := range e.policies {
			set.Add(cedar.PolicyID(p.id), p.compiled)
		}
		for i := range 20 {
			r := g.Request()
			if i%2 == 0 {
				r = about
			}
			q, entities, err := e.checker.request(&r)
			if err != nil {
				t.Fatal(err)
			}
			wantDecision, want := cedar.Authorize(set, entities, q)
			gotDecision, got := cedar.Authorize(e.index.candidates(&q), entities, q)
			if gotDecision != wantDecision {
				t.Fatalf("%+v: decision %s, want %s", r, gotDecision, wantDecision)
			}
			if diff := cmp.Diff(ids(want), ids(got)); diff != "" {
				t.Fatalf("%+v: -all +index:\n%s", r, diff)
			}
			matched += len(got.Reasons) + len(got.Errors)
		}
	}
	if matched < 500 {
		t.Errorf("only %d policies matched or failed, so that this shows nothing", matched)
	}
}

func ids(d cedar.Diagnostic) []string {
	var all []string
	for _, r := range d.Reasons {
		all = append(all, "reason "+string(r.PolicyID))
	}
	for _, r := range d.Errors {
		all = append(all, "error "+string(r.PolicyID)+" "+r.Message)
	}
	slices.Sort(all)
	return all
}

func TestPolicy(t *testing.T) {
	e := mustParse(t, "// First.\n  @id(\"a\") @title(\"T\")\n  forbid (principal, action, // who\n    resource);// Second.\n")
	want := Policy{
		ID: "a", Position: "p.cedar:2:3", Forbids: true, Annotations: map[string]string{"id": "a", "title": "T"},
		Text: "@id(\"a\") @title(\"T\")\n  forbid (principal, action, // who\n    resource);",
	}
	got, ok := e.Policy("a")
	if diff := cmp.Diff(want, got); !ok || diff != "" {
		t.Errorf("%t, -want +got:\n%s", ok, diff)
	}
	if _, ok := e.Policy("b"); ok {
		t.Error("there is a policy b")
	}
}

func TestDigest(t *testing.T) {
	a := File{Name: "a.cedar", Text: []byte(permitAll)}
	b := File{Name: "b.cedar", Text: []byte(forbidAll)}
	spaced := File{Name: "x.cedar", Text: []byte("// Comment.\n" + strings.ReplaceAll(permitAll, " ", "\n"))}
	broken := File{Name: "d.yaml", Text: []byte("kind: Nothing")}
	digestOf := func(files []File, documents ...File) string {
		t.Helper()
		e, err := Parse(files, documents...)
		if err != nil {
			t.Fatal(err)
		}
		return e.Digest()
	}
	want := digestOf([]File{a, b})
	for name, got := range map[string]string{
		"other order": digestOf([]File{b, a}), "other spaces": digestOf([]File{spaced, b}),
	} {
		if got != want {
			t.Errorf("%s: another digest", name)
		}
	}
	for name, got := range map[string]string{
		"one less": digestOf([]File{a}), "none": digestOf(nil), "left out": digestOf([]File{a, b}, broken),
		"other id": digestOf([]File{a, {Text: []byte(strings.Replace(forbidAll, `"f"`, `"g"`, 1))}}),
	} {
		if got == want {
			t.Errorf("%s: the same digest", name)
		}
	}
}
