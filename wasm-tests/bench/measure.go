package main

import (
	"errors"
	"fmt"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"time"
)

// effort says how long a pair is measured: for a time, or for a number of batches of one run each.
type effort struct {
	time    time.Duration
	batches int
}

// parseEffort reads what go test takes as -benchtime: a duration, or a count with an x.
func parseEffort(text string) (effort, error) {
	if count, ok := strings.CutSuffix(text, "x"); ok {
		n, err := strconv.Atoi(count)
		if err != nil || n < 1 {
			return effort{}, fmt.Errorf("-benchtime %s: give a count such as 5x, or a duration such as 1s", text)
		}
		return effort{batches: n}, nil
	}
	d, err := time.ParseDuration(text)
	if err != nil || d <= 0 {
		return effort{}, fmt.Errorf("-benchtime %s: give a duration such as 1s, or a count such as 5x", text)
	}
	return effort{time: d}, nil
}

// brief reports whether the run only has to show that everything still works.
func (e effort) brief() bool { return e.batches > 0 }

// pair is two ways to do the same.
type pair struct {
	ours, peer func() error
	// per is how many operations one run is; 0 means 1.
	per int
}

// Bounds of the number of batches in a timed run: enough for a median, and few enough that a batch
// is many runs of what takes milliseconds. The first run of a batch finds the processor's caches
// full of the other side's work, which is not what either side costs.
const (
	fewestBatches = 5
	mostBatches   = 25
)

// plan is how a pair is run: batches of so many runs of each side.
type plan struct{ batches, ours, peer int }

// plan spends half of the time on each side. once is what one run of each takes.
func (e effort) plan(ours, peer time.Duration) plan {
	if e.brief() {
		return plan{batches: e.batches, ours: 1, peer: 1}
	}
	slower := max(ours, peer, 1)
	batches := min(max(int(e.time/(2*slower)), fewestBatches), mostBatches)
	each := e.time / time.Duration(2*batches)
	return plan{batches: batches, ours: max(int(each/max(ours, 1)), 1), peer: max(int(each/max(peer, 1)), 1)}
}

// compare returns the medians over the batches of what one operation takes.
func (e effort) compare(p pair) (ours, peer time.Duration, err error) {
	// The first run warms up, the second one is the estimate.
	var estimate [2]time.Duration
	for range 2 {
		for i, run := range []func() error{p.ours, p.peer} {
			if estimate[i], err = batch(run, 1); err != nil {
				return 0, 0, err
			}
		}
	}
	plan := e.plan(estimate[0], estimate[1])
	runtime.GC()
	var all [2][]time.Duration
	for n := range plan.batches {
		for turn := range 2 {
			// Who begins changes, so that neither always finds what the other left.
			side := (n + turn) % 2
			run, count := p.ours, plan.ours
			if side == 1 {
				run, count = p.peer, plan.peer
			}
			d, err := batch(run, count)
			if err != nil {
				return 0, 0, err
			}
			all[side] = append(all[side], d)
		}
	}
	per := time.Duration(max(p.per, 1))
	return median(all[0]) / per, median(all[1]) / per, nil
}

// batch returns what one of n runs takes.
func batch(run func() error, n int) (time.Duration, error) {
	start := time.Now()
	for range n {
		if err := run(); err != nil {
			return 0, err
		}
	}
	return time.Since(start) / time.Duration(n), nil
}

// errNothingMeasured says that there is no median.
var errNothingMeasured = errors.New("nothing was measured")

func median[T int64 | float64 | time.Duration](all []T) T {
	if len(all) == 0 {
		panic(errNothingMeasured)
	}
	sorted := slices.Sorted(slices.Values(all))
	middle := len(sorted) / 2
	if len(sorted)%2 == 1 {
		return sorted[middle]
	}
	return (sorted[middle-1] + sorted[middle]) / 2
}
