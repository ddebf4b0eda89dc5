package kind

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"math"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// The types that a schema can name. A value of [TypeAny] may be anything, and is kept as it is.
const (
	TypeObject  = "object"
	TypeArray   = "array"
	TypeString  = "string"
	TypeInteger = "integer"
	TypeNumber  = "number"
	TypeBoolean = "boolean"
	TypeAny     = ""
)

// The limits that a list, a map and a string have when their schema names no other ones, so that
// every value has one.
const (
	DefaultMaxItems      = 1024
	DefaultMaxProperties = 1024
	DefaultMaxLength     = 4096
)

// maxNodes is how many schemas one schema holds after its references are replaced by what they lead
// to.
const maxNodes = 20_000

// maxSchemaDepth is how deep schemas nest; documents nest at most as deep.
const maxSchemaDepth = 32

// Schema is the part of JSON Schema (draft 2020-12) that is also a structural schema of Kubernetes
// (kubernetes.io/docs/tasks/extend-kubernetes/custom-resources, "Specifying a structural schema").
// A Schema does not change.
type Schema struct {
	// Description says what a value is for.
	Description string
	// Type is one of the Type constants.
	Type string
	// Properties are the known keys of an object. An object without them is a map of Values.
	Properties map[string]*Schema
	// Required are the keys that an object must have, sorted.
	Required []string
	// Values is the schema of a map's values, Items that of a list's items.
	Values, Items *Schema
	// Free says that an object takes keys that are not among its properties.
	Free bool
	// IntOrString takes a string and an integer.
	IntOrString bool
	// Enum are the only values that a string may have.
	Enum []string
	// Const is the only value that a boolean may have, in the condition of a rule.
	Const *bool
	// Default is the JSON of what the host fills in; nil for nothing.
	Default json.RawMessage
	// Pattern is what a string must match: a regular expression of RE2.
	Pattern string
	pattern *regexp.Regexp
	// Minimum and Maximum bound a number.
	Minimum, Maximum *float64
	// MinLength and MaxLength bound the characters of a string.
	MinLength, MaxLength *int
	// MinItems and MaxItems bound a list, MinProperties and MaxProperties the keys of an object.
	MinItems, MaxItems, MinProperties, MaxProperties *int

	// AnyOf, AllOf and Not stand in the conditions of rules only.
	AnyOf, AllOf []*Schema
	Not          *Schema
}

// IsMap reports whether the schema is that of an object with free keys.
func (s *Schema) IsMap() bool { return s.Type == TypeObject && s.Values != nil }

// Names returns the known keys of an object, sorted.
func (s *Schema) Names() []string { return slices.Sorted(maps.Keys(s.Properties)) }

// TypeText names the type for people, such as "map of string" or "list of object".
func (s *Schema) TypeText() string {
	switch {
	case s.IntOrString:
		return "integer or string"
	case s.IsMap():
		return "map of " + s.Values.TypeText()
	case s.Type == TypeArray:
		return "list of " + s.Items.TypeText()
	case s.Type == TypeAny:
		return "any"
	}
	return s.Type
}

// element returns what a list, a map, or a list of maps holds, through all levels.
func (s *Schema) element() *Schema {
	for {
		switch {
		case s.IsMap():
			s = s.Values
		case s.Type == TypeArray:
			s = s.Items
		default:
			return s
		}
	}
}

// parser reads a schema and collects everything that is wrong with it.
type parser struct {
	defs  map[string]json.RawMessage
	open  []string
	nodes int
	// condition says that the schema is one of a rule, which constrains values and describes none.
	condition bool
	problems  []error
}

// ParseSchema reads the schema of a spec from JSON. The error joins everything that is wrong, each
// with its place.
func ParseSchema(data []byte) (*Schema, error) { return parseSchema(data, false) }

