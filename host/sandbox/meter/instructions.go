package meter

import (
	"github.com/latticenet/lattice-host/host/sandbox/internal/wasmbin"
)

// instruction reads one instruction, with everything that belongs to it.
func (c *coder) instruction() error {
	at := c.r.Pos()
	c.flow.split(int32(at))
	op := c.r.Byte()
	recent := c.recent
	c.recent = pattern{}
	if c.flow.now != none {
		c.work.instruction(op)
	}
	switch {
	case op <= opReturn:
		return c.control(at, op, recent)
	case op >= opI32Eqz && op <= opI64Extend32S, op == opDrop, op == opSelect, op == opRefIsNull:
		c.flow.charge(1)
		return nil
	}
	c.flow.charge(1)
	switch op {
	case opLocalGet, opLocalSet, opLocalTee:
		n := c.index(c.locals, "a local")
		c.recent = recent.local(op, n)
		if c.flow.now != none {
			c.work.local(op, n)
		}
	case opGlobalGet, opGlobalSet:
		c.index(c.globals, "a global")
	case opI32Const:
		c.recent = pattern{stage: sawConstant, value: uint32(c.r.Signed(32))}
	case opI64Const:
		c.r.Signed(64)
	case opF32Const:
		c.r.Skip(4)
	case opF64Const:
		c.r.Skip(8)
	case opCall:
		function := c.functionIndex()
		c.flow.charge(callCost - 1)
		c.call(function)
		c.handOver(c.functionType(function))
	case opCallIndirect:
		c.calls = true
		c.flow.charge(callCost - 1)
		c.flow.call(false, true, leafCost)
		c.handOver(c.typeAt(c.index(len(c.in.Types), "a type")))
		c.index(len(c.in.Tables), "a table")
	case opSelectTyped:
		if start := c.r.Pos(); c.r.Byte() != 1 {
			c.r.Fail(start, "a select has several types")
		}
		c.r.ValueType()
	case opTableGet:
		c.index(len(c.in.Tables), "a table")
	case opTableSet:
		c.hiddenState = true
		c.index(len(c.in.Tables), "a table")
	case opMemorySize, opMemoryGrow:
		c.memory()
		if op == opMemoryGrow {
			c.flow.charge(growCost - 1)
			c.chargeOperand(at, helperChargePages)
		}
	case opRefNull:
		c.heapType(c.r)
	case opRefFunc:
		return c.reference(at)
	case opMiscPrefix:
		return c.misc(at)
	case opVectorPrefix:
		return c.vector()
	default:
		if op < opI32Load || op > opI64Store32 {
			return unsupported(c.r.Offset()-1, "%s", instructionName(op))
		}
		if op <= opI64Load32U {
			c.flow.charge(loadCost - 1)
		}
		c.memoryArgument()
	}
	return nil
}

// control reads an instruction on the flow of control, or unreachable and nop.
func (c *coder) control(at int, op byte, recent pattern) error {
	switch op {
	case opNop:
	case opBlock, opLoop, opIf:
		params, results := c.blockType()
		c.values += params + results
		c.recent = recent.block(op)
		if op == opLoop {
			return c.open(op, params, shape{params: int64(params), results: int64(results)})
		}
		return c.open(op, results, shape{params: int64(params), results: int64(results)})
	case opElse:
		return c.otherwise(at)
	case opEnd:
		c.end()
	case opBr:
		c.flow.charge(1)
		if f := c.label(); f != nil {
			c.flow.branch(f, false, c.leadsTo(f, recent))
		}
		c.flow.now = none
	case opBrIf:
		c.flow.charge(1)
		if f := c.label(); f != nil {
			c.flow.branch(f, true, nil)
			if c.flow.now != none {
				c.work.branchIf(&f.shape)
			}
		}
		if c.flow.now != none {
			c.work.follow()
			c.flow.next(c.position())
		}
	case opBrTable:
		c.flow.charge(1)
		if err := c.branchTable(recent); err != nil {
			return err
		}
		c.flow.now = none
	case opReturn, opUnreachable:
		c.flow.charge(1)
		if op == opReturn {
			c.values += c.frames[0].arity
			c.flow.exit()
		}
		c.flow.now = none
	default:
		return unsupported(c.r.Offset()-1, "%s", instructionName(op))
	}
	return nil
}

// open begins a block to whose label branches hand over so many values.
func (c *coder) open(op byte, arity int, s shape) error {
	if len(c.frames) > MaxNesting {
		return unsupported(c.r.Offset(), "blocks stand more than %d deep in each other", MaxNesting)
	}
	if op == opIf {
		c.flow.charge(1)
	}
	entering := c.flow.now
	f := c.flow.open(op, c.position())
	c.blocks++
	f.id = c.blocks
	f.arity = arity
	if f.reachable {
		c.work.open(op, &s)
	}
	f.shape = s
	if op == opLoop && entering == 0 && !c.calls {
		c.firstLoop = f.segment
	}
	c.frames = append(c.frames, f)
	return nil
}

