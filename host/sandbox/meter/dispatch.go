package meter

import "sort"

// Compilers that have to enter a function in its middle, Go's above all, wrap it into a loop that
// begins with a table of all places, and jump by setting a local and going back to the loop:
//
//	loop block block … local.get $n br_table … end … i32.const 7 local.set $n br … end … end
//
// Most of these jumps lead forward. To see that spares them the check that going back to a loop
// needs.

// dispatch is the table that a loop begins with.
type dispatch struct {
	// local chooses the label.
	local int
	// blocks are the blocks whose labels the table has, by their ids; the last is for all other
	// values. It is nil when the loop does not begin with a table.
	blocks []int32
}

// pattern is what the last instructions may be the begin of.
type pattern struct {
	stage stage
	// depth counts the blocks in the loop that was just begun.
	depth int
	// value is a constant, number that of a local.
	value  uint32
	number int
}

type stage byte

const (
	_ stage = iota
	// sawLoop comes after a loop and blocks that begin in it at once.
	sawLoop
	// sawSelector comes after that and a local.get.
	sawSelector
	// sawConstant comes after an i32.const.
	sawConstant
	// sawJump comes after that and a local.set.
	sawJump
)

// block goes on with the begin of a block.
func (p pattern) block(op byte) pattern {
	switch {
	case op == opLoop:
		return pattern{stage: sawLoop}
	case op == opBlock && p.stage == sawLoop:
		return pattern{stage: sawLoop, depth: p.depth + 1}
	}
	return pattern{}
}

// local goes on with an instruction on a local.
func (p pattern) local(op byte, number int) pattern {
	switch {
	case op == opLocalGet && p.stage == sawLoop:
		return pattern{stage: sawSelector, depth: p.depth, number: number}
	case op == opLocalSet && p.stage == sawConstant:
		return pattern{stage: sawJump, value: p.value, number: number}
	}
	return pattern{}
}

// leadsTo returns the block at whose end a branch to the block f, after the instructions, certainly
// goes on, or nil. The branch leads to a loop that begins with a table, the local that chooses
// there was just set to a constant, and the block of that label has not ended yet.
func (c *coder) leadsTo(f *frame, recent pattern) *frame {
	d := f.dispatch
	if recent.stage != sawJump || len(d.blocks) == 0 || d.local != recent.number {
		return nil
	}
	last := uint32(len(d.blocks) - 1)
	id := d.blocks[min(recent.value, last)]
	i := sort.Search(len(c.frames), func(i int) bool { return c.frames[i].id >= id })
	if i == len(c.frames) || c.frames[i].id != id || c.frames[i].op == opLoop {
		return nil
	}
	return &c.frames[i]
}
