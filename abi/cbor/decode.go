package cbor

import (
	"errors"
	"math"
	"strconv"
)

// errMalformed marks bytes that are not deterministic CBOR of the ABI's data model.
var errMalformed = errors.New("malformed message")

// Error says where a message is wrong.
type Error struct {
	// Path leads to the value, such as spec.containers.main.
	Path string
	// Offset is the position in the message, in bytes.
	Offset int
	// Problem says what is wrong.
	Problem string
}

// Error implements the error interface.
func (e *Error) Error() string {
	at := "byte " + strconv.Itoa(e.Offset)
	if e.Path != "" {
		at = e.Path
	}
	return at + ": " + e.Problem
}

// Unwrap makes every Error match [IsMalformed].
func (e *Error) Unwrap() error { return errMalformed }

// IsMalformed reports whether err says that a message is malformed.
func IsMalformed(err error) bool { return errors.Is(err, errMalformed) }

// Decoder reads one message in place. After the first error every call returns a zero value, so
// that a caller checks once at the end.
type Decoder struct {
	data    []byte
	pos     int
	err     *Error
	unknown []string
	// room is where text is kept next, see [Decoder.textRoom].
	room []string
	// omitted are maps that are skipped.
	omitted []*Type
	// scratch is where [Decoder.reorder] puts text together.
	scratch []byte
}

// NewDecoder returns a Decoder that reads data. Text that it returns points into data.
func NewDecoder(data []byte) *Decoder { return &Decoder{data: data} }

// Omit makes the decoder skip maps of the given types: they stay empty, and what is in them is
// not checked.
func (d *Decoder) Omit(maps ...*Type) { d.omitted = maps }

// Failed reports whether an error has happened.
func (d *Decoder) Failed() bool { return d.err != nil }

// Err returns the first error.
func (d *Decoder) Err() error {
	if d.err == nil {
		return nil
	}
	return d.err
}

// Finish returns the first error; bytes after the message are one.
func (d *Decoder) Finish() error {
	if d.err == nil && d.pos != len(d.data) {
		d.Fail("bytes follow the end of the message")
	}
	return d.Err()
}

// Fail records a problem at the present position, unless there is one already.
func (d *Decoder) Fail(problem string) {
	if d.err == nil {
		d.err = &Error{Offset: d.pos, Problem: problem}
	}
}

// At puts name in front of the path of the recorded error.
func (d *Decoder) At(name string) {
	if d.err == nil {
		return
	}
	if d.err.Path == "" {
		d.err.Path = name
		return
	}
	d.err.Path = name + "." + d.err.Path
}

// AtIndex is [Decoder.At] for an item of an array.
func (d *Decoder) AtIndex(i int) { d.At(strconv.Itoa(i)) }

// Unknown skips the value of a key that the reader does not know, and remembers the key.
func (d *Decoder) Unknown(key string) {
	d.unknown = append(d.unknown, key)
	d.Skip()
}

// UnknownKeys returns the keys that [Decoder.Unknown] skipped.
func (d *Decoder) UnknownKeys() []string { return d.unknown }

func (d *Decoder) remaining() int { return len(d.data) - d.pos }

// head reads an initial byte and its argument.
func (d *Decoder) head() (initial byte, n uint64) {
	if d.err != nil {
		return 0, 0
	}
	if d.pos >= len(d.data) {
		d.Fail("the message ends early")
		return 0, 0
	}
	initial = d.data[d.pos]
	d.pos++
	info := initial & 0x1f
	if info < 24 {
		return initial, uint64(info)
	}
	size := 1 << (info - 24)
	if info > 27 || d.remaining() < size {
		d.Fail("the message ends early")
		return 0, 0
	}
	for _, c := range d.data[d.pos : d.pos+size] {
		n = n<<8 | uint64(c)
	}
	d.pos += size
	return initial, n
}

// expect reads a head of the given major type.
func (d *Decoder) expect(major byte, want string) uint64 {
	start := d.pos
	initial, n := d.head()
	if d.err != nil {
		return 0
	}
	if initial&0xe0 != major {
		d.pos = start
		d.Fail("want " + want + ", got " + kindName(initial))
		return 0
	}
	return n
}

func (d *Decoder) length(n uint64) int {
	if n > uint64(d.remaining()) {
		d.Fail("a length goes beyond the message")
		return 0
	}
	return int(n)
}

// Peek returns the initial byte of the next item without reading it (RFC 8949, section 3), and
// 0xff, which begins none, at the end of the message and after an error.
func (d *Decoder) Peek() byte {
	if d.err != nil || d.pos >= len(d.data) {
		return 0xff
	}
	return d.data[d.pos]
}

// Null reads null if the next item is null, and says whether it was.
func (d *Decoder) Null() bool {
	if d.err == nil && d.pos < len(d.data) && d.data[d.pos] == simpleNull {
		d.pos++
		return true
	}
	return false
}

// Object begins an object and returns the number of its keys.
func (d *Decoder) Object() int { return d.length(d.expect(majorObject, "an object")) }

