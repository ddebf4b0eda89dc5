package schemas

import (
	"encoding/json"
	"maps"
	"slices"

	"k8s.io/apimachinery/pkg/util/validation/field"
)

// withoutMistyped decodes an object and reports every value that does not fit its field, with the
// path to it. A decoder stops at the first such value, and for some types (a quantity, base64) it
// does not say where that value is.
//
// So the values are tried out: the deepest one that, replaced by null, makes the decoder say
// something else is the culprit. It stays null, and the next one is looked for. The object is
// changed accordingly.
//
// The messages leave out the value, which may belong to a Secret.
func withoutMistyped(instance map[string]any, decode func(raw []byte) error) []error {
	try := func() string {
		raw, err := json.Marshal(instance)
		if err == nil {
			err = decode(raw)
		}
		if err != nil {
			return err.Error()
		}
		return ""
	}
	var list field.ErrorList
	for message := try(); message != ""; message = try() {
		path := blame(instance, nil, func() bool { return try() != message })
		list = append(list, field.TypeInvalid(path, field.OmitValueType{}, message))
		if path == nil {
			break
		}
	}
	return plain(list)
}

// blame sets the first value to null that makes a difference, and returns its path.
func blame(node any, path *field.Path, different func() bool) *field.Path {
	visit := func(child any, at *field.Path, set func(any)) *field.Path {
		if child == nil {
			return nil
		}
		if found := blame(child, at, different); found != nil {
			return found
		}
		set(nil)
		if different() {
			return at
		}
		set(child)
		return nil
	}
	switch node := node.(type) {
	case map[string]any:
		for _, key := range slices.Sorted(maps.Keys(node)) {
			if path == nil && (key == "apiVersion" || key == "kind") {
				continue // without these, nothing is decoded at all
			}
			if found := visit(node[key], path.Child(key), func(value any) { node[key] = value }); found != nil {
				return found
			}
		}
	case []any:
		for i := range node {
			if found := visit(node[i], path.Index(i), func(value any) { node[i] = value }); found != nil {
				return found
			}
		}
	}
	return nil
}
