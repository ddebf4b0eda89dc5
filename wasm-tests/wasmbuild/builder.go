// Package wasmbuild assembles small WebAssembly modules for tests, byte by byte, so that a test can
// make what no compiler would.
package wasmbuild

import (
	"encoding/binary"
	"slices"
)

// Value types, by their binary form.
const (
	I32       = 0x7f
	I64       = 0x7e
	F64       = 0x7c
	V128      = 0x7b
	F32       = 0x7d
	FuncRef   = 0x70
	ExternRef = 0x6f
)

// Kinds of imports and exports, by their binary form.
const (
	Function = 0
	Table    = 1
	Memory   = 2
	Global   = 3
)

// Instructions and block types that tests use, by their binary form.
const (
	Unreachable = 0x00
	Block       = 0x02
	Loop        = 0x03
	If          = 0x04
	Else        = 0x05
	End         = 0x0b
	Br          = 0x0c
	BrIf        = 0x0d
	BrTable     = 0x0e
	Return      = 0x0f
	Call        = 0x10
	// CallIndirect is followed by a type and a table.
	CallIndirect = 0x11
	Drop         = 0x1a
	Select       = 0x1b
	// SelectTyped is followed by a count of 1 and a type.
	SelectTyped = 0x1c
	LocalGet    = 0x20
	LocalSet    = 0x21
	LocalTee    = 0x22
	GlobalGet   = 0x23
	GlobalSet   = 0x24
	TableGet    = 0x25
	TableSet    = 0x26
	// The loads and stores are followed by an alignment and an offset.
	I32Load       = 0x28
	I64Load       = 0x29
	I32Load8U     = 0x2d
	I32Store      = 0x36
	I64Store      = 0x37
	F64Store      = 0x39
	MemorySize    = 0x3f
	MemoryGrow    = 0x40
	I32Const      = 0x41
	I64Const      = 0x42
	F64Const      = 0x44
	I32Eqz        = 0x45
	I32Eq         = 0x46
	I32LtS        = 0x48
	I32LtU        = 0x49
	I32Add        = 0x6a
	I32Sub        = 0x6b
	I32Mul        = 0x6c
	I32DivS       = 0x6d
	I32And        = 0x71
	I64Add        = 0x7c
	I64Mul        = 0x7e
	I64DivS       = 0x7f
	I64Or         = 0x84
	I64Xor        = 0x85
	I64ShrU       = 0x88
	F64Div        = 0xa3
	I32TruncF64S  = 0xaa
	I64ExtendI32U = 0xad
	RefNull       = 0xd0
	RefIsNull     = 0xd1
	RefFunc       = 0xd2
	// Bulk and Vector begin instructions of more than one byte.
	Bulk   = 0xfc
	Vector = 0xfd
	// NoResult is the type of a block that leaves nothing.
	NoResult = 0x40
)

// TableGrow is the instruction table.grow of table 0.
func TableGrow() []byte { return []byte{0xfc, 0x0f, 0x00} }

// Int32 returns the instruction that pushes v.
func Int32(v int32) []byte { return appendSigned([]byte{I32Const}, int64(v)) }

// Int64 returns the instruction that pushes v.
func Int64(v int64) []byte { return appendSigned([]byte{I64Const}, v) }

// Unsigned returns v in unsigned LEB128, as indices, sizes and counts are written.
func Unsigned(v uint32) []byte { return appendUnsigned(nil, v) }

// Name returns the binary form of a name: its length and its bytes.
func Name(name string) []byte { return appendName(nil, name) }

// Body joins instructions.
func Body(parts ...any) []byte {
	var code []byte
	for _, p := range parts {
		switch p := p.(type) {
		case int:
			code = append(code, byte(p))
		case []byte:
			code = append(code, p...)
		default:
			panic("wasmbuild: a body is made of opcodes and byte slices")
		}
	}
	return code
}

type signature struct{ params, results []byte }

