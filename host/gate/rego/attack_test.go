//go:build !lattice_norego

package rego

import (
	"context"
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/open-policy-agent/opa/v1/ast"

	"github.com/latticenet/lattice-host/host/gate"
)

func TestAttack53Effects(t *testing.T) {
	t.Parallel()
	for call, name := range map[string]string{
		`http.send({"method": "GET", "url": "http://localhost"})`: "http.send", `net.lookup_ip_addr("localhost")`: "net.lookup_ip_addr",
		`net.cidr_expand("10.0.0.0/8")`: "net.cidr_expand", `net.cidr_merge(["10.0.0.0/8"])`: "net.cidr_merge",
		`net.cidr_contains_matches("10.0.0.0/8", [])`: "net.cidr_contains_matches", `opa.runtime()`: "opa.runtime", `time.now_ns()`: "time.now_ns",
		`time.clock([0, "Europe/Berlin"])`: "time.clock", `rand.intn("a", 5)`: "rand.intn", `uuid.rfc4122("a")`: "uuid.rfc4122",
		`io.jwt.decode("a")`: "io.jwt.decode", `numbers.range(1, 100000000)`: "numbers.range", `json.match_schema({}, {})`: "json.match_schema",
		`yaml.unmarshal("a")`: "yaml.unmarshal", `bits.lsh(1, 1000000000)`: "bits.lsh",
		`crypto.x509.parse_and_verify_certificates("a")`: "crypto.x509.parse_and_verify_certificates",
	} {
		refused(t, "0.rego:2:32: undefined function "+name, "package lattice.outputs\ndeny contains \"x\" if { x := 1; "+call+" == x }")
	}
	refused(t, "`rego.v2` is not supported", "package lattice.outputs\nimport rego.v2\ndeny contains \"x\"")
	refused(t, "template strings are not supported", "package lattice.outputs\ndeny contains $\"{input.subject}\"")
	refused(t, "must be one of [contains every if in]", "package lattice.outputs\nimport future.keywords.not\ndeny contains \"x\"")
	e := engine(t, Options{}, "package lattice.outputs\ndeny contains \"x\" if input.subject")
	if _, err := e.packs[gate.Outputs].compiler.QueryCompiler().Compile(ast.MustParseBody("http.send({}, x)")); err == nil ||
		!strings.Contains(err.Error(), "undefined function http.send") {
		t.Errorf("a query may call http.send: %v", err)
	}
}

func TestAttack54Shape(t *testing.T) {
	t.Parallel()
	// What can be seen of a rule's type is refused when it is read.
	for body, want := range map[string]string{
		`deny := true`:                                   "is of type boolean, and must be a set: deny contains … if { … }",
		`deny := "x"`:                                    "is of type string, and must be a set",
		`deny := 1`:                                      "is of type number, and must be a set",
		`deny := ["x"]`:                                  "is of type array<string>, and must be a set",
		`deny := {"msg": "x"}`:                           "is of type object<msg: string>, and must be a set",
		`deny["a"] := "x"`:                               "is of type object<a: string>[string: any], and must be a set",
		`deny.a contains "x"`:                            "and must be a set: deny contains … if { … }",
		`default deny := false`:                          "is of type boolean, and must be a set",
		`deny contains 1`:                                "has elements of the type number; elements are texts, or objects with a text msg",
		`deny contains ["x"]`:                            "has elements of the type array<string>",
		`deny contains null`:                             "has elements of the type null",
		`deny contains {"message": "x"}`:                 "has elements of the type object<message: string>",
		`deny contains {"msg": 1}`:                       "has elements of the type object<msg: number>",
		"deny contains \"x\"\nwarn := true":              "0.rego:3:1: lattice.outputs.warn: is of type boolean, and must be a set: warn contains",
		"deny contains \"x\"\nviolation_a := {\"x\": 1}": "lattice.outputs.violation_a: is of type object<x: number>, and must be a set",
	} {
		refused(t, want, "package lattice.outputs\n"+body)
	}
	// What cannot be seen there is an error of the decision.
	object := func(fields ...any) map[string]any {
		m := map[string]any{"msg": "x"}
		for i := 0; i < len(fields); i += 2 {
			m[fields[i].(string)] = fields[i+1]
		}
		return m
	}
	for _, tt := range []struct {
		body  string
		value any
		want  string
	}{
		{`deny := v`, true, "is of type boolean, and must be a set: deny contains … if { … }"},
		{`deny := v`, "x", "is of type string, and must be a set"},
		{`deny := v`, json.Number("1"), "is of type number, and must be a set"},
		{`deny := v`, []any{"x"}, "is of type array, and must be a set"},
		{`deny := v`, object(), "is of type object, and must be a set"},
		{`deny := {"x"} if input.subject == "y"`, nil, "is undefined, and must be a set"},
		{`deny contains v`, json.Number("1"), "has an element of type number"},
		{`deny contains v`, []any{"x"}, "has an element of type array"},
		{`deny contains v`, nil, "has an element of type null"},
		{`deny contains v`, map[string]any{"message": "x"}, "has an element without msg"},
		{`deny contains v`, map[string]any{"msg": json.Number("1")}, "has an element whose msg is of type number, and must be text"},
		{`deny contains v`, object("id", json.Number("1")), "has an element whose id is of type number, and must be text"},
		{`deny contains v`, object("path", []any{"a"}), "has an element whose path is of type array, and must be text"},
		{`deny contains v`, object("details", "d"), "has an element whose details are of type string, and must be an object"},
		{`deny contains {"msg": "x", "id": 1}`, nil, "has an element whose id is of type number, and must be text"},
		{`deny contains v`, " ", "has an element with an empty message"},
		{"deny contains \"x\"\nwarn := v", true, "is of type boolean, and must be a set: warn contains"},
		{"deny contains \"x\"\nviolation_a := v", object(), "is of type object, and must be a set: violation_a contains"},
	} {
		body := tt.body
		if rule, ok := strings.CutSuffix(body, " v"); ok {
			body = rule + " input.outputs[0].document.v"
		}
		fails(t, engine(t, Options{}, "package lattice.outputs\n"+body), outputs(map[string]any{"v": tt.value}), tt.want)
	}
	refused(t, "0.rego:1:1: lattice.outputs: has no rule deny or violation", "package lattice.outputs\nwarn contains \"x\"")
	refused(t, "0.rego:2:1: lattice.outputs.dney: no other rule reads this one", "package lattice.outputs\ndney contains \"x\"")
	refused(t, "0.rego:3:1: lattice.outputs.dney: no other rule reads this one", "package lattice.outputs\ndeny contains \"y\"\ndney contains \"x\"")
	refused(t, "deny: is a function, and must be a set", "package lattice.outputs\ndeny(x) := x")
	refused(t, "0.rego:1:1: lattice.output: no gate reads this package", "package lattice.output\ndeny contains \"x\"")
	if a := evaluate(t, engine(t, Options{}, "package lattice.outputs\ndeny := {\"x\"}"), outputs()); a.Verdict != gate.Deny || a.Reasons[0].Message != "x" {
		t.Errorf("a rule that is a set is %v %v", a.Verdict, a.Reasons)
	}
	if a := evaluate(t, engine(t, Options{}, "package lattice.outputs\ndeny contains \"x\" if input.subject == \"y\""), outputs()); a.Verdict != gate.Allow {
		t.Errorf("an empty set is %v %v", a.Verdict, a.Reasons)
	}
}

