package sandbox

import (
	"fmt"
	"strconv"

	"github.com/tetratelabs/wazero/api"
	"github.com/tetratelabs/wazero/experimental"

	"github.com/latticenet/lattice-host/abi"
)

// pageSize is the unit of a WebAssembly memory in bytes.
const pageSize = 64 << 10

// memoryLimit returns how much memory a plugin may have, in bytes.
func memoryLimit(l abi.Limits) uint64 {
	if l.MemoryBytes <= 0 || l.MemoryBytes > abi.MaxMemoryBytes {
		return abi.MaxMemoryBytes
	}
	return uint64(l.MemoryBytes)
}

// keptGrowth is how much of what a call let grow an instance keeps, filled with zeros, for the next
// one that grows. A page that is given back costs the next call a fault, which takes longer than
// filling it with zeros.
const keptGrowth = 1 << 20

// linearMemory is the memory of one instance. The engine asks it for every growth, so that the
// limit of the manifest holds whatever the module declares, and so that a guest that ran out of
// memory can be told from one that crashed.
type linearMemory struct {
	// limit is that of the manifest in bytes, declared what the module itself says.
	limit, declared uint64
	storage         storage
	// committed is called with the reserved bytes of the memory after every change. It must not
	// refuse: whether a guest gets memory depends on its own limit only, or the same call would not
	// always come to the same end.
	committed func(room uint64)
	// refused is true once a growth was refused because of limit.
	refused bool
	// shrinking is true while the engine is told that buffer became shorter.
	shrinking bool
	buffer    []byte
	// kept is how much more than buffer stays in memory for the next growth, in bytes.
	kept uint64
}

var _ experimental.MemoryAllocator = (*linearMemory)(nil)

// Allocate implements experimental.MemoryAllocator. An instance has one memory, so that m is that
// memory.
func (m *linearMemory) Allocate(_, _ uint64) experimental.LinearMemory { return m }

// Reallocate implements experimental.LinearMemory. It returns nil, which makes memory.grow answer
// -1, beyond the limit.
func (m *linearMemory) Reallocate(size uint64) []byte {
	switch {
	case m.shrinking:
		return m.buffer
	case size > m.declared:
		return nil
	case size > m.limit:
		m.refused = true
		return nil
	}
	m.buffer = m.storage.resize(size)
	m.committed(uint64(cap(m.buffer)))
	return m.buffer
}

// shrink undoes growth: the memory has so many bytes again, and those that come back with the next
// growth are 0.
//
// The engine has no call for that. It takes whatever a growth returns for the memory, so that it is
// asked for one that returns less. [prepare] leaves every memory room for it.
func (m *linearMemory) shrink(engine api.Memory, size int) error {
	m.kept = max(m.kept, min(uint64(len(m.buffer)-size), keptGrowth))
	var err error
	if m.buffer, err = m.storage.shrink(size); err != nil {
		return err
	}
	m.shrinking = true
	engine.Grow(1)
	m.shrinking = false
	if got := uint64(engine.Size()); got != uint64(size) {
		return fmt.Errorf("the engine takes it to have %s, not %s", byteSize(got), byteSize(size))
	}
	m.committed(uint64(size) + m.kept)
	return nil
}

// Free implements experimental.LinearMemory. It does nothing: when the memory goes is not for the
// engine to say, which may call it while a guest still runs, except for who knows that no one uses
// the instance any more.
func (m *linearMemory) Free() {}

// memories makes what the memories of instances consist of, in the way that puts them back fastest
// on this machine.
type memories interface {
	// newStorage returns an empty memory that can grow to limit bytes.
	newStorage(limit uint64) storage
	// newImage keeps a copy of the content.
	newImage(content []byte) image
	// close is called when everything that was made is free.
	close() error
}

// storage holds the bytes of one linear memory.
type storage interface {
	// resize returns the memory with at least as many bytes as before; those that are new are 0.
	resize(size uint64) []byte
	// shrink returns the memory with at most as many bytes as before. At most [keptGrowth] of the
	// rest stay in memory.
	shrink(size int) ([]byte, error)
	// restore makes the content of the memory that of an image of the same size. It always gets the
	// same image.
	restore(to image) error
	// free must be called once, when no one can use the bytes any more.
	free()
}

// image is the content that memories are put back to. It never changes.
type image interface {
	bytes() []byte
	// free must be called once, when no memory is put back to the image any more.
	free()
}

// heapMemories works everywhere: memories are on the heap, and putting one back copies all of it.
type heapMemories struct{}

func (heapMemories) newStorage(limit uint64) storage { return &heapStorage{limit: limit} }
func (heapMemories) newImage(content []byte) image   { return append(heapImage(nil), content...) }
func (heapMemories) close() error                    { return nil }

type heapStorage struct {
	limit  uint64
	memory []byte
}

func (s *heapStorage) resize(size uint64) []byte {
	if size > uint64(cap(s.memory)) {
		// Twice as much as before keeps a guest that grows page by page from copying its memory
		// each time.
		grown := make([]byte, size, min(max(size, 2*uint64(cap(s.memory))), s.limit))
		copy(grown, s.memory)
		s.memory = grown
	}
	s.memory = s.memory[:size]
	return s.memory
}

func (s *heapStorage) shrink(size int) ([]byte, error) {
	if cap(s.memory)-size > keptGrowth {
		s.memory = append(make([]byte, 0, size), s.memory[:size]...)
		return s.memory, nil
	}
	clear(s.memory[size:])
	s.memory = s.memory[:size]
	return s.memory, nil
}

func (s *heapStorage) restore(to image) error {
	copy(s.memory, to.bytes())
	return nil
}

func (*heapStorage) free() {}

type heapImage []byte

func (i heapImage) bytes() []byte { return i }
func (heapImage) free()           {}

// byteSize writes a size for people, exactly.
func byteSize[T int | int64 | uint64](n T) string {
	switch {
	case n >= 1<<20 && n%(1<<20) == 0:
		return strconv.FormatInt(int64(n>>20), 10) + " MiB"
	case n >= 1<<10 && n%(1<<10) == 0:
		return strconv.FormatInt(int64(n>>10), 10) + " KiB"
	}
	return strconv.FormatInt(int64(n), 10) + " bytes"
}
