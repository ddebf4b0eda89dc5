package sandbox

import (
	"bytes"
	"errors"
	"testing"

	"github.com/latticenet/lattice-host/abi"
	"github.com/latticenet/lattice-host/wasm-tests/wasmbuild"
)

const growerPages = 3

// grower traps unless its memory has the pages that it begins with, grows it by some, traps unless
// those are 0, fills them, and answers {}. Most is the maximum that it declares.
func grower(pages int32, most int64) *guestModule {
	const begin = growerPages * pageSize
	words := pages * pageSize / 8
	g := &guestModule{answer: "{}", pages: growerPages, most: most, callLocals: 1}
	trapUnless := func(code ...any) []byte {
		return wasmbuild.Body(wasmbuild.Body(code...), wasmbuild.If, wasmbuild.NoResult, wasmbuild.Else, wasmbuild.Unreachable, wasmbuild.End)
	}
	body := [][]byte{
		trapUnless([]byte{0x3f, 0}, wasmbuild.Int32(growerPages), wasmbuild.I32Eq),
		trapUnless(wasmbuild.Int32(pages), wasmbuild.MemoryGrow, 0, wasmbuild.Int32(growerPages), wasmbuild.I32Eq),
	}
	if words > 0 {
		body = append(body,
			wasmbuild.Int32(begin), []byte{wasmbuild.LocalSet, 3},
			[]byte{wasmbuild.Loop, wasmbuild.NoResult},
			// i64.load, i64.eqz
			trapUnless(wasmbuild.LocalGet, 3, []byte{0x29, 3, 0}, 0x50),
			// Every word of a page of 4 KiB would take long.
			wasmbuild.Body(wasmbuild.LocalGet, 3, wasmbuild.Int32(512), wasmbuild.I32Add, wasmbuild.LocalTee, 3),
			wasmbuild.Body(wasmbuild.Int32(begin+words*8), []byte{0x49}, wasmbuild.BrIf, 0, wasmbuild.End),
			wasmbuild.Body(wasmbuild.Int32(begin), wasmbuild.Int32(1), wasmbuild.Int32(words*8), []byte{0xfc, 0x0b, 0}),
		)
	}
	g.call = append(bytes.Join(body, nil), packed(answerAt, 2)...)
	return g
}

// An instance whose memory grew serves the next call, which sees the memory as it was.
func TestGrowthIsUndone(t *testing.T) {
	t.Parallel()
	for name, m := range everyMemories(t) {
		for _, c := range []struct {
			pages int32
			most  int64
		}{
			{0, -1},
			{1, -1},
			// As far as the module allows, and as far as there may be memory.
			{2, growerPages + 2},
			{keptGrowth/pageSize + 5, -1},
			{abi.MaxMemoryBytes/pageSize - growerPages, -1},
		} {
			p := loadWith(t, Config{}, m, jsonManifest(), grower(c.pages, c.most).build())
			var first *instance
			for n := range 5 {
				answer, usage, err := p.Measure(t.Context(), "main", abi.OpDerive, []byte("{}"))
				if err != nil || string(answer) != "{}" {
					t.Fatalf("%s: %d pages, call %d: %q, %v", name, c.pages, n, answer, err)
				}
				if want := uint64(growerPages+c.pages) * pageSize; usage.MemoryBytes != want {
					t.Errorf("%s: %d pages: the call had %d bytes, want %d", name, c.pages, usage.MemoryBytes, want)
				}
				settle(t, p.runtime.pool)
				if len(p.instances.idle) != 1 || first != nil && p.instances.idle[0] != first {
					t.Fatalf("%s: %d pages: the instance was not kept", name, c.pages)
				}
				first = p.instances.idle[0]
				if got := len(first.memory.buffer); got != growerPages*pageSize || first.memory.storage == nil {
					t.Errorf("%s: %d pages: the idle instance has %d bytes of memory", name, c.pages, got)
				}
			}
		}
	}
}

// What the module declares bounds its memory as before, and is not taken for the limit of the
// manifest.
func TestDeclaredMaximumHolds(t *testing.T) {
	t.Parallel()
	p := load(t, newRuntime(t, Config{}), jsonManifest(), grower(2, growerPages+1).build())
	if _, err := p.Call(t.Context(), "main", abi.OpDerive, []byte("{}")); !errors.Is(err, ErrTrap) || errors.Is(err, ErrMemory) {
		t.Errorf("got %v", err)
	}
}

// The bytes after a memory that shrank are 0 when it grows again, whatever it held.
func TestShrunkMemoryIsForgotten(t *testing.T) {
	t.Parallel()
	for name, m := range everyMemories(t) {
		for _, size := range []int{0, 2 * pageSize} {
			to := m.newImage(randomBytes(size, 1))
			s := m.newStorage(100 * pageSize)
			s.resize(uint64(size))
			if err := s.restore(to); err != nil {
				t.Fatal(err)
			}
			for _, pages := range []uint64{3, 90, 5, 100, 40} {
				grown := s.resize(pages * pageSize)
				if at := firstDifference(grown[size:], make([]byte, len(grown))); at >= 0 {
					t.Fatalf("%s: byte %d of what grew is not 0", name, size+at)
				}
				for n := range grown {
					grown[n]++
				}
				memory, err := s.shrink(size)
				if err != nil || len(memory) != size {
					t.Fatalf("%s: %d bytes, %v", name, len(memory), err)
				}
				if err := s.restore(to); err != nil || !bytes.Equal(memory, to.bytes()) {
					t.Fatalf("%s: the memory was not put back, %v", name, err)
				}
			}
			s.free()
			to.free()
		}
	}
}
