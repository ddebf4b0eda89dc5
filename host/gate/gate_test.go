package gate_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/latticenet/lattice-host/host/gate"
)

// engine says what it is told to.
type engine struct {
	name       string
	len        int
	authorizes bool
	answer     gate.Answer
	err        error
	panics     any
	// asked is called with what the engine is asked.
	asked func(*gate.Input)
}

func (e *engine) Name() string     { return e.name }
func (e *engine) Digest() string   { return "sha256:" + e.name }
func (e *engine) Len() int         { return e.len }
func (e *engine) Authorizes() bool { return e.authorizes }

func (e *engine) Evaluate(_ context.Context, in *gate.Input) (gate.Answer, error) {
	if e.asked != nil {
		e.asked(in)
	}
	if e.panics != nil {
		panic(e.panics)
	}
	return e.answer, e.err
}

// says is an engine that gives one verdict, with a reason unless it allows.
func says(name string, v gate.Verdict) *engine {
	e := &engine{name: name, len: 1, authorizes: name == "cedar", answer: gate.Answer{Verdict: v}}
	if v != gate.Allow {
		e.answer.Reasons = []gate.Reason{{Engine: name, Verdict: v, Message: v.String()}}
	}
	return e
}

func policies(t *testing.T, engines ...gate.Engine) *gate.Policies {
	t.Helper()
	p, err := gate.New(engines...)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func request() gate.Request {
	return gate.Request{
		Principal: gate.Service("media", "plex", "service"), Action: gate.ActionAccessVolume, Resource: gate.Volume("media", "library"),
		Object: "Deployment.apps media/plex", Path: "spec.template.spec.volumes.0",
	}
}

func input(requests ...gate.Request) *gate.Input {
	return &gate.Input{Point: gate.Outputs, Subject: "LatticeService media/plex", Requests: requests, Digest: "sha256:00"}
}

// TestVerdicts shows that Error > Deny > NoOpinion > Allow, whichever engine says what, and that
// only Allow passes.
func TestVerdicts(t *testing.T) {
	verdicts := []gate.Verdict{gate.Allow, gate.NoOpinion, gate.Deny, gate.Error}
	for i, a := range verdicts {
		for j, b := range verdicts {
			t.Run(a.String()+" and "+b.String(), func(t *testing.T) {
				want := verdicts[max(i, j)]
				for _, engines := range [][]gate.Engine{{says("cedar", a), says("rego", b)}, {says("rego", b), says("cedar", a)}} {
					d := policies(t, engines...).Decide(t.Context(), input(request()))
					if d.Verdict != want || d.Allowed() != (want == gate.Allow) {
						t.Errorf("got %s, allowed %t, want %s", d.Verdict, d.Allowed(), want)
					}
				}
			})
		}
	}
}

func TestVerdictText(t *testing.T) {
	for want, v := range map[string]gate.Verdict{"allow": gate.Allow, "no-opinion": gate.NoOpinion, "deny": gate.Deny, "error": gate.Error} {
		text, err := v.MarshalText()
		var back gate.Verdict
		if err2 := back.UnmarshalText(text); err != nil || err2 != nil || string(text) != want || back != v {
			t.Errorf("%s: %q %v %v, read as %s", v, text, err, err2, back)
		}
	}
	if _, err := gate.Verdict(4).MarshalText(); err == nil || err.Error() != "verdict 4 is unknown" {
		t.Errorf("got %v", err)
	}
	var v gate.Verdict
	if err := v.UnmarshalText([]byte("Allow")); err == nil || err.Error() != `"Allow" is not a verdict` {
		t.Errorf("got %v", err)
	}
}

func TestNoPolicies(t *testing.T) {
	for name, engines := range map[string][]gate.Engine{
		"no engines": nil, "empty engines": {&engine{name: "cedar", authorizes: true}, &engine{name: "rego"}},
	} {
		p, err := gate.New(engines...)
		if p != nil || !errors.Is(err, gate.ErrNoPolicies) || err.Error() != "no policies are loaded, so everything is denied" {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// TestNobodyToAsk shows that a question that no engine answers is not allowed, though all engines
// allow.
func TestNobodyToAsk(t *testing.T) {
	p := policies(t, says("rego", gate.Allow))
	d := p.Decide(t.Context(), input(request()))
	want := []gate.Reason{{Engine: "host", Verdict: gate.NoOpinion, Message: "there is something to ask, and no Cedar policies to answer it"}}
	if diff := cmp.Diff(want, d.Reasons); d.Verdict != gate.NoOpinion || diff != "" {
		t.Errorf("%s, -want +got:\n%s", d.Verdict, diff)
	}
	if d := p.Decide(t.Context(), input()); !d.Allowed() || len(d.Reasons) != 0 {
		t.Errorf("with nothing to ask: %+v", d)
	}
}

// TestRefusal shows that no policy overrules what the host refuses.
func TestRefusal(t *testing.T) {
	r := request()
	r.Refusal = "plex is not in allowedConsumers of volume media/library"
	d := policies(t, says("cedar", gate.Allow)).Decide(t.Context(), input(r))
	want := []gate.Reason{{
		Engine: "host", Verdict: gate.Deny, Principal: `Lattice::Service::"media/plex"`, Action: "AccessVolume",
		Resource: `Lattice::Volume::"media/library"`, Object: r.Object, Path: r.Path, Message: r.Refusal,
	}}
	if diff := cmp.Diff(want, d.Reasons); d.Verdict != gate.Deny || diff != "" {
		t.Errorf("%s, -want +got:\n%s", d.Verdict, diff)
	}
}

func TestFailingEngine(t *testing.T) {
	e := says("rego", gate.Deny)
	e.err = errors.New("evaluation took longer than 1s")
	d := policies(t, says("cedar", gate.Allow), e).Decide(t.Context(), input(request()))
	want := []gate.Reason{
		{Engine: "rego", Verdict: gate.Error, Message: "evaluation took longer than 1s"},
		{Engine: "rego", Verdict: gate.Deny, Message: "deny"},
	}
	if diff := cmp.Diff(want, d.Reasons); d.Verdict != gate.Error || diff != "" {
		t.Errorf("%s, -want +got:\n%s", d.Verdict, diff)
	}
}

// TestAttack61EnginePanics: what ends an engine must not end the gate, let alone open it.
func TestAttack61EnginePanics(t *testing.T) {
	for name, value := range map[string]any{"an error": errors.New("boom"), "text": "boom"} {
		t.Run(name, func(t *testing.T) {
			e := says("rego", gate.Allow)
			e.panics = value
			d := policies(t, says("cedar", gate.Allow), e).Decide(t.Context(), input(request()))
			want := []gate.Reason{{Engine: "rego", Verdict: gate.Error, Message: "the engine failed: boom"}}
			if diff := cmp.Diff(want, d.Reasons); d.Allowed() || d.Verdict != gate.Error || d.ID == "" || diff != "" {
				t.Errorf("%s, -want +got:\n%s", d.Verdict, diff)
			}
		})
	}
	t.Run("with nil", func(t *testing.T) {
		e := says("rego", gate.Allow)
		e.asked = func(*gate.Input) {
			var none *gate.Input
			_ = none.Subject
		}
		if d := policies(t, e).Decide(t.Context(), input()); d.Verdict != gate.Error {
			t.Errorf("got %s", d.Verdict)
		}
	})
}

// TestWrongVerdict shows that an engine that contradicts itself allows nothing.
func TestWrongVerdict(t *testing.T) {
	for name, tt := range map[string]struct {
		answer gate.Answer
		want   gate.Verdict
	}{
		"none":              {gate.Answer{Verdict: 7}, gate.Error},
		"none in a reason":  {gate.Answer{Reasons: []gate.Reason{{Verdict: 7}}}, gate.Error},
		"none in a warning": {gate.Answer{Warnings: []gate.Reason{{Verdict: 7}}}, gate.Allow},
		"weaker":            {gate.Answer{Reasons: []gate.Reason{{Verdict: gate.Deny}}}, gate.Deny},
	} {
		d := policies(t, &engine{name: "cedar", len: 1, answer: tt.answer}).Decide(t.Context(), input())
		if d.Verdict != tt.want || d.ID == "" {
			t.Errorf("%s: %+v", name, d)
		}
	}
}

// reasons are in the order in which a decision has them: each differs from the one before in what
// counts less and less.
func reasons() []gate.Reason {
	return []gate.Reason{
		{Verdict: gate.Error, Engine: "rego", Message: "m"},
		{Verdict: gate.Deny, Engine: "cedar", Action: "A", Resource: "R", Message: "m"},
		{Verdict: gate.Deny, Engine: "cedar", Action: "B", Resource: "R", Message: "m"},
		{Verdict: gate.Deny, Engine: "cedar", Action: "B", Resource: "S", Principal: "P", Message: "m"},
		{Verdict: gate.Deny, Engine: "cedar", Action: "B", Resource: "S", Principal: "Q", Object: "O", Message: "m"},
		{Verdict: gate.Deny, Engine: "cedar", Action: "B", Resource: "S", Principal: "Q", Object: "P", Path: "a", Message: "m"},
		{Verdict: gate.Deny, Engine: "cedar", Action: "B", Resource: "S", Principal: "Q", Object: "P", Path: "b", Policy: "p", Message: "m"},
		{Verdict: gate.Deny, Engine: "cedar", Action: "B", Resource: "S", Principal: "Q", Object: "P", Path: "b", Policy: "q", Position: "1", Message: "m"},
		{Verdict: gate.Deny, Engine: "cedar", Action: "B", Resource: "S", Principal: "Q", Object: "P", Path: "b", Policy: "q", Position: "2", Message: "m"},
		{Verdict: gate.Deny, Engine: "cedar", Action: "B", Resource: "S", Principal: "Q", Object: "P", Path: "b", Policy: "q", Position: "2", Message: "n"},
		{Verdict: gate.Deny, Engine: "rego", Message: "m"},
		{Verdict: gate.NoOpinion, Engine: "cedar", Message: "m"},
		{Verdict: gate.Allow, Engine: "cedar", Message: "m"},
	}
}

// TestOrder shows that a decision, its id included, is the same whatever order engines and reasons
// come in.
func TestOrder(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	want := ""
	for run := range 1000 {
		shuffled, warnings := reasons(), reasons()
		for _, s := range [][]gate.Reason{shuffled, warnings} {
			random.Shuffle(len(s), func(i, j int) { s[i], s[j] = s[j], s[i] })
		}
		cedar, rego := says("cedar", gate.Allow), says("rego", gate.Allow)
		half := random.IntN(len(shuffled))
		cedar.answer = gate.Answer{Verdict: gate.Error, Reasons: shuffled[:half], Warnings: warnings[half:]}
		rego.answer = gate.Answer{Verdict: gate.Error, Reasons: shuffled[half:], Warnings: warnings[:half]}
		engines := []gate.Engine{cedar, rego}
		random.Shuffle(2, func(i, j int) { engines[i], engines[j] = engines[j], engines[i] })
		d := policies(t, engines...).Decide(t.Context(), input(request()))
		if diff := cmp.Diff(reasons(), d.Reasons); diff != "" {
			t.Fatalf("reasons: -want +got:\n%s", diff)
		}
		if diff := cmp.Diff(reasons(), d.Warnings); diff != "" {
			t.Fatalf("warnings: -want +got:\n%s", diff)
		}
		data, err := json.Marshal(d)
		if err != nil {
			t.Fatal(err)
		}
		if want == "" {
			want = string(data)
		}
		if string(data) != want {
			t.Fatalf("run %d:\n%s\nwant\n%s", run, data, want)
		}
	}
}

// TestID shows that what differs has another id.
func TestID(t *testing.T) {
	base := func() (*engine, *gate.Input) { return says("cedar", gate.Deny), input(request()) }
	seen := map[string]string{}
	for name, change := range map[string]func(*engine, *gate.Input){
		"nothing":  func(*engine, *gate.Input) {},
		"point":    func(_ *engine, in *gate.Input) { in.Point = gate.Execute },
		"subject":  func(_ *engine, in *gate.Input) { in.Subject = "LatticeService media/other" },
		"digest":   func(_ *engine, in *gate.Input) { in.Digest = "sha256:01" },
		"policies": func(e *engine, _ *gate.Input) { e.name = "Cedar" },
		"verdict":  func(e *engine, _ *gate.Input) { e.answer.Verdict = gate.Error },
		"reason":   func(e *engine, _ *gate.Input) { e.answer.Reasons[0].Message = "other" },
		"warning":  func(e *engine, _ *gate.Input) { e.answer.Warnings = []gate.Reason{{Message: "careful"}} },
	} {
		e, in := base()
		change(e, in)
		id := policies(t, e).Decide(t.Context(), in).ID
		if other, ok := seen[id]; ok {
			t.Errorf("%s and %s have the id %s", name, other, id)
		}
		seen[id] = name
	}
}

func TestWarningsDoNotDecide(t *testing.T) {
	e := says("rego", gate.Allow)
	e.answer.Warnings = []gate.Reason{{Engine: "rego", Verdict: gate.Deny, Message: "old API"}}
	if d := policies(t, e).Decide(t.Context(), input()); !d.Allowed() || len(d.Warnings) != 1 {
		t.Errorf("got %+v", d)
	}
}

func TestDigest(t *testing.T) {
	cedar, rego := says("cedar", gate.Allow), says("rego", gate.Allow)
	both := policies(t, cedar, rego).Digest()
	if both != policies(t, rego, cedar).Digest() {
		t.Error("the order of engines changes the digest")
	}
	if both == policies(t, cedar).Digest() {
		t.Error("one engine less does not change the digest")
	}
	if !strings.HasPrefix(both, "sha256:") || len(both) != 71 {
		t.Errorf("%q is not a digest", both)
	}
}

func TestEntityString(t *testing.T) {
	for id, want := range map[string]string{
		"media/plex": `Lattice::Service::"media/plex"`,
		`a"b\c`:      `Lattice::Service::"a\"b\\c"`,
		"a\nb\x1b":   `Lattice::Service::"a\u{a}b\u{1b}"`,
		"ä漢":         `Lattice::Service::"ä漢"`,
		"\u202ex":    `Lattice::Service::"\u{202e}x"`,
	} {
		if got := (gate.Entity{Type: gate.TypeService, ID: id}).String(); got != want {
			t.Errorf("%q: got %s, want %s", id, got, want)
		}
	}
}

func TestCompareRequests(t *testing.T) {
	ordered := []gate.Request{
		{Action: "A", Resource: gate.Queue("b")},
		{Action: "B", Resource: gate.Queue("a")},
		{Action: "B", Resource: gate.Queue("b"), Principal: gate.User("a"), Object: "b"},
		{Action: "B", Resource: gate.Queue("b"), Principal: gate.User("b"), Object: "a", Path: "b"},
		{Action: "B", Resource: gate.Queue("b"), Principal: gate.User("b"), Object: "b", Path: "a"},
		{Action: "B", Resource: gate.Queue("b"), Principal: gate.User("b"), Object: "b", Path: "b"},
		{Action: "B", Resource: gate.Volume("", "")},
	}
	for i := range ordered {
		for j := range ordered {
			want := 0
			if i != j {
				want = 1
				if i < j {
					want = -1
				}
			}
			if got := ordered[i].Compare(&ordered[j]); got != want {
				t.Errorf("%d and %d: got %d, want %d", i, j, got, want)
			}
		}
	}
}

// TestVocabulary shows the ids that policies name.
func TestVocabulary(t *testing.T) {
	for want, e := range map[string]gate.Entity{
		`Lattice::Service::"media/plex"`:                gate.Service("media", "plex", "service"),
		`Lattice::User::"ada"`:                          gate.User("ada", "staff"),
		`Lattice::Plugin::"acme/cache@1.0.0"`:           gate.Plugin("acme", "cache", "1.0.0", "sha256:00"),
		`Lattice::SecretPath::"vault:a/b"`:              gate.SecretPath("vault", "a/b"),
		`Lattice::Volume::"media/library"`:              gate.Volume("media", "library"),
		`Lattice::ExternalEndpoint::"example.com:443"`:  gate.ExternalEndpoint("example.com", 443, "https"),
		`Lattice::SecurityOverride::"capability:CHOWN"`: gate.SecurityOverride("capability", "capability:CHOWN"),
		`Lattice::Mesh::"inbound"`:                      gate.Mesh("inbound"),
		`Lattice::ImageRef::"nginx:1"`:                  gate.ImageRef("nginx:1", "docker.io", "library/nginx", "1"),
		`Lattice::Queue::"batch"`:                       gate.Queue("batch"),
		`Lattice::Namespace::"media"`:                   gate.NamespaceOf("media"),
		`Lattice::Kind::"apps/Deployment"`:              gate.KindOf("apps", "Deployment"),
		`Lattice::Target::"kubernetes:prod/media"`:      gate.Target("kubernetes", "prod", "media"),
		`Lattice::Capability::"http.get:example.com"`:   gate.CapabilityOf("http.get", "example.com"),
	} {
		if got := e.String(); got != want {
			t.Errorf("got %s, want %s", got, want)
		}
	}
	parents := fmt.Sprint(gate.User("ada", "a", "b").Parents, gate.Plugin("acme", "a", "1", "d").Parents)
	if want := `[Lattice::Group::"a" Lattice::Group::"b"] [Lattice::Publisher::"acme"]`; parents != want {
		t.Errorf("got %s, want %s", parents, want)
	}
}
