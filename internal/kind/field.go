package kind

import (
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// Field is one field of a kind, for people and programs that show it.
type Field struct {
	// Path is the path from the top, such as spec.workload.containers.*.image: an asterisk is any
	// key or item.
	Path string `json:"path"`
	// Type names the type, such as "map of object".
	Type        string `json:"type"`
	Required    bool   `json:"required,omitempty"`
	Description string `json:"description,omitempty"`
	// Enum are the only values, Default is what is filled in.
	Enum    []string        `json:"enum,omitempty"`
	Default json.RawMessage `json:"default,omitempty"`
	// Limits are the bounds in words.
	Limits []string `json:"limits,omitempty"`
	// Fields are those directly below, through lists and maps, in the order of their names.
	Fields []Field `json:"fields,omitempty"`
}

// metadata is the schema of the metadata of every kind.
func metadata() *Schema {
	text := func(description string, most int) *Schema {
		return &Schema{Type: TypeString, Description: description, MaxLength: &most}
	}
	labels := func(description string, most int) *Schema {
		count := DefaultMaxProperties
		return &Schema{Type: TypeObject, Description: description, Values: text("", most), MaxProperties: &count}
	}
	return &Schema{Type: TypeObject, Required: []string{"name"}, Description: "What the document is called.", Properties: map[string]*Schema{
		"name":        text("The name of the document: a DNS label, which begins with a letter.", 63),
		"namespace":   text("The namespace of the document: a DNS label. The host fills in \"default\".", 63),
		"labels":      labels("Labels, which templates and selectors can use.", 63),
		"annotations": labels("Annotations, which derivations can use.", 256<<10),
	}}
}

func (k *Kind) root() *Schema {
	return &Schema{Type: TypeObject, Description: k.Description, Required: []string{"apiVersion", "kind", "metadata", "spec"}, Properties: map[string]*Schema{
		"apiVersion": {Type: TypeString, Description: "The group and version of the kind.", Enum: []string{k.APIVersion()}},
		"kind":       {Type: TypeString, Description: "The kind.", Enum: []string{k.Kind}},
		"metadata":   metadata(),
		"spec":       k.Spec,
	}}
}

// Field returns the field at a path such as spec.workload.containers, with the fields below it.
// Lists and maps may be stepped through by an asterisk, by a key, or by nothing. An empty path is
// the document. The error names what there is instead.
func (k *Kind) Field(path string) (Field, error) {
	s, at, required := k.root(), "", false
	for name := range strings.SplitSeq(path, ".") {
		if path == "" {
			break
		}
		next, where, needed, ok := s.step(name, at)
		if !ok {
			below := s.element().Names()
			message := "there is no field " + strconv.Quote(name) + " in " + k.Kind
			if at != "" {
				message += "." + at
			}
			if len(below) == 0 {
				return Field{}, fmt.Errorf("%s, which has no fields", message)
			}
			return Field{}, fmt.Errorf("%s; there is %s", message, strings.Join(below, ", "))
		}
		s, at, required = next, where, needed
	}
	f := s.field(at, required)
	f.Fields = s.below(at, false)
	return f, nil
}

// step goes one name down: to a property, through lists and maps where no property has that name
// directly.
func (s *Schema) step(name, at string) (next *Schema, where string, required, ok bool) {
	for {
		if property := s.Properties[name]; property != nil {
			return property, join(at, name), slices.Contains(s.Required, name), true
		}
		inner := s.Items
		if s.IsMap() {
			inner = s.Values
		}
		if inner == nil {
			return nil, "", false, false
		}
		at = join(at, "*")
		if inner.element().Properties[name] == nil && (name == "*" || s.IsMap() || isIndex(name)) {
			return inner, at, false, true
		}
		s = inner
	}
}

func isIndex(s string) bool {
	_, err := strconv.ParseUint(s, 10, 31)
	return err == nil
}

func join(at, name string) string {
	if at == "" {
		return name
	}
	return at + "." + name
}

// All returns every field of the spec of the kind, each before those below it.
func (k *Kind) All() []Field {
	f := k.Spec.field("spec", true)
	return append([]Field{f}, flat(k.Spec.below("spec", true))...)
}

func flat(fields []Field) []Field {
	var all []Field
	for _, f := range fields {
		below := f.Fields
		f.Fields = nil
		all = append(append(all, f), flat(below)...)
	}
	return all
}

// below returns the fields below a schema, all levels of them or one.
func (s *Schema) below(at string, deep bool) []Field {
	for s.IsMap() || s.Type == TypeArray {
		at += ".*"
		if s.IsMap() {
			s = s.Values
		} else {
			s = s.Items
		}
	}
	var fields []Field
	for _, name := range s.Names() {
		property := s.Properties[name]
		f := property.field(join(at, name), slices.Contains(s.Required, name))
		if deep {
			f.Fields = property.below(f.Path, true)
		}
		fields = append(fields, f)
	}
	return fields
}

func (s *Schema) field(path string, required bool) Field {
	f := Field{Path: path, Type: s.TypeText(), Required: required, Description: s.Description, Default: s.Default}
	value := s.element()
	f.Enum = value.Enum
	for _, level := range []*Schema{s, value} {
		for _, text := range level.limits() {
			if !slices.Contains(f.Limits, text) {
				f.Limits = append(f.Limits, text)
			}
		}
	}
	return f
}

// limits returns the bounds of a value in words.
func (s *Schema) limits() []string {
	var limits []string
	if s.Minimum != nil || s.Maximum != nil {
		limits = append(limits, rangeText(s.Minimum, s.Maximum))
	}
	bounds := func(least, most *int, one, many string) {
		if least != nil && *least > 0 {
			limits = append(limits, "at least "+count(*least, one, many))
		}
		if most != nil {
			limits = append(limits, "at most "+count(*most, one, many))
		}
	}
	bounds(s.MinLength, s.MaxLength, "character", "characters")
	bounds(s.MinItems, s.MaxItems, "item", "items")
	bounds(s.MinProperties, s.MaxProperties, "entry", "entries")
	if s.Pattern != "" {
		limits = append(limits, "matches "+s.Pattern)
	}
	return limits
}
