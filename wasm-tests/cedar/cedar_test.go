// Package cedar holds no code: its test compares the Cedar engine of the host with the Rust
// implementation, which is run by Node.js. That is why it is a module of its own.
package cedar

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/latticenet/lattice-host/host/gate"
	"github.com/latticenet/lattice-host/host/gate/cedar"
	"github.com/latticenet/lattice-host/host/gate/cedar/cedartest"
)

const (
	// tools is where make tools-cedar installs the Rust implementation.
	tools = "../../build/cedar/node_modules"
	// schemaFile is what both check against.
	schemaFile = "../../host/gate/cedar/schema.cedarschema"
	// cases is how many policy sets with a request are compared.
	cases = 5000
)

// testCase is one line for the oracle.
type testCase struct {
	Policies map[string]string `json:"policies"`
	// Refused are the policies that the host does not load.
	Refused []string    `json:"refused"`
	Request jsonRequest `json:"request"`
}

type jsonRequest struct {
	Principal jsonUID      `json:"principal"`
	Action    jsonUID      `json:"action"`
	Resource  jsonUID      `json:"resource"`
	Context   gate.Record  `json:"context"`
	Entities  []jsonEntity `json:"entities"`
}

type jsonUID struct {
	Type string `json:"type"`
	ID   string `json:"id"`
}

type jsonEntity struct {
	UID        jsonUID     `json:"uid"`
	Attributes gate.Record `json:"attrs"`
	Parents    []jsonUID   `json:"parents"`
}

// answer is what an implementation says.
type answer struct {
	// Invalid are the policies that the type checker refuses; the others decide.
	Invalid  []string `json:"invalid"`
	Decision string   `json:"decision"`
	Reasons  []string `json:"reasons"`
	Errors   []string `json:"errors"`
}

func uid(e gate.Entity) jsonUID { return jsonUID{gate.Namespace + "::" + e.Type, e.ID} }

func entities(from ...gate.Entity) []jsonEntity {
	all := []jsonEntity{}
	for _, e := range from {
		j := jsonEntity{UID: uid(e), Attributes: record(e.Attributes), Parents: []jsonUID{}}
		for _, p := range e.Parents {
			j.Parents = append(j.Parents, uid(p))
		}
		all = append(all, j)
		all = append(all, entities(e.Parents...)...)
	}
	return all
}

func record(r gate.Record) gate.Record {
	if r == nil {
		return gate.Record{}
	}
	return r
}

// spoil makes something of a policy that the type checker refuses, more often than not.
func spoil(text string, i int) string {
	switch i % 40 {
	case 0:
		return strings.ReplaceAll(text, ".namespace", ".namespac")
	case 1:
		return strings.ReplaceAll(text, "principal is Lattice::Service", "principal is Lattice::Servic")
	case 2:
		return strings.ReplaceAll(text, "> 0", `> "0"`)
	case 3:
		return strings.ReplaceAll(text, "context has indexStaleDays && ", "")
	case 4:
		return strings.ReplaceAll(text, ".contains(", ".containsAny(")
	case 5:
		return strings.ReplaceAll(text, " && ", " && 1 == ")
	case 6:
		return strings.ReplaceAll(text, `Lattice::Service::"media`, `Lattice::Servic::"media`)
	case 7:
		return strings.ReplaceAll(text, `Lattice::Action::"Install"`, `Lattice::Action::"Instal"`)
	}
	return text
}

// ours asks the host's engine, which refuses what is invalid, so that each policy is tried alone
// first.
func ours(t *testing.T, policies []cedar.File, request gate.Request) answer {
	t.Helper()
	a := answer{Invalid: []string{}, Decision: "deny", Reasons: []string{}, Errors: []string{}}
	var valid []cedar.File
	for i, f := range policies {
		if _, err := cedar.Parse(policies[i : i+1]); err != nil {
			a.Invalid = append(a.Invalid, f.Name)
			continue
		}
		valid = append(valid, f)
	}
	e, err := cedar.Parse(valid)
	if err != nil {
		t.Fatal(err)
	}
	got, err := e.Evaluate(t.Context(), &gate.Input{Requests: []gate.Request{request}})
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range got.Reasons {
		switch r.Verdict {
		case gate.Allow, gate.Deny:
			a.Reasons = append(a.Reasons, r.Policy)
			if r.Verdict == gate.Allow {
				a.Decision = "allow"
			}
		case gate.Error:
			if r.Policy == "" {
				t.Fatalf("the request cannot be asked: %s", r.Message)
			}
			a.Errors = append(a.Errors, r.Policy)
		}
	}
	for _, ids := range [][]string{a.Invalid, a.Reasons, a.Errors} {
		slices.Sort(ids)
	}
	if allows := a.Decision == "allow" && len(a.Errors) == 0; allows != (got.Verdict == gate.Allow) {
		t.Errorf("the verdict is %s, of %+v", got.Verdict, a)
	}
	return a
}

