package engine

import (
	"context"
	"errors"
	"runtime"
	"slices"
	"sync"

	"github.com/latticenet/lattice-host/abi"
	"github.com/latticenet/lattice-host/host/memo"
	"github.com/latticenet/lattice-host/host/pipeline"
	"github.com/latticenet/lattice-host/host/resource"
	"github.com/latticenet/lattice-host/host/sandbox"
	"github.com/latticenet/lattice-host/registry/market"
	"github.com/latticenet/lattice-host/registry/release"
)

// Plugins finds the plugins of an installation for a pipeline. Each is verified once, and compiled
// once when it has to run. It is safe for concurrent use.
type Plugins struct {
	// installed is the installation as it was when the run began.
	installed *market.Snapshot
	runtime   *sandbox.Runtime
	// memo keeps answers; nil asks the plugins each time.
	memo *memo.Store

	mu sync.Mutex
	// paths are the plugins that were loaded, publisher/name.
	paths []string
	// loads are by name; compilations by digest, since a plugin may have several names.
	loads        map[string]*load
	compilations map[string]*compilation
	// grants are the capabilities that the operator granted, by digest.
	grants map[string][]string
	ahead  sync.WaitGroup
}

// load is the verification of a plugin. What a context ended is tried again.
type load struct {
	mu     sync.Mutex
	plugin pipeline.Plugin
	err    error
}

// NewPlugins returns the plugins of an installation. A memo of nil asks them each time.
func NewPlugins(installed *market.Snapshot, runtime *sandbox.Runtime, memo *memo.Store) *Plugins {
	return &Plugins{
		installed: installed, runtime: runtime, memo: memo, loads: map[string]*load{}, compilations: map[string]*compilation{},
		grants: map[string][]string{},
	}
}

// Plugin implements pipeline.Plugins.
func (p *Plugins) Plugin(ctx context.Context, name string) (pipeline.Plugin, error) {
	l := p.load(name)
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.plugin == nil && (l.err == nil || ended(l.err)) {
		l.plugin, l.err = p.verify(ctx, name)
	}
	return l.plugin, l.err
}

// ended reports whether a context is why something failed.
func ended(err error) bool {
	return errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded)
}

func (p *Plugins) load(name string) *load {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.loads[name] == nil {
		p.loads[name] = new(load)
	}
	return p.loads[name]
}

func (p *Plugins) verify(ctx context.Context, name string) (pipeline.Plugin, error) {
	loaded, err := p.installed.Load(ctx, name)
	if err != nil {
		return nil, err
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	module := loaded.Module
	p.paths = append(p.paths, loaded.Plugin.Path())
	p.grants[module.Digest()] = loaded.Granted
	c := p.compilations[module.Digest()]
	if c == nil {
		c = &compilation{module: module, loader: p}
		p.compilations[module.Digest()] = c
	}
	if p.memo == nil {
		return c, nil
	}
	return p.memo.Wrap(c), nil
}

// granted returns the names of the capabilities that the operator granted to a plugin.
func (p *Plugins) granted(_, digest string) []string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.grants[digest]
}

// loaded returns the plugins that were loaded, publisher/name, sorted and each once.
func (p *Plugins) loaded() []string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return slices.Compact(slices.Sorted(slices.Values(p.paths)))
}

// expect notes whether documents have a plugin called, and reports whether some have.
func (p *Plugins) expect(plugin pipeline.Plugin, documents []*resource.Document) bool {
	called := slices.ContainsFunc(documents, func(d *resource.Document) bool {
		return slices.ContainsFunc(plugin.Manifest().Derives, func(k abi.Derives) bool {
			return d.Ref.GroupKind() == abi.GroupKind{Group: k.Group, Kind: k.Kind} && (len(k.When) == 0 || d.UsesAny(k.When))
		})
	})
	p.mu.Lock()
	defer p.mu.Unlock()
	c := p.compilations[plugin.Digest()]
	c.expected = c.expected || called
	return called
}

// loadAhead begins to verify plugins at the same time, and to compile those that documents have
// called when no kept answer can replace running them. An error is returned when the plugin is
// requested.
func (p *Plugins) loadAhead(ctx context.Context, names []string, documents []*resource.Document) {
	slots := make(chan struct{}, runtime.GOMAXPROCS(0))
	for _, name := range names {
		p.ahead.Go(func() {
			slots <- struct{}{}
			defer func() { <-slots }()
			plugin, err := p.Plugin(ctx, name)
			if err != nil || !p.expect(plugin, documents) {
				return
			}
			if c, ok := plugin.(*compilation); ok {
				_, _ = c.compiled(ctx)
			}
		})
	}
}

// compileOthers begins to compile the other plugins that documents have called: when one has no
// kept answer, the next will not have one either.
func (p *Plugins) compileOthers(ctx context.Context) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, c := range p.compilations {
		if !c.expected {
			continue
		}
		p.ahead.Go(func() { _, _ = c.compiled(ctx) })
	}
}

// Wait returns when nothing is being loaded ahead any more, so that the sandbox may be closed.
func (p *Plugins) Wait() { p.ahead.Wait() }

// compilation is a verified plugin that is compiled when it has to run.
type compilation struct {
	module *release.Module
	loader *Plugins
	// expected says that a document has the plugin called; the mutex of loader is for it.
	expected bool

	mu     sync.Mutex
	plugin *sandbox.Plugin
	err    error
}

func (c *compilation) compiled(ctx context.Context) (*sandbox.Plugin, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.plugin == nil && (c.err == nil || ended(c.err)) {
		c.plugin, c.err = c.loader.runtime.Load(ctx, c.module)
	}
	return c.plugin, c.err
}

// Manifest implements pipeline.Plugin.
func (c *compilation) Manifest() *abi.Manifest { return c.module.Manifest() }

// Digest implements pipeline.Plugin.
func (c *compilation) Digest() string { return c.module.Digest() }

// Derive implements pipeline.Plugin.
func (c *compilation) Derive(ctx context.Context, req *abi.Request) (*abi.Response, []string, error) {
	c.loader.compileOthers(ctx)
	plugin, err := c.compiled(ctx)
	if err != nil {
		return nil, nil, err
	}
	return plugin.Derive(ctx, req)
}

// Validate implements pipeline.Plugin.
func (c *compilation) Validate(ctx context.Context, req *abi.ValidateRequest) (*abi.ValidateResponse, []string, error) {
	plugin, err := c.compiled(ctx)
	if err != nil {
		return nil, nil, err
	}
	return plugin.Validate(ctx, req)
}
