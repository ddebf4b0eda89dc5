package probe_test

import (
	"os"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/latticenet/lattice-host/abi"
	"github.com/latticenet/lattice-host/wasm-tests/hostile/probe"
	b "github.com/latticenet/lattice-host/wasm-tests/wasmbuild"
)

// atStart is the resident memory of this process when it began, in bytes, and so about that of a
// child, which is the same program. With the race detector it is several times what it is without.
var atStart uint64

func TestMain(m *testing.M) {
	probe.Child()
	atStart = resident()
	os.Exit(m.Run())
}

// resident returns the resident memory of this process in bytes, 0 where the system does not tell:
// the second number of statm, in pages.
func resident() uint64 {
	text, err := os.ReadFile("/proc/self/statm")
	fields := strings.Fields(string(text))
	if err != nil || len(fields) < 2 {
		return 0
	}
	pages, err := strconv.ParseUint(fields[1], 10, 64)
	if err != nil {
		return 0
	}
	return pages * uint64(os.Getpagesize())
}

// guest returns a plugin whose call runs instructions and answers {}.
func guest(pages uint32, call []byte) []byte {
	const answerAt = 4096
	var m b.Module
	m.Memory(pages, -1)
	m.Data(answerAt, []byte("{}"))
	i32, i64 := []byte{b.I32}, []byte{b.I64}
	m.Export(abi.ExportMemory, b.Memory, 0)
	m.Export(abi.ExportAlloc, b.Function, m.Function(i32, i32, 0, b.Int32(1024)))
	m.Export(abi.ExportCall, b.Function, m.Function([]byte{b.I32, b.I32, b.I32}, i64, 0, b.Body(call, b.Int64(answerAt<<32|2))))
	manifest := probe.Manifest()
	manifest.Limits = abi.Limits{Fuel: abi.MaxFuel, TimeoutMillis: abi.MaxTimeoutMillis}
	return probe.WithManifest(m.Bytes(), manifest)
}

// endless is a loop without end.
func endless() []byte { return b.Body(b.Loop, b.NoResult, b.Br, 0, b.End) }

// once is a loop of one round.
func once() []byte { return b.Body(b.Loop, b.NoResult, b.Int32(0), b.BrIf, 0, b.End) }

// filled writes all but the first page of memory.
func filled(pages int32) []byte {
	return b.Body(b.Int32(1<<16), b.Int32(1), b.Int32((pages-1)<<16), b.Bulk, 11, 0)
}

func TestRun(t *testing.T) {
	const pages = abi.MaxMemoryBytes >> 16
	few := atStart + abi.MaxMemoryBytes*3/4
	for _, c := range []struct {
		name, reason string
		task         probe.Task
		killed       string
		check        func(*probe.Report) string
	}{
		{
			name: "good", reason: "a module that answers", task: probe.Task{Wasm: guest(1, nil), Calls: 3},
			check: func(r *probe.Report) string {
				switch {
				case !r.Load.Done || !r.First.Done || !r.Again.Done:
					return "a phase was not reached"
				case r.Again.Fuel != 3*r.First.Fuel || r.First.Fuel == 0:
					return "fuel is not that of the calls"
				case r.First.MemoryBytes != 1<<16:
					return "memory is not that of the guest"
				case r.Load.CPU <= 0:
					return "loading takes no time"
				case r.Load.Class+r.First.Class+r.Again.Class != "":
					return "there is an error"
				}
				return ""
			},
		},
		{
			name: "refused", reason: "not a plugin", task: probe.Task{Wasm: probe.WithManifest((&b.Module{}).Bytes(), probe.Manifest())},
			check: func(r *probe.Report) string {
				if r.Load.Class != probe.Contract || r.First.Done {
					return "it is not refused"
				}
				return ""
			},
		},
		{
			name: "rationed", reason: "a loop that gets too little fuel after the first call",
			task: probe.Task{Wasm: guest(1, once()), Calls: 2, Fuel: 1},
			check: func(r *probe.Report) string {
				if r.First.Class != "" || r.Again.Class != probe.Fuel {
					return "the classes are " + string(r.First.Class) + ", " + string(r.Again.Class)
				}
				return ""
			},
		},
		{
			name: "checks", reason: "a loop that asks for fuel in its round", task: probe.Task{Wasm: guest(1, once()), FuelSlice: 1, Calls: 5},
			check: func(r *probe.Report) string {
				if r.First.Checks == 0 || r.Again.Checks != 5*r.First.Checks {
					return "the checks are not counted"
				}
				return ""
			},
		},
		{
			name: "peak", reason: "64 MiB that are written", task: probe.Task{Wasm: guest(pages, filled(pages))},
			check: func(r *probe.Report) string {
				if r.First.Peak < abi.MaxMemoryBytes/2 {
					return "the peak is too low"
				}
				return ""
			},
		},
		{name: "time", reason: "a loop for longer than the process may run", killed: "first", task: probe.Task{Wasm: guest(1, endless()), MaxCPU: time.Second}},
		{
			name: "memory", reason: "64 MiB in a process that may have less, kept by a loop", killed: "first",
			task: probe.Task{Wasm: guest(pages, b.Body(filled(pages), endless())), MaxCPU: 10 * time.Second, MaxMemory: few},
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			report, err := probe.Run(t.Context(), c.task)
			if err != nil {
				t.Fatal(err)
			}
			if report.Killed != c.killed {
				t.Fatalf("%s: killed in phase %q, want %q: %+v", c.reason, report.Killed, c.killed, report)
			}
			if c.check == nil {
				return
			}
			if problem := c.check(report); problem != "" {
				t.Errorf("%s: %s: %+v", c.reason, problem, report)
			}
		})
	}
}
