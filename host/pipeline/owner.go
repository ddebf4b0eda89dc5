package pipeline

import (
	"errors"
	"slices"
	"strconv"
	"strings"

	"sigs.k8s.io/structured-merge-diff/v6/fieldpath"

	"github.com/latticenet/lattice-host/abi"
	"github.com/latticenet/lattice-host/abi/bundle"
	"github.com/latticenet/lattice-host/abi/cbor"
	"github.com/latticenet/lattice-host/internal/problem"
)

// ErrNotFound marks an object or a field that a bundle does not have.
var ErrNotFound = problem.New(problem.Invalid, "not found")

// Owners returns the steps that set a field of an output of a bundle; for an object or a list,
// those that set anything below it. They are in the order in which their answers were merged.
//
// A path is written as in spec.template.metadata.annotations. An item of a list is named by its
// place, as in containers[0], or by fields, as in containers[name=main] and
// ports[containerPort=80,protocol=TCP]. A key with dots needs no quotes: of all keys that fit, the
// longest is meant. The empty path is the whole object. A path that does not exist is an error that
// satisfies errors.Is with [ErrNotFound] and lists what is.
func Owners(b *bundle.Bundle, ref abi.Ref, fieldPath string) ([]bundle.Step, error) {
	output := b.Output(ref)
	if output == nil {
		return nil, problem.Problem{Cause: ErrNotFound, Message: missing(b, ref)}
	}
	raw, err := cbor.FromJSON(nil, output.Document, bundle.MaxDepth)
	if err != nil {
		return nil, err
	}
	tree, err := toTree(raw)
	if err != nil {
		return nil, err
	}
	path, err := resolvePath(tree, fieldPath)
	if err != nil {
		return nil, problem.Problem{Cause: ErrNotFound, Object: ref.String(), Message: err.Error()}
	}
	matches := make([]ownerMatch, len(output.Owners))
	deepest := 0
	for i := range output.Owners {
		if matches[i], err = matchOwner(&output.Owners[i], path); err != nil {
			return nil, err
		}
		deepest = max(deepest, matches[i].depth)
	}
	var owners []bundle.Step
	for i, o := range output.Owners {
		// Where one owner's fields go on, the value is not atomic, and an owner whose fields end
		// there set an empty object only.
		owns := matches[i].end || matches[i].whole && matches[i].depth == deepest
		if record := b.Step(output.Pipeline, o.Step); owns && record != nil {
			owners = append(owners, *record)
		}
	}
	return owners, nil
}

// missing says what objects there are instead, those of the same kind first.
func missing(b *bundle.Bundle, ref abi.Ref) string {
	const shown = 10
	var same, other []string
	for i := range b.Outputs {
		if name := b.Outputs[i].Ref.String(); b.Outputs[i].Ref.Kind == ref.Kind {
			same = append(same, name)
		} else {
			other = append(other, name)
		}
	}
	return "the bundle has no " + ref.String() + "; it has " + shortList(append(same, other...), shown)
}

func shortList(names []string, shown int) string {
	if len(names) == 0 {
		return "nothing"
	}
	if more := len(names) - shown; more > 0 {
		names = append(slices.Clone(names[:shown]), strconv.Itoa(more)+" more")
	}
	return strings.Join(names, ", ")
}

// pathElement is one part of the path to a field: a key of an object, or an item of a list.
type pathElement struct {
	key  string
	item any
	list bool
}

// ownerMatch is how much of a path an owner's fields cover.
type ownerMatch struct {
	// depth is the number of elements that have fields below them.
	depth int
	// end says that the owner set the last element or something below it, whole that it set a value
	// around the rest.
	end, whole bool
}

// matchOwner follows path through the fields of an owner.
func matchOwner(o *bundle.Owner, path []pathElement) (ownerMatch, error) {
	if o.Fields == nil {
		return ownerMatch{end: true}, nil
	}
	set, err := parseFields(o.Fields)
	if err != nil {
		return ownerMatch{}, err
	}
	for i, p := range path {
		element, found := p.in(set)
		if !found {
			return ownerMatch{depth: i}, nil
		}
		below, ok := set.Children.Get(element)
		if !ok {
			return ownerMatch{depth: i, end: i == len(path)-1, whole: true}, nil
		}
		set = below
	}
	return ownerMatch{depth: len(path), end: true}, nil
}

