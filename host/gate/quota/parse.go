package quota

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"io"
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"go.yaml.in/yaml/v3"

	"github.com/latticenet/lattice-host/internal/problem"
)

// Quota is one LatticeQuota.
type Quota struct {
	// Name is metadata.name, Position where its document begins.
	Name     string
	Position problem.Position
	// Principal is whom it limits.
	Principal Principal
	// Limits are for all workloads of the principal together, MaxPerWorkload for each one.
	Limits         Amounts
	MaxPerWorkload Amounts
	// Enabled is false for a quota that is not to be applied.
	Enabled bool
}

// String returns the kind and the name.
func (q *Quota) String() string { return "LatticeQuota/" + q.Name }

// TypeGroup is the type of a principal that is a group of namespaces.
const TypeGroup = "Group"

// Principal is whom a quota limits.
type Principal struct {
	// Type is Service, Group or User.
	Type string
	// ID is namespace/name, the value of [GroupLabel], or that of [OwnerAnnotation].
	ID string
}

// String returns the entity as Cedar writes it.
func (p Principal) String() string { return "Lattice::" + p.Type + "::" + strconv.Quote(p.ID) }

// maxPrincipalRunes is the longest id of a principal.
const maxPrincipalRunes = 253

const principalRule = `must be Lattice::Service::"namespace/name", Lattice::Group::"group" or Lattice::User::"user"`

func parsePrincipal(s string) (Principal, bool) {
	for _, kind := range []string{"Service", TypeGroup, "User"} {
		rest, ok := strings.CutPrefix(s, "Lattice::"+kind+`::"`)
		id, closed := strings.CutSuffix(rest, `"`)
		if !ok || !closed || !validPrincipalID(id) {
			continue
		}
		namespace, name, ok := strings.Cut(id, "/")
		if kind == "Service" && (!ok || namespace == "" || name == "" || strings.Contains(name, "/")) {
			continue
		}
		return Principal{kind, id}, true
	}
	return Principal{}, false
}

// validPrincipalID reports whether an id needs no escapes and hides nothing.
func validPrincipalID(id string) bool {
	return id != "" && utf8.ValidString(id) && utf8.RuneCountInString(id) <= maxPrincipalRunes &&
		!strings.ContainsFunc(id, func(r rune) bool { return r == '"' || r == '\\' || unicode.Is(unicode.C, r) })
}

// document is a LatticeQuota as it is written. What a cluster adds to it is read and ignored.
type document struct {
	APIVersion string   `yaml:"apiVersion"`
	Kind       string   `yaml:"kind"`
	Metadata   metadata `yaml:"metadata"`
	Spec       spec     `yaml:"spec"`
	Status     any      `yaml:"status"`
}

type spec struct {
	Principal      string              `yaml:"principal"`
	Limits         map[string]quantity `yaml:"limits"`
	MaxPerWorkload map[string]quantity `yaml:"maxPerWorkload"`
	Enabled        *bool               `yaml:"enabled"`
}

type metadata struct {
	Name string         `yaml:"name"`
	More map[string]any `yaml:",inline"`
}

// quantity is an amount, which YAML may take for a number.
type quantity struct {
	text         string
	line, column int
}

// UnmarshalYAML keeps the text as it is written.
func (q *quantity) UnmarshalYAML(n *yaml.Node) error {
	*q = quantity{n.Value, n.Line, n.Column}
	if n.Kind != yaml.ScalarNode {
		q.text = ""
	}
	return nil
}

// Parse reads the quotas of one file of YAML or JSON documents, strictly. Every problem is reported; the error satisfies
// errors.Is with problem.Invalid.
func Parse(file string, data []byte) ([]Quota, error) {
	r := reader{file: file}
	quotas := r.read(data)
	if len(r.problems) > 0 {
		slices.SortStableFunc(r.problems, func(a, b problem.Problem) int {
			return cmp.Or(cmp.Compare(a.Line, b.Line), cmp.Compare(a.Column, b.Column))
		})
		return nil, r.problems
	}
	return quotas, nil
}

type reader struct {
	file     string
	problems problem.List
}

func (r *reader) fail(line, column int, object, field, format string, args ...any) {
	r.failAt(problem.Position{File: r.file, Line: line, Column: column}, object, field, format, args...)
}

func (r *reader) failAt(at problem.Position, object, field, format string, args ...any) {
	r.problems = append(r.problems, problem.Problem{Position: at, Object: object, Field: field, Message: fmt.Sprintf(format, args...)})
}

