package shape

import (
	"slices"

	b "github.com/latticenet/lattice-host/wasm-tests/wasmbuild"
)

// Op names an operation of a [Step].
type Op string

// The operations. Those of the first group have a body.
const (
	// Blocks, Loops and Ifs are Size of them in each other, Live pushes Size values, LiveLoads Size
	// values from memory.
	Blocks    Op = "blocks"
	Loops     Op = "loops"
	Ifs       Op = "ifs"
	Live      Op = "live"
	LiveLoads Op = "liveLoads"

	// Constant, Add, Divide, Select, Float, Vector and Shuffle compute.
	Constant Op = "constant"
	Add      Op = "add"
	Divide   Op = "divide"
	Select   Op = "select"
	Float    Op = "float"
	Vector   Op = "vector"
	Shuffle  Op = "shuffle"
	// Load and Store use an address with the offset Size, Chase loads the address, Scatter loads
	// from all over the memory.
	Load    Op = "load"
	Store   Op = "store"
	Chase   Op = "chase"
	Scatter Op = "scatter"
	// Copy moves Size locals by one, Read reads them.
	Copy Op = "copy"
	Read Op = "read"
	// Exit leaves a block of its own early, Out one of those around it, Table chooses among Size
	// labels.
	Exit  Op = "exit"
	Out   Op = "out"
	Table Op = "table"
	// Call calls a function of a later recipe, Recurse the own one, Nothing one that does nothing,
	// and Indirect that one through the table.
	Call     Op = "call"
	Recurse  Op = "recurse"
	Nothing  Op = "nothing"
	Indirect Op = "indirect"
	// Global changes the variable Size.
	Global Op = "global"
	// Grow grows memory by Size pages, Fill and Move write Size bytes.
	Grow Op = "grow"
	Fill Op = "fill"
	Move Op = "move"
	// Reference pushes a reference, TableSet, TableFill and TableGrow put some into the table.
	Reference Op = "reference"
	TableSet  Op = "tableSet"
	TableFill Op = "tableFill"
	TableGrow Op = "tableGrow"
	// Random gets Size bytes, Write writes Size empty buffers.
	Random Op = "random"
	Write  Op = "write"
)

// Ops returns all operations, those with a body first.
func Ops() []Op {
	return []Op{
		Blocks, Loops, Ifs, Live, LiveLoads,
		Constant, Add, Divide, Select, Float, Vector, Shuffle, Load, Store, Chase, Scatter, Copy, Read, Exit, Out, Table,
		Call, Recurse, Nothing, Indirect, Global, Grow, Fill, Move, Reference, TableSet, TableFill, TableGrow, Random, Write,
	}
}

// withBody is how many of [Ops] have a body.
const withBody = 5

// HasBody reports whether a step of the operation has one.
func (o Op) HasBody() bool { return slices.Contains(Ops()[:withBody], o) }

// Instructions that only recipes use.
const (
	f64Sqrt        = 0x9f
	f64ConvertI32U = 0xb8
	// Those that follow have a prefix.
	i32x4Splat       = 0x11
	i32x4ExtractLane = 0x1b
	i32x4Add         = 0xae
)

func (m *maker) steps(code []byte, steps []Step) []byte {
	for i := range steps {
		one := m.step(&steps[i])
		for range max(steps[i].Times, 1) {
			if code = append(code, one...); len(code) > MaxBytes {
				m.failed = true
				return code
			}
		}
	}
	return code
}

func (m *maker) step(s *Step) []byte {
	switch s.Op {
	case Blocks:
		return m.nested(s, b.Body(b.Block, b.NoResult))
	case Loops:
		return m.nested(s, b.Body(b.Loop, b.NoResult, b.Int32(0), b.BrIf, 0))
	case Ifs:
		return m.nested(s, b.Body(b.LocalGet, 0, b.If, b.NoResult))
	case Live:
		return m.between(s, b.Body(b.LocalGet, 0))
	case LiveLoads:
		return m.between(s, b.Body(b.Int32(0), b.I32Load, 2, 0))
	case Exit:
		return b.Body(b.Block, b.NoResult, b.LocalGet, 0, b.BrIf, 0, b.End)
	case Out:
		if m.depth == 0 {
			return nil
		}
		return b.Body(b.Int32(0), b.BrIf, b.Unsigned(uint32(s.Size%m.depth)))
	case Table:
		n := uint32(min(s.Size, MaxBytes))
		return b.Body(b.Block, b.NoResult, b.LocalGet, 0, b.BrTable, b.Unsigned(n), make([]byte, n+1), b.End)
	case Copy, Read:
		return m.locals(s)
	case Call, Recurse, Nothing, Indirect:
		return m.calls(s)
	}
	if code := arithmetic(s.Op); code != nil {
		return code
	}
	return m.state(s)
}

// nested opens Size blocks around the body.
func (m *maker) nested(s *Step, open []byte) []byte {
	n := min(max(s.Size, 1), MaxBytes/len(open))
	m.depth += n
	code := m.steps(slices.Repeat(open, n), s.Body)
	m.depth -= n
	return append(code, slices.Repeat([]byte{b.End}, n)...)
}

// between pushes Size values in front of the body and drops them after it.
func (m *maker) between(s *Step, push []byte) []byte {
	n := min(max(s.Size, 1), MaxBytes/len(push))
	code := m.steps(slices.Repeat(push, n), s.Body)
	return append(code, slices.Repeat([]byte{b.Drop}, n)...)
}

