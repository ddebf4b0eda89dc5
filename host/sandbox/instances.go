package sandbox

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"sync"

	"github.com/tetratelabs/wazero"
	"github.com/tetratelabs/wazero/api"
	"github.com/tetratelabs/wazero/experimental"

	"github.com/latticenet/lattice-host/abi"
	"github.com/latticenet/lattice-host/host/sandbox/meter"
)

// instances makes what a call runs in. Every call starts from the same state: that of an instance that was just made.
// Putting an instance back into that state costs a fraction of making one, so that those that came to no harm are kept.
type instances struct {
	engine      wazero.Runtime
	compiled    wazero.CompiledModule
	metered     *meter.Module
	memoryLimit uint64

	mu sync.Mutex
	// first is the state of an instance that was just made; nil before the first one.
	first *snapshot
	// idle holds instances in that state.
	idle []*instance
}

// instance is a module with memory of its own, initialised.
type instance struct {
	module  api.Module
	memory  *linearMemory
	fuel    api.MutableGlobal
	globals []api.MutableGlobal
	// clock is the reading of the monotonic clock when the instance was initialised. A call goes on from there: a
	// language's runtime may have noted it and does not expect an earlier one.
	clock uint64
}

// acquire returns an instance for the guest in ctx.
func (s *instances) acquire(ctx context.Context) (*instance, error) {
	if i := s.takeIdle(); i != nil {
		return i, nil
	}
	i, err := s.fresh(ctx)
	if err != nil {
		return nil, err
	}
	s.remember(i)
	return i, nil
}

func (s *instances) takeIdle() *instance {
	s.mu.Lock()
	defer s.mu.Unlock()
	n := len(s.idle)
	if n == 0 {
		return nil
	}
	i := s.idle[n-1]
	s.idle[n-1] = nil
	s.idle = s.idle[:n-1]
	return i
}

// fresh makes an instance. It runs the module's start function and its _initialize.
func (s *instances) fresh(ctx context.Context) (*instance, error) {
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
	if err := i.bind(s.metered); err != nil {
		s.drop(i)
		return nil, err
	}
	if i.module.ExportedFunction(abi.ExportInitialize) == nil {
		return i, nil
	}
	if _, err := i.call(ctx, abi.ExportInitialize); err != nil {
		s.drop(i)
		return nil, err
	}
	i.clock = guestOf(ctx).clock
	return i, nil
}

// bind finds what the meter added to the module.
func (i *instance) bind(m *meter.Module) error {
	for _, name := range append([]string{m.FuelExport}, m.GlobalExports...) {
		global, ok := i.module.ExportedGlobal(name).(api.MutableGlobal)
		if !ok {
			return fmt.Errorf("the metered module has no variable %s", name)
		}
		i.globals = append(i.globals, global)
	}
	i.fuel, i.globals = i.globals[0], i.globals[1:]
	return nil
}

// release takes an instance back behind a call that came to a good end.
func (s *instances) release(i *instance) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.idle) >= runtime.GOMAXPROCS(0) || !s.metered.Resettable || !i.reset(s.first) {
		s.drop(i)
		return
	}
	s.idle = append(s.idle, i)
}

// drop ends an instance.
func (s *instances) drop(i *instance) {
	// Closing an instance reports nothing that anyone could act on: it has no files.
	_ = guard(func() error { return i.module.Close(context.Background()) })
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
	// The guest begins without fuel, and so with a refill from the call's own tank.
	i.fuel.Set(0)
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
	if err := checkSize(int(size)); err != nil {
		return nil, err
	}
	data, ok := i.module.Memory().Read(ptr, size)
	if !ok {
		return nil, fmt.Errorf("%w: %s at %d are outside of the plugin's memory of %s",
			ErrBadAnswer, byteSize(uint64(size)), ptr, byteSize(uint64(i.module.Memory().Size())))
	}
	return append([]byte(nil), data...), nil
}

// checkSize refuses an answer by its size.
func checkSize(size int) error {
	switch {
	case size == 0:
		return fmt.Errorf("%w: it is empty", ErrBadAnswer)
	case size > abi.MaxResponseBytes:
		return fmt.Errorf("%w: it has %s, the limit is %s", ErrBadAnswer, byteSize(size), byteSize(abi.MaxResponseBytes))
	}
	return nil
}

// interrupted reports whether err says that the context ended the guest.
func interrupted(err error) bool { return errors.Is(err, errInterrupted) }
