package kind

import (
	"encoding/json"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/latticenet/lattice-host/abi/cbor"
)

// Violation is one thing in a document that its schema does not allow.
type Violation struct {
	// Field is the path below the value that was checked, with dots; empty for the value itself.
	Field string
	// Message says what is wrong and what to do. It is empty for an unknown key: then Key is that,
	// and Known has the keys that there are.
	Message string
	Key     string
	Known   []string
}

// maxViolations is how many violations of one document are reported.
const maxViolations = 1000

// Check returns what a schema has against a value, a valid item, in the order of the value.
func (s *Schema) Check(value cbor.Raw) []Violation {
	c := &checker{}
	c.value(s, value, nil)
	return c.violations
}

// Limits returns the values that break a limit, an enumeration or a pattern: what a program that
// read the value into its own type has not seen. Types and keys are not looked at, nor are empty
// strings, which are fields that are absent.
func (s *Schema) Limits(value cbor.Raw) []Violation {
	c := &checker{limitsOnly: true}
	c.value(s, value, nil)
	return c.violations
}

type checker struct {
	limitsOnly bool
	violations []Violation
}

// step is the way from the top to a value.
type step struct {
	parent *step
	name   string
}

func (s *step) String() string {
	if s == nil {
		return ""
	}
	if s.parent == nil {
		return s.name
	}
	return s.parent.String() + "." + s.name
}

func (c *checker) fail(at *step, message string) {
	if len(c.violations) < maxViolations {
		c.violations = append(c.violations, Violation{Field: at.String(), Message: message})
	}
}

// The major types of CBOR (RFC 8949, section 3.1).
const (
	majorUint = iota
	majorNegative
	majorBytes
	majorText
	majorArray
	majorMap
	majorTag
	majorSimple
)

// The initial bytes of the simple values (RFC 8949, section 3.3).
const (
	simpleFalse = 0xf4
	simpleTrue  = 0xf5
	simpleNull  = 0xf6
)

func major(value cbor.Raw) byte { return value[0] >> 5 }

func isNumber(value cbor.Raw) bool {
	return isInteger(value) || major(value) == majorSimple && value[0] > simpleNull
}

func isInteger(value cbor.Raw) bool { return major(value) <= majorNegative }

func isBool(value cbor.Raw) bool { return value[0] == simpleTrue || value[0] == simpleFalse }

func (c *checker) value(s *Schema, value cbor.Raw, at *step) {
	want := ""
	switch {
	case s.IntOrString:
		if !isInteger(value) && major(value) != majorText {
			want = "an integer or a string"
			break
		}
		c.text(s, value, at)
	case s.Type == TypeObject:
		if major(value) != majorMap {
			want = "a mapping"
			break
		}
		c.object(s, value, at)
	case s.Type == TypeArray:
		if major(value) != majorArray {
			want = "a list"
			break
		}
		c.list(s, value, at)
	case s.Type == TypeString:
		if major(value) != majorText {
			want = "a string"
			break
		}
		c.text(s, value, at)
	case s.Type == TypeBoolean:
		if !isBool(value) {
			want = "true or false"
		}
	case s.Type == TypeInteger:
		if !isInteger(value) {
			want = "an integer"
			break
		}
		c.number(s, value, at)
	case s.Type == TypeNumber:
		if !isNumber(value) {
			want = "a number"
			break
		}
		c.number(s, value, at)
	}
	if want != "" && !c.limitsOnly {
		c.mismatch(value, at, want)
	}
}

func (c *checker) mismatch(value cbor.Raw, at *step, want string) {
	message := "want " + want + ", got " + describe(value)
	switch {
	case want == "a string" && (isNumber(value) || isBool(value)):
		message += "; put it in quotes: " + strconv.Quote(jsonText(value))
	case (want == "an integer" || want == "a number") && major(value) == majorText && numeric(textOf(value)):
		message += "; remove the quotes"
	}
	c.fail(at, message)
}

func numeric(s string) bool {
	_, err := strconv.ParseInt(s, 10, 64)
	return err == nil
}

func (c *checker) object(s *Schema, value cbor.Raw, at *step) {
	d := cbor.NewDecoder(value)
	n := d.Object()
	if s.Properties == nil || s.Free {
		c.size(n, s.MinProperties, s.MaxProperties, at, "entry", "entries")
	}
	key := ""
	var present []string
	for i := range n {
		key = d.Key(i, key)
		item := d.Raw()
		next := &step{at, key}
		switch property := s.Properties[key]; {
		case property != nil:
			present = append(present, key)
			c.value(property, item, next)
		case s.Values != nil:
			c.value(s.Values, item, next)
		case s.Free || c.limitsOnly:
		default:
			if len(c.violations) < maxViolations {
				c.violations = append(c.violations, Violation{Field: next.String(), Key: key, Known: s.Names()})
			}
		}
	}
	if c.limitsOnly {
		return
	}
	for _, name := range s.Required {
		if !slices.Contains(present, name) {
			c.fail(&step{at, name}, "is missing; it is required here")
		}
	}
}

func (c *checker) list(s *Schema, value cbor.Raw, at *step) {
	d := cbor.NewDecoder(value)
	n := d.Array()
	c.size(n, s.MinItems, s.MaxItems, at, "item", "items")
	for i := range n {
		item, next := d.Raw(), &step{at, strconv.Itoa(i)}
		if item[0] == simpleNull && s.Items.Type != TypeAny {
			if !c.limitsOnly {
				c.fail(next, "the item is empty; give it a value or remove it")
			}
			continue
		}
		c.value(s.Items, item, next)
	}
}

