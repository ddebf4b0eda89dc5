package sandbox

import "fmt"

// snapshot is all that a call can change in an instance.
type snapshot struct {
	memory  image
	globals []uint64
	// refused is linearMemory.refused.
	refused bool
	clock   uint64
}

// size returns what the snapshot has in bytes.
func (s *snapshot) size() uint64 { return uint64(len(s.memory.bytes()) + 8*len(s.globals)) }

// snapshot returns the state of an instance that was just made, or nil.
func (s *instances) snapshot() *snapshot {
	s.pool.mu.Lock()
	defer s.pool.mu.Unlock()
	return s.first
}

// remember keeps the state of the first instance. Instances that were just made are all alike,
// because nothing that a guest can ask the host for differs between them.
func (s *instances) remember(i *instance) error {
	if !s.metered.Resettable {
		return nil
	}
	taken := &snapshot{memory: s.memories.newImage(i.memory.buffer), refused: i.memory.refused, clock: i.clock}
	for _, g := range i.globals {
		taken.globals = append(taken.globals, g.Get())
	}
	if first := s.keep(taken); first != taken {
		// Another instance was made at the same time.
		taken.memory.free()
		taken = first
	}
	return i.become(taken)
}

// keep returns the snapshot that holds: the one that came first.
func (s *instances) keep(taken *snapshot) *snapshot {
	s.pool.mu.Lock()
	defer s.pool.mu.Unlock()
	if s.first == nil {
		s.first = taken
		s.pool.used += taken.size()
	}
	return s.first
}

// become gives an instance that was just made the state of the snapshot. What its initialisation
// does is in there: it has no effect outside of memory and globals, or there would be no snapshot.
func (i *instance) become(first *snapshot) error {
	grown := (len(first.memory.bytes()) - len(i.memory.buffer)) / pageSize
	if grown < 0 {
		return fmt.Errorf("the instance has %s of memory, the first one had %s",
			byteSize(len(i.memory.buffer)), byteSize(len(first.memory.bytes())))
	}
	if _, ok := i.module.Memory().Grow(uint32(grown)); !ok {
		return fmt.Errorf("its memory cannot grow to %s", byteSize(len(first.memory.bytes())))
	}
	i.clock = first.clock
	return i.restore(first)
}

// reset puts the instance back into the state that it had before its first call.
func (i *instance) reset() error {
	if err := i.restore(i.plugin.snapshot()); err != nil {
		return err
	}
	i.dirty = false
	return nil
}

// restore puts back what a call can change. The memory has the size of the snapshot's, or grew.
func (i *instance) restore(to *snapshot) error {
	if size := len(to.memory.bytes()); size < len(i.memory.buffer) {
		if err := i.memory.shrink(i.module.Memory(), size); err != nil {
			return fmt.Errorf("its memory cannot shrink to %s: %w", byteSize(size), err)
		}
	}
	if err := i.memory.storage.restore(to.memory); err != nil {
		return fmt.Errorf("its memory cannot be put back: %w", err)
	}
	i.memory.refused = to.refused
	for n, g := range i.globals {
		g.Set(to.globals[n])
	}
	return nil
}
