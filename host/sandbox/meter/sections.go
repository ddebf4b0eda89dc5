package meter

import (
	"encoding/binary"
	"slices"
	"strconv"
	"strings"

	"github.com/latticenet/lattice-host/host/sandbox/internal/wasmbin"
)

// rewriter rewrites one module.
type rewriter struct {
	wasm    []byte
	in      *wasmbin.Module
	options Options
	// imports counts the imported functions of the original. The host function comes after them,
	// and what the module defines moves up by one.
	imports uint32
	code    *coder
	out     []byte
	// globalSection is where the global section is in out, globalEntries its entries without those
	// for references.
	globalSection [2]int
	globalEntries []byte

	// mutable are the indices of the mutable globals that the original defines, and globalExports
	// the names they get.
	mutable           []uint32
	globalExports     []string
	halfVisibleGlobal bool
	// listed counts the references in the element segments.
	listed int
}

func newRewriter(wasm []byte, m *wasmbin.Module, o Options) *rewriter {
	w := &rewriter{wasm: wasm, in: m, options: o, imports: uint32(m.Imported(wasmbin.KindFunction))}
	w.code = &coder{
		in:      m,
		imports: w.imports,
		globals: m.Imported(wasmbin.KindGlobal) + m.Globals,
		refill:  w.imports,
		helpers: uint32(len(m.Functions)) + 1,

		compilation: newCompilation(len(wasm)),

		maxPages:    o.MaxPages,
		maxElements: o.MaxElements,
		declared:    make([]bool, len(m.Functions)),
		references:  map[uint32]uint32{},
	}
	for _, e := range m.Exports {
		// [rewriter.checkIndices] refuses an export of what does not exist.
		if e.Kind == wasmbin.KindFunction && int(e.Index) < len(m.Functions) {
			w.code.declared[e.Index] = true
		}
	}
	return w
}

// shift returns the index that a function has in the rewritten module.
func shift(index, imports uint32) uint32 {
	if index >= imports {
		return index + 1
	}
	return index
}

// extended are the sections that the rewritten module always has, in its order.
var extended = [...]wasmbin.SectionID{
	wasmbin.SectionType, wasmbin.SectionImport, wasmbin.SectionFunction, wasmbin.SectionGlobal, wasmbin.SectionExport,
	wasmbin.SectionCode,
}

// module writes the rewritten module.
func (w *rewriter) module() ([]byte, error) {
	if err := w.code.compilation.begin(len(w.wasm), w.in); err != nil {
		return nil, err
	}
	w.out = make([]byte, 0, len(w.wasm)+len(w.wasm)/2+256)
	// The magic number and the version.
	w.out = append(w.out, w.wasm[:8]...)
	missing := extended[:]
	for _, s := range w.in.Sections {
		if s.ID == wasmbin.SectionCustom {
			w.custom(s)
			continue
		}
		for len(missing) > 0 && missing[0].Place() <= s.ID.Place() {
			if missing[0] != s.ID {
				if err := w.section(missing[0], wasmbin.NewReader([]byte{0}, s.Start)); err != nil {
					return nil, err
				}
			}
			missing = missing[1:]
		}
		if err := w.section(s.ID, wasmbin.NewReader(s.Content, s.End-len(s.Content))); err != nil {
			return nil, err
		}
	}
	for _, id := range missing {
		if err := w.section(id, wasmbin.NewReader([]byte{0}, len(w.wasm))); err != nil {
			return nil, err
		}
	}
	w.addReferences()
	return w.out, w.code.compilation.references(len(w.wasm), int64(len(w.code.referenced)))
}

// addReferences adds a global for each function that code names with ref.func. The code comes after
// the globals.
func (w *rewriter) addReferences() {
	if len(w.code.referenced) == 0 {
		return
	}
	entries := w.globalEntries
	for _, f := range w.code.referenced {
		entries = append(entries, byte(wasmbin.FuncRef), 0, opRefFunc)
		entries = append(appendUnsigned(entries, shift(f, w.imports)), opEnd)
	}
	w.out = slices.Replace(w.out, w.globalSection[0], w.globalSection[1], w.globalList(entries)...)
}

// globalList returns the global section with the entries.
func (w *rewriter) globalList(entries []byte) []byte {
	content := binary.AppendUvarint(nil, uint64(w.in.Globals+1+len(w.code.referenced)))
	return appendBytes([]byte{byte(wasmbin.SectionGlobal)}, append(content, entries...))
}

// custom keeps a custom section unless it describes positions in the original.
func (w *rewriter) custom(s wasmbin.Section) {
	if s.Name == "name" || s.Name == "sourceMappingURL" || strings.HasPrefix(s.Name, ".debug_") {
		return
	}
	w.out = append(w.out, w.wasm[s.Start:s.End]...)
}

