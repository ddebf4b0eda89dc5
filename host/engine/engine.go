package engine

import (
	"context"
	"errors"
	"log/slog"
	"path/filepath"
	"sync"

	"github.com/latticenet/lattice-host/host/gate/policy"
	"github.com/latticenet/lattice-host/host/hostcall"
	"github.com/latticenet/lattice-host/host/memo"
	"github.com/latticenet/lattice-host/host/pipeline"
	"github.com/latticenet/lattice-host/host/resource"
	"github.com/latticenet/lattice-host/host/sandbox"
	"github.com/latticenet/lattice-host/registry/kv"
	"github.com/latticenet/lattice-host/registry/market"
)

// kvFolder is the folder of an installation that holds the stores of plugins.
const kvFolder = "kv"

// Config is what an [Engine] works with. It must not be changed once it is in use.
type Config struct {
	// Home is the installation: plugins, policies, pipelines. Required for deriving unless Plugins
	// is set.
	Home *market.Home
	// Plugins finds the plugins; nil means those of Home, run by Runtime.
	Plugins pipeline.Plugins
	// Policies are those that decide, together with the installation's.
	Policies Policies
	// Pipelines go before those of the installation for the same kinds.
	Pipelines []*pipeline.Pipeline
	// Kinds are the kinds of document that are read; nil means [resource.Builtin].
	Kinds *resource.Table
	// Settings are the operator's; nil means [pipeline.DefaultSettings].
	Settings *pipeline.Settings
	// Runtime runs the plugins. It is the caller's, who closes it after the engine. Required for
	// deriving.
	Runtime *sandbox.Runtime
	// Memo keeps the answers of plugins; nil asks them each time.
	Memo *memo.Store
	// Pages fetches what plugins ask for from the network; nil denies it.
	Pages hostcall.Getter
	// Audit is where the audit log is. Required for what changes a target.
	Audit AuditLog
	// Caller is who asks, for policies about people and for the audit log.
	Caller string
	// Log gets warnings, which are whole sentences. Nil drops them.
	Log *slog.Logger
	// Progress, when set, is called with how many of so many things are done, such as "deriving" of
	// documents. It may be called by several goroutines at once.
	Progress func(verb string, done, total int)
}

// Engine is one installation at work. It is safe for concurrent use.
type Engine struct {
	mu      sync.Mutex
	current *setup
}

// setup is what follows from one configuration.
type setup struct {
	Config
	log       *slog.Logger
	policies  *policy.Set
	pipelines []*pipeline.Pipeline

	// users counts the calls that work with it; the plugins are waited for when it is retired.
	users sync.WaitGroup

	loading sync.Mutex
	loader  *Plugins
	// revoked are the decisions about revoked plugins, made when one is loaded.
	revoked decisions
}

// Open returns an engine. It reads the policies and pipelines; plugins are verified when they are
// needed. The error is one of package problem: [problem.Denied] when no policy is loaded.
func Open(c Config) (*Engine, error) {
	s, err := newSetup(c)
	if err != nil {
		return nil, err
	}
	return &Engine{current: s}, nil
}

func newSetup(c Config) (*setup, error) {
	s := &setup{Config: c, log: c.Log}
	if s.log == nil {
		s.log = slog.New(slog.DiscardHandler)
	}
	if s.Settings == nil {
		s.Settings = pipeline.DefaultSettings()
	}
	if s.Kinds == nil {
		s.Kinds = resource.Builtin()
	}
	installed, err := InstalledPipelines(c.Home)
	if err != nil {
		return nil, err
	}
	s.pipelines = pipeline.Extra(c.Pipelines, installed)
	if s.policies, err = c.Policies.Load(c.Home); err != nil {
		return nil, err
	}
	for _, p := range s.policies.Cedar.Problems() {
		s.log.Warn(p.Error())
	}
	return s, nil
}

// Reload replaces the configuration as a whole. Calls that run end with the one before; Reload
// returns when they have. When the new one is wrong, the error says why and the one before stays.
func (e *Engine) Reload(c Config) error {
	s, err := newSetup(c)
	if err != nil {
		return err
	}
	e.mu.Lock()
	before := e.current
	e.current = s
	e.mu.Unlock()
	before.retire()
	return nil
}

// Close waits for the calls that run, and for plugins that are being loaded. No call may begin
// after it.
func (e *Engine) Close() {
	e.mu.Lock()
	s := e.current
	e.mu.Unlock()
	s.retire()
}

// use returns the configuration for one call. The function ends the use.
func (e *Engine) use() (*setup, func()) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.current.users.Add(1)
	return e.current, e.current.users.Done
}

// Policies returns the policies that decide.
func (e *Engine) Policies() *policy.Set {
	s, end := e.use()
	defer end()
	return s.policies
}

// retire waits until nothing works with the setup.
func (s *setup) retire() {
	s.users.Wait()
	s.loading.Lock()
	defer s.loading.Unlock()
	if s.loader != nil {
		s.loader.Wait()
	}
}

// plugins returns the plugins of the installation, as it was when the first call needed them.
func (s *setup) plugins(ctx context.Context) (*Plugins, error) {
	s.loading.Lock()
	defer s.loading.Unlock()
	if s.loader != nil {
		return s.loader, nil
	}
	if s.Home == nil || s.Runtime == nil {
		return nil, errors.New("an engine that derives needs an installation and a sandbox")
	}
	installed, err := s.Home.Snapshot(ctx, market.Policy{RunRevoked: s.runRevoked(s.revoked.keep)})
	if err != nil {
		return nil, err
	}
	for _, warning := range installed.Warnings() {
		s.log.Warn(warning)
	}
	s.loader = NewPlugins(installed, s.Runtime, s.Memo)
	return s.loader, nil
}

// store opens the stores of plugins; nil where there is no installation.
func (s *setup) store() hostcall.Store {
	if s.Home == nil {
		return nil
	}
	return kv.Open(filepath.Join(s.Home.Dir(), kvFolder))
}
