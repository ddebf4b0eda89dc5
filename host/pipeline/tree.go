package pipeline

import (
	"errors"
	"slices"
	"strings"

	"github.com/latticenet/lattice-host/abi/cbor"
)

// The forms of encoded items that this file tells apart (RFC 8949, section 3).
const (
	textItem   = 3
	arrayItem  = 4
	objectItem = 5
	nullItem   = 0xf6
)

// Merging works on trees of map[string]any, []any, string, bool, int64 and nil. Other numbers have
// no exact place there: an unsigned integer may be too large, and 1 and 1.0 would count as one
// value. They are kept as text after a mark, and text that begins with the mark gets a second one,
// so that every value comes back as it was.
const (
	mark       = "\x00"
	numberMark = mark + "n"
	textMark   = mark + "t"
)

// toTree reads an item, which must be valid.
func toTree(raw cbor.Raw) (any, error) {
	if len(raw) == 0 {
		return nil, errors.New("a value is missing")
	}
	d := cbor.NewDecoder(raw)
	tree, err := readTree(d)
	if err != nil {
		return nil, err
	}
	return tree, d.Finish()
}

func readTree(d *cbor.Decoder) (any, error) {
	switch initial := d.Peek(); {
	case initial>>5 == objectItem:
		return objectTree(d)
	case initial>>5 == arrayItem:
		return arrayTree(d)
	case initial>>5 == textItem:
		return markText(d.String()), nil
	case initial == nullItem:
		d.Null()
		return nil, nil
	case initial&0xfe == 0xf4:
		return d.Bool(), nil
	}
	return numberTree(d.Raw())
}

func objectTree(d *cbor.Decoder) (any, error) {
	n := d.Object()
	m := make(map[string]any, min(n, 64))
	key := ""
	for i := range n {
		key = d.Key(i, key)
		below, err := readTree(d)
		if err != nil {
			return nil, err
		}
		m[key] = below
	}
	return m, d.Err()
}

func arrayTree(d *cbor.Decoder) (any, error) {
	n := d.Array()
	list := make([]any, 0, min(n, 64))
	for range n {
		below, err := readTree(d)
		if err != nil {
			return nil, err
		}
		list = append(list, below)
	}
	return list, d.Err()
}

// numberTree reads an integer into an int64 where it fits, any other number into marked text.
func numberTree(raw cbor.Raw) (any, error) {
	d := cbor.NewDecoder(raw)
	if n := d.Int(); d.Finish() == nil {
		return n, nil
	}
	text, err := cbor.ToJSON(nil, raw)
	if err != nil {
		return nil, err
	}
	return numberMark + string(text), nil
}

func markText(s string) string {
	if strings.HasPrefix(s, mark) {
		return textMark + s
	}
	return s
}

// appendTree appends the item of a tree.
func appendTree(dst []byte, tree any) ([]byte, error) {
	switch v := tree.(type) {
	case map[string]any:
		return appendObjectTree(dst, v)
	case []any:
		dst = cbor.AppendArrayHeader(dst, len(v))
		for _, item := range v {
			var err error
			if dst, err = appendTree(dst, item); err != nil {
				return nil, err
			}
		}
		return dst, nil
	case string:
		if number, ok := strings.CutPrefix(v, numberMark); ok {
			return cbor.FromJSON(dst, []byte(number), 1)
		}
		return cbor.AppendString(dst, strings.TrimPrefix(v, textMark)), nil
	case bool:
		return cbor.AppendBool(dst, v), nil
	case int64:
		return cbor.AppendInt(dst, v), nil
	}
	return cbor.AppendNull(dst), nil
}

func appendObjectTree(dst []byte, m map[string]any) ([]byte, error) {
	keys := make([]string, 0, len(m))
	for key := range m {
		keys = append(keys, key)
	}
	slices.SortFunc(keys, cbor.KeyOrder)
	dst = cbor.AppendObjectHeader(dst, len(keys))
	for _, key := range keys {
		var err error
		if dst, err = appendTree(cbor.AppendString(dst, key), m[key]); err != nil {
			return nil, err
		}
	}
	return dst, nil
}

// treeText returns a value as JSON.
func treeText(tree any) string {
	raw, err := appendTree(nil, tree)
	if err != nil {
		return ""
	}
	text, err := cbor.ToJSON(nil, raw)
	if err != nil {
		return ""
	}
	return string(text)
}
