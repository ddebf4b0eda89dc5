package audit

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"

	"github.com/latticenet/lattice-host/internal/exactjson"
)

// Masked stands in the place of what was masked.
const Masked = "***"

// Mask returns value as JSON decodes it, with [Masked] in place of what JSON pointers (RFC 6901) lead to. A part "*" of a
// pointer is every key or item. What a pointer does not find need not be masked; a pointer that is none is an error, and
// nothing is returned. Numbers become json.Number. The value itself is not changed.
func Mask(value any, pointers []string) (any, error) {
	data, err := exactjson.Marshal(value)
	if err != nil {
		return nil, fmt.Errorf("what is to be masked cannot be written: %w", err)
	}
	d := json.NewDecoder(bytes.NewReader(data))
	d.UseNumber()
	var tree any
	if err := d.Decode(&tree); err != nil {
		return nil, err
	}
	for _, pointer := range pointers {
		path, err := parsePointer(pointer)
		if err != nil {
			return nil, err
		}
		tree = masked(tree, path)
	}
	return tree, nil
}

func parsePointer(pointer string) ([]string, error) {
	if pointer == "" {
		return nil, nil
	}
	rest, ok := strings.CutPrefix(pointer, "/")
	if !ok {
		return nil, fmt.Errorf("%.80q is not a JSON pointer, it must begin with a slash", pointer)
	}
	parts := strings.Split(rest, "/")
	for i, part := range parts {
		// ~1 is a slash and ~0 a tilde; a tilde before anything else has no meaning.
		for j := range len(part) {
			if part[j] == '~' && (j+1 == len(part) || part[j+1] != '0' && part[j+1] != '1') {
				return nil, fmt.Errorf("%.80q is not a JSON pointer, write ~0 for a tilde", pointer)
			}
		}
		parts[i] = strings.ReplaceAll(strings.ReplaceAll(part, "~1", "/"), "~0", "~")
	}
	return parts, nil
}

// masked returns a tree without what is at a path.
func masked(tree any, path []string) any {
	if len(path) == 0 {
		return Masked
	}
	switch v := tree.(type) {
	case map[string]any:
		for key, below := range v {
			if path[0] == "*" || path[0] == key {
				v[key] = masked(below, path[1:])
			}
		}
	case []any:
		for i, below := range v {
			if path[0] == "*" || path[0] == strconv.Itoa(i) {
				v[i] = masked(below, path[1:])
			}
		}
	}
	return tree
}
