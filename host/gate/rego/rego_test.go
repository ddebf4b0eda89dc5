//go:build !lattice_norego

package rego

import (
	"context"
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
	"github.com/rogpeppe/go-internal/txtar"
	"sigs.k8s.io/yaml"

	"github.com/latticenet/lattice-host/host/gate"
	"github.com/latticenet/lattice-host/internal/problem"
)

// archive is a case: rules, data, an input, and what comes of them in the files that begin with
// want.
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
			if e != nil || !errors.Is(err, problem.Invalid) {
				t.Fatalf("got %v and %v, want an error that is problem.Invalid", e, err)
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
	if !errors.Is(err, problem.Invalid) || !strings.Contains(err.Error(), want) {
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

// TestConcurrent evaluates one engine in many goroutines; the race detector watches, and all
// decisions are equal.
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
