package pipeline

import (
	"math/bits"
	"slices"
	"strings"
)

// set is a set of steps by index. [MaxSteps] is as many as it can hold.
type set uint64

func (s set) has(i int) bool { return s&(1<<i) != 0 }

// graph says which steps must come before which.
type graph struct {
	// before holds, for each step, the steps that must come directly before it.
	before []set
}

func newGraph(n int) *graph { return &graph{before: make([]set, n)} }

// add makes first come before second.
func (g *graph) add(first, second int) { g.before[second] |= 1 << first }

// order returns the steps in topological order, lowest index first among equals, and the steps that
// are in a cycle or depend on one.
func (g *graph) order() (order []int, stuck set) {
	var done set
	all := set(1)<<len(g.before) - 1
	if len(g.before) == MaxSteps {
		all = ^set(0)
	}
	for done != all {
		next := g.ready(done)
		if next < 0 {
			return order, all &^ done
		}
		done |= 1 << next
		order = append(order, next)
	}
	return order, 0
}

// ready returns the lowest step that is not done and waits for nothing, or -1.
func (g *graph) ready(done set) int {
	for i, before := range g.before {
		if !done.has(i) && before&^done == 0 {
			return i
		}
	}
	return -1
}

// cycle returns steps that each must come before the next, and the last before the first; nil
// without a cycle. It begins with the lowest index.
func (g *graph) cycle() []int {
	_, stuck := g.order()
	if stuck == 0 {
		return nil
	}
	// Every stuck step has a stuck step before it, so that walking backwards must come around.
	at := bits.TrailingZeros64(uint64(stuck))
	var path []int
	for !slices.Contains(path, at) {
		path = append(path, at)
		at = bits.TrailingZeros64(uint64(g.before[at] & stuck))
	}
	cycle := path[slices.Index(path, at):]
	slices.Reverse(cycle)
	lowest := slices.Index(cycle, slices.Min(cycle))
	return append(slices.Clone(cycle[lowest:]), cycle[:lowest]...)
}

// transitive returns, for each step, every step that comes before it, directly or not.
func (g *graph) transitive(order []int) []set {
	all := make([]set, len(g.before))
	for _, i := range order {
		all[i] = g.before[i]
		for j := range g.before {
			if g.before[i].has(j) {
				all[i] |= all[j]
			}
		}
	}
	return all
}

func cycleText(cycle []int, name func(int) string) string {
	names := make([]string, 0, len(cycle)+1)
	for _, i := range cycle {
		names = append(names, name(i))
	}
	return strings.Join(append(names, name(cycle[0])), " → ")
}
