//go:build !lattice_norego

package rego

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/open-policy-agent/opa/v1/ast"
	"github.com/open-policy-agent/opa/v1/topdown"

	"github.com/latticenet/lattice-host/host/gate"
)

// Limits on an answer.
const (
	maxReasons      = 1000
	maxMessageBytes = 4096
)

// element is one member of a set that counts.
type element struct {
	entry string
	term  *ast.Term
	// What it says of itself.
	message, id, object, path, severity string
}

// elements reads the values of the rules that count. What is not a set of texts, or of objects with
// a text msg, is a failure, so that a rule in another form does not pass for one that found
// nothing.
func (p *pack) elements(values *ast.Array) ([]element, []gate.Reason) {
	var all []element
	var failures []gate.Reason
	for i, entry := range p.entries {
		found, err := readValue(entry, values.Elem(i))
		if err != nil {
			failures = append(failures, gate.Reason{
				Engine: engineName, Verdict: gate.Error, Policy: p.name + "." + entry, Position: p.first(entry), Message: err.Error(),
			})
		}
		all = append(all, found...)
	}
	return all, failures
}

func readValue(entry string, list *ast.Term) ([]element, error) {
	values, ok := list.Value.(*ast.Array)
	if !ok || values.Len() != 1 {
		return nil, fmt.Errorf("is undefined, and must be a set: %s contains … if { … }", entry)
	}
	set, ok := values.Elem(0).Value.(ast.Set)
	if !ok {
		return nil, fmt.Errorf("is of type %s, and must be a set: %s contains … if { … }", typeOf(values.Elem(0)), entry)
	}
	var all []element
	for _, t := range set.Slice() {
		e, err := readElement(entry, t)
		if err != nil {
			return nil, err
		}
		all = append(all, e)
	}
	return all, nil
}

func typeOf(t *ast.Term) string { return ast.ValueName(t.Value) }

func readElement(entry string, t *ast.Term) (element, error) {
	e := element{entry: entry, term: t}
	switch v := t.Value.(type) {
	case ast.String:
		e.message = string(v)
	case ast.Object:
		if err := e.readObject(v); err != nil {
			return e, err
		}
	default:
		return e, fmt.Errorf("has an element of type %s; elements are texts, or objects with a text msg", typeOf(t))
	}
	if strings.TrimSpace(e.message) == "" {
		return e, fmt.Errorf("has an element with an empty message; say what is wrong")
	}
	e.message = cut(e.message)
	return e, nil
}

// cut shortens what no one would read to the end.
func cut(s string) string {
	if len(s) <= maxMessageBytes {
		return s
	}
	return strings.ToValidUTF8(s[:maxMessageBytes], "") + "…"
}

func (e *element) readObject(o ast.Object) error {
	if o.Get(ast.InternedTerm("msg")) == nil {
		return fmt.Errorf("has an element without msg; elements are texts, or objects with a text msg")
	}
	for _, field := range [...]struct {
		name string
		to   *string
	}{{"msg", &e.message}, {"id", &e.id}, {"object", &e.object}, {"path", &e.path}, {"severity", &e.severity}} {
		t := o.Get(ast.StringTerm(field.name))
		if t == nil {
			continue
		}
		s, ok := t.Value.(ast.String)
		if !ok {
			return fmt.Errorf("has an element whose %s is of type %s, and must be text", field.name, typeOf(t))
		}
		*field.to = string(s)
	}
	if t := o.Get(ast.StringTerm("details")); t != nil {
		if _, ok := t.Value.(ast.Object); !ok {
			return fmt.Errorf("has an element whose details are of type %s, and must be an object", typeOf(t))
		}
	}
	return nil
}

// first is where a rule is first defined.
func (p *pack) first(entry string) string {
	if r := p.rule(entry); r != nil {
		return position(r.Location).String()
	}
	return ""
}

// rule returns the rule of a name that comes first.
func (p *pack) rule(entry string) *ast.Rule {
	i := slices.IndexFunc(p.rules, func(r *ast.Rule) bool { return ruleName(r) == entry })
	if i < 0 {
		return nil
	}
	return p.rules[i]
}

