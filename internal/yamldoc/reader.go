package yamldoc

import (
	"encoding/json"
	"reflect"
	"slices"
	"strconv"
	"strings"

	"github.com/latticenet/lattice-host/internal/problem"
)

// Reader takes the documents of one file apart and collects every problem with its place.
type Reader struct {
	// File is the name for positions, Object what the problems are about.
	File, Object string
	// Problems are those found so far.
	Problems problem.List
}

// Open parses a file of at most limit bytes. What is wrong whatever the documents are read as is
// among the problems: duplicate keys, keys and values that cannot be used. There are no documents
// when the file cannot be parsed to its end.
func Open(file string, data []byte, limit int) (*Reader, []*Node) {
	r := &Reader{File: file}
	documents, f := Parse(data, limit)
	if f != nil {
		r.Fail(f.Place, "", f.Message)
		return r, nil
	}
	for _, n := range documents {
		r.Object = object(n)
		r.check(n, n.Place, "")
	}
	r.Object = ""
	return r, documents
}

// object names a document by its kind and name, as far as it has them.
func object(n *Node) string {
	name := ""
	if m := n.Find("metadata"); m != nil {
		name = m.Value.TextOf("name")
	}
	if n.TextOf("kind") == "" {
		return ""
	}
	return strings.TrimSuffix(problem.Shorten(n.TextOf("kind"))+" "+problem.Shorten(name), " ")
}

// Err returns the problems, sorted, or nil for an empty list.
func (r *Reader) Err() error { return r.Problems.Err() }

// Fail adds a problem.
func (r *Reader) Fail(at Place, field, message string) {
	r.Problems = append(r.Problems, problem.Problem{Position: at.In(r.File), Object: r.Object, Field: field, Message: message})
}

func (r *Reader) check(n *Node, at Place, field string) {
	switch n.Kind {
	case Bad:
		r.Fail(at, field, n.Text)
	case Text:
		if strings.ContainsRune(n.Text, 0) {
			r.Fail(at, field, "text cannot hold the character NUL; remove it")
		}
	case List:
		for i, item := range n.Items {
			r.check(item, item.Place, Join(field, strconv.Itoa(i)))
		}
	case Map:
		for _, f := range n.Faults {
			r.Fail(f.Place, Join(field, f.Key), f.Message)
		}
		for i := range n.Members {
			m := &n.Members[i]
			if strings.ContainsRune(m.Key, 0) {
				r.Fail(m.Place, Join(field, m.Key), "a key cannot hold the character NUL; remove it")
			}
			r.check(m.Value, m.Spot(), Join(field, m.Key))
		}
	}
}

// Join puts a key after a path.
func Join(path, key string) string {
	if path == "" || key == "" {
		return path + key
	}
	return path + "." + key
}

// mismatch reports a value of another type. What is wrong with a Bad one was said.
func (r *Reader) mismatch(n *Node, at Place, field, want string) {
	if n.Kind != Bad {
		r.Fail(at, field, Mismatch(n, want))
	}
}

// Mapping returns the members of a mapping, or nil for another value, which is a problem.
func (r *Reader) Mapping(n *Node, field string) []Member {
	if n.Kind != Map {
		r.mismatch(n, n.Place, field, "a mapping")
		return nil
	}
	return n.Members
}

// Fields returns the values of a mapping whose keys are all known, by key. Absent and empty ones
// have no value.
func (r *Reader) Fields(n *Node, field string, known ...string) map[string]*Node {
	values := make(map[string]*Node, len(known))
	for _, m := range r.Mapping(n, field) {
		switch {
		case !slices.Contains(known, m.Key):
			r.Fail(m.Place, Join(field, m.Key), Unknown(m.Key, known))
		case m.Value.Kind != Null:
			values[m.Key] = m.Value
		}
	}
	return values
}

// Require reports each listed key of a mapping that is missing, and returns whether all are
// present.
func (r *Reader) Require(n *Node, values map[string]*Node, field string, keys ...string) bool {
	complete := true
	for _, key := range keys {
		if values[key] == nil && n.Kind == Map {
			r.Fail(n.Place, Join(field, key), Missing)
			complete = false
		}
	}
	return complete
}

// Text returns a string; that of nil is empty.
func (r *Reader) Text(n *Node, field string) string {
	switch {
	case n == nil:
		return ""
	case n.Kind == Text:
		return n.Text
	case n.Kind != Bad:
		r.Fail(n.Place, field, NotText(n))
	}
	return ""
}

// Bool returns a boolean; nil is false.
func (r *Reader) Bool(n *Node, field string) bool {
	if n != nil && n.Kind != Bool {
		r.mismatch(n, n.Place, field, "true or false")
	}
	return n != nil && n.Kind == Bool && n.Text == "true"
}

