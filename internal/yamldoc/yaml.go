package yamldoc

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

// maxStructure is how many characters that can begin a value or a key one YAML file holds. The
// library builds the whole document before anything can be counted, with about 400 bytes for each.
const maxStructure = 1_000_000

// parseYAML reads a YAML stream. Documents in front of a fault are returned with it; empty ones are
// left out.
func parseYAML(data []byte, limits budget) ([]*Node, *Fault) {
	if structureOf(data) > maxStructure {
		return nil, &Fault{Message: "the file holds more than " + strconv.Itoa(maxStructure) + " lines, commas, colons and brackets; split it into several files"}
	}
	decoder := yaml.NewDecoder(bytes.NewReader(data))
	b := yamlBuilder{budget: limits, open: map[*yaml.Node]bool{}}
	var roots []*Node
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
		if n.Kind == Null {
			continue
		}
		if roots = append(roots, n); len(roots) > maxDocuments {
			return roots[:maxDocuments], tooManyDocuments(n.Place)
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

func tooManyDocuments(at Place) *Fault {
	return &Fault{Place: at, Message: "the file holds more than " + strconv.Itoa(maxDocuments) + " documents; split it into several files"}
}

// nextYAML reads one document. The YAML library panics where it contradicts itself; that is no
// reason for the host to end.
func nextYAML(decoder *yaml.Decoder) (n *yaml.Node, err error) {
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("yaml: the document cannot be read: %v", r)
		}
	}()
	n = new(yaml.Node)
	return n, decoder.Decode(n)
}

// yamlBuilder turns the library's nodes into this package's, with aliases and merge keys replaced
// by what they stand for.
type yamlBuilder struct {
	budget
	// open are the nodes around the present one, so that an anchor cannot contain itself.
	open map[*yaml.Node]bool
	// alias is the outermost alias that is being replaced.
	alias *yaml.Node
}

func placeOf(n *yaml.Node) Place { return Place{n.Line, n.Column} }

func (b *yamlBuilder) document(n *yaml.Node) (*Node, *Fault) {
	if n.Kind == yaml.DocumentNode && len(n.Content) == 1 {
		return b.build(n.Content[0], 0)
	}
	return &Node{}, nil
}

func (b *yamlBuilder) build(n *yaml.Node, depth int) (*Node, *Fault) {
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
	return nil, &Fault{Place: placeOf(n), Message: "this is neither a scalar, a list nor a mapping"}
}

func (b *yamlBuilder) count(n *yaml.Node, depth int) *Fault {
	message := b.spend(depth)
	if message == "" {
		return nil
	}
	if b.alias != nil && b.nodes > b.maxNodes {
		return &Fault{
			Place:   placeOf(b.alias),
			Message: "the alias *" + b.alias.Value + " makes the file grow to more than " + strconv.Itoa(b.maxNodes) + " values; use fewer aliases",
		}
	}
	return &Fault{Place: placeOf(n), Message: message}
}

func (b *yamlBuilder) replace(n *yaml.Node, depth int) (*Node, *Fault) {
	if b.open[n.Alias] {
		return nil, &Fault{Place: placeOf(n), Message: "the alias *" + n.Value + " is inside its own anchor"}
	}
	if b.alias == nil {
		b.alias = n
		defer func() { b.alias = nil }()
	}
	return b.build(n.Alias, depth)
}

func (b *yamlBuilder) list(n *yaml.Node, depth int) (*Node, *Fault) {
	if !hasTag(n, "!!seq") {
		return badTag(n), nil
	}
	list := &Node{Kind: List, Place: placeOf(n), Items: make([]*Node, 0, len(n.Content))}
	for _, item := range n.Content {
		built, f := b.build(item, depth)
		if f != nil {
			return nil, f
		}
		list.Items = append(list.Items, built)
	}
	return list, nil
}

func (b *yamlBuilder) mapping(n *yaml.Node, depth int) (*Node, *Fault) {
	if !hasTag(n, "!!map") {
		return badTag(n), nil
	}
	mapping := &Node{Kind: Map, Place: placeOf(n), Members: make([]Member, 0, len(n.Content)/2)}
	var merged *yaml.Node
	for i := 0; i+1 < len(n.Content); i += 2 {
		key, value := n.Content[i], n.Content[i+1]
		if isMerge(key) && merged == nil {
			merged = value
			continue
		}
		name, f := keyText(key)
		if f != nil && f.Key == "" {
			return nil, f
		}
		built, fatal := b.build(value, depth)
		if fatal != nil {
			return nil, fatal
		}
		if f != nil {
			mapping.Faults = append(mapping.Faults, *f)
			continue
		}
		mapping.add(Member{Key: name, Place: placeOf(key), Value: built})
	}
	if merged == nil {
		return mapping, nil
	}
	return mapping, b.merge(mapping, merged, depth)
}

// merge adds the keys of a merge key's value that the mapping does not have itself. Of several
// sources the first wins.
func (b *yamlBuilder) merge(into *Node, source *yaml.Node, depth int) *Fault {
	// The source is in place of the mapping, so that it is no deeper.
	built, f := b.build(source, depth-1)
	if f != nil {
		return f
	}
	sources := []*Node{built}
	if built.Kind == List {
		sources = built.Items
	}
	for _, s := range sources {
		if s.Kind != Map {
			return &Fault{Place: placeOf(source), Message: "a merge key << takes a mapping or a list of mappings, not " + s.Describe()}
		}
		for _, m := range s.Members {
			if into.Find(m.Key) == nil {
				into.add(m)
			}
		}
		into.Faults = append(into.Faults, s.Faults...)
	}
	return nil
}

