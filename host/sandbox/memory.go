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
	limit uint64
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
	if size > uint64(cap(m.buffer)) {
		// Twice as much as before keeps a guest that grows page by page from copying its memory each time.
		grown := make([]byte, size, min(max(size, 2*uint64(cap(m.buffer))), m.limit))
		copy(grown, m.buffer)
		m.buffer = grown
	}
	m.buffer = m.buffer[:size]
	return m.buffer
}

// Free implements experimental.LinearMemory. The collector frees the memory: the engine may call Free while a guest that
// is being interrupted still runs.
func (m *linearMemory) Free() {}

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