// size checks how many there are.
func (c *checker) size(n int, least, most *int, at *step, one, many string) {
	switch {
	case least != nil && n < *least && !c.limitsOnly:
		c.fail(at, "needs at least "+count(*least, one, many)+", has "+strconv.Itoa(n))
	case most != nil && n > *most:
		c.fail(at, "can have at most "+count(*most, one, many)+", has "+strconv.Itoa(n))
	}
}

// count writes a number with its unit: "1 entry", "2 entries".
func count(n int, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return strconv.Itoa(n) + " " + many
}

func (c *checker) text(s *Schema, value cbor.Raw, at *step) {
	if major(value) != majorText {
		return
	}
	text := textOf(value)
	switch length := utf8.RuneCountInString(text); {
	case text == "" && c.limitsOnly:
	case len(s.Enum) > 0 && !slices.Contains(s.Enum, text):
		c.fail(at, "must be "+alternatives(s.Enum)+", not "+quote(text))
	case s.MinLength != nil && length < *s.MinLength:
		if length == 0 {
			c.fail(at, "is empty; give it a value")
			return
		}
		c.fail(at, "needs at least "+strconv.Itoa(*s.MinLength)+" characters, has "+strconv.Itoa(length))
	case s.MaxLength != nil && length > *s.MaxLength:
		c.fail(at, "can have at most "+strconv.Itoa(*s.MaxLength)+" characters, has "+strconv.Itoa(length))
	case s.pattern != nil && !s.pattern.MatchString(text):
		c.fail(at, "must match "+s.Pattern+", not "+quote(text))
	}
}

// alternatives lists the values of an enumeration: "a, b or c".
func alternatives(values []string) string {
	last := len(values) - 1
	if last == 0 {
		return values[0]
	}
	return strings.Join(values[:last], ", ") + " or " + values[last]
}

func (c *checker) number(s *Schema, value cbor.Raw, at *step) {
	if !isNumber(value) {
		return
	}
	n := cbor.NewDecoder(value).Float()
	if (s.Minimum == nil || n >= *s.Minimum) && (s.Maximum == nil || n <= *s.Maximum) {
		return
	}
	c.fail(at, "must be "+rangeText(s.Minimum, s.Maximum)+", not "+jsonText(value))
}

func rangeText(least, most *float64) string {
	text := func(n *float64) string { return strconv.FormatFloat(*n, 'f', -1, 64) }
	switch {
	case least == nil:
		return "at most " + text(most)
	case most == nil:
		return "at least " + text(least)
	}
	return "from " + text(least) + " to " + text(most)
}

func textOf(value cbor.Raw) string { return cbor.NewDecoder(value).String() }

func jsonText(value cbor.Raw) string {
	// A valid item always has a form in JSON.
	text, err := cbor.ToJSON(nil, value)
	if err != nil {
		return ""
	}
	return string(text)
}

// describe names a value for a message.
func describe(value cbor.Raw) string {
	switch {
	case major(value) == majorText:
		return "the string " + quote(textOf(value))
	case major(value) == majorArray:
		return "a list"
	case major(value) == majorMap:
		return "a mapping"
	case isBool(value):
		return "the boolean " + jsonText(value)
	case value[0] == simpleNull:
		return "nothing"
	}
	return "the number " + jsonText(value)
}

// quote puts text in quotes, shortened to 80 characters.
func quote(s string) string {
	if utf8.RuneCountInString(s) > 80 {
		s = string([]rune(s)[:80]) + "…"
	}
	return strconv.Quote(s)
}

// matches reports whether a value meets a condition. A condition says nothing about values of other
// types than it is for.
func (s *Schema) matches(value cbor.Raw) bool {
	c := &checker{}
	switch major(value) {
	case majorText:
		c.text(s, value, nil)
	case majorArray:
		d := cbor.NewDecoder(value)
		n := d.Array()
		c.size(n, s.MinItems, s.MaxItems, nil, "", "")
		for range n {
			if item := d.Raw(); s.Items != nil && !s.Items.matches(item) {
				return false
			}
		}
	case majorMap:
		c.size(cbor.NewDecoder(value).Object(), s.MinProperties, s.MaxProperties, nil, "", "")
		if !s.hasKeys(value) {
			return false
		}
	default:
		c.number(s, value, nil)
	}
	if len(s.Enum) > 0 && major(value) != majorText || s.Const != nil && (!isBool(value) || *s.Const != (value[0] == simpleTrue)) {
		return false
	}
	return len(c.violations) == 0 && s.logic(value)
}

func (s *Schema) hasKeys(value cbor.Raw) bool {
	for _, name := range s.Required {
		if cbor.Lookup(value, name) == nil {
			return false
		}
	}
	for name, property := range s.Properties {
		if item := cbor.Lookup(value, name); item != nil && !property.matches(item) {
			return false
		}
	}
	return true
}

func (s *Schema) logic(value cbor.Raw) bool {
	matches := func(o *Schema) bool { return o.matches(value) }
	return (s.AnyOf == nil || slices.ContainsFunc(s.AnyOf, matches)) &&
		!slices.ContainsFunc(s.AllOf, func(o *Schema) bool { return !matches(o) }) &&
		(s.Not == nil || !matches(s.Not))
}

// defaultOf checks a default against its own schema.
func (p *parser) defaultOf(s *Schema, at string) {
	value, err := cbor.FromJSON(nil, s.Default, maxSchemaDepth)
	if err != nil || !json.Valid(s.Default) {
		p.fail(at+".default", "is not a value")
		return
	}
	for _, v := range s.Check(value) {
		message := v.Message
		if message == "" {
			message = "is not a known field"
		}
		if v.Field != "" {
			message = v.Field + " " + message
		}
		p.fail(at+".default", "breaks its own schema: "+message)
	}
}
