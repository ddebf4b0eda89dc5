package pipeline

import (
	"context"
	"errors"
	"slices"
	"strings"
	"sync"

	"github.com/latticenet/lattice-host/abi"
	"github.com/latticenet/lattice-host/abi/bundle"
	"github.com/latticenet/lattice-host/abi/cbor"
	"github.com/latticenet/lattice-host/abi/contract"
	"github.com/latticenet/lattice-host/host/resource"
	"github.com/latticenet/lattice-host/internal/problem"
	"github.com/latticenet/lattice-host/internal/yamldoc"
)

// plan is a pipeline with its plugins, ready to run.
type plan struct {
	pipeline *Pipeline
	steps    []*plannedStep
	// order is an order in which every step comes after those it depends on.
	order []int
	// before holds, for each step, every step that comes before it.
	before []set
}

// plannedStep is a step with its plugin and its settings.
type plannedStep struct {
	index    int
	name     string
	plugin   Plugin
	manifest *abi.Manifest
	digest   string
	settings cbor.Raw
	// covers are the features of the pipeline's kind that the plugin handles.
	covers []string
	// when are the features without which the plugin is not called; empty for a plugin that always
	// is.
	when   []string
	record bundle.Step
	// asked is what is left to ask the plugin before it is called; nil leaves nothing.
	asked *question
}

func (s *plannedStep) text() string {
	return stepText(s.name, s.record.Plugin, s.record.Version, s.record.Digest)
}

// newPlan loads the plugins of a pipeline, checks the settings of its steps and puts the steps in
// order.
func newPlan(ctx context.Context, p *Pipeline, plugins Plugins, settings *Settings) (*plan, error) {
	pl := &plan{pipeline: p}
	var errs []error
	for i := range p.Steps {
		step, err := planStep(ctx, p, i, plugins, settings)
		if err != nil {
			errs = append(errs, err)
			continue
		}
		pl.steps = append(pl.steps, step)
	}
	if len(errs) > 0 {
		return nil, reasons(ctx, errs)
	}
	g, why := dependencies(p, pl.steps)
	order, stuck := g.order()
	if stuck != 0 {
		return nil, problem.List{cycleProblem(p, pl.steps, g.cycle(), why)}
	}
	pl.order, pl.before = order, g.transitive(order)
	return pl, nil
}

func planStep(ctx context.Context, p *Pipeline, i int, plugins Plugins, settings *Settings) (*plannedStep, error) {
	step := &p.Steps[i]
	unfit := func(message string) error {
		return problem.List{{
			Position: step.Position, Object: KindPipeline + " " + p.Name,
			Field: "spec.steps." + step.Name, Message: message,
		}}
	}
	plugin, err := plugins.Plugin(ctx, step.Plugin)
	if err != nil {
		return nil, planError(p, step, err)
	}
	m := plugin.Manifest()
	derives := slices.IndexFunc(m.Derives, func(d abi.Derives) bool {
		return abi.GroupKind{Group: d.Group, Kind: d.Kind} == p.For
	})
	if derives < 0 {
		return nil, unfit("the plugin " + m.Reference() + " does not derive from " + p.For.String() +
			"; use a plugin that does, or remove the step")
	}
	layers := settings.stepLayers(p, step)
	s := &plannedStep{
		index: i, name: step.Name, plugin: plugin, manifest: m, digest: plugin.Digest(),
		settings: mergeLayers(layers), covers: m.Derives[derives].Covers, when: m.Derives[derives].When,
	}
	s.record = bundle.Step{
		Pipeline: p.Name, Name: s.name, Plugin: m.Publisher + "/" + m.Name, Version: m.Version, Digest: s.digest,
	}
	if s.settings != nil {
		if s.record.Settings, err = digestOf(s.settings); err != nil {
			return nil, err
		}
	}
	if err := checkSettings(ctx, p, s, layers); err != nil {
		return nil, err
	}
	return s, nil
}

// planError says which step of which pipeline could not be loaded.
func planError(p *Pipeline, step *Step, err error) error {
	return problem.Problem{
		Position: step.Position, Object: KindPipeline + " " + p.Name, Field: "spec.steps." + step.Name + ".plugin",
		Message: oneLine(err.Error()), Cause: err,
	}
}

// checkSettings lets the manifest's schema and then the plugin judge the settings of a step.
func checkSettings(ctx context.Context, p *Pipeline, s *plannedStep, layers []layer) error {
	if len(s.manifest.SettingsSchema) == 0 {
		if len(layers) == 0 {
			return nil
		}
		return objections(p, s, layers, []objection{{"", "the plugin takes no settings; remove them"}})
	}
	schema, err := compileSchema(s.manifest.SettingsSchema)
	if err != nil {
		return planError(p, &p.Steps[s.index], err)
	}
	found, err := checkSchema(schema, s.settings)
	if err != nil {
		return planError(p, &p.Steps[s.index], err)
	}
	if len(found) > 0 {
		return objections(p, s, layers, found)
	}
	if len(layers) == 0 {
		// No one set anything that could be corrected, so that the plugin is asked when it is
		// called, if it is.
		s.asked = &question{pipeline: p}
		return nil
	}
	return askPlugin(ctx, p, s, layers)
}

// question is whether a plugin takes the settings of its step, asked once and not before the plugin
// is called.
type question struct {
	pipeline *Pipeline

	mu   sync.Mutex
	done bool
	err  error
}

// ask asks. What a context ended is asked again.
func (q *question) ask(ctx context.Context, s *plannedStep) error {
	if q == nil {
		return nil
	}
	q.mu.Lock()
	defer q.mu.Unlock()
	if !q.done {
		q.err = askPlugin(ctx, q.pipeline, s, nil)
		q.done = ctx.Err() == nil
	}
	return q.err
}

