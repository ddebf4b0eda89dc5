package sandbox

// snapshot is all that a call can change in an instance.
type snapshot struct {
	memory  []byte
	globals []uint64
}

// remember takes the snapshot of the first instance. Instances that were just made are all alike, because nothing that a
// guest can ask the host for differs between them.
func (s *instances) remember(i *instance) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.first != nil || !s.metered.Resettable {
		return
	}
	s.first = &snapshot{memory: append([]byte(nil), i.memory.buffer...)}
	for _, g := range i.globals {
		s.first.globals = append(s.first.globals, g.Get())
	}
}

// reset puts the instance back into the state of the snapshot, and reports whether that is possible: a memory does not
// shrink, so that an instance that grew is of no more use.
func (i *instance) reset(to *snapshot) bool {
	if to == nil || len(i.memory.buffer) != len(to.memory) || i.memory.refused {
		return false
	}
	copy(i.memory.buffer, to.memory)
	for n, g := range i.globals {
		g.Set(to.globals[n])
	}
	return true
}
