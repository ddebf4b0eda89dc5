package meter

import (
	"encoding/binary"
	"fmt"

	"github.com/latticenet/lattice-host/host/sandbox/internal/wasmbin"
)

// coder rewrites the code of functions.
type coder struct {
	in *wasmbin.Module
	// imports and globals count what the original has, imported globals included. The fuel is the
	// global after them.
	imports uint32
	globals int
	// refill is the host function, helpers the first of those that the rewritten module adds.
	refill, helpers uint32
	// maxPages is [Options.MaxPages], maxElements [Options.MaxElements].
	maxPages, maxElements uint32
	merge                 bool

	// hiddenState is true when an instruction changes a table or drops a segment.
	hiddenState bool
	// declared are the functions that exports, globals and element segments name, which only may be
	// the operand of a ref.func.
	declared []bool
	// references are the globals that hold references to functions, by function; referenced are
	// those functions in the order of their globals.
	references map[uint32]uint32
	referenced []uint32

	// leaves are what is known about the functions that the module defines, by their place among
	// them.
	leaves []leaf

	// The rest belongs to the function that is being read and is kept for its memory.
	r      *wasmbin.Reader
	locals int
	flow   flow
	frames []frame
	edits  []edit
	// calls says that an instruction calls a function.
	calls bool
	// firstLoop is the segment of a loop that the function's first segment leads to, without a call
	// in between.
	firstLoop int32
	buffer    []byte
	// values are held against [MaxValues].
	values int
	// recent is what the last instructions began, blocks counts blocks.
	recent pattern
	blocks int32
	// work is what compiling the function takes.
	work work
	// compilation is what compiling the module takes.
	compilation compilation
}

// edit is a change at an instruction.
type edit struct {
	at int32
	// helper is a function that is called in front of the instruction, when it is not 0.
	helper uint32
	// op, unless it is 0, and index replace what is there up to end, when there is no helper.
	op    byte
	index uint32
	end   int32
}

// section returns the content of the code section.
func (c *coder) section(r *wasmbin.Reader) ([]byte, error) {
	n := r.Uint32()
	out := make([]byte, 0, r.Remaining()+r.Remaining()/2+256)
	out = binary.AppendUvarint(out, uint64(n)+uint64(len(helperFunctions)))
	c.findLeaves(*r, n)
	for i := range n {
		code := r.Bytes()
		if r.Err() != nil {
			return nil, r.Err()
		}
		c.r = wasmbin.NewReader(code, r.Offset()-len(code))
		body, err := c.body(c.imports + i)
		if err != nil {
			return nil, fmt.Errorf("function %d: %w", c.imports+i, err)
		}
		out = appendBytes(out, body)
		c.work.values = int64(c.values)
		if err := c.compilation.function(&c.work, r.Offset()-len(code)); err != nil {
			return nil, fmt.Errorf("function %d: %w", c.imports+i, err)
		}
	}
	return c.appendHelpers(out), nil
}

// body returns the code of a function. It is valid until the next call.
func (c *coder) body(function uint32) ([]byte, error) {
	typ := c.in.Functions[function]
	if err := c.declareLocals(len(c.in.Types[typ].Params)); err != nil {
		return nil, err
	}
	c.frames, c.edits = c.frames[:0], c.edits[:0]
	c.calls, c.firstLoop = false, none
	c.recent, c.blocks = pattern{}, 0
	c.work.begin(c.locals)
	c.values = len(c.in.Types[typ].Params) + len(c.in.Types[typ].Results)
	c.flow.reset(c.position(), &c.work)
	c.frames = append(c.frames, frame{op: opFunction, reachable: true, edges: none, arity: len(c.in.Types[typ].Results)})
	for len(c.frames) > 0 {
		if err := c.instruction(); err != nil {
			return nil, err
		}
		if c.r.Err() != nil {
			return nil, c.r.Err()
		}
		if c.values > MaxValues {
			return nil, unsupported(c.r.Offset(), "the blocks, branches and calls of a function hand over more than %d values", MaxValues)
		}
	}
	if c.r.Remaining() > 0 {
		c.r.Fail(c.r.Pos(), "bytes follow the end of a function")
		return nil, c.r.Err()
	}
	if c.calls {
		c.flow.segments[0].cost += frameCost
		c.flow.segments[0].run += frameCost
	}
	c.flow.placeChecks()
	c.checkEntry(function)
	c.flow.boundRuns()
	if c.merge {
		c.flow.merge()
	}
	c.flow.checkExits()
	c.flow.countChecks()
	return c.emit(), nil
}

// position returns how much of the function's code is read. [MaxBytes] keeps it small.
func (c *coder) position() int32 { return int32(c.r.Pos()) }

// declareLocals reads the function's locals.
func (c *coder) declareLocals(params int) error {
	sum := uint64(params)
	for range c.r.Count(c.r.Remaining()) {
		sum += uint64(c.r.Uint32())
		c.r.ValueType()
		if sum > MaxLocals {
			return unsupported(c.r.Offset(), "a function has more than %d locals", MaxLocals)
		}
	}
	c.locals = int(sum)
	return c.r.Err()
}

// emit returns the code with all changes.
func (c *coder) emit() []byte {
	code := c.r.Since(0)
	b, done := c.buffer[:0], int32(0)
	edits := c.edits
	for i := range c.flow.segments {
		s := &c.flow.segments[i]
		for len(edits) > 0 && edits[0].at < s.at {
			b, done = c.apply(append(b, code[done:edits[0].at]...), edits[0])
			edits = edits[1:]
		}
		b, done = append(b, code[done:s.at]...), s.at
		if s.cost != 0 {
			b = c.appendCharge(b, s.cost)
		}
		if s.check {
			b = c.appendCheck(b)
		}
	}
	for _, e := range edits {
		b, done = c.apply(append(b, code[done:e.at]...), e)
	}
	c.buffer = append(b, code[done:]...)
	return c.buffer
}

// apply appends a change and returns the position in the original after it.
func (c *coder) apply(b []byte, e edit) ([]byte, int32) {
	if e.helper != 0 {
		return binary.AppendUvarint(append(b, opCall), uint64(e.helper)), e.at
	}
	if e.op != 0 {
		b = append(b, e.op)
	}
	return binary.AppendUvarint(b, uint64(e.index)), e.end
}
