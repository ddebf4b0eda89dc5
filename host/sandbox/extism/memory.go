package extism

import (
	"math"

	"github.com/tetratelabs/wazero/experimental"
)

// Storage holds the bytes of one memory.
type Storage interface {
	// Resize returns the memory with at least as many bytes as before; those that are new are 0.
	Resize(size uint64) []byte
	// Free is called once, when nothing uses the bytes any more.
	Free()
}

// Memory says what an instance may have.
type Memory struct {
	// Limit is how many bytes the guest and its kernel may have in all, Declared how many the
	// guest's own memory may.
	Limit, Declared uint64
	// New returns an empty storage that can grow to limit bytes.
	New func(limit uint64) Storage
	// Grew is called with the total number of bytes, whenever they become more.
	Grew func(bytes uint64)
}

// budget is the memory that the modules of one instance have in all. The engine asks it for every
// growth.
type budget struct {
	Memory
	used uint64
	// refused is true once a growth was refused because of the limit.
	refused bool
	// memories are the kernel's and the guest's, which is the order in which the SDK makes them.
	memories []*linear
}

// linear is one memory.
type linear struct {
	budget   *budget
	declared uint64
	storage  Storage
	bytes    []byte
}

// Allocate implements experimental.MemoryAllocator.
func (b *budget) Allocate(_, _ uint64) experimental.LinearMemory {
	declared := b.Declared
	if len(b.memories) == 0 {
		declared = math.MaxUint64
	}
	b.memories = append(b.memories, &linear{budget: b, declared: declared, storage: b.New(b.Limit)})
	return b.memories[len(b.memories)-1]
}

// free ends the memories, which nothing may use any more.
func (b *budget) free() {
	for _, m := range b.memories {
		m.storage.Free()
		m.bytes = nil
	}
}

// Reallocate implements experimental.LinearMemory. It returns nil, which makes memory.grow answer
// -1, beyond the limit.
func (l *linear) Reallocate(size uint64) []byte {
	more := size - uint64(len(l.bytes))
	switch {
	case size > l.declared:
		return nil
	case more > l.budget.Limit-l.budget.used:
		l.budget.refused = true
		return nil
	}
	l.budget.used += more
	l.bytes = l.storage.Resize(size)
	l.budget.Grew(l.budget.used)
	return l.bytes
}

// Free implements experimental.LinearMemory. It does nothing: [Instance.Close] knows when nothing
// uses the memory any more.
func (l *linear) Free() {}