// TestAttack52Differential: the same policies and the same request, and the two implementations say
// the same.
func TestAttack52Differential(t *testing.T) {
	if _, err := os.Stat(tools); err != nil {
		t.Fatalf("run make tools-cedar first, it needs Node.js 20 and npm 10 or newer: %v", err)
	}
	g := cedartest.New(52)
	var lines bytes.Buffer
	all := make([]testCase, cases)
	want := make([]answer, cases)
	encoder := json.NewEncoder(&lines)
	for i := range all {
		r := g.Request()
		c := testCase{Policies: map[string]string{}, Request: jsonRequest{
			Principal: uid(r.Principal), Action: uid(gate.Entity{Type: "Action", ID: r.Action}), Resource: uid(r.Resource),
			Context: record(r.Context), Entities: entities(r.Principal, r.Resource),
		}}
		var files []cedar.File
		for n := range 1 + i%8 {
			id := fmt.Sprintf("p%d", n)
			text := spoil(g.Policy(id, &r), i+n*7)
			c.Policies[id] = text
			files = append(files, cedar.File{Name: id, Text: []byte(text)})
		}
		want[i] = ours(t, files, r)
		c.Refused = want[i].Invalid
		all[i] = c
		if err := encoder.Encode(c); err != nil {
			t.Fatal(err)
		}
	}
	compare(t, all, want, oracle(t, &lines))
}

// oracle runs the Rust implementation.
func oracle(t *testing.T, lines *bytes.Buffer) *bufio.Scanner {
	t.Helper()
	modules, err := filepath.Abs(filepath.Dir(tools))
	if err != nil {
		t.Fatal(err)
	}
	var stderr bytes.Buffer
	// The optimizing compiler of Node.js 20 ends the process when it gives up code that calls
	// WebAssembly.
	cmd := exec.CommandContext(t.Context(), "node", "--no-opt", "oracle.mjs", modules, schemaFile)
	cmd.Stdin, cmd.Stderr = lines, &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("node: %v\n%s", err, stderr.String())
	}
	s := bufio.NewScanner(bytes.NewReader(out))
	s.Buffer(nil, 1<<20)
	if !s.Scan() {
		t.Fatal("the oracle says nothing")
	}
	t.Logf("the oracle is %s", s.Text())
	return s
}

// compare compares all answers. The counts show that there was something to compare.
func compare(t *testing.T, all []testCase, want []answer, s *bufio.Scanner) {
	t.Helper()
	counts := map[string]int{}
	for i := range all {
		if !s.Scan() {
			t.Fatalf("the oracle ended after %d cases: %v", i, s.Err())
		}
		var rust answer
		if err := json.Unmarshal(s.Bytes(), &rust); err != nil {
			t.Fatal(err)
		}
		// The host may refuse more: in Rust a condition that can never hold hides what is wrong
		// with the next one.
		for _, id := range want[i].Invalid {
			if !slices.Contains(rust.Invalid, id) {
				counts["stricter"]++
				rust.Invalid = append(rust.Invalid, id)
			}
		}
		slices.Sort(rust.Invalid)
		if diff := cmp.Diff(rust, want[i]); diff != "" {
			text, err := json.MarshalIndent(all[i], "", " ")
			if err != nil {
				t.Fatal(err)
			}
			t.Errorf("case %d: -rust +go:\n%s\n%s", i, diff, text)
		}
		counts["policies"] += len(all[i].Policies)
		counts["invalid"] += len(rust.Invalid)
		counts["failing"] += len(rust.Errors)
		counts["determining"] += len(rust.Reasons)
		counts[rust.Decision]++
	}
	t.Logf("%d cases: %d allowed, %d denied; %d policies: %d invalid, of which %d here only, %d failed, %d determined a decision",
		len(all), counts["allow"], counts["deny"], counts["policies"], counts["invalid"], counts["stricter"], counts["failing"],
		counts["determining"])
	if counts["stricter"] > cases/100 {
		t.Errorf("%d policies are refused here only", counts["stricter"])
	}
	for _, of := range []string{"allow", "deny", "invalid", "failing", "determining"} {
		if counts[of] < cases/50 {
			t.Errorf("only %d cases are about %q", counts[of], of)
		}
	}
}
