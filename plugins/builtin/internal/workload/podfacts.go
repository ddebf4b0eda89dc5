package workload

import (
	"slices"
	"strings"

	"github.com/latticenet/lattice-host/plugins/sdk/go/kube"
	"github.com/latticenet/lattice-host/plugins/sdk/go/template"
)

// podFact is something that only a running pod knows of itself.
type podFact struct {
	// reference is how a document names it, and path the field of the pod. variable holds it where
	// it is a part of a text.
	reference, path, variable string
}

// podFacts are the facts that Kubernetes gives to variables
// (kubernetes.io/docs/concepts/workloads/pods/downward-api).
func podFacts() []podFact {
	return []podFact{
		{"node.ip", "status.hostIP", "LATTICE_NODE_IP"},
		{"node.name", "spec.nodeName", "LATTICE_NODE_NAME"},
		{"pod.ip", "status.podIP", "LATTICE_POD_IP"},
		{"pod.name", "metadata.name", "LATTICE_POD_NAME"},
		{"pod.namespace", "metadata.namespace", "LATTICE_POD_NAMESPACE"},
		{"pod.serviceAccount", "spec.serviceAccountName", "LATTICE_POD_SERVICE_ACCOUNT"},
		{"pod.uid", "metadata.uid", "LATTICE_POD_UID"},
	}
}

// running is a value that is known only when the pod runs: a fact of the pod, or a key of an
// existing object.
type running struct {
	// variable holds the value where it is a part of a text.
	variable string
	source   *kube.EnvVarSource
}

// running returns the source of a value that is known only when the pod runs. It is nil for other
// references, and after reporting a wrong one.
func (b *Builder) running(field, reference string) *running {
	if e, key := b.existingReference(reference); e != nil {
		if key == "" {
			b.resp.Error(field, "${"+reference+"} names no key; write ${"+reference+".KEY}")
			return nil
		}
		return &running{variable: "LATTICE_" + variableName(e.resource) + "_" + variableName(key), source: e.key(key)}
	}
	if !isPodReference(reference) {
		return nil
	}
	facts := podFacts()
	i := slices.IndexFunc(facts, func(f podFact) bool { return f.reference == reference })
	if i < 0 {
		b.resp.Error(field, "${"+reference+"} is not known; of a pod, "+factNames()+" are")
		return nil
	}
	return &running{variable: facts[i].variable, source: &kube.EnvVarSource{FieldRef: &kube.FieldSelector{FieldPath: facts[i].path}}}
}

// variableName turns a name into a part of that of a variable.
func variableName(s string) string {
	b := []byte(s)
	for i, c := range b {
		switch {
		case c >= 'a' && c <= 'z':
			b[i] = c - 'a' + 'A'
		case (c < 'A' || c > 'Z') && (c < '0' || c > '9'):
			b[i] = '_'
		}
	}
	return string(b)
}

// factNames lists the references to facts for a message.
func factNames() string {
	var names []string
	for _, f := range podFacts() {
		names = append(names, f.reference)
	}
	return strings.Join(names, ", ")
}

// isRunning reports whether a reference is to a value that is known only when the pod runs, or
// looks like it.
func (b *Builder) isRunning(reference string) bool {
	e, _ := b.existingReference(reference)
	return e != nil || isPodReference(reference)
}

func isPodReference(reference string) bool {
	return strings.HasPrefix(reference, "pod.") || strings.HasPrefix(reference, "node.")
}

// refersToRunning reports whether a text refers to what is known only when the pod runs.
func (b *Builder) refersToRunning(text string) bool {
	found := false
	template.References(text, template.Plain, func(reference string) { found = found || b.isRunning(reference) })
	return found
}

// runningIn returns the placeholder for such a value in a text in which the kubelet replaces
// $(NAME).
func (b *Builder) runningIn(c *container, field, reference string) string {
	v := b.running(field, reference)
	if v == nil {
		return ""
	}
	if c.Variables.Get(v.variable) != nil {
		b.resp.Error(c.field+".variables."+v.variable, "the name is that of the variable for ${"+reference+"}; choose another one")
	}
	i := slices.IndexFunc(c.facts, func(o fact) bool { return o.Name == v.variable })
	switch {
	case i < 0:
		c.facts = append(c.facts, fact{kube.EnvVar{Name: v.variable, ValueFrom: v.source}, reference})
	case c.facts[i].reference != reference:
		b.resp.Error(field, "${"+reference+"} and ${"+c.facts[i].reference+"} both become the variable "+v.variable+
			"; give one of them a variable of its own and write $(NAME) here")
	}
	return "$(" + v.variable + ")"
}

// runningVariable turns a variable with such values into one of the pod's own: the kubelet fills it
// in when the pod starts.
func (b *Builder) runningVariable(c *container, field, name, text string) kube.EnvVar {
	if reference, sole := template.Sole(text, template.Plain); sole && text[0] == '$' && text[len(text)-1] == '}' {
		if v := b.running(field, reference); v != nil {
			return kube.EnvVar{Name: name, ValueFrom: v.source}
		}
		return kube.EnvVar{Name: name}
	}
	value, problem := template.Render(escapeParentheses(text), template.Plain, func(reference string) (string, string) {
		if b.isRunning(reference) {
			return b.runningIn(c, field, reference), ""
		}
		value, sensitive, problem := b.resolve(reference)
		if sensitive {
			b.resp.Error(field, "${"+reference+"} carries a password, which cannot be in one variable with what is known when the pod runs; make it two")
		}
		return escapeParentheses(value), problem
	})
	if problem != "" {
		b.resp.Error(field, problem)
	}
	return kube.EnvVar{Name: name, Value: value}
}

// escapeParentheses keeps the kubelet from replacing what a document does not mean as a variable.
func escapeParentheses(s string) string { return strings.ReplaceAll(s, "$(", "$$(") }

// fact is a variable that others are made of, and the reference that it resolves.
type fact struct {
	kube.EnvVar
	reference string
}

// ownEnv returns the variables of the pod's own: facts that others are made of, and then those.
func (c *container) ownEnv() []kube.EnvVar {
	slices.SortFunc(c.facts, func(a, b fact) int { return strings.Compare(a.Name, b.Name) })
	var env []kube.EnvVar
	for i := range c.facts {
		env = append(env, c.facts[i].EnvVar)
	}
	return append(env, c.own...)
}