func parseSchema(data []byte, condition bool) (*Schema, error) {
	p := &parser{condition: condition}
	members, err := objectOf(data)
	if err != nil {
		return nil, fmt.Errorf("schema: %w", err)
	}
	if draft, ok := members["$schema"]; ok && string(draft) != strconv.Quote(draft2020) {
		p.fail("schema.$schema", "must be "+draft2020)
	}
	for _, ignored := range []string{"$schema", "$id", "title"} {
		delete(members, ignored)
	}
	if defs, ok := members["$defs"]; ok {
		if p.defs, err = objectOf(defs); err != nil {
			p.fail("schema.$defs", err.Error())
		}
		delete(members, "$defs")
	}
	s := p.members(members, "schema", 0)
	if !condition && len(p.problems) == 0 && (s.Type != TypeObject || s.IsMap()) {
		p.fail("schema", "must be that of an object with properties: it describes the spec of a document")
	}
	if len(p.problems) > 0 {
		return nil, joined(p.problems)
	}
	return s, nil
}

const draft2020 = "https://json-schema.org/draft/2020-12/schema"

func objectOf(data json.RawMessage) (map[string]json.RawMessage, error) {
	var members map[string]json.RawMessage
	if err := json.Unmarshal(data, &members); err != nil || members == nil {
		return nil, errNotObject
	}
	return members, nil
}

func (p *parser) fail(at, message string) {
	p.problems = append(p.problems, fmt.Errorf("%s: %s", at, message))
}

func (p *parser) schema(data json.RawMessage, at string, depth int) *Schema {
	members, err := objectOf(data)
	if err != nil {
		p.fail(at, "must be a schema, which is an object")
		return &Schema{Free: true}
	}
	return p.members(members, at, depth)
}

func (p *parser) members(members map[string]json.RawMessage, at string, depth int) *Schema {
	if p.nodes++; p.nodes > maxNodes {
		if p.nodes == maxNodes+1 {
			p.fail(at, "the schema grows to more than "+strconv.Itoa(maxNodes)+" schemas; use fewer references")
		}
		return &Schema{Free: true}
	}
	if depth > maxSchemaDepth {
		p.fail(at, "schemas nest deeper than "+strconv.Itoa(maxSchemaDepth))
		return &Schema{Free: true}
	}
	if ref, ok := members["$ref"]; ok {
		return p.reference(members, ref, at, depth)
	}
	s := new(Schema)
	for _, key := range slices.Sorted(maps.Keys(members)) {
		p.keyword(s, key, members[key], at, depth)
	}
	if !p.condition {
		p.complete(s, at)
	}
	return s
}

// reference replaces a reference by the definition that it names. A description next to it
// describes the use.
func (p *parser) reference(members map[string]json.RawMessage, ref json.RawMessage, at string, depth int) *Schema {
	var target string
	name, local := "", false
	if err := json.Unmarshal(ref, &target); err == nil {
		name, local = strings.CutPrefix(target, "#/$defs/")
	}
	definition, known := p.defs[name]
	switch {
	case !local || !known:
		p.fail(at+".$ref", strconv.Quote(target)+" must be #/$defs/NAME for a definition of the same schema")
		return &Schema{Free: true}
	case slices.Contains(p.open, name):
		p.fail(at+".$ref", strconv.Quote(target)+" is recursive: the definition contains itself, which a structural schema of Kubernetes cannot; "+
			"write the levels out, or use x-kubernetes-preserve-unknown-fields")
		return &Schema{Free: true}
	}
	p.open = append(p.open, name)
	s := p.schema(definition, at, depth+1)
	p.open = p.open[:len(p.open)-1]
	for _, key := range slices.Sorted(maps.Keys(members)) {
		switch key {
		case "$ref":
		case "description", "default":
			p.keyword(s, key, members[key], at, depth)
		default:
			p.fail(at+"."+key, "cannot stand next to $ref; put it into the definition")
		}
	}
	return s
}

