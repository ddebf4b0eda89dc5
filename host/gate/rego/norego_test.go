//go:build lattice_norego

package rego

import (
	"errors"
	"testing"

	"github.com/latticenet/lattice-host/host/gate"
	"github.com/latticenet/lattice-host/internal/problem"
)

func TestRefusesFiles(t *testing.T) {
	t.Parallel()
	_, err := Parse([]File{{Name: "a.rego"}, {Name: "a_test.rego"}}, []File{{Name: "d.json"}}, Options{})
	const rest = ": this build of lattice-host has no Rego; remove the file, or use a build with Rego"
	if want := "a.rego" + rest + "\na_test.rego" + rest + "\nd.json" + rest; !errors.Is(err, problem.Invalid) || err.Error() != want {
		t.Errorf("got %v, want %s", err, want)
	}
	if _, err := Test(t.Context(), []File{{Name: "a.rego"}}, nil, Options{}); err == nil {
		t.Error("it tests rules")
	}
}

func TestAllows(t *testing.T) {
	t.Parallel()
	a, err := new(Engine).Evaluate(t.Context(), &gate.Input{Point: gate.Outputs})
	if err != nil || a.Verdict != gate.Allow {
		t.Errorf("got %+v and %v", a, err)
	}
}
