package main

import (
	"errors"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestParseEffort(t *testing.T) {
	for _, c := range []struct {
		text string
		want effort
		ok   bool
	}{
		{"1s", effort{time: time.Second}, true},
		{"250ms", effort{time: 250 * time.Millisecond}, true},
		{"5x", effort{batches: 5}, true},
		{"0x", effort{}, false},
		{"-1s", effort{}, false},
		{"x", effort{}, false},
		{"soon", effort{}, false},
	} {
		got, err := parseEffort(c.text)
		if (err == nil) != c.ok || got != c.want {
			t.Errorf("%s: got %+v, %v; want %+v, accepted %t", c.text, got, err, c.want, c.ok)
		}
	}
}

func TestPlan(t *testing.T) {
	const ms = time.Millisecond
	for _, c := range []struct {
		effort     effort
		ours, peer time.Duration
		want       plan
	}{
		{effort{batches: 5}, time.Hour, ms, plan{5, 1, 1}},
		// Both sides get half of the time, however fast they are.
		{effort{time: 500 * ms}, ms, 5 * ms, plan{mostBatches, 10, 2}},
		// What takes long is run as often as a median needs, whatever the time.
		{effort{time: time.Second}, time.Minute, ms, plan{fewestBatches, 1, 100}},
		{effort{time: time.Second}, 0, 0, plan{mostBatches, int(time.Second / (2 * mostBatches)), int(time.Second / (2 * mostBatches))}},
	} {
		if got := c.effort.plan(c.ours, c.peer); got != c.want {
			t.Errorf("%+v, %s and %s: got %+v, want %+v", c.effort, c.ours, c.peer, got, c.want)
		}
	}
}

func TestCompareRunsBothByTurns(t *testing.T) {
	var order []string
	side := func(name string) func() error {
		return func() error { order = append(order, name); return nil }
	}
	if _, _, err := (effort{batches: 3}).compare(pair{ours: side("ours"), peer: side("peer")}); err != nil {
		t.Fatal(err)
	}
	want := []string{
		"ours", "peer", "ours", "peer", // warming up
		"ours", "peer", "peer", "ours", "ours", "peer",
	}
	if diff := cmp.Diff(want, order); diff != "" {
		t.Errorf("-want +got\n%s", diff)
	}
}

func TestCompareEndsWithTheFirstError(t *testing.T) {
	broken := errors.New("broken")
	fine := func() error { return nil }
	for _, p := range []pair{
		{ours: func() error { return broken }, peer: fine},
		{ours: fine, peer: func() error { return broken }},
	} {
		if _, _, err := (effort{batches: 1}).compare(p); !errors.Is(err, broken) {
			t.Errorf("got %v, want %v", err, broken)
		}
	}
}

func TestMedian(t *testing.T) {
	for _, c := range []struct {
		all  []int64
		want int64
	}{
		{[]int64{7}, 7},
		{[]int64{9, 1, 1000}, 9},
		{[]int64{4, 2, 1000, 1}, 3},
	} {
		if got := median(c.all); got != c.want {
			t.Errorf("%v: got %d, want %d", c.all, got, c.want)
		}
	}
}