// List returns the items of a list; nil has none.
func (r *Reader) List(n *Node, field string) []*Node {
	if n == nil {
		return nil
	}
	if n.Kind != List {
		r.mismatch(n, n.Place, field, "a list")
	}
	return n.Items
}

// Decode fills v, a pointer, from a document. The fields of a struct are named by their json tags;
// every other key is a problem. A field of the type *Node takes any value, one of the type any a
// string, a boolean, an int64, a float64, a list or a mapping. An empty value leaves a field as it
// is.
func (r *Reader) Decode(n *Node, v any) { r.DecodeAt(n, "", v) }

// DecodeAt is [Reader.Decode] for a part of a document, the value of a field.
func (r *Reader) DecodeAt(n *Node, field string, v any) {
	r.decode(n, n.Place, field, reflect.ValueOf(v).Elem())
}

func (r *Reader) decode(n *Node, at Place, field string, v reflect.Value) {
	if v.Type() == reflect.TypeFor[*Node]() {
		v.Set(reflect.ValueOf(n))
		return
	}
	if n.Kind == Null {
		return
	}
	switch v.Kind() {
	case reflect.Pointer:
		v.Set(reflect.New(v.Type().Elem()))
		r.decode(n, at, field, v.Elem())
	case reflect.Struct:
		r.structure(n, field, v)
	case reflect.Slice:
		items := r.List(n, field)
		list := reflect.MakeSlice(v.Type(), len(items), len(items))
		for i, item := range items {
			r.decode(item, item.Place, Join(field, strconv.Itoa(i)), list.Index(i))
		}
		v.Set(list)
	case reflect.Map:
		values := reflect.MakeMap(v.Type())
		for _, m := range r.Mapping(n, field) {
			value := reflect.New(v.Type().Elem()).Elem()
			r.decode(m.Value, m.Spot(), Join(field, m.Key), value)
			values.SetMapIndex(reflect.ValueOf(m.Key), value)
		}
		v.Set(values)
	case reflect.Interface:
		if value := r.any(n, field); value != nil {
			v.Set(reflect.ValueOf(value))
		}
	case reflect.String:
		v.SetString(r.Text(n, field))
	case reflect.Bool:
		v.SetBool(r.Bool(n, field))
	default:
		r.number(n, at, field, v)
	}
}

func (r *Reader) number(n *Node, at Place, field string, v reflect.Value) {
	i, wrong := integer(n)
	if wrong == "" && v.OverflowInt(i) {
		wrong = "the number " + problem.Quote(n.Text) + " is out of range"
	}
	if wrong == "" {
		v.SetInt(i)
	} else if n.Kind != Bad {
		r.Fail(at, field, wrong)
	}
}

func (r *Reader) structure(n *Node, field string, v reflect.Value) {
	fields := reflect.VisibleFields(v.Type())
	names := make([]string, 0, len(fields))
	index := make(map[string][]int, len(fields))
	for _, f := range fields {
		if name, _, _ := strings.Cut(f.Tag.Get("json"), ","); name != "" && name != "-" {
			names = append(names, name)
			index[name] = f.Index
		}
	}
	for _, m := range r.Mapping(n, field) {
		if at, known := index[m.Key]; known {
			r.decode(m.Value, m.Spot(), Join(field, m.Key), v.FieldByIndex(at))
		} else {
			r.Fail(m.Place, Join(field, m.Key), Unknown(m.Key, names))
		}
	}
}

// JSON returns a document as JSON with sorted keys.
func (r *Reader) JSON(n *Node) ([]byte, error) { return json.Marshal(r.any(n, "")) }

// any returns a value as encoding/json would, with whole numbers as int64.
func (r *Reader) any(n *Node, field string) any {
	switch n.Kind {
	case Text:
		return n.Text
	case Bool:
		return n.Text == "true"
	case Int:
		i, wrong := integer(n)
		if wrong != "" {
			r.Fail(n.Place, field, wrong)
		}
		return i
	case Float:
		f, err := strconv.ParseFloat(n.Text, 64)
		if err != nil {
			r.Fail(n.Place, field, "the number "+problem.Quote(n.Text)+" is out of range")
		}
		return f
	case List:
		list := make([]any, len(n.Items))
		for i, item := range n.Items {
			list[i] = r.any(item, Join(field, strconv.Itoa(i)))
		}
		return list
	case Map:
		values := make(map[string]any, len(n.Members))
		for _, m := range n.Members {
			values[m.Key] = r.any(m.Value, Join(field, m.Key))
		}
		return values
	}
	return nil
}
