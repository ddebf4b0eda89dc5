package pipeline

import (
	"slices"
	"strings"

	"github.com/latticenet/lattice-host/abi"
	"github.com/latticenet/lattice-host/internal/outputkind"
)

// ExtendsBuiltin is the value of spec.extends in a pipeline that adds to the built-in one of its
// kind.
const ExtendsBuiltin = "builtin"

// extended returns the steps of the built-in pipeline for a kind with those of own: a step of a
// name that the built-in one has replaces it in its place, and the others follow. ok is false when
// there is no built-in pipeline for the kind.
func extended(kind abi.GroupKind, own []Step) (steps []Step, ok bool, err error) {
	builtin, err := Builtin(nil)
	if err != nil {
		return nil, false, err
	}
	at := slices.IndexFunc(builtin, func(p *Pipeline) bool { return p.For == kind })
	if at < 0 {
		return nil, false, nil
	}
	steps = slices.Clone(builtin[at].Steps)
	for _, s := range own {
		if i := slices.IndexFunc(steps, func(o Step) bool { return o.Name == s.Name }); i >= 0 {
			steps[i] = s
		} else {
			steps = append(steps, s)
		}
	}
	return steps, true, nil
}

// Extra returns the pipelines of base for kinds that none of over is for, after those of over.
func Extra(over, base []*Pipeline) []*Pipeline {
	all := slices.Clone(over)
	for _, b := range base {
		if !slices.ContainsFunc(over, func(p *Pipeline) bool { return p.For == b.For }) {
			all = append(all, b)
		}
	}
	return all
}

// Warnings returns what an operator should know about own pipelines, sorted: those that leave out
// steps of the built-in one, emit workloads and no policy, so that nothing isolates these.
func (e *Engine) Warnings() []string {
	var warnings []string
	for _, p := range e.pipelines {
		if text := p.warning(); text != "" {
			warnings = append(warnings, text)
		}
	}
	slices.Sort(warnings)
	return warnings
}

func (p *planner) warning() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	policy := func(k outputkind.Kind) bool { return k.Stage == outputkind.StagePolicy }
	workload := func(k outputkind.Kind) bool { return len(k.Pods) > 0 }
	if p.plan == nil || p.plan.emits(policy) || !p.plan.emits(workload) {
		return ""
	}
	gone := leftOut(p.pipeline)
	if len(gone) == 0 {
		return ""
	}
	return p.pipeline.Position.String() + ": " + KindPipeline + " " + p.pipeline.Name + ": leaves out " + strings.Join(gone, ", ") +
		" of the built-in pipeline, and no step emits a network or authorization policy: what is derived is not isolated; " +
		"write extends: " + ExtendsBuiltin + " to keep the built-in steps"
}

// leftOut returns the plugins of the built-in pipeline for the kind that a pipeline does not call.
func leftOut(p *Pipeline) []string {
	builtin, err := Builtin(nil)
	if err != nil {
		return nil
	}
	var gone []string
	for _, b := range builtin {
		for _, step := range b.Steps {
			called := slices.ContainsFunc(p.Steps, func(s Step) bool { return bareName(s.Plugin) == bareName(step.Plugin) })
			if b.For == p.For && !called {
				gone = append(gone, step.Plugin)
			}
		}
	}
	slices.Sort(gone)
	return slices.Compact(gone)
}

// bareName returns the name of a plugin without its publisher.
func bareName(plugin string) string { return plugin[strings.LastIndexByte(plugin, '/')+1:] }

// emits reports whether a step may emit such a kind, by its manifest.
func (p *plan) emits(such func(outputkind.Kind) bool) bool {
	return slices.ContainsFunc(p.steps, func(s *plannedStep) bool {
		return slices.ContainsFunc(s.manifest.Outputs, func(kind abi.GroupKind) bool {
			return such(outputkind.Of(kind))
		})
	})
}
