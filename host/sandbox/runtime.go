package sandbox

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/tetratelabs/wazero"
	"github.com/tetratelabs/wazero/api"

	"github.com/latticenet/lattice-host/abi"
	"github.com/latticenet/lattice-host/host/sandbox/meter"
	"github.com/latticenet/lattice-host/registry/release"
)

// Config configures a [Runtime]. Its functions may be called by several goroutines at once.
type Config struct {
	// CacheDir is a folder for compiled modules, created with mode 0700 when it is missing. What
	// lies in it is executed: it must belong to the user that runs the host, and no one else may
	// write to it. Empty keeps compiled modules in memory.
	CacheDir string
	// Compiler is the command line of a program that calls [CompileMain] with the arguments that
	// follow it, usually the own one. Each module that is not in CacheDir is compiled by such a
	// process, which is killed when the context ends or when it takes several times what was
	// estimated. Without it, and without a CacheDir, modules are compiled in this process.
	Compiler []string
	// Log takes what plugins write and log, and warnings of the sandbox itself. Nil drops them. It
	// is called in the middle of calls, which keep their instance meanwhile: a Log that calls
	// plugins itself may wait for an instance until its context ends.
	Log func(Message)
	// Progress is called before a plugin, as publisher/name@version, is compiled, which may take
	// seconds, and with done after it; not for one that was compiled before. Nil does nothing.
	Progress func(plugin string, done bool)
	// MemoryBudget is how much memory the instances of all plugins may have, in bytes. A call that
	// would need more waits until another one ends; instances that wait for a call are closed to
	// make room. A single instance is always possible, and a guest that runs may grow to its own
	// limit whatever the budget. 0 is [DefaultMemoryBudget].
	MemoryBudget int64
	// IdleTimeout is how long an instance without a call is kept. 0 is [DefaultIdleTimeout].
	IdleTimeout time.Duration
	// Called is called after each call of a plugin. Nil does nothing.
	Called func(Call)
	// FuelSlice is how much fuel a guest gets at a time, in the units of [abi.DefaultFuel]. The
	// host looks at the context between slices, so that it is also how late an interruption can
	// come. 0 means [DefaultFuelSlice]; much less makes guests slower. What a call takes and
	// answers does not depend on it.
	FuelSlice int64
	// Refilled is called each time a guest asks for its next slice, with the context of its call,
	// before the host looks at it, and the fuel that it has spent. Nil does nothing.
	Refilled func(ctx context.Context, spent int64)
}

// Runtime compiles and runs plugins. A process needs one. Its methods may be called by several
// goroutines at once.
type Runtime struct {
	config    Config
	engine    wazero.Runtime
	cache     *codeCache
	functions []hostFunction
	// extismFunctions are for modules made with an Extism PDK.
	extismFunctions []hostFunction
	memories        memories
	pool            *pool
	life            *lifetime
	// watchdog is nil unless [Runtime.Watch] was called.
	watchdog *watchdog
	// compiling has room for as many modules as are compiled at once.
	compiling chan struct{}
}

// New returns a Runtime. It must be closed. A cache folder that others may write to is an error;
// one that cannot be written is replaced with memory, with a warning in the log.
func New(ctx context.Context, c Config) (*Runtime, error) {
	r := &Runtime{
		config: c, functions: hostFunctions(), pool: newPool(c), life: newLifetime(),
		compiling: make(chan struct{}, compilationSlots()),
	}
	r.extismFunctions = extismFunctions(r.functions)
	var err error
	if r.cache, err = openCache(c.CacheDir, r.warn); err != nil {
		return nil, err
	}
	err = guard(func() error {
		r.engine = wazero.NewRuntimeWithConfig(ctx, engineConfig(r.cache.CompilationCache))
		return provide(ctx, r.engine, r.functions)
	})
	if err != nil {
		return nil, errors.Join(fmt.Errorf("sandbox: %w", err), r.cache.Close(ctx))
	}
	r.memories = openMemories()
	return r, nil
}

// engineConfig leaves memory to [linearMemory], which every instance gets: the engine's own limit
// would refuse a growth without saying so.
func engineConfig(cache wazero.CompilationCache) wazero.RuntimeConfig {
	return wazero.NewRuntimeConfig().
		WithCoreFeatures(api.CoreFeaturesV2).
		WithCompilationCache(cache).
		WithDebugInfoEnabled(false)
}

func (r *Runtime) warn(text string) {
	if r.config.Log != nil {
		r.config.Log(Message{Level: LevelWarning, Text: printable(text, abi.MaxLogBytes)})
	}
}

func (r *Runtime) progress(plugin string, done bool) {
	if r.config.Progress != nil {
		r.config.Progress(plugin, done)
	}
}

