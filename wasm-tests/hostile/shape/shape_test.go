package shape_test

import (
	"errors"
	"math/rand/v2"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/tetratelabs/wazero"

	"github.com/latticenet/lattice-host/abi"
	"github.com/latticenet/lattice-host/wasm-tests/hostile/shape"
)

// valid fails the test unless an engine takes the module.
func valid(t *testing.T, engine wazero.Runtime, recipe *shape.Shape, run shape.Run) {
	t.Helper()
	wasm, err := recipe.Bytes(run, abi.Limits{})
	if errors.Is(err, shape.ErrTooLarge) {
		return
	}
	if err != nil {
		t.Fatalf("%s: %v", recipe, err)
	}
	if len(wasm) > shape.MaxBytes {
		t.Errorf("%s: the module has %d bytes", recipe, len(wasm))
	}
	compiled, err := engine.CompileModule(t.Context(), wasm)
	if err != nil {
		t.Fatalf("%s: %v", recipe, err)
	}
	if err := compiled.Close(t.Context()); err != nil {
		t.Error(err)
	}
}

func newEngine(t *testing.T) wazero.Runtime {
	t.Helper()
	engine := wazero.NewRuntimeWithConfig(t.Context(), wazero.NewRuntimeConfigInterpreter())
	t.Cleanup(func() {
		if err := engine.Close(t.Context()); err != nil {
			t.Error(err)
		}
	})
	return engine
}

func TestSinglesAreValid(t *testing.T) {
	engine := newEngine(t)
	singles := shape.Singles()
	if len(singles) != len(shape.Ops()) {
		t.Fatalf("%d recipes for %d operations", len(singles), len(shape.Ops()))
	}
	for i, recipe := range singles {
		for _, run := range []shape.Run{shape.Never, shape.Once, shape.Forever} {
			if _, err := recipe.Bytes(run, abi.Limits{}); err != nil {
				t.Errorf("%s: %v", shape.Ops()[i], err)
			}
		}
		valid(t, engine, recipe, shape.Once)
	}
}

// TestMutationsAreValid changes recipes again and again.
func TestMutationsAreValid(t *testing.T) {
	const generations = 15
	engine := newEngine(t)
	r := rand.New(rand.NewPCG(1, 2))
	for _, recipe := range shape.Singles() {
		for range generations {
			recipe = recipe.Mutate(r)
		}
		valid(t, engine, recipe, shape.Once)
	}
}

func TestEqualSeedsGiveEqualRecipes(t *testing.T) {
	grown := func() string {
		r := rand.New(rand.NewPCG(7, 0))
		recipe := shape.Singles()[0]
		for range 50 {
			recipe = recipe.Mutate(r)
		}
		return recipe.String()
	}
	text := grown()
	if diff := cmp.Diff(text, grown()); diff != "" {
		t.Error(diff)
	}
	parsed, err := shape.Parse(text)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(text, parsed.String()); diff != "" {
		t.Errorf("reading a recipe changes it: %s", diff)
	}
}

// TestMutateLeavesTheOriginal changes copies only.
func TestMutateLeavesTheOriginal(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 0))
	recipe := shape.Singles()[3]
	before := recipe.String()
	changed := 0
	for range 20 {
		if recipe.Mutate(r).String() != before {
			changed++
		}
	}
	if changed == 0 {
		t.Error("nothing changes")
	}
	if diff := cmp.Diff(before, recipe.String()); diff != "" {
		t.Error(diff)
	}
}
