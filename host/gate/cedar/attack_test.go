package cedar

import (
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/latticenet/lattice-host/host/gate"
	"github.com/latticenet/lattice-host/host/gate/cedar/cedartest"
	"github.com/latticenet/lattice-host/internal/problem"
)

// decide asks a gate.
func decide(t *testing.T, e *Engine, requests ...gate.Request) *gate.Decision {
	t.Helper()
	p, err := gate.New(e)
	if err != nil {
		t.Fatal(err)
	}
	return p.Decide(t.Context(), &gate.Input{Point: gate.Outputs, Subject: "LatticeService media/plex", Requests: requests})
}

// TestAttack47ForbidThatFails: the language skips a policy that fails, so that a forbid would
// open the door.
func TestAttack47ForbidThatFails(t *testing.T) {
	endpoint := cedartest.Requests()[4]
	for _, tt := range []struct{ name, when, message string }{
		{
			"overflow", "resource.port * 9223372036854775807 > 0",
			"policy f failed: integer overflow while attempting to multiply `443` by `9223372036854775807`",
		},
		{
			"an entity that does not exist", `Lattice::Service::"prod/ghost".kind == "service"`,
			"policy f failed: entity `Lattice::Service::\"prod/ghost\"` does not exist",
		},
		{
			"in a record", "{a: resource.port * 9223372036854775807, b: 9223372036854775807 + resource.port}.a > 0",
			"policy f failed: a value that it computes has none",
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			d := decide(t, mustParse(t, permitAll+`@id("f") forbid (principal, action == Lattice::Action::"AccessExternalEndpoint", resource) when { `+tt.when+" };"), endpoint)
			if d.Allowed() || d.Verdict != gate.Error || d.Reasons[0].Message != tt.message {
				t.Errorf("%s: %q", d.Verdict, d.Reasons[0].Message)
			}
		})
	}
	t.Run("a missing attribute", func(t *testing.T) {
		_, err := Parse([]File{{Name: "p", Text: []byte(`@id("f") forbid (principal, action == Lattice::Action::"Admit", resource) when { context.missing == "prod" };`)}})
		if !errors.Is(err, problem.Invalid) {
			t.Errorf("got %v", err)
		}
		changed := endpoint
		changed.Resource = gate.Entity{Type: gate.TypeExternalEndpoint, ID: "x:1", Attributes: gate.Record{"host": "x", "port": int64(1)}}
		if d := decide(t, mustParse(t, permitAll), changed); d.Verdict != gate.Error {
			t.Errorf("got %s", d.Verdict)
		}
	})
}

func TestAttack48PoliciesThatAreNone(t *testing.T) {
	t.Run("no policies", func(t *testing.T) {
		for name, text := range map[string]string{"empty": "", "comment": "// permit (principal, action, resource);\n"} {
			if _, err := gate.New(mustParse(t, text)); !errors.Is(err, gate.ErrNoPolicies) {
				t.Errorf("%s: %v", name, err)
			}
		}
	})
	t.Run("a file twice", func(t *testing.T) {
		f := File{Name: "p", Text: []byte(permitAll)}
		if _, err := Parse([]File{f, f}); err == nil || err.Error() != "p:1:1: policy p: the file is read twice; name it once" {
			t.Errorf("got %v", err)
		}
	})
	for _, tt := range []struct{ name, text, want string }{
		{"double id", permitAll + permitAll, "p:2:1: policy p: the id is taken by the policy at p:1:1; give it another"},
		{"no id", "forbid (principal, action, resource);", `p:1:1: the policy has no id; put @id("…") before it`},
		{
			"unknown action", `@id("x") forbid (principal, action == Lattice::Action::"Emit", resource);`,
			"p:1:1: policy x: unrecognized action `Lattice::Action::\"Emit\"`; the actions of the namespace Lattice are AccessExternalEndpoint, " +
				"AccessNamespace, AccessSecret, AccessVolume, Admit, AllowWildcard, EmitKind, Execute, Grant, Install, OverrideSecurity, " +
				"RunRevoked, SkipImageVerification, UseCapability, UseQueue",
		},
		{
			"misspelt attribute", `@id("x") forbid (principal, action == Lattice::Action::"UseQueue", resource) when { resource.label == "" };`,
			"p:1:1: policy x: attribute `label` on entity type `Lattice::Queue` not found; it has name",
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			_, err := Parse([]File{{Name: "p", Text: []byte(tt.text)}})
			if err == nil || err.Error() != tt.want {
				t.Errorf("got  %v\nwant %s", err, tt.want)
			}
		})
	}
}