// Close interrupts running calls, waits for them and frees everything. Plugins of a closed Runtime
// answer [ErrClosed].
func (r *Runtime) Close(ctx context.Context) error {
	return r.life.end(func() error {
		r.watchdog.close()
		r.pool.close()
		return errors.Join(r.memories.close(), r.engine.Close(ctx), r.cache.Close(ctx))
	})
}

// Load checks a module against the contract and its manifest, and compiles it. The error is an
// [*Error], or several joined, and wraps [ErrContract] when the module is at fault; it names
// everything that is refused.
//
// It returns as soon as ctx is done. What cannot be interrupted, which is the compilation of a
// single function, goes on for a moment then, and Close waits for it.
func (r *Runtime) Load(ctx context.Context, m *release.Module) (*Plugin, error) {
	id := newIdentity(m.Manifest(), m.Digest())
	leave, err := r.life.enter()
	if err != nil {
		return nil, id.fail("", err)
	}
	p, ok, err := detach(ctx, func() (*Plugin, error) {
		defer leave()
		return r.load(ctx, id, m)
	}, r.discard)
	if !ok {
		return nil, id.fail("", interruptedCompiling(ctx))
	}
	return p, err
}

// discard closes a plugin that came too late.
func (r *Runtime) discard(p *Plugin) {
	// The engine has nothing to report that anyone could act on.
	_ = p.Close(context.Background())
}

// detach does work, and returns its result unless ctx is done before. A result that comes later is
// discarded.
func detach[T any](ctx context.Context, work func() (T, error), discard func(T)) (result T, ok bool, err error) {
	type outcome struct {
		result T
		err    error
	}
	done := make(chan outcome)
	go func() {
		var o outcome
		o.result, o.err = work()
		select {
		case done <- o:
		case <-ctx.Done():
			if o.err == nil {
				discard(o.result)
			}
		}
	}()
	select {
	case o := <-done:
		return o.result, true, o.err
	case <-ctx.Done():
		return result, false, nil
	}
}

func (r *Runtime) load(ctx context.Context, id identity, m *release.Module) (*Plugin, error) {
	if compiled, s := r.loadSkeleton(m); compiled != nil {
		return r.plugin(id, m, compiled, &s.Module, s.Making), nil
	}
	metered, takes, err := rewrite(id, m.Manifest(), m.Wasm(), r.offered(m.Manifest()))
	if err != nil {
		return nil, err
	}
	if m.Manifest().Transport == abi.TransportExtism {
		return r.loadExtism(ctx, id, m.Manifest(), metered.Wasm, takes)
	}
	compiled, err := r.compile(ctx, id, metered)
	if err != nil {
		return nil, id.fail("", err)
	}
	r.keepSkeleton(ctx, id, metered, takes)
	return r.plugin(id, m, compiled, metered, takes), nil
}

// plugin returns the plugin of a compiled module.
func (r *Runtime) plugin(id identity, m *release.Module, compiled wazero.CompiledModule, metered *meter.Module, takes making) *Plugin {
	// The engine has what it needs of the bytes, which are several MiB.
	metered.Wasm = nil
	made := &instances{
		engine: r.engine, compiled: compiled, metered: metered,
		memories: r.memories, memoryLimit: memoryLimit(m.Manifest().Limits), making: takes, pool: r.pool,
	}
	r.pool.add(made)
	return &Plugin{id: id, manifest: m.Manifest(), runtime: r, instances: made, life: newLifetime()}
}

// Check refuses what [Runtime.Load] would refuse before it compiles a module, and returns what
// compiling it takes. It neither compiles nor runs anything. The error is that of Load.
func Check(manifest *abi.Manifest, wasm []byte) (CompileInfo, error) {
	offered := hostFunctions()
	if manifest.Transport == abi.TransportExtism {
		offered = extismFunctions(offered)
	}
	metered, _, err := rewrite(newIdentity(manifest, release.Digest(wasm)), manifest, wasm, offered)
	if err != nil {
		return CompileInfo{}, err
	}
	return newCompileInfo(metered.Compile), nil
}

// rewrite checks a module and returns it as the engine gets it, and what making an instance takes.
func rewrite(id identity, manifest *abi.Manifest, wasm []byte, offered []hostFunction) (*meter.Module, making, error) {
	module, err := parseModule(wasm)
	if err != nil {
		return nil, making{}, id.fail("", fmt.Errorf("%w: %w", ErrContract, err))
	}
	broken := checkContract(module, manifest, offered)
	if err := broken.err(id, "", ErrContract); err != nil {
		return nil, making{}, err
	}
	metered, err := meter.Rewrite(prepare(wasm, module), meterOptions())
	if err != nil {
		return nil, making{}, id.fail("", fmt.Errorf("%w: %s", ErrContract, printable(err.Error(), maxShownLine)))
	}
	return metered, newMaking(module, metered), nil
}
