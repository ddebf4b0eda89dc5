package yamldoc

import (
	"bytes"
	"strconv"
	"unicode/utf8"
)

// Parse reads JSON or YAML of at most limit bytes and returns the documents in it. With a fault,
// those before it are returned. A JSON list, or a List as a cluster answers it, is the documents in
// it; empty documents are left out.
func Parse(data []byte, limit int) ([]*Node, *Fault) {
	if f := checkBytes(data, limit); f != nil {
		return nil, f
	}
	data = bytes.TrimPrefix(data, []byte("\ufeff"))
	limits := budget{maxNodes: MaxValues, maxDepth: maxDepth}
	var roots []*Node
	var f *Fault
	switch first := bytes.TrimLeft(data, " \t\r\n"); {
	case len(first) == 0:
		return nil, nil
	case isJSON(first):
		var root *Node
		if root, f = parseJSON(data, limits); f == nil {
			roots = []*Node{root}
		}
	default:
		roots, f = parseYAML(data, limits)
	}
	roots = unfold(roots)
	if f == nil && len(roots) > maxDocuments {
		f = tooManyDocuments(roots[maxDocuments].Place)
		roots = roots[:maxDocuments]
	}
	return roots, f
}

// ParseJSON reads one JSON text with at most so many values, nested at most so deep.
func ParseJSON(data []byte, values, depth int) (*Node, *Fault) {
	return parseJSON(data, budget{maxNodes: values, maxDepth: depth})
}

// checkBytes refuses what is not text.
func checkBytes(data []byte, limit int) *Fault {
	if len(data) > limit {
		return &Fault{Message: "the file is larger than " + size(limit) + "; split it into several files"}
	}
	if i := bytes.IndexByte(data, 0); i >= 0 {
		return &Fault{Place: placeAt(data, i), Message: "the file holds a NUL byte; it must be text in UTF-8"}
	}
	if utf8.Valid(data) {
		return nil
	}
	offset := 0
	for {
		r, size := utf8.DecodeRune(data[offset:])
		if r == utf8.RuneError && size == 1 {
			return &Fault{Place: placeAt(data, offset), Message: "the file is not valid UTF-8 here; save it as UTF-8"}
		}
		offset += size
	}
}

// unfold replaces lists of documents, a JSON list or a List as a cluster answers it, by their
// items.
func unfold(roots []*Node) []*Node {
	var docs []*Node
	for _, root := range roots {
		items := []*Node{root}
		if root.Kind == List {
			items = root.Items
		} else if list := root.Find("items"); root.TextOf("apiVersion") == "v1" && root.TextOf("kind") == "List" && list != nil && list.Value.Kind == List {
			items = list.Value.Items
		}
		docs = append(docs, items...)
	}
	return docs
}

// size writes a limit for people.
func size(bytes int) string {
	if bytes >= 1<<20 {
		return strconv.Itoa(bytes>>20) + " MiB"
	}
	return strconv.Itoa(bytes>>10) + " KiB"
}

// isJSON reports whether a file that begins like this is read as JSON: a list, or an object whose
// first key is in quotes. Anything else in braces is YAML, which has the same form with plain keys.
func isJSON(begin []byte) bool {
	if begin[0] != '{' {
		return begin[0] == '['
	}
	inside := bytes.TrimLeft(begin[1:], " \t\r\n")
	return len(inside) == 0 || inside[0] == '"' || inside[0] == '}'
}
