package pipeline

import (
	"embed"
	"io/fs"
	"slices"
	"strconv"
	"strings"

	"github.com/latticenet/lattice-host/abi"
	"github.com/latticenet/lattice-host/abi/cbor"
	"github.com/latticenet/lattice-host/host/resource"
	"github.com/latticenet/lattice-host/internal/kind"
	"github.com/latticenet/lattice-host/internal/problem"
	"github.com/latticenet/lattice-host/internal/yamldoc"
)

// APIVersion is the apiVersion of pipeline, settings and platform documents.
const APIVersion = "lattice.dev/v1"

// The kinds of this package's documents.
const (
	KindPipeline = "Pipeline"
	KindSettings = "Settings"
	KindPlatform = "Platform"
)

// MaxSteps is how many steps one pipeline may have.
const MaxSteps = 64

// Pipeline names the steps that derive the outputs of one kind of resource.
type Pipeline struct {
	// Name is a DNS label.
	Name string
	// For is the kind that the pipeline derives from.
	For abi.GroupKind
	// Extends says that the document adds to the built-in pipeline for the kind.
	Extends bool
	// Steps are in the order of the document, which breaks ties only; those of the built-in
	// pipeline come first where the document extends it.
	Steps []Step
	// Position is where the document begins.
	Position problem.Position
}

// Step is one use of one plugin.
type Step struct {
	// Name is a DNS label, unique in the pipeline.
	Name string
	// Plugin is publisher/name, or the bare name.
	Plugin string
	// After are the steps that must come before this one, beyond what the plugins' manifests say.
	After []string
	// Position is where the step begins.
	Position problem.Position

	settings settingsValue
}

// Settings returns the settings that the document gives the step, as a JSON object; nothing where
// it gives none.
func (s *Step) Settings() ([]byte, error) {
	if s.settings.raw == nil {
		return nil, nil
	}
	return cbor.ToJSON(nil, s.settings.raw)
}

//go:embed builtin/*.yaml
var builtin embed.FS

// Builtin returns the pipelines that come with the host, and one for each kind that a plugin
// brings: a step of that plugin. They are sorted by name. A nil table is [resource.Builtin].
func Builtin(kinds *resource.Table) ([]*Pipeline, error) {
	files, err := fs.Glob(builtin, "builtin/*.yaml")
	if err != nil {
		return nil, err
	}
	var pipelines []*Pipeline
	for _, file := range files {
		data, err := builtin.ReadFile(file)
		if err != nil {
			return nil, err
		}
		parsed, err := ParsePipelines(file, data)
		if err != nil {
			return nil, err
		}
		pipelines = append(pipelines, parsed...)
	}
	if kinds != nil {
		for _, k := range kinds.Kinds() {
			if k.Plugin != "" {
				pipelines = append(pipelines, ofPlugin(k))
			}
		}
	}
	slices.SortFunc(pipelines, func(a, b *Pipeline) int { return strings.Compare(a.Name, b.Name) })
	return pipelines, nil
}

// ofPlugin returns the pipeline of a kind that a plugin brings, for which no operator has written
// another one.
func ofPlugin(k *kind.Kind) *Pipeline {
	path, _, _ := strings.Cut(k.Plugin, "@")
	_, name, _ := strings.Cut(path, "/")
	at := problem.Position{File: k.Plugin}
	return &Pipeline{
		Name: k.Plural + "." + k.Group, For: k.GroupKind, Position: at,
		Steps: []Step{{Name: name, Plugin: path, Position: at}},
	}
}

// ParsePipelines reads every pipeline of a YAML or JSON file, strictly. The error is a
// [problem.List] with the place of everything that is wrong.
func ParsePipelines(file string, data []byte) ([]*Pipeline, error) {
	opened, documents := yamldoc.Open(file, data, maxDocumentBytes)
	r := reader{opened}
	var pipelines []*Pipeline
	for _, n := range documents {
		r.Object = KindPipeline
		p := r.pipeline(n)
		if slices.ContainsFunc(pipelines, func(o *Pipeline) bool { return p.Name != "" && o.Name == p.Name }) {
			r.fail(n, "metadata.name", "the file has two pipelines of this name")
		}
		if slices.ContainsFunc(pipelines, func(o *Pipeline) bool { return p.For.Kind != "" && o.For == p.For }) {
			r.fail(n, "spec.for", "the file has two pipelines for "+p.For.String()+"; a kind has one")
		}
		pipelines = append(pipelines, p)
	}
	if err := r.Err(); err != nil {
		return nil, err
	}
	return pipelines, nil
}

// header reads apiVersion and kind and returns the other top-level values.
func (r reader) header(n *yamldoc.Node, kind string, keys ...string) map[string]*yamldoc.Node {
	top := r.Fields(n, "", append([]string{"apiVersion", "kind"}, keys...)...)
	r.Require(n, top, "", "apiVersion", "kind", "spec")
	if v := top["apiVersion"]; v != nil && r.Text(v, "apiVersion") != APIVersion {
		r.fail(v, "apiVersion", "must be "+APIVersion)
	}
	if v := top["kind"]; v != nil && r.Text(v, "kind") != kind {
		r.fail(v, "kind", "must be "+kind)
	}
	return top
}

func (r reader) pipeline(n *yamldoc.Node) *Pipeline {
	p := &Pipeline{Position: r.position(n)}
	top := r.header(n, KindPipeline, "metadata", "spec")
	if r.Require(n, top, "", "metadata") && top["metadata"] != nil {
		p.Name = r.pipelineName(top["metadata"])
	}
	spec := top["spec"]
	if spec == nil {
		return p
	}
	values := r.Fields(spec, "spec", "for", "extends", "steps")
	r.Require(spec, values, "spec", "for", "steps")
	if kind := values["for"]; kind != nil {
		p.For = r.groupKind(kind, "spec.for")
	}
	p.Steps = r.steps(values["steps"])
	if extends := values["extends"]; extends != nil {
		p.Extends = true
		r.extend(extends, p)
	}
	r.order(p.Steps)
	return p
}

