package cbor

import (
	"math"
	"slices"
	"strconv"
	"unicode/utf16"
	"unicode/utf8"
)

// ToJSON appends the JSON form of data, which must be one item as [Validate] accepts it: no white
// space, keys sorted bytewise, the shortest escapes. Equal values give equal bytes.
func ToJSON(dst, data []byte) ([]byte, error) {
	d := Decoder{data: data}
	dst = appendJSON(slices.Grow(dst, textSize(data)), &d)
	if err := d.Finish(); err != nil {
		return nil, err
	}
	return dst, nil
}

// textSize is about the size of an item's JSON form: quotes, colons and commas are what an encoded
// item has not.
func textSize(data []byte) int { return len(data) + len(data)/2 }

func appendJSON(dst []byte, d *Decoder) []byte {
	if d.err != nil || d.pos >= len(d.data) {
		d.Fail("the message ends early")
		return dst
	}
	initial := d.data[d.pos]
	switch initial & 0xe0 {
	case majorUint:
		_, n := d.head()
		return strconv.AppendUint(dst, n, 10)
	case majorNegInt:
		return strconv.AppendInt(dst, d.Int(), 10)
	case majorText:
		return AppendQuoted(dst, d.String())
	case majorArray:
		dst = append(dst, '[')
		for i := range d.Array() {
			if i > 0 {
				dst = append(dst, ',')
			}
			if dst = appendJSON(dst, d); d.err != nil {
				d.AtIndex(i)
				return dst
			}
		}
		return append(dst, ']')
	case majorObject:
		return appendJSONObject(dst, d)
	}
	switch initial {
	case simpleNull:
		d.pos++
		return append(dst, "null"...)
	case simpleTrue, simpleFalse:
		return strconv.AppendBool(dst, d.Bool())
	case float16Head, float32Head, float64Head:
		return appendFloatText(dst, d.Float())
	}
	d.Fail(kindName(initial) + " is not part of the data model")
	return dst
}

// appendJSONObject writes the members as they come and then puts them into the order of their keys.
func appendJSONObject(dst []byte, d *Decoder) []byte {
	dst = append(dst, '{')
	var few [membersAtHand]member
	members, sorted, key := few[:0], true, ""
	start := len(dst)
	for i := range d.Object() {
		previous := key
		key = d.Key(i, previous)
		sorted = sorted && (i == 0 || previous < key)
		members = append(members, member{key, len(dst)})
		dst = append(AppendQuoted(dst, key), ':')
		if dst = appendJSON(dst, d); d.err != nil {
			d.At(key)
			return dst
		}
		dst = append(dst, ',')
	}
	if len(members) == 0 {
		return append(dst, '}')
	}
	if !sorted {
		d.reorder(dst, start, members)
	}
	dst[len(dst)-1] = '}'
	return dst
}

// reorder sorts the members that were written to text from start on, each with a comma after it.
func (d *Decoder) reorder(text []byte, start int, members []member) {
	var few [membersAtHand]int
	ends := few[:0]
	for i := range members {
		end := len(text)
		if i+1 < len(members) {
			end = members[i+1].at
		}
		ends = append(ends, end)
		members[i].at = i
	}
	sortMembers(members, bytewiseBefore)
	if d.scratch == nil {
		d.scratch = make([]byte, 0, textSize(d.data))
	}
	d.scratch = d.scratch[:0]
	for _, m := range members {
		from := start
		if m.at > 0 {
			from = ends[m.at-1]
		}
		d.scratch = append(d.scratch, text[from:ends[m.at]]...)
	}
	copy(text[start:], d.scratch)
}

// appendFloatText writes a floating-point number so that it reads back as one.
func appendFloatText(dst []byte, v float64) []byte {
	if math.IsNaN(v) || math.IsInf(v, 0) {
		// Validate refuses these; null keeps the text well-formed for callers that skipped it.
		return append(dst, "null"...)
	}
	start := len(dst)
	format := byte('f')
	if abs := math.Abs(v); abs != 0 && (abs < 1e-6 || abs >= 1e21) {
		format = 'e'
	}
	dst = strconv.AppendFloat(dst, v, format, -1, 64)
	for _, c := range dst[start:] {
		if c == '.' || c == 'e' {
			return dst
		}
	}
	return append(dst, ".0"...)
}

const hexDigits = "0123456789abcdef"

