package sandbox

import (
	"math"

	"github.com/latticenet/lattice-host/host/sandbox/internal/wasmbin"
	"github.com/latticenet/lattice-host/host/sandbox/meter"
)

// making is what the engine does to make an instance of a module, and what that keeps as long as
// the instance lives. It happens before the guest's first instruction and cannot be interrupted, so
// that package meter bounds each of the numbers and the start of the guest is charged for it. The
// fields are exported for the JSON of a [skeleton].
type making struct {
	// LeastMemory is what the memories begin with in bytes, DeclaredMemory what the guest's may
	// become by its own word.
	LeastMemory, DeclaredMemory uint64
	// TableElements is how many elements the tables begin with, MostElements how many they can come
	// to have.
	TableElements, MostElements uint64
	// Elements counts the references in element segments, Segments those and the data segments,
	// DataBytes their content.
	Elements, Segments, DataBytes uint64
	Globals, Imports              uint64
}

// newMaking returns what a module takes that was rewritten.
func newMaking(m *wasmbin.Module, metered *meter.Module) making {
	k := making{
		Elements: uint64(metered.Elements),
		Segments: uint64(m.Elements + m.DataSegments),
		Globals:  uint64(m.Globals),
		Imports:  uint64(len(m.Imports)),
	}
	for _, l := range m.Memories {
		k.LeastMemory += uint64(l.Min) * pageSize
		k.DeclaredMemory = math.MaxUint64
		if l.HasMax {
			k.DeclaredMemory = uint64(l.Max) * pageSize
		}
	}
	for _, t := range m.Tables {
		k.TableElements += uint64(t.Limits.Min)
		switch {
		case metered.Resettable:
			// Nothing changes a table.
			k.MostElements += uint64(t.Limits.Min)
		case t.Limits.HasMax:
			k.MostElements += uint64(min(t.Limits.Max, maxTableElements))
		default:
			k.MostElements += maxTableElements
		}
	}
	for _, s := range m.Sections {
		if s.ID == wasmbin.SectionData {
			k.DataBytes = uint64(len(s.Content))
		}
	}
	return k
}

// The bytes that the engine keeps for an instance, at version 1.12.0 on a machine of 64 bits.
const (
	// instanceBytes is for the instance itself, the functions that the host calls, and their first
	// stacks.
	instanceBytes = 48 << 10
	// elementBytes is for a reference in an element segment: a functionInstance with a pointer to
	// it in a list that grows (internal/engine/wazevo/module_engine.go, FunctionInstanceReference)
	// and the reference in the segment, which stays (internal/wasm/store.go,
	// buildElementInstances).
	elementBytes = 64
	// tableElementBytes is for an element of a table (internal/wasm/table.go, buildTables).
	tableElementBytes = 8
	// segmentBytes is for the header of a list (internal/wasm/store.go, applyData and
	// buildElementInstances).
	segmentBytes = 24
	// globalBytes is for a GlobalInstance, a pointer to it, its place in the module's context
	// (internal/wasm/global.go), and the functionInstance that it may refer to.
	globalBytes = 160
	// importBytes is for an imported function (internal/engine/wazevo/module_engine.go,
	// ResolveImportedFunction).
	importBytes = 40
)

// bytes returns what an instance keeps besides its linear memory.
func (k making) bytes() uint64 {
	return instanceBytes + k.Elements*elementBytes + k.MostElements*tableElementBytes + k.Segments*segmentBytes +
		k.Globals*globalBytes + k.Imports*importBytes
}

// The cost of making an instance, measured so that a unit takes about as long as one of an
// instruction.
const (
	instanceFuel     = 20_000
	elementFuel      = 600
	segmentFuel      = 100
	globalFuel       = 1_500
	importFuel       = 500
	tableElementFuel = 8
	// A byte of data costs the eighth of a unit, a page of memory what memory.grow takes for it.
	dataBytesPerFuel = 8
	memoryPageFuel   = 8192
)

// fuel returns what making an instance costs.
func (k making) fuel() int64 {
	return int64(instanceFuel + k.Elements*elementFuel + k.Segments*segmentFuel + k.Globals*globalFuel + k.Imports*importFuel +
		k.TableElements*tableElementFuel + k.DataBytes/dataBytesPerFuel + k.LeastMemory/pageSize*memoryPageFuel)
}
