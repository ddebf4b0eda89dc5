// Package wasmbin reads the outside of a WebAssembly module (core specification 2.0): what it
// imports, exports and declares. It never looks at code and runs nothing, so that a host can refuse
// a module before any engine sees it. Who has to look at code reads the contents of a section with
// a [Reader].
package wasmbin

import (
	"strconv"
	"strings"
)

// ValueType is the binary form of a value or reference type.
type ValueType byte

// The types of WebAssembly 2.0.
const (
	I32       ValueType = 0x7f
	I64       ValueType = 0x7e
	F32       ValueType = 0x7d
	F64       ValueType = 0x7c
	V128      ValueType = 0x7b
	FuncRef   ValueType = 0x70
	ExternRef ValueType = 0x6f
)

// String returns the name of the type in the text format.
func (t ValueType) String() string {
	switch t {
	case I32:
		return "i32"
	case I64:
		return "i64"
	case F32:
		return "f32"
	case F64:
		return "f64"
	case V128:
		return "v128"
	case FuncRef:
		return "funcref"
	case ExternRef:
		return "externref"
	}
	return "type 0x" + strconv.FormatUint(uint64(t), 16)
}

func (t ValueType) isReference() bool { return t == FuncRef || t == ExternRef }

// IsKnown reports whether WebAssembly 2.0 has the type.
func (t ValueType) IsKnown() bool { return t <= I32 && t >= V128 || t.isReference() }

// IsProposed reports whether the byte begins a type, or is one, of a proposal or a later version:
// packed fields, structures, arrays, exceptions, continuations, typed references and their bottoms.
func (t ValueType) IsProposed() bool { return !t.IsKnown() && t >= 0x63 && t <= 0x78 }

// FuncType is the type of a function.
type FuncType struct {
	Params, Results []ValueType
}

// String returns the type as (i32, i32) -> (i64).
func (t FuncType) String() string { return typeList(t.Params) + " -> " + typeList(t.Results) }

func typeList(types []ValueType) string {
	names := make([]string, len(types))
	for i, t := range types {
		names[i] = t.String()
	}
	return "(" + strings.Join(names, ", ") + ")"
}

// Kind is what an import or an export is.
type Kind byte

// The kinds of WebAssembly 2.0, by their binary form.
const (
	KindFunction Kind = 0
	KindTable    Kind = 1
	KindMemory   Kind = 2
	KindGlobal   Kind = 3
)

// String returns the name of the kind.
func (k Kind) String() string {
	switch k {
	case KindFunction:
		return "function"
	case KindTable:
		return "table"
	case KindMemory:
		return "memory"
	case KindGlobal:
		return "global"
	}
	return "kind " + strconv.Itoa(int(k))
}

// Limits bound a memory (in pages of 64 KiB) or a table (in elements).
type Limits struct {
	Min, Max uint32
	// HasMax is false when the module sets no upper bound.
	HasMax bool
}

// Table is a table that the module declares or imports.
type Table struct {
	Element ValueType
	Limits  Limits
}

// Import is one thing that the module wants from its host.
type Import struct {
	Module, Name string
	Kind         Kind
	// Type is the type of an imported function.
	Type FuncType
	// Global is the type of an imported global.
	Global GlobalType
}

// GlobalType is the type of a global.
type GlobalType struct {
	Value   ValueType
	Mutable bool
}

// Export is one thing that the module offers.
type Export struct {
	Name string
	Kind Kind
	// Index counts the imports of the kind first.
	Index uint32
}

// SectionID is the binary form of a section's kind.
type SectionID byte

// The sections of WebAssembly 2.0.
const (
	SectionCustom SectionID = iota
	SectionType
	SectionImport
	SectionFunction
	SectionTable
	SectionMemory
	SectionGlobal
	SectionExport
	SectionStart
	SectionElement
	SectionCode
	SectionData
	SectionDataCount
)

// String returns the name of the section.
func (id SectionID) String() string {
	names := [...]string{
		"custom", "type", "import", "function", "table", "memory", "global", "export", "start", "element", "code", "data",
		"data count",
	}
	if int(id) < len(names) {
		return names[id]
	}
	return "section " + strconv.Itoa(int(id))
}

// Place is the place of a section in a module: sections but custom ones appear in this order, each
// at most once.
func (id SectionID) Place() int {
	// The data count was added late and precedes the code that needs it.
	switch id {
	case SectionDataCount:
		return 2*int(SectionElement) + 1
	default:
		return 2 * int(id)
	}
}

// Section is one section.
type Section struct {
	ID SectionID
	// Name is the name of a custom section.
	Name string
	// Start is the position of the section's first byte in the module, End that after its last one.
	Start, End int
	// Content is the section after its header, and after its name if it is a custom one. It points
	// into the module.
	Content []byte
}

// Module is the outside of a module.
type Module struct {
	// Size is the length of the module in bytes.
	Size     int
	Types    []FuncType
	Imports  []Import
	Tables   []Table
	Memories []Limits
	Exports  []Export
	Sections []Section
	// HasStart is true when the module has a start function.
	HasStart bool
	// Functions holds the index of each function's type, imported functions first.
	Functions []uint32
	// Globals, Elements and DataSegments count what the module declares.
	Globals, Elements, DataSegments int
	// StartFunction is the index of the start function if HasStart.
	StartFunction uint32
}

// Export returns the export of the name.
func (m *Module) Export(name string) (Export, bool) {
	for _, e := range m.Exports {
		if e.Name == name {
			return e, true
		}
	}
	return Export{}, false
}

// FunctionType returns the type of the function with the index.
func (m *Module) FunctionType(index uint32) (FuncType, bool) {
	if uint64(index) >= uint64(len(m.Functions)) {
		return FuncType{}, false
	}
	return m.Types[m.Functions[index]], true
}

// Imported counts the imports of a kind.
func (m *Module) Imported(kind Kind) int {
	n := 0
	for _, i := range m.Imports {
		if i.Kind == kind {
			n++
		}
	}
	return n
}

// Custom returns the contents of the custom sections of the name, in the order of the module.
func (m *Module) Custom(name string) [][]byte {
	var found [][]byte
	for _, s := range m.Sections {
		if s.ID == SectionCustom && s.Name == name {
			found = append(found, s.Content)
		}
	}
	return found
}
