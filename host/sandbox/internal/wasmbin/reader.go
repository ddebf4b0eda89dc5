package wasmbin

import (
	"errors"
	"fmt"
	"unicode/utf8"
)

var (
	// errMalformed marks bytes that are not a WebAssembly module of any version.
	errMalformed = errors.New("malformed module")
	// errUnsupported marks modules of a proposal or of a later version, and what exceeds a bound.
	errUnsupported = errors.New("unsupported module")
)

// IsMalformed reports whether err says that bytes are not a module. Other errors of this package
// are about modules that are not of WebAssembly 2.0, or exceed a bound of their reader.
func IsMalformed(err error) bool { return errors.Is(err, errMalformed) }

// parseError says where a module is malformed or not supported, which is its kind.
type parseError struct {
	offset  int
	problem string
	kind    error
}

func (e *parseError) Error() string { return fmt.Sprintf("byte %d: %s", e.offset, e.problem) }

func (e *parseError) Unwrap() error { return e.kind }

// Reader reads part of a module. After the first error every call returns zero values, so that a
// caller checks at the end of each entry.
type Reader struct {
	data []byte
	pos  int
	// base is the position of data in the module.
	base int
	err  error
}

// NewReader returns a Reader of part of a module; base is the position of that part in the module.
func NewReader(data []byte, base int) *Reader { return &Reader{data: data, base: base} }

// Err returns the first error. Unless it satisfies [IsMalformed], the module is not supported.
func (r *Reader) Err() error { return r.err }

// Pos returns the position in the part that is read.
func (r *Reader) Pos() int { return r.pos }

// Offset returns the position in the module.
func (r *Reader) Offset() int { return r.base + r.pos }

// Fail notes that what is at the position is malformed, unless something before was.
func (r *Reader) Fail(at int, problem string) { r.stop(at, problem, errMalformed) }

// Refuse notes that what is at the position is not supported, unless something before was wrong.
func (r *Reader) Refuse(at int, problem string) { r.stop(at, problem, errUnsupported) }

// RefuseIf does what Refuse does when what is at the position is of a proposal, and otherwise what
// Fail does.
func (r *Reader) RefuseIf(proposed bool, at int, problem string) {
	if proposed {
		r.Refuse(at, problem)
	}
	r.Fail(at, problem)
}

func (r *Reader) stop(at int, problem string, kind error) {
	if r.err == nil {
		r.err = &parseError{r.base + at, problem, kind}
	}
}

// Remaining returns how many bytes are left.
func (r *Reader) Remaining() int { return len(r.data) - r.pos }

// Byte reads one byte.
func (r *Reader) Byte() byte {
	if r.err != nil || r.pos >= len(r.data) {
		r.Fail(r.pos, "the module ends early")
		return 0
	}
	r.pos++
	return r.data[r.pos-1]
}

// Skip advances past n bytes.
func (r *Reader) Skip(n int) {
	if r.err != nil || n > r.Remaining() {
		r.Fail(r.pos, "the module ends early")
		return
	}
	r.pos += n
}

// Signed reads a number of at most so many bits in signed LEB128.
func (r *Reader) Signed(bits uint) int64 {
	start := r.pos
	var n int64
	for shift := uint(0); shift < bits; shift += 7 {
		b := r.Byte()
		n |= int64(b&0x7f) << shift
		if b&0x80 != 0 {
			continue
		}
		if shift+7 < 64 {
			// The highest of the seven bits is the sign.
			n = n << (57 - shift) >> (57 - shift)
		} else if b != 0 && b != 0x7f {
			break
		}
		if bits < 64 && n>>(bits-1) != 0 && n>>(bits-1) != -1 {
			break
		}
		return n
	}
	r.Fail(start, fmt.Sprintf("a number does not fit in %d bits", bits))
	return 0
}

