package pipeline

import (
	"bytes"
	"errors"
	"io"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/latticenet/lattice-host/abi"
	"github.com/latticenet/lattice-host/abi/cbor"
	"github.com/latticenet/lattice-host/internal/problem"
)

// maxDocumentBytes bounds a pipeline or settings file.
const maxDocumentBytes = 1 << 20

// reader reads YAML nodes strictly and collects every problem with its place in the file.
type reader struct {
	file     string
	object   string
	problems problem.List
}

// member is one key of a mapping with its value.
type member struct {
	key   string
	name  *yaml.Node
	value *yaml.Node
}

// yamlDocuments reads every document of a YAML or JSON file; empty ones are left out.
func yamlDocuments(file string, data []byte) ([]*yaml.Node, error) {
	r := reader{file: file}
	if len(data) > maxDocumentBytes {
		r.failAt(problem.Position{File: file, Line: 1, Column: 1}, "",
			"the file has "+strconv.Itoa(len(data))+" bytes, the limit is "+strconv.Itoa(maxDocumentBytes))
		return nil, r.problems
	}
	var documents []*yaml.Node
	decoder := yaml.NewDecoder(bytes.NewReader(data))
	for {
		var n yaml.Node
		err := decoder.Decode(&n)
		if errors.Is(err, io.EOF) {
			return documents, nil
		}
		if err != nil {
			line, text := yamlProblem(err)
			r.failAt(problem.Position{File: file, Line: line, Column: 1}, "", text)
			return nil, r.problems
		}
		if n.Kind != yaml.DocumentNode || len(n.Content) != 1 || n.Content[0].ShortTag() == "!!null" {
			continue
		}
		documents = append(documents, n.Content[0])
	}
}

var yamlLine = regexp.MustCompile(`^yaml: (?:line (\d+): )?`)

// yamlProblem takes the line out of a message of the YAML parser.
func yamlProblem(err error) (line int, text string) {
	text = oneLine(err.Error())
	m := yamlLine.FindStringSubmatch(text)
	if m == nil {
		return 1, text
	}
	line, convErr := strconv.Atoi(m[1])
	if convErr != nil {
		line = 1
	}
	return line, text[len(m[0]):]
}

func (r *reader) position(n *yaml.Node) problem.Position {
	return problem.Position{File: r.file, Line: n.Line, Column: n.Column}
}

func (r *reader) fail(n *yaml.Node, field, message string) { r.failAt(r.position(n), field, message) }

func (r *reader) failAt(p problem.Position, field, message string) {
	r.problems = append(r.problems, problem.Problem{Position: p, Object: r.object, Field: field, Message: message})
}

// err returns the problems, sorted, or nil when there is none.
func (r *reader) err() error {
	return r.problems.Err()
}

func join(path, key string) string {
	if path == "" || key == "" {
		return path + key
	}
	return path + "." + key
}

// mapping returns the members of a mapping in the order of the file. Keys that are there twice are problems.
func (r *reader) mapping(n *yaml.Node, path string) []member {
	if n.Kind != yaml.MappingNode {
		r.fail(n, path, "must be an object"+aliasHint(n))
		return nil
	}
	members := make([]member, 0, len(n.Content)/2)
	seen := make(map[string]bool, len(n.Content)/2)
	for i := 0; i+1 < len(n.Content); i += 2 {
		name, value := n.Content[i], n.Content[i+1]
		switch {
		case name.Kind != yaml.ScalarNode || name.ShortTag() != "!!str":
			r.fail(name, path, "a key must be text; put it in quotes"+aliasHint(name))
		case seen[name.Value]:
			r.fail(name, join(path, name.Value), "is there twice; keep one")
		default:
			seen[name.Value] = true
			members = append(members, member{name.Value, name, value})
		}
	}
	return members
}

// fields returns the values of a mapping whose keys are all known, by key. Absent keys have no value.
func (r *reader) fields(n *yaml.Node, path string, known ...string) map[string]*yaml.Node {
	values := make(map[string]*yaml.Node, len(known))
	for _, m := range r.mapping(n, path) {
		if !slices.Contains(known, m.key) {
			r.fail(m.name, join(path, m.key), "is not a field here; the fields are "+strings.Join(known, ", "))
			continue
		}
		values[m.key] = m.value
	}
	return values
}

// require is fields, and the listed keys must be there.
func (r *reader) require(n *yaml.Node, values map[string]*yaml.Node, path string, keys ...string) bool {
	complete := true
	for _, key := range keys {
		if values[key] == nil && n.Kind == yaml.MappingNode {
			r.fail(n, join(path, key), "is required")
			complete = false
		}
	}
	return complete
}

