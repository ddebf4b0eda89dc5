package sandbox

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"

	"github.com/tetratelabs/wazero"
	"github.com/tetratelabs/wazero/experimental"

	"github.com/latticenet/lattice-host/abi"
	"github.com/latticenet/lattice-host/host/codecache"
	"github.com/latticenet/lattice-host/host/sandbox/meter"
	"github.com/latticenet/lattice-host/registry/release"
)

// compilationWorkers is how many goroutines compile one module. Two halve the time on the smallest
// machines.
const compilationWorkers = 2

// compilationSlots returns how many modules are compiled at once: together they take every core
// once.
func compilationSlots() int { return max(1, runtime.GOMAXPROCS(0)/compilationWorkers) }

// Prewarm compiles a module and keeps the result in the cache folder, without loading it. It
// reports whether that was still to be done. Errors are those of [Runtime.Load], and one if the
// result cannot be kept.
func (r *Runtime) Prewarm(ctx context.Context, m *release.Module) (compiled bool, err error) {
	id := newIdentity(m.Manifest(), m.Digest())
	leave, err := r.life.enter()
	if err != nil {
		return false, id.fail("", err)
	}
	compiled, ok, err := detach(ctx, func() (bool, error) {
		defer leave()
		return r.prewarmModule(ctx, id, m)
	}, func(bool) {})
	if !ok {
		return false, id.fail("", interruptedCompiling(ctx))
	}
	return compiled, err
}

func (r *Runtime) prewarmModule(ctx context.Context, id identity, m *release.Module) (compiled bool, err error) {
	metered, takes, err := rewrite(id, m.Manifest(), m.Wasm(), r.offered(m.Manifest()))
	if err != nil {
		return false, err
	}
	if m.Manifest().Transport == abi.TransportExtism {
		// It is compiled by an engine of its own, which keeps nothing.
		return false, nil
	}
	if compiled, err = r.prewarm(ctx, id, metered); err != nil {
		return false, id.fail("", err)
	}
	r.keepSkeleton(ctx, id, metered, takes)
	return compiled, nil
}

// errNoFolder says that compiled code has no place to be kept.
var errNoFolder = &outsideError{errors.New("there is no cache folder that compiled code could be kept in")}

func (r *Runtime) prewarm(ctx context.Context, id identity, m *meter.Module) (compiled bool, err error) {
	if r.cache.store == nil {
		return false, errNoFolder
	}
	key := r.cache.key(m.Wasm)
	if err := r.cache.check(key); err == nil {
		return false, nil
	} else if !errors.Is(err, fs.ErrNotExist) {
		return false, &outsideError{err}
	}
	ctx, cancel := r.life.bind(ctx)
	defer cancel()
	file, compiled, err := r.make(ctx, key, id, m)
	if err != nil {
		return false, compileError(ctx, err)
	}
	return compiled, os.Remove(file)
}

// compile compiles a module, or finds it compiled. A cache that is damaged or full must not keep a
// plugin from loading.
func (r *Runtime) compile(ctx context.Context, id identity, m *meter.Module) (wazero.CompiledModule, error) {
	ctx, cancel := r.life.bind(ctx)
	defer cancel()
	compiled, err := r.compileOrFind(ctx, id, m)
	if err != nil {
		return nil, compileError(ctx, err)
	}
	return compiled, nil
}

func (r *Runtime) compileOrFind(ctx context.Context, id identity, m *meter.Module) (wazero.CompiledModule, error) {
	file, err := r.provideCode(ctx, id, m)
	switch {
	case err != nil:
		return nil, err
	case file == "":
		return r.compileInMemory(ctx, id, m)
	}
	compiled, err := compileWith(ctx, r.engine, m.Wasm)
	// The engine has read it. A file that is gone already, or stays until the process ends, does no
	// harm.
	_ = os.Remove(file)
	if err != nil && isFileError(err) {
		return r.compileInMemory(ctx, id, m)
	}
	return compiled, err
}

// compileInMemory compiles a module for this process only.
func (r *Runtime) compileInMemory(ctx context.Context, id identity, m *meter.Module) (wazero.CompiledModule, error) {
	done, err := r.begin(ctx, id)
	if err != nil {
		return nil, err
	}
	defer done()
	compiled, err := compileWith(ctx, r.engine, m.Wasm)
	if err != nil && isFileError(err) {
		// The engine could not write it down, but has it, and finds it now.
		compiled, err = compileWith(ctx, r.engine, m.Wasm)
	}
	return compiled, err
}