// Array begins an array and returns the number of its items.
func (d *Decoder) Array() int { return d.length(d.expect(majorArray, "an array")) }

// Key reads the i-th key of an object, which must come after previous in [KeyOrder].
func (d *Decoder) Key(i int, previous string) string {
	key := d.String()
	if d.err == nil && i > 0 && KeyOrder(previous, key) >= 0 {
		d.Fail(errKeyOrder)
	}
	return key
}

// errKeyOrder is the problem of an object whose keys do not come in [KeyOrder].
const errKeyOrder = "the keys of an object are out of order or double"

// String reads text. The string points into the message.
func (d *Decoder) String() string {
	data, pos := d.data, d.pos
	if n := shortText(data, pos); n >= 0 && d.err == nil {
		d.pos = pos + 1 + n
		return text(data[pos+1 : pos+1+n])
	}
	n := d.length(d.expect(majorText, "a string"))
	if d.err != nil {
		return ""
	}
	s := text(d.data[d.pos : d.pos+n])
	d.pos += n
	return s
}

// shortText returns the length of the text that begins at pos when it is in the initial byte, as
// that of most is, and -1 when something else begins there.
func shortText(data []byte, pos int) int {
	if pos < len(data) {
		if n := int(data[pos]) - int(majorText); uint(n) < 24 && pos+n < len(data) {
			return n
		}
	}
	return -1
}

// Bool reads a boolean.
func (d *Decoder) Bool() bool {
	start := d.pos
	initial, _ := d.head()
	if d.err == nil && initial != simpleTrue && initial != simpleFalse {
		d.pos = start
		d.Fail("want true or false, got " + kindName(initial))
	}
	return initial == simpleTrue
}

// Int reads an integer.
func (d *Decoder) Int() int64 {
	start := d.pos
	initial, n := d.head()
	if d.err != nil {
		return 0
	}
	major := initial & 0xe0
	if major != majorUint && major != majorNegInt {
		d.pos = start
		d.Fail("want an integer, got " + kindName(initial))
		return 0
	}
	if n > math.MaxInt64 {
		d.pos = start
		d.Fail("the integer is too large")
		return 0
	}
	if major == majorNegInt {
		return -1 - int64(n)
	}
	return int64(n)
}

// Float reads a number.
func (d *Decoder) Float() float64 {
	start := d.pos
	initial, n := d.head()
	if d.err != nil {
		return 0
	}
	switch {
	case initial == float16Head:
		return float64(float32FromHalf(uint16(n)))
	case initial == float32Head:
		return float64(math.Float32frombits(uint32(n)))
	case initial == float64Head:
		return math.Float64frombits(n)
	case initial&0xe0 == majorUint:
		return float64(n)
	case initial&0xe0 == majorNegInt:
		return -1 - float64(n)
	}
	d.pos = start
	d.Fail("want a number, got " + kindName(initial))
	return 0
}

// Raw reads one item of any kind. The bytes are those of the message.
func (d *Decoder) Raw() Raw {
	start := d.pos
	d.Skip()
	if d.err != nil {
		return nil
	}
	return Raw(d.data[start:d.pos:d.pos])
}

// Skip advances past one item of any kind.
func (d *Decoder) Skip() {
	data, pos := d.data, d.pos
	for open := 1; open > 0 && d.err == nil; open-- {
		if pos >= len(data) || data[pos]&0x1f >= 24 {
			d.pos = pos
			open += d.skipLong()
			pos = d.pos
			continue
		}
		// Most items have their argument in the initial byte.
		n := int(data[pos] & 0x1f)
		pos++
		switch major := data[pos-1] & 0xe0; {
		case major == majorText && n <= len(data)-pos:
			pos += n
		case major == majorObject && n <= len(data)-pos:
			open += 2 * n
		case major == majorArray && n <= len(data)-pos:
			open += n
		case major == majorUint || major == majorNegInt || major == majorSimple:
		default:
			d.pos = pos - 1
			open += d.skipLong()
			pos = d.pos
		}
	}
	d.pos = pos
}

// skipLong advances past a head, and over text after it. It returns how many items the head says
// are inside.
func (d *Decoder) skipLong() int {
	initial, n := d.head()
	if d.err != nil {
		return 0
	}
	switch initial & 0xe0 {
	case majorUint, majorNegInt, majorSimple:
	case majorText:
		d.pos += d.length(n)
	case majorArray:
		return d.length(n)
	case majorObject:
		return 2 * d.length(n)
	default:
		d.Fail("a " + kindName(initial) + " is not part of the data model")
	}
	return 0
}

func kindName(initial byte) string {
	switch initial & 0xe0 {
	case majorUint, majorNegInt:
		return "an integer"
	case majorText:
		return "a string"
	case majorArray:
		return "an array"
	case majorObject:
		return "an object"
	case majorSimple:
		switch initial {
		case simpleTrue, simpleFalse:
			return "a boolean"
		case simpleNull:
			return "null"
		case float16Head, float32Head, float64Head:
			return "a floating-point number"
		}
		return "a simple value"
	case 2 << 5:
		return "a byte string"
	}
	return "a tag"
}