// AppendQuoted appends text as a JSON string.
func AppendQuoted(dst []byte, s string) []byte {
	dst = append(dst, '"')
	start := 0
	for i := range len(s) {
		c := s[i]
		if c >= 0x20 && c != '"' && c != '\\' {
			continue
		}
		dst = append(dst, s[start:i]...)
		start = i + 1
		switch c {
		case '"', '\\':
			dst = append(dst, '\\', c)
		case '\n':
			dst = append(dst, `\n`...)
		case '\r':
			dst = append(dst, `\r`...)
		case '\t':
			dst = append(dst, `\t`...)
		case '\b':
			dst = append(dst, `\b`...)
		case '\f':
			dst = append(dst, `\f`...)
		default:
			dst = append(dst, '\\', 'u', '0', '0', hexDigits[c>>4], hexDigits[c&15])
		}
	}
	return append(append(dst, s[start:]...), '"')
}

// FromJSON appends the deterministic CBOR of a JSON text. A number without fraction and exponent is
// an integer. Double keys, integers and numbers out of range, invalid UTF-8, lone surrogates and
// nesting beyond maxDepth are errors that satisfy [IsMalformed].
func FromJSON(dst, src []byte, maxDepth int) ([]byte, error) {
	p := jsonReader{Decoder: Decoder{data: src}, maxDepth: maxDepth}
	dst = p.value(dst, 0)
	p.space()
	if err := p.Finish(); err != nil {
		return nil, err
	}
	return dst, nil
}

type jsonReader struct {
	Decoder
	maxDepth int
}

func (p *jsonReader) space() {
	for p.pos < len(p.data) {
		switch p.data[p.pos] {
		case ' ', '\t', '\n', '\r':
			p.pos++
		default:
			return
		}
	}
}

// next skips white space and returns the byte after it without reading it, or 0 at the end.
func (p *jsonReader) next() byte {
	p.space()
	if p.pos < len(p.data) && p.err == nil {
		return p.data[p.pos]
	}
	return 0
}

func (p *jsonReader) value(dst []byte, depth int) []byte {
	c := p.next()
	switch {
	case p.err != nil:
	case c == '{':
		return p.object(dst, depth+1)
	case c == '[':
		return p.array(dst, depth+1)
	case c == '"':
		return p.string(dst)
	case c == 't':
		return AppendBool(dst, p.literal("true"))
	case c == 'f':
		p.literal("false")
		return AppendBool(dst, false)
	case c == 'n':
		p.literal("null")
		return AppendNull(dst)
	case c == '-' || c >= '0' && c <= '9':
		return p.number(dst)
	case p.pos >= len(p.data):
		p.Fail("the message ends early")
	default:
		p.Fail("a value cannot begin with " + strconv.QuoteRune(rune(c)))
	}
	return dst
}

func (p *jsonReader) literal(want string) bool {
	if p.remaining() < len(want) || text(p.data[p.pos:p.pos+len(want)]) != want {
		p.Fail("want " + want)
		return false
	}
	p.pos += len(want)
	return true
}

func (p *jsonReader) enter(depth int) bool {
	if depth > p.maxDepth {
		p.Fail("arrays and objects nest deeper than " + strconv.Itoa(p.maxDepth))
		return false
	}
	p.pos++
	return true
}

// separator reads the comma before an item, or the closing byte, and says whether an item follows.
func (p *jsonReader) separator(i int, closing byte) bool {
	c := p.next()
	switch {
	case p.err != nil:
		return false
	case c == closing:
		p.pos++
		return false
	case i == 0:
		return true
	case c != ',':
		p.Fail("want a comma or " + string(closing))
		return false
	}
	p.pos++
	return true
}

func (p *jsonReader) array(dst []byte, depth int) []byte {
	if !p.enter(depth) {
		return dst
	}
	var items []byte
	n := 0
	for p.separator(n, ']') {
		if items = p.value(items, depth); p.err != nil {
			p.AtIndex(n)
			return dst
		}
		n++
	}
	return append(AppendArrayHeader(dst, n), items...)
}

func (p *jsonReader) object(dst []byte, depth int) []byte {
	if !p.enter(depth) {
		return dst
	}
	type member struct {
		key        string
		start, end int
	}
	var members []member
	var content []byte
	for p.separator(len(members), '}') {
		if p.next() != '"' {
			p.Fail("want a key in double quotes")
			return dst
		}
		start := len(content)
		content = p.string(content)
		if p.err != nil {
			return dst
		}
		key := Decoder{data: content[start:]}
		name := string([]byte(key.String()))
		if p.next() != ':' {
			p.Fail("want a colon after a key")
			return dst
		}
		p.pos++
		if content = p.value(content, depth); p.err != nil {
			p.At(name)
			return dst
		}
		members = append(members, member{name, start, len(content)})
	}
	slices.SortFunc(members, func(a, b member) int { return KeyOrder(a.key, b.key) })
	dst = AppendObjectHeader(dst, len(members))
	for i, m := range members {
		if i > 0 && members[i-1].key == m.key {
			p.Fail("the key " + strconv.Quote(m.key) + " is a duplicate")
		}
		dst = append(dst, content[m.start:m.end]...)
	}
	return dst
}