func isMerge(key *yaml.Node) bool {
	return key.Kind == yaml.ScalarNode && key.Value == "<<" && key.Tag == "!!merge"
}

// keyText returns a key. A fault with a key of its own concerns this key only.
func keyText(n *yaml.Node) (string, *Fault) {
	at := placeOf(n)
	if n.Kind == yaml.AliasNode {
		n = n.Alias
	}
	if n.Kind != yaml.ScalarNode {
		return "", &Fault{Place: at, Message: "a key cannot be a list or a mapping; a value that begins with { or [ needs quotes"}
	}
	if isMerge(n) {
		return "", &Fault{Place: at, Key: "<<", Message: "duplicate key; give one merge key a list"}
	}
	key := scalar(n)
	if key.Kind == Text {
		return key.Text, nil
	}
	return "", &Fault{Place: at, Key: problem.Quote(n.Value), Message: "a key must be a string; put it in quotes"}
}

func hasTag(n *yaml.Node, tag string) bool { return n.Tag == tag || n.Tag == "!" }

func badTag(n *yaml.Node) *Node {
	return &Node{Kind: Bad, Place: placeOf(n), Text: "the tag " + problem.Quote(n.Tag) + " is not supported; remove it"}
}

// scalar returns a scalar with the type that YAML gives it.
func scalar(n *yaml.Node) *Node {
	s := &Node{Place: placeOf(n), Text: n.Value, Literal: n.Style&yaml.LiteralStyle != 0}
	switch n.Tag {
	case "!!str", "!!timestamp", "!!merge", "!":
		s.Kind = Text
	case "!!null":
		s.Kind, s.Text = Null, ""
	case "!!bool":
		s.Kind, s.Text = Bool, strings.ToLower(n.Value)
		if s.Text != "true" && s.Text != "false" {
			s.Kind, s.Text = Bad, "a boolean is true or false, not "+problem.Quote(n.Value)
		}
	case "!!int":
		s.Kind = Int
	case "!!float":
		s.Kind = floatKind(n.Value)
		if s.Kind == Bad {
			s.Text = problem.Quote(n.Value) + " cannot be written as a JSON number"
		}
	default:
		return badTag(n)
	}
	return s
}

// floatKind tells floating-point numbers from integers that the library found too large, and from
// infinities.
func floatKind(s string) Kind {
	if strings.Trim(strings.TrimLeft(s, "+-"), "0123456789") == "" {
		return Int
	}
	if strings.ContainsAny(s, "nN") {
		return Bad
	}
	return Float
}

// yamlFault gives an error of the YAML library a place.
func yamlFault(data []byte, err error) *Fault {
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
		return &Fault{Place: findText(data, "*"+name), Message: "the alias *" + name + " has no anchor &" + name + " in front of it"}
	}
	line = badLine(data, line, message)
	// What is missing at the end of the file is reported in its last line.
	last := bytes.Count(bytes.TrimRight(data, "\n"), []byte("\n")) + 1
	at := startOfLine(data, min(max(line, 1), last))
	if tabIndented(data, at) {
		return &Fault{Place: at, Message: "a tab cannot indent YAML; use spaces"}
	}
	return &Fault{Place: at, Message: advice(message)}
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
		return "a key needs a colon and a space after it; check the line and the one above it"
	case "found unexpected end of stream":
		return "the file ends inside quotes; a closing quote is missing"
	case "found character that cannot start any token":
		return "a value begins with a character that YAML reserves; put the value in quotes"
	}
	return "the YAML is not well-formed: " + message
}

// badLine corrects the line that the library reports. Of a line in the wrong place it reports where
// the block around begins, and of these and of brackets it counts lines from 0.
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

// maxSearched is the largest file in which firstFailing looks for a line: it reads the file about
// 20 times.
const maxSearched = 1 << 20

// firstFailing returns the first line, counted from 1, with which the text up to there fails with
// the given message.
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
func startOfLine(data []byte, line int) Place {
	text := lineText(data, line)
	return Place{line, len(text) - len(bytes.TrimLeft(text, " ")) + 1}
}

func tabIndented(data []byte, at Place) bool {
	text := lineText(data, at.Line)
	return at.Column <= len(text) && text[at.Column-1] == '\t'
}

func lineText(data []byte, line int) []byte {
	for range line - 1 {
		_, data, _ = bytes.Cut(data, []byte("\n"))
	}
	text, _, _ := bytes.Cut(data, []byte("\n"))
	return text
}

// findText returns the place where a text first occurs.
func findText(data []byte, text string) Place {
	i := max(bytes.Index(data, []byte(text)), 0)
	return placeAt(data, i)
}

// placeAt returns the place of an offset.
func placeAt(data []byte, offset int) Place {
	before := data[:offset]
	start := bytes.LastIndexByte(before, '\n') + 1
	return Place{bytes.Count(before, []byte("\n")) + 1, len([]rune(string(before[start:]))) + 1}
}