func (r reader) pipelineName(n *yamldoc.Node) string {
	values := r.Fields(n, "metadata", "name")
	if !r.Require(n, values, "metadata", "name") || values["name"] == nil {
		return ""
	}
	name := r.Text(values["name"], "metadata.name")
	if !isLabel(name) {
		r.fail(values["name"], "metadata.name", labelRule)
		return ""
	}
	r.Object = KindPipeline + " " + name
	return name
}

func (r reader) groupKind(n *yamldoc.Node, path string) abi.GroupKind {
	values := r.Fields(n, path, "group", "kind")
	r.Require(n, values, path, "kind")
	kind := abi.GroupKind{
		Group: r.Text(values["group"], yamldoc.Join(path, "group")),
		Kind:  r.Text(values["kind"], yamldoc.Join(path, "kind")),
	}
	if values["kind"] != nil && kind.Kind == "" {
		r.fail(values["kind"], yamldoc.Join(path, "kind"), "must be a kind, such as LatticeService")
	}
	return kind
}

func (r reader) steps(n *yamldoc.Node) []Step {
	nodes := r.List(n, "spec.steps")
	if n != nil && (len(nodes) == 0 || len(nodes) > MaxSteps) {
		r.fail(n, "spec.steps", "must have 1 to "+strconv.Itoa(MaxSteps)+" steps")
		return nil
	}
	steps := make([]Step, 0, len(nodes))
	for i, node := range nodes {
		step := r.step(node, "spec.steps."+strconv.Itoa(i))
		if step.Name != "" && slices.ContainsFunc(steps, func(o Step) bool { return o.Name == step.Name }) {
			r.fail(node, "spec.steps."+step.Name, "the pipeline has two steps of this name")
		}
		steps = append(steps, step)
	}
	return steps
}

// extend puts the steps of the built-in pipeline for the kind before those of the document.
func (r reader) extend(n *yamldoc.Node, p *Pipeline) {
	if r.Text(n, "spec.extends") != ExtendsBuiltin {
		r.fail(n, "spec.extends", "must be "+ExtendsBuiltin+", or left out for a pipeline that replaces the built-in one")
		return
	}
	steps, ok, err := extended(p.For, p.Steps)
	switch {
	case err != nil:
		r.fail(n, "spec.extends", oneLine(err.Error()))
	case !ok && p.For.Kind != "":
		r.fail(n, "spec.extends", "there is no built-in pipeline for "+p.For.String()+"; leave it out")
	case ok:
		p.Steps = steps
	}
	if len(p.Steps) > MaxSteps {
		r.fail(n, "spec.steps", "must have at most "+strconv.Itoa(MaxSteps)+" steps, the built-in ones included")
	}
}

// order checks what steps say about their order.
func (r reader) order(steps []Step) {
	for _, step := range steps {
		r.after(step, steps)
	}
	if len(r.Problems) == 0 {
		r.cycles(steps)
	}
}

func (r reader) step(n *yamldoc.Node, path string) Step {
	step := Step{Position: r.position(n)}
	values := r.Fields(n, path, "name", "plugin", "after", "settings")
	r.Require(n, values, path, "name", "plugin")
	if name := values["name"]; name != nil {
		if step.Name = r.Text(name, yamldoc.Join(path, "name")); !isLabel(step.Name) {
			r.fail(name, yamldoc.Join(path, "name"), labelRule)
		}
	}
	if plugin := values["plugin"]; plugin != nil {
		if step.Plugin = r.Text(plugin, yamldoc.Join(path, "plugin")); !validPlugin(step.Plugin) {
			r.fail(plugin, yamldoc.Join(path, "plugin"), "must be publisher/name or the name of a plugin")
		}
	}
	for i, name := range r.List(values["after"], yamldoc.Join(path, "after")) {
		step.After = append(step.After, r.Text(name, yamldoc.Join(path, "after."+strconv.Itoa(i))))
	}
	if settings := values["settings"]; settings != nil {
		step.settings = r.settings(settings, yamldoc.Join(path, "settings"))
	}
	return step
}

func validPlugin(name string) bool {
	publisher, bare, found := strings.Cut(name, "/")
	if !found {
		return abi.ValidName(name)
	}
	return abi.ValidName(publisher) && abi.ValidName(bare)
}

func (r reader) after(step Step, steps []Step) {
	for i, name := range step.After {
		field := "spec.steps." + step.Name + ".after." + strconv.Itoa(i)
		switch {
		case name == step.Name:
			r.failAt(step.Position, field, "a step cannot come after itself")
		case slices.Index(step.After, name) != i:
			r.failAt(step.Position, field, "names "+strconv.Quote(name)+" twice")
		case !slices.ContainsFunc(steps, func(o Step) bool { return o.Name == name }):
			r.failAt(step.Position, field, "the pipeline has no step "+strconv.Quote(name))
		}
	}
}

// cycles finds steps whose after lists lead back to themselves.
func (r reader) cycles(steps []Step) {
	g := newGraph(len(steps))
	for i, step := range steps {
		for _, name := range step.After {
			g.add(slices.IndexFunc(steps, func(o Step) bool { return o.Name == name }), i)
		}
	}
	if cycle := g.cycle(); cycle != nil {
		r.failAt(steps[cycle[0]].Position, "spec.steps."+steps[cycle[0]].Name+".after",
			"the steps wait for each other: "+cycleText(cycle, func(i int) string { return steps[i].Name }))
	}
}
