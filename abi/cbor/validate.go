package cbor

import (
	"math"
	"strconv"
	"unicode/utf8"
	"unsafe"
)

// Validate checks that data is exactly one item of the data model in deterministic form: shortest
// integers, lengths and floating-point numbers, sorted unique keys, valid UTF-8, at most maxDepth
// arrays and objects inside each other. The error satisfies [IsMalformed].
func Validate(data []byte, maxDepth int) error {
	v := validator{d: Decoder{data: data}, maxDepth: maxDepth}
	v.item(0)
	return v.d.Finish()
}

type validator struct {
	d        Decoder
	maxDepth int
}

func (v *validator) item(depth int) {
	d := &v.d
	start := d.pos
	if n := shortText(d.data, start); n >= 0 && utf8.Valid(d.data[start+1:start+1+n]) {
		d.pos = start + 1 + n
		return
	}
	initial, n := d.head()
	if d.err != nil {
		return
	}
	major := initial & 0xe0
	if major == majorSimple {
		v.simple(start, initial, n)
		return
	}
	if d.pos-start != headSize(n) {
		d.pos = start
		d.Fail("a length or integer is not in its shortest form")
		return
	}
	switch major {
	case majorUint:
	case majorNegInt:
		if n > math.MaxInt64 {
			d.Fail("the integer is too small")
		}
	case majorText:
		size := d.length(n)
		if d.err == nil && !utf8.Valid(d.data[d.pos:d.pos+size]) {
			d.Fail("text is not valid UTF-8")
		}
		d.pos += size
	case majorArray, majorObject:
		v.nested(major, d.length(n), depth+1)
	default:
		d.pos = start
		d.Fail(kindName(initial) + " is not part of the data model")
	}
}

func (v *validator) nested(major byte, n, depth int) {
	d := &v.d
	if depth > v.maxDepth {
		d.Fail("arrays and objects nest deeper than " + strconv.Itoa(v.maxDepth))
		return
	}
	previous := ""
	for i := 0; i < n && d.err == nil; i++ {
		name := ""
		if major == majorObject {
			name = v.key(i, previous)
			previous = name
		}
		v.item(depth)
		if d.err != nil {
			if major == majorObject {
				d.At(name)
			} else {
				d.AtIndex(i)
			}
		}
	}
}

func (v *validator) key(i int, previous string) string {
	d := &v.d
	start := d.pos
	if d.pos < len(d.data) && d.data[d.pos]&0xe0 != majorText {
		d.Fail("a key is not text")
		return ""
	}
	v.item(0)
	if d.err != nil {
		return ""
	}
	// The item is valid text; read it again for its value and its place in the order.
	d.pos = start
	return d.Key(i, previous)
}

func (v *validator) simple(start int, initial byte, n uint64) {
	d := &v.d
	var value float64
	switch initial {
	case simpleFalse, simpleTrue, simpleNull:
		return
	case float16Head:
		value = float64(float32FromHalf(uint16(n)))
	case float32Head:
		value = float64(math.Float32frombits(uint32(n)))
	case float64Head:
		value = math.Float64frombits(n)
	default:
		d.pos = start
		d.Fail("a simple value is not part of the data model")
		return
	}
	if math.IsNaN(value) || math.IsInf(value, 0) {
		d.pos = start
		d.Fail("NaN and infinities are not part of the data model")
		return
	}
	var shortest [9]byte
	if len(AppendFloat(shortest[:0], value)) != d.pos-start {
		d.pos = start
		d.Fail("a floating-point number is not in its shortest form")
	}
}

// headSize is the size of the shortest head with argument n.
func headSize(n uint64) int {
	switch {
	case n < 24:
		return 1
	case n <= math.MaxUint8:
		return 2
	case n <= math.MaxUint16:
		return 3
	case n <= math.MaxUint32:
		return 5
	}
	return 9
}

// text views bytes as a string.
func text(b []byte) string { return unsafe.String(unsafe.SliceData(b), len(b)) }
