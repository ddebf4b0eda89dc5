//go:build !lattice_norego

package rego

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/open-policy-agent/opa/v1/ast"
	"github.com/rogpeppe/go-internal/txtar"
	"sigs.k8s.io/yaml"

	"github.com/latticenet/lattice-host/host/gate"
	"github.com/latticenet/lattice-host/host/resource"
)

// archive is a case: rules, data, an input, and what comes of them in the files that begin with want.
type archive struct {
	path        string
	comment     []byte
	rules, data []File
	input       []byte
	want        []byte
	kept        []txtar.File
}

func archives(t testing.TB, folder string) []archive {
	t.Helper()
	paths, err := filepath.Glob(filepath.Join("testdata", folder, "*.txtar"))
	if err != nil || len(paths) == 0 {
		t.Fatalf("no archives in %s: %v", folder, err)
	}
	var all []archive
	for _, path := range paths {
		read, err := txtar.ParseFile(path)
		if err != nil {
			t.Fatal(err)
		}
		a := archive{path: path, comment: read.Comment}
		for _, f := range read.Files {
			switch {
			case f.Name == "want":
				a.want = f.Data
				continue
			case f.Name == "input.yaml":
				a.input = f.Data
			case strings.HasSuffix(f.Name, ".rego"):
				a.rules = append(a.rules, File{f.Name, f.Data})
			default:
				a.data = append(a.data, File{f.Name, f.Data})
			}
			a.kept = append(a.kept, f)
		}
		all = append(all, a)
	}
	return all
}

