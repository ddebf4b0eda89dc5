package meter

import (
	"time"

	"github.com/latticenet/lattice-host/abi"
	"github.com/latticenet/lattice-host/host/sandbox/internal/wasmbin"
)

// Compile is an estimate of what the engine takes to compile a rewritten module. It depends on the
// module only, never on the machine: it is made of counts and of what each took on one core of a
// machine of 2020 while others were idle.
//
// It is meant to be too high rather than too low: modules that compilers make take from a third of
// it to all of it, those that were made to be slow rarely more.
type Compile struct {
	// Time is processor time. Two goroutines share it.
	Time time.Duration
	// Memory is the most that is needed at once, in bytes, on top of what a process without a
	// module has.
	Memory int64
}

// The cost in the engine of each thing that is counted: nanoseconds, and bytes while the
// function is compiled. Each is the slope of a family of modules that have more and more of that
// thing and little else, of 8 to 100 KB, compiled by wazero v1.12.0; the comment names where the
// engine spends it (below internal/engine/wazevo).
//
// A unit is a simple instruction with the local.get of an operand; others are weighed against it in
// [weights].
const (
	unitTime, unitMemory = 600, 512
	// unitCode is the machine code of a unit. The engine has it four times at the end: by function,
	// in one piece, in the bytes for the cache and in the buffer that those grew in (engine.go,
	// engine_cache.go).
	unitCode = 5
	// A function by itself, with its prologue.
	functionUnits = 6
	// A block and what checks fuel in it.
	blockUnits = 6
	// A label of a br_table.
	tableUnits = 8
	// A value that a block, a branch or a call hands over.
	valueUnits = 1

	// A step up the tree of dominators: from each edge to find loops (ssa/pass_cfg.go
	// subPassLoopDetection), from each block to find the loop around it
	// (passBuildLoopNestingForest).
	dominatorTime = 12
	// A step back through blocks with one predecessor in search of a local's value (ssa/builder.go
	// findValue), or in search of where to spill one (backend/regalloc/regalloc.go scheduleSpill).
	walkTime = 50
	// The same for each local and each edge that leads to where blocks join.
	joinWalkTime = 7
	// A predecessor that is skipped to find an edge (ssa/pass_blk_layouts.go).
	predecessorTime = 10
	// A local at a place where blocks join or a loop begins (ssa/builder.go findValue, ssa/pass.go
	// passRedundantPhiEliminationOpt).
	joinTime, joinMemory = 1_100, 120
	// A local that may have several values there, for each edge that leads there
	// (backend/compiler_lower.go).
	edgeTime, edgeMemory = 250, 400
	// edgeCode is the machine code of such an edge.
	edgeCode = 14
	// A value on the operand stack across a block (backend/regalloc/regalloc.go liveIns,
	// scheduleSpill).
	stackTime, stackMemory = 110, 24
	// An address whose bounds are known across a block (frontend/frontend.go
	// finalizeKnownSafeBoundsAtTheEndOfBlock).
	boundTime, boundMemory = 20, 30
	// A mutable global that is read again after a call (frontend/lower.go reloadAfterCall).
	reloadTime, reloadMemory = 350, 180
)

// The cost of a whole module besides its functions, in the same units.
const (
	// A declared local, even one that is not used: its type is kept for each function until the
	// end.
	localTime, localMemory = 10, 8
	// A function for each type and for each global or import of the module (ssa/builder.go Init,
	// frontend/frontend.go declareNecessaryVariables).
	functionTypeTime, functionGlobalTime = 20, 6
	// A function for each block of the largest one so far (ssa/pass_cfg.go buildSparseTable goes
	// through a table that does not become smaller).
	functionBlockTime = 12
	// A function, type, export, global, element or data segment, which are decoded and kept.
	entryTime, entryMemory = 1_000, 700
	// An element of a segment, or a parameter or result of a type.
	itemTime, itemMemory = 400, 80
	// A byte of the module and of the rewritten one, which are in memory at once.
	byteTime, byteMemory = 15, 3
)

