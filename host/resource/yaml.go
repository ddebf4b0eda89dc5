package resource

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/latticenet/lattice-host/internal/problem"
)

// maxStructure is how many characters that can begin a value or a key one YAML file holds. The library builds the whole
// document before anything can be counted, with about 400 bytes for each.
const maxStructure = 1_000_000

// parseYAML reads a YAML stream. Documents in front of a fault are returned with it; empty ones are left out.
func parseYAML(data []byte, limits budget) ([]*node, *fault) {
	if structureOf(data) > maxStructure {
		return nil, &fault{message: "the file holds more than " + strconv.Itoa(maxStructure) + " lines, commas, colons and brackets; split it into several files"}
	}
	decoder := yaml.NewDecoder(bytes.NewReader(data))
	b := yamlBuilder{budget: limits, open: map[*yaml.Node]bool{}}
	var roots []*node
	for {
		document, err := nextYAML(decoder)
		if errors.Is(err, io.EOF) {
			return roots, nil
		}
		if err != nil {
			return roots, yamlFault(data, err)
		}
		n, f := b.document(document)
		if f != nil {
			return roots, f
		}
		if n.kind == nullNode {
			continue
		}
		if roots = append(roots, n); len(roots) > maxDocuments {
			return roots[:maxDocuments], tooManyDocuments(n.place)
		}
	}
}

func structureOf(data []byte) int {
	count := 0
	for _, c := range []string{"\n", ",", ":", "[", "{"} {
		count += bytes.Count(data, []byte(c))
	}
	return count
}

func tooManyDocuments(at place) *fault {
	return &fault{place: at, message: "the file holds more than " + strconv.Itoa(maxDocuments) + " documents; split it into several files"}
}

// nextYAML reads one document. The YAML library panics where it contradicts itself; that is no reason for the host to
// end.
func nextYAML(decoder *yaml.Decoder) (n *yaml.Node, err error) {
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("yaml: the document cannot be read: %v", r)
		}
	}()
	n = new(yaml.Node)
	return n, decoder.Decode(n)
}

// yamlBuilder turns the library's nodes into this package's, with aliases and merge keys replaced by what they stand
// for.
type yamlBuilder struct {
	budget
	// open are the nodes around the present one, so that an anchor cannot contain itself.
	open map[*yaml.Node]bool
	// alias is the outermost alias that is being replaced.
	alias *yaml.Node
}

func placeOf(n *yaml.Node) place { return place{n.Line, n.Column} }

func (b *yamlBuilder) document(n *yaml.Node) (*node, *fault) {
	if n.Kind == yaml.DocumentNode && len(n.Content) == 1 {
		return b.build(n.Content[0], 0)
	}
	return &node{}, nil
}

func (b *yamlBuilder) build(n *yaml.Node, depth int) (*node, *fault) {
	if n.Kind == yaml.AliasNode {
		return b.replace(n, depth)
	}
	if n.Kind != yaml.ScalarNode {
		depth++
	}
	if f := b.count(n, depth); f != nil {
		return nil, f
	}
	b.open[n] = true
	defer delete(b.open, n)
	switch n.Kind {
	case yaml.ScalarNode:
		return scalar(n), nil
	case yaml.SequenceNode:
		return b.list(n, depth)
	case yaml.MappingNode:
		return b.mapping(n, depth)
	}
	return nil, &fault{place: placeOf(n), message: "this is neither a scalar, a list nor a mapping"}
}

func (b *yamlBuilder) count(n *yaml.Node, depth int) *fault {
	message := b.spend(depth)
	if message == "" {
		return nil
	}
	if b.alias != nil && b.nodes > b.maxNodes {
		return &fault{
			place:   placeOf(b.alias),
			message: "the alias *" + b.alias.Value + " makes the file grow to more than " + strconv.Itoa(b.maxNodes) + " values; use fewer aliases",
		}
	}
	return &fault{place: placeOf(n), message: message}
}

func (b *yamlBuilder) replace(n *yaml.Node, depth int) (*node, *fault) {
	if b.open[n.Alias] {
		return nil, &fault{place: placeOf(n), message: "the alias *" + n.Value + " stands inside its own anchor"}
	}
	if b.alias == nil {
		b.alias = n
		defer func() { b.alias = nil }()
	}
	return b.build(n.Alias, depth)
}

