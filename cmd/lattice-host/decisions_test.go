package main

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/latticenet/lattice-host/host/audit"
	"github.com/latticenet/lattice-host/host/gate"
	"github.com/latticenet/lattice-host/host/gate/policy"
	"github.com/latticenet/lattice-host/internal/problem"
	"github.com/latticenet/lattice-host/registry/release"
)

// Every action of the schema has words, so that no one must know Cedar to understand a decision.
func TestEveryActionHasWords(t *testing.T) {
	t.Parallel()
	schema, err := os.ReadFile(filepath.Join("..", "..", "host", "gate", "cedar", "schema.cedarschema"))
	if err != nil {
		t.Fatal(err)
	}
	actions := regexp.MustCompile(`(?m)^  action ([A-Za-z]+) `).FindAllStringSubmatch(string(schema), -1)
	if len(actions) != len(actionWords()) {
		t.Errorf("the schema has %d actions, there are words for %d", len(actions), len(actionWords()))
	}
	for _, m := range actions {
		if words := actionWords()[m[1]]; strings.Count(words, "%s") != 1 {
			t.Errorf("%s: %q", m[1], words)
		}
	}
}

func TestWriteDecision(t *testing.T) {
	t.Parallel()
	d := &gate.Decision{
		ID: "decision-1", Point: gate.Outputs, Subject: "LatticeService media/plex", Verdict: gate.NoOpinion,
		Reasons: []gate.Reason{
			{
				Engine: "cedar", Verdict: gate.NoOpinion, Principal: `Lattice::Service::"media/plex"`, Action: gate.ActionAccessSecret,
				Resource: `Lattice::SecretPath::"vault:a\u{1b}b"`, Object: "ExternalSecret media/x", Path: "spec.data.0",
				Message: "no permit", Advice: "@id(\"a\")\npermit (\n  principal\n);\n",
			},
			{
				Engine: "rego", Verdict: gate.Deny, Policy: "twice", Position: "a.rego:1:2", Title: "It runs twice", Severity: "high",
				Path: "spec.replicas", Message: "it runs once\x1b[31m",
			},
			{Engine: "rego", Verdict: gate.Error, Message: "the rules did not end"},
			{Engine: "cedar", Verdict: gate.Allow, Policy: "p", Principal: "odd", Action: "Odd", Resource: "odd", Message: "permitted"},
		},
		Warnings: []gate.Reason{{Engine: "rego", Verdict: gate.Allow, Policy: "lattice.outputs.warn", Message: "old"}},
	}
	want := `denied: what derives from LatticeService media/plex  (gate outputs, decision-1)
  read the secret "vault:a\u{1b}b"
    answer    denied: no policy permits it
    asked by  the document media/plex
    for       ExternalSecret media/x
    field     spec.data.0
    says      no permit
    to allow it, put this into a .cedar file in the folder policies of the installation, or in one that --policies names:
      @id("a")
      permit (
        principal
      );
  It runs twice
    answer    denied
    for       LatticeService media/plex
    field     spec.replicas
    by        rego policy twice at a.rego:1:2
    severity  high
    says      it runs once\x1b[31m
  a rule of rego
    answer  denied: a policy failed
    says    the rules did not end
  Odd odd
    answer    allowed
    asked by  odd
    by        cedar policy p
    says      permitted
  lattice.outputs.warn
    answer  warning
    by      rego policy lattice.outputs.warn
    says    old
`
	var b bytes.Buffer
	writeDecision(&b, d)
	if diff := cmp.Diff(want, b.String()); diff != "" {
		t.Error(diff)
	}
}

// A decision is found in an audit log, if the log is what was written.
func TestPolicyExplainAudit(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	key, err := release.GenerateKey(bytes.NewReader(bytes.Repeat([]byte{1}, 32)))
	if err != nil {
		t.Fatal(err)
	}
	_, public, err := release.WriteKeyPair(dir, "audit", key, nil)
	if err != nil {
		t.Fatal(err)
	}
	set, err := policy.Load(policy.Options{})
	if err != nil {
		t.Fatal(err)
	}
	d := set.Install(context.Background(), policy.Installation{
		User: "ann", Publisher: "acme", Name: "web", Version: "1.0.0", Digest: release.Digest(nil), StaleDays: -1,
	})
	file := filepath.Join(dir, "audit.jsonl")
	clock := func() time.Time { return time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC) }
	l, err := audit.Open(context.Background(), file, audit.Options{Key: key, Clock: clock})
	if err != nil {
		t.Fatal(err)
	}
	if err := l.Append(context.Background(), audit.Event{Kind: "plugin.installed", Data: map[string]any{}}, audit.Decision(d)); err != nil {
		t.Fatal(err)
	}
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	explain := func(id string) (int, string, string) {
		return invoke(context.Background(), "", "--home", filepath.Join(dir, "absent"), "policy", "explain", id, "--audit", file, "--audit-key", public)
	}
	code, stdout, stderr := explain(d.ID)
	for _, want := range []string{
		"allowed: the installation of acme/web@1.0.0  (gate install, " + d.ID + ")\n  install the plugin acme/web@1.0.0\n",
		"asked by  the user ann\n", "noted in line 2, at 2026-01-02T03:04:05Z\n", "the policies are those that decided, " + set.Digest() + "\n",
		"\ndefault.install, builtin/base.cedar:", "\n  permit (\n    principal is Lattice::User,\n",
	} {
		if code != exitDone || !strings.Contains(stdout, want) {
			t.Errorf("exit code %d, %s\nit must print %q, got\n%s", code, stderr, want, stdout)
		}
	}
	if code, _, stderr := explain("decision-0"); code != problem.Invalid.Exit() || stderr != file+": has no decision decision-0\n" {
		t.Errorf("exit code %d, %s", code, stderr)
	}
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, bytes.Replace(text, []byte("ann"), []byte("bob"), 1), 0o600); err != nil {
		t.Fatal(err)
	}
	if code, stdout, _ := explain(d.ID); code != problem.Untrusted.Exit() || stdout != "" {
		t.Errorf("an edited log must not be explained, got exit code %d and %s", code, stdout)
	}
}