// weights are how many units an instruction takes, by its first byte. Those that are not named take
// one.
var weights = func() (w [256]int64) {
	set := func(from, to int, units int64) {
		for op := from; op <= to; op++ {
			w[op] = units
		}
	}
	set(0, 255, 1)
	set(opI32Load, opI64Store32, 10)
	set(opTableGet, opTableSet, 10)
	w[opMemorySize], w[opMemoryGrow] = 4, 12
	w[opCall], w[opCallIndirect] = 6, 32
	w[opGlobalGet], w[opGlobalSet] = 2, 2
	w[opSelect], w[opSelectTyped] = 2, 2
	set(opF64Const-1, opF64Const, 3)
	set(opF32Abs, opF64Copysign, 4)
	set(opI32DivS, opI32RemU, 9)
	set(opI64DivS, opI64RemU, 9)
	set(opI32TruncF32S, opI64TruncF64U, 18)
	w[opVectorPrefix] = 6
	return w
}()

// heights are how an instruction changes the number of values on the operand stack, by its first
// byte; that of calls and blocks depends on their types.
var heights = func() (h [256]int8) {
	set := func(from, to int, change int8) {
		for op := from; op <= to; op++ {
			h[op] = change
		}
	}
	h[opIf], h[opBrIf], h[opBrTable], h[opCallIndirect] = -1, -1, -1, -1
	h[opDrop], h[opSelect], h[opSelectTyped] = -1, -2, -2
	h[opLocalGet], h[opLocalSet], h[opGlobalGet], h[opGlobalSet], h[opTableSet] = 1, -1, 1, -1, -2
	set(opI32Store, opI64Store32, -2)
	h[opMemorySize] = 1
	set(opI32Const, opF64Const, 1)
	set(opI32Eqz+1, opI32GeU, -1)
	set(opI64Eqz+1, opF64Ge, -1)
	set(opI32Add, opI32Rotr, -1)
	set(opI64Add, opI64Rotr, -1)
	set(opF32Add, opF32Copysign, -1)
	set(opF64Add, opF64Copysign, -1)
	h[opRefNull], h[opRefFunc] = 1, 1
	return h
}()

// miscWeight returns how many units an instruction after opMiscPrefix takes, and how it changes the
// operand stack.
func miscWeight(op uint32) (units int64, change int) {
	switch op {
	case opMemoryFill, opTableFill:
		return 150, -3
	case opMemoryInit, opMemoryCopy, opTableInit, opTableCopy:
		return 60, -3
	case opTableGrow:
		return 15, -1
	case opTableSize:
		return 4, 1
	}
	return 16, 0
}

// work counts what the engine has to do for one function, as far as its code is reachable: the rest
// is not compiled.
type work struct {
	units  int64
	blocks int64
	// locals counts those that are declared, used those that an instruction names.
	locals, used int64
	// touched holds, for each local, the number of the last function that named it.
	touched []uint32
	number  uint32
	// accesses and sets count instructions on locals, calls calls, bounds loads and stores.
	accesses, sets, calls, bounds int64
	// values is how many values the function, its blocks, branches and calls hand over.
	values int64
	place

	// These are sums over what the constants above name.
	dominators, walks, joinWalks, predecessors, joins, edges, stacked, known int64
}

// place is what [work] knows where an instruction is.
type place struct {
	// height is how many values are on the operand stack, depth how many blocks dominate the
	// running one, chain how many of the last of them have one predecessor.
	height, depth, chain int64
}

// shape is what a frame remembers for [work].
type shape struct {
	params, results int64
	// place, bounds, accesses and sets are those where the block begins.
	place
	bounds, accesses, sets int64
	// preds counts the edges that lead to the block's label, chains how far each has to go back;
	// lowest and fewest are the smallest depth and number of bounds among them.
	preds, chains, lowest, fewest int64
}

