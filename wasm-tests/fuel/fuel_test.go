package main

import (
	"io"
	"strings"
	"testing"
	"time"
)

// TestEveryRowRuns measures every row once. How long they take is for the command to judge, on a
// machine that does nothing else.
func TestEveryRowRuns(t *testing.T) {
	t.Parallel()
	measured, err := measure(t.Context(), rows(), 1)
	if err != nil {
		t.Fatal(err)
	}
	if len(measured) < 130 {
		t.Errorf("there are %d rows", len(measured))
	}
	for _, r := range measured {
		if r.fuel < 10_000 || r.best <= 0 && r.fuel > 100_000_000 {
			t.Errorf("%s took %v for %d units", r.name, r.best, r.fuel)
		}
	}
}

func TestReport(t *testing.T) {
	t.Parallel()
	measured := []result{
		{name: "fast", fuel: 1000, best: 500}, {name: "usual", fuel: 1000, best: 1000}, {name: "slow", fuel: 1000, best: 20_000 * time.Nanosecond},
	}
	bySpeed(measured)
	var out strings.Builder
	if err := report(&out, measured); err != nil {
		t.Error(err)
	}
	for _, want := range []string{"slow", "20.000", "min 0.500, median 1.000, max 20.000 ns a unit"} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("%q is not in:\n%s", want, out.String())
		}
	}
	measured = append(measured[1:], result{name: "too slow", fuel: 1000, best: 20_001}, result{name: "usual too", fuel: 1000, best: 1000})
	bySpeed(measured)
	if err := report(io.Discard, measured); err == nil || !strings.Contains(err.Error(), "too slow: 20.0 times") {
		t.Errorf("got %v", err)
	}
}
