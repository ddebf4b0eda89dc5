// Package shape makes modules from recipes of a few lines, and recipes from random numbers. Every
// recipe gives a valid plugin that answers {}: what differs is how much work it is to compile and
// to run.
package shape

import (
	"encoding/json"
	"errors"
	"slices"

	"github.com/latticenet/lattice-host/abi"
	"github.com/latticenet/lattice-host/wasm-tests/hostile/probe"
	b "github.com/latticenet/lattice-host/wasm-tests/wasmbuild"
)

// MaxBytes is how large a module may become.
const MaxBytes = 100 << 10

// ErrTooLarge says that a recipe gives a module of more than [MaxBytes].
var ErrTooLarge = errors.New("the module is too large")

// Shape is a recipe for a module. Its JSON is how recipes are kept.
type Shape struct {
	Functions []Function `json:"functions,omitempty"`
	// Pages is the size of the memory in pages, beyond the two that there always are.
	Pages int `json:"pages,omitempty"`
	// Table is the size of the table; there always is one.
	Table   int `json:"table,omitempty"`
	Globals int `json:"globals,omitempty"`
	Types   int `json:"types,omitempty"`
	// Active and Passive are element segments, Data and PassiveData data segments.
	Active      Segments `json:"active,omitzero"`
	Passive     Segments `json:"passive,omitzero"`
	Data        Segments `json:"data,omitzero"`
	PassiveData Segments `json:"passiveData,omitzero"`
	// Start runs the functions in the start function.
	Start bool `json:"start,omitempty"`
}

// Segments are so many of a size.
type Segments struct {
	Count int `json:"count,omitempty"`
	Size  int `json:"size,omitempty"`
}

// Function is a recipe for equal functions, which take at least one parameter.
type Function struct {
	Copies  int `json:"copies,omitempty"`
	Params  int `json:"params,omitempty"`
	Results int `json:"results,omitempty"`
	Locals  int `json:"locals,omitempty"`
	// Type is the place of the type of the locals in a list.
	Type int    `json:"type,omitempty"`
	Body []Step `json:"body,omitempty"`
}

// Step is instructions that leave the stack as it was.
type Step struct {
	Op Op `json:"op"`
	// Times is how often the step is repeated, 0 standing for once. What Size is depends on the
	// operation.
	Times int `json:"times,omitempty"`
	Size  int `json:"size,omitempty"`
	// Body is what is inside of blocks, and between what is pushed and dropped.
	Body []Step `json:"body,omitempty"`
}

// Parse reads a recipe.
func Parse(text string) (*Shape, error) {
	s := new(Shape)
	return s, json.Unmarshal([]byte(text), s)
}

// String returns the recipe as JSON.
func (s *Shape) String() string {
	text, err := json.Marshal(s)
	if err != nil {
		return err.Error()
	}
	return string(text)
}

// Run says what a call does with the functions.
type Run int

// The ways to run: not at all, each kind of function once, or forever.
const (
	Never Run = iota
	Once
	Forever
)

// localTypes are the types that locals may have.
var localTypes = [...]byte{b.I32, b.I64, b.F32, b.F64, b.V128, b.FuncRef, b.ExternRef}

// maker makes one module.
type maker struct {
	b.Module
	shape *Shape
	// first are the indices of the first function of each recipe.
	first []uint32
	// nothing is a function of type () → (), random and write are of WASI.
	nothing, random, write uint32
	// nothingType is the type of nothing.
	nothingType uint32
	size        int
	failed      bool
	// function is the recipe that is made, depth how many blocks are open.
	function int
	depth    int
}

// Bytes returns the module with its manifest.
func (s *Shape) Bytes(run Run, limits abi.Limits) ([]byte, error) {
	m := &maker{shape: s}
	i32 := []byte{b.I32}
	const wasi = "wasi_snapshot_preview1"
	m.random = m.ImportFunction(wasi, "random_get", []byte{b.I32, b.I32}, i32)
	m.write = m.ImportFunction(wasi, "fd_write", slices.Repeat(i32, 4), i32)
	m.nothing = m.Function(nil, nil, 0, nil)
	m.nothingType = m.Type(nil, nil)
	m.Table(uint32(max(s.Table, 1)), -1)
	m.DeclaredElements(m.nothing)
	m.lists()
	next := m.nothing + 1
	for _, f := range s.Functions {
		m.first = append(m.first, next)
		next += uint32(max(f.Copies, 1))
	}
	for i := range s.Functions {
		m.functions(i)
		if m.failed {
			return nil, ErrTooLarge
		}
	}
	m.entries(run)
	wasm := probe.WithManifest(m.Bytes(), manifest(limits))
	if len(wasm) > MaxBytes {
		return nil, ErrTooLarge
	}
	return wasm, nil
}

