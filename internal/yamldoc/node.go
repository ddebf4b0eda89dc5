package yamldoc

import (
	"strconv"
	"strings"

	"github.com/latticenet/lattice-host/internal/problem"
)

// Kind is the type of a value in a file.
type Kind uint8

// The types: those of JSON, with integers and other numbers distinguished, and [Bad].
const (
	Null Kind = iota
	Bool
	Int
	Float
	Text
	List
	Map
	// Bad is a scalar that cannot be used; its text says why.
	Bad
)

// Place is a position inside a file. Both count from 1; a column is one character.
type Place struct{ Line, Column int }

// In returns the position in a file.
func (p Place) In(file string) problem.Position {
	return problem.Position{File: file, Line: p.Line, Column: p.Column}
}

// Node is one value of a JSON or YAML file. Aliases and merge keys are replaced by what they refer
// to.
type Node struct {
	Kind Kind
	// Place is where the value begins.
	Place
	// Text is the content of a string, and what is written in the file for numbers. Of a Bad node
	// it says why.
	Text string
	// Items are the values of a list.
	Items []*Node
	// Members are the keys of a mapping, each once, in the order of the file.
	Members []Member
	// Literal says that a string is a literal block, whose lines are lines of the file.
	Literal bool
	// Faults are keys that are not among the members because they cannot be used.
	Faults []Fault

	// index finds members in large mappings.
	index map[string]int
}

// Member is one key of a mapping and its value.
type Member struct {
	Key string
	// Place is that of the key.
	Place
	Value *Node
}

// Fault is something wrong at a place of a file. Under a mapping, Key says at which key.
type Fault struct {
	Place
	Key     string
	Message string
}

// indexFrom is the number of members from which on a mapping gets an index.
const indexFrom = 16

// add puts a member into a mapping, or a fault when the key is there already.
func (n *Node) add(m Member) {
	if len(m.Key) > maxKeyBytes {
		n.Faults = append(n.Faults, Fault{m.Place, problem.Shorten(m.Key), "the key is longer than " + strconv.Itoa(maxKeyBytes) + " bytes"})
		return
	}
	if first := n.Find(m.Key); first != nil {
		n.Faults = append(n.Faults, Fault{m.Place, m.Key, "duplicate key, first on line " + strconv.Itoa(first.Line) + "; remove one"})
		return
	}
	n.Members = append(n.Members, m)
	switch {
	case n.index != nil:
		n.index[m.Key] = len(n.Members) - 1
	case len(n.Members) == indexFrom:
		n.index = make(map[string]int, 2*indexFrom)
		for i := range n.Members {
			n.index[n.Members[i].Key] = i
		}
	}
}

// Find returns the member of a mapping, or nil.
func (n *Node) Find(key string) *Member {
	if n == nil || n.Kind != Map {
		return nil
	}
	if n.index != nil {
		i, ok := n.index[key]
		if !ok {
			return nil
		}
		return &n.Members[i]
	}
	for i := range n.Members {
		if n.Members[i].Key == key {
			return &n.Members[i]
		}
	}
	return nil
}

// TextOf returns the text under a key, or "" when the key is missing.
func (n *Node) TextOf(key string) string {
	if m := n.Find(key); m != nil && m.Value.Kind == Text {
		return m.Value.Text
	}
	return ""
}

// Spot is where to point a reader to: the key of a list or mapping, the value of everything else.
func (m *Member) Spot() Place {
	switch m.Value.Kind {
	case List, Map, Null:
		return m.Place
	}
	return m.Value.Place
}

// Locate returns the place of a field path, or that of its nearest ancestor that exists.
func (n *Node) Locate(field string) Place {
	at := n.Place
	for field != "" {
		next, spot, rest := n.step(field)
		if next == nil {
			return at
		}
		n, at, field = next, spot, rest
	}
	return at
}

// LocateKey returns the place of the key that ends a field path.
func (n *Node) LocateKey(field, key string) Place {
	at := n
	for rest := strings.TrimSuffix(strings.TrimSuffix(field, key), "."); rest != "" && at != nil; {
		at, _, rest = at.step(rest)
	}
	if m := at.Find(key); m != nil {
		return m.Place
	}
	return n.Locate(field)
}

// step goes one key or index down the path. Keys may hold dots themselves, so that the longest key
// that fits wins.
func (n *Node) step(field string) (next *Node, spot Place, rest string) {
	for end := len(field); end > 0; end = strings.LastIndexByte(field[:end], '.') {
		head := field[:end]
		rest := strings.TrimPrefix(field[end:], ".")
		if m := n.Find(head); m != nil {
			return m.Value, m.Spot(), rest
		}
		if n.Kind != List {
			continue
		}
		if i, err := strconv.Atoi(head); err == nil && i >= 0 && i < len(n.Items) {
			return n.Items[i], n.Items[i].Place, rest
		}
	}
	return nil, Place{}, ""
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

// Describe names a value for a message.
func (n *Node) Describe() string {
	switch n.Kind {
	case Null:
		return "nothing"
	case Bool:
		return "the boolean " + n.Text
	case Int, Float:
		return "the number " + problem.Shorten(n.Text)
	case Text:
		return "the string " + problem.Quote(n.Text)
	case List:
		return "a list"
	}
	return "a mapping"
}
