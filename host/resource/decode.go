package resource

import (
	"reflect"
	"slices"
	"strings"
	"sync"

	"github.com/latticenet/lattice-host/abi/cbor"
	"github.com/latticenet/lattice-host/abi/lattice"
	"github.com/latticenet/lattice-host/internal/problem"
	"github.com/latticenet/lattice-host/internal/yamldoc"
)

// decoder fills the structs of package lattice from a node tree and collects everything that does
// not fit.
type decoder struct {
	file, object string
	// derived says that the document has the form that plugins see, where free parameters stand
	// under custom.
	derived bool
	// kind is that of the document, once it is known.
	kind *row
	// root is the whole document.
	root *yamldoc.Node
	*collector
}

func newDecoder(file, object string, derived bool) *decoder {
	return &decoder{file: file, object: object, derived: derived, collector: newCollector()}
}

// fail reports a value that could not be decoded.
func (d *decoder) fail(at yamldoc.Place, p *fieldPath, message string) {
	d.broke(p.String())
	d.report(at, p, message)
}

// report reports something about a value that can be decoded all the same.
func (d *decoder) report(at yamldoc.Place, p *fieldPath, message string) {
	d.add(problem.Problem{Position: at.In(d.file), Object: d.object, Field: p.String(), Message: message})
}

func (d *decoder) mismatch(n *yamldoc.Node, p *fieldPath, want string) {
	if n.Kind == yamldoc.Bad {
		// The check of the whole tree has said what is wrong.
		return
	}
	d.fail(p.at, p, yamldoc.Mismatch(n, want))
}

// check reports what is wrong with the tree whatever it is decoded into.
func (d *decoder) check(n *yamldoc.Node, p *fieldPath) {
	switch n.Kind {
	case yamldoc.Bad:
		d.fail(p.at, p, n.Text)
	case yamldoc.Text:
		if strings.ContainsRune(n.Text, 0) {
			d.report(p.at, p, "text cannot hold the character NUL; remove it")
		}
	case yamldoc.List:
		for i, item := range n.Items {
			d.check(item, p.item(i, item))
		}
	case yamldoc.Map:
		for _, f := range n.Faults {
			d.report(f.Place, &fieldPath{parent: p, name: f.Key}, f.Message)
		}
		for i := range n.Members {
			m := &n.Members[i]
			if strings.ContainsRune(m.Key, 0) {
				d.report(m.Place, p.member(m), "a key cannot hold the character NUL; remove it")
			}
			d.check(m.Value, p.member(m))
		}
	}
}

func (d *decoder) value(n *yamldoc.Node, p *fieldPath, v reflect.Value) {
	switch t := v.Type(); {
	case t == reflect.TypeFor[cbor.Raw]():
		v.SetBytes(d.raw(n, p, nil))
	case t == reflect.TypeFor[lattice.Resource]():
		d.resource(n, p, v)
	case t == reflect.TypeFor[lattice.Quantities]():
		d.mapping(withTextAmounts(n), p, v)
	case namesPort(t):
		d.mapping(d.withPortNumber(n, p), p, v)
	case isMap(t):
		d.freeKeys(n, p, v)
	case t.Kind() == reflect.Pointer:
		v.Set(reflect.New(t.Elem()))
		d.value(n, p, v.Elem())
	case t.Kind() == reflect.Slice:
		d.list(n, p, v)
	case t.Kind() == reflect.Struct:
		d.mapping(n, p, v)
	default:
		d.scalar(n, p, v)
	}
}

// objectRules are the rules for the keys of one mapping beyond what the struct says.
type objectRules struct {
	// skip ignores keys that are accepted and dropped, or decoded elsewhere.
	skip []string
	// allowed limits the known keys; nil allows all.
	allowed []string
	// foreign explains a key that is not allowed, or returns "".
	foreign func(key string) string
}

func (d *decoder) mapping(n *yamldoc.Node, p *fieldPath, v reflect.Value) {
	rules := rulesFor(v.Type())
	if p.parent == nil {
		rules.skip = append(rules.skip, keyStatus)
	}
	structures()[v.Type()].fill(d, n, p, v, rules)
}

// rulesFor names the keys that a cluster writes into its answers; they say nothing about what is
// wanted, and a document that carries them is the same as one that does not.
func rulesFor(t reflect.Type) objectRules {
	if t == reflect.TypeFor[lattice.ObjectMeta]() {
		return objectRules{skip: []string{
			"uid", "generation", "resourceVersion", "creationTimestamp", "managedFields", "ownerReferences", "finalizers", "selfLink",
			"deletionTimestamp", "deletionGracePeriodSeconds",
		}}
	}
	return objectRules{}
}

// structure is what the json tags of a struct say.
type structure struct {
	fields []structField
	names  []string
}

type structField struct {
	name     string
	index    []int
	required bool
}