// Module collects the parts of a module. The zero value is an empty one.
type Module struct {
	types     []signature
	imports   [][]byte
	functions []uint32
	codes     [][]byte
	tables    [][]byte
	memories  [][]byte
	globals   [][]byte
	exports   [][]byte
	elements  [][]byte
	datas     [][]byte
	customs   [][]byte
	start     []byte
	imported  uint32
	passive   bool
}

// Type returns the index of a function type, added when it is missing.
func (m *Module) Type(params, results []byte) uint32 {
	for i, s := range m.types {
		if slices.Equal(s.params, params) && slices.Equal(s.results, results) {
			return uint32(i)
		}
	}
	return m.NewType(params, results)
}

// NewType adds a function type, also when there is an equal one, and returns its index.
func (m *Module) NewType(params, results []byte) uint32 {
	m.types = append(m.types, signature{params, results})
	return uint32(len(m.types) - 1)
}

// ImportFunction imports a function and returns its index. Imports come before own functions.
func (m *Module) ImportFunction(module, name string, params, results []byte) uint32 {
	m.Import(module, name, Function, appendUnsigned(nil, m.Type(params, results)))
	m.imported++
	return m.imported - 1
}

// Import imports anything; description is its binary form after the kind.
func (m *Module) Import(module, name string, kind byte, description []byte) {
	entry := appendName(appendName(nil, module), name)
	m.imports = append(m.imports, append(append(entry, kind), description...))
}

// Function adds a function with locals of type i32 and returns its index. The body lacks its last
// end.
func (m *Module) Function(params, results []byte, locals uint32, body []byte) uint32 {
	code := []byte{0}
	if locals > 0 {
		code = append(appendUnsigned([]byte{1}, locals), I32)
	}
	return m.Code(params, results, append(append(code, body...), End))
}

// Locals returns the declaration of n locals of one type, as the code of a function begins.
func Locals(n uint32, valueType byte) []byte { return append(appendUnsigned([]byte{1}, n), valueType) }

// Code adds a function whose locals and instructions are as they are in code, and returns its
// index.
func (m *Module) Code(params, results, code []byte) uint32 {
	m.functions = append(m.functions, m.Type(params, results))
	m.codes = append(m.codes, append(appendUnsigned(nil, uint32(len(code))), code...))
	return m.imported + uint32(len(m.functions)) - 1
}

// Memory adds a memory of min pages, without a maximum when most is negative.
func (m *Module) Memory(min uint32, most int64) { m.memories = append(m.memories, Limits(min, most)) }

// Table adds a table of functions.
func (m *Module) Table(min uint32, most int64) { m.TableOf(FuncRef, min, most) }

// TableOf adds a table of references of a type.
func (m *Module) TableOf(reference byte, min uint32, most int64) {
	m.tables = append(m.tables, append([]byte{reference}, Limits(min, most)...))
}

// Limits returns the binary form of bounds, without a maximum when most is negative.
func Limits(min uint32, most int64) []byte {
	if most < 0 {
		return appendUnsigned([]byte{0}, min)
	}
	return appendUnsigned(appendUnsigned([]byte{1}, min), uint32(most))
}

// GlobalInt32 adds a mutable global of type i32.
func (m *Module) GlobalInt32(value int32) {
	m.Global(I32, Int32(value))
}

// Global adds a mutable global with the value that the instructions push.
func (m *Module) Global(valueType byte, initial []byte) {
	m.globals = append(m.globals, append(append([]byte{valueType, 1}, initial...), End))
}

// Export exports something by its index.
func (m *Module) Export(name string, kind byte, index uint32) {
	m.exports = append(m.exports, appendUnsigned(append(appendName(nil, name), kind), index))
}

// Data fills memory 0 from the offset on.
func (m *Module) Data(offset int32, content []byte) {
	entry := append(append([]byte{0}, Int32(offset)...), End)
	m.datas = append(m.datas, append(appendUnsigned(entry, uint32(len(content))), content...))
}

// PassiveData adds data that memory.init copies, and with it the section that counts data.
func (m *Module) PassiveData(content []byte) {
	m.passive = true
	m.datas = append(m.datas, append(appendUnsigned([]byte{1}, uint32(len(content))), content...))
}

