package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"slices"
	"time"

	"github.com/latticenet/lattice-host/abi"
	"github.com/latticenet/lattice-host/wasm-tests/hostile/probe"
	"github.com/latticenet/lattice-host/wasm-tests/hostile/shape"
)

// limits are those of every module. There is so much fuel that what an instance costs once, such as
// growing its stack to the largest there is, does not count as the time of a unit; 2,000,000,000 is
// the default.
func limits() abi.Limits {
	return abi.Limits{MemoryBytes: abi.MaxMemoryBytes, Fuel: 200_000_000, TimeoutMillis: abi.MaxTimeoutMillis}
}

// leastFuel is how much a call must spend for its time to count: with less, what every call takes
// would be measured.
const leastFuel = 2_000_000

// measure is something that a module can cost.
type measure struct {
	name string
	run  shape.Run
	task probe.Task
	// score returns the cost from a report, 0 for what does not count, and worse than any bound for
	// a process that died.
	score func(*probe.Report) float64
	// bound returns what is allowed.
	bound func(*search, *best) float64
	show  func(float64) string
}

// died is the score of a module that took down its process.
const died = 1e15

func measures() []measure {
	seconds := func(v float64) string { return showUnless(v, fmt.Sprintf("%.2f s", v/1e9)) }
	size := func(v float64) string { return showUnless(v, fmt.Sprintf("%.0f MiB", v/(1<<20))) }
	return []measure{
		{
			name: "load-time", task: probe.Task{LoadOnly: true}, show: seconds,
			score: func(r *probe.Report) float64 { return float64(r.Load.CPU) },
			// 2 s on a quiet machine, on which the built-in plugin takes about 1 s.
			bound: func(s *search, _ *best) float64 { return 2 * float64(s.builtin.CPU) },
		},
		{
			name: "load-memory", task: probe.Task{LoadOnly: true}, show: size,
			score: func(r *probe.Report) float64 { return float64(r.Load.Peak) },
			bound: func(*search, *best) float64 { return 256 << 20 },
		},
		{
			name: "instance-memory", run: shape.Once, show: size,
			score: func(r *probe.Report) float64 { return float64(r.First.Peak) },
			bound: func(*search, *best) float64 { return 2 * abi.MaxMemoryBytes },
		},
		{
			name: "fuel-time", run: shape.Forever, task: probe.Task{Calls: 1}, score: timeOfUnit,
			show: func(v float64) string { return showUnless(v, fmt.Sprintf("%.2f ns", v)) },
			bound: func(s *search, b *best) float64 {
				if s.unit > 0 {
					return 20 * s.unit
				}
				return 20 * b.median
			},
		},
	}
}

func showUnless(v float64, text string) string {
	if v >= died {
		return "died"
	}
	return text
}

// timeOfUnit returns the nanoseconds of a unit of fuel, the lower of two calls.
func timeOfUnit(r *probe.Report) float64 {
	least := 0.0
	for _, p := range []probe.Phase{r.First, r.Again} {
		if p.Fuel < leastFuel {
			return 0
		}
		if unit := float64(p.CPU) / float64(p.Fuel); least == 0 || unit < least {
			least = unit
		}
	}
	return least
}

// search looks for the worst module of each measure.
type search struct {
	seed     uint64
	limit    time.Duration
	measures []measure
	run      runner
	// log gets a line for each module that is worse than all before, unless it is nil.
	log io.Writer
	// begin are the recipes that the search begins with; nil means [shape.Singles].
	begin   []*shape.Shape
	builtin probe.Phase
	// unit is how many nanoseconds a unit of fuel takes at the median of the price list; 0 means
	// the median of what the search began with.
	unit float64
	best []best
}

// best is what is known about one measure.
type best struct {
	// kept are the worst modules, the worst first.
	kept []found
	// median is that of the recipes that the search began with.
	median float64
	tried  int
}

// found is a module and what it costs.
type found struct {
	shape *shape.Shape
	score float64
	size  int
}