func TestAttack55BuiltinError(t *testing.T) {
	t.Parallel()
	e := engine(t, Options{}, "package lattice.outputs\ndeny contains \"x\" if to_number(input.subject) > 1")
	fails(t, e, outputs(), `to_number: strconv.ParseFloat: parsing "LatticeService media/plex": invalid syntax`)
	if a := evaluate(t, e, outputs()); a.Reasons[0].Position != "0.rego:2:22" || a.Reasons[0].Policy != "lattice.outputs" {
		t.Errorf("got %+v", a.Reasons)
	}
}

// TestBlocks compares blocks of addresses, which looks at nothing but them. What is not one is an
// error, as anywhere.
func TestBlocks(t *testing.T) {
	t.Parallel()
	const rule = `package lattice.outputs
deny contains o.document.cidr if {
	some o in input.outputs
	net.cidr_intersects("10.0.0.0/8", o.document.cidr)
}`
	e := engine(t, Options{}, rule)
	for cidr, want := range map[string]gate.Verdict{
		"10.1.0.0/16": gate.Deny, "0.0.0.0/0": gate.Deny, "192.0.2.0/24": gate.Allow, "::/0": gate.Allow, "10.0.0.0": gate.Error, "": gate.Error,
	} {
		if a := evaluate(t, e, outputs(map[string]any{"cidr": cidr})); a.Verdict != want {
			t.Errorf("%q: got %s %v, want %s", cidr, a.Verdict, a.Reasons, want)
		}
	}
}

func TestAttack56Bounds(t *testing.T) {
	t.Parallel()
	const loop = `package lattice.outputs
deny contains "x" if {
	some a in input.outputs[0].document.l
	some b in input.outputs[0].document.l
	some c in input.outputs[0].document.l
	a + b + c == -1
}`
	many := make([]any, 5000)
	for i := range many {
		many[i] = json.Number("1")
	}
	e := engine(t, Options{TimeLimit: 50 * time.Millisecond}, loop)
	fails(t, e, outputs(map[string]any{"l": many}), "the rules did not end within 50ms; make them do less")
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if a, _ := e.Evaluate(ctx, outputs(map[string]any{"l": many})); a.Verdict != gate.Error || a.Reasons[0].Message != "the rules were interrupted: context canceled" {
		t.Errorf("got %v %v", a.Verdict, a.Reasons)
	}
	deep := any("x")
	for range 9500 {
		deep = []any{deep}
	}
	fails(t, e, outputs(map[string]any{"l": deep}), "the input nests deeper than 136")
	fails(t, e, outputs(map[string]any{"l": strings.Repeat("x", maxInputBytes)}), "bytes of text, the limit is 16777216")
	fails(t, e, outputs(map[string]any{"l": make([]any, maxInputValues)}), "values, the limit is 500000")
	fails(t, e, outputs(map[string]any{"l": json.Number("1e999999999")}), "a number of more than 64 bits")
	fails(t, e, outputs(map[string]any{"l": struct{}{}}), "a value that is not JSON: a struct {}")
	refused(t, "nests deeper than 200; split the rule", "package lattice.outputs\ndeny contains "+strings.Repeat("[", 100_000))
	refused(t, "bytes, the limit is 262144", "package lattice.outputs\n#"+strings.Repeat("x", MaxFileBytes))
}