// begin begins a function with so many locals.
func (w *work) begin(locals int) {
	*w = work{touched: w.touched, number: w.number + 1, locals: int64(locals), units: functionUnits}
	if len(w.touched) < locals {
		w.touched = append(w.touched, make([]uint32, locals-len(w.touched))...)
	}
}

// instruction counts one.
func (w *work) instruction(op byte) {
	w.units += weights[op]
	w.height += int64(heights[op])
	if op >= opI32Load && op <= opI64Store32 {
		w.bounds++
	}
}

// special counts an instruction of more than one byte on top of what [work.instruction] counted of
// it.
func (w *work) special(units int64, change int) {
	w.units += units
	w.height += int64(change)
}

// local counts an instruction on a local.
func (w *work) local(op byte, n int) {
	if n >= len(w.touched) {
		return
	}
	if w.touched[n] != w.number {
		w.touched[n] = w.number
		w.used++
	}
	w.accesses++
	if op == opLocalGet {
		w.walks += w.chain
	} else {
		w.sets++
	}
}

// call counts a call of a function of the type.
func (w *work) call(t wasmbin.FuncType) {
	w.calls++
	w.height += int64(len(t.Results) - len(t.Params))
}

// pay counts a call of the function that takes the price of an operand.
func (w *work) pay() { w.calls++ }

// block counts a block that begins here.
func (w *work) block() {
	w.blocks++
	w.dominators += w.depth
	w.stacked += max(w.height, 0)
	w.known += w.bounds
}

// follow begins a block that only the running one leads to.
func (w *work) follow() {
	w.depth++
	w.chain++
	w.block()
}

// check counts a check of fuel that begins a segment there: a block that calls the host, and one
// where both ways join, across which every local and every value on the stack lives. Bounds of
// addresses across it were measured to take next to nothing.
func (w *work) check(p place) {
	w.calls++
	w.blocks += 2
	w.dominators += 2 * p.depth
	w.stacked += 2 * max(p.height, 0)
	w.joins++
	w.joinWalks += p.chain + 1
}

// open begins a block; its condition, if it has one, is off the operand stack.
func (w *work) open(op byte, s *shape) {
	s.place, s.bounds, s.accesses, s.sets = w.place, w.bounds, w.accesses, w.sets
	s.height -= s.params
	switch op {
	case opLoop:
		// The check of fuel in it is two blocks and a call.
		w.calls++
		s.edge(w)
		w.depth += 2
		w.blocks += 2
		w.follow()
		w.chain = 0
	case opIf:
		w.follow()
	}
}

// branchIf counts the edge of a br_if, which the engine looks for among those to the same label.
func (w *work) branchIf(s *shape) { w.predecessors += s.preds }

// edge counts an edge to the label of a block.
func (w *work) edge(s *shape) {
	w.dominators += w.depth
	s.edge(w)
}

func (s *shape) edge(w *work) {
	if s.preds == 0 || w.depth < s.lowest {
		s.lowest = w.depth
	}
	if s.preds == 0 || w.bounds < s.fewest {
		s.fewest = w.bounds
	}
	s.preds++
	s.chains += w.chain + 1
}

// otherwise begins the second arm of an if. The first one's end may lead to the end of both.
func (w *work) otherwise(s *shape, reachable bool) {
	if reachable {
		w.edge(s)
	}
	w.height, w.depth, w.chain, w.bounds = s.height+s.params, s.depth, s.chain, s.bounds
	w.follow()
}

