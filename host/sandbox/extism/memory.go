package extism

import "github.com/tetratelabs/wazero/experimental"

// budget is the memory that the modules of one instance have in all. The engine asks it for every growth.
type budget struct {
	limit, used uint64
	// refused is true once a growth was refused.
	refused bool
	// memories are the kernel's and the guest's, which is the order in which the SDK makes them.
	memories []*linear
}

// linear is one memory. It lives as long as a call, and the collector frees it.
type linear struct {
	budget *budget
	bytes  []byte
}

// Allocate implements experimental.MemoryAllocator.
func (b *budget) Allocate(_, _ uint64) experimental.LinearMemory {
	b.memories = append(b.memories, &linear{budget: b})
	return b.memories[len(b.memories)-1]
}

// Reallocate implements experimental.LinearMemory. It returns nil, which makes memory.grow answer -1, beyond the limit.
func (l *linear) Reallocate(size uint64) []byte {
	more := size - uint64(len(l.bytes))
	if more > l.budget.limit-l.budget.used {
		l.budget.refused = true
		return nil
	}
	l.budget.used += more
	l.bytes = append(l.bytes, make([]byte, more)...)
	return l.bytes
}

// Free implements experimental.LinearMemory.
func (l *linear) Free() {}
