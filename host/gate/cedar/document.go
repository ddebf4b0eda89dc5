package cedar

import (
	"cmp"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/latticenet/lattice-host/host/gate"
	"github.com/latticenet/lattice-host/internal/problem"
	"github.com/latticenet/lattice-host/internal/yamldoc"
)

const (
	apiVersion     = "lattice.dev/v1alpha1"
	kind           = "CedarPolicy"
	labelInherited = "lattice.dev/inherited"
	// systemNamespace is where a cluster's policies are. Elsewhere they have no effect.
	systemNamespace = "lattice-system"
)

// Phase is what became of a document.
type Phase string

// The phases of documents.
const (
	// Valid documents have all of their policies in force, invalid and disabled ones none.
	Valid    Phase = "Valid"
	Invalid  Phase = "Invalid"
	Disabled Phase = "Disabled"
)

// Document is what a CedarPolicy document counts for.
type Document struct {
	// Name is empty where it cannot be read.
	Name string `json:"name"`
	// Position is where the document is.
	Position string `json:"position"`
	Phase    Phase  `json:"phase"`
	// Permits and Forbids are how many policies of it are in force.
	Permits int `json:"permits"`
	Forbids int `json:"forbids"`
}

// document is a CedarPolicy as it is written. What a cluster adds to metadata is of no interest.
type document struct {
	APIVersion string        `json:"apiVersion"`
	Kind       string        `json:"kind"`
	Metadata   *yamldoc.Node `json:"metadata"`
	Spec       struct {
		Description string        `json:"description"`
		Policies    *yamldoc.Node `json:"policies"`
		Priority    int32         `json:"priority"`
		Enabled     *bool         `json:"enabled"`
		Propagate   *bool         `json:"propagate"`
	} `json:"spec"`
	Status *yamldoc.Node `json:"status"`
}

// loaded is one document that was read.
type loaded struct {
	document
	at problem.Position
	// name and namespace are those of the document, inherited is its label.
	name, namespace string
	inherited       bool
	// text is that of the file.
	text     string
	policies []*policy
	problems problem.List
	// closes is set when leaving the document out may open the door, and off when it is disabled.
	closes, off bool
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
		if d.off {
			e.note(d, Disabled)
			continue
		}
		if len(d.problems) == 0 {
			d.problems = e.doubles(d.policies)
			if other := names[d.name]; other != nil {
				d.fail(d.at, "metadata.name", fmt.Sprintf("the name is taken by the document at %s; give it another", other.at))
			}
		}
		if len(d.problems) > 0 {
			e.note(d, Invalid)
			e.problems = append(e.problems, d.problems...)
			broken = append(broken, d.text)
			if d.closes {
				e.closed = append(e.closed, d.reason())
			}
			continue
		}
		names[d.name] = d
		e.note(d, Valid)
		e.add(d.policies)
	}
	return broken
}

// note keeps what a document counts for.
func (e *Engine) note(d *loaded, phase Phase) {
	noted := Document{Name: d.name, Position: d.at.String(), Phase: phase}
	for _, p := range d.policies {
		switch {
		case phase != Valid:
		case p.forbids:
			noted.Forbids++
		default:
			noted.Permits++
		}
	}
	e.documents = append(e.documents, noted)
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
	if d.name == "" {
		return "a " + kind
	}
	return kind + " " + d.name
}

func (d *loaded) compare(o *loaded) int {
	if d.inherited != o.inherited {
		if d.inherited {
			return -1
		}
		return 1
	}
	return cmp.Or(cmp.Compare(o.Spec.Priority, d.Spec.Priority), strings.Compare(d.name, o.name))
}

func (d *loaded) fail(at problem.Position, field, message string) {
	d.problems = append(d.problems, problem.Problem{Position: at, Object: d.object(), Field: field, Message: message})
}