// end ends a block: of a loop when op says so, of an if without else when it is opIf. reachable
// says that the code in front of it leads here.
func (w *work) end(op byte, s *shape, reachable bool) {
	if op == opLoop {
		w.join(min(w.used, w.accesses-s.accesses), s)
		// The way back makes a value of its own for every local that is read after the loop, even
		// one that it leaves alone.
		w.joins++
		w.height = s.height + s.results
		w.follow()
		return
	}
	if reachable {
		w.edge(s)
	}
	if op == opIf {
		w.depth, w.chain, w.bounds = s.depth, s.chain, s.bounds
		w.edge(s)
	}
	w.height = s.height + s.results
	if s.preds == 0 {
		return
	}
	w.depth, w.bounds = s.lowest, s.fewest
	w.follow()
	if s.preds > 1 {
		w.chain = 0
		w.join(min(w.used, w.sets-s.sets), s)
	}
}

// join counts a place that several edges lead to, where so many locals may have several values.
func (w *work) join(changed int64, s *shape) {
	w.joins++
	w.edges += changed * s.preds
	w.joinWalks += s.chains
}

// allUnits returns the units of the function's instructions, blocks and values.
func (w *work) allUnits() int64 { return w.units + w.blocks*blockUnits + w.values*valueUnits }

// term is one of the things that take time.
type term struct {
	what         string
	count        int64
	time, memory int64
}

// terms returns what the function takes, in a module with so many globals that can change.
func (w *work) terms(mutable int64) [11]term {
	return [...]term{
		{"%d units of code", w.allUnits(), unitTime, unitMemory},
		{"%d steps from blocks to what leads to them", w.dominators, dominatorTime, 0},
		{"%d steps from uses of locals to where they are set", w.walks, walkTime, 0},
		{"%d times a local for an edge between blocks", w.joinWalks * w.used, joinWalkTime, 0},
		{"%d branches to a block for another branch to it", w.predecessors, predecessorTime, 0},
		{"%d times a local where blocks join", w.joins * w.used, joinTime, joinMemory},
		{"%d times a local that changes for an edge between blocks", w.edges, edgeTime, edgeMemory},
		{"%d times a value on the stack across a block", w.stacked, stackTime, stackMemory},
		{"%d times an address across a block", w.known, boundTime, boundMemory},
		{"%d times a global that is read again after a call", w.calls * mutable, reloadTime, reloadMemory},
		{"%d locals", w.locals, localTime, 0},
	}
}

// maxFunctionTime bounds the estimate for one function.
const maxFunctionTime = abi.MaxFunctionCompileMillis * time.Millisecond

// compileLimit returns what a module of so many bytes may take.
func compileLimit(size int) Compile {
	bytes := int64(size)
	millis := abi.CompileMillis + bytes*abi.CompileMillisPerMiB>>20
	return Compile{
		Time:   time.Duration(min(millis, abi.MaxCompileMillis)) * time.Millisecond,
		Memory: min(abi.CompileMemoryBytes+bytes*abi.CompileMemoryPerByte, abi.MaxCompileMemoryBytes),
	}
}

// newCompilation returns that of a module of so many bytes.
func newCompilation(size int) compilation {
	return compilation{limit: compileLimit(size), slowest: maxFunctionTime}
}

// compilation is the estimate for a module while it is read.
type compilation struct {
	sum, limit Compile
	// slowest is the limit for one function.
	slowest   time.Duration
	functions int64
	// mutable and constant count the globals that can change and all that functions go through;
	// types counts types.
	mutable, listed, types int64
	// blocks is the largest number of a function so far, largest the most memory that one takes,
	// and then another.
	blocks  int64
	largest [2]int64
}

// function adds a function.
func (c *compilation) function(w *work, offset int) error {
	var time, memory int64
	var most term
	for _, t := range w.terms(c.mutable) {
		if t.count*t.time > most.count*most.time {
			most = t
		}
		time += t.count * t.time
		memory += t.count * t.memory
	}
	if time > int64(c.slowest) {
		return unsupported(offset, "compiling it takes about %s, at most %s is allowed for one function: "+most.what,
			shown(time), shown(int64(c.slowest)), most.count)
	}
	c.functions++
	c.blocks = max(c.blocks, w.blocks)
	time += c.types*functionTypeTime + c.listed*functionGlobalTime + c.blocks*functionBlockTime + entryTime
	c.largest[1] = max(c.largest[1], min(memory, c.largest[0]))
	c.largest[0] = max(c.largest[0], memory)
	code := 4*w.allUnits()*unitCode + 2*w.edges*edgeCode
	return c.add(offset, time, code+w.locals*localMemory+entryMemory)
}

