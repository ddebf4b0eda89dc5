package yamldoc

import (
	"strconv"
	"unicode/utf16"
	"unicode/utf8"
)

// parseJSON reads one JSON text (RFC 8259).
func parseJSON(data []byte, limits budget) (*Node, *Fault) {
	r := jsonReader{src: string(data), budget: limits, at: Place{1, 1}}
	n := r.value(0)
	if r.fault != nil {
		return nil, r.fault
	}
	if r.space(); r.pos < len(r.src) {
		r.fail("text follows the end of the document; several documents in JSON go into one list")
	}
	return n, r.fault
}

// jsonReader reads JSON and knows the place of every value. After the first fault it reads nothing
// more.
type jsonReader struct {
	src string
	pos int
	budget
	fault *Fault
	// at is the place of the offset marked; places are asked for in ascending order.
	at     Place
	marked int
}

// here returns the place of the present offset.
func (r *jsonReader) here() Place {
	for _, c := range r.src[r.marked:r.pos] {
		if c == '\n' {
			r.at = Place{r.at.Line + 1, 1}
			continue
		}
		r.at.Column++
	}
	r.marked = r.pos
	return r.at
}

func (r *jsonReader) fail(message string) {
	if r.fault == nil {
		r.fault = &Fault{Place: r.here(), Message: message}
	}
}

func (r *jsonReader) space() {
	for r.pos < len(r.src) {
		switch r.src[r.pos] {
		case ' ', '\t', '\n', '\r':
			r.pos++
		default:
			return
		}
	}
}

// next skips white space and returns the byte after it without reading it, or 0 at the end.
func (r *jsonReader) next() byte {
	r.space()
	if r.fault == nil && r.pos < len(r.src) {
		return r.src[r.pos]
	}
	return 0
}

func (r *jsonReader) value(depth int) *Node {
	c := r.next()
	n := &Node{Place: r.here()}
	if c == '{' || c == '[' {
		depth++
	}
	if wrong := r.spend(depth); wrong != "" {
		r.fail(wrong)
	}
	switch {
	case r.fault != nil:
	case r.pos == len(r.src):
		r.fail("the document ends early")
	case c == '{':
		r.mapping(n, depth)
	case c == '[':
		r.list(n, depth)
	case c == '"':
		n.Kind, n.Text = Text, r.text()
	case c == 't':
		n.Kind, n.Text = Bool, r.literal("true")
	case c == 'f':
		n.Kind, n.Text = Bool, r.literal("false")
	case c == 'n':
		r.literal("null")
	case c == '-' || c >= '0' && c <= '9':
		n.Kind, n.Text = r.number()
	default:
		c, _ := utf8.DecodeRuneInString(r.src[r.pos:])
		r.fail("a value cannot begin with " + strconv.QuoteRune(c))
	}
	return n
}

func (r *jsonReader) literal(want string) string {
	if len(r.src)-r.pos < len(want) || r.src[r.pos:r.pos+len(want)] != want {
		r.fail("invalid value; did you mean " + want + "?")
	}
	r.pos += len(want)
	return want
}

// separator reads what is in front of an item, or the closing byte, and says whether an item
// follows.
func (r *jsonReader) separator(i int, closing byte) bool {
	c := r.next()
	switch {
	case r.fault != nil:
		return false
	case c == closing:
		r.pos++
		return false
	case i == 0:
		return true
	case c != ',':
		r.fail("want a comma or " + string(closing))
		return false
	}
	r.pos++
	return true
}

func (r *jsonReader) list(n *Node, depth int) {
	n.Kind = List
	r.pos++
	for r.separator(len(n.Items), ']') {
		n.Items = append(n.Items, r.value(depth))
	}
}