// keyword reads one keyword into s.
func (p *parser) keyword(s *Schema, key string, value json.RawMessage, at string, depth int) {
	here := at + "." + key
	switch key {
	case "description":
		p.into(&s.Description, value, here, "a string")
	case "title", "$comment", "examples":
		// Words for people, which nothing depends on.
	case "type":
		p.typeOf(s, value, here)
	case "properties":
		p.properties(s, value, here, depth)
	case "required":
		p.into(&s.Required, value, here, "a list of strings")
		slices.Sort(s.Required)
	case "additionalProperties":
		p.additional(s, value, here, depth)
	case "items":
		s.Items = p.schema(value, here, depth+1)
	case "enum":
		p.into(&s.Enum, value, here, "a list of strings: other values have no enumeration")
	case "const":
		if p.condition && (string(value) == "true" || string(value) == "false") {
			p.into(&s.Const, value, here, "true or false")
			return
		}
		s.Enum = make([]string, 1)
		p.into(&s.Enum[0], value, here, "a string")
	case "default":
		var b bytes.Buffer
		// What is not JSON was not read.
		_ = json.Compact(&b, value)
		s.Default = b.Bytes()
	case "pattern":
		p.into(&s.Pattern, value, here, "a string")
		var err error
		if s.pattern, err = regexp.Compile(s.Pattern); err != nil {
			p.fail(here, "is not a regular expression of RE2: "+err.Error())
		}
	case "minimum":
		p.into(&s.Minimum, value, here, "a number")
	case "maximum":
		p.into(&s.Maximum, value, here, "a number")
	case "minLength":
		p.count(&s.MinLength, value, here)
	case "maxLength":
		p.count(&s.MaxLength, value, here)
	case "minItems":
		p.count(&s.MinItems, value, here)
	case "maxItems":
		p.count(&s.MaxItems, value, here)
	case "minProperties":
		p.count(&s.MinProperties, value, here)
	case "maxProperties":
		p.count(&s.MaxProperties, value, here)
	case "x-kubernetes-preserve-unknown-fields":
		p.into(&s.Free, value, here, "true or false")
	case "x-kubernetes-int-or-string":
		p.into(&s.IntOrString, value, here, "true or false")
	case "anyOf", "allOf", "not":
		p.logic(s, key, value, here, depth)
	default:
		p.fail(here, "is not a keyword that a schema of a kind can have")
	}
}

func (p *parser) logic(s *Schema, key string, value json.RawMessage, here string, depth int) {
	if !p.condition {
		p.fail(here, "is for the rules of a kind; a field has one type and one form")
		return
	}
	if key == "not" {
		s.Not = p.schema(value, here, depth+1)
		return
	}
	var list []json.RawMessage
	p.into(&list, value, here, "a list of schemas")
	schemas := make([]*Schema, len(list))
	for i, item := range list {
		schemas[i] = p.schema(item, here+"."+strconv.Itoa(i), depth+1)
	}
	if key == "anyOf" {
		s.AnyOf = schemas
		return
	}
	s.AllOf = schemas
}

func (p *parser) typeOf(s *Schema, value json.RawMessage, here string) {
	if p.condition {
		p.fail(here, "does not belong into a rule: the schema of the kind has the types")
		return
	}
	if bytes.HasPrefix(value, []byte("[")) {
		p.fail(here, "is a union of types, which a structural schema of Kubernetes cannot be; name one type")
		return
	}
	p.into(&s.Type, value, here, "a string")
	if !slices.Contains([]string{TypeObject, TypeArray, TypeString, TypeInteger, TypeNumber, TypeBoolean}, s.Type) {
		p.fail(here, "must be object, array, string, integer, number or boolean")
	}
}

func (p *parser) properties(s *Schema, value json.RawMessage, here string, depth int) {
	members, err := objectOf(value)
	if err != nil {
		p.fail(here, "must be an object of schemas")
		return
	}
	s.Properties = make(map[string]*Schema, len(members))
	for _, name := range slices.Sorted(maps.Keys(members)) {
		if !propertyName.MatchString(name) {
			p.fail(here+"."+name, "must be a name of letters and digits that begins with a letter, at most 63")
			continue
		}
		s.Properties[name] = p.schema(members[name], here+"."+name, depth+1)
	}
}

// propertyName is what a key of an object with known keys is called. Paths have dots between names.
var propertyName = regexp.MustCompile(`^[A-Za-z][A-Za-z0-9_-]{0,62}$`)

