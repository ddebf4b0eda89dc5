package sandbox

import (
	"strconv"

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

// linearMemory is the memory of one instance. The engine asks it for every growth, so that the limit of the manifest
// holds whatever the module declares, and so that a guest that ran out of memory can be told from one that crashed.
type linearMemory struct {
	limit   uint64
	storage storage
	// committed is told the new size in bytes of every growth. It must not refuse: whether a guest gets memory depends on
	// its own limit only, or the same call would not always come to the same end.
	committed func(size uint64)
	// refused is true once a growth was refused.
	refused bool
	buffer  []byte
}

var _ experimental.MemoryAllocator = (*linearMemory)(nil)

// Allocate implements experimental.MemoryAllocator. An instance has one memory, so that m is that memory.
func (m *linearMemory) Allocate(_, _ uint64) experimental.LinearMemory { return m }

// Reallocate implements experimental.LinearMemory. It returns nil, which makes memory.grow answer -1, beyond the limit.
func (m *linearMemory) Reallocate(size uint64) []byte {
	if size > m.limit {
		m.refused = true
		return nil
	}
	m.buffer = m.storage.resize(size)
	m.committed(size)
	return m.buffer
}

// Free implements experimental.LinearMemory. It does nothing: when the memory goes is not for the engine to say, which
// may call it while a guest still runs, but for who knows that nobody uses the instance any more.
func (m *linearMemory) Free() {}

// memories makes what the memories of instances consist of, in the way that puts them back fastest on this machine.
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
	// restore makes the content of the memory that of an image of the same size. It always gets the same image.
	restore(to image) error
	// free must be called once, when nobody can use the bytes any more.
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
		// Twice as much as before keeps a guest that grows page by page from copying its memory each time.
		grown := make([]byte, size, min(max(size, 2*uint64(cap(s.memory))), s.limit))
		copy(grown, s.memory)
		s.memory = grown
	}
	s.memory = s.memory[:size]
	return s.memory
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
