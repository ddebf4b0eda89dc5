package conformance

import (
	"bytes"
	"encoding/json"
	"maps"
	"slices"
	"strconv"

	"github.com/latticenet/lattice-host/abi"
	"github.com/latticenet/lattice-host/abi/cbor"
)

// differingPath returns the field, with dots between its parts, in which two messages differ first;
// empty when either cannot be read, or when they say the same in other words.
func differingPath(encoding abi.Encoding, a, b []byte) string {
	first, ok := tree(encoding, a)
	if !ok {
		return ""
	}
	second, ok := tree(encoding, b)
	if !ok {
		return ""
	}
	path, _ := differ("", first, second)
	return path
}

// tree reads a message.
func tree(encoding abi.Encoding, message []byte) (any, bool) {
	if encoding == abi.EncodingCBOR {
		var err error
		if message, err = cbor.ToJSON(nil, message); err != nil {
			return nil, false
		}
	}
	d := json.NewDecoder(bytes.NewReader(message))
	// Numbers stay as they are written: two that only round to the same are not the same.
	d.UseNumber()
	var v any
	return v, d.Decode(&v) == nil
}

// differ returns where below path two trees differ first: in a mapping by the order of the keys.
func differ(path string, a, b any) (string, bool) {
	switch a := a.(type) {
	case map[string]any:
		if b, ok := b.(map[string]any); ok {
			return differMaps(path, a, b)
		}
	case []any:
		if b, ok := b.([]any); ok {
			return differLists(path, a, b)
		}
	default:
		return path, !equalScalars(a, b)
	}
	return path, true
}

// equalScalars compares values of which the first is neither a list nor a mapping.
func equalScalars(a, b any) bool {
	switch b.(type) {
	case map[string]any, []any:
		return false
	}
	return a == b
}

func differMaps(path string, a, b map[string]any) (string, bool) {
	keys := slices.AppendSeq(slices.Collect(maps.Keys(a)), maps.Keys(b))
	slices.Sort(keys)
	for _, key := range slices.Compact(keys) {
		x, inA := a[key]
		y, inB := b[key]
		if inA != inB {
			return below(path, key), true
		}
		if at, found := differ(below(path, key), x, y); found {
			return at, true
		}
	}
	return "", false
}

func differLists(path string, a, b []any) (string, bool) {
	n := min(len(a), len(b))
	for i := range n {
		if at, found := differ(below(path, strconv.Itoa(i)), a[i], b[i]); found {
			return at, true
		}
	}
	if len(a) != len(b) {
		return below(path, strconv.Itoa(n)), true
	}
	return "", false
}

func below(path, key string) string {
	if path == "" {
		return key
	}
	return path + "." + key
}