func (p *parser) additional(s *Schema, value json.RawMessage, here string, depth int) {
	switch {
	case p.condition:
		p.fail(here, "does not belong into a rule")
	case string(value) == "false":
		// Unknown keys are refused in any case.
	case string(value) == "true":
		p.fail(here, "must be a schema for the values of a map; to take anything write x-kubernetes-preserve-unknown-fields: true")
	default:
		s.Values = p.schema(value, here, depth+1)
	}
}

// into reads a value of one Go type.
func (p *parser) into(target any, value json.RawMessage, here, want string) {
	if string(value) == "null" || json.Unmarshal(value, target) != nil {
		p.fail(here, "must be "+want)
	}
}

func (p *parser) count(target **int, value json.RawMessage, here string) {
	n := new(int)
	if json.Unmarshal(value, n) != nil || *n < 0 || *n > math.MaxInt32 {
		p.fail(here, "must be a whole number of at least 0")
		return
	}
	*target = n
}

// complete checks that the keywords fit the type, fills in limits, and checks the default against
// all of it.
func (p *parser) complete(s *Schema, at string) {
	before := len(p.problems)
	switch s.Type {
	case TypeObject:
		if s.Properties != nil && s.Values != nil {
			p.fail(at, "has properties and additionalProperties; a value is an object with known keys or a map, not both")
		}
		if s.Properties == nil && s.Values == nil && !s.Free {
			p.fail(at, "needs properties, additionalProperties or x-kubernetes-preserve-unknown-fields")
		}
		for _, name := range s.Required {
			if s.Properties[name] == nil {
				p.fail(at+".required", strconv.Quote(name)+" is not among the properties")
			}
		}
		if s.Properties == nil || s.Free {
			limit(&s.MaxProperties, DefaultMaxProperties)
		}
	case TypeArray:
		if s.Items == nil {
			p.fail(at, "needs items: the schema of what the list holds")
		}
		limit(&s.MaxItems, DefaultMaxItems)
	case TypeString:
		if len(s.Enum) == 0 {
			limit(&s.MaxLength, DefaultMaxLength)
		}
	case TypeAny:
		if !s.Free && !s.IntOrString {
			p.fail(at, "needs a type, x-kubernetes-int-or-string or x-kubernetes-preserve-unknown-fields")
		}
		if s.IntOrString {
			limit(&s.MaxLength, DefaultMaxLength)
		}
	}
	p.fits(s, at)
	if s.Default == nil || len(p.problems) > before {
		return
	}
	p.defaultOf(s, at)
}

func limit(field **int, most int) {
	if *field == nil {
		*field = &most
	}
}

// fits reports keywords that say nothing about the type.
func (p *parser) fits(s *Schema, at string) {
	only := func(given bool, keyword string, types ...string) {
		if given && !slices.Contains(types, s.Type) {
			p.fail(at+"."+keyword, "is for "+strings.Join(types, " and ")+" and not for "+s.TypeText())
		}
	}
	only(s.Properties != nil, "properties", TypeObject)
	only(s.Values != nil, "additionalProperties", TypeObject)
	only(s.Required != nil, "required", TypeObject)
	only(s.MinProperties != nil || s.MaxProperties != nil, "maxProperties", TypeObject)
	only(s.Free, "x-kubernetes-preserve-unknown-fields", TypeObject, TypeAny)
	only(s.IntOrString, "x-kubernetes-int-or-string", TypeAny)
	only(s.Items != nil || s.MinItems != nil || s.MaxItems != nil, "items", TypeArray)
	only(s.Enum != nil, "enum", TypeString)
	only(s.Minimum != nil, "minimum", TypeInteger, TypeNumber)
	only(s.Maximum != nil, "maximum", TypeInteger, TypeNumber)
	if !s.IntOrString {
		only(s.Pattern != "", "pattern", TypeString)
		only(s.MinLength != nil || s.MaxLength != nil, "maxLength", TypeString)
	}
}
