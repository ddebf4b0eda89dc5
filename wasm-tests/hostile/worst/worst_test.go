package main

import (
	"context"
	"errors"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/latticenet/lattice-host/wasm-tests/hostile/probe"
	"github.com/latticenet/lattice-host/wasm-tests/hostile/shape"
)

func TestMain(m *testing.M) {
	probe.Child()
	os.Exit(m.Run())
}

// bySize says that a module costs a second a byte to load.
func bySize(_ context.Context, task probe.Task) (*probe.Report, error) {
	cost := time.Duration(len(task.Wasm)) * time.Second
	return &probe.Report{Load: probe.Phase{Done: true, CPU: cost}}, nil
}

func pick(t *testing.T, name string) []measure {
	t.Helper()
	picked, err := pickMeasures(name)
	if err != nil {
		t.Fatal(err)
	}
	return picked
}

// TestSearchClimbs finds modules that are nearly as large as they may be, when large ones are the
// worst.
func TestSearchClimbs(t *testing.T) {
	recipe, err := shape.Parse(`{"functions":[{"body":[{"op":"add"}]}]}`)
	if err != nil {
		t.Fatal(err)
	}
	s := &search{measures: pick(t, "load-time"), run: bySize, begin: []*shape.Shape{recipe}, limit: time.Second}
	if err := s.search(t.Context()); err != nil {
		t.Fatal(err)
	}
	b := &s.best[0]
	if least := shape.MaxBytes / 2; b.bytes() < least {
		t.Errorf("the largest module of %d has %d bytes, at least %d were to be found", b.tried, b.bytes(), least)
	}
	if !slices.IsSortedFunc(b.kept, func(x, y found) int { return int(y.score - x.score) }) || len(b.kept) != keeps {
		t.Errorf("kept are %v", b.kept)
	}
	if s.print(&strings.Builder{}) {
		t.Error("no bound is exceeded")
	}
}

// TestScore says what counts as a cost.
func TestScore(t *testing.T) {
	recipe, err := shape.Parse(`{}`)
	if err != nil {
		t.Fatal(err)
	}
	tooLarge, err := shape.Parse(`{"types":1000000}`)
	if err != nil {
		t.Fatal(err)
	}
	broken := errors.New("no process")
	call := func(fuel int64, cpu time.Duration) probe.Phase { return probe.Phase{Done: true, Fuel: fuel, CPU: cpu} }
	for _, c := range []struct {
		name, measure string
		shape         *shape.Shape
		report        *probe.Report
		err           error
		want          float64
	}{
		{"time", "load-time", recipe, &probe.Report{Load: probe.Phase{CPU: 5}}, nil, 5},
		{"memory", "load-memory", recipe, &probe.Report{Load: probe.Phase{Peak: 6}}, nil, 6},
		{"instance", "instance-memory", recipe, &probe.Report{First: probe.Phase{Peak: 7}}, nil, 7},
		{"the lower of two calls", "fuel-time", recipe, &probe.Report{First: call(4e6, 12e6), Again: call(4e6, 8e6)}, nil, 2},
		{"a call that spends too little", "fuel-time", recipe, &probe.Report{First: call(4e6, 12e6), Again: call(10, 8e6)}, nil, 0},
		{"refused", "load-time", recipe, &probe.Report{Load: probe.Phase{CPU: 5, Class: probe.Contract}}, nil, 0},
		{"died", "load-time", recipe, &probe.Report{Killed: "load"}, nil, died},
		{"too large", "load-time", tooLarge, &probe.Report{Load: probe.Phase{CPU: 5}}, nil, 0},
		{"not measured", "load-time", recipe, nil, broken, 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := &search{measures: pick(t, c.measure), run: func(context.Context, probe.Task) (*probe.Report, error) { return c.report, c.err }}
			got, _, err := s.score(t.Context(), 0, c.shape)
			if got != c.want || !errors.Is(err, c.err) {
				t.Errorf("got %v, %v, want %v, %v", got, err, c.want, c.err)
			}
		})
	}
}
