package engine

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/latticenet/lattice-host/host/pipeline"
)

// fieldValue returns the value of a field that pipeline.Owners has found, with the same reading of
// paths.
func fieldValue(document []byte, path string) (json.RawMessage, error) {
	value, err := decodeTree(document)
	if err != nil {
		return nil, err
	}
	for rest := path; rest != ""; {
		var found bool
		if value, rest, found = below(value, rest); !found {
			return nil, fmt.Errorf("%s: %w", path, pipeline.ErrNotFound)
		}
		rest = strings.TrimPrefix(rest, ".")
	}
	return json.Marshal(value)
}

// below follows the first part of a path.
func below(value any, path string) (next any, rest string, found bool) {
	if selector, ok := strings.CutPrefix(path, "["); ok {
		selector, rest, _ = strings.Cut(selector, "]")
		items, _ := value.([]any)
		next, found = item(items, selector)
		return next, rest, found
	}
	object, _ := value.(map[string]any)
	key := ""
	for k := range object {
		tail, ok := strings.CutPrefix(path, k)
		if ok && (tail == "" || tail[0] == '.' || tail[0] == '[') && len(k) >= len(key) {
			key, found = k, true
		}
	}
	return object[key], path[len(key):], found
}

// item returns the item of a list at an index, or with the fields of a selector such as name=main.
func item(items []any, selector string) (any, bool) {
	i := itemIndex(items, selector)
	if i < 0 {
		return nil, false
	}
	return items[i], true
}

// itemIndex returns where in a list an item is, or -1.
func itemIndex(items []any, selector string) int {
	if n, err := strconv.Atoi(selector); err == nil && n >= 0 && n < len(items) {
		return n
	}
	return slices.IndexFunc(items, func(candidate any) bool { return selects(selector, candidate) })
}

// dottedField returns a field that fieldValue finds as policies name it: with dots only, and the
// places of items.
func dottedField(document []byte, path string) (string, error) {
	value, err := decodeTree(document)
	if err != nil {
		return "", err
	}
	var parts []string
	for rest := path; rest != ""; {
		part := rest
		items, _ := value.([]any)
		next, after, found := below(value, rest)
		if !found {
			return "", fmt.Errorf("%s: %w", path, pipeline.ErrNotFound)
		}
		part = strings.TrimSuffix(part, after)
		if selector, ok := strings.CutPrefix(part, "["); ok {
			part = strconv.Itoa(itemIndex(items, strings.TrimSuffix(selector, "]")))
		}
		parts = append(parts, part)
		value, rest = next, strings.TrimPrefix(after, ".")
	}
	return strings.Join(parts, "."), nil
}

func selects(selector string, candidate any) bool {
	fields, _ := candidate.(map[string]any)
	for pair := range strings.SplitSeq(selector, ",") {
		name, want, _ := strings.Cut(pair, "=")
		got, has := fields[name]
		if !has {
			// The fields that lists are keyed by have these defaults.
			got = map[string]string{"protocol": "TCP", "operator": "Equal"}[name]
		}
		if want == "" && !has || fmt.Sprint(got) != want {
			return false
		}
	}
	return true
}

// decodeTree decodes JSON into maps, lists and scalars. Numbers stay as they are written.
func decodeTree(text []byte) (tree any, err error) {
	decoder := json.NewDecoder(bytes.NewReader(text))
	decoder.UseNumber()
	return tree, decoder.Decode(&tree)
}
