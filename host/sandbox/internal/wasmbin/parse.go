package wasmbin

import (
	"bytes"
	"fmt"
)

// header is the magic number and version 1 of the binary format.
const header = "\x00asm\x01\x00\x00\x00"

// Bounds on lists. Those on types, functions, imports, exports and parameters are the
// implementation limits of the WebAssembly JavaScript Interface, which every browser keeps and so
// no compiler exceeds; the one on sections leaves room for a few thousand custom ones.
const (
	maxTypes     = 1_000_000
	maxFunctions = 1_000_000
	maxImports   = 100_000
	maxExports   = 100_000
	maxSignature = 1_000
	maxDeclared  = 100_000
	maxSections  = 4_096
)

// Parse reads the outside of a module. It checks what it reads, and that sections are in order;
// code, data and initial values are skipped. Text and contents point into wasm. Unless the
// error satisfies [IsMalformed], the module is not supported.
func Parse(wasm []byte) (*Module, error) {
	if !bytes.HasPrefix(wasm, []byte(header)) {
		return nil, &parseError{0, "this is not a WebAssembly module of version 1", kindOfHeader(wasm)}
	}
	p := parser{module: &Module{Size: len(wasm)}}
	r := &Reader{data: wasm, pos: len(header)}
	for r.err == nil && r.Remaining() > 0 {
		if err := p.section(r); err != nil {
			return nil, err
		}
	}
	if r.err != nil {
		return nil, r.err
	}
	return p.module, p.finish()
}

// kindOfHeader tells a component or a later version from what is no WebAssembly at all.
func kindOfHeader(wasm []byte) error {
	if len(wasm) >= len(header) && bytes.HasPrefix(wasm, []byte(header[:4])) {
		return errUnsupported
	}
	return errMalformed
}

// tagSection is the section of the exception handling proposal.
const tagSection = 13

// Forms of types that proposals have: continuation, array, structure, and what groups and extends
// them.
const (
	formContinuation = 0x5d
	formStructure    = 0x5f
	formGroup        = 0x4e
	formExtends      = 0x50
)

// kindTag is what an import or export of the exception handling proposal is.
const kindTag Kind = 4

type parser struct {
	module *Module
	// place is that of the last section that was not a custom one.
	place int
	// bodies and declared remember what only the whole module can prove right.
	bodies   int
	declared int
}

func (p *parser) section(r *Reader) error {
	start := r.pos
	id := SectionID(r.Byte())
	content := r.Bytes()
	if r.err != nil {
		return r.err
	}
	if id > SectionDataCount {
		kind := errMalformed
		if id == tagSection {
			kind = errUnsupported
		}
		return &parseError{start, id.String() + " is not part of WebAssembly 2.0", kind}
	}
	if len(p.module.Sections) == maxSections {
		return &parseError{start, fmt.Sprintf("the module has more than %d sections", maxSections), errUnsupported}
	}
	s := Section{ID: id, Start: start, End: r.pos, Content: content}
	inner := &Reader{data: content, base: r.pos - len(content)}
	if id == SectionCustom {
		s.Name = inner.Name()
		s.Content = content[inner.pos:]
		p.module.Sections = append(p.module.Sections, s)
		return inner.err
	}
	if id.Place() <= p.place {
		return &parseError{start, "the " + id.String() + " section is double or out of order", errMalformed}
	}
	p.place = id.Place()
	p.module.Sections = append(p.module.Sections, s)
	if p.contents(id, inner) && inner.err == nil && inner.Remaining() > 0 {
		inner.Fail(inner.pos, "bytes follow the end of the "+id.String()+" section")
	}
	return inner.err
}

