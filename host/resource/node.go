package resource

import (
	"strconv"
	"strings"

	"github.com/latticenet/lattice-host/internal/problem"
)

// nodeKind is the type of a value in a file.
type nodeKind uint8

const (
	nullNode nodeKind = iota
	boolNode
	intNode
	floatNode
	textNode
	listNode
	mapNode
	// badNode is a scalar that cannot be used; its text says why.
	badNode
)

// place is a position inside a file.
type place struct{ line, column int }

// in returns the position in a file.
func (p place) in(file string) problem.Position {
	return problem.Position{File: file, Line: p.line, Column: p.column}
}

// node is one value of a JSON or YAML file.
type node struct {
	kind nodeKind
	place
	// text is the content of a textNode, and what stands in the file for numbers.
	text string
	// items are the values of a listNode.
	items []*node
	// members are the keys of a mapNode, each once, in the order of the file.
	members []member
	// index finds members in large mappings.
	index map[string]int
	// faults are keys that are not among the members because they cannot be used.
	faults []fault
}

// member is one key of a mapping and its value.
type member struct {
	key string
	// place is that of the key.
	place
	value *node
}

// fault is something wrong at a place of a file. Under a mapping, key says at which key.
type fault struct {
	place
	key     string
	message string
}

// indexFrom is the number of members from which on a mapping gets an index.
const indexFrom = 16

// add puts a member into a mapping, or a fault when the key is there already.
func (n *node) add(m member) {
	if len(m.key) > maxKeyBytes {
		n.faults = append(n.faults, fault{m.place, problem.Shorten(m.key), "the key is longer than " + strconv.Itoa(maxKeyBytes) + " bytes"})
		return
	}
	if first := n.find(m.key); first != nil {
		n.faults = append(n.faults, fault{m.place, m.key, "the key is there twice; the first stands in line " + strconv.Itoa(first.line)})
		return
	}
	n.members = append(n.members, m)
	switch {
	case n.index != nil:
		n.index[m.key] = len(n.members) - 1
	case len(n.members) == indexFrom:
		n.index = make(map[string]int, 2*indexFrom)
		for i := range n.members {
			n.index[n.members[i].key] = i
		}
	}
}

// find returns the member of a mapping, or nil.
func (n *node) find(key string) *member {
	if n == nil || n.kind != mapNode {
		return nil
	}
	if n.index != nil {
		i, ok := n.index[key]
		if !ok {
			return nil
		}
		return &n.members[i]
	}
	for i := range n.members {
		if n.members[i].key == key {
			return &n.members[i]
		}
	}
	return nil
}

// textOf returns the text under a key, or "" when there is none.
func (n *node) textOf(key string) string {
	if m := n.find(key); m != nil && m.value.kind == textNode {
		return m.value.text
	}
	return ""
}

// spot is where to point a reader to: the key of a list or mapping, the value of everything else.
func (m *member) spot() place {
	switch m.value.kind {
	case listNode, mapNode, nullNode:
		return m.place
	}
	return m.value.place
}

// locate returns the place of a field path, or that of its nearest ancestor that exists.
func (n *node) locate(field string) place {
	at := n.place
	for field != "" {
		next, spot, rest := n.step(field)
		if next == nil {
			return at
		}
		n, at, field = next, spot, rest
	}
	return at
}

// step goes one key or index down the path. Keys may hold dots themselves, so that the longest key that fits wins.
func (n *node) step(field string) (next *node, spot place, rest string) {
	for end := len(field); end > 0; end = strings.LastIndexByte(field[:end], '.') {
		head := field[:end]
		rest := strings.TrimPrefix(field[end:], ".")
		if m := n.find(head); m != nil {
			return m.value, m.spot(), rest
		}
		if n.kind != listNode {
			continue
		}
		if i, err := strconv.Atoi(head); err == nil && i >= 0 && i < len(n.items) {
			return n.items[i], n.items[i].place, rest
		}
	}
	return nil, place{}, ""
}

// budget counts the values of one file.
type budget struct{ nodes, maxNodes, maxDepth int }

// spend counts one value at the given depth and says what limit it breaks, or "".
func (b *budget) spend(depth int) string {
	b.nodes++
	switch {
	case b.nodes > b.maxNodes:
		return "the file holds more than " + strconv.Itoa(b.maxNodes) + " values; split it into several files"
	case depth > b.maxDepth:
		return "lists and mappings nest deeper than " + strconv.Itoa(b.maxDepth)
	}
	return ""
}

// fieldPath is the way from the top of a document to a value.
type fieldPath struct {
	parent *fieldPath
	name   string
	// at is where to point a reader to.
	at place
}

func (p *fieldPath) String() string {
	if p == nil || p.parent == nil {
		return ""
	}
	if front := p.parent.String(); front != "" {
		return front + "." + p.name
	}
	return p.name
}

func (p *fieldPath) member(m *member) *fieldPath { return &fieldPath{p, m.key, m.spot()} }

func (p *fieldPath) item(i int, n *node) *fieldPath { return &fieldPath{p, strconv.Itoa(i), n.place} }

// describe names a value for a message.
func (n *node) describe() string {
	switch n.kind {
	case nullNode:
		return "nothing"
	case boolNode:
		return "the boolean " + n.text
	case intNode, floatNode:
		return "the number " + n.text
	case textNode:
		return "the string " + problem.Quote(n.text)
	case listNode:
		return "a list"
	}
	return "a mapping"
}