func (r *reader) text(n *yaml.Node, path string) string {
	if n == nil {
		return ""
	}
	if n.Kind != yaml.ScalarNode || n.ShortTag() != "!!str" {
		r.fail(n, path, "must be text"+aliasHint(n))
		return ""
	}
	return n.Value
}

func (r *reader) boolean(n *yaml.Node, path string) bool {
	if n == nil {
		return false
	}
	if n.Kind != yaml.ScalarNode || n.ShortTag() != "!!bool" {
		r.fail(n, path, "must be true or false"+aliasHint(n))
		return false
	}
	return strings.EqualFold(n.Value, "true")
}

func (r *reader) items(n *yaml.Node, path string) []*yaml.Node {
	if n == nil {
		return nil
	}
	if n.Kind != yaml.SequenceNode {
		r.fail(n, path, "must be a list"+aliasHint(n))
		return nil
	}
	return n.Content
}

func aliasHint(n *yaml.Node) string {
	if n.Kind == yaml.AliasNode {
		return "; write the value out, aliases are not read"
	}
	return ""
}

// settingsValue is a settings object with the places of its fields.
type settingsValue struct {
	raw cbor.Raw
	at  map[string]problem.Position
}

// position returns the place of a field, or of the nearest field around it.
func (s settingsValue) position(field string) problem.Position {
	for {
		if p, ok := s.at[field]; ok {
			return p
		}
		cut := strings.LastIndexByte(field, '.')
		if cut < 0 {
			return s.at[""]
		}
		field = field[:cut]
	}
}

// settings reads a free object, for a plugin to judge.
func (r *reader) settings(n *yaml.Node, path string) settingsValue {
	s := settingsValue{at: map[string]problem.Position{}}
	if n.Kind != yaml.MappingNode {
		r.fail(n, path, "must be an object"+aliasHint(n))
		return s
	}
	s.raw = r.value(n, path, "", s.at, 1)
	return s
}

// value converts one node; below is its path inside the settings.
func (r *reader) value(n *yaml.Node, path, below string, at map[string]problem.Position, depth int) cbor.Raw {
	at[below] = r.position(n)
	if depth > abi.MaxDepth/2 {
		r.fail(n, path, "lists and objects nest deeper than "+strconv.Itoa(abi.MaxDepth/2))
		return cbor.AppendNull(nil)
	}
	switch n.Kind {
	case yaml.MappingNode:
		var m cbor.Map[cbor.Raw]
		for _, entry := range r.mapping(n, path) {
			m.Set(entry.key, r.value(entry.value, join(path, entry.key), join(below, entry.key), at, depth+1))
		}
		return appendRawMap(nil, m)
	case yaml.SequenceNode:
		list := cbor.AppendArrayHeader(nil, len(n.Content))
		for i, item := range n.Content {
			index := strconv.Itoa(i)
			list = append(list, r.value(item, join(path, index), join(below, index), at, depth+1)...)
		}
		return list
	case yaml.ScalarNode:
		return r.scalar(n, path)
	}
	r.fail(n, path, "must be a value"+aliasHint(n))
	return cbor.AppendNull(nil)
}

func (r *reader) scalar(n *yaml.Node, path string) cbor.Raw {
	switch n.ShortTag() {
	case "!!str", "!!timestamp":
		return cbor.AppendString(nil, n.Value)
	case "!!bool":
		return cbor.AppendBool(nil, r.boolean(n, path))
	case "!!null":
		return cbor.AppendNull(nil)
	case "!!int", "!!float":
		number, err := cbor.FromJSON(nil, []byte(n.Value), 1)
		if err == nil {
			return number
		}
		r.fail(n, path, "write the number as JSON does, or put it in quotes if it is text")
	default:
		r.fail(n, path, "a value cannot have the tag "+oneLine(n.Tag))
	}
	return cbor.AppendNull(nil)
}

func appendRawMap(dst []byte, m cbor.Map[cbor.Raw]) []byte {
	return cbor.AppendMap(dst, m, func(b []byte, v *cbor.Raw) []byte { return cbor.AppendRaw(b, *v) })
}

// isLabel reports whether s is a DNS label (RFC 1123): what Kubernetes allows as a name.
func isLabel(s string) bool {
	if s == "" || len(s) > 63 || s[0] == '-' || s[len(s)-1] == '-' {
		return false
	}
	for i := range len(s) {
		if c := s[i]; c != '-' && (c < 'a' || c > 'z') && (c < '0' || c > '9') {
			return false
		}
	}
	return true
}

const labelRule = "must be a DNS label: lower-case letters, digits and inner hyphens, at most 63 characters"