// keyStatus is what a cluster writes next to the spec.
const keyStatus = "status"

// structures holds what the json tags of every struct in the kinds say. It never changes.
var structures = sync.OnceValue(func() map[reflect.Type]*structure {
	known := map[reflect.Type]*structure{}
	for _, r := range Builtin().rows {
		addStructure(known, reflect.TypeOf(r.model().value()))
	}
	return known
})

// addStructure adds t, and the types of its fields.
func addStructure(known map[reflect.Type]*structure, t reflect.Type) {
	for t.Kind() == reflect.Pointer || t.Kind() == reflect.Slice {
		t = t.Elem()
	}
	if t.Kind() != reflect.Struct || known[t] != nil {
		return
	}
	s := new(structure)
	known[t] = s
	for _, f := range reflect.VisibleFields(t) {
		if f.Anonymous {
			continue
		}
		name, options, _ := strings.Cut(f.Tag.Get("json"), ",")
		s.fields = append(s.fields, structField{name, f.Index, options != "omitempty"})
		s.names = append(s.names, name)
		addStructure(known, f.Type)
	}
}

func (s *structure) fill(d *decoder, n *yamldoc.Node, p *fieldPath, v reflect.Value, rules objectRules) {
	if n.Kind != yamldoc.Map {
		d.mismatch(n, p, "a mapping")
		return
	}
	for i := range n.Members {
		m := &n.Members[i]
		if slices.Contains(rules.skip, m.Key) {
			continue
		}
		at := slices.Index(s.names, m.Key)
		if at < 0 || rules.allowed != nil && !slices.Contains(rules.allowed, m.Key) {
			d.fail(m.Place, p.member(m), s.unknown(d, m.Key, rules))
			continue
		}
		if m.Value.Kind != yamldoc.Null {
			d.value(m.Value, p.member(m), v.FieldByIndex(s.fields[at].index))
		}
	}
	for _, f := range s.fields {
		if m := n.Find(f.name); f.required && (m == nil || m.Value.Kind == yamldoc.Null) {
			d.fail(p.at, &fieldPath{parent: p, name: f.name}, yamldoc.Missing)
		}
	}
}

func (s *structure) unknown(d *decoder, key string, rules objectRules) string {
	if rules.foreign != nil {
		if message := rules.foreign(key); message != "" {
			return message
		}
	}
	names := s.names
	if rules.allowed != nil {
		names = rules.allowed
	}
	return d.unknownKey(key, names)
}

// unknownKey says what to write instead of a key that is not known.
func (d *decoder) unknownKey(key string, known []string) string {
	if hint := d.kind.hints[key]; hint != "" {
		return "is not a known field; " + hint
	}
	return yamldoc.Unknown(key, known)
}

func isMap(t reflect.Type) bool {
	return t.Kind() == reflect.Slice && t.PkgPath() == reflect.TypeFor[cbor.Raw]().PkgPath() && strings.HasPrefix(t.Name(), "Map[")
}

// freeKeys decodes a mapping into a cbor.Map, sorted by key.
func (d *decoder) freeKeys(n *yamldoc.Node, p *fieldPath, v reflect.Value) {
	if n.Kind != yamldoc.Map {
		d.mismatch(n, p, "a mapping")
		return
	}
	order := make([]*yamldoc.Member, len(n.Members))
	for i := range n.Members {
		order[i] = &n.Members[i]
	}
	slices.SortFunc(order, func(a, b *yamldoc.Member) int { return strings.Compare(a.Key, b.Key) })
	entries := reflect.MakeSlice(v.Type(), len(order), len(order))
	for i, m := range order {
		at := p.member(m)
		entry := entries.Index(i)
		entry.Field(0).SetString(m.Key)
		value := entry.Field(1)
		if m.Value.Kind == yamldoc.Null && value.Type() != reflect.TypeFor[cbor.Raw]() {
			d.fail(at.at, at, "has no value; write "+emptyOf(value.Type())+" or remove the key")
			continue
		}
		d.value(m.Value, at, value)
	}
	if len(order) > 0 {
		v.Set(entries)
	}
}

func emptyOf(t reflect.Type) string {
	if t.Kind() == reflect.String {
		return `"" for empty text`
	}
	return "{}"
}

func (d *decoder) list(n *yamldoc.Node, p *fieldPath, v reflect.Value) {
	if n.Kind != yamldoc.List {
		d.mismatch(n, p, "a list")
		return
	}
	if len(n.Items) == 0 {
		return
	}
	items := reflect.MakeSlice(v.Type(), len(n.Items), len(n.Items))
	for i, item := range n.Items {
		at := p.item(i, item)
		if item.Kind == yamldoc.Null {
			d.fail(at.at, at, "the item is empty; give it a value or remove it")
			continue
		}
		d.value(item, at, items.Index(i))
	}
	v.Set(items)
}
