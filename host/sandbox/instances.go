package sandbox

import (
	"context"
	"errors"
	"fmt"

	"github.com/tetratelabs/wazero"
	"github.com/tetratelabs/wazero/api"
	"github.com/tetratelabs/wazero/experimental"

	"github.com/latticenet/lattice-host/abi"
)

// instances makes what a call runs in. Every call has a fresh one, so that no call sees what another left behind.
type instances struct {
	engine      wazero.Runtime
	compiled    wazero.CompiledModule
	memoryLimit uint64
}

// instance is a module with memory of its own, initialised.
type instance struct {
	module api.Module
	memory *linearMemory
}

// acquire returns an instance for the guest in ctx. It runs the module's start function and its _initialize.
func (s *instances) acquire(ctx context.Context) (*instance, error) {
	i := &instance{memory: &linearMemory{limit: s.memoryLimit}}
	// Without a name any number of instances can exist. No start function of WASI is called: a plugin is not a program.
	config := wazero.NewModuleConfig().WithName("").WithStartFunctions()
	err := guard(func() (err error) {
		i.module, err = s.engine.InstantiateModule(experimental.WithMemoryAllocator(ctx, i.memory), s.compiled, config)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("at its start: %w", explain(err, guestOf(ctx), i.memory))
	}
	if i.module.ExportedFunction(abi.ExportInitialize) == nil {
		return i, nil
	}
	if _, err := i.call(ctx, abi.ExportInitialize); err != nil {
		s.release(ctx, i)
		return nil, err
	}
	return i, nil
}

// release gives an instance back.
func (s *instances) release(ctx context.Context, i *instance) {
	// Closing an instance reports nothing that anyone could act on: it has no files.
	_ = guard(func() error { return i.module.Close(context.WithoutCancel(ctx)) })
}

// call runs an exported function and returns its result, 0 if it has none.
func (i *instance) call(ctx context.Context, name string, params ...uint64) (uint64, error) {
	var results []uint64
	err := guard(func() (err error) {
		results, err = i.module.ExportedFunction(name).Call(ctx, params...)
		return err
	})
	if err != nil {
		return 0, fmt.Errorf("in %s: %w", name, explain(err, guestOf(ctx), i.memory))
	}
	if len(results) == 0 {
		return 0, nil
	}
	return results[0], nil
}

// exchange writes a request, calls the operation, and returns a copy of the answer.
func (i *instance) exchange(ctx context.Context, op abi.Op, request []byte) ([]byte, error) {
	ptr, err := i.call(ctx, abi.ExportAlloc, uint64(len(request)))
	if err != nil {
		return nil, err
	}
	if uint32(ptr) == 0 {
		return nil, fmt.Errorf("%w: %s returned no room for a request of %s", ErrBadAnswer, abi.ExportAlloc, byteSize(len(request)))
	}
	if !i.module.Memory().Write(uint32(ptr), request) {
		return nil, fmt.Errorf("%w: %s returned %d for a request of %s, which is outside of its memory of %s",
			ErrBadAnswer, abi.ExportAlloc, uint32(ptr), byteSize(len(request)), byteSize(uint64(i.module.Memory().Size())))
	}
	packed, err := i.call(ctx, abi.ExportCall, uint64(op), uint64(uint32(ptr)), uint64(len(request)))
	if err != nil {
		return nil, err
	}
	return i.answer(packed)
}

// answer copies the answer that a packed pointer and length name.
func (i *instance) answer(packed uint64) ([]byte, error) {
	ptr, size := uint32(packed>>32), uint32(packed)
	switch {
	case size == 0:
		return nil, fmt.Errorf("%w: it is empty", ErrBadAnswer)
	case size > abi.MaxResponseBytes:
		return nil, fmt.Errorf("%w: it has %s, the limit is %s", ErrBadAnswer, byteSize(uint64(size)), byteSize(abi.MaxResponseBytes))
	}
	data, ok := i.module.Memory().Read(ptr, size)
	if !ok {
		return nil, fmt.Errorf("%w: %s at %d are outside of the plugin's memory of %s",
			ErrBadAnswer, byteSize(uint64(size)), ptr, byteSize(uint64(i.module.Memory().Size())))
	}
	return append([]byte(nil), data...), nil
}

// interrupted reports whether err says that the context ended the guest.
func interrupted(err error) bool { return errors.Is(err, errInterrupted) }
