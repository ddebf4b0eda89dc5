package extism

import (
	"encoding/binary"
	"errors"
	"fmt"

	"github.com/latticenet/lattice-host/abi"
	"github.com/latticenet/lattice-host/host/sandbox/internal/wasmbin"
)

// ownModule is where a guest's imports from Extism lead: the SDK keeps Extism's own name for its
// own functions.
const ownModule = "lattice:" + abi.ExtismModule

// ownStart is the name of a function that a module is given: it becomes the start function and
// calls the module's own, if there is one. No code of the guest can call it, because it comes after
// all that the guest knows.
const ownStart = "lattice:start"

// offeredModule returns the name under which the functions of a module are offered.
func offeredModule(name string) string {
	if name == abi.ExtismModule {
		return ownModule
	}
	return name
}

// rewriter writes a module whose imports from Extism lead to our functions, and which starts with
// [ownStart].
type rewriter struct {
	in  *wasmbin.Module
	out []byte
}

func rewrite(wasm []byte) ([]byte, error) {
	m, err := wasmbin.Parse(wasm)
	if err != nil {
		return nil, err
	}
	w := rewriter{in: m, out: make([]byte, 0, len(wasm)+1024)}
	w.out = append(w.out, wasm[:8]...)
	started, extended := false, 0
	for _, s := range m.Sections {
		if s.ID != wasmbin.SectionCustom && s.ID.Place() > wasmbin.SectionStart.Place() && !started {
			w.section(wasmbin.SectionStart, binary.AppendUvarint(nil, uint64(len(m.Functions))))
			started = true
		}
		r := wasmbin.NewReader(s.Content, s.End-len(s.Content))
		switch s.ID {
		case wasmbin.SectionType, wasmbin.SectionFunction, wasmbin.SectionExport, wasmbin.SectionCode:
			w.section(s.ID, extend(r, w.entry(s.ID)))
			extended++
		case wasmbin.SectionImport:
			imports, err := redirect(r, len(m.Imports))
			if err != nil {
				return nil, err
			}
			w.section(s.ID, imports)
		case wasmbin.SectionStart:
		default:
			w.out = append(w.out, wasm[s.Start:s.End]...)
		}
	}
	if extended != 4 {
		return nil, errors.New("has no functions or no exports")
	}
	return w.out, nil
}

// entry returns what a section is extended with.
func (w *rewriter) entry(id wasmbin.SectionID) []byte {
	switch id {
	case wasmbin.SectionType:
		// A function, no parameters, no results.
		return []byte{0x60, 0, 0}
	case wasmbin.SectionFunction:
		return binary.AppendUvarint(nil, uint64(len(w.in.Types)))
	case wasmbin.SectionExport:
		return binary.AppendUvarint(append(appendName(nil, ownStart), byte(wasmbin.KindFunction)), uint64(len(w.in.Functions)))
	}
	const call, end = 0x10, 0x0b
	body := []byte{0}
	if w.in.HasStart {
		body = binary.AppendUvarint(append(body, call), uint64(w.in.StartFunction))
	}
	body = append(body, end)
	return append(binary.AppendUvarint(nil, uint64(len(body))), body...)
}

func (w *rewriter) section(id wasmbin.SectionID, content []byte) {
	w.out = append(binary.AppendUvarint(append(w.out, byte(id)), uint64(len(content))), content...)
}

// extend returns a list with one more entry.
func extend(r *wasmbin.Reader, entry []byte) []byte {
	out := binary.AppendUvarint(nil, uint64(r.Uint32())+1)
	return append(append(out, r.Take(r.Remaining())...), entry...)
}

// redirect returns a list of n imports with those from Extism led to our functions.
func redirect(r *wasmbin.Reader, n int) ([]byte, error) {
	out := binary.AppendUvarint(nil, uint64(r.Uint32()))
	for range n {
		out = appendName(out, offeredModule(r.Name()))
		start := r.Pos()
		name := r.Name()
		if kind := wasmbin.Kind(r.Byte()); kind != wasmbin.KindFunction {
			return nil, fmt.Errorf("imports %s %q, may import functions only", kind, name)
		}
		r.Uint32()
		out = append(out, r.Since(start)...)
	}
	return out, r.Err()
}

func appendName(b []byte, name string) []byte {
	return append(binary.AppendUvarint(b, uint64(len(name))), name...)
}