// documents reads the documents of one file.
func (c *checker) documents(f *File) []*loaded {
	from := f.origin()
	opened, documents := yamldoc.Open(f.Name, f.Text, maxDocumentBytes)
	if len(opened.Problems) > 0 {
		d := &loaded{text: string(f.Text), closes: true, problems: moved(&from, opened.Problems)}
		d.at = d.problems[0].Position
		return []*loaded{d}
	}
	var all []*loaded
	for _, n := range documents {
		all = append(all, c.document(&from, n, f.Text))
	}
	return all
}

// moved returns problems of a file at their places in the file that it is a part of.
func moved(from *origin, problems problem.List) problem.List {
	for i, p := range problems {
		problems[i].Position = from.at(max(p.Line, 1), max(p.Column, 1))
	}
	return problems
}

// document reads one document; of a disabled one, all but the policies.
func (c *checker) document(from *origin, n *yamldoc.Node, file []byte) *loaded {
	d := &loaded{at: from.at(n.Line, n.Column), text: string(file), closes: true}
	r := &yamldoc.Reader{File: from.file}
	r.Decode(n, &d.document)
	d.readMetadata(r)
	for _, p := range moved(from, r.Problems) {
		d.fail(p.Position, p.Field, p.Message)
	}
	if len(d.problems) == 0 {
		d.checkFields()
	}
	if len(d.problems) > 0 {
		return d
	}
	if d.off = d.Spec.Enabled != nil && !*d.Spec.Enabled; d.off {
		return d
	}
	read := c.read(source{origin: place(from, d.Spec.Policies, file), prefix: d.name + "_", text: []byte(d.Spec.Policies.Text)})
	d.policies, d.problems, d.closes = read.policies, read.problems, read.mayForbid
	for i := range d.problems {
		p := &d.problems[i]
		p.Object, p.Field = strings.TrimSuffix(d.object()+" "+p.Object, " "), "spec.policies"
	}
	return d
}

// readMetadata reads the name, the namespace and the labels.
func (d *loaded) readMetadata(r *yamldoc.Reader) {
	if d.Metadata == nil {
		return
	}
	if m := d.Metadata.Find("name"); m != nil {
		d.name = r.Text(m.Value, "metadata.name")
	}
	if m := d.Metadata.Find("namespace"); m != nil {
		d.namespace = r.Text(m.Value, "metadata.namespace")
	}
	labels := map[string]string{}
	if m := d.Metadata.Find("labels"); m != nil {
		r.DecodeAt(m.Value, "metadata.labels", &labels)
	}
	d.inherited = labels[labelInherited] == "true"
}

// nameGrammar is that of a Kubernetes object, which has no underscore: it ends where the id of the
// policy begins.
var nameGrammar = regexp.MustCompile(`^[a-z0-9]([-a-z0-9.]{0,251}[a-z0-9])?$`)

func (d *loaded) checkFields() {
	if d.APIVersion != apiVersion || d.Kind != kind {
		d.fail(d.at, "", fmt.Sprintf("this is a %s of %s; only %s of %s is read here", quote(d.Kind), quote(d.APIVersion), kind, apiVersion))
		return
	}
	if !nameGrammar.MatchString(d.name) {
		name := d.name
		d.name = ""
		d.fail(d.at, "metadata.name", fmt.Sprintf("%s is not the name of an object", quote(name)))
	}
	if ns := d.namespace; ns != "" && ns != systemNamespace {
		d.fail(d.at, "metadata.namespace", fmt.Sprintf("policies are in %s, not in %s", systemNamespace, quote(ns)))
	}
	if n := d.Spec.Policies; n == nil || n.Kind != yamldoc.Text || strings.TrimSpace(n.Text) == "" {
		d.fail(d.at, "spec.policies", "is required, and the text of Cedar policies")
	}
}

// place returns where the lines of a scalar are in the file.
func place(from *origin, n *yamldoc.Node, file []byte) origin {
	whole := from.at(n.Line, n.Column)
	o := origin{whole: &whole}
	if !n.Literal {
		return o
	}
	// The lines of a literal follow the line of its indicator, all indented alike.
	rows := strings.Split(string(file), "\n")
	for i, row := range strings.Split(n.Text, "\n") {
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