func (c *coder) otherwise(at int) error {
	f := &c.frames[len(c.frames)-1]
	if f.op != opIf {
		c.r.Fail(at, "an else does not belong to an if")
		return nil
	}
	if f.reachable {
		c.work.otherwise(&f.shape, c.flow.now != none)
	}
	c.flow.otherwise(f, c.position())
	return nil
}

func (c *coder) end() {
	last := len(c.frames) - 1
	if f := &c.frames[last]; f.reachable {
		c.work.end(f.op, &f.shape, c.flow.now != none)
	}
	if last > 0 {
		c.flow.close(&c.frames[last], c.position())
	} else {
		c.flow.exit()
	}
	c.frames = c.frames[:last]
}

// label reads a label and returns its block, or nil if none exists.
func (c *coder) label() *frame {
	depth := c.index(len(c.frames), "a label")
	if c.r.Err() != nil {
		return nil
	}
	f := &c.frames[len(c.frames)-1-depth]
	c.values += f.arity
	if c.flow.now != none {
		c.work.edge(&f.shape)
	}
	return f
}

// branchTable reads the labels of a br_table, one more than the list says: the last is for all
// other values.
func (c *coder) branchTable(recent pattern) error {
	d := dispatch{local: recent.number}
	n := c.r.Count(c.r.Remaining()) + 1
	if c.flow.now != none {
		c.work.special(tableUnits*int64(n), 0)
	}
	for range n {
		f := c.label()
		if f == nil {
			return nil
		}
		c.flow.branch(f, true, nil)
		if recent.stage == sawSelector {
			d.blocks = append(d.blocks, f.id)
		}
	}
	if recent.stage == sawSelector {
		c.frames[len(c.frames)-1-recent.depth].dispatch = d
	}
	return nil
}

// misc reads an instruction after opMiscPrefix.
func (c *coder) misc(at int) error {
	op := c.r.Uint32()
	if c.flow.now != none {
		c.work.special(miscWeight(op))
	}
	switch op {
	case opMemoryInit:
		c.index(c.in.DataSegments, "a data segment")
		c.memory()
		c.chargeOperand(at, helperChargeBytes)
	case opDataDrop:
		c.hiddenState = true
		c.index(c.in.DataSegments, "a data segment")
	case opMemoryCopy:
		c.memory()
		c.memory()
		c.chargeOperand(at, helperChargeBytes)
	case opMemoryFill:
		c.memory()
		c.chargeOperand(at, helperChargeBytes)
	case opTableInit:
		c.hiddenState = true
		c.index(c.in.Elements, "an element segment")
		c.index(len(c.in.Tables), "a table")
		c.chargeOperand(at, helperChargeElements)
	case opElemDrop:
		c.hiddenState = true
		c.index(c.in.Elements, "an element segment")
	case opTableCopy:
		c.hiddenState = true
		c.index(len(c.in.Tables), "a table")
		c.index(len(c.in.Tables), "a table")
		c.chargeOperand(at, helperChargeElements)
	case opTableFill:
		c.hiddenState = true
		c.index(len(c.in.Tables), "a table")
		c.chargeOperand(at, helperChargeElements)
	case opTableGrow:
		c.hiddenState = true
		c.index(len(c.in.Tables), "a table")
		c.flow.charge(growCost - 1)
		c.chargeOperand(at, helperChargeGrowth)
	case opTableSize:
		c.index(len(c.in.Tables), "a table")
	default:
		if op > opI64TruncSatF64U {
			return unsupported(c.r.Offset(), "%s", prefixedName(opMiscPrefix, op))
		}
	}
	return nil
}

// vector reads an instruction after opVectorPrefix. Its number has one byte up to 0x7f and two
// above; longer forms of the same number are refused, because engines differ in how they read them.
func (c *coder) vector() error {
	op := c.r.Byte()
	if c.r.Err() == nil && (isVectorGap(op) || op >= 0x80 && c.r.Byte() != 1) {
		return unsupported(c.r.Offset(), "%s", prefixedName(opVectorPrefix, uint32(op)))
	}
	if c.flow.now != none {
		c.work.special(0, vectorHeight(op))
		if op <= opV128Store || op >= opV128Load8Lane && op <= opV128Load64Zero {
			c.work.bounds++
			c.work.special(weights[opI32Load], 0)
		}
	}
	if isVectorLoad(op) {
		c.flow.charge(loadCost - 1)
	}
	switch {
	case op <= opV128Store, op == opV128Load32Zero, op == opV128Load64Zero:
		c.memoryArgument()
	case op == opV128Const, op == opI8x16Shuffle:
		c.r.Skip(16)
	case op >= opI8x16ExtractLaneS && op <= opF64x2ReplaceLane:
		c.r.Skip(1)
	case op >= opV128Load8Lane && op <= opV128Store64Lane:
		c.memoryArgument()
		c.r.Skip(1)
	}
	return nil
}

// chargeOperand has the helper take the price of the operand on top, before the instruction that
// begins at the position.
func (c *coder) chargeOperand(at int, helper uint32) {
	if c.flow.now != none {
		c.flow.call(true, false, 0)
		c.work.pay()
		c.edits = append(c.edits, edit{at: int32(at), helper: c.helpers + helper})
	}
}

