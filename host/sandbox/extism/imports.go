package extism

import (
	"encoding/binary"
	"fmt"

	"github.com/latticenet/lattice-host/abi"
	"github.com/latticenet/lattice-host/host/sandbox/internal/wasmbin"
)

// ownModule is where a guest's imports from Extism lead: the SDK keeps Extism's own name for its own functions.
const ownModule = "lattice:" + abi.ExtismModule

// offeredModule returns the name under which the functions of a module are offered.
func offeredModule(name string) string {
	if name == abi.ExtismModule {
		return ownModule
	}
	return name
}

// redirect returns the module with its imports from Extism led to the functions of [Compile]. All else stays as it is.
func redirect(wasm []byte) ([]byte, error) {
	m, err := wasmbin.Parse(wasm)
	if err != nil {
		return nil, err
	}
	for _, s := range m.Sections {
		if s.ID != wasmbin.SectionImport {
			continue
		}
		imports, err := redirected(wasmbin.NewReader(s.Content, s.End-len(s.Content)), len(m.Imports))
		if err != nil {
			return nil, err
		}
		out := append(make([]byte, 0, len(wasm)+len(imports)), wasm[:s.Start]...)
		out = binary.AppendUvarint(append(out, byte(s.ID)), uint64(len(imports)))
		out = append(out, imports...)
		return append(out, wasm[s.End:]...), nil
	}
	return wasm, nil
}

// redirected returns the content of a section of n imports.
func redirected(r *wasmbin.Reader, n int) ([]byte, error) {
	out := binary.AppendUvarint(nil, uint64(r.Uint32()))
	for range n {
		module := offeredModule(r.Name())
		out = append(binary.AppendUvarint(out, uint64(len(module))), module...)
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
