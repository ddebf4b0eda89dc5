package pipeline

import (
	"strconv"
	"strings"

	"github.com/latticenet/lattice-host/abi"
	"github.com/latticenet/lattice-host/abi/cbor"
	"github.com/latticenet/lattice-host/internal/problem"
	"github.com/latticenet/lattice-host/internal/yamldoc"
)

// maxDocumentBytes bounds a pipeline or settings file.
const maxDocumentBytes = 1 << 20

// reader reads the documents of this package.
type reader struct{ *yamldoc.Reader }

func (r reader) fail(n *yamldoc.Node, field, message string) { r.Fail(n.Place, field, message) }

func (r reader) position(n *yamldoc.Node) problem.Position { return n.In(r.File) }

// failAt adds a problem of a step, which may be one of another file.
func (r reader) failAt(at problem.Position, field, message string) {
	r.Problems = append(r.Problems, problem.Problem{Position: at, Object: r.Object, Field: field, Message: message})
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
func (r reader) settings(n *yamldoc.Node, path string) settingsValue {
	s := settingsValue{at: map[string]problem.Position{}}
	if n.Kind != yamldoc.Map {
		r.Mapping(n, path)
		return s
	}
	s.raw = r.value(n, path, "", s.at, 1)
	return s
}

// value converts one node; below is its path inside the settings.
func (r reader) value(n *yamldoc.Node, path, below string, at map[string]problem.Position, depth int) cbor.Raw {
	at[below] = r.position(n)
	if depth > abi.MaxDepth/2 {
		r.fail(n, path, "lists and mappings nest deeper than "+strconv.Itoa(abi.MaxDepth/2))
		return cbor.AppendNull(nil)
	}
	switch n.Kind {
	case yamldoc.Map:
		var m cbor.Map[cbor.Raw]
		for _, entry := range n.Members {
			m.Set(entry.Key, r.value(entry.Value, yamldoc.Join(path, entry.Key), yamldoc.Join(below, entry.Key), at, depth+1))
		}
		return appendRawMap(nil, m)
	case yamldoc.List:
		list := cbor.AppendArrayHeader(nil, len(n.Items))
		for i, item := range n.Items {
			index := strconv.Itoa(i)
			list = append(list, r.value(item, yamldoc.Join(path, index), yamldoc.Join(below, index), at, depth+1)...)
		}
		return list
	case yamldoc.Text:
		return cbor.AppendString(nil, n.Text)
	case yamldoc.Bool:
		return cbor.AppendBool(nil, n.Text == "true")
	case yamldoc.Int, yamldoc.Float:
		number, err := cbor.FromJSON(nil, []byte(n.Text), 1)
		if err == nil {
			return number
		}
		r.fail(n, path, "write the number as JSON does, or put it in quotes if it is text")
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

// isSubdomain reports whether s is a DNS subdomain (RFC 1123), labels with dots between them.
func isSubdomain(s string) bool {
	if len(s) > 253 {
		return false
	}
	for label := range strings.SplitSeq(s, ".") {
		if !isLabel(label) {
			return false
		}
	}
	return true
}

const subdomainRule = "must be a DNS subdomain: lower-case letters, digits, inner hyphens and dots, at most 253 characters"

const labelRule = "must be a DNS label: lower-case letters, digits and inner hyphens, at most 63 characters"