// begin waits for a turn to compile.
func (r *Runtime) begin(ctx context.Context, id identity) (done func(), err error) {
	select {
	case r.compiling <- struct{}{}:
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	r.progress(id.reference(), false)
	return func() {
		r.progress(id.reference(), true)
		<-r.compiling
	}, nil
}

func interruptedCompiling(ctx context.Context) error {
	return &outsideError{fmt.Errorf("compiling was interrupted: %w", ctx.Err())}
}

func compileError(ctx context.Context, err error) error {
	switch {
	case ctx.Err() != nil:
		return interruptedCompiling(ctx)
	case isFileError(err):
		return &outsideError{fmt.Errorf("compilation cache: %w", err)}
	}
	return fmt.Errorf("%w: module: %s", ErrContract, printable(err.Error(), maxShownLine))
}

// provideCode sees to it that the engine finds the module compiled, and returns the file; nothing
// when there is no folder that would do. An error means that the module cannot be compiled.
func (r *Runtime) provideCode(ctx context.Context, id identity, m *meter.Module) (file string, err error) {
	if r.cache.store == nil {
		return "", nil
	}
	key := r.cache.key(m.Wasm)
	file, err = r.cache.fetch(key, "")
	if errors.Is(err, fs.ErrNotExist) {
		file, _, err = r.make(ctx, key, id, m)
	}
	if err != nil && isFileError(err) {
		r.warn(fmt.Sprintf("compilation cache: %v, so that %s is compiled again in every process", err, id.reference()))
		return "", nil
	}
	return file, err
}

// make compiles a module that no process has compiled, and keeps it. It returns the file as
// provideCode does, and whether no other process did so meanwhile.
func (r *Runtime) make(ctx context.Context, key codecache.Key, id identity, m *meter.Module) (file string, compiled bool, err error) {
	done, err := r.begin(ctx, id)
	if err != nil {
		return "", false, err
	}
	defer done()
	unlock := r.cache.store.Lock(ctx, key)
	defer unlock()
	if file, err = r.cache.fetch(key, ""); !errors.Is(err, fs.ErrNotExist) {
		return file, false, err
	}
	dir, err := os.MkdirTemp(r.cache.store.Scratch(), "compile-*")
	if err != nil {
		return "", false, err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	written, err := r.compileApart(ctx, dir, m)
	if err != nil {
		return "", false, err
	}
	file, err = r.cache.put(key, id, written)
	return file, true, err
}

// compileApart compiles a module in a process of its own, or in this one where none can be started.
func (r *Runtime) compileApart(ctx context.Context, dir string, m *meter.Module) (file string, err error) {
	if len(r.config.Compiler) == 0 {
		return compileInto(ctx, dir, m.Wasm)
	}
	file, err = r.compileInProcess(ctx, dir, m)
	var none *noProcessError
	if !errors.As(err, &none) {
		return file, err
	}
	r.warn(fmt.Sprintf("compiling: %v, so that it is done in this process, whose memory is not bounded by that", none))
	return compileInto(ctx, dir, m.Wasm)
}

// compileInto compiles a module in an engine of its own, and returns the file that the engine wrote
// below dir. Several modules that are compiled at once in one folder could not be distinguished:
// their names are the engine's.
func compileInto(ctx context.Context, dir string, wasm []byte) (file string, err error) {
	cache, folder, err := engineCache(dir)
	if err != nil {
		return "", err
	}
	engine := wazero.NewRuntimeWithConfig(ctx, engineConfig(cache))
	defer func() {
		closing := context.WithoutCancel(ctx)
		err = errors.Join(err, engine.Close(closing), cache.Close(closing))
	}()
	if _, err := compileWith(ctx, engine, wasm); err != nil {
		return "", err
	}
	name, err := onlyEntry(folder)
	return filepath.Join(folder, name), err
}

func compileWith(ctx context.Context, engine wazero.Runtime, wasm []byte) (compiled wazero.CompiledModule, err error) {
	err = guard(func() (err error) {
		compiled, err = engine.CompileModule(experimental.WithCompilationWorkers(ctx, compilationWorkers), wasm)
		return err
	})
	return compiled, err
}
