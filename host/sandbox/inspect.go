package sandbox

import (
	"errors"
	"time"

	"github.com/latticenet/lattice-host/abi"
	"github.com/latticenet/lattice-host/host/sandbox/internal/wasmbin"
	"github.com/latticenet/lattice-host/host/sandbox/meter"
)

// ModuleInfo is what a module says of itself without being run. Names are those of the module and
// may hold anything that is UTF-8. Lists are in the order of the module.
type ModuleInfo struct {
	// Size is the length of the module in bytes.
	Size     int          `json:"size"`
	Imports  []ImportInfo `json:"imports"`
	Exports  []ExportInfo `json:"exports"`
	Memories []LimitsInfo `json:"memories"`
	Tables   []LimitsInfo `json:"tables"`
	// Functions counts imported and own functions; Globals, Elements and DataSegments what the
	// module declares.
	Functions    int `json:"functions"`
	Globals      int `json:"globals"`
	Elements     int `json:"elements"`
	DataSegments int `json:"dataSegments"`
	// Start is true when the module has a start function, which runs before anything else.
	Start bool `json:"start"`
	// Compile is what compiling the module takes; absent when CompileError says why no host
	// compiles it.
	Compile      *CompileInfo  `json:"compile,omitempty"`
	CompileError string        `json:"compileError,omitempty"`
	Sections     []SectionInfo `json:"sections"`
}

// CompileInfo is what the engine takes to compile a module, estimated from the module alone, so
// that it is the same on every machine.
type CompileInfo struct {
	// Class is small below 3 seconds and 256 MiB, medium below 15 seconds and 1 GiB, else large.
	Class string `json:"class"`
	// Millis is processor time in milliseconds, on one core of a machine of 2020. MemoryBytes is
	// the most memory that is needed at once.
	Millis      int64 `json:"millis"`
	MemoryBytes int64 `json:"memoryBytes"`
}

// Compile classes.
const (
	ClassSmall  = "small"
	ClassMedium = "medium"
	ClassLarge  = "large"
)

func newCompileInfo(c meter.Compile) CompileInfo {
	info := CompileInfo{Class: ClassLarge, Millis: c.Time.Milliseconds(), MemoryBytes: c.Memory}
	switch {
	case c.Time < 3*time.Second && c.Memory < 256<<20:
		info.Class = ClassSmall
	case c.Time < 15*time.Second && c.Memory < 1<<30:
		info.Class = ClassMedium
	}
	return info
}

// ImportInfo is one thing that a module wants from its host.
type ImportInfo struct {
	Module string `json:"module"`
	Name   string `json:"name"`
	// Kind is function, table, memory or global.
	Kind string `json:"kind"`
	// Type is that of a function, such as (i32, i32) -> (i64).
	Type string `json:"type,omitempty"`
}

// ExportInfo is one thing that a module offers.
type ExportInfo struct {
	Name string `json:"name"`
	Kind string `json:"kind"`
	Type string `json:"type,omitempty"`
}

// LimitsInfo bounds a memory, in pages of 64 KiB, or a table, in elements.
type LimitsInfo struct {
	Min uint32 `json:"min"`
	// Max is nil when the module sets no bound.
	Max *uint32 `json:"max,omitempty"`
}

// SectionInfo is one section.
type SectionInfo struct {
	// Kind is the kind of the section, such as code or custom.
	Kind string `json:"kind"`
	// Name is the name of a custom section.
	Name string `json:"name,omitempty"`
	// Size is the length of the section with its header in bytes.
	Size int `json:"size"`
}

// Inspect reads a module without compiling or running it. The error says at which byte the module
// is malformed; a module that Inspect reads may still break the contract, see [Runtime.Load].
func Inspect(wasm []byte) (*ModuleInfo, error) {
	m, err := parseModule(wasm)
	if err != nil {
		return nil, err
	}
	info := &ModuleInfo{
		Size:         m.Size,
		Imports:      make([]ImportInfo, 0, len(m.Imports)),
		Exports:      make([]ExportInfo, 0, len(m.Exports)),
		Memories:     make([]LimitsInfo, 0, len(m.Memories)),
		Tables:       make([]LimitsInfo, 0, len(m.Tables)),
		Sections:     make([]SectionInfo, 0, len(m.Sections)),
		Functions:    len(m.Functions),
		Globals:      m.Globals,
		Elements:     m.Elements,
		DataSegments: m.DataSegments,
		Start:        m.HasStart,
	}
	if metered, err := meter.Rewrite(prepare(wasm, m), meterOptions()); err != nil {
		info.CompileError = printable(err.Error(), maxShownLine)
	} else {
		compile := newCompileInfo(metered.Compile)
		info.Compile = &compile
	}
	for _, i := range m.Imports {
		info.Imports = append(info.Imports, ImportInfo{i.Module, i.Name, i.Kind.String(), typeOfImport(i)})
	}
	for _, e := range m.Exports {
		info.Exports = append(info.Exports, ExportInfo{e.Name, e.Kind.String(), typeOfExport(m, e)})
	}
	for _, l := range m.Memories {
		info.Memories = append(info.Memories, limitsInfo(l))
	}
	for _, t := range m.Tables {
		info.Tables = append(info.Tables, limitsInfo(t.Limits))
	}
	for _, s := range m.Sections {
		info.Sections = append(info.Sections, SectionInfo{s.ID.String(), s.Name, s.End - s.Start})
	}
	return info, nil
}

// parseModule reads the outside of a module that is not larger than the contract allows.
func parseModule(wasm []byte) (*wasmbin.Module, error) {
	if len(wasm) > abi.MaxModuleBytes {
		return nil, errors.New("module: has " + byteSize(len(wasm)) + ", the limit is " + byteSize(abi.MaxModuleBytes))
	}
	m, err := wasmbin.Parse(wasm)
	if err != nil {
		return nil, errors.New("module: " + printable(err.Error(), maxShownLine))
	}
	return m, nil
}

func typeOfImport(i wasmbin.Import) string {
	if i.Kind != wasmbin.KindFunction {
		return ""
	}
	return i.Type.String()
}

func typeOfExport(m *wasmbin.Module, e wasmbin.Export) string {
	t, ok := m.FunctionType(e.Index)
	if e.Kind != wasmbin.KindFunction || !ok {
		return ""
	}
	return t.String()
}

func limitsInfo(l wasmbin.Limits) LimitsInfo {
	info := LimitsInfo{Min: l.Min}
	if l.HasMax {
		info.Max = &l.Max
	}
	return info
}
