package shape

import (
	"github.com/latticenet/lattice-host/abi"
	"math/rand/v2"
	"slices"
)

// Singles returns a recipe for each operation, with nothing else: a function of which it fills
// about a third of a module, in a function with locals and inside of a block.
func Singles() []*Shape {
	var all []*Shape
	for _, op := range Ops() {
		s := &Shape{Table: 10, Pages: 14}
		s.Functions = []Function{{Locals: 100, Body: []Step{{Op: Blocks, Body: []Step{{Op: op, Size: 16, Times: 1}}}}}, {}}
		step := &s.Functions[0].Body[0].Body[0]
		for step.Times = 1 << 14; step.Times > 1; step.Times /= 2 {
			if s.fits() {
				break
			}
		}
		all = append(all, s)
	}
	return all
}

// fits reports whether the recipe gives a module that is small enough.
func (s *Shape) fits() bool {
	_, err := s.Bytes(Never, abi.Limits{})
	return err == nil
}

// Bounds of what mutations make. Most are far above what fits in a module.
const (
	maxFunctions = 4
	maxSteps     = 6
	maxDepth     = 4
	maxNumber    = 1 << 17
	maxPages     = 1 << 10
	maxTable     = 1_000_000
)

// Mutate returns a changed copy that fits, or the last one that it tried after a hundred.
func (s *Shape) Mutate(r *rand.Rand) *Shape {
	var changed *Shape
	for range 100 {
		changed = s.clone()
		for range 1 + r.IntN(3) {
			changed.mutate(r)
		}
		if changed.fits() {
			break
		}
	}
	return changed
}

// clone returns a copy that shares nothing. Recipes are JSON, so that it does not fail.
func (s *Shape) clone() *Shape {
	c, _ := Parse(s.String())
	return c
}

func (s *Shape) mutate(r *rand.Rand) {
	if len(s.Functions) == 0 || r.IntN(12) == 0 && len(s.Functions) < maxFunctions {
		s.Functions = append(s.Functions, Function{Body: []Step{randomStep(r, 0)}})
		return
	}
	f := &s.Functions[r.IntN(len(s.Functions))]
	switch r.IntN(10) {
	case 0:
		s.mutateLists(r)
	case 1:
		f.Copies = number(r, f.Copies, maxNumber)
	case 2:
		f.Locals = number(r, f.Locals, 50_000)
		f.Type = r.IntN(len(localTypes))
	case 3:
		f.Params, f.Results = number(r, f.Params, 1_000), number(r, f.Results, 1_000)
	case 4:
		if i := r.IntN(len(s.Functions)); len(s.Functions) > 1 {
			s.Functions = slices.Delete(s.Functions, i, i+1)
		}
	default:
		f.Body = mutateSteps(r, f.Body, 0)
	}
}

func (s *Shape) mutateLists(r *rand.Rand) {
	switch r.IntN(9) {
	case 0:
		s.Pages = number(r, s.Pages, maxPages-minPages)
	case 1:
		s.Table = number(r, s.Table, maxTable)
	case 2:
		s.Globals = number(r, s.Globals, maxNumber)
	case 3:
		s.Types = number(r, s.Types, maxNumber)
	case 4:
		s.Start = !s.Start
	default:
		lists := []*Segments{&s.Active, &s.Passive, &s.Data, &s.PassiveData}
		l := lists[r.IntN(len(lists))]
		l.Count, l.Size = number(r, l.Count, maxNumber), number(r, l.Size, maxNumber)
	}
}

// mutateSteps changes one thing in a list of steps or in what is inside of one.
func mutateSteps(r *rand.Rand, steps []Step, depth int) []Step {
	if len(steps) == 0 || r.IntN(5) == 0 && len(steps) < maxSteps {
		return slices.Insert(steps, r.IntN(len(steps)+1), randomStep(r, depth))
	}
	i := r.IntN(len(steps))
	s := &steps[i]
	switch r.IntN(8) {
	case 0:
		return slices.Delete(steps, i, i+1)
	case 1:
		s.Op = Ops()[r.IntN(len(Ops()))]
	case 2:
		// The step moves into another.
		if depth < maxDepth {
			outer := Step{Op: Ops()[r.IntN(withBody)], Size: number(r, 0, maxNumber), Body: []Step{*s}}
			steps[i] = outer
		}
	case 3, 4:
		s.Times = number(r, s.Times, maxNumber)
	case 5, 6:
		s.Size = number(r, s.Size, maxNumber)
	default:
		if s.Op.HasBody() {
			s.Body = mutateSteps(r, s.Body, depth+1)
		}
	}
	return steps
}

func randomStep(r *rand.Rand, depth int) Step {
	s := Step{Op: Ops()[r.IntN(len(Ops()))], Times: number(r, 0, maxNumber), Size: number(r, 0, maxNumber)}
	if s.Op.HasBody() && depth < maxDepth {
		s.Body = []Step{randomStep(r, depth+1)}
	}
	return s
}

// number changes a number: to one near it, or to any, small ones being as likely as large ones.
func number(r *rand.Rand, n, most int) int {
	switch r.IntN(5) {
	case 0:
		n *= 2
	case 1:
		n /= 2
	case 2:
		n += 1 + n/8
	case 3:
		n -= 1 + n/8
	default:
		n = r.IntN(2 << r.IntN(17))
	}
	return min(max(n, 0), most)
}