// in finds the element of a set that p matches.
func (p pathElement) in(set *fieldpath.Set) (fieldpath.PathElement, bool) {
	if !p.list {
		e := fieldpath.FieldNameElement(p.key)
		_, below := set.Children.Get(e)
		return e, below || set.Members.Has(e)
	}
	var found fieldpath.PathElement
	ok := false
	look := func(e fieldpath.PathElement) {
		if !ok && isItem(p.item, e) {
			found, ok = e, true
		}
	}
	set.Members.Iterate(look)
	set.Children.Iterate(look)
	return found, ok
}

// resolvePath follows a path through a document.
func resolvePath(tree any, path string) ([]pathElement, error) {
	var elements []pathElement
	done, rest := "", path
	for rest != "" {
		next, below, tail, err := nextElement(tree, done, rest)
		if err != nil {
			return nil, err
		}
		done = strings.TrimSuffix(path[:len(path)-len(tail)], ".")
		elements = append(elements, next)
		tree, rest = below, tail
	}
	return elements, nil
}

// nextElement reads the first part of rest at a value whose path is done.
func nextElement(tree any, done, rest string) (next pathElement, below any, tail string, err error) {
	if strings.HasPrefix(rest, "[") {
		return itemElement(tree, done, rest)
	}
	object, ok := tree.(map[string]any)
	if !ok {
		return next, nil, "", errors.New(where(done) + "is " + describe(tree) + ", it has no field " + quoted(rest))
	}
	key, found := longestKey(object, rest)
	if !found {
		return next, nil, "", errors.New(where(done) + "has no field " + quoted(rest) + "; it has " + shortList(keys(object), 40))
	}
	return pathElement{key: key}, object[key], strings.TrimPrefix(rest[len(key):], "."), nil
}

// longestKey returns the longest key that the path begins with.
func longestKey(object map[string]any, path string) (string, bool) {
	longest, found := "", false
	for key := range object {
		rest, ok := strings.CutPrefix(path, key)
		if ok && (rest == "" || rest[0] == '.' || rest[0] == '[') && (!found || len(key) > len(longest)) {
			longest, found = key, true
		}
	}
	return longest, found
}

func itemElement(tree any, done, rest string) (next pathElement, below any, tail string, err error) {
	selector, tail, closed := strings.Cut(rest[1:], "]")
	items, isList := tree.([]any)
	switch {
	case !closed:
		return next, nil, "", errors.New(where(done) + "a closing ] is missing in " + quoted(rest))
	case !isList:
		return next, nil, "", errors.New(where(done) + "is " + describe(tree) + ", not a list")
	}
	i := slices.IndexFunc(items, func(item any) bool { return selects(selector, item) })
	if n, err := strconv.Atoi(selector); err == nil && n >= 0 && n < len(items) {
		i = n
	}
	if i < 0 {
		return next, nil, "", errors.New(where(done) + "has no item [" + bounded(selector, 80) + "]; it has " + shortList(itemNames(items), 40))
	}
	return pathElement{item: items[i], list: true}, items[i], strings.TrimPrefix(tail, "."), nil
}

// selects reports whether an item has all fields of a selector such as name=main. Fields that an
// item lacks have their default.
func selects(selector string, item any) bool {
	fields, ok := item.(map[string]any)
	if !ok {
		return false
	}
	for pair := range strings.SplitSeq(selector, ",") {
		name, want, ok := strings.Cut(pair, "=")
		if !ok {
			return false
		}
		got, has := fields[name]
		if has && plainText(got) != want || !has && (want != keyDefault(name) || want == "") {
			return false
		}
	}
	return true
}

func where(done string) string {
	if done == "" {
		return ""
	}
	return done + ": "
}

func describe(tree any) string {
	switch tree.(type) {
	case map[string]any:
		return "an object"
	case []any:
		return "a list"
	}
	return "the value " + bounded(treeText(tree), maxValue)
}

func keys(object map[string]any) []string {
	names := make([]string, 0, len(object))
	for key := range object {
		names = append(names, key)
	}
	slices.Sort(names)
	return names
}

// itemNames says how the items of a list can be named.
func itemNames(items []any) []string {
	names := make([]string, len(items))
	for i, item := range items {
		names[i] = "[" + strconv.Itoa(i) + "]"
		if fields, ok := item.(map[string]any); ok && fields["name"] != nil {
			names[i] = "[name=" + plainText(fields["name"]) + "]"
		}
	}
	return names
}