func (r *reader) read(data []byte) []Quota {
	if len(data) > MaxFileBytes {
		r.fail(0, 0, "", "", "the file has %d bytes, the limit is %d", len(data), MaxFileBytes)
		return nil
	}
	var quotas []Quota
	// Only a decoder refuses unknown fields, and only a node knows where it stands: both read the same documents.
	nodes, values := yaml.NewDecoder(bytes.NewReader(data)), yaml.NewDecoder(bytes.NewReader(data))
	values.KnownFields(true)
	for range maxQuotas {
		var n yaml.Node
		var d document
		if err := nodes.Decode(&n); err != nil {
			if !errors.Is(err, io.EOF) {
				r.failYAML(err)
			}
			return quotas
		}
		err := values.Decode(&d)
		if n.Kind != yaml.DocumentNode || n.Content[0].ShortTag() == "!!null" {
			continue
		}
		if err != nil {
			r.failYAML(err)
			continue
		}
		q := r.quota(n.Content[0], &d)
		if i := slices.IndexFunc(quotas, func(o Quota) bool { return o.Name == q.Name }); i >= 0 {
			r.failAt(q.Position, q.String(), "metadata.name", "is the name of the quota at %s too", quotas[i].Position)
		}
		quotas = append(quotas, q)
	}
	r.fail(0, 0, "", "", "the file has more than %d documents", maxQuotas-1)
	return nil
}

// quota checks one document.
func (r *reader) quota(n *yaml.Node, d *document) Quota {
	q := Quota{
		Name: d.Metadata.Name, Position: problem.Position{File: r.file, Line: n.Line, Column: n.Column},
		Enabled: d.Spec.Enabled == nil || *d.Spec.Enabled,
	}
	if d.APIVersion != "lattice.dev/v1alpha1" || d.Kind != "LatticeQuota" {
		r.failAt(q.Position, "", "kind", "is %q of %q, and must be LatticeQuota of lattice.dev/v1alpha1", d.Kind, d.APIVersion)
		return q
	}
	if q.Name == "" {
		r.failAt(q.Position, "LatticeQuota", "metadata.name", "is missing")
	}
	var ok bool
	if q.Principal, ok = parsePrincipal(d.Spec.Principal); !ok {
		r.failAt(q.Position, q.String(), "spec.principal", "is %q, and %s", d.Spec.Principal, principalRule)
	}
	q.Limits = r.amounts(q.String(), "spec.limits", d.Spec.Limits)
	q.MaxPerWorkload = r.amounts(q.String(), "spec.maxPerWorkload", d.Spec.MaxPerWorkload)
	if len(d.Spec.Limits)+len(d.Spec.MaxPerWorkload) == 0 {
		r.failAt(q.Position, q.String(), "spec", "limits nothing; give limits or maxPerWorkload")
	}
	return q
}

func (r *reader) amounts(object, field string, written map[string]quantity) Amounts {
	a := Amounts{}
	for _, key := range slices.Sorted(maps.Keys(written)) {
		w := written[key]
		if !slices.Contains(keys(), key) {
			r.fail(w.line, w.column, object, field+"."+key, "is no key of a quota; the keys are cpu, gpu and memory")
			continue
		}
		if a[key] = parseAmount(key, w.text); a[key] == nil {
			r.fail(w.line, w.column, object, field+"."+key, "is %q, and must be %s", w.text, amountRule(key))
		}
	}
	return a
}

func amountRule(key string) string {
	switch key {
	case CPU:
		return "cores such as 2 or 500m"
	case Memory:
		return "bytes such as 512Mi"
	}
	return "a number such as 4"
}

// failYAML reports what the YAML parser says, without the names of Go types.
func (r *reader) failYAML(err error) {
	var wrong *yaml.TypeError
	lines := []string{strings.TrimPrefix(err.Error(), "yaml: ")}
	if errors.As(err, &wrong) {
		lines = wrong.Errors
	}
	for _, text := range lines {
		line := 1
		if m := linePattern.FindStringSubmatch(text); m != nil {
			line, _ = strconv.Atoi(m[1])
			text = text[len(m[0]):]
		}
		text = unknownPattern.ReplaceAllString(text, "$1: is no field here")
		text = typePattern.ReplaceAllString(text, "$1 does not belong here")
		r.fail(max(line, 1), 1, "", "", "%s", strings.Join(strings.Fields(text), " "))
	}
}

var (
	linePattern    = regexp.MustCompile(`^line (\d+): `)
	unknownPattern = regexp.MustCompile(`^field (\S+) not found in type \S+$`)
	typePattern    = regexp.MustCompile(`^cannot unmarshal (.*) into \S+$`)
)