// section writes the section whose content r has. A list of no entries means a section that is not
// there.
func (w *rewriter) section(id wasmbin.SectionID, r *wasmbin.Reader) error {
	at := r.Offset()
	if err := w.code.compilation.section(id, at, w.in); err != nil {
		return err
	}
	content, err := w.content(id, r)
	if err != nil {
		return err
	}
	if r.Err() == nil && r.Remaining() > 0 {
		r.Fail(r.Pos(), "bytes follow the end of the "+id.String()+" section")
	}
	if id == wasmbin.SectionGlobal {
		w.globalEntries = content
		w.globalSection[0] = len(w.out)
		w.out = append(w.out, w.globalList(content)...)
		w.globalSection[1] = len(w.out)
		return r.Err()
	}
	w.out = append(w.out, byte(id))
	w.out = appendBytes(w.out, content)
	return r.Err()
}

// content returns the content of a section as the rewritten module has it.
func (w *rewriter) content(id wasmbin.SectionID, r *wasmbin.Reader) ([]byte, error) {
	switch id {
	case wasmbin.SectionType:
		return extend(r, len(helperTypes), appendAll(helperTypes[:])), nil
	case wasmbin.SectionImport:
		return extend(r, 1, w.refillImport()), nil
	case wasmbin.SectionFunction:
		return extend(r, len(helperFunctions), w.helperTypeIndices()), nil
	case wasmbin.SectionStart:
		return binary.AppendUvarint(nil, uint64(shift(r.Uint32(), w.imports))), nil
	case wasmbin.SectionGlobal:
		return w.globals(r), nil
	case wasmbin.SectionExport:
		return w.exports(r), nil
	case wasmbin.SectionElement:
		at := r.Offset()
		content := w.elements(r)
		return content, w.code.compilation.entries(at, 0, w.listed)
	case wasmbin.SectionData:
		return w.data(r), nil
	case wasmbin.SectionCode:
		return w.code.section(r)
	}
	return rest(r), nil
}

// rest returns what is left of a section.
func rest(r *wasmbin.Reader) []byte { return r.Take(r.Remaining()) }

// extend returns a list with entries at its end.
func extend(r *wasmbin.Reader, n int, entries []byte) []byte {
	out := binary.AppendUvarint(nil, uint64(r.Uint32())+uint64(n))
	out = append(out, rest(r)...)
	return append(out, entries...)
}

func (w *rewriter) refillImport() []byte {
	entry := appendName(appendName(nil, w.options.ImportModule), w.options.ImportName)
	return binary.AppendUvarint(append(entry, byte(wasmbin.KindFunction)), uint64(len(w.in.Types)+typeRefill))
}

func (w *rewriter) helperTypeIndices() []byte {
	var out []byte
	for _, f := range helperFunctions {
		out = binary.AppendUvarint(out, uint64(len(w.in.Types)+f.typ))
	}
	return out
}

// globals returns the entries of the globals and of the fuel after them, and decides on the names
// of the exports.
func (w *rewriter) globals(r *wasmbin.Reader) []byte {
	at := r.Pos()
	n := int(r.Uint32())
	checkCount(r, at, uint32(n), MaxGlobals, "globals")
	first := w.in.Imported(wasmbin.KindGlobal)
	var out []byte
	for i := range n {
		start := r.Pos()
		t := r.GlobalType()
		out = append(out, r.Since(start)...)
		out = w.constant(out, r)
		if r.Err() != nil {
			return nil
		}
		if t.Mutable {
			w.code.compilation.mutable++
			w.mutable = append(w.mutable, uint32(first+i))
			w.globalExports = append(w.globalExports, w.options.ExportPrefix+"global."+strconv.Itoa(first+i))
			w.halfVisibleGlobal = w.halfVisibleGlobal || t.Value == wasmbin.V128
		}
	}
	return append(out, byte(wasmbin.I64), 1, opI64Const, 0, opEnd)
}

func (w *rewriter) exports(r *wasmbin.Reader) []byte {
	r.Take(r.Remaining())
	out := binary.AppendUvarint(nil, uint64(len(w.in.Exports)+len(w.globalExports)+1))
	for _, e := range w.in.Exports {
		index := e.Index
		if e.Kind == wasmbin.KindFunction {
			index = shift(index, w.imports)
		}
		out = appendExport(out, e.Name, e.Kind, index)
	}
	for i, name := range w.globalExports {
		out = appendExport(out, name, wasmbin.KindGlobal, w.mutable[i])
	}
	return appendExport(out, w.options.ExportPrefix+"fuel", wasmbin.KindGlobal, uint32(w.code.globals))
}

func appendExport(b []byte, name string, kind wasmbin.Kind, index uint32) []byte {
	return binary.AppendUvarint(append(appendName(b, name), byte(kind)), uint64(index))
}

func appendName(b []byte, name string) []byte { return appendBytes(b, []byte(name)) }

func appendBytes(b, content []byte) []byte {
	return append(binary.AppendUvarint(b, uint64(len(content))), content...)
}

func appendAll(parts []string) []byte { return []byte(strings.Join(parts, "")) }
