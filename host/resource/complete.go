package resource

import (
	"slices"
	"strings"

	"github.com/latticenet/lattice-host/internal/problem"
	"github.com/latticenet/lattice-host/internal/yamldoc"
)

// completion is what the defaults of a document did to it.
type completion struct {
	// places are those of the defaults, by which a problem of a completed field is found to be one
	// of the defaults.
	places map[yamldoc.Place]bool
	// fault is set when the defaults are too large to be merged.
	fault string
}

// The parts of a job that complete each other.
const (
	keyDefaults = "defaults"
	keyTasks    = "tasks"
	fieldTasks  = "spec." + keyTasks
)

// complete returns a document with its defaults merged. Most documents are complete as they are.
func complete(root *yamldoc.Node) (*yamldoc.Node, completion) {
	kind := Builtin().read(root.TextOf("apiVersion"), root.TextOf("kind"))
	if kind == nil || kind.complete == nil {
		return root, completion{}
	}
	return kind.complete(root)
}

// completeJob merges spec.defaults of a job under each of its tasks, and removes them.
func completeJob(root *yamldoc.Node) (*yamldoc.Node, completion) {
	spec := inner(root, keySpec)
	if spec == nil {
		return root, completion{}
	}
	defaults, tasks := inner(spec, keyDefaults), inner(spec, keyTasks)
	if defaults == nil || tasks == nil || defaults.Kind != yamldoc.Map || tasks.Kind != yamldoc.Map {
		return root, completion{}
	}
	values, bytes := defaults.Size()
	if n := len(tasks.Members); values*n > yamldoc.MaxValues || bytes*n > yamldoc.MaxBytes {
		return root, completion{fault: "are too large to be merged under each of the tasks; move what is large into the tasks that need it"}
	}
	completed := tasks.Each(func(m *yamldoc.Member) *yamldoc.Node { return yamldoc.Merge(defaults, m.Value) })
	spec = spec.With(keyDefaults, nil).With(keyTasks, completed)
	return root.With(keySpec, spec), completion{places: defaults.Places()}
}

// atDefaults moves the problems of values that come from the defaults there, and leaves each of
// them once.
func (c completion) atDefaults(problems problem.List) problem.List {
	if c.places == nil {
		return problems
	}
	var out problem.List
	for _, p := range problems {
		at := yamldoc.Place{Line: p.Line, Column: p.Column}
		if rest, ok := strings.CutPrefix(p.Field, fieldTasks+"."); ok && c.places[at] {
			_, rest, _ = strings.Cut(rest, ".")
			p.Field = strings.TrimSuffix("spec."+keyDefaults+"."+rest, ".")
		}
		if !slices.ContainsFunc(out, func(o problem.Problem) bool {
			return o.Position == p.Position && o.Field == p.Field && o.Message == p.Message
		}) {
			out = append(out, p)
		}
	}
	return out
}
