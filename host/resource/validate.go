package resource

import (
	"slices"
	"strconv"
	"strings"

	"github.com/latticenet/lattice-host/abi/cbor"
	"github.com/latticenet/lattice-host/abi/lattice"
	"github.com/latticenet/lattice-host/internal/kind"
	"github.com/latticenet/lattice-host/internal/problem"
	"github.com/latticenet/lattice-host/internal/yamldoc"
)

// validator checks a decoded document and collects everything that the kinds forbid.
type validator struct {
	kind *kind.Kind
	// name is that of the file, object that of the document.
	name, object string
	root         *yamldoc.Node
	// in is the workload that is being checked.
	in      place
	options Options
	*collector
}

// fail reports a problem, unless the field or a part of the document around it could not be
// decoded.
func (v *validator) fail(field, message string) {
	if !v.unreadable(field) {
		at := v.root.Locate(field)
		v.add(problem.Problem{Position: at.In(v.name), Object: v.object, Field: field, Message: message})
	}
}

// requireOf reports a problem of a field as a whole, unless a part of it could not be decoded.
func (v *validator) requireOf(ok bool, field, message string) {
	if !v.around[field] {
		v.require(ok, field, message)
	}
}

// require reports a problem unless ok.
func (v *validator) require(ok bool, field, message string) {
	if !ok {
		v.fail(field, message)
	}
}

// oneOf checks an enumeration. Empty text is valid: the field is absent.
func (v *validator) oneOf(field, value string, values ...string) {
	if value == "" || slices.Contains(values, value) {
		return
	}
	last := len(values) - 1
	v.fail(field, "must be "+strings.Join(values[:last], ", ")+" or "+values[last]+", not "+problem.Quote(value))
}

// optional checks a field that may be absent.
func (v *validator) optional(field, value string, valid func(string) bool, rule string) {
	if value != "" && !valid(value) {
		v.fail(field, rule+", not "+problem.Quote(value))
	}
}

// between checks a number that may be absent. Where nothing else bounds it, most is what Kubernetes
// takes: 32 bits.
func (v *validator) between(field string, value *int64, least, most int64) {
	if value != nil && (*value < least || *value > most) {
		v.fail(field, "must be from "+strconv.FormatInt(least, 10)+" to "+strconv.FormatInt(most, 10)+", not "+strconv.FormatInt(*value, 10))
	}
}

func (v *validator) port(field string, port int64) {
	v.require(validPort(port), field, rulePort+", not "+strconv.FormatInt(port, 10))
}

func validPort(port int64) bool { return port >= 1 && port <= 65535 }

// distinct checks that no item is empty or there twice.
func (v *validator) distinct(field string, items []string) {
	seen := make(map[string]bool, len(items))
	for i, item := range items {
		at := field + "." + strconv.Itoa(i)
		v.require(item != "", at, "is empty; remove the item or give it a value")
		v.require(!seen[item], at, problem.Quote(item)+" is a duplicate; remove one")
		seen[item] = true
	}
}

// items checks every item of a list, and that none is a duplicate.
func (v *validator) items(field string, items []string, valid func(string) bool, rule string) {
	v.distinct(field, items)
	for i, item := range items {
		v.optional(field+"."+strconv.Itoa(i), item, valid, rule)
	}
}

// names checks the keys of a mapping.
func names[T any](v *validator, field string, m cbor.Map[T], valid func(string) bool, rule string) {
	for _, e := range m {
		if !valid(e.Key) {
			v.fail(field+"."+e.Key, "the name "+problem.Quote(e.Key)+" "+rule)
		}
	}
}

// limits reports what the schema of the kind has against values, where no rule has reported the
// field.
func (v *validator) limits(spec cbor.Raw) {
	for _, violation := range v.kind.Spec.Limits(spec) {
		field := "spec." + violation.Field
		if !slices.ContainsFunc(v.problems, func(p problem.Problem) bool { return p.Field == field }) {
			v.fail(field, violation.Message)
		}
	}
}

func (v *validator) metadata(m *lattice.ObjectMeta) {
	v.require(isName(m.Name), "metadata.name", ruleName+", not "+problem.Quote(m.Name))
	v.optional("metadata.namespace", m.Namespace, isLabel, ruleNamespace)
	v.labels("metadata.labels", m.Labels)
	names(v, "metadata.annotations", m.Annotations, isLabelKey, ruleLabelKey)
}

const (
	ruleLabelKey   = "must be a name of at most 63 letters, digits, hyphens, underscores and dots, with an optional prefix such as example.com/"
	ruleLabelValue = "must be empty or at most 63 letters, digits, hyphens, underscores and dots, with a letter or digit at both ends"
)

func (v *validator) labels(field string, labels cbor.Map[string]) {
	names(v, field, labels, isLabelKey, ruleLabelKey)
	for _, e := range labels {
		v.optional(field+"."+e.Key, e.Value, isLabelValue, ruleLabelValue)
	}
}