// answer turns elements into reasons and warnings.
func (p *pack) answer(elements []element, o *origins) gate.Answer {
	a := gate.Answer{Verdict: gate.Allow}
	for i := range elements {
		e := &elements[i]
		r := p.reason(e, o.of(e))
		if denies(e.entry) {
			a.Verdict, r.Verdict = gate.Deny, gate.Deny
			a.Reasons = append(a.Reasons, r)
			continue
		}
		a.Warnings = append(a.Warnings, r)
	}
	a.Reasons, a.Warnings = p.sorted(a.Reasons, gate.Deny), p.sorted(a.Warnings, gate.Allow)
	return a
}

// sorted sorts reasons, and cuts what no one would read.
func (p *pack) sorted(reasons []gate.Reason, v gate.Verdict) []gate.Reason {
	slices.SortFunc(reasons, func(a, b gate.Reason) int {
		return cmp.Or(strings.Compare(a.Object, b.Object), strings.Compare(a.Path, b.Path), strings.Compare(a.Policy, b.Policy),
			strings.Compare(a.Position, b.Position), strings.Compare(a.Message, b.Message))
	})
	if more := len(reasons) - maxReasons; more > 0 {
		reasons = append(reasons[:maxReasons], gate.Reason{
			Engine: engineName, Verdict: v, Policy: p.name, Message: fmt.Sprintf("and %d more, which are not listed", more),
		})
	}
	return reasons
}

func (p *pack) reason(e *element, rule *ast.Rule) gate.Reason {
	if rule == nil {
		rule = p.rule(e.entry)
	}
	r := gate.Reason{Engine: engineName, Object: e.object, Path: e.path, Message: e.message, Position: position(rule.Location).String()}
	about := p.about(rule)
	r.Title = about.title
	r.Policy = cmp.Or(e.id, about.id, p.name+"."+e.entry)
	r.Severity = cmp.Or(e.severity, about.severity)
	return r
}

// metadata is what the annotations of a rule say of it.
type metadata struct{ title, id, severity string }

// about reads the annotations of a rule, of the document that it is a part of, and of its package,
// the nearest first. A package has no title or id that could mean a rule's.
func (p *pack) about(rule *ast.Rule) metadata {
	var m metadata
	for _, ref := range p.compiler.GetAnnotationSet().Chain(rule) {
		a := ref.Annotations
		if a == nil {
			continue
		}
		m.severity = cmp.Or(m.severity, text(a.Labels, "severity"), text(a.Custom, "severity"))
		if a.Scope == "package" || a.Scope == "subpackages" {
			continue
		}
		m.title = cmp.Or(m.title, a.Title)
		m.id = cmp.Or(m.id, text(a.Labels, "id"), text(a.Custom, "id"))
	}
	return m
}

func text(m map[string]any, key string) string {
	s, _ := m[key].(string)
	return s
}

// origins finds out which rule put an element into a set, by watching the rules end.
type origins struct{ rules map[string]*ast.Rule }

var _ topdown.QueryTracer = (*origins)(nil)

// Enabled returns true.
func (*origins) Enabled() bool { return true }

// Config asks for no variables: the value of the head is enough.
func (*origins) Config() topdown.TraceConfig { return topdown.TraceConfig{} }

// TraceEvent remembers the rule whose head has the value that is added; of several the one that
// comes first.
func (o *origins) TraceEvent(e topdown.Event) {
	rule, ok := e.Node.(*ast.Rule)
	if e.Op != topdown.ExitOp || !ok || rule.Head.Key == nil || !isEntry(ruleName(rule)) {
		return
	}
	key := originKey(ruleName(rule), e.Plug(rule.Head.Key))
	if before := o.rules[key]; before == nil || compareRules(rule, before) < 0 {
		o.rules[key] = rule
	}
}

func (o *origins) of(e *element) *ast.Rule { return o.rules[originKey(e.entry, e.term)] }

func originKey(entry string, t *ast.Term) string { return entry + " " + t.String() }
