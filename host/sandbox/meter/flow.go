package meter

// none is the index of no segment and no edge.
const none = -1

// segment is code that runs from its begin to its end whenever it begins, except for traps. It is
// charged at its begin.
type segment struct {
	// at is where the charge is in the function's code.
	at   int32
	cost int64
	// run is how much runs in the segment: its instructions and the leaves that they may call. rest
	// is how much of it follows the last call that may come back from any depth, [none] without
	// such a call.
	run, rest int64
	// inner says that something in the segment certainly checks fuel: a function that it calls, or
	// the price of an operand.
	inner bool
	// exits says that the function may end where the segment does.
	exits bool
	// leads says that it may end from here without a certain check.
	leads bool
	// check says that fuel is checked after the charge.
	check bool
	// loop says that the segment begins a loop.
	loop bool
	// conditional says that a branch that depends on a value leads here, so that the cost cannot
	// move to where it is.
	conditional bool
	// edges is the first of the edges from segments that go on here: all but decides, and only
	// those that always do when the segment is not conditional.
	edges int32
	// backs is the first of the edges from segments that may go back here, for a loop. forward says
	// that others get here only to go on after where they were.
	backs   int32
	forward bool
	// decides and other say that this segment runs when, at the end of decides, other does not.
	decides, other int32
	// place is where the segment begins, for the estimate of what a check there takes to compile.
	place place
}

// edge is an entry of a list of segments.
type edge struct{ from, next int32 }

// flow is the control flow of one function, as far as charges need it.
type flow struct {
	segments []segment
	edges    []edge
	// now is the segment that the code belongs to, none where nothing gets.
	now int32
	// deep says that a call may come back from any depth.
	deep bool
	// progress is what has run at the end of each segment.
	progress []progress
	// work counts what compiling the function takes.
	work *work
}

// reset begins a function at the position of its first instruction.
func (f *flow) reset(at int32, w *work) {
	f.segments, f.edges, f.deep, f.work = f.segments[:0], f.edges[:0], false, w
	f.begin(at)
	f.segments[0].conditional = true
}

// begin starts a segment.
func (f *flow) begin(at int32) *segment {
	f.now = int32(len(f.segments))
	f.segments = append(f.segments, segment{at: at, rest: none, edges: none, backs: none, decides: none, other: none, place: f.work.place})
	return &f.segments[f.now]
}

func (f *flow) charge(cost int64) {
	if f.now == none {
		return
	}
	s := &f.segments[f.now]
	s.cost += cost
	s.run += cost
	if s.rest != none {
		s.rest += cost
	}
}

// call notes a call. A function that certainly checks fuel where it begins is not a leaf; of
// others, leaf is what they may cost without a check, and deep says that they may call others in
// turn.
func (f *flow) call(checks, deep bool, leaf int64) {
	if f.now == none {
		return
	}
	s := &f.segments[f.now]
	s.inner = s.inner || checks
	s.run += leaf
	if deep {
		s.rest = 0
		f.deep = true
	}
}

// split begins another segment where the running one is as long as it may be.
func (f *flow) split(at int32) {
	if f.now == none {
		return
	}
	if s := &f.segments[f.now]; s.run >= maxRun || s.rest > maxTail {
		entry := f.link(none)
		// Most of them get a check.
		f.work.depth++
		f.begin(at).edges = entry
	}
}

// exit notes that the function may end here.
func (f *flow) exit() {
	if f.now != none {
		f.segments[f.now].exits = true
	}
}

// link adds the running segment to a list of edges.
func (f *flow) link(list int32) int32 {
	if f.now == none {
		return list
	}
	f.edges = append(f.edges, edge{from: f.now, next: list})
	return int32(len(f.edges) - 1)
}

// frame is an open block.
type frame struct {
	op byte
	// reachable says that the begin of the block runs.
	reachable bool
	// targeted says that a branch leads to the label, conditional that one of them depends on a
	// value, edges are where they come from. For a loop that is in the segment of its begin.
	targeted, conditional bool
	edges                 int32
	// segment is what a loop begins with, or what decides an if; arm is what the latter begins
	// with.
	segment, arm int32
	// arity is how many values a branch to the label hands over.
	arity int
	// id grows from one block to the next. dispatch is what a loop begins with.
	id       int32
	dispatch dispatch
	shape    shape
}