// arithmetic returns an operation on the first parameter, nil for other operations. Only constants
// are not used, so no compiler leaves out the others.
func arithmetic(op Op) []byte {
	get, set := b.Body(b.LocalGet, 0), b.Body(b.LocalSet, 0)
	splat := b.Body(get, b.Vector, i32x4Splat)
	lane := b.Body(b.Vector, i32x4ExtractLane, 0, set)
	switch op {
	case Constant:
		return b.Body(b.Int64(1<<40), b.Drop)
	case Add:
		return b.Body(get, b.Int32(7), b.I32Add, set)
	case Divide:
		return b.Body(get, b.Int32(3), b.I32DivS, set)
	case Select:
		return b.Body(get, b.Int32(5), get, b.Select, set)
	case Float:
		return b.Body(get, f64ConvertI32U, f64Sqrt, b.I32TruncF64S, set)
	case Vector:
		return b.Body(splat, splat, b.Vector, b.Unsigned(i32x4Add), lane)
	case Shuffle:
		return b.Body(splat, splat, b.Vector, 13, make([]byte, 16), lane)
	}
	return nil
}

// locals returns instructions on Size locals, which all have one type.
func (m *maker) locals(s *Step) []byte {
	f := &m.shape.Functions[m.function]
	first, n := f.params(), f.Locals
	if n < 2 {
		return nil
	}
	var code []byte
	for i := range min(max(s.Size, 1), n-1) {
		from, to := b.Unsigned(uint32(first+i)), b.Unsigned(uint32(first+i+1))
		if s.Op == Copy {
			code = append(code, b.Body(b.LocalGet, from, b.LocalSet, to)...)
		} else {
			code = append(code, b.Body(b.LocalGet, from, b.Drop)...)
		}
		if len(code) > MaxBytes {
			m.failed = true
			return nil
		}
	}
	return code
}

func (m *maker) calls(s *Step) []byte {
	switch s.Op {
	case Nothing:
		return b.Body(b.Call, b.Unsigned(m.nothing))
	case Indirect:
		// The table may hold nothing, so that the call is compiled and not made.
		return b.Body(b.Int32(0), b.If, b.NoResult, b.Int32(0), b.CallIndirect, b.Unsigned(m.nothingType), 0, b.End)
	case Recurse:
		less := b.Body(b.LocalGet, 0, b.Int32(1), b.I32Sub)
		return b.Body(b.LocalGet, 0, b.If, b.NoResult, m.call(m.function, less), b.End)
	}
	later := len(m.shape.Functions) - m.function - 1
	if later == 0 {
		return nil
	}
	return m.call(m.function+1+s.Size%later, b.Body(b.Int32(0)))
}

// state returns instructions on memory, variables, tables and the host.
func (m *maker) state(s *Step) []byte {
	bytes := int32((minPages + m.shape.Pages) << 16)
	size := int32(min(s.Size, int(bytes)/2))
	global := b.Unsigned(uint32(1 + s.Size%max(m.shape.Globals, 1)))
	if m.shape.Globals == 0 {
		global = b.Unsigned(0)
	}
	reference := b.Body(b.RefFunc, b.Unsigned(m.nothing))
	switch s.Op {
	case Load:
		return b.Body(b.Int32(0), b.I32Load, 2, b.Unsigned(uint32(size)), b.LocalSet, 0)
	case Store:
		return b.Body(b.Int32(scratchAt), b.Int32(0), b.I32Store, 2, 0)
	case Chase:
		return b.Body(b.LocalGet, 0, b.Int32(0xfffc), b.I32And, b.I32Load, 2, 0, b.LocalSet, 0)
	case Scatter:
		return b.Body(b.LocalGet, 0, b.Int32(1664525), b.I32Mul, b.Int32(1013904223), b.I32Add, b.LocalTee, 0,
			b.Int32(highestBit(bytes)-4), b.I32And, b.I32Load, 2, 0, b.LocalGet, 0, b.I32Add, b.LocalSet, 0)
	case Global:
		return b.Body(b.GlobalGet, global, b.GlobalSet, global)
	case Grow:
		return b.Body(b.Int32(int32(s.Size)), b.MemoryGrow, 0, b.Drop)
	case Fill:
		return b.Body(b.Int32(bytes/2), b.Int32(0), b.Int32(size), b.Bulk, 11, 0)
	case Move:
		return b.Body(b.Int32(bytes/2), b.Int32(0), b.Int32(size), b.Bulk, 10, 0, 0)
	case Reference:
		return b.Body(reference, b.Drop)
	case TableSet:
		return b.Body(b.Int32(0), reference, b.TableSet, 0)
	case TableFill:
		return b.Body(b.Int32(0), reference, b.Int32(int32(min(s.Size, max(m.shape.Table, 1)))), b.Bulk, 17, 0)
	case TableGrow:
		return b.Body(reference, b.Int32(int32(s.Size)), b.TableGrow(), b.Drop)
	case Random:
		return b.Body(b.Int32(bytes/2), b.Int32(size), b.Call, b.Unsigned(m.random), b.Drop)
	case Write:
		return b.Body(b.Int32(1), b.Int32(bytes/2), b.Int32(min(size/8, 1024)), b.Int32(64), b.Call, b.Unsigned(m.write), b.Drop)
	}
	return nil
}

// highestBit returns the largest power of 2 that is not above n.
func highestBit(n int32) int32 {
	bit := int32(1)
	for bit <= n/2 {
		bit *= 2
	}
	return bit
}
