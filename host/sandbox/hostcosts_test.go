package sandbox

import (
	"bytes"
	"encoding/binary"
	"math"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/latticenet/lattice-host/abi"
	"github.com/latticenet/lattice-host/wasm-tests/wasmbuild"
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

// TestHostCostsHold compares the rows of functions that need no instance with what they allocate.
// It is not parallel: what others allocate at the same time would count.
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
			got := leastAllocated(call)
			if got == 0 || got > uint64(c.most) {
				t.Errorf("%s allocates %d bytes, its row says 1 to %d", f.name, got, c.most)
			}
		}
	}
}

// TestExtismKeepsKernelFunctions fails when each call of Extism's kernel makes a stack.
func TestExtismKeepsKernelFunctions(t *testing.T) {
	const calls = 500
	g := &extismGuest{}
	answer := g.answer("{}")
	set := wasmbuild.Body(wasmbuild.LocalGet, 0, wasmbuild.Int64(8), g.call("output_set"))
	// Without the 0 that it ends with, and again.
	end := len(wasmbuild.Int32(0))
	g.derive = slices.Concat(answer[:len(answer)-end], bytes.Repeat(set, calls), answer[len(answer)-end:])
	p := load(t, newRuntime(t, Config{}), extismManifest(), g.build())
	got := leastAllocated(func() {
		if _, _, err := p.Measure(t.Context(), "main", abi.OpDerive, []byte("{}")); err != nil {
			t.Fatal(err)
		}
	})
	if got > calls<<10 {
		t.Errorf("a guest that sets its output %d times allocates %d bytes", calls, got)
	}
}

// leastAllocated returns how many bytes a call allocates, by the least of several turns: what runs
// on its own allocates, too.
func leastAllocated(call func()) uint64 {
	const turns, calls = 10, 10
	call()
	least := uint64(math.MaxUint64)
	for range turns {
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		for range calls {
			call()
		}
		runtime.ReadMemStats(&after)
		least = min(least, (after.TotalAlloc-before.TotalAlloc)/calls)
	}
	return least
}