// open begins a block at the position after its first instruction.
func (f *flow) open(op byte, at int32) frame {
	b := frame{op: op, reachable: f.now != none, edges: none, segment: none, arm: none}
	if !b.reachable {
		return b
	}
	switch op {
	case opLoop:
		entry := f.link(none)
		s := f.begin(at)
		s.loop, s.edges = true, entry
		b.segment = f.now
	case opIf:
		b.segment = f.now
		f.next(at)
		b.arm = f.now
	}
	return b
}

// next begins a segment that follows the running one when a value says so.
func (f *flow) next(at int32) {
	entry := f.link(none)
	s := f.begin(at)
	s.edges, s.conditional = entry, true
}

// otherwise begins the second arm of an if.
func (f *flow) otherwise(b *frame, at int32) {
	b.op = opElse
	if !b.reachable {
		return
	}
	b.targeted = b.targeted || f.now != none
	b.edges = f.link(b.edges)
	s := f.begin(at)
	s.decides, s.other = b.segment, b.arm
}

// close ends a block at the position after its end.
func (f *flow) close(b *frame, at int32) {
	skipped := b.op == opIf && b.reachable
	if b.op == opLoop || !b.targeted && !skipped {
		return
	}
	edges := f.link(b.edges)
	s := f.begin(at)
	s.edges, s.conditional = edges, b.conditional
	if skipped {
		s.decides, s.other = b.segment, b.arm
	}
}

// branch notes a branch to the label of a block. When that is the label of a loop that only passes
// it on to a block that ends after the branch, target is that block.
func (f *flow) branch(b *frame, conditional bool, target *frame) {
	if f.now == none {
		return
	}
	if b.op == opFunction {
		f.exit()
		return
	}
	if b.op != opLoop {
		b.targeted = true
		b.conditional = b.conditional || conditional
		b.edges = f.link(b.edges)
		return
	}
	s := &f.segments[b.segment]
	s.check = true
	s.conditional = s.conditional || conditional
	s.edges = f.link(s.edges)
	if target == nil {
		s.backs = f.link(s.backs)
		return
	}
	// The table has the label, so that the block is targeted, by a condition.
	s.forward = true
	target.edges = f.link(target.edges)
}

// placeChecks moves the checks of loops that also serve to go forward to where they really repeat.
// All other ways lead forward in the code, so that every cycle still has a check.
func (f *flow) placeChecks() {
	for i := range f.segments {
		if f.segments[i].forward {
			f.segments[i].check = false
		}
	}
	for i := range f.segments {
		if !f.segments[i].forward {
			continue
		}
		for e := f.segments[i].backs; e != none; e = f.edges[e].next {
			f.segments[f.edges[e].from].check = true
		}
	}
}

// countChecks counts what compiling the checks takes; [work.open] has counted that of loops.
func (f *flow) countChecks() {
	for i := range f.segments {
		if s := &f.segments[i]; s.check && !s.loop {
			f.work.check(s.place)
		}
	}
}

// total returns what all segments cost once.
func (f *flow) total() int64 {
	var sum int64
	for i := range f.segments {
		sum += f.segments[i].cost
	}
	return sum
}

// merge moves costs to segments that charge anyway. What every path through the function costs
// stays the same.
//
// Loops come first: that their begin costs nothing helps every round. The others follow from the
// last to the first, so that a cost can move on. A segment that has moved its cost and gets another
// one charges again.
func (f *flow) merge() {
	for i := range f.segments {
		if f.segments[i].loop {
			f.move(i)
		}
	}
	for i := len(f.segments) - 1; i > 0; i-- {
		if !f.segments[i].loop {
			f.move(i)
		}
	}
}

// move moves the cost of a segment to those that lead to it.
func (f *flow) move(i int) {
	s := &f.segments[i]
	if s.conditional || f.repeats(i) {
		return
	}
	cost := s.cost
	s.cost = 0
	for e := s.edges; e != none; e = f.edges[e].next {
		f.segments[f.edges[e].from].cost += cost
	}
	if s.decides != none {
		// What decides pays in any case, so that the other way gets it back.
		f.segments[s.decides].cost += cost
		f.segments[s.other].cost -= cost
	}
}

// repeats reports whether a segment leads to itself without a decision.
func (f *flow) repeats(i int) bool {
	for e := f.segments[i].edges; e != none; e = f.edges[e].next {
		if int(f.edges[e].from) == i {
			return true
		}
	}
	return false
}
