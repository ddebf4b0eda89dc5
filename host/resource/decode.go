package resource

import (
	"reflect"
	"slices"
	"strings"
	"sync"

	"github.com/latticenet/lattice-host/abi/cbor"
	"github.com/latticenet/lattice-host/abi/lattice"
	"github.com/latticenet/lattice-host/internal/problem"
)

// decoder fills the structs of package lattice from a node tree and collects everything that does not fit.
type decoder struct {
	file, object string
	// derived says that the document has the form that plugins see, where free parameters stand under custom.
	derived bool
	*collector
}

func newDecoder(file, object string, derived bool) *decoder {
	return &decoder{file: file, object: object, derived: derived, collector: newCollector()}
}

// fail reports a value that could not be decoded.
func (d *decoder) fail(at place, p *fieldPath, message string) {
	d.broke(p.String())
	d.report(at, p, message)
}

// report reports something about a value that can be decoded all the same.
func (d *decoder) report(at place, p *fieldPath, message string) {
	d.add(problem.Problem{Position: at.in(d.file), Object: d.object, Field: p.String(), Message: message})
}

func (d *decoder) mismatch(n *node, p *fieldPath, want string) {
	if n.kind == badNode {
		// The check of the whole tree has said what is wrong.
		return
	}
	d.fail(p.at, p, "want "+want+", got "+n.describe())
}

// check reports what is wrong with the tree whatever it is decoded into.
func (d *decoder) check(n *node, p *fieldPath) {
	switch n.kind {
	case badNode:
		d.fail(p.at, p, n.text)
	case textNode:
		if strings.ContainsRune(n.text, 0) {
			d.report(p.at, p, "text cannot hold the character NUL; remove it")
		}
	case listNode:
		for i, item := range n.items {
			d.check(item, p.item(i, item))
		}
	case mapNode:
		for _, f := range n.faults {
			d.report(f.place, &fieldPath{parent: p, name: f.key}, f.message)
		}
		for i := range n.members {
			m := &n.members[i]
			if strings.ContainsRune(m.key, 0) {
				d.report(m.place, p.member(m), "a key cannot hold the character NUL; remove it")
			}
			d.check(m.value, p.member(m))
		}
	}
}

func (d *decoder) value(n *node, p *fieldPath, v reflect.Value) {
	switch t := v.Type(); {
	case t == reflect.TypeFor[cbor.Raw]():
		v.SetBytes(d.raw(n, p, nil))
	case t == reflect.TypeFor[lattice.Resource]():
		d.resource(n, p, v)
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
	// skip passes over keys that are accepted and dropped, or decoded elsewhere.
	skip []string
	// allowed limits the known keys; nil allows all.
	allowed []string
	// foreign explains a key that is not allowed, or returns "".
	foreign func(key string) string
}

func (d *decoder) mapping(n *node, p *fieldPath, v reflect.Value) {
	structures()[v.Type()].fill(d, n, p, v, rulesFor(v.Type()))
}

// rulesFor names the keys that a cluster writes into its answers; they say nothing about what is wanted, and a document that
// carries them is the same as one that does not.
func rulesFor(t reflect.Type) objectRules {
	switch t {
	case reflect.TypeFor[lattice.ObjectMeta]():
		return objectRules{skip: []string{
			"uid", "generation", "resourceVersion", "creationTimestamp", "managedFields", "ownerReferences", "finalizers", "selfLink",
			"deletionTimestamp", "deletionGracePeriodSeconds",
		}}
	case reflect.TypeFor[lattice.LatticeService](), reflect.TypeFor[lattice.LatticeMeshMember]():
		return objectRules{skip: []string{"status"}}
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

// structures holds what the json tags of every struct in the kinds say. It never changes.
var structures = sync.OnceValue(func() map[reflect.Type]*structure {
	known := map[reflect.Type]*structure{}
	addStructure(known, reflect.TypeFor[lattice.LatticeService]())
	addStructure(known, reflect.TypeFor[lattice.LatticeMeshMember]())
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

func (s *structure) fill(d *decoder, n *node, p *fieldPath, v reflect.Value, rules objectRules) {
	if n.kind != mapNode {
		d.mismatch(n, p, "a mapping")
		return
	}
	for i := range n.members {
		m := &n.members[i]
		if slices.Contains(rules.skip, m.key) {
			continue
		}
		at := slices.Index(s.names, m.key)
		if at < 0 || rules.allowed != nil && !slices.Contains(rules.allowed, m.key) {
			d.fail(m.place, p.member(m), s.unknown(m.key, rules))
			continue
		}
		if m.value.kind != nullNode {
			d.value(m.value, p.member(m), v.FieldByIndex(s.fields[at].index))
		}
	}
	for _, f := range s.fields {
		if m := n.find(f.name); f.required && (m == nil || m.value.kind == nullNode) {
			d.fail(p.at, &fieldPath{parent: p, name: f.name}, "is missing; it is required here")
		}
	}
}

func (s *structure) unknown(key string, rules objectRules) string {
	if rules.foreign != nil {
		if message := rules.foreign(key); message != "" {
			return message
		}
	}
	names := s.names
	if rules.allowed != nil {
		names = rules.allowed
	}
	if near := problem.Nearest(key, names); near != "" {
		return "is not a known field; did you mean " + near + "?"
	}
	return "is not a known field; remove it"
}

func isMap(t reflect.Type) bool {
	return t.Kind() == reflect.Slice && t.PkgPath() == reflect.TypeFor[cbor.Raw]().PkgPath() && strings.HasPrefix(t.Name(), "Map[")
}

// freeKeys decodes a mapping into a cbor.Map, sorted by key.
func (d *decoder) freeKeys(n *node, p *fieldPath, v reflect.Value) {
	if n.kind != mapNode {
		d.mismatch(n, p, "a mapping")
		return
	}
	order := make([]*member, len(n.members))
	for i := range n.members {
		order[i] = &n.members[i]
	}
	slices.SortFunc(order, func(a, b *member) int { return strings.Compare(a.key, b.key) })
	entries := reflect.MakeSlice(v.Type(), len(order), len(order))
	for i, m := range order {
		at := p.member(m)
		entry := entries.Index(i)
		entry.Field(0).SetString(m.key)
		value := entry.Field(1)
		if m.value.kind == nullNode && value.Type() != reflect.TypeFor[cbor.Raw]() {
			d.fail(at.at, at, "has no value; write "+emptyOf(value.Type())+" or remove the key")
			continue
		}
		d.value(m.value, at, value)
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

func (d *decoder) list(n *node, p *fieldPath, v reflect.Value) {
	if n.kind != listNode {
		d.mismatch(n, p, "a list")
		return
	}
	if len(n.items) == 0 {
		return
	}
	items := reflect.MakeSlice(v.Type(), len(n.items), len(n.items))
	for i, item := range n.items {
		at := p.item(i, item)
		if item.kind == nullNode {
			d.fail(at.at, at, "the item is empty; give it a value or remove it")
			continue
		}
		d.value(item, at, items.Index(i))
	}
	v.Set(items)
}