func (r *jsonReader) mapping(n *Node, depth int) {
	n.Kind = Map
	r.pos++
	for i := 0; r.separator(i, '}'); i++ {
		if r.next() != '"' {
			r.fail("want a key in double quotes")
			return
		}
		m := Member{Place: r.here()}
		m.Key = r.text()
		if r.next() != ':' {
			r.fail("want a colon after the key")
			return
		}
		r.pos++
		m.Value = r.value(depth)
		if r.fault == nil {
			n.add(m)
		}
	}
}

func (r *jsonReader) number() (Kind, string) {
	start := r.pos
	if r.src[r.pos] == '-' {
		r.pos++
	}
	whole := r.digits()
	ok := whole == 1 || whole > 1 && r.src[r.pos-whole] != '0'
	kind := Int
	if ok && r.peek('.', '.') {
		kind = Float
		r.pos++
		ok = r.digits() > 0
	}
	if ok && r.peek('e', 'E') {
		kind = Float
		if r.pos++; r.peek('+', '-') {
			r.pos++
		}
		ok = r.digits() > 0
	}
	text := r.src[start:r.pos]
	if !ok {
		r.fail("the number is not well-formed")
	}
	if text == "-0" {
		// Only a floating-point zero has a sign.
		kind = Float
	}
	return kind, text
}

func (r *jsonReader) digits() int {
	start := r.pos
	for r.pos < len(r.src) && r.src[r.pos] >= '0' && r.src[r.pos] <= '9' {
		r.pos++
	}
	return r.pos - start
}

func (r *jsonReader) peek(a, b byte) bool {
	return r.pos < len(r.src) && (r.src[r.pos] == a || r.src[r.pos] == b)
}

func (r *jsonReader) text() string {
	r.pos++
	start := r.pos
	var unescaped []byte
	escaped := false
	for r.fault == nil && r.pos < len(r.src) {
		switch c := r.src[r.pos]; {
		case c == '"':
			s := r.src[start:r.pos]
			r.pos++
			if escaped {
				return string(append(unescaped, s...))
			}
			return s
		case c < 0x20:
			r.fail("a line break, tab or other control character in text must be escaped, such as \\n")
		case c == '\\':
			escaped = true
			unescaped = r.escape(append(unescaped, r.src[start:r.pos]...))
			start = r.pos
		default:
			r.pos++
		}
	}
	r.fail("the document ends inside text; a double quote is missing")
	return ""
}

// escape reads one escape and appends what it means.
func (r *jsonReader) escape(dst []byte) []byte {
	if r.pos+1 >= len(r.src) {
		r.pos = len(r.src)
		return dst
	}
	c := r.src[r.pos+1]
	switch c {
	case '"', '\\', '/':
	case 'n':
		c = '\n'
	case 't':
		c = '\t'
	case 'r':
		c = '\r'
	case 'b':
		c = '\b'
	case 'f':
		c = '\f'
	case 'u':
		return r.unicode(dst)
	default:
		r.fail("the escape begins like none that JSON has; write \\\\ for a backslash")
		return dst
	}
	r.pos += 2
	return append(dst, c)
}

func (r *jsonReader) unicode(dst []byte) []byte {
	c, ok := hex4(r.src[r.pos:])
	if !ok {
		r.fail("the escape \\u needs four hexadecimal digits")
		return dst
	}
	size := 6
	if utf16.IsSurrogate(c) {
		// ReplacementChar is what DecodeRune answers for a pair that is not one.
		low, _ := hex4(r.src[r.pos+6:])
		if c = utf16.DecodeRune(c, low); c == utf8.RuneError {
			r.fail("the escape is half of a surrogate pair, which is not text")
			return dst
		}
		size = 12
	}
	r.pos += size
	return utf8.AppendRune(dst, c)
}

// hex4 reads an escape such as \u00e9 from the start of s.
func hex4(s string) (rune, bool) {
	if len(s) < 6 || s[0] != '\\' || s[1] != 'u' {
		return 0, false
	}
	v, err := strconv.ParseUint(s[2:6], 16, 16)
	return rune(v), err == nil
}
