package main

import (
	"context"
	"runtime"
	"sync"

	"github.com/latticenet/lattice-host/host/pipeline"
	"github.com/latticenet/lattice-host/host/sandbox"
	"github.com/latticenet/lattice-host/registry/market"
)

// pluginLoader finds the plugins of an installation for a pipeline. Each is verified and compiled once.
type pluginLoader struct {
	home    *market.Home
	runtime *sandbox.Runtime

	mu sync.Mutex
	// loads are by name, and by digest for plugins that have several names.
	loads map[string]*load
	ahead sync.WaitGroup
}

// load is one attempt to load a plugin.
type load struct {
	once   sync.Once
	plugin *sandbox.Plugin
	err    error
}

func newPluginLoader(home *market.Home, runtime *sandbox.Runtime) *pluginLoader {
	return &pluginLoader{home: home, runtime: runtime, loads: map[string]*load{}}
}

// Plugin implements pipeline.Plugins.
func (p *pluginLoader) Plugin(ctx context.Context, name string) (pipeline.Plugin, error) {
	l := p.entry(name)
	l.once.Do(func() { l.plugin, l.err = p.load(ctx, name) })
	if l.err != nil {
		return nil, l.err
	}
	return l.plugin, nil
}

func (p *pluginLoader) load(ctx context.Context, name string) (*sandbox.Plugin, error) {
	module, err := p.home.Load(name)
	if err != nil {
		return nil, err
	}
	l := p.entry(module.Digest())
	l.once.Do(func() { l.plugin, l.err = p.runtime.Load(ctx, module) })
	return l.plugin, l.err
}

func (p *pluginLoader) entry(key string) *load {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.loads[key] == nil {
		p.loads[key] = new(load)
	}
	return p.loads[key]
}

// loadAhead begins to load plugins side by side. What goes wrong is told when the plugin is asked for.
func (p *pluginLoader) loadAhead(ctx context.Context, names []string) {
	slots := make(chan struct{}, runtime.GOMAXPROCS(0))
	for _, name := range names {
		p.ahead.Go(func() {
			slots <- struct{}{}
			defer func() { <-slots }()
			_, _ = p.Plugin(ctx, name)
		})
	}
}

// close waits for what is being loaded and frees everything.
func (p *pluginLoader) close(ctx context.Context) error {
	p.ahead.Wait()
	return p.runtime.Close(context.WithoutCancel(ctx))
}
