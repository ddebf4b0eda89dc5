package meter

import (
	"encoding/binary"
	"fmt"

	"github.com/latticenet/lattice-host/host/sandbox/internal/wasmbin"
)

// The bits of an element segment's first number.
const (
	elementNotActive   = 1
	elementHasTable    = 2
	elementExpressions = 4
	elementMaxFlags    = 7
)

// Bounds on what is done before the first instruction of a guest, which nothing interrupts. They
// are above what the largest modules of compilers have.
const (
	// MaxElements is how many references the element segments of a module may list in all. The
	// engine takes half a microsecond and 64 bytes of an instance for each.
	MaxElements = 200_000
	// MaxSegments is how many element segments, and how many data segments, a module may have,
	// which is the limit of the WebAssembly JavaScript Interface for the latter. The engine takes
	// 24 bytes of an instance for each.
	MaxSegments = 100_000
	// MaxGlobals is how many globals a module may have. The engine takes two microseconds and 160
	// bytes of an instance for each.
	MaxGlobals = 20_000
)

// checkCount refuses a list that has too many entries, before they are read.
func checkCount(r *wasmbin.Reader, at int, n uint32, most int, what string) {
	if int64(n) > int64(most) {
		r.Refuse(at, fmt.Sprintf("the module has %d %s, the limit is %d", n, what, most))
	}
}

// elements writes the element segments with the functions' indices in the rewritten module.
func (w *rewriter) elements(r *wasmbin.Reader) []byte {
	at := r.Pos()
	n := r.Uint32()
	checkCount(r, at, n, MaxSegments, "element segments")
	out := binary.AppendUvarint(nil, uint64(n))
	for range n {
		out = w.element(out, r)
		if r.Err() != nil {
			return nil
		}
	}
	return out
}

func (w *rewriter) element(out []byte, r *wasmbin.Reader) []byte {
	start := r.Pos()
	flags := r.Uint32()
	if flags > elementMaxFlags {
		r.Fail(start, "an element segment has an unknown form")
		return out
	}
	active := flags&elementNotActive == 0
	if active && flags&elementHasTable != 0 {
		at := r.Pos()
		w.code.checkIndex(r, at, r.Uint32(), len(w.in.Tables), "a table")
	}
	out = append(out, r.Since(start)...)
	if active {
		out = w.constant(out, r)
	}
	start = r.Pos()
	// The form of WebAssembly 1.0 and the active one of expressions for table 0 say nothing about
	// the kind.
	if flags&(elementNotActive|elementHasTable) != 0 {
		elementKind(r, flags&elementExpressions != 0)
	}
	at := r.Pos()
	n := r.Count(r.Remaining())
	if w.listed += n; w.listed > MaxElements {
		r.Refuse(at, fmt.Sprintf("the element segments list more than %d references in all", MaxElements))
	}
	out = append(out, r.Since(start)...)
	for range n {
		if flags&elementExpressions != 0 {
			out = w.constant(out, r)
		} else {
			out = w.code.function(out, r)
		}
		if r.Err() != nil {
			return out
		}
	}
	return out
}

func elementKind(r *wasmbin.Reader, expressions bool) {
	at := r.Pos()
	kind := r.Byte()
	if expressions && wasmbin.ValueType(kind) != wasmbin.FuncRef && wasmbin.ValueType(kind) != wasmbin.ExternRef || !expressions && kind != 0 {
		r.RefuseIf(expressions && wasmbin.ValueType(kind).IsProposed(), at, "an element segment is of a kind that is not part of WebAssembly 2.0")
	}
}

// The bits of a data segment's first number.
const (
	dataPassive   = 1
	dataHasMemory = 2
)

// data checks the data segments, which stay as they are.
func (w *rewriter) data(r *wasmbin.Reader) []byte {
	start := r.Pos()
	n := r.Uint32()
	checkCount(r, start, n, MaxSegments, "data segments")
	for range n {
		at := r.Pos()
		flags := r.Uint32()
		if flags > dataHasMemory {
			r.Fail(at, "a data segment has an unknown form")
		}
		if flags == dataHasMemory {
			at := r.Pos()
			w.code.checkIndex(r, at, r.Uint32(), len(w.in.Memories), "a memory")
		}
		if flags != dataPassive {
			w.constant(nil, r)
		}
		r.Bytes()
		if r.Err() != nil {
			return nil
		}
	}
	return r.Since(start)
}

// constant appends a constant expression with the functions' indices in the rewritten module.
func (w *rewriter) constant(out []byte, r *wasmbin.Reader) []byte {
	for r.Err() == nil {
		start := r.Pos()
		op := r.Byte()
		switch op {
		case opEnd:
			return append(out, r.Since(start)...)
		case opI32Const:
			r.Signed(32)
		case opI64Const:
			r.Signed(64)
		case opF32Const:
			r.Skip(4)
		case opF64Const:
			r.Skip(8)
		case opGlobalGet:
			at := r.Pos()
			w.code.checkIndex(r, at, r.Uint32(), w.code.globals, "a global")
		case opRefNull:
			w.code.heapType(r)
		case opRefFunc:
			out = w.code.function(append(out, opRefFunc), r)
			continue
		case opVectorPrefix:
			if at := r.Pos(); r.Byte() != opV128Const {
				r.Fail(at, "an instruction is not constant")
			}
			r.Skip(16)
		case opI32Add, opI32Sub, opI32Mul, opI64Add, opI64Sub, opI64Mul, opGCPrefix:
			r.Refuse(start, "a constant that is computed is not part of WebAssembly 2.0")
		default:
			r.Fail(start, "an instruction is not constant")
		}
		out = append(out, r.Since(start)...)
	}
	return out
}
