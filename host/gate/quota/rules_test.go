//go:build !lattice_norego

package quota_test

import (
	_ "embed"
	"encoding/json"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/latticenet/lattice-host/host/gate"
	"github.com/latticenet/lattice-host/host/gate/quota"
	"github.com/latticenet/lattice-host/host/gate/rego"
)

//go:embed quota_test.rego
var rulesTest []byte

func rules() []rego.File { return []rego.File{{Name: quota.RulesFile, Text: quota.Rules()}} }

func TestRules(t *testing.T) {
	t.Parallel()
	report, err := rego.Test(t.Context(), append(rules(), rego.File{Name: "builtin/quota_test.rego", Text: rulesTest}), nil, rego.Options{})
	if err != nil {
		t.Fatal(err)
	}
	if len(report.Results) != 4 || len(report.Failed()) > 0 || len(report.Silent) > 0 {
		t.Errorf("got %+v", report)
	}
}

// TestRow20_Messages judges a workload from the documents to the decision.
func TestRow20_Messages(t *testing.T) {
	t.Parallel()
	engine, err := rego.Parse(rules(), nil, rego.Options{})
	if err != nil {
		t.Fatal(err)
	}
	account, err := quota.New(parse(t, written("media", media)), []json.RawMessage{service("media/one", "1", "1Gi", "")}, quota.Namespaces{"media": "media"})
	if err != nil {
		t.Fatal(err)
	}
	tests := map[string]struct {
		document json.RawMessage
		verdict  gate.Verdict
		want     []string
	}{
		"both": {service("media/new", "2", "1Gi", ""), gate.Deny, []string{
			"cpu: 4 requested but only 2 remaining in quota", "cpu (4) exceeds per-workload cap (2500m)",
		}},
		"memory": {service("media/new", "1", "4Gi", ""), gate.Deny, []string{"memory: 8Gi requested but only 6Gi remaining in quota"}},
		"what an autoscaler may make": {service("media/new", "500m", "1Mi", `,"autoscaling":{"max":3}`), gate.Deny, []string{
			"cpu: 3 requested but only 2 remaining in quota", "cpu (3) exceeds per-workload cap (2500m)",
		}},
		"within both": {service("media/new", "1", "3Gi", ""), gate.Allow, nil},
		"not counted": {json.RawMessage(`{"kind":"LatticeMeshMember"}`), gate.Allow, nil},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			facts, err := account.Facts(tt.document)
			if err != nil {
				t.Fatal(err)
			}
			list, err := quota.Document(facts)
			if err != nil {
				t.Fatal(err)
			}
			answer, err := engine.Evaluate(t.Context(), &gate.Input{Point: gate.Admit, Document: map[string]any{
				"gate": "admit", "subject": "LatticeService media/new", "quota": list, "resource": map[string]any{
					"apiVersion": "lattice.dev/v1alpha1", "kind": "LatticeService", "metadata": map[string]any{"name": "new"},
				},
			}})
			if err != nil {
				t.Fatal(err)
			}
			var got []string
			for _, r := range answer.Reasons {
				got = append(got, r.Message)
				if r.Policy != "LatticeQuota/media" {
					t.Errorf("the policy is %s", r.Policy)
				}
			}
			if answer.Verdict != tt.verdict {
				t.Errorf("got %v, want %v", answer.Verdict, tt.verdict)
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("-want +got:\n%s", diff)
			}
		})
	}
}
