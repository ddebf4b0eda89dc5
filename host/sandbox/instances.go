package sandbox

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/tetratelabs/wazero"
	"github.com/tetratelabs/wazero/api"
	"github.com/tetratelabs/wazero/experimental"

	"github.com/latticenet/lattice-host/abi"
	"github.com/latticenet/lattice-host/host/sandbox/meter"
)

// instances makes what the calls of one plugin run in. Every call starts from the same state: that
// of an instance that was just made. Putting an instance back into that state costs a fraction of
// making one, so that those that came to no harm are kept in the pool.
type instances struct {
	engine   wazero.Runtime
	compiled wazero.CompiledModule
	metered  *meter.Module
	memories memories
	// memoryLimit is that of the manifest in bytes; making is what each instance takes.
	memoryLimit uint64
	making      making
	pool        *pool

	// What follows is guarded by the pool.

	// first is the state of an instance that was just made; nil before the first one, and when it
	// cannot be put back.
	first *snapshot
	// mostMemory is the most memory that an instance had in a call that has ended, in bytes. The
	// next call may want as much.
	mostMemory uint64
	// live is how many instances there are, resets how many of them are being put back, and idle
	// those that wait, in the order in which they were used.
	live, resets int
	idle         []*instance
	// removed is true once the plugin has no more calls.
	removed bool
	// inHand counts the instances that are put back or closed by somebody other than a call.
	inHand sync.WaitGroup
}

// instance is a module with memory of its own, initialised.
type instance struct {
	plugin *instances
	// module is nil until the instance is made.
	module api.Module
	// alloc and entry are the module's functions. The engine gives each such value a stack that
	// grows and never shrinks.
	alloc, entry api.Function
	memory       *linearMemory
	fuel         api.MutableGlobal
	globals      []api.MutableGlobal
	// clock is the reading of the monotonic clock when the instance was initialised. A call goes on
	// from there: a language's runtime may have noted it and does not expect an earlier one.
	clock uint64
	// uses is how many calls it served. It is dirty until it is put back after the last one.
	uses  int
	dirty bool
	// memoryBytes is the room of its memory, callBytes what the running call has: stacks and the
	// request. What leftBytes counts is on the heap when the instance ends.
	memoryBytes, callBytes, leftBytes uint64
	// reserved is what the memory counts as at least while a call runs, mostMemory the most that it
	// had in the call.
	reserved, mostMemory uint64

	// What follows is guarded by the pool: all that the instance has in bytes, and since when it is
	// idle.
	size  uint64
	since time.Time
}

// acquire returns an instance for a call: one that was put back, or one that must be made. It waits
// while there are as many as there may be. The error is errInterrupted.
func (s *instances) acquire(ctx context.Context) (*instance, error) {
	for {
		i, err := s.pool.take(ctx, s)
		if err != nil || !i.dirty {
			return i, err
		}
		if i.reset() == nil {
			return i, nil
		}
		s.pool.drop(i)
	}
}

// make makes an instance that has yet to be made, for the guest in ctx. Of the first it keeps the
// state, which the others get instead of initialising themselves. An instance that cannot be made
// remains to be dropped.
func (s *instances) make(ctx context.Context, i *instance) error {
	if err := s.instantiate(ctx, i); err != nil {
		return err
	}
	if first := s.snapshot(); first != nil {
		return i.become(first)
	}
	if err := i.initialize(ctx); err != nil {
		return err
	}
	return s.remember(i)
}

// instantiate has the engine make the module. That runs its start function.
func (s *instances) instantiate(ctx context.Context, i *instance) error {
	if ctx.Err() != nil {
		return errInterrupted
	}
	if err := guestOf(ctx).fuel.take(s.making.fuel()); err != nil {
		return fmt.Errorf("at its start: %w: %w", ErrFuel, err)
	}
	i.memory = &linearMemory{
		limit:     s.memoryLimit,
		declared:  s.making.DeclaredMemory,
		storage:   s.memories.newStorage(s.memoryLimit),
		committed: i.committed,
	}
	// Without a name any number of instances can exist. No start function of WASI is called: a
	// plugin is not a program.
	config := wazero.NewModuleConfig().WithName("").WithStartFunctions()
	err := guard(func() (err error) {
		i.module, err = s.engine.InstantiateModule(experimental.WithMemoryAllocator(countedStacks(ctx), i.memory), s.compiled, config)
		return err
	})
	if err == nil {
		if err = i.bind(s.metered); err != nil {
			return err
		}
		err = guestOf(ctx).fuel.settle(int64(i.fuel.Get()))
	}
	if err != nil {
		return fmt.Errorf("at its start: %w", explain(err, guestOf(ctx), i.memory))
	}
	return nil
}