// index reads an index below a bound.
func (c *coder) index(bound int, what string) int {
	at := c.r.Pos()
	n := c.r.Uint32()
	c.checkIndex(c.r, at, n, bound, what)
	return int(n)
}

// checkIndex refuses an index that reaches beyond what the original has.
func (c *coder) checkIndex(r *wasmbin.Reader, at int, index uint32, bound int, what string) {
	if int64(index) >= int64(bound) {
		r.Fail(at, what+" does not exist")
	}
}

// functionIndex reads the index of a function, which moves, and returns it.
func (c *coder) functionIndex() int {
	at := c.r.Pos()
	old := c.index(len(c.in.Functions), "a function")
	if moved := shift(uint32(old), c.imports); moved != uint32(old) {
		c.edits = append(c.edits, edit{at: int32(at), index: moved, end: c.position()})
	}
	return old
}

// reference reads a ref.func, which begins at the position, and replaces it by reading the global
// that holds the reference.
func (c *coder) reference(at int) error {
	index := uint32(c.index(len(c.in.Functions), "a function"))
	if c.r.Err() != nil {
		return nil
	}
	if !c.declared[index] {
		c.r.Fail(at, "ref.func names a function that no export, global or element segment names")
		return nil
	}
	global, found := c.references[index]
	if !found {
		if len(c.referenced) == MaxReferences {
			return unsupported(c.r.Offset(), "functions name more than %d functions with ref.func", MaxReferences)
		}
		global = uint32(c.globals + 1 + len(c.referenced))
		c.references[index] = global
		c.referenced = append(c.referenced, index)
	}
	c.edits = append(c.edits, edit{at: int32(at), op: opGlobalGet, index: global, end: c.position()})
	return nil
}

// functionType returns the type of a function, nothing if none exists.
func (c *coder) functionType(index int) wasmbin.FuncType {
	if index >= len(c.in.Functions) {
		return wasmbin.FuncType{}
	}
	return c.typeAt(int(c.in.Functions[index]))
}

// typeAt returns a type, nothing if none exists.
func (c *coder) typeAt(index int) wasmbin.FuncType {
	if index >= len(c.in.Types) {
		return wasmbin.FuncType{}
	}
	return c.in.Types[index]
}

// handOver counts what a call takes and leaves.
func (c *coder) handOver(t wasmbin.FuncType) {
	c.values += len(t.Params) + len(t.Results)
	if c.flow.now != none {
		c.work.call(t)
	}
}

// function appends the index in the rewritten module of the function whose index r has.
func (c *coder) function(out []byte, r *wasmbin.Reader) []byte {
	at := r.Pos()
	old := r.Uint32()
	if c.checkIndex(r, at, old, len(c.in.Functions), "a function"); r.Err() != nil {
		return out
	}
	c.declared[old] = true
	return appendUnsigned(out, shift(old, c.imports))
}

// blockType reads the type of a block: nothing, one result, or a type of the module. It returns how
// many parameters and results that has.
func (c *coder) blockType() (params, results int) {
	at := c.r.Pos()
	n := c.r.Signed(33)
	if n >= 0 {
		c.checkIndex(c.r, at, uint32(n), len(c.in.Types), "a type")
		t := c.typeAt(int(n))
		return len(t.Params), len(t.Results)
	}
	// Other types are single bytes that read as negative numbers.
	b := c.r.Since(at)
	if len(b) != 1 || b[0] != blockEmpty && !wasmbin.ValueType(b[0]).IsKnown() {
		c.r.RefuseIf(len(b) == 1 && wasmbin.ValueType(b[0]).IsProposed(), at, "a block has a type that is not part of WebAssembly 2.0")
	}
	if len(b) != 1 || b[0] == blockEmpty {
		return 0, 0
	}
	return 0, 1
}

func (c *coder) heapType(r *wasmbin.Reader) {
	at := r.Pos()
	if t := wasmbin.ValueType(r.Byte()); t != wasmbin.FuncRef && t != wasmbin.ExternRef {
		// Numbers of types, which typed function references have, are positive.
		r.RefuseIf(t.IsProposed() || t&0x40 == 0, at, "a null is of a type that is not part of WebAssembly 2.0")
	}
}

// memory reads the index of a memory, which WebAssembly 2.0 keeps at one byte of 0.
func (c *coder) memory() {
	at := c.r.Pos()
	if c.r.Byte() != 0 || len(c.in.Memories) == 0 {
		c.r.Fail(at, "a memory does not exist")
	}
}

// maxAlignment is the exponent of the largest alignment, that of a vector.
const maxAlignment = 4

// maxAlignmentBits are those that say the alignment.
const maxAlignmentBits = 0x3f

// alignmentHasMemory is set when the index of a memory follows, as in the proposal on several
// memories.
const alignmentHasMemory = 0x40

func (c *coder) memoryArgument() {
	at := c.r.Pos()
	alignment := c.r.Uint32()
	if alignment > maxAlignment || len(c.in.Memories) == 0 {
		c.r.RefuseIf(alignment&^maxAlignmentBits == alignmentHasMemory, at,
			"an access to memory has a wrong alignment or memory does not exist")
	}
	c.r.Uint32()
}
