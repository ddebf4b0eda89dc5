package wasmbin

import (
	"errors"
	"fmt"
	"unicode/utf8"
)

// errMalformed marks bytes that are not a WebAssembly module.
var errMalformed = errors.New("malformed module")

// IsMalformed reports whether err says that bytes are not a module that this package reads.
func IsMalformed(err error) bool { return errors.Is(err, errMalformed) }

// parseError says where a module is malformed.
type parseError struct {
	offset  int
	problem string
}

func (e *parseError) Error() string { return fmt.Sprintf("byte %d: %s", e.offset, e.problem) }

func (e *parseError) Unwrap() error { return errMalformed }

// reader reads part of a module. After the first error every call returns zero values, so that a caller checks at the
// end of each entry.
type reader struct {
	data []byte
	pos  int
	// base is the position of data in the module.
	base int
	err  error
}

func (r *reader) fail(at int, problem string) {
	if r.err == nil {
		r.err = &parseError{r.base + at, problem}
	}
}

func (r *reader) remaining() int { return len(r.data) - r.pos }

func (r *reader) byte() byte {
	if r.err != nil {
		return 0
	}
	if r.remaining() == 0 {
		r.fail(r.pos, "the module ends early")
		return 0
	}
	r.pos++
	return r.data[r.pos-1]
}

// uint32 reads a number in LEB128, at most five bytes long.
func (r *reader) uint32() uint32 {
	start := r.pos
	var n uint64
	for shift := 0; shift < 35; shift += 7 {
		b := r.byte()
		n |= uint64(b&0x7f) << shift
		if b&0x80 != 0 {
			continue
		}
		if n > 1<<32-1 {
			break
		}
		return uint32(n)
	}
	r.fail(start, "a number does not fit in 32 bits")
	return 0
}

// count reads the length of a list. Every entry takes a byte at least, so that no list is longer than what remains.
func (r *reader) count(most int) int {
	start := r.pos
	n := r.uint32()
	if r.err != nil {
		return 0
	}
	if uint64(n) > uint64(r.remaining()) {
		r.fail(start, "a list goes beyond its section")
		return 0
	}
	if uint64(n) > uint64(most) {
		r.fail(start, fmt.Sprintf("a list has %d entries, at most %d are read", n, most))
		return 0
	}
	return int(n)
}

// bytes reads a length and that many bytes. They point into the module.
func (r *reader) bytes() []byte {
	start := r.pos
	n := r.uint32()
	if r.err != nil {
		return nil
	}
	if uint64(n) > uint64(r.remaining()) {
		r.fail(start, "a length goes beyond the end")
		return nil
	}
	r.pos += int(n)
	return r.data[r.pos-int(n) : r.pos : r.pos]
}

func (r *reader) name() string {
	start := r.pos
	b := r.bytes()
	if !utf8.Valid(b) {
		r.fail(start, "a name is not UTF-8")
	}
	return string(b)
}

func (r *reader) valueType() ValueType {
	t := ValueType(r.byte())
	if r.err == nil && !t.isKnown() {
		r.fail(r.pos-1, t.String()+" is not a type of WebAssembly 2.0")
	}
	return t
}

// limits reads the bounds of a memory or table. The flags beyond "has a maximum" belong to proposals: shared memories
// and 64-bit addresses.
func (r *reader) limits() Limits {
	start := r.pos
	flags := r.byte()
	if r.err == nil && flags > 1 {
		r.fail(start, "shared memory and 64-bit addresses are not part of WebAssembly 2.0")
		return Limits{}
	}
	l := Limits{Min: r.uint32(), HasMax: flags == 1}
	if l.HasMax {
		l.Max = r.uint32()
	}
	if r.err == nil && l.HasMax && l.Max < l.Min {
		r.fail(start, "a maximum is below its minimum")
	}
	return l
}

func (r *reader) table() Table {
	start := r.pos
	element := r.valueType()
	if r.err == nil && !element.isReference() {
		r.fail(start, "a table of "+element.String()+" does not exist")
	}
	return Table{Element: element, Limits: r.limits()}
}