// TestAttack49DeepPolicies: the parser recurses until the process ends.
func TestAttack49DeepPolicies(t *testing.T) {
	in := func(condition string) string {
		return `@id("x") permit (principal, action == Lattice::Action::"Admit", resource) when { ` + condition + ` };`
	}
	start := strings.Index(in("^"), "^") + 1
	const size = "p:1:1: the policies have %d bytes, the limit is 262144; split them"
	const deep = "p:1:%d: brackets nest more than 64 deep"
	const operators = "p:1:%d: the policy has more than 500 operators; split it"
	// As many as a file that is not too large can hold.
	within := func(unit string) int { return (maxFileBytes - 200) / len(unit) }
	repeat := func(unit string) string { return strings.Repeat(unit, within(unit)) }
	for _, tt := range []struct{ name, text, want string }{
		{"3M brackets", in(strings.Repeat("(", 3_000_000)), fmt.Sprintf(size, 3_000_084)},
		{"10 MB", strings.Repeat(permitAll, 10_000_000/len(permitAll)), fmt.Sprintf(size, 10_000_000/len(permitAll)*len(permitAll))},
		{"brackets", in(repeat("(")), fmt.Sprintf(deep, start+63)},
		{"sets", in(repeat("[")), fmt.Sprintf(deep, start+63)},
		{"records", in(repeat("{a:")), fmt.Sprintf(deep, start+63*3)},
		{"after a string", in(`"\"//" == ` + repeat("(")), fmt.Sprintf(deep, start+10+63)},
		{"after a comment", in("true // \"\n|| " + repeat("(")), "p:2:67: brackets nest more than 64 deep"},
		{"after closing brackets", in(strings.Repeat(")", 1000) + strings.Repeat("(", 1000)), fmt.Sprintf(deep, start+1000+64)},
		{"and", in(repeat("true&&")), fmt.Sprintf(operators, start+6*499+4)},
		{"or", in(repeat("1||")), fmt.Sprintf(operators, start+3*499+1)},
		{"not", in(repeat("!")), fmt.Sprintf(operators, start+499)},
		{"minus", in(repeat("- ")), fmt.Sprintf(operators, start+998)},
		{"attributes", in("context" + repeat(".a")), fmt.Sprintf(operators, start+7+2*499)},
		{"has", in("context has a" + repeat(".a")), fmt.Sprintf(operators, start+13+2*499)},
		{"if", in(repeat("if true then 1 else ")), fmt.Sprintf(operators, start+20*499+2)},
		{"conditions", `@id("x") permit (principal, action, resource) ` + repeat("when{true}"), fmt.Sprintf(operators, start-35+4+10*500)},
		{"multiplied", in(repeat("1*")), fmt.Sprintf(operators, start+2*499+1)},
	} {
		t.Run(tt.name, func(t *testing.T) {
			_, err := Parse([]File{{Name: "p", Text: []byte(tt.text)}})
			if err == nil || err.Error() != tt.want {
				t.Errorf("got  %.300v\nwant %s", err, tt.want)
			}
		})
	}
	for name, condition := range map[string]string{
		"brackets and operators": strings.Repeat("(", maxDepth-1) + "true" + strings.Repeat(")", maxDepth-1) + strings.Repeat("&&true", maxOperators-1),
		"not":                    strings.Repeat("!", (maxOperators-1)/2*2) + "true",
		"if":                     strings.Repeat("if false then false else ", maxOperators-1) + "true",
		"or":                     strings.Repeat("resource.kind == \"x\" || ", (maxOperators-1)/2) + "true",
		"has":                    strings.Repeat("context has a || ", maxOperators-1) + "true",
	} {
		t.Run("as many as may be/"+name, func(t *testing.T) {
			if got := evaluate(t, mustParse(t, in(condition)), cedartest.Requests()[0]); got.Verdict != gate.Allow {
				t.Errorf("got %+v", got)
			}
		})
	}
}