// Uint32 reads a number in LEB128, at most five bytes long.
func (r *Reader) Uint32() uint32 {
	if r.err == nil && r.pos < len(r.data) && r.data[r.pos] < 0x80 {
		r.pos++
		return uint32(r.data[r.pos-1])
	}
	start := r.pos
	var n uint64
	for shift := 0; shift < 35; shift += 7 {
		b := r.Byte()
		n |= uint64(b&0x7f) << shift
		if b&0x80 != 0 {
			continue
		}
		if n > 1<<32-1 {
			break
		}
		return uint32(n)
	}
	r.Fail(start, "a number does not fit in 32 bits")
	return 0
}

// Count reads the length of a list. Every entry takes a byte at least, so that no list is longer
// than what remains.
func (r *Reader) Count(most int) int {
	start := r.pos
	n := r.Uint32()
	if r.err != nil {
		return 0
	}
	if uint64(n) > uint64(r.Remaining()) {
		r.Fail(start, "a list goes beyond its section")
		return 0
	}
	if uint64(n) > uint64(most) {
		r.Refuse(start, fmt.Sprintf("a list has %d entries, at most %d are read", n, most))
		return 0
	}
	return int(n)
}

// Bytes reads a length and that many bytes. They point into the module.
func (r *Reader) Bytes() []byte {
	start := r.pos
	n := r.Uint32()
	if r.err != nil {
		return nil
	}
	if uint64(n) > uint64(r.Remaining()) {
		r.Fail(start, "a length goes beyond the end")
		return nil
	}
	r.pos += int(n)
	return r.data[r.pos-int(n) : r.pos : r.pos]
}

// Name reads text in UTF-8 after its length.
func (r *Reader) Name() string {
	start := r.pos
	b := r.Bytes()
	if !utf8.Valid(b) {
		r.Fail(start, "a name is not UTF-8")
	}
	return string(b)
}

// ValueType reads the type of a value.
func (r *Reader) ValueType() ValueType {
	t := ValueType(r.Byte())
	if r.err == nil && !t.IsKnown() {
		r.RefuseIf(t.IsProposed(), r.pos-1, t.String()+" is not a type of WebAssembly 2.0")
	}
	return t
}

// maxLimitFlags has the flags of all proposals on memories: shared (2), 64-bit addresses (4), pages
// of other sizes (8).
const maxLimitFlags = 0x0f

// limits reads the bounds of a memory or table. The flags beyond "has a maximum" belong to
// proposals.
func (r *Reader) limits() Limits {
	start := r.pos
	flags := r.Byte()
	if r.err == nil && flags > 1 {
		r.RefuseIf(flags <= maxLimitFlags, start, "shared memory, 64-bit addresses and pages of other sizes are not part of WebAssembly 2.0")
		return Limits{}
	}
	l := Limits{Min: r.Uint32(), HasMax: flags == 1}
	if l.HasMax {
		l.Max = r.Uint32()
	}
	if r.err == nil && l.HasMax && l.Max < l.Min {
		r.Fail(start, "a maximum is below its minimum")
	}
	return l
}

// tableWithInitial begins a table whose elements begin as a given reference.
const tableWithInitial = 0x40

func (r *Reader) table() Table {
	start := r.pos
	if r.pos < len(r.data) && r.data[r.pos] == tableWithInitial {
		r.Refuse(start, "a table with an initial value is not part of WebAssembly 2.0")
	}
	element := r.ValueType()
	if r.err == nil && !element.isReference() {
		r.Fail(start, "a table of "+element.String()+" does not exist")
	}
	return Table{Element: element, Limits: r.limits()}
}

// GlobalType reads the type of a global.
func (r *Reader) GlobalType() GlobalType {
	t := GlobalType{Value: r.ValueType()}
	mutable := r.Byte()
	if mutable > 1 {
		r.Fail(r.pos-1, "a global is neither constant nor mutable")
	}
	t.Mutable = mutable == 1
	return t
}

// Take reads n bytes. They point into the module.
func (r *Reader) Take(n int) []byte {
	start := r.pos
	r.Skip(n)
	return r.Since(start)
}

// Since returns what was read from the position on. It points into the module.
func (r *Reader) Since(pos int) []byte { return r.data[pos:r.pos:r.pos] }
