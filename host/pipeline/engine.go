package pipeline

import (
	"context"
	"errors"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/latticenet/lattice-host/abi"
	"github.com/latticenet/lattice-host/abi/bundle"
	"github.com/latticenet/lattice-host/host/hostcall"
	"github.com/latticenet/lattice-host/host/internal/lru"
	"github.com/latticenet/lattice-host/host/resource"
	"github.com/latticenet/lattice-host/internal/problem"
)

// AdmitFunc decides whether a step may have the answer to a requirement. plugin is
// publisher/name@version, digest that of its module. An error ends the derivation and is in the
// returned error, so that errors.Is finds it.
type AdmitFunc func(ctx context.Context, step, plugin, digest string, r abi.Requirement) error

// Config is what an [Engine] works with.
type Config struct {
	// Plugins finds the plugins that steps name. Required.
	Plugins Plugins
	// Pipelines are an operator's own. One replaces the built-in pipeline of its kind.
	Pipelines []*Pipeline
	// Kinds are the kinds of document that the installation reads; nil means [resource.Builtin].
	Kinds *resource.Table
	// Settings are the operator's settings; nil means [DefaultSettings].
	Settings *Settings
	// Peers are documents that requirements may ask for, beyond those that are derived together.
	Peers []*resource.Document
	// Resolver, when set, is asked for what requirements need, beyond the documents.
	Resolver Resolver
	// Admit, when set, is asked before each requirement is answered.
	Admit AdmitFunc
	// HostCalls answers what plugins ask the host for. Nil denies each call.
	HostCalls *hostcall.Run
	// Progress, when set, is called after each document of [Engine.DeriveAll] with the number of
	// documents done and in all, by several goroutines at once.
	Progress func(done, total int)
}

// Engine derives bundles. It is safe for concurrent use.
type Engine struct {
	plugins   Plugins
	settings  *Settings
	kinds     *resource.Table
	pipelines map[abi.GroupKind]*planner
	documents []*resource.Document
	peers     peers
	resolver  Resolver
	admit     AdmitFunc
	hostCalls *hostcall.Run
	progress  func(done, total int)
	schemas   *schemas
	merges    *lru.Cache[mergeKey, *merged]

	settingsDigest string
}

// planner makes the plan of one pipeline when it is first needed, as a plugin of a built-in
// pipeline that no one uses need not be installed.
type planner struct {
	pipeline *Pipeline
	mu       sync.Mutex
	plan     *plan
	err      error
}

func (p *planner) get(ctx context.Context, e *Engine) (*plan, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.plan != nil || p.err != nil {
		return p.plan, p.err
	}
	plan, err := newPlan(ctx, p.pipeline, e.plugins, e.settings)
	if err != nil && (ctx.Err() != nil || isContextError(err)) {
		return nil, err
	}
	p.plan, p.err = plan, err
	return plan, err
}

// New returns an Engine. The pipelines of c are checked at once, with their plugins and settings; a
// built-in one is checked when a document of its kind is first derived. Either is checked once.
func New(ctx context.Context, c Config) (*Engine, error) {
	if c.Plugins == nil {
		return nil, errors.New("an engine needs plugins")
	}
	e := &Engine{
		plugins: c.Plugins, settings: c.Settings, kinds: c.Kinds, documents: c.Peers, peers: newPeers(c.Peers), resolver: c.Resolver, admit: c.Admit,
		hostCalls: c.HostCalls, progress: c.Progress, pipelines: map[abi.GroupKind]*planner{},
		merges: lru.New[mergeKey, *merged](maxMergesBytes),
	}
	if e.settings == nil {
		e.settings = DefaultSettings()
	}
	var err error
	if e.schemas, err = newSchemas(); err != nil {
		return nil, err
	}
	if e.settingsDigest, err = digestOf(e.settings.CBOR()); err != nil {
		return nil, err
	}
	pipelines, err := WithBuiltin(c.Pipelines, c.Kinds)
	if err != nil {
		return nil, err
	}
	if problems := e.settings.checkSteps(pipelines); len(problems) > 0 {
		return nil, problems
	}
	for _, p := range pipelines {
		e.pipelines[p.For] = &planner{pipeline: p}
	}
	return e, e.planAll(ctx, c.Pipelines)
}

// WithBuiltin returns an operator's pipelines and the built-in ones for other kinds. The error is a
// [problem.List] where two are for one kind or have one name.
func WithBuiltin(own []*Pipeline, kinds *resource.Table) ([]*Pipeline, error) {
	builtin, err := Builtin(kinds)
	if err != nil {
		return nil, err
	}
	all := Extra(own, builtin)
	var problems problem.List
	for i, p := range all {
		for _, o := range all[:i] {
			if o.For == p.For || o.Name == p.Name {
				problems = append(problems, problem.Problem{
					Position: p.Position, Object: KindPipeline + " " + p.Name, Field: "metadata.name",
					Message: "there is another pipeline of this name or for this kind, at " + o.Position.String() +
						"; keep one",
				})
			}
		}
	}
	if len(problems) > 0 {
		return nil, problems
	}
	return all, nil
}

