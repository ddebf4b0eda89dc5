package floor_test

import (
	"encoding/json"
	"slices"
	"testing"

	"github.com/latticenet/lattice-host/host/floor"
)

// TestLaw04_OnlyDenialsClose holds that one policy closes pods, two close the mesh, and that all
// others only open.
func TestLaw04_OnlyDenialsClose(t *testing.T) {
	t.Parallel()
	var closing []string
	for _, document := range floor.Objects(nil) {
		var o struct {
			Kind     string
			Metadata struct{ Name, Namespace string }
			Spec     struct {
				EnableDefaultDeny *struct{ Ingress, Egress bool }
				Ingress, Rules    []any
			}
		}
		if err := json.Unmarshal(document, &o); err != nil {
			t.Fatal(err)
		}
		switch deny := o.Spec.EnableDefaultDeny; {
		case o.Kind == "AuthorizationPolicy":
			if len(o.Spec.Rules) == 0 && o.Metadata.Namespace == "istio-system" {
				closing = append(closing, o.Metadata.Name)
			}
		case deny == nil || deny.Ingress != deny.Egress:
			t.Errorf("%s leaves open whether it closes: %s", o.Metadata.Name, document)
		case deny.Ingress:
			closing = append(closing, o.Metadata.Name)
			if len(o.Spec.Ingress) > 0 {
				t.Errorf("%s lets somebody in", o.Metadata.Name)
			}
		}
	}
	if want := []string{"default-deny", "mesh-default-deny", "waypoint-default-deny"}; !slices.Equal(closing, want) {
		t.Errorf("%v close, want %v", closing, want)
	}
}

// TestSystemNamespaces leaves alone those that are named, sorted, each once.
func TestSystemNamespaces(t *testing.T) {
	t.Parallel()
	a, b := floor.Objects([]string{"b", "a", "b"}), floor.Objects([]string{"a", "b"})
	for i := range a {
		if string(a[i]) != string(b[i]) {
			t.Errorf("the order of namespaces changes an object:\n%s\n%s", a[i], b[i])
		}
	}
	for _, s := range []string{"", "A", "a_b", "-a", "a-", "a.b"} {
		if floor.IsNamespace(s) {
			t.Errorf("%q can name a namespace", s)
		}
	}
}
