package sandbox

import (
	"encoding/binary"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/latticenet/lattice-host/abi"
)

// TestHostCostsAreComplete finds the row of every function that a guest may import.
func TestHostCostsAreComplete(t *testing.T) {
	t.Parallel()
	native := hostFunctions()
	offered := map[string]bool{}
	for _, f := range slices.Concat(native, extismFunctions(native)) {
		offered[f.module+"."+f.name] = true
	}
	rows := map[string]int{}
	for _, c := range hostCosts() {
		if c.paid == "" || (c.allocates == "") != (c.most == 0) || (c.allocates == "") != (c.lives == "") {
			t.Errorf("the row of %v does not say what is allocated, how much, how long and who pays", c.names)
		}
		for _, name := range c.names {
			name = c.module + "." + name
			rows[name]++
			if !offered[name] || rows[name] > 1 {
				t.Errorf("%s is not offered, or has two rows", name)
			}
		}
	}
	for name := range offered {
		if rows[name] == 0 {
			t.Errorf("%s has no row", name)
		}
	}
}

// TestHostCostsHold compares the rows of functions that need no instance with what they allocate. It is not parallel: what
// others allocate at the same time would count.
func TestHostCostsHold(t *testing.T) {
	const most = 32 << 10
	text := strings.Repeat("\x00", abi.MaxLogBytes)
	buffers := func(text string) []byte {
		entry := binary.LittleEndian.AppendUint32(nil, 64)
		return append(binary.LittleEndian.AppendUint32(entry, uint32(len(text))), text...)
	}
	worst := map[string]struct {
		data   []byte
		at     uint32
		params []uint64
	}{
		"log":         {[]byte(text), 0, []uint64{uint64(LevelError), 0, abi.MaxLogBytes}},
		"random_get":  {nil, 0, []uint64{0, most}},
		"poll_oneoff": {nil, 0, []uint64{0, 0, maxVectors, 0}},
		// One buffer that begins where its list ends.
		"fd_write": {buffers(strings.Repeat("\x00\n", maxWrite/2-64)), 56, []uint64{fdStderr, 56, 1, 0}},
	}
	for _, c := range hostCosts() {
		for _, f := range hostFunctions() {
			if f.module != c.module || !slices.Contains(c.names, f.name) || f.name == abi.ImportHostCall || f.name == "proc_exit" {
				continue
			}
			s := newShim(t)
			s.guest.log.to = nil
			w := worst[f.name]
			if !s.memory.Write(w.at, w.data) {
				t.Fatal("the memory is too small")
			}
			stack := make([]uint64, len(f.signature.Params)+1)
			call := func() {
				clear(stack)
				copy(stack, w.params)
				f.call(frame{guest: s.guest, module: s.module}, stack)
			}
			if c.most == 0 {
				if n := testing.AllocsPerRun(100, call); n > 0 {
					t.Errorf("%s allocates %v times", f.name, n)
				}
				continue
			}
			call()
			const calls = 20
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			for range calls {
				call()
			}
			runtime.ReadMemStats(&after)
			got := (after.TotalAlloc - before.TotalAlloc) / calls
			t.Logf("%s allocates %d bytes", f.name, got)
			if got == 0 || got > uint64(c.most) {
				t.Errorf("%s allocates %d bytes, its row says 1 to %d", f.name, got, c.most)
			}
		}
	}
}