func (p *jsonReader) number(dst []byte) []byte {
	start := p.pos
	digits := func() bool {
		from := p.pos
		for p.pos < len(p.data) && p.data[p.pos] >= '0' && p.data[p.pos] <= '9' {
			p.pos++
		}
		return p.pos > from
	}
	peek := func(set string) bool {
		if p.pos >= len(p.data) {
			return false
		}
		for i := range len(set) {
			if p.data[p.pos] == set[i] {
				return true
			}
		}
		return false
	}
	negative := peek("-")
	if negative {
		p.pos++
	}
	leadingZero := peek("0")
	from := p.pos
	ok := digits() && (!leadingZero || p.pos-from == 1)
	integer := true
	if ok && peek(".") {
		integer = false
		p.pos++
		ok = digits()
	}
	if ok && peek("eE") {
		integer = false
		p.pos++
		if peek("+-") {
			p.pos++
		}
		ok = digits()
	}
	literal := text(p.data[start:p.pos])
	if !ok {
		p.Fail("a number is not well-formed")
		return dst
	}
	if integer && literal != "-0" {
		return p.integer(dst, literal, negative)
	}
	v, err := strconv.ParseFloat(literal, 64)
	if err != nil {
		p.Fail("the number " + literal + " is out of range")
		return dst
	}
	return AppendFloat(dst, v)
}

func (p *jsonReader) integer(dst []byte, literal string, negative bool) []byte {
	if negative {
		v, err := strconv.ParseInt(literal, 10, 64)
		if err != nil {
			p.Fail("the integer " + literal + " is out of range")
		}
		return AppendInt(dst, v)
	}
	v, err := strconv.ParseUint(literal, 10, 64)
	if err != nil {
		p.Fail("the integer " + literal + " is out of range")
	}
	return AppendUint(dst, v)
}

func (p *jsonReader) string(dst []byte) []byte {
	p.pos++
	var unescaped []byte
	start := p.pos
	for p.pos < len(p.data) {
		c := p.data[p.pos]
		switch {
		case c == '"':
			s := p.data[start:p.pos]
			if unescaped != nil {
				unescaped = append(unescaped, s...)
				s = unescaped
			}
			if !utf8.Valid(s) {
				p.Fail("text is not valid UTF-8")
				return dst
			}
			p.pos++
			return AppendString(dst, text(s))
		case c < 0x20:
			p.Fail("a control character in text must be escaped")
			return dst
		case c == '\\':
			unescaped = append(unescaped, p.data[start:p.pos]...)
			if unescaped = p.escape(unescaped); p.err != nil {
				return dst
			}
			if unescaped == nil {
				unescaped = []byte{}
			}
			start = p.pos
		default:
			p.pos++
		}
	}
	p.Fail("the message ends inside text")
	return dst
}

func (p *jsonReader) escape(dst []byte) []byte {
	p.pos++
	if p.pos >= len(p.data) {
		p.Fail("the message ends inside text")
		return dst
	}
	c := p.data[p.pos]
	p.pos++
	switch c {
	case '"', '\\', '/':
		return append(dst, c)
	case 'n':
		return append(dst, '\n')
	case 't':
		return append(dst, '\t')
	case 'r':
		return append(dst, '\r')
	case 'b':
		return append(dst, '\b')
	case 'f':
		return append(dst, '\f')
	case 'u':
		r := p.hex4()
		if utf16.IsSurrogate(r) {
			if p.remaining() < 6 || p.data[p.pos] != '\\' || p.data[p.pos+1] != 'u' {
				p.Fail("a lone surrogate is not text")
				return dst
			}
			p.pos += 2
			if r = utf16.DecodeRune(r, p.hex4()); r == utf8.RuneError {
				p.Fail("a lone surrogate is not text")
				return dst
			}
		}
		return utf8.AppendRune(dst, r)
	}
	p.Fail("an escape cannot be \\" + string(rune(c)))
	return dst
}

func (p *jsonReader) hex4() rune {
	if p.remaining() < 4 {
		p.Fail("the message ends inside text")
		return 0
	}
	v, err := strconv.ParseUint(text(p.data[p.pos:p.pos+4]), 16, 16)
	if err != nil {
		p.Fail("an escape needs four hexadecimal digits")
		return 0
	}
	p.pos += 4
	return rune(v)
}