// committed counts the room that the instance's memory has.
func (i *instance) committed(room uint64) {
	i.memoryBytes, i.mostMemory = room, max(i.mostMemory, room)
	i.count()
}

// watch counts what the call of a guest has: the request, and its stacks when they grow.
func (i *instance) watch(g *guest, request uint64) {
	i.hold(request)
	g.stacks.grew = func(bytes uint64) { i.hold(request + bytes) }
}

// hold counts what the running call has besides memory.
func (i *instance) hold(bytes uint64) {
	i.callBytes = bytes
	i.count()
}

// count tells the pool what the instance has.
func (i *instance) count() {
	i.plugin.pool.resized(i, i.plugin.making.bytes()+max(i.memoryBytes, i.reserved)+i.callBytes)
}

// initialize runs _initialize.
func (i *instance) initialize(ctx context.Context) error {
	initialize := i.module.ExportedFunction(abi.ExportInitialize)
	if initialize == nil {
		return nil
	}
	if _, err := i.call(ctx, abi.ExportInitialize, initialize); err != nil {
		return err
	}
	i.clock = guestOf(ctx).clock
	return nil
}

// bind finds what the calls need, and what the meter added to the module.
func (i *instance) bind(m *meter.Module) error {
	i.bindFunctions()
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

func (i *instance) bindFunctions() {
	i.alloc, i.entry = i.module.ExportedFunction(abi.ExportAlloc), i.module.ExportedFunction(abi.ExportCall)
}

// leave counts what a call leaves on the heap.
func (i *instance) leave(bytes uint64) { i.leftBytes += bytes }

// endCall forgets what the call had, and gives back the stacks that it made grow. It returns what
// is left on the heap of them in bytes.
func (i *instance) endCall() (left uint64) {
	i.reserved = 0
	i.hold(0)
	if i.module != nil {
		if stacks := stackBytes(i.alloc) + stackBytes(i.entry); stacks > keptStackBytes {
			i.bindFunctions()
			i.leave(stacks)
		}
	}
	left, i.leftBytes = i.leftBytes, 0
	return left
}

// expectedMemory returns how much memory the next call in a new instance may want, in bytes: what
// that begins with, or what an earlier call came to have. The pool must be locked.
func (s *instances) expectedMemory() uint64 {
	begins := s.making.LeastMemory
	if s.first != nil {
		begins = uint64(len(s.first.memory.bytes()))
	}
	return max(begins, s.mostMemory)
}

// reusable reports whether instances can be put back.
func (s *instances) reusable() bool { return s.snapshot() != nil }

// close frees the instances. There must not be any calls.
func (s *instances) close() {
	s.pool.remove(s)
	s.pool.mu.Lock()
	defer s.pool.mu.Unlock()
	s.pool.forget(s)
}

// close ends an instance that no one uses any more. That the guest does not run is what makes it
// safe: neither the engine nor a slice of the memory may reach it after this.
func (i *instance) close() {
	if i.module != nil {
		// Closing reports nothing that anyone could act on: an instance has no files.
		_ = guard(func() error { return i.module.Close(context.Background()) })
	}
	if i.memory != nil {
		i.memory.storage.free()
	}
}

// call runs an exported function of that name and returns its result, 0 if it has none.
func (i *instance) call(ctx context.Context, name string, f api.Function, params ...uint64) (uint64, error) {
	g := guestOf(ctx)
	defer g.stacks.enter(f)()
	var results []uint64
	err := guard(func() (err error) {
		results, err = f.Call(ctx, params...)
		return err
	})
	if err == nil {
		err = g.fuel.settle(int64(i.fuel.Get()))
	}
	if err != nil {
		return 0, fmt.Errorf("in %s: %w", name, explain(err, g, i.memory))
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
	ptr, err := i.call(ctx, abi.ExportAlloc, i.alloc, uint64(len(request)))
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
	packed, err := i.call(ctx, abi.ExportCall, i.entry, uint64(op), uint64(uint32(ptr)), uint64(len(request)))
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
