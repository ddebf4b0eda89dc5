package cedar

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/latticenet/lattice-host/host/gate"
)

// inCluster is a CedarPolicy with further fields of its spec, and policies on lines of their own.
func inCluster(name, metadata, spec string, policies ...string) string {
	return "apiVersion: lattice.dev/v1alpha1\nkind: CedarPolicy\nmetadata: {name: " + name + ", namespace: lattice-system" + metadata + "}\nspec:\n  " +
		strings.ReplaceAll(spec, "\n", "\n  ") + "\n  policies: |\n    " + strings.Join(policies, "\n    ") + "\n"
}

// TestRow23_DocumentsOfACluster loads CedarPolicy documents: inherited ones first, each by priority
// and then by name, the disabled not at all; what is wrong with one takes nothing away from others;
// and each counts what it permits and forbids.
func TestRow23_DocumentsOfACluster(t *testing.T) {
	const (
		permit = `@id("one") permit (principal, action == Lattice::Action::"Admit", resource);`
		second = `@id("two") permit (principal, action == Lattice::Action::"Execute", resource);`
		forbid = `@id("not") forbid (principal, action == Lattice::Action::"Admit", resource) when { resource.kind == "Cell" };`
		wrong  = `@id("one") permit (principal, action == Lattice::Action::"Admit", resource) when { resource.colour == "red" };`
	)
	documents := strings.Join([]string{
		inCluster("low", "", "priority: -1", permit),
		inCluster("b", "", "enabled: true", permit, second, forbid),
		inCluster("a", "", "enabled: true", permit),
		inCluster("off", "", "enabled: false", forbid),
		inCluster("wrong", "", "priority: 1", wrong, second),
		inCluster("high", "", "priority: 9", permit),
		inCluster("parent", ", labels: {lattice.dev/inherited: 'true'}", "priority: -9", forbid),
		inCluster("grandparent", ", labels: {lattice.dev/inherited: 'true'}", "priority: 0", permit),
	}, "---\n")
	e, err := Parse(nil, File{Name: "d.yaml", Text: []byte(documents)})
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]Document{
		{"grandparent", "d.yaml:60:1", Valid, 1, 0}, {"parent", "d.yaml:52:1", Valid, 0, 1},
		{"high", "d.yaml:44:1", Valid, 1, 0}, {"wrong", "d.yaml:35:1", Invalid, 0, 0},
		{"a", "d.yaml:19:1", Valid, 1, 0}, {"b", "d.yaml:9:1", Valid, 2, 1}, {"off", "d.yaml:27:1", Disabled, 0, 0},
		{"low", "d.yaml:1:1", Valid, 1, 0},
	}, e.Documents()); diff != "" {
		t.Errorf("-want +got\n%s", diff)
	}
	if diff := cmp.Diff([]string{"grandparent_one", "parent_not", "high_one", "a_one", "b_one", "b_two", "b_not", "low_one"}, e.IDs()); diff != "" {
		t.Errorf("-want +got\n%s", diff)
	}
	// The priority decides nothing: a policy that forbids wins wherever it is.
	for kind, want := range map[string]gate.Verdict{"LatticeService": gate.Allow, "Cell": gate.Deny} {
		r := gate.Request{Principal: gate.Service("media", "plex", "service"), Action: gate.ActionAdmit, Resource: gate.KindOf("lattice.dev", kind)}
		if got := evaluate(t, e, r); got.Verdict != want {
			t.Errorf("%s: %s, want %s", kind, got.Verdict, want)
		}
	}
	if got := e.Problems(); len(got) != 1 || !strings.Contains(got.Error(), "CedarPolicy wrong") || !strings.Contains(got.Error(), "colour") {
		t.Errorf("got %v", got)
	}
}
