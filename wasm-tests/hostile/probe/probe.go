// Package probe measures what a module costs the host, in a process of its own: a module that takes
// all memory or does not end takes down only that process.
//
// The process is the running program, started again. A program that uses this package calls [Child]
// first.
package probe

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"time"
)

// Limits of the process that measures.
const (
	// MaxMemoryBytes is the resident memory at which the process is killed.
	MaxMemoryBytes = 1 << 30
	// MaxCPU is the processor time after which the process ends.
	MaxCPU = 60 * time.Second
)

// variable is set in the environment of a process that measures.
const variable = "LATTICE_HOST_PROBE"

// Task is a module and what is done with it.
type Task struct {
	// Wasm is the module with its manifest.
	Wasm []byte
	// Calls is the number of calls after the first. 0 measures loading and one call.
	Calls int
	// Fuel limits those calls, see [sandbox.Plugin.WithFuel]. 0 leaves the limit of the manifest.
	Fuel int64
	// FuelSlice is what guests get at a time, see [sandbox.Config]. With 1 they ask at every check.
	FuelSlice int64
	// LoadOnly ends after loading.
	LoadOnly bool
	// MaxCPU and MaxMemory, in bytes, replace the constants. Processor time is in whole seconds.
	MaxCPU    time.Duration
	MaxMemory uint64
}

// Report is what was measured. A phase that was not reached is zero.
type Report struct {
	Load, First Phase
	// Again is all calls after the first together.
	Again Phase
	// Killed says during which phase the process was killed or died, and is empty otherwise.
	Killed string
}

// Phase is one step of the life of a module.
type Phase struct {
	// Done is true when the phase came to an end, whatever it was.
	Done bool
	// Class is the name of the error of the sandbox, empty after a success. After several calls it
	// is that of the last.
	Class Class
	// Error is the text of that error, without the name of the plugin.
	Error string
	// CPU is the processor time of the process and its children.
	CPU time.Duration
	// Peak is the highest resident memory above what was resident before, in bytes; that of a child
	// process counts when it is higher.
	Peak uint64
	// Kept is the growth of resident memory from before to after the phase and a collection, in
	// bytes.
	Kept int64
	// Fuel is what the calls spent, MemoryBytes the most linear memory of one of them.
	Fuel        int64
	MemoryBytes uint64
	// Checks is how often the guest asked for its next slice of fuel.
	Checks int64
	// Healthy is the error of an honest plugin that is called afterwards.
	Healthy string
}

// Run starts a process that measures. The error says that measuring failed, not that the module
// did.
func Run(ctx context.Context, t Task) (*Report, error) {
	if t.MaxCPU == 0 {
		t.MaxCPU = MaxCPU
	}
	if t.MaxMemory == 0 {
		t.MaxMemory = MaxMemoryBytes
	}
	input, err := json.Marshal(t)
	if err != nil {
		return nil, err
	}
	program, err := os.Executable()
	if err != nil {
		return nil, err
	}
	// Wall-clock time ends only what sleeps: a machine may be busy.
	ctx, cancel := context.WithTimeout(ctx, 20*t.MaxCPU)
	defer cancel()
	var out, problems bytes.Buffer
	c := exec.CommandContext(ctx, program)
	c.Env = append(os.Environ(), variable+"=1")
	c.Stdin, c.Stdout, c.Stderr = bytes.NewReader(input), &out, &problems
	isolate(c)
	if err := c.Start(); err != nil {
		return nil, err
	}
	ended := make(chan struct{})
	watched := make(chan struct{})
	go func() {
		defer close(watched)
		watch(c.Process.Pid, t.MaxMemory, ended)
	}()
	err = c.Wait()
	close(ended)
	<-watched
	report, complete := read(&out)
	switch {
	case complete:
		return report, nil
	case ctx.Err() != nil && errors.Is(ctx.Err(), context.Canceled):
		return nil, ctx.Err()
	case err == nil:
		return nil, fmt.Errorf("the process that measures said nothing: %.1000s", problems.String())
	case exitedByItself(err) && report.Killed == "start":
		return nil, fmt.Errorf("the process that measures: %w: %.1000s", err, problems.String())
	}
	return report, nil
}

// watch kills the process when it has too much memory.
func watch(pid int, most uint64, ended <-chan struct{}) {
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for {
		select {
		case <-ended:
			return
		case <-tick.C:
			if residentOf(pid) > most {
				kill(pid)
			}
		}
	}
}

// step is one line of what the process writes.
type step struct {
	Name  string
	Phase Phase
}

// The steps in their order. The last one says that nothing follows.
const (
	stepStart = "start"
	stepLoad  = "load"
	stepFirst = "first"
	stepAgain = "again"
	stepEnd   = "end"
)

// read returns what the process wrote, and whether it came to its end.
func read(out io.Reader) (report *Report, complete bool) {
	report = &Report{Killed: stepStart}
	decoder := json.NewDecoder(out)
	for {
		var s step
		if decoder.Decode(&s) != nil {
			return report, false
		}
		switch s.Name {
		case stepStart:
			report.Killed = stepLoad
		case stepLoad:
			report.Load, report.Killed = s.Phase, stepFirst
		case stepFirst:
			report.First, report.Killed = s.Phase, stepAgain
		case stepAgain:
			report.Again = s.Phase
		case stepEnd:
			report.Killed = ""
			return report, true
		}
	}
}
