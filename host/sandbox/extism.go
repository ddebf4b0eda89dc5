package sandbox

import (
	"context"
	"errors"
	"fmt"

	"github.com/tetratelabs/wazero"
	"github.com/tetratelabs/wazero/api"
	"github.com/tetratelabs/wazero/experimental"

	"github.com/latticenet/lattice-host/abi"
	"github.com/latticenet/lattice-host/host/sandbox/extism"
	"github.com/latticenet/lattice-host/host/sandbox/meter"
)

// loadExtism compiles a module that keeps the contract and was rewritten.
func (r *Runtime) loadExtism(ctx context.Context, id identity, manifest *abi.Manifest, wasm []byte, takes making) (*Plugin, error) {
	ctx, cancel := r.life.bind(ctx)
	defer cancel()
	done, err := r.begin(ctx, id)
	if err != nil {
		return nil, id.fail("", interruptedCompiling(ctx))
	}
	defer done()
	var module *extism.Module
	err = guard(func() (err error) {
		ctx := experimental.WithCompilationWorkers(ctx, compilationWorkers)
		module, err = extism.Compile(ctx, wasm, extismEngine(), r.extismOffers())
		return err
	})
	switch {
	case err == nil:
		// The kernel is a module, too, with a memory of its own.
		takes.LeastMemory += extism.KernelBytes
		made := &instances{memories: r.memories, memoryLimit: memoryLimit(manifest.Limits), making: takes, pool: r.pool}
		r.pool.add(made)
		return &Plugin{id: id, manifest: manifest, runtime: r, instances: made, extism: module, life: newLifetime()}, nil
	case ctx.Err() != nil:
		return nil, id.fail("", interruptedCompiling(ctx))
	}
	return nil, id.fail("", fmt.Errorf("%w: module: %s", ErrContract, printable(err.Error(), maxShownLine)))
}

// extismEngine configures the engine that each such module has to itself. It keeps what it compiles
// in memory.
func extismEngine() wazero.RuntimeConfig {
	return wazero.NewRuntimeConfig().WithCoreFeatures(api.CoreFeaturesV2).WithDebugInfoEnabled(false)
}

// extismOffers returns the functions for modules made with an Extism PDK as the engine calls them.
func (r *Runtime) extismOffers() []extism.Function {
	offers := []extism.Function{{
		Module: meter.DefaultImportModule, Name: meter.DefaultImportName,
		Params: []api.ValueType{api.ValueTypeI64}, Results: []api.ValueType{api.ValueTypeI64},
		Call: refill,
	}}
	for _, f := range r.extismFunctions {
		offers = append(offers, extism.Function{
			Module: f.module, Name: f.name, Params: engineTypes(f.signature.Params), Results: engineTypes(f.signature.Results),
			Call: f.engineFunction(),
		})
	}
	return offers
}

// offered returns the functions that a plugin may import.
func (r *Runtime) offered(m *abi.Manifest) []hostFunction {
	if m.Transport == abi.TransportExtism {
		return r.extismFunctions
	}
	return r.functions
}

// runExtism runs an operation in an instance of its own. One guest covers making the instance and
// for the call, so that both are paid for with the fuel of the call.
func (p *Plugin) runExtism(ctx context.Context, step string, op abi.Op, request []byte) (answer []byte, usage Usage, err error) {
	i, err := p.instances.acquire(ctx)
	if err != nil {
		return nil, Usage{}, err
	}
	defer p.instances.pool.drop(i)
	ctx, unwatch := p.runtime.watchdog.enter(ctx, p.id, i)
	defer unwatch()
	defer func() { err = endedFor(ctx, err) }()
	ctx, cancel := context.WithTimeout(ctx, p.timeout())
	defer cancel()
	ctx, g := p.withGuest(countedStacks(ctx), step)
	defer g.log.flush()
	defer func() { i.leave(g.stacks.bytes) }()
	i.watch(g, uint64(len(request)))
	g.fuel.ration(p.fuel)
	call := &extismCall{vars: map[string][]byte{}}
	g.extism = call
	memory := func() *linearMemory {
		return &linearMemory{limit: p.instances.memoryLimit, refused: call.Instance != nil && call.Refused()}
	}
	err = p.startExtism(ctx, i, call)
	// Closing an instance reports nothing that anyone could act on: it has no files.
	defer func() { _ = guard(func() error { return call.close() }) }()
	if err != nil {
		err = fmt.Errorf("at its start: %w", explain(err, g, memory()))
		return nil, call.usage(g, err), err
	}
	name := extismExport(op)
	err = guard(func() (err error) {
		if answer, err = call.Call(ctx, name, request); err != nil {
			return err
		}
		g.fuel.bind(call.Guest())
		return g.fuel.settle(int64(g.fuel.guest.Get()))
	})
	if err == nil {
		err = checkSize(len(answer))
	} else {
		err = fmt.Errorf("in %s: %w", name, explainExtism(err, g, memory()))
	}
	return answer, call.usage(g, err), err
}

// startExtism makes the instance of a call and gets its language's runtime ready.
func (p *Plugin) startExtism(ctx context.Context, i *instance, call *extismCall) error {
	s := p.instances
	if err := guestOf(ctx).fuel.take(s.making.fuel()); err != nil {
		return err
	}
	return guard(func() (err error) {
		call.Instance, err = p.extism.Instantiate(ctx, extism.Memory{
			Limit: s.memoryLimit, Declared: s.making.DeclaredMemory, Grew: i.committed,
			New: func(limit uint64) extism.Storage { return extismStorage{s.memories.newStorage(limit)} },
		})
		if err != nil {
			return err
		}
		return call.Initialize(ctx)
	})
}

// extismStorage is the memory of a module made with an Extism PDK.
type extismStorage struct{ storage }

func (s extismStorage) Resize(size uint64) []byte { return s.resize(size) }
func (s extismStorage) Free()                     { s.free() }

// close ends what the call ran in.
func (c *extismCall) close() error {
	if c.Instance == nil {
		return nil
	}
	return c.Close(context.Background())
}

// usage returns what the guest and its kernel took, and how that ended.
func (c *extismCall) usage(g *guest, end error) Usage {
	if c.Instance == nil {
		return g.usage(0, end)
	}
	if c.Guest() != nil {
		g.fuel.bind(c.Guest())
	}
	return g.usage(c.MemoryBytes(), end)
}

// extismExport returns the function of an operation.
func extismExport(op abi.Op) string {
	switch op {
	case abi.OpValidate:
		return abi.ExtismValidate
	case abi.OpDerive:
		return abi.ExtismDerive
	}
	return fmt.Sprintf("operation %d", op)
}

// explainExtism is [explain] for a guest that may have reported why it gave up.
func explainExtism(err error, g *guest, m *linearMemory) error {
	var reported *extism.ReportedError
	if errors.As(err, &reported) {
		return fmt.Errorf("%w: %s", ErrTrap, printable(reported.Error(), maxShownLine))
	}
	return explain(err, g, m)
}