// TestAttack50RequestsThatDoNotFit: what policies were checked against must be what they see.
func TestAttack50RequestsThatDoNotFit(t *testing.T) {
	e := mustParse(t, permitAll)
	service, endpoint := gate.Service("media", "plex", "service"), gate.ExternalEndpoint("x", 1, "tcp")
	with := func(entity gate.Entity, name string, value any) gate.Entity {
		entity.Attributes = gate.Record{}
		for k, v := range gate.ExternalEndpoint("x", 1, "tcp").Attributes {
			entity.Attributes[k] = v
		}
		entity.Attributes[name] = value
		return entity
	}
	var circle gate.Entity
	circle.Type, circle.ID = gate.TypeUser, "x"
	circle.Parents = make([]gate.Entity, 1)
	circle.Parents[0] = circle
	connect := func(r gate.Entity) gate.Request {
		return gate.Request{Principal: service, Action: gate.ActionAccessExternalEndpoint, Resource: r}
	}
	install := func(user gate.Entity, context gate.Record) gate.Request {
		return gate.Request{Principal: user, Action: gate.ActionInstall, Resource: gate.Plugin("acme", "a", "1", "d"), Context: context}
	}
	fits := gate.InstallContext(0, false, false)
	deep := gate.Entity{Type: gate.TypeGroup, ID: "0"}
	for i := range 300 {
		deep = gate.Entity{Type: gate.TypeGroup, ID: fmt.Sprint(i + 1), Parents: []gate.Entity{deep}}
	}
	const unfit = "it does not fit the schema: "
	for _, tt := range []struct {
		name    string
		request gate.Request
		want    string
	}{
		{"a fraction", connect(with(endpoint, "port", 1.5)), "resource: port: a float64 is not one of string, int64, bool and []string"},
		{"null", connect(with(endpoint, "port", nil)), "resource: port: a <nil> is not one of string, int64, bool and []string"},
		{"too large", connect(with(endpoint, "port", uint64(math.MaxUint64))), "resource: port: a uint64 is not one of string, int64, bool and []string"},
		{"a number of JSON", connect(with(endpoint, "port", json.Number("1"))), "resource: port: a json.Number is not one of string, int64, bool and []string"},
		{"an int", connect(with(endpoint, "port", 1)), "resource: port: a int is not one of string, int64, bool and []string"},
		{"nested", connect(with(endpoint, "port", gate.Record{"a": "b"})), "resource: port: a gate.Record is not one of string, int64, bool and []string"},
		{"not UTF-8", connect(with(endpoint, "host", "a\xff")), `resource: host: "a\xff" is not UTF-8`},
		{"not UTF-8 in a set", connect(with(endpoint, "host", []string{"a\xff"})), `resource: host: "a\xff" is not UTF-8`},
		{"an id that is not UTF-8", connect(gate.ExternalEndpoint("\xff", 1, "tcp")), `resource: the id "\xff:1" is not UTF-8`},
		{"the wrong type", connect(with(endpoint, "port", "443")), unfit + `Lattice::ExternalEndpoint::"x:1": port must be a Long, not a String`},
		{"a set", connect(with(endpoint, "host", []string{"a"})), unfit + `Lattice::ExternalEndpoint::"x:1": host must be a String, not a Set`},
		{"one too many", connect(with(with(endpoint, "zone", "x"), "added", true)), unfit + `Lattice::ExternalEndpoint::"x:1": there is no added`},
		{"none", connect(gate.Entity{Type: gate.TypeExternalEndpoint, ID: "x:1"}), unfit + `Lattice::ExternalEndpoint::"x:1": host is missing`},
		{"the wrong resource", connect(gate.Queue("x")), unfit + "the resource must be a Lattice::ExternalEndpoint, not a Lattice::Queue"},
		{"no type", connect(gate.Entity{Type: "Nothing"}), unfit + "the resource must be a Lattice::ExternalEndpoint, not a Lattice::Nothing"},
		{"no action", gate.Request{Principal: service, Action: "Emit", Resource: endpoint}, unfit + `there is no action "Emit"`},
		{"the wrong principal", gate.Request{Principal: gate.User("x"), Action: gate.ActionAccessExternalEndpoint, Resource: endpoint}, unfit + "the principal must be a Lattice::Service, not a Lattice::User"},
		{"no context", install(gate.User("x"), nil), unfit + "context: indexStaleDays is missing"},
		{"an unexpected context", gate.Request{Principal: service, Action: gate.ActionAdmit, Resource: gate.KindOf("", "x"), Context: fits}, unfit + "context: there is no indexStaleDays"},
		{"in what it cannot be in", install(gate.Entity{Type: gate.TypeUser, ID: "x", Parents: []gate.Entity{{Type: gate.TypePublisher, ID: "p"}}}, fits), unfit + `Lattice::User::"x": a Lattice::User is in no Lattice::Publisher`},
		{"itself", install(circle, fits), "principal: there are more than 256 entities"},
		{"deep", install(gate.Entity{Type: gate.TypeUser, ID: "x", Parents: []gate.Entity{deep}}, fits), "principal: there are more than 256 entities"},
		{"in two that differ", install(gate.Entity{Type: gate.TypeUser, ID: "x", Parents: []gate.Entity{
			{Type: gate.TypeGroup, ID: "g"}, {Type: gate.TypeGroup, ID: "g", Attributes: gate.Record{"a": "b"}},
		}}, fits), `principal: Lattice::Group::"g" is a duplicate, and differs`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			d := decide(t, e, tt.request)
			if want := "the question cannot be asked: " + tt.want; d.Allowed() || d.Verdict != gate.Error || d.Reasons[0].Message != want {
				t.Errorf("%s: %q\nwant %q", d.Verdict, d.Reasons[0].Message, want)
			}
		})
	}
}

// TestAttack51Order: the library hands out what it found in no order.
func TestAttack51Order(t *testing.T) {
	var text strings.Builder
	for i := range 20 {
		fmt.Fprintf(&text, "@id(\"f%d\") forbid (principal, action, resource);\n", i)
		fmt.Fprintf(&text, "@id(\"e%d\") forbid (principal, action, resource) when { {a: 9223372036854775807 + 1, b: 9223372036854775807 * 2}.a > 0 };\n", i)
	}
	requests := append(cedartest.Requests(), gate.Request{
		Principal: gate.Service("a", "b", "service"), Action: gate.ActionUseQueue,
		Resource: gate.Entity{Type: gate.TypeQueue, ID: "q", Attributes: gate.Record{"a": "", "b": "", "c": "", "d": ""}},
	})
	want := ""
	var e *Engine
	for i := range 1000 {
		if i%100 == 0 {
			slices.Reverse(requests)
			e = mustParse(t, text.String())
		}
		data, err := json.Marshal(decide(t, e, requests...))
		if err != nil {
			t.Fatal(err)
		}
		if want == "" {
			want = string(data)
		}
		if string(data) != want {
			t.Fatalf("run %d:\n%s\nwant\n%s", i, data, want)
		}
	}
}
