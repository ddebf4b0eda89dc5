package cedar

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"io"
	"regexp"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/latticenet/lattice-host/host/gate"
	"github.com/latticenet/lattice-host/internal/problem"
)

const (
	apiVersion     = "lattice.dev/v1alpha1"
	kind           = "CedarPolicy"
	labelInherited = "lattice.dev/inherited"
	// systemNamespace is where a cluster's policies are. Elsewhere they have no effect.
	systemNamespace = "lattice-system"
)

// document is a CedarPolicy as it is written. What a cluster adds to metadata is of no interest.
type document struct {
	APIVersion string `yaml:"apiVersion"`
	Kind       string `yaml:"kind"`
	Metadata   struct {
		Name      string            `yaml:"name"`
		Namespace string            `yaml:"namespace"`
		Labels    map[string]string `yaml:"labels"`
		Others    map[string]any    `yaml:",inline"`
	} `yaml:"metadata"`
	Spec struct {
		Description string    `yaml:"description"`
		Policies    yaml.Node `yaml:"policies"`
		Priority    int32     `yaml:"priority"`
		Enabled     *bool     `yaml:"enabled"`
		Propagate   *bool     `yaml:"propagate"`
	} `yaml:"spec"`
	Status any `yaml:"status"`
}

// loaded is one document that was read.
type loaded struct {
	document
	at problem.Position
	// text is the document or, when that is not known, the file.
	text     string
	policies []*policy
	problems problem.List
	// closes is set when leaving the document out may open the door.
	closes bool
}

// load reads documents and adds their policies. It returns the text of those that were left out.
func (e *Engine) load(files []File) []string {
	var all []*loaded
	for _, f := range files {
		all = append(all, e.checker.documents(&f)...)
	}
	slices.SortStableFunc(all, (*loaded).compare)
	var broken []string
	names := map[string]*loaded{}
	for _, d := range all {
		if len(d.problems) == 0 {
			d.problems = e.doubles(d.policies)
			if other := names[d.Metadata.Name]; other != nil {
				d.fail(d.at, "metadata.name", fmt.Sprintf("the name is taken by the document at %s; give it another", other.at))
			}
		}
		if len(d.problems) > 0 {
			e.problems = append(e.problems, d.problems...)
			broken = append(broken, d.text)
			if d.closes {
				e.closed = append(e.closed, d.reason())
			}
			continue
		}
		names[d.Metadata.Name] = d
		e.add(d.policies)
	}
	return broken
}

// reason is why a document that was left out lets nothing pass.
func (d *loaded) reason() gate.Reason {
	first := d.problems[0]
	return gate.Reason{
		Engine: engineName, Verdict: gate.Error, Position: first.String(),
		Message: fmt.Sprintf("%s is left out as it is wrong, and may forbid this; correct, disable or remove it: %s", d.object(), first.Message),
	}
}

func (d *loaded) object() string {
	if d.Metadata.Name == "" {
		return "a " + kind
	}
	return kind + " " + d.Metadata.Name
}

func (d *loaded) inherited() bool { return d.Metadata.Labels[labelInherited] == "true" }

func (d *loaded) compare(o *loaded) int {
	if d.inherited() != o.inherited() {
		if d.inherited() {
			return -1
		}
		return 1
	}
	return cmp.Or(cmp.Compare(o.Spec.Priority, d.Spec.Priority), strings.Compare(d.Metadata.Name, o.Metadata.Name))
}

func (d *loaded) fail(at problem.Position, field, message string) {
	d.problems = append(d.problems, problem.Problem{Position: at, Object: d.object(), Field: field, Message: message})
}

// documents reads the documents of one file. Those that are disabled are left out.
func (c *checker) documents(f *File) []*loaded {
	from := f.origin()
	if len(f.Text) > maxDocumentBytes {
		d := &loaded{at: from.at(1, 1), text: string(f.Text), closes: true}
		d.fail(d.at, "", fmt.Sprintf("the file has %d bytes, the limit is %d", len(f.Text), maxDocumentBytes))
		return []*loaded{d}
	}
	var all []*loaded
	decoder := yaml.NewDecoder(bytes.NewReader(f.Text))
	for {
		var n yaml.Node
		err := decoder.Decode(&n)
		if errors.Is(err, io.EOF) {
			return all
		}
		if err != nil {
			d := &loaded{text: string(f.Text), closes: true}
			d.yaml(&from, err)
			return append(all, d)
		}
		if n.Kind != yaml.DocumentNode || len(n.Content) != 1 || n.Content[0].ShortTag() == "!!null" {
			continue
		}
		if d := c.document(&from, n.Content[0], f.Text); d != nil {
			all = append(all, d)
		}
	}
}

var yamlLine = regexp.MustCompile(`^(?:yaml: )?(?:line (\d+): )?`)