// keeps is how many modules of each measure are changed further.
const keeps = 6

func (b *best) worst() float64 {
	if len(b.kept) == 0 {
		return 0
	}
	return b.kept[0].score
}

func (b *best) bytes() int {
	if len(b.kept) == 0 {
		return 0
	}
	return b.kept[0].size
}

// search runs until the time is up.
func (s *search) search(ctx context.Context) error {
	if s.begin == nil {
		s.begin = shape.Singles()
	}
	s.best = make([]best, len(s.measures))
	for i := range s.measures {
		if err := s.first(ctx, i); err != nil {
			return err
		}
	}
	r := rand.New(rand.NewPCG(s.seed, 0))
	end := time.Now().Add(s.limit)
	for n := 0; time.Now().Before(end); n++ {
		i := n % len(s.measures)
		candidate := s.pick(r, i).Mutate(r)
		if _, err := s.try(ctx, i, candidate); err != nil {
			return err
		}
	}
	return nil
}

// first measures what the search begins with.
func (s *search) first(ctx context.Context, i int) error {
	var scores []float64
	for _, recipe := range s.begin {
		score, err := s.try(ctx, i, recipe)
		if err != nil {
			return err
		}
		if score > 0 {
			scores = append(scores, score)
		}
	}
	if len(scores) > 0 {
		slices.Sort(scores)
		s.best[i].median = scores[len(scores)/2]
	}
	return nil
}

// pick returns a recipe to change: one of the worst, and sometimes one that the search began with.
func (s *search) pick(r *rand.Rand, i int) *shape.Shape {
	kept := s.best[i].kept
	if len(kept) == 0 || r.IntN(8) == 0 {
		return s.begin[r.IntN(len(s.begin))]
	}
	return kept[min(r.IntN(len(kept)), r.IntN(len(kept)))].shape
}

// try measures a recipe and keeps it when it is among the worst.
func (s *search) try(ctx context.Context, i int, recipe *shape.Shape) (float64, error) {
	b := &s.best[i]
	b.tried++
	score, size, err := s.score(ctx, i, recipe)
	if err != nil || score == 0 || len(b.kept) == keeps && score <= b.kept[keeps-1].score {
		return score, err
	}
	// The machine may have been busy: what counts is the lower of two.
	again, _, err := s.score(ctx, i, recipe)
	if err != nil {
		return score, err
	}
	score = min(score, again)
	if s.log != nil && score > b.worst() {
		fmt.Fprintf(s.log, "%s after %d: %s, %d bytes: %s\n", s.measures[i].name, b.tried, s.measures[i].show(score), size, recipe)
	}
	b.kept = append(b.kept, found{recipe, score, size})
	slices.SortStableFunc(b.kept, func(x, y found) int { return cmp.Compare(y.score, x.score) })
	b.kept = b.kept[:min(len(b.kept), keeps)]
	return score, nil
}

// leastCPU is what a module may take at least, and five times what a built-in plugin takes. One
// that takes longer counts as if it took down the host.
const leastCPU = 5 * time.Second

// score measures a recipe. One that is too large, or refused, costs nothing.
func (s *search) score(ctx context.Context, i int, recipe *shape.Shape) (score float64, size int, err error) {
	m := &s.measures[i]
	wasm, err := recipe.Bytes(m.run, limits())
	if errors.Is(err, shape.ErrTooLarge) {
		return 0, 0, nil
	}
	if err != nil {
		return 0, 0, err
	}
	task := m.task
	task.Wasm, task.MaxCPU = wasm, max(leastCPU, 5*s.builtin.CPU)
	report, err := s.run(ctx, task)
	switch {
	case err != nil:
		return 0, 0, err
	case report.Killed != "":
		return died, len(wasm), nil
	case report.Load.Class == probe.Contract:
		return 0, len(wasm), nil
	}
	return m.score(report), len(wasm), nil
}