// compare holds got against the archive, or writes it with LATTICE_UPDATE=1.
func (a *archive) compare(t *testing.T, got string) {
	t.Helper()
	if os.Getenv("LATTICE_UPDATE") != "" {
		text := txtar.Format(&txtar.Archive{Comment: a.comment, Files: append(a.kept, txtar.File{Name: "want", Data: []byte(got)})})
		if err := os.WriteFile(a.path, text, 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	if diff := cmp.Diff(string(a.want), got); diff != "" {
		t.Errorf("%s\n-want +got:\n%s", a.comment, diff)
	}
}

func (a *archive) name() string { return strings.TrimSuffix(filepath.Base(a.path), ".txtar") }

func (a *archive) document(t testing.TB) *gate.Input {
	t.Helper()
	text, err := yaml.YAMLToJSON(a.input)
	if err != nil {
		t.Fatal(err)
	}
	var v map[string]any
	if err := unmarshal(text, &v); err != nil {
		t.Fatal(err)
	}
	point, _ := v["gate"].(string)
	return &gate.Input{Point: gate.Point(point), Subject: "LatticeService media/plex", Document: v}
}

// line is a reason as a line of text.
func line(kind string, r gate.Reason) string {
	text := kind
	for _, part := range [...]string{r.Position, r.Policy, r.Title, r.Severity, r.Object, r.Path, r.Message} {
		text += " | " + part
	}
	return text + "\n"
}

func decision(t testing.TB, e *Engine, in *gate.Input) string {
	t.Helper()
	policies, err := gate.New(e)
	if err != nil {
		t.Fatal(err)
	}
	d := policies.Decide(context.Background(), in)
	text := d.Verdict.String() + "\n"
	for _, r := range d.Reasons {
		text += line(r.Verdict.String(), r)
	}
	for _, r := range d.Warnings {
		text += line("warning", r)
	}
	return text
}

// TestDecide evaluates each archive with and without the index of rules: they must agree.
func TestDecide(t *testing.T) {
	t.Parallel()
	for _, a := range archives(t, "decide") {
		t.Run(a.name(), func(t *testing.T) {
			t.Parallel()
			e, err := Parse(a.rules, a.data, Options{})
			if err != nil {
				t.Fatal(err)
			}
			a.compare(t, decision(t, e, a.document(t)))
		})
	}
}

// TestLoad reads rules that must be refused.
func TestLoad(t *testing.T) {
	t.Parallel()
	for _, a := range archives(t, "load") {
		t.Run(a.name(), func(t *testing.T) {
			t.Parallel()
			e, err := Parse(a.rules, a.data, Options{})
			if e != nil || !errors.Is(err, resource.ErrInvalid) {
				t.Fatalf("got %v and %v, want an error that is resource.ErrInvalid", e, err)
			}
			a.compare(t, err.Error()+"\n")
		})
	}
}

func rules(bodies ...string) []File {
	files := make([]File, len(bodies))
	for i, body := range bodies {
		files[i] = File{fmt.Sprintf("%d.rego", i), []byte(body)}
	}
	return files
}

func engine(t testing.TB, o Options, bodies ...string) *Engine {
	t.Helper()
	e, err := Parse(rules(bodies...), nil, o)
	if err != nil {
		t.Fatal(err)
	}
	return e
}

// refused checks that rules do not load, and why.
func refused(t *testing.T, want string, bodies ...string) {
	t.Helper()
	_, err := Parse(rules(bodies...), nil, Options{})
	if !errors.Is(err, resource.ErrInvalid) || !strings.Contains(err.Error(), want) {
		t.Errorf("%s:\ngot  %v\nwant %s", strings.Join(bodies, "\n"), err, want)
	}
}

// outputs is an input of lattice.outputs.
func outputs(documents ...any) *gate.Input {
	list := []any{}
	for _, d := range documents {
		list = append(list, map[string]any{"document": d, "ref": map[string]any{"apiVersion": "v1", "kind": "ConfigMap", "name": "a"}})
	}
	return &gate.Input{Point: gate.Outputs, Document: map[string]any{
		"gate": "outputs", "subject": "LatticeService media/plex", "outputs": list,
		"resource": map[string]any{"apiVersion": "lattice.dev/v1alpha1", "kind": "LatticeService", "metadata": map[string]any{"name": "plex"}},
	}}
}

func evaluate(t testing.TB, e *Engine, in *gate.Input) gate.Answer {
	t.Helper()
	a, err := e.Evaluate(context.Background(), in)
	if err != nil {
		t.Fatal(err)
	}
	return a
}

// fails checks that an evaluation is an error, and which.
func fails(t *testing.T, e *Engine, in *gate.Input, want string) {
	t.Helper()
	a := evaluate(t, e, in)
	if a.Verdict != gate.Error || len(a.Reasons) != 1 || !strings.Contains(a.Reasons[0].Message, want) {
		t.Errorf("got %v %v, want the error %q", a.Verdict, a.Reasons, want)
	}
}

func TestAttack53Effects(t *testing.T) {
	t.Parallel()
	for call, name := range map[string]string{
		`http.send({"method": "GET", "url": "http://localhost"})`: "http.send", `net.lookup_ip_addr("localhost")`: "net.lookup_ip_addr",
		`net.cidr_expand("10.0.0.0/8")`: "net.cidr_expand", `opa.runtime()`: "opa.runtime", `time.now_ns()`: "time.now_ns",
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

// TestCapabilities fails when a new version of OPA changes what a rule that loads today can do.
func TestCapabilities(t *testing.T) {
	t.Parallel()
	c, err := capabilities()
	if err != nil {
		t.Fatal(err)
	}
	if c.AllowNet == nil || len(c.AllowNet) > 0 || len(c.FutureKeywords) > 0 {
		t.Errorf("allowed hosts %v, keywords %v, want none", c.AllowNet, c.FutureKeywords)
	}
	if diff := cmp.Diff([]string{"keywords_in_refs", "rego_v1"}, c.Features); diff != "" {
		t.Error(diff)
	}
	known := map[string]*ast.Builtin{}
	for _, b := range ast.CapabilitiesForThisVersion().Builtins {
		known[b.Name] = b
	}
	for i, b := range c.Builtins {
		now := known[b.Name]
		switch {
		case i > 0 && b.Name <= c.Builtins[i-1].Name:
			t.Errorf("%s: the list is not sorted", b.Name)
		case now == nil:
			t.Errorf("%s: OPA has no such builtin", b.Name)
		case now.Nondeterministic || b.Nondeterministic:
			t.Errorf("%s: looks at more than its arguments", b.Name)
		case now.IsDeprecated():
			t.Errorf("%s: is deprecated", b.Name)
		case b.Decl.String() != now.Decl.String():
			t.Errorf("%s: is %s, and in OPA %s", b.Name, b.Decl, now.Decl)
		}
	}
	for _, prefix := range [...]string{"http.", "net.", "opa.", "rand.", "uuid.", "io.", "providers.", "crypto.x509.", "graphql.",
		"numbers.range", "json.match", "json.verify", "time.now", "time.clock", "time.date", "yaml.", "rego.parse", "trace", "bits.lsh"} {
		if i := slices.IndexFunc(c.Builtins, func(b *ast.Builtin) bool { return strings.HasPrefix(b.Name, prefix) }); i >= 0 {
			t.Errorf("%s must not be allowed", c.Builtins[i].Name)
		}
	}
}

func TestAttack54Shape(t *testing.T) {
	t.Parallel()
	tests := map[string]string{
		`deny := true`:                                       "is of type boolean, and must be a set: deny contains … if { … }",
		`deny := "x"`:                                        "is of type string, and must be a set",
		`deny := 1`:                                          "is of type number, and must be a set",
		`deny := ["x"]`:                                      "is of type array, and must be a set",
		`deny := {"msg": "x"}`:                               "is of type object, and must be a set",
		`deny["a"] := "x"`:                                   "is of type object, and must be a set",
		`deny.a contains "x"`:                                "is of type object, and must be a set",
		`default deny := false`:                              "is of type boolean, and must be a set",
		`deny := {"x"} if input.subject == "y"`:              "is undefined, and must be a set",
		`deny contains 1`:                                    "has an element of type number",
		`deny contains ["x"]`:                                "has an element of type array",
		`deny contains null`:                                 "has an element of type null",
		`deny contains {"message": "x"}`:                     "has an element without msg",
		`deny contains {"msg": 1}`:                           "has an element whose msg is of type number, and must be text",
		`deny contains {"msg": "x", "id": 1}`:                "has an element whose id is of type number, and must be text",
		`deny contains {"msg": "x", "path": ["a"]}`:          "has an element whose path is of type array, and must be text",
		`deny contains {"msg": "x", "details": "d"}`:         "has an element whose details are of type string, and must be an object",
		`deny contains " "`:                                  "has an element with an empty message",
		"deny contains \"x\"\nwarn := true":                  "is of type boolean, and must be a set: warn contains",
		"deny contains \"x\"\nviolation_a := {\"x\": \"y\"}": "is of type object, and must be a set: violation_a contains",
	}
	for body, want := range tests {
		fails(t, engine(t, Options{}, "package lattice.outputs\n"+body), outputs(), want)
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

// TestInput checks that rules see an input of the form that they were compiled for, or none.
func TestInput(t *testing.T) {
	t.Parallel()
	e := engine(t, Options{}, "package lattice.outputs\ndeny contains \"x\" if some o in input.outputs",
		"package lattice.install\ndeny contains msg if { some r in input.requests; msg := concat(\" \", [input.gate, input.subject, r.action, r.resource.id]) }")
	without := outputs()
	delete(without.Document.(map[string]any), "outputs")
	fails(t, e, without, "input.outputs: is missing")
	other := outputs()
	other.Document.(map[string]any)["gate"] = "execute"
	fails(t, e, other, `input.gate: is "execute" at the gate "outputs"`)
	wrong := outputs()
	wrong.Document.(map[string]any)["outputs"] = map[string]any{}
	fails(t, e, wrong, "input.outputs: got object, want array")
	fails(t, e, &gate.Input{Point: gate.Outputs, Document: "x"}, "input: got string, want object")
	asked := &gate.Input{Point: gate.Install, Subject: "acme/keda", Requests: []gate.Request{{
		Principal: gate.Entity{Type: "User", ID: "ann"}, Action: "Install", Resource: gate.Entity{Type: "Plugin", ID: "acme/keda"},
	}}}
	if a := evaluate(t, e, asked); a.Verdict != gate.Deny || a.Reasons[0].Message != "install acme/keda Install acme/keda" {
		t.Errorf("got %+v", a)
	}
	if a := evaluate(t, e, &gate.Input{Point: gate.Execute}); a.Verdict != gate.Allow || len(a.Reasons) > 0 {
		t.Errorf("a point without rules is %+v", a)
	}
}

func TestLimitsOfAnswer(t *testing.T) {
	t.Parallel()
	numbers := make([]any, maxReasons+5)
	for i := range numbers {
		numbers[i] = fmt.Sprint(i)
	}
	e := engine(t, Options{}, "package lattice.outputs\ndeny contains sprintf(\"%s\", [x]) if some x in input.outputs[0].document.l")
	a := evaluate(t, e, outputs(map[string]any{"l": numbers}))
	if len(a.Reasons) != maxReasons+1 || a.Reasons[maxReasons].Message != "and 5 more, which are not listed" {
		t.Errorf("got %d reasons, the last is %+v", len(a.Reasons), a.Reasons[len(a.Reasons)-1])
	}
	a = evaluate(t, e, outputs(map[string]any{"l": []any{strings.Repeat("ä", maxMessageBytes)}}))
	if got := a.Reasons[0].Message; got != strings.Repeat("ä", maxMessageBytes/2)+"…" {
		t.Errorf("a long message has %d bytes", len(got))
	}
}

func TestDigest(t *testing.T) {
	t.Parallel()
	one, two := "package lattice.outputs\ndeny contains \"x\" if data.a", "package lattice.admit\ndeny contains \"x\""
	data := []File{{"a.json", []byte(`{"a":1}`)}}
	parse := func(files, data []File) string {
		e, err := Parse(files, data, Options{})
		if err != nil {
			t.Fatal(err)
		}
		return e.Digest()
	}
	want := parse(rules(one, two), data)
	moved := []File{{"b/y.rego", []byte(two)}, {"b/x.rego", []byte(one)}, {"b/x_test.rego", []byte("package lattice.outputs_test\ntest_a if true")}}
	if got := parse(moved, []File{{"z.yaml", []byte(`{"a":1}`)}}); got != want {
		t.Errorf("other names and a test change the digest: %s, want %s", got, want)
	}
	if got := parse(rules(one, two), []File{{"a.json", []byte(`{"a":2}`)}}); got == want {
		t.Error("other data have the same digest")
	}
	if got := parse(rules(one, two+"\n"), data); got == want {
		t.Error("other rules have the same digest")
	}
	none := engine(t, Options{})
	if none.Len() != 0 || none.Digest() != emptyDigest {
		t.Errorf("no rules are %d with %s", none.Len(), none.Digest())
	}
}

// TestConcurrent evaluates one engine in many goroutines; the race detector watches, and all decisions are equal.
func TestConcurrent(t *testing.T) {
	t.Parallel()
	for _, a := range archives(t, "decide") {
		e, err := Parse(a.rules, a.data, Options{TimeLimit: time.Minute})
		if err != nil {
			t.Fatal(err)
		}
		in := a.document(t)
		want := decision(t, e, in)
		var group sync.WaitGroup
		for range 8 {
			group.Go(func() {
				for range 5 {
					if got := decision(t, e, in); got != want {
						t.Errorf("%s: got %s, want %s", a.path, got, want)
					}
				}
			})
		}
		group.Wait()
	}
}

func TestTester(t *testing.T) {
	t.Parallel()
	files := []File{
		{"a.rego", []byte("package lattice.outputs\ndeny contains \"x\" if input.subject == \"x\"\ndeny contains \"y\" if input.subject == \"y\"\nwarn contains \"w\"")},
		{"a_test.rego", []byte(`package lattice.outputs_test

import data.lattice.outputs

test_x if outputs.deny == {"x"} with input.subject as "x"

test_wrong if outputs.deny == {"z"} with input.subject as "x"

test_broken if to_number("x") == 1

todo_test_later if true

test_cases[name] if {
	some name, subject in {"good": "x", "bad": "z"}
	count(outputs.deny) == 1 with input.subject as subject
}
`)},
	}
	report, err := Test(t.Context(), files, nil, Options{})
	if err != nil {
		t.Fatal(err)
	}
	want := &Report{
		Results: []Result{
			{"lattice.outputs_test.test_x", "a_test.rego:5:1", ""},
			{"lattice.outputs_test.test_wrong", "a_test.rego:7:1", "is not true"},
			{"lattice.outputs_test.test_broken", "a_test.rego:9:1", `a_test.rego:9:16: to_number: strconv.ParseFloat: parsing "x": invalid syntax`},
			{"lattice.outputs_test.todo_test_later", "a_test.rego:11:1", "is skipped; a test that does not run tests nothing"},
			{"lattice.outputs_test.test_cases", "a_test.rego:13:1", "is not true for bad"},
		},
		Silent: []string{"a.rego:3:1: lattice.outputs.deny"},
	}
	if diff := cmp.Diff(want, report); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
	if got := len(report.Failed()); got != 4 {
		t.Errorf("%d failed, want 4", got)
	}
	annotated := rules("package lattice.outputs\n# METADATA\n# schemas:\n#   - input: schema.input\ndeny contains \"x\" if input.subject")
	if report, err = Test(t.Context(), annotated, nil, Options{}); err != nil || len(report.Silent) != 1 {
		t.Errorf("got %+v and %v", report, err)
	}
	for body, want := range map[string]string{
		"package lattice.outputs_test\ntest_a if http.send({\"url\": \"x\"})":        "b_test.rego:2:11: undefined function http.send",
		"package lattice.outputs_test\ntest_a if data.lattice.outputs.dney == set()": "lattice.outputs_test.test_a: data.lattice.outputs.dney: the package lattice.outputs has no rule dney",
		"package lattice.outputs\ndeny_2 contains \"a\"":                             "b_test.rego:1:1: lattice.outputs: the file's name ends in _test.rego, so its package must end in _test",
		"package lattice.other_test\ntest_a if true":                                 "lattice.other_test: no gate reads this package",
	} {
		_, err := Test(t.Context(), append(files[:1:1], File{"b_test.rego", []byte(body)}), nil, Options{})
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s\ngot  %v\nwant %s", body, err, want)
		}
	}
}

// TestSchema shows that the published schema is one, and has a definition for each point.
func TestSchema(t *testing.T) {
	t.Parallel()
	s, err := newSchemas()
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range [...]gate.Point{gate.Install, gate.Admit, gate.Capability, gate.Outputs, gate.Execute} {
		if _, err := s.validator(p); err != nil {
			t.Error(err)
		}
	}
	if names := slices.Sorted(maps.Keys(s.named)); !slices.Contains(names, "latticeService") {
		t.Errorf("the kinds have the schemas %v", names)
	}
}

func FuzzParse(f *testing.F) {
	for _, folder := range [...]string{"decide", "load"} {
		for _, a := range archives(f, folder) {
			for _, r := range a.rules {
				f.Add(r.Text, []byte(`{"a":1}`))
			}
			for _, d := range a.data {
				f.Add([]byte("package lattice.outputs\ndeny contains \"x\" if data.a"), d.Text)
			}
		}
	}
	f.Fuzz(func(t *testing.T, module, data []byte) {
		e, err := Parse([]File{{"f.rego", module}}, []File{{"f.yaml", data}}, Options{TimeLimit: 100 * time.Millisecond})
		if (err == nil) != (e != nil) || err != nil && !errors.Is(err, resource.ErrInvalid) {
			t.Fatalf("got %v and %v", e, err)
		}
		if e != nil {
			evaluate(t, e, outputs(map[string]any{"a": json.Number("1")}))
		}
	})
}

func deployment(t testing.TB) (*Engine, *gate.Input) {
	t.Helper()
	all := archives(t, "decide")
	i := slices.IndexFunc(all, func(a archive) bool { return a.name() == "deployment" })
	e, err := Parse(all[i].rules, all[i].data, Options{TimeLimit: time.Minute})
	if err != nil {
		t.Fatal(err)
	}
	return e, all[i].document(t)
}

func BenchmarkParse(b *testing.B) {
	all := archives(b, "decide")
	i := slices.IndexFunc(all, func(a archive) bool { return a.name() == "deployment" })
	for b.Loop() {
		if _, err := Parse(all[i].rules, all[i].data, Options{}); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkEvaluate(b *testing.B) {
	e, in := deployment(b)
	if a := evaluate(b, e, in); a.Verdict != gate.Allow {
		b.Fatalf("got %+v", a)
	}
	b.ReportAllocs()
	for b.Loop() {
		evaluate(b, e, in)
	}
}