// yaml adds the problems of the YAML parser, which come with a line.
func (d *loaded) yaml(from *origin, err error) {
	texts := []string{err.Error()}
	var several *yaml.TypeError
	if errors.As(err, &several) {
		texts = several.Errors
	}
	for _, text := range texts {
		m := yamlLine.FindStringSubmatch(text)
		line := 1
		if m[1] != "" {
			line = number(m[1])
		}
		d.fail(from.at(line, 1), "", oneLine(text[len(m[0]):]))
	}
	d.at = d.problems[0].Position
}

// document reads one document. It is nil when the document is disabled.
func (c *checker) document(from *origin, n *yaml.Node, file []byte) *loaded {
	d := &loaded{at: from.at(n.Line, n.Column), closes: true}
	d.text = string(file)
	if text, err := yaml.Marshal(n); err == nil {
		d.text = string(text)
	}
	if err := n.Decode(&d.document); err != nil {
		d.yaml(from, err)
		return d
	}
	d.checkKnown(from, n)
	d.checkFields()
	if len(d.problems) > 0 {
		return d
	}
	if d.Spec.Enabled != nil && !*d.Spec.Enabled {
		return nil
	}
	r := c.read(source{origin: place(from, &d.Spec.Policies, file), prefix: d.Metadata.Name + "_", text: []byte(d.Spec.Policies.Value)})
	d.policies, d.problems, d.closes = r.policies, r.problems, r.mayForbid
	for i := range d.problems {
		p := &d.problems[i]
		p.Object, p.Field = strings.TrimSuffix(d.object()+" "+p.Object, " "), "spec.policies"
	}
	return d
}

// checkKnown refuses fields that a CedarPolicy does not have.
func (d *loaded) checkKnown(from *origin, n *yaml.Node) {
	for _, m := range members(n) {
		path := m.key.Value
		switch path {
		case "apiVersion", "kind", "metadata", "status":
		case "spec":
			for _, inner := range members(m.value) {
				if !slices.Contains([]string{"description", "policies", "priority", "enabled", "propagate"}, inner.key.Value) {
					d.unknown(from, inner.key, "spec."+inner.key.Value)
				}
			}
		default:
			d.unknown(from, m.key, path)
		}
	}
}

func (d *loaded) unknown(from *origin, key *yaml.Node, path string) {
	d.fail(from.at(key.Line, key.Column), path, "is not a field of a "+kind)
}

type member struct{ key, value *yaml.Node }

func members(n *yaml.Node) []member {
	var all []member
	if n.Kind == yaml.MappingNode {
		for i := 0; i+1 < len(n.Content); i += 2 {
			all = append(all, member{n.Content[i], n.Content[i+1]})
		}
	}
	return all
}

// nameGrammar is that of a Kubernetes object, which has no underscore: it ends where the id of the policy begins.
var nameGrammar = regexp.MustCompile(`^[a-z0-9]([-a-z0-9.]{0,251}[a-z0-9])?$`)

func (d *loaded) checkFields() {
	if d.APIVersion != apiVersion || d.Kind != kind {
		d.fail(d.at, "", fmt.Sprintf("this is a %s of %s; only %s of %s is read here", quote(d.Kind), quote(d.APIVersion), kind, apiVersion))
		return
	}
	if !nameGrammar.MatchString(d.Metadata.Name) {
		name := d.Metadata.Name
		d.Metadata.Name = ""
		d.fail(d.at, "metadata.name", fmt.Sprintf("%s is not the name of an object", quote(name)))
	}
	if ns := d.Metadata.Namespace; ns != "" && ns != systemNamespace {
		d.fail(d.at, "metadata.namespace", fmt.Sprintf("policies are in %s, not in %s", systemNamespace, quote(ns)))
	}
	if n := &d.Spec.Policies; n.Kind != yaml.ScalarNode || n.ShortTag() != "!!str" || strings.TrimSpace(n.Value) == "" {
		d.fail(d.at, "spec.policies", "is required, and the text of Cedar policies")
	}
}

// place returns where the lines of a scalar are in the file.
func place(from *origin, n *yaml.Node, file []byte) origin {
	whole := from.at(n.Line, n.Column)
	o := origin{whole: &whole}
	if n.Style&yaml.LiteralStyle == 0 {
		return o
	}
	// The lines of a literal follow the line of its indicator, all indented alike.
	rows := strings.Split(string(file), "\n")
	for i, row := range strings.Split(n.Value, "\n") {
		if row == "" {
			continue
		}
		if at := n.Line + i; at < len(rows) {
			if spaces, ok := strings.CutSuffix(strings.TrimRight(rows[at], "\r"), row); ok && strings.Trim(spaces, " ") == "" {
				return origin{file: from.file, line: from.line + n.Line, column: len(spaces)}
			}
		}
		break
	}
	return o
}