// askPlugin lets the plugin judge the settings of a step.
func askPlugin(ctx context.Context, p *Pipeline, s *plannedStep, layers []layer) error {
	var found []objection
	resp, _, err := s.plugin.Validate(ctx, &abi.ValidateRequest{ABI: abi.Version, Settings: s.settings})
	if err != nil {
		return planError(p, &p.Steps[s.index], err)
	}
	if resp == nil {
		return planError(p, &p.Steps[s.index], badAnswer("the plugin returned an empty response"))
	}
	if broken := contract.CheckResults(resp.Results); len(broken) > 0 {
		errs := make([]error, len(broken))
		for i := range broken {
			errs[i] = planError(p, &p.Steps[s.index], badAnswer(broken[i].Error()))
		}
		return problem.Join(errs...)
	}
	for _, r := range resp.Results {
		if r.Severity == abi.SeverityError {
			found = append(found, objection{r.Field, oneLine(r.Message)})
		}
	}
	return objections(p, s, layers, found)
}

// objections turns what is wrong with settings into problems at the place where they were written.
func objections(p *Pipeline, s *plannedStep, layers []layer, found []objection) error {
	if len(found) == 0 {
		return nil
	}
	problems := make(problem.List, 0, len(found))
	for _, o := range found {
		field := strings.TrimPrefix(strings.TrimPrefix(o.field, "settings"), ".")
		wrong := problem.Problem{
			Position: p.Steps[s.index].Position, Object: KindPipeline + " " + p.Name,
			Field:   yamldoc.Join("spec.steps."+s.name+".settings", field),
			Message: o.message + " (" + s.text() + ")",
		}
		if l, ok := blame(layers, field); ok {
			wrong.Position, wrong.Object, wrong.Field = l.value.position(field), l.object, yamldoc.Join(l.field, field)
		}
		problems = append(problems, wrong)
	}
	return problems
}

// reason says why one step must come before another.
type reason string

// dependencies builds the order that the document and the manifests ask for.
func dependencies(p *Pipeline, steps []*plannedStep) (*graph, map[[2]int]reason) {
	g, why := newGraph(len(steps)), map[[2]int]reason{}
	add := func(first, second int, r reason) {
		g.add(first, second)
		why[[2]int{first, second}] = r
	}
	for i := range steps {
		for j := i + 1; j < len(steps); j++ {
			a, b := steps[i], steps[j]
			if first, second := after(p, i, j), after(p, j, i); first || second {
				if first {
					add(j, i, reason(a.name+" is after "+b.name))
				}
				if second {
					add(i, j, reason(b.name+" is after "+a.name))
				}
				continue
			}
			ij, ijHard := needs(a.manifest, b.manifest)
			ji, jiHard := needs(b.manifest, a.manifest)
			// Contributing needs no order of its own, so that it gives way to a step that reads,
			// and among two that both contribute the document decides.
			if ij != "" && ji != "" && (!ijHard || !jiHard) {
				if ijHard || !jiHard {
					ji = ""
				} else {
					ij = ""
				}
			}
			if ij != "" {
				add(i, j, reason(b.name+" "+ij+" of "+a.name))
			}
			if ji != "" {
				add(j, i, reason(a.name+" "+ji+" of "+b.name))
			}
		}
	}
	return g, why
}

// after reports whether step i names step j in its after list.
func after(p *Pipeline, i, j int) bool { return slices.Contains(p.Steps[i].After, p.Steps[j].Name) }

// needs says why second must come after first, or nothing. It is hard when second cannot do its
// work otherwise.
func needs(first, second *abi.Manifest) (why string, hard bool) {
	if k, ok := common(second.Reads, first.Outputs); ok {
		return "reads the " + k.String() + " outputs", true
	}
	if k, ok := common(second.ContextConsumed, first.ContextProduced); ok {
		return "consumes the context " + k, true
	}
	if k, ok := common(second.Reads, first.Contributes); ok {
		return "reads the " + k.String() + " contributions", false
	}
	if k, ok := common(second.Contributes, first.Outputs); ok {
		return "contributes to the " + k.String() + " outputs", false
	}
	return "", false
}

// common returns the first item of a that b has too.
func common[T comparable](a, b []T) (T, bool) {
	i := slices.IndexFunc(a, func(item T) bool { return slices.Contains(b, item) })
	if i < 0 {
		var none T
		return none, false
	}
	return a[i], true
}

func cycleProblem(p *Pipeline, steps []*plannedStep, cycle []int, why map[[2]int]reason) problem.Problem {
	because := make([]string, len(cycle))
	for k, i := range cycle {
		because[k] = string(why[[2]int{i, cycle[(k+1)%len(cycle)]}])
	}
	return problem.Problem{
		Position: p.Steps[cycle[0]].Position, Object: KindPipeline + " " + p.Name, Field: "spec.steps",
		Message: "the steps wait for each other: " + cycleText(cycle, func(i int) string { return steps[i].name }) +
			" (" + strings.Join(because, "; ") + "); name the order of two of them with after, or remove one",
	}
}

// errNoPipeline says that nothing derives a kind.
func errNoPipeline(doc *resource.Document, known []abi.GroupKind) error {
	names := make([]string, len(known))
	for i, k := range known {
		names[i] = k.String()
	}
	slices.Sort(names)
	return problem.List{{
		Position: doc.Position("kind"), Object: objectText(doc.Ref), Field: "kind",
		Message: "no pipeline derives " + doc.Ref.GroupKind().String() + "; there are pipelines for " +
			strings.Join(names, ", "),
	}}
}

// isContextError reports whether err says that a call was cancelled rather than that something is
// wrong.
func isContextError(err error) bool {
	return errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded)
}