func (e *Engine) planAll(ctx context.Context, pipelines []*Pipeline) error {
	var errs []error
	for _, p := range pipelines {
		if _, err := e.pipelines[p.For].get(ctx, e); err != nil {
			errs = append(errs, err)
		}
	}
	return reasons(ctx, errs)
}

// Kinds returns the kinds that the engine has pipelines for, sorted.
func (e *Engine) Kinds() []abi.GroupKind {
	kinds := make([]abi.GroupKind, 0, len(e.pipelines))
	for kind := range e.pipelines {
		kinds = append(kinds, kind)
	}
	slices.SortFunc(kinds, func(a, b abi.GroupKind) int { return strings.Compare(a.String(), b.String()) })
	return kinds
}

// Derive returns the bundle of one document. On error there is no bundle, and the error holds every
// reason: problems of the document as [problem.List], others name the step and the plugin.
func (e *Engine) Derive(ctx context.Context, doc *resource.Document) (*bundle.Bundle, error) {
	bundle, errs := e.derive(ctx, doc, e.peers, e.hostCalls, e.admit)
	if err := reasons(ctx, errs); err != nil {
		return nil, err
	}
	return bundle, nil
}

// DeriveIn is [Engine.Derive] for one call with host calls and a gate of its own, in place of the
// engine's.
func (e *Engine) DeriveIn(ctx context.Context, doc *resource.Document, calls *hostcall.Run, admit AdmitFunc) (*bundle.Bundle, error) {
	bundle, errs := e.derive(ctx, doc, e.peers, calls, admit)
	if err := reasons(ctx, errs); err != nil {
		return nil, err
	}
	return bundle, nil
}

// Replace puts after among the peers in place of before; either may be nil. What it costs does not
// depend on how many peers there are. Nothing may be derived meanwhile.
func (e *Engine) Replace(before, after *resource.Document) {
	if before != nil {
		e.peers.remove(before.Ref)
	}
	if after != nil {
		e.peers.put(after)
	}
}

// DeriveAll returns the bundles of documents, in their order; each document may require the others.
// It is all or nothing: the error holds the reasons of every document.
func (e *Engine) DeriveAll(ctx context.Context, docs []*resource.Document) ([]*bundle.Bundle, error) {
	if problems := doubles(docs); len(problems) > 0 {
		return nil, problems
	}
	bundles, errs := e.deriveEach(ctx, docs)
	if err := reasons(ctx, slices.Concat(errs...)); err != nil {
		return nil, err
	}
	return bundles, nil
}

// DeriveEach returns for each document its bundle or an error; each document may require the
// others. All copies of a duplicate document fail.
func (e *Engine) DeriveEach(ctx context.Context, docs []*resource.Document) ([]*bundle.Bundle, []error) {
	bundles, all := e.deriveEach(ctx, docs)
	errs := make([]error, len(docs))
	for i := range docs {
		errs[i] = reasons(ctx, all[i])
	}
	for _, p := range doubles(docs) {
		for i, d := range docs {
			if objectText(d.Ref) == p.Object {
				bundles[i], errs[i] = nil, p
			}
		}
	}
	return bundles, errs
}

func (e *Engine) deriveEach(ctx context.Context, docs []*resource.Document) ([]*bundle.Bundle, [][]error) {
	peers := newPeers(slices.Concat(docs, e.documents))
	bundles := make([]*bundle.Bundle, len(docs))
	errs := make([][]error, len(docs))
	var wg sync.WaitGroup
	var taken atomic.Int64
	report := e.counter(len(docs))
	// A goroutine for each document would be thousands of stacks that grow again and that the
	// collector looks at.
	for range min(runtime.GOMAXPROCS(0), len(docs)) {
		wg.Go(func() {
			for i := taken.Add(1) - 1; i < int64(len(docs)); i = taken.Add(1) - 1 {
				bundles[i], errs[i] = e.derive(ctx, docs[i], peers, e.hostCalls, e.admit)
				report()
			}
		})
	}
	wg.Wait()
	return bundles, errs
}

// counter returns what is called after each of the documents of a run.
func (e *Engine) counter(total int) (report func()) {
	if e.progress == nil {
		return func() {}
	}
	var done atomic.Int64
	return func() { e.progress(int(done.Add(1)), total) }
}

// doubles reports documents of which there are several.
func doubles(docs []*resource.Document) problem.List {
	var problems problem.List
	first := make(map[abi.Ref]*resource.Document, len(docs))
	for _, d := range docs {
		if other, ok := first[d.Ref]; ok {
			problems = append(problems, problem.Problem{
				Position: d.Position("metadata.name"), Object: objectText(d.Ref), Field: "metadata.name",
				Message: "the document is a duplicate, also at " + other.Position("metadata.name").String() + "; keep one",
			})
			continue
		}
		first[d.Ref] = d
	}
	return problems
}

// derives reports whether a pipeline derives the kind.
func (e *Engine) derives(kind abi.GroupKind) bool { return e.pipelines[kind] != nil }

// planFor returns the plan for a kind; it is nil when no pipeline derives the kind.
func (e *Engine) planFor(ctx context.Context, kind abi.GroupKind) (*plan, error) {
	planner, ok := e.pipelines[kind]
	if !ok {
		return nil, nil
	}
	return planner.get(ctx, e)
}