// Elements puts functions into table 0 from the offset on.
func (m *Module) Elements(offset int32, functions ...uint32) {
	m.elements = append(m.elements, appendIndices(append(append([]byte{0}, Int32(offset)...), End), functions))
}

// PassiveElements adds functions that table.init copies.
func (m *Module) PassiveElements(functions ...uint32) {
	m.elements = append(m.elements, appendIndices([]byte{1, 0}, functions))
}

// DeclaredElements makes functions known to ref.func and does nothing else.
func (m *Module) DeclaredElements(functions ...uint32) {
	m.elements = append(m.elements, appendIndices([]byte{3, 0}, functions))
}

// ElementExpressions adds passive functions, each as an expression without its last end.
func (m *Module) ElementExpressions(expressions ...[]byte) {
	b := appendUnsigned([]byte{5, FuncRef}, uint32(len(expressions)))
	for _, e := range expressions {
		b = append(append(b, e...), End)
	}
	m.elements = append(m.elements, b)
}

func appendIndices(b []byte, indices []uint32) []byte {
	b = appendUnsigned(b, uint32(len(indices)))
	for _, i := range indices {
		b = appendUnsigned(b, i)
	}
	return b
}

// Reference returns the instruction that pushes a reference to a function.
func Reference(function uint32) []byte { return appendUnsigned([]byte{RefFunc}, function) }

// Start names the start function.
func (m *Module) Start(function uint32) { m.start = appendUnsigned(nil, function) }

// Custom adds a custom section.
func (m *Module) Custom(name string, content []byte) {
	m.customs = append(m.customs, append(appendName(nil, name), content...))
}

// Bytes returns the module.
func (m *Module) Bytes() []byte {
	var types [][]byte
	for _, s := range m.types {
		t := append(appendUnsigned([]byte{0x60}, uint32(len(s.params))), s.params...)
		types = append(types, append(appendUnsigned(t, uint32(len(s.results))), s.results...))
	}
	var functions [][]byte
	for _, f := range m.functions {
		functions = append(functions, appendUnsigned(nil, f))
	}
	b := []byte("\x00asm\x01\x00\x00\x00")
	b = appendVector(b, 1, types)
	b = appendVector(b, 2, m.imports)
	b = appendVector(b, 3, functions)
	b = appendVector(b, 4, m.tables)
	b = appendVector(b, 5, m.memories)
	b = appendVector(b, 6, m.globals)
	b = appendVector(b, 7, m.exports)
	if m.start != nil {
		b = Section(b, 8, m.start)
	}
	b = appendVector(b, 9, m.elements)
	if m.passive {
		b = Section(b, 12, appendUnsigned(nil, uint32(len(m.datas))))
	}
	b = appendVector(b, 10, m.codes)
	b = appendVector(b, 11, m.datas)
	for _, c := range m.customs {
		b = Section(b, 0, c)
	}
	return b
}

// Section appends a section with the content.
func Section(b []byte, id byte, content []byte) []byte {
	return append(appendUnsigned(append(b, id), uint32(len(content))), content...)
}

func appendVector(b []byte, id byte, entries [][]byte) []byte {
	if len(entries) == 0 {
		return b
	}
	content := appendUnsigned(nil, uint32(len(entries)))
	for _, e := range entries {
		content = append(content, e...)
	}
	return Section(b, id, content)
}

func appendName(b []byte, name string) []byte {
	return append(appendUnsigned(b, uint32(len(name))), name...)
}

func appendUnsigned(b []byte, v uint32) []byte { return binary.AppendUvarint(b, uint64(v)) }

// appendSigned appends v in signed LEB128.
func appendSigned(b []byte, v int64) []byte {
	for {
		low := byte(v & 0x7f)
		v >>= 7
		if v == 0 && low&0x40 == 0 || v == -1 && low&0x40 != 0 {
			return append(b, low)
		}
		b = append(b, low|0x80)
	}
}