func TestAttack57Language(t *testing.T) {
	t.Parallel()
	conflict := engine(t, Options{}, "package lattice.outputs\nk := 1 if input.subject\nk := 2 if input.resource\ndeny contains \"x\" if k == 3")
	fails(t, conflict, outputs(), "rule data.lattice.outputs.k produced conflicting values: 1 at 0.rego:2 2 at 0.rego:3")
	refused(t, "is recursive", "package lattice.outputs\ndeny contains \"x\" if a\na if b\nb if a")
	refused(t, "0.rego:2:1: the file is Rego of before OPA 1.0 (`if` keyword is required before rule body); opa fmt --v0-v1 --write rewrites it",
		"package lattice.outputs\ndeny[\"x\"] { input.subject }")
}

func TestAttack58OtherFile(t *testing.T) {
	t.Parallel()
	const first = "package lattice.outputs\ndeny contains \"x\" if not is_ok\nis_ok if input.subject == \"y\""
	refused(t, "1.rego:2:1: lattice.outputs.is_ok: is defined at 0.rego:3:1 already", first, "package lattice.outputs\nis_ok if true")
	refused(t, "1.rego:2:1: lattice.outputs.deny: is defined at 0.rego:2:1 already, and one file must not change the rules of another; "+
		"give it another name, such as deny_2", first, "package lattice.outputs\ndeny contains \"z\"")
	refused(t, "1.rego:2:1: lattice.lib.a.f: is defined at 0.rego:2:1 already", "package lattice.lib.a\nf := 1", "package lattice.lib.a\nf := 2 if input.x")
	refused(t, "1.rego:2:1: lattice.outputs.is_ok: is defined at 0.rego:3:1 already", first, "package lattice.outputs\ndefault is_ok := true")
	refused(t, "a package reads its own rules and those of lattice.lib only", first, "package lattice.execute\ndeny contains \"x\" if data.lattice.outputs.is_ok")
	refused(t, "a package reads its own rules and those of lattice.lib only",
		"package lattice.lib.a\nf := data.lattice.outputs.is_ok", first+"\ndeny_b contains \"x\" if data.lattice.lib.a.f")
	if a := evaluate(t, engine(t, Options{}, first, "package lattice.outputs\ndeny_z contains \"z\""), outputs()); len(a.Reasons) != 2 {
		t.Errorf("got %v", a.Reasons)
	}
	_, err := Parse(rules(first), []File{{"d.json", []byte(`{"lattice":{"outputs":{"is_ok":true}}}`)}}, Options{})
	if err == nil || err.Error() != "d.json: lattice: is where the rules are; give the data another name" {
		t.Errorf("got %v", err)
	}
}

func TestAttack59Indexing(t *testing.T) {
	t.Parallel()
	for _, a := range archives(t, "decide") {
		e, err := Parse(a.rules, a.data, Options{})
		if err != nil {
			t.Fatal(err)
		}
		indexed := decision(t, e, a.document(t))
		e.unindexed = true
		if diff := cmp.Diff(indexed, decision(t, e, a.document(t))); diff != "" {
			t.Errorf("%s: -with +without the index\n%s", a.path, diff)
		}
	}
}

// TestAttack64Secrets puts the values of Secrets where a message could carry them.
func TestAttack64Secrets(t *testing.T) {
	t.Parallel()
	const canary = "canary-7f3a"
	secret := map[string]any{"apiVersion": "v1", "kind": "Secret", "data": map[string]any{"k": canary}, "stringData": canary}
	list := map[string]any{"kind": "List", "items": []any{map[string]any{"x": secret}}}
	before, err := json.Marshal(outputs(secret, list))
	if err != nil {
		t.Fatal(err)
	}
	in := outputs(secret, list)
	got := decision(t, engine(t, Options{}, "package lattice.outputs\ndeny contains json.marshal(input.outputs)"), in)
	if strings.Contains(got, canary) || strings.Count(got, hidden) != 4 || !strings.Contains(got, `"k":`) {
		t.Errorf("got %s", got)
	}
	after, err := json.Marshal(in)
	if err != nil || string(after) != string(before) {
		t.Errorf("the input was changed: %s", after)
	}
}
