package sandbox

import (
	"bytes"
	"math/rand/v2"
	"testing"
)

// everyMemories returns what instances can be put back with, by name: what this machine chose, and
// what works everywhere.
func everyMemories(t testing.TB) map[string]memories {
	chosen := openMemories()
	t.Cleanup(func() {
		if err := chosen.close(); err != nil {
			t.Error(err)
		}
	})
	return map[string]memories{"chosen": chosen, "copy": heapMemories{}}
}

// randomBytes returns the same bytes for a seed.
func randomBytes(size int, seed byte) []byte {
	b := make([]byte, size)
	_, _ = rand.NewChaCha8([32]byte{seed}).Read(b)
	return b
}

func TestRestore(t *testing.T) {
	t.Parallel()
	for name, m := range everyMemories(t) {
		// The largest takes several questions to the kernel.
		for _, size := range []int{0, pageSize, 5 * pageSize, 130 * pageSize} {
			content := randomBytes(size, 1)
			to := m.newImage(content)
			s := m.newStorage(200 * pageSize)
			random := rand.New(rand.NewPCG(1, 2))
			memory := s.resize(uint64(size))
			for round := range 30 {
				if err := s.restore(to); err != nil {
					t.Fatal(err)
				}
				if at := firstDifference(memory, content); at >= 0 {
					t.Fatalf("%s: in round %d byte %d of %d is not the image's", name, round, at, size)
				}
				writeSomewhere(memory, random)
			}
			s.free()
			if !bytes.Equal(to.bytes(), content) {
				t.Errorf("%s: the image of %d bytes changed", name, size)
			}
			to.free()
		}
	}
}

// writeSomewhere changes runs of bytes, and always the first and the last one.
func writeSomewhere(memory []byte, random *rand.Rand) {
	if len(memory) == 0 {
		return
	}
	memory[0]++
	memory[len(memory)-1]++
	for range random.IntN(40) {
		at := random.IntN(len(memory))
		for n := range memory[at:min(at+random.IntN(20_000), len(memory))] {
			memory[at+n]++
		}
	}
}

func firstDifference(a, b []byte) int {
	for n := range a {
		if a[n] != b[n] {
			return n
		}
	}
	return -1
}

// Instances made from one image write to memories of their own.
func TestMemoriesDoNotShareWhatTheyWrite(t *testing.T) {
	t.Parallel()
	for name, m := range everyMemories(t) {
		content := randomBytes(2*pageSize, 2)
		to := m.newImage(content)
		var all []storage
		for n := range 3 {
			s := m.newStorage(4 * pageSize)
			all = append(all, s)
			memory := s.resize(2 * pageSize)
			if err := s.restore(to); err != nil {
				t.Fatal(err)
			}
			if !bytes.Equal(memory, content) {
				t.Errorf("%s: memory %d sees what another one wrote", name, n)
			}
			clear(memory)
		}
		for _, s := range all {
			s.free()
		}
		to.free()
	}
}

func TestMemoryGrowsWithZeros(t *testing.T) {
	t.Parallel()
	for name, m := range everyMemories(t) {
		s := m.newStorage(10 * pageSize)
		memory := s.resize(pageSize)
		content := randomBytes(pageSize, 3)
		copy(memory, content)
		for pages := 2; pages <= 10; pages++ {
			memory = s.resize(uint64(pages) * pageSize)
			if len(memory) != pages*pageSize || !bytes.Equal(memory[:pageSize], content) {
				t.Fatalf("%s: growing to %d pages changed the memory", name, pages)
			}
			if at := firstDifference(memory[pageSize:], make([]byte, len(memory))); at >= 0 {
				t.Fatalf("%s: byte %d of what grew is not 0", name, pageSize+at)
			}
		}
		s.free()
	}
}