func (b *yamlBuilder) list(n *yaml.Node, depth int) (*node, *fault) {
	if !hasTag(n, "!!seq") {
		return badTag(n), nil
	}
	list := &node{kind: listNode, place: placeOf(n), items: make([]*node, 0, len(n.Content))}
	for _, item := range n.Content {
		built, f := b.build(item, depth)
		if f != nil {
			return nil, f
		}
		list.items = append(list.items, built)
	}
	return list, nil
}

func (b *yamlBuilder) mapping(n *yaml.Node, depth int) (*node, *fault) {
	if !hasTag(n, "!!map") {
		return badTag(n), nil
	}
	mapping := &node{kind: mapNode, place: placeOf(n), members: make([]member, 0, len(n.Content)/2)}
	var merged *yaml.Node
	for i := 0; i+1 < len(n.Content); i += 2 {
		key, value := n.Content[i], n.Content[i+1]
		if isMerge(key) && merged == nil {
			merged = value
			continue
		}
		name, f := keyText(key)
		if f != nil && f.key == "" {
			return nil, f
		}
		built, fatal := b.build(value, depth)
		if fatal != nil {
			return nil, fatal
		}
		if f != nil {
			mapping.faults = append(mapping.faults, *f)
			continue
		}
		mapping.add(member{key: name, place: placeOf(key), value: built})
	}
	if merged == nil {
		return mapping, nil
	}
	return mapping, b.merge(mapping, merged, depth)
}

// merge adds the keys of a merge key's value that the mapping does not have itself. Of several sources the first wins.
func (b *yamlBuilder) merge(into *node, source *yaml.Node, depth int) *fault {
	// The source stands in the place of the mapping, so that it is no deeper.
	built, f := b.build(source, depth-1)
	if f != nil {
		return f
	}
	sources := []*node{built}
	if built.kind == listNode {
		sources = built.items
	}
	for _, s := range sources {
		if s.kind != mapNode {
			return &fault{place: placeOf(source), message: "a merge key << takes a mapping or a list of mappings, not " + s.describe()}
		}
		for _, m := range s.members {
			if into.find(m.key) == nil {
				into.add(m)
			}
		}
		into.faults = append(into.faults, s.faults...)
	}
	return nil
}

func isMerge(key *yaml.Node) bool {
	return key.Kind == yaml.ScalarNode && key.Value == "<<" && key.Tag == "!!merge"
}

// keyText returns a key. A fault with a key of its own concerns this key only.
func keyText(n *yaml.Node) (string, *fault) {
	at := placeOf(n)
	if n.Kind == yaml.AliasNode {
		n = n.Alias
	}
	if n.Kind != yaml.ScalarNode {
		return "", &fault{place: at, message: "a key cannot be a list or a mapping; a value that begins with { or [ needs quotes"}
	}
	if isMerge(n) {
		return "", &fault{place: at, key: "<<", message: "the key is there twice; give one merge key a list"}
	}
	key := scalar(n)
	if key.kind == textNode {
		return key.text, nil
	}
	return "", &fault{place: at, key: problem.Quote(n.Value), message: "a key must be a string; put it in quotes"}
}

func hasTag(n *yaml.Node, tag string) bool { return n.Tag == tag || n.Tag == "!" }

func badTag(n *yaml.Node) *node {
	return &node{kind: badNode, place: placeOf(n), text: "the tag " + problem.Quote(n.Tag) + " is not supported; remove it"}
}

// scalar returns a scalar with the type that YAML gives it.
func scalar(n *yaml.Node) *node {
	s := &node{place: placeOf(n), text: n.Value}
	switch n.Tag {
	case "!!str", "!!timestamp", "!!merge", "!":
		s.kind = textNode
	case "!!null":
		s.kind, s.text = nullNode, ""
	case "!!bool":
		s.kind, s.text = boolNode, strings.ToLower(n.Value)
		if s.text != "true" && s.text != "false" {
			s.kind, s.text = badNode, "a boolean is true or false, not "+problem.Quote(n.Value)
		}
	case "!!int":
		s.kind = intNode
	case "!!float":
		s.kind = floatKind(n.Value)
		if s.kind == badNode {
			s.text = problem.Quote(n.Value) + " is no number that JSON has"
		}
	default:
		return badTag(n)
	}
	return s
}

// floatKind tells floating-point numbers from integers that the library found too large, and from infinities.
func floatKind(s string) nodeKind {
	if strings.Trim(strings.TrimLeft(s, "+-"), "0123456789") == "" {
		return intNode
	}
	if strings.ContainsAny(s, "nN") {
		return badNode
	}
	return floatNode
}