func manifest(limits abi.Limits) *abi.Manifest {
	m := probe.Manifest()
	m.Publisher, m.Name = "mallory", "worst"
	m.Limits = limits
	return m
}

// minPages is the size of the memory without [Shape.Pages].
const minPages = 2

// Where things are in memory.
const (
	requestAt = 1024
	scratchAt = 8192
	answerAt  = 4096
)

// lists makes everything but functions.
func (m *maker) lists() {
	s := m.shape
	m.Memory(uint32(minPages+s.Pages), -1)
	m.Data(answerAt, []byte("{}"))
	// The first global is the argument of functions.
	for range 1 + min(s.Globals, MaxBytes) {
		m.GlobalInt32(0)
	}
	for i := range min(s.Types, MaxBytes) {
		m.NewType(slices.Repeat([]byte{b.I32}, i%7), nil)
	}
	functions := func(n int) []uint32 { return slices.Repeat([]uint32{m.nothing}, n) }
	for range m.fits(s.Active) {
		m.Elements(0, functions(min(s.Active.Size, max(s.Table, 1)))...)
	}
	for range m.fits(s.Passive) {
		m.PassiveElements(functions(s.Passive.Size)...)
	}
	for i := range m.fits(s.Data) {
		m.Data(scratchAt+int32(i%64), make([]byte, s.Data.Size))
	}
	for range m.fits(s.PassiveData) {
		m.PassiveData(make([]byte, s.PassiveData.Size))
	}
}

// fits returns how many segments there are, not more than a module may hold.
func (m *maker) fits(s Segments) int {
	if s.Count*(s.Size+2) > MaxBytes {
		m.failed = true
		return 0
	}
	return s.Count
}

// functions makes the functions of one recipe.
func (m *maker) functions(i int) {
	f := &m.shape.Functions[i]
	m.function, m.depth = i, 0
	params := slices.Repeat([]byte{b.I32}, f.params())
	results := slices.Repeat([]byte{b.I32}, f.Results)
	code := []byte{0}
	if f.Locals > 0 {
		code = b.Locals(uint32(f.Locals), f.localType())
	}
	code = m.steps(code, f.Body)
	// The result counts, so the compiler cannot leave out what leads to it.
	code = append(code, b.Body(b.Int32(scratchAt), b.LocalGet, 0, b.I32Store, 2, 0)...)
	for range f.Results {
		code = append(code, b.LocalGet, 0)
	}
	code = append(code, b.End)
	for range max(f.Copies, 1) {
		if m.size += len(code) + 3; m.size > MaxBytes {
			m.failed = true
			return
		}
		m.Code(params, results, code)
	}
}

func (f *Function) params() int { return max(f.Params, 1) }

func (f *Function) localType() byte { return localTypes[f.Type%len(localTypes)] }

// entries makes the functions of the contract.
func (m *maker) entries(run Run) {
	var body []byte
	for i := range m.shape.Functions {
		body = append(body, m.call(i, b.Body(b.GlobalGet, 0))...)
	}
	all := m.Function(nil, nil, 0, body)
	if m.shape.Start {
		m.Start(all)
	}
	i32, i64 := []byte{b.I32}, []byte{b.I64}
	call := b.Body(b.Int32(depthOfRecursion), b.GlobalSet, 0)
	switch run {
	case Once:
		call = b.Body(call, b.Call, b.Unsigned(all))
	case Forever:
		call = b.Body(call, b.Loop, b.NoResult, b.Call, b.Unsigned(all), b.Br, 0, b.End)
	}
	call = b.Body(call, b.Int64(answerAt<<32|2))
	m.Export(abi.ExportMemory, b.Memory, 0)
	m.Export(abi.ExportAlloc, b.Function, m.Function(i32, i32, 0, b.Int32(requestAt)))
	m.Export(abi.ExportCall, b.Function, m.Function(slices.Repeat(i32, 3), i64, 0, call))
}

// depthOfRecursion is the argument of functions, which those that call themselves count down.
const depthOfRecursion = 100_000

// call calls the first function of a recipe with an argument and drops its results.
func (m *maker) call(i int, argument []byte) []byte {
	f := &m.shape.Functions[i]
	code := slices.Clone(argument)
	for range f.params() - 1 {
		code = append(code, b.Int32(0)...)
	}
	code = b.Body(code, b.Call, b.Unsigned(m.first[i]))
	return append(code, slices.Repeat([]byte{b.Drop}, f.Results)...)
}
