package facts

import (
	"encoding/json"
	"reflect"
	"slices"
	"strconv"
	"strings"

	"github.com/latticenet/lattice-host/abi"
	"github.com/latticenet/lattice-host/host/gate"
)

// node is a value and where it is. The value is nil when it is missing or null.
type node struct {
	// parent is the path of what the value is in, key its key there; only what is below something
	// has one. Most paths are never asked for.
	parent, key string
	below       bool
	value       any
}

// path returns the keys from the top to the value.
func (n node) path() string {
	if !n.below || n.parent == "" {
		return n.parent + n.key
	}
	return n.parent + "." + n.key
}

// child returns a value in what is at a path.
func child(parent, key string, value any) node {
	return node{parent: parent, key: key, below: true, value: value}
}

// identity tells objects apart, also two that have the same path, as there may be dots in keys. It
// is 0 for all other values.
func (n node) identity() uintptr {
	m, ok := n.value.(map[string]any)
	if !ok {
		return 0
	}
	return reflect.ValueOf(m).Pointer()
}

func (n node) missing() bool { return n.value == nil }

// at returns what is at a path of keys.
func (n node) at(keys ...string) node {
	for _, key := range keys {
		m, _ := n.value.(map[string]any)
		n = child(n.path(), key, m[key])
	}
	return n
}

// textAt returns the text of a key, without a path to it; empty when the key is missing.
func (n node) textAt(key string) string {
	m, _ := n.value.(map[string]any)
	s, _ := m[key].(string)
	return s
}

// items returns the items of a list; none when it is not a list.
func (n node) items() []node {
	list, _ := n.value.([]any)
	if len(list) == 0 {
		return nil
	}
	items, path := make([]node, len(list)), n.path()
	for i, value := range list {
		items[i] = child(path, strconv.Itoa(i), value)
	}
	return items
}

// members returns the values of an object, by key; none when it is not an object.
func (n node) members() []node {
	m, _ := n.value.(map[string]any)
	if len(m) == 0 {
		return nil
	}
	members, path := make([]node, 0, len(m)), n.path()
	for key, value := range m {
		members = append(members, child(path, key, value))
	}
	slices.SortFunc(members, func(a, b node) int { return strings.Compare(a.key, b.key) })
	return members
}

// reader asks about one object. Its methods that read a value ask about the whole object where the
// value has another type than it should.
type reader struct {
	*finder
	ref abi.Ref
	// object is empty for the resource.
	object string
	// seen are the identities of pods, containers and security contexts that were judged.
	seen map[uintptr]bool
	// neighbours are the Secrets with certificates of other documents' listeners, where the object
	// is a shared gateway.
	neighbours map[name]bool
}

// mark notes that an object is judged.
func (r *reader) mark(n node) {
	if id := n.identity(); id != 0 {
		r.seen[id] = true
	}
}

// judged reports whether an object was judged as the pod, container or security context that it is.
func (r *reader) judged(n node) bool { return r.seen[n.identity()] }

func (r *reader) ask(action string, resource gate.Entity, n node) {
	r.requests = append(r.requests, gate.Request{
		Principal: r.principal, Action: action, Resource: resource, Object: r.object, Path: n.path(),
	})
}

func (r *reader) override(category, id string, n node) {
	r.ask(gate.ActionOverrideSecurity, gate.SecurityOverride(category, id), n)
}

func (r *reader) wildcard(direction string, n node) {
	r.ask(gate.ActionAllowWildcard, gate.Mesh(direction), n)
}

// unreadable asks about the object as a whole.
func (r *reader) unreadable(n node) {
	kind := r.ref.GroupKind()
	r.ask(gate.ActionEmitKind, gate.KindOf(kind.Group, kind.Kind), n)
}

// get returns what is at a path of keys, all of which must lead through objects.
func (r *reader) get(n node, keys ...string) node {
	for _, key := range keys {
		r.isObject(n)
		n = n.at(key)
	}
	return n
}

// isObject reports whether there is an object.
func (r *reader) isObject(n node) bool {
	_, ok := n.value.(map[string]any)
	if !ok && !n.missing() {
		r.unreadable(n)
	}
	return ok
}

// list returns the items of a list.
func (r *reader) list(n node) []node {
	if _, ok := n.value.([]any); !ok && !n.missing() {
		r.unreadable(n)
	}
	return n.items()
}

func (r *reader) text(n node) string {
	s, ok := n.value.(string)
	if !ok && !n.missing() {
		r.unreadable(n)
	}
	return s
}

// texts returns the items of a list of texts.
func (r *reader) texts(n node) []node {
	items := r.list(n)
	for _, item := range items {
		if _, ok := item.value.(string); !ok {
			r.unreadable(item)
		}
	}
	return items
}

func (n node) text() string {
	s, _ := n.value.(string)
	return s
}

// flag returns a truth value, and whether there is one.
func (r *reader) flag(n node) (value, set bool) {
	value, set = n.value.(bool)
	if !set && !n.missing() {
		r.unreadable(n)
	}
	return value, set
}

// integer returns a whole number, and whether there is one.
func (r *reader) integer(n node) (int64, bool) {
	if n.missing() {
		return 0, false
	}
	number, ok := n.value.(json.Number)
	if ok {
		if i, err := number.Int64(); err == nil {
			return i, true
		}
	}
	r.unreadable(n)
	return 0, false
}

// fields asks about the object when something has a field that is not known.
func (r *reader) fields(n node, known ...string) {
	for _, member := range n.members() {
		if !member.missing() && !slices.Contains(known, member.key) {
			r.unreadable(member)
		}
	}
}
