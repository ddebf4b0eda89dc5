package facts

import (
	"encoding/json"
	"maps"
	"slices"
	"strconv"

	"github.com/latticenet/lattice-host/abi"
	"github.com/latticenet/lattice-host/host/gate"
)

// node is a value and its path. The value is nil where there is none, or a null.
type node struct {
	path  string
	value any
}

func (n node) missing() bool { return n.value == nil }

// at returns what is at a path of keys.
func (n node) at(keys ...string) node {
	for _, key := range keys {
		m, _ := n.value.(map[string]any)
		n = node{join(n.path, key), m[key]}
	}
	return n
}

// items returns the items of a list; none when it is no list.
func (n node) items() []node {
	list, _ := n.value.([]any)
	items := make([]node, len(list))
	for i, value := range list {
		items[i] = node{join(n.path, strconv.Itoa(i)), value}
	}
	return items
}

// members returns the values of an object, by key; none when it is no object.
func (n node) members() []node {
	m, _ := n.value.(map[string]any)
	members := make([]node, 0, len(m))
	for _, key := range sortedKeys(m) {
		members = append(members, node{join(n.path, key), m[key]})
	}
	return members
}

func sortedKeys(m map[string]any) []string { return slices.Sorted(maps.Keys(m)) }

func join(path, key string) string {
	if path == "" {
		return key
	}
	return path + "." + key
}

// reader asks about one object. Its methods that read a value ask about the whole object where the value has another type
// than it should.
type reader struct {
	*finder
	ref abi.Ref
	// object is empty for the resource.
	object string
	// seen are the paths of pods, containers and security contexts that were judged.
	seen map[string]bool
}

func (r *reader) ask(action string, resource gate.Entity, n node) {
	r.requests = append(r.requests, gate.Request{
		Principal: r.principal, Action: action, Resource: resource, Object: r.object, Path: n.path,
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
		if key := member.path[len(n.path):]; !member.missing() && !slices.Contains(known, trimDot(key)) {
			r.unreadable(member)
		}
	}
}

func trimDot(key string) string {
	if key != "" && key[0] == '.' {
		return key[1:]
	}
	return key
}
