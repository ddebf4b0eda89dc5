package sandbox

import (
	"encoding/binary"

	"github.com/latticenet/lattice-host/host/sandbox/internal/wasmbin"
)

// prepare returns the module as the engine gets it. The result depends on the module only, so that the compilation cache,
// which is keyed by it, stays right.
//
// The engine bounds memories but lets a table grow to 32 GiB unless the module itself sets a maximum: prepare sets one.
func prepare(wasm []byte, m *wasmbin.Module) []byte {
	for _, s := range m.Sections {
		if s.ID == wasmbin.SectionTable {
			return splice(wasm, s, tableSection(m.Tables))
		}
	}
	return wasm
}

// splice returns the module with another content for one section.
func splice(wasm []byte, s wasmbin.Section, content []byte) []byte {
	out := make([]byte, 0, len(wasm)+len(content)+binary.MaxVarintLen32)
	out = append(out, wasm[:s.Start]...)
	out = append(out, byte(s.ID))
	out = binary.AppendUvarint(out, uint64(len(content)))
	out = append(out, content...)
	return append(out, wasm[s.End:]...)
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
