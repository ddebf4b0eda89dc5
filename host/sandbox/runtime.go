package sandbox

import (
	"context"
	"fmt"

	"github.com/tetratelabs/wazero"
	"github.com/tetratelabs/wazero/api"
	"github.com/tetratelabs/wazero/experimental"

	"github.com/latticenet/lattice-host/abi"
	"github.com/latticenet/lattice-host/host/sandbox/meter"
	"github.com/latticenet/lattice-host/registry/release"
)

// compilationWorkers is how many goroutines compile one module. Two halve the time on the smallest machines; more would
// take the processor from the rest of the host.
const compilationWorkers = 2

// Config configures a [Runtime]. Its functions may be called by several goroutines at once.
type Config struct {
	// CacheDir is a folder for compiled modules, created with mode 0700 when it is missing. What lies in it is executed:
	// it must belong to the user that runs the host, and nobody else may write to it. Empty keeps compiled modules in
	// memory.
	CacheDir string
	// Log takes what plugins write and log, and warnings of the sandbox itself. Nil drops them.
	Log func(Message)
	// Progress is called before a plugin, as publisher/name@version, is compiled, which may take seconds, and with done
	// after it. Nil does nothing.
	Progress func(plugin string, done bool)
}

// Runtime compiles and runs plugins. A process needs one. Its methods may be called by several goroutines at once.
type Runtime struct {
	config    Config
	engine    wazero.Runtime
	cache     *codeCache
	functions []hostFunction
	// extismFunctions are for modules made with an Extism PDK.
	extismFunctions []hostFunction
	life            *lifetime
}

// New returns a Runtime. It must be closed. A cache folder that others may write to is an error; one that cannot be
// written is replaced with memory, with a warning in the log.
func New(ctx context.Context, c Config) (*Runtime, error) {
	r := &Runtime{config: c, functions: hostFunctions(), life: newLifetime()}
	r.extismFunctions = extismFunctions(r.functions)
	var err error
	if r.cache, err = openCache(c.CacheDir, r.warn); err != nil {
		return nil, err
	}
	err = guard(func() error {
		r.engine = wazero.NewRuntimeWithConfig(ctx, engineConfig(r.cache))
		return provide(ctx, r.engine, r.functions)
	})
	if err != nil {
		return nil, fmt.Errorf("sandbox: %w", err)
	}
	return r, nil
}

// engineConfig leaves memory to [linearMemory], which every instance gets: the engine's own limit would refuse a growth
// without saying so.
func engineConfig(cache *codeCache) wazero.RuntimeConfig {
	return wazero.NewRuntimeConfig().
		WithCoreFeatures(api.CoreFeaturesV2).
		WithCompilationCache(cache.CompilationCache).
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

// Close interrupts running calls, waits for them and frees everything. Plugins of a closed Runtime answer [ErrClosed].
func (r *Runtime) Close(ctx context.Context) error {
	return r.life.end(func() error {
		err := r.engine.Close(ctx)
		if cacheErr := r.cache.Close(ctx); err == nil {
			err = cacheErr
		}
		return err
	})
}

// Load checks a module against the contract and its manifest, and compiles it. The error is an [*Error], or several
// joined, and wraps [ErrContract] when the module is at fault; it names everything that is refused.
func (r *Runtime) Load(ctx context.Context, m *release.Module) (*Plugin, error) {
	id := newIdentity(m.Manifest(), m.Digest())
	leave, err := r.life.enter()
	if err != nil {
		return nil, id.fail("", err)
	}
	defer leave()
	module, err := parseModule(m.Wasm())
	if err != nil {
		return nil, id.fail("", fmt.Errorf("%w: %w", ErrContract, err))
	}
	broken := checkContract(module, m.Manifest(), r.offered(m.Manifest()))
	if err := broken.err(id, "", ErrContract); err != nil {
		return nil, err
	}
	metered, err := meter.Rewrite(prepare(m.Wasm(), module), meterOptions())
	if err != nil {
		return nil, id.fail("", fmt.Errorf("%w: %s", ErrContract, printable(err.Error(), maxShownLine)))
	}
	if m.Manifest().Transport == abi.TransportExtism {
		return r.loadExtism(ctx, id, m.Manifest(), metered.Wasm)
	}
	compiled, err := r.compile(ctx, id, metered.Wasm)
	if err != nil {
		return nil, id.fail("", err)
	}
	return &Plugin{
		id:       id,
		manifest: m.Manifest(),
		runtime:  r,
		instances: &instances{
			engine: r.engine, compiled: compiled, metered: metered, memoryLimit: memoryLimit(m.Manifest().Limits),
		},
		life: newLifetime(),
	}, nil
}

// compile compiles a module. A cache that is damaged or full must not keep a plugin from loading: it is cleared once.
func (r *Runtime) compile(ctx context.Context, id identity, wasm []byte) (wazero.CompiledModule, error) {
	ctx, cancel := r.life.bind(ctx)
	defer cancel()
	r.progress(id.reference(), false)
	defer r.progress(id.reference(), true)
	compiled, err := r.tryCompile(ctx, wasm)
	if err != nil && r.cache.isCacheError(err) {
		r.warn(fmt.Sprintf("compilation cache: %v, so that it is cleared", err))
		if err := r.cache.clear(); err != nil {
			r.warn(fmt.Sprintf("compilation cache: %v", err))
		}
		compiled, err = r.tryCompile(ctx, wasm)
	}
	switch {
	case err == nil:
		return compiled, nil
	case ctx.Err() != nil:
		return nil, &outsideError{fmt.Errorf("compiling was interrupted: %w", ctx.Err())}
	}
	return nil, fmt.Errorf("%w: module: %s", ErrContract, printable(err.Error(), maxShownLine))
}

func (r *Runtime) tryCompile(ctx context.Context, wasm []byte) (compiled wazero.CompiledModule, err error) {
	err = guard(func() (err error) {
		compiled, err = r.engine.CompileModule(experimental.WithCompilationWorkers(ctx, compilationWorkers), wasm)
		return err
	})
	return compiled, err
}