// contents reads a section and reports whether it was read to its end.
func (p *parser) contents(id SectionID, r *Reader) (complete bool) {
	m := p.module
	switch id {
	case SectionType:
		m.Types = list(r, maxTypes, funcType)
	case SectionImport:
		m.Imports = list(r, maxImports, p.imported)
	case SectionFunction:
		own := list(r, maxFunctions, p.typeIndex)
		m.Functions = append(m.Functions, own...)
		p.declared = len(own)
	case SectionTable:
		m.Tables = append(m.Tables, list(r, maxDeclared, (*Reader).table)...)
	case SectionMemory:
		m.Memories = append(m.Memories, list(r, maxDeclared, (*Reader).limits)...)
	case SectionExport:
		m.Exports = list(r, maxExports, exported)
	case SectionStart:
		m.HasStart = true
		m.StartFunction = r.Uint32()
	case SectionDataCount:
		r.Uint32()
	case SectionGlobal:
		m.Globals = r.Count(maxFunctions)
		return false
	case SectionElement:
		m.Elements = r.Count(maxFunctions)
		return false
	case SectionCode:
		p.bodies = r.Count(maxFunctions)
		return false
	case SectionData:
		m.DataSegments = r.Count(maxFunctions)
		return false
	}
	return true
}

// finish checks what refers to later sections.
func (p *parser) finish() error {
	m := p.module
	if p.bodies != p.declared {
		return &parseError{m.Size, fmt.Sprintf("the module declares %d functions and has code for %d", p.declared, p.bodies), errMalformed}
	}
	if m.HasStart {
		t, ok := m.FunctionType(m.StartFunction)
		if !ok || len(t.Params)+len(t.Results) > 0 {
			return &parseError{m.Size, "the start function does not exist or is not () -> ()", errMalformed}
		}
	}
	seen := make(map[string]bool, len(m.Exports))
	for _, e := range m.Exports {
		if seen[e.Name] {
			return &parseError{m.Size, fmt.Sprintf("the export %q is double", e.Name), errMalformed}
		}
		seen[e.Name] = true
		if _, ok := m.FunctionType(e.Index); e.Kind == KindFunction && !ok {
			return &parseError{m.Size, fmt.Sprintf("the export %q names a function that does not exist", e.Name), errMalformed}
		}
	}
	return nil
}

func list[T any](r *Reader, most int, entry func(*Reader) T) []T {
	n := r.Count(most)
	entries := make([]T, 0, min(n, 1024))
	for range n {
		e := entry(r)
		if r.err != nil {
			return nil
		}
		entries = append(entries, e)
	}
	return entries
}

func funcType(r *Reader) FuncType {
	if form := r.Byte(); r.err == nil && form != 0x60 {
		proposed := form >= formContinuation && form <= formStructure || form >= formGroup && form <= formExtends
		r.RefuseIf(proposed, r.pos-1, "a type that is not a function is not part of WebAssembly 2.0")
		return FuncType{}
	}
	return FuncType{
		Params:  list(r, maxSignature, (*Reader).ValueType),
		Results: list(r, maxSignature, (*Reader).ValueType),
	}
}

func (p *parser) typeIndex(r *Reader) uint32 {
	start := r.pos
	index := r.Uint32()
	if r.err == nil && uint64(index) >= uint64(len(p.module.Types)) {
		r.Fail(start, "a function has a type that does not exist")
		return 0
	}
	return index
}

func (p *parser) imported(r *Reader) Import {
	i := Import{Module: r.Name(), Name: r.Name()}
	start := r.pos
	i.Kind = Kind(r.Byte())
	if r.err != nil {
		return i
	}
	m := p.module
	switch i.Kind {
	case KindFunction:
		index := p.typeIndex(r)
		if r.err == nil {
			i.Type = m.Types[index]
			m.Functions = append(m.Functions, index)
		}
	case KindTable:
		m.Tables = append(m.Tables, r.table())
	case KindMemory:
		m.Memories = append(m.Memories, r.limits())
	case KindGlobal:
		i.Global = r.GlobalType()
	default:
		r.RefuseIf(i.Kind == kindTag, start, "an import of "+i.Kind.String()+" is not part of WebAssembly 2.0")
	}
	return i
}

func exported(r *Reader) Export {
	e := Export{Name: r.Name()}
	start := r.pos
	e.Kind = Kind(r.Byte())
	if r.err == nil && e.Kind > KindGlobal {
		r.RefuseIf(e.Kind == kindTag, start, "an export of "+e.Kind.String()+" is not part of WebAssembly 2.0")
	}
	e.Index = r.Uint32()
	return e
}