// yamlFault gives an error of the YAML library a place.
func yamlFault(data []byte, err error) *fault {
	message := strings.TrimPrefix(err.Error(), "yaml: ")
	line := 0
	if rest, ok := strings.CutPrefix(message, "line "); ok {
		number, text, found := strings.Cut(rest, ": ")
		if n, err := strconv.Atoi(number); found && err == nil {
			line, message = n, text
		}
	}
	if anchor, ok := strings.CutPrefix(message, "unknown anchor '"); ok {
		name := strings.TrimSuffix(anchor, "' referenced")
		return &fault{place: findText(data, "*"+name), message: "the alias *" + name + " has no anchor &" + name + " in front of it"}
	}
	line = badLine(data, line, message)
	at := startOfLine(data, max(line, 1))
	if tabIndented(data, at) {
		return &fault{place: at, message: "a tab cannot indent YAML; use spaces"}
	}
	return &fault{place: at, message: advice(message)}
}

// advice turns a message of the library into what its reader should do.
func advice(message string) string {
	switch message {
	case "did not find expected key", "did not find expected '-' indicator", "did not find expected <document start>":
		return "the line does not fit the ones above it; check its indentation, and the quotes and brackets before it"
	case "did not find expected ',' or ']'":
		return "a list that is open here needs a comma between its items and a ] at its end"
	case "did not find expected ',' or '}'":
		return "a mapping that is open here needs a comma between its keys and a } at its end"
	case "did not find expected node content":
		return "a value is missing in the brackets that are open here"
	case "mapping values are not allowed in this context":
		return "there cannot be a colon here; check the indentation, or put the value in quotes"
	case "could not find expected ':'":
		return "a key needs a colon and a space behind it; check the line and the one above it"
	case "found unexpected end of stream":
		return "the file ends inside quotes; a closing quote is missing"
	case "found character that cannot start any token":
		return "a value begins with a character that YAML reserves; put the value in quotes"
	}
	return "the YAML is not well-formed: " + message
}

// badLine corrects the line that the library reports. Of a line in the wrong place it reports where the block around
// begins, and of these and of brackets it counts lines from 0.
func badLine(data []byte, line int, message string) int {
	switch message {
	case "did not find expected key", "did not find expected '-' indicator", "did not find expected <document start>":
		if len(data) <= maxSearched {
			return firstFailing(data, message)
		}
		return line + 1
	case "did not find expected ',' or ']'", "did not find expected ',' or '}'", "did not find expected node content":
		return line + 1
	}
	return line
}

// maxSearched is the largest file in which firstFailing looks for a line: it reads the file about 20 times.
const maxSearched = 1 << 20

// firstFailing returns the first line, counted from 1, with which the text up to there fails with the given message.
func firstFailing(data []byte, message string) int {
	ends := lineEnds(data)
	failing, _ := slices.BinarySearchFunc(ends, true, func(end int, _ bool) int {
		if failsWith(data[:end], message) {
			return 0
		}
		return -1
	})
	return min(failing, len(ends)-1) + 1
}

func failsWith(data []byte, message string) bool {
	decoder := yaml.NewDecoder(bytes.NewReader(data))
	for {
		switch _, err := nextYAML(decoder); {
		case errors.Is(err, io.EOF):
			return false
		case err != nil:
			return strings.HasSuffix(err.Error(), message)
		}
	}
}

func lineEnds(data []byte) []int {
	var ends []int
	for i, c := range data {
		if c == '\n' {
			ends = append(ends, i+1)
		}
	}
	return append(ends, len(data))
}

// startOfLine returns the place of the first character of a line that is not a space.
func startOfLine(data []byte, line int) place {
	text := lineText(data, line)
	return place{line, len(text) - len(bytes.TrimLeft(text, " ")) + 1}
}

func tabIndented(data []byte, at place) bool {
	text := lineText(data, at.line)
	return at.column <= len(text) && text[at.column-1] == '\t'
}

func lineText(data []byte, line int) []byte {
	for range line - 1 {
		_, data, _ = bytes.Cut(data, []byte("\n"))
	}
	text, _, _ := bytes.Cut(data, []byte("\n"))
	return text
}

// findText returns the place where a text first stands.
func findText(data []byte, text string) place {
	i := max(bytes.Index(data, []byte(text)), 0)
	return placeAt(data, i)
}

// placeAt returns the place of an offset.
func placeAt(data []byte, offset int) place {
	before := data[:offset]
	start := bytes.LastIndexByte(before, '\n') + 1
	return place{bytes.Count(before, []byte("\n")) + 1, len([]rune(string(before[start:]))) + 1}
}
