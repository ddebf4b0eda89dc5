package sandbox

import (
	"encoding/binary"
	"slices"

	"github.com/latticenet/lattice-host/host/sandbox/internal/wasmbin"
)

// prepare returns the module as the engine gets it. The result depends on the module only, so that
// the compilation cache, which is keyed by it, stays right.
//
// Custom sections go: the engine would only keep them, and a release that changes nothing but its
// manifest is not compiled again. Tables get a maximum: the engine lets a table without one grow to
// 32 GiB. Memories lose theirs, which [linearMemory] keeps instead: at its maximum, a memory could
// not be told that it shrank. Data segments are joined where nothing refers to them by their
// number.
func prepare(wasm []byte, m *wasmbin.Module) []byte {
	if len(m.Sections) == 0 {
		return wasm
	}
	out := make([]byte, 0, len(wasm)+maxTableSection)
	out = append(out, wasm[:m.Sections[0].Start]...)
	for _, s := range m.Sections {
		switch s.ID {
		case wasmbin.SectionCustom:
		case wasmbin.SectionTable:
			out = appendSection(out, s.ID, tableSection(m.Tables))
		case wasmbin.SectionMemory:
			out = appendSection(out, s.ID, memorySection(m.Memories))
		case wasmbin.SectionData:
			out = append(out, dataSection(wasm, m, s)...)
		default:
			out = append(out, wasm[s.Start:s.End]...)
		}
	}
	return out
}

// maxTableSection is the longest section of one table.
const maxTableSection = 3 + 2 + 2*binary.MaxVarintLen32

func appendSection(b []byte, id wasmbin.SectionID, content []byte) []byte {
	b = binary.AppendUvarint(append(b, byte(id)), uint64(len(content)))
	return append(b, content...)
}

func tableSection(tables []wasmbin.Table) []byte {
	b := binary.AppendUvarint(nil, uint64(len(tables)))
	for _, t := range tables {
		most := uint32(maxTableElements)
		if t.Limits.HasMax {
			most = min(most, t.Limits.Max)
		}
		// 1 says that a maximum follows the minimum.
		b = append(b, byte(t.Element), 1)
		b = binary.AppendUvarint(b, uint64(t.Limits.Min))
		b = binary.AppendUvarint(b, uint64(most))
	}
	return b
}

func memorySection(memories []wasmbin.Limits) []byte {
	b := binary.AppendUvarint(nil, uint64(len(memories)))
	for _, m := range memories {
		// 0 says that no maximum follows the minimum.
		b = binary.AppendUvarint(append(b, 0), uint64(m.Min))
	}
	return b
}

// dataSection returns the data section. Modules that say how many segments there are may have
// instructions that name one.
func dataSection(wasm []byte, m *wasmbin.Module, s wasmbin.Section) []byte {
	counted := func(s wasmbin.Section) bool { return s.ID == wasmbin.SectionDataCount }
	if !slices.ContainsFunc(m.Sections, counted) {
		if joined, ok := joinSegments(s.Content); ok {
			return appendSection(nil, s.ID, joined)
		}
	}
	return wasm[s.Start:s.End]
}