// entries adds entries of a list and the items in them.
func (c *compilation) entries(offset, entries, items int) error {
	n, k := int64(entries), int64(items)
	return c.add(offset, n*entryTime+k*itemTime, n*entryMemory+k*itemMemory)
}

// add adds to the sum, and returns an error when that is more than the limit.
func (c *compilation) add(offset int, took, memory int64) error {
	c.sum.Time += time.Duration(took)
	c.sum.Memory += memory
	switch got := c.estimate(); {
	case got.Time > c.limit.Time:
		return unsupported(offset, "compiling the module up to here takes about %s, at most %s is allowed for its size",
			shown(int64(got.Time)), shown(int64(c.limit.Time)))
	case got.Memory > c.limit.Memory:
		return unsupported(offset, "compiling the module up to here takes about %d MiB of memory, at most %d MiB is allowed for its size",
			got.Memory>>20, c.limit.Memory>>20)
	}
	return nil
}

// references adds globals that functions go through, when all functions are known.
func (c *compilation) references(offset int, n int64) error {
	return c.add(offset, c.functions*n*functionGlobalTime+n*entryTime, n*entryMemory)
}

// estimate returns the sum. Two goroutines may compile the two largest functions at once.
func (c *compilation) estimate() Compile {
	return Compile{c.sum.Time, c.sum.Memory + c.largest[0] + c.largest[1]}
}

func shown(nanoseconds int64) string {
	return time.Duration(nanoseconds).Round(100 * time.Millisecond).String()
}

// begin begins a module whose globals and types are known.
func (c *compilation) begin(size int, m *wasmbin.Module) error {
	c.types = int64(len(m.Types))
	c.listed = int64(len(m.Imports) + m.Globals)
	// The fuel.
	c.mutable = 1
	for _, i := range m.Imports {
		if i.Kind == wasmbin.KindGlobal && i.Global.Mutable {
			c.mutable++
		}
	}
	return c.add(0, int64(size)*byteTime, int64(size)*byteMemory)
}

// section adds the entries of a section.
func (c *compilation) section(id wasmbin.SectionID, offset int, m *wasmbin.Module) error {
	switch id {
	case wasmbin.SectionType:
		var items int
		for _, t := range m.Types {
			items += len(t.Params) + len(t.Results)
		}
		return c.entries(offset, len(m.Types), items)
	case wasmbin.SectionImport:
		return c.entries(offset, len(m.Imports), 0)
	case wasmbin.SectionGlobal:
		return c.entries(offset, m.Globals, 0)
	case wasmbin.SectionExport:
		return c.entries(offset, len(m.Exports), 0)
	case wasmbin.SectionElement:
		return c.entries(offset, m.Elements, 0)
	case wasmbin.SectionData:
		return c.entries(offset, m.DataSegments, 0)
	}
	return nil
}

// vectorHeight returns how an instruction after opVectorPrefix changes the number of values on the
// operand stack. Of those on two vectors it is one too high, except where the instruction is easily
// told: what is counted across blocks may be too high.
func vectorHeight(op byte) int {
	switch {
	case op == opV128Const:
		return 1
	case op == opV128Store, op == opV128Bitselect:
		return -2
	case op == opI8x16Shuffle, op == opI8x16Swizzle, op >= opI8x16Eq && op <= opF64x2Ge:
		return -1
	case op >= opV128Load8Lane && op < opV128Store8Lane:
		return -1
	case op >= opV128Store8Lane && op <= opV128Store64Lane:
		return -2
	}
	return 0
}
