package meter

import "github.com/latticenet/lattice-host/host/sandbox/internal/wasmbin"

// Bounds on what runs between two checks of fuel, in units.
const (
	// maxRun is how much of one function runs without a check, the leaves that it calls included.
	maxRun = 4_000
	// leafCost is how much a function that neither loops nor calls may cost without a check,
	// leafBytes how long its code may be. A longer function checks whatever it costs, so that its
	// callers know without reading it.
	leafCost  = 256
	leafBytes = 192
	// maxTail is how much of a function may run after a call that came back from any depth until
	// the function ends, without a check. It was paid before the call. Of a recursion a million
	// frames deep all tails run in a row.
	maxTail = 512
	// maxUnpaid is how much of that tail may be charged after the call without a check.
	maxUnpaid = 128
)

// leaf is what is known about a function: that it checks fuel where it begins, what it costs when
// it does not, or that its code has not been read.
type leaf struct {
	known  bool
	checks bool
	cost   int64
}

// findLeaves notes which of n functions are too long to be leaves.
func (c *coder) findLeaves(r wasmbin.Reader, n uint32) {
	c.leaves = make([]leaf, len(c.in.Functions)-int(c.imports))
	for i := range n {
		if len(r.Bytes()) > leafBytes {
			c.leaves[i] = leaf{known: true, checks: true}
		}
	}
}

// call notes a call of a function. What the host does checks fuel or not, but does not come back
// from any depth.
func (c *coder) call(function int) {
	c.calls = true
	if function < int(c.imports) || function >= len(c.in.Functions) {
		return
	}
	switch l := c.leaves[function-int(c.imports)]; {
	case l.checks:
		c.flow.call(true, true, 0)
	case l.known:
		c.flow.call(false, false, l.cost)
	default:
		c.flow.call(false, true, leafCost)
	}
}

// checkEntry decides whether a function checks fuel where it begins. A loop that it runs into
// checks anyway.
func (c *coder) checkEntry(function uint32) {
	l := &c.leaves[function-c.imports]
	if total := c.flow.total(); !c.calls && total <= leafCost && !l.checks {
		*l = leaf{known: true, cost: total}
		return
	}
	*l = leaf{known: true, checks: true}
	if c.firstLoop != none && c.flow.segments[c.firstLoop].check {
		return
	}
	c.flow.segments[0].check = true
}

// progress is what has run at the end of a segment since fuel was checked.
type progress struct {
	// run counts all, tail what follows a call that came back; it is 0 without such a call.
	run, tail int64
	// unpaid is what was charged after such a call.
	unpaid int64
}

// before returns the most that has run before a segment, on all ways to it that lead forward in the
// code. Where a loop that has no check of its own is repeated, the check is in the segment that
// repeats it.
func (f *flow) before(i int) progress {
	s := &f.segments[i]
	p := progress{tail: none}
	if s.forward && f.deep {
		p.tail = 0
	}
	join := func(from int32) {
		if int(from) >= i {
			return
		}
		q := f.progress[from]
		p.run, p.tail, p.unpaid = max(p.run, q.run), max(p.tail, q.tail), max(p.unpaid, q.unpaid)
	}
	for e := s.edges; e != none; e = f.edges[e].next {
		join(f.edges[e].from)
	}
	if s.decides != none {
		join(s.decides)
	}
	return p
}

// after returns what has run at the end of a segment.
func (s *segment) after(p progress) progress {
	if s.check {
		p = progress{tail: none}
	}
	p.run += s.run
	switch {
	case s.rest != none:
		p.tail = s.rest
	case p.tail != none:
		p.tail += s.run
	}
	if s.inner {
		p.unpaid = 0
	}
	return p
}

// boundRuns adds checks where more would run without one than the bounds allow. What such a segment
// costs stays where the check is: a check of what was paid long before would find nothing.
func (f *flow) boundRuns() {
	f.findExits()
	f.progress = f.progress[:0]
	for i := range f.segments {
		s := &f.segments[i]
		p := f.before(i)
		long := p.run+s.run > maxRun || s.leads && p.tail != none && p.tail+s.run > maxTail
		if long && !s.check && i > 0 {
			s.check, s.conditional = true, true
		}
		f.progress = append(f.progress, s.after(p))
	}
}

// findExits finds the segments that lead to the end of the function without a certain check.
func (f *flow) findExits() {
	if !f.deep {
		return
	}
	for i := len(f.segments) - 1; i > 0; i-- {
		s := &f.segments[i]
		if s.leads = (s.leads || s.exits) && !s.inner && !s.check; !s.leads {
			continue
		}
		for e := s.edges; e != none; e = f.edges[e].next {
			f.segments[f.edges[e].from].leads = true
		}
		if s.decides != none {
			f.segments[s.decides].leads = true
		}
	}
}

// checkExits adds checks where a function ends that charged more than a little after a call: on the
// way back from a recursion nothing else would check.
func (f *flow) checkExits() {
	f.progress = f.progress[:0]
	for i := range f.segments {
		s := &f.segments[i]
		p := f.before(i)
		if p.tail != none {
			p.unpaid += max(s.cost, 0)
		}
		if p.unpaid > maxUnpaid && s.exits && !s.inner {
			s.check = true
		}
		f.progress = append(f.progress, s.after(p))
	}
}
