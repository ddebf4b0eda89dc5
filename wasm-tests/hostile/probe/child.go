package probe

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"runtime"
	"runtime/debug"
	"time"

	"github.com/latticenet/lattice-host/abi"
	"github.com/latticenet/lattice-host/host/sandbox"
	"github.com/latticenet/lattice-host/wasm-tests/wasmbuild"
)

// Class names an error of the sandbox.
type Class string

// The classes. Outside is an error that is not the plugin's.
const (
	Contract  Class = "contract"
	Memory    Class = "memory"
	Trap      Class = "trap"
	Timeout   Class = "timeout"
	Fuel      Class = "fuel"
	BadAnswer Class = "bad answer"
	Plugin    Class = "plugin"
	Outside   Class = "outside"
)

// classOf returns the class of an error. Memory comes with a trap.
func classOf(err error) Class {
	for _, c := range []struct {
		is    error
		class Class
	}{
		{sandbox.ErrContract, Contract}, {sandbox.ErrMemory, Memory}, {sandbox.ErrTrap, Trap},
		{sandbox.ErrTimeout, Timeout}, {sandbox.ErrFuel, Fuel}, {sandbox.ErrBadAnswer, BadAnswer},
		{sandbox.ErrPlugin, Plugin},
	} {
		if errors.Is(err, c.is) {
			return c.class
		}
	}
	if err != nil {
		return Outside
	}
	return ""
}

// Child does the work of a process that measures, and ends it. In any other process it does
// nothing.
func Child() {
	if os.Getenv(variable) == "" {
		return
	}
	if err := measure(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	os.Exit(0)
}

// meter measures one module in this process.
type meter struct {
	out     *json.Encoder
	runtime *sandbox.Runtime
	healthy *sandbox.Plugin
	// checks is [Phase.Checks] of the phase.
	checks int64
}

func measure() error {
	// Compiling in a process of the own program must not lead here.
	if err := os.Unsetenv(variable); err != nil {
		return err
	}
	var t Task
	if err := json.NewDecoder(os.Stdin).Decode(&t); err != nil {
		return err
	}
	if err := limitCPU(t.MaxCPU); err != nil {
		return err
	}
	m := &meter{out: json.NewEncoder(os.Stdout)}
	if err := m.open(t.FuelSlice); err != nil {
		return err
	}
	if err := m.run(t); err != nil {
		return err
	}
	return m.out.Encode(step{Name: stepEnd})
}

// open makes a host with an honest plugin.
func (m *meter) open(slice int64) error {
	config := sandbox.Config{FuelSlice: slice, Refilled: func(context.Context, int64) { m.checks++ }}
	var err error
	if m.runtime, err = sandbox.New(context.Background(), config); err != nil {
		return err
	}
	if m.healthy, err = m.load(healthy()); err != nil {
		return err
	}
	if err := m.serve(); err != nil {
		return err
	}
	return m.out.Encode(step{Name: stepStart})
}

func (m *meter) load(wasm []byte) (*sandbox.Plugin, error) {
	p, err := NewPublisher()
	if err != nil {
		return nil, err
	}
	module, err := p.Release(wasm)
	if err != nil {
		return nil, err
	}
	return m.runtime.Load(context.Background(), module)
}

// serve calls the honest plugin.
func (m *meter) serve() error {
	answer, err := m.healthy.Call(context.Background(), "main", abi.OpDerive, []byte("{}"))
	if err == nil && string(answer) != "{}" {
		return fmt.Errorf("the honest plugin answers %q", answer)
	}
	return err
}

// run goes through the phases.
func (m *meter) run(t Task) error {
	var p *sandbox.Plugin
	err := m.phase(stepLoad, func(*Phase) (err error) {
		p, err = m.load(t.Wasm)
		return err
	})
	if err != nil || p == nil || t.LoadOnly {
		return err
	}
	if err := m.phase(stepFirst, func(f *Phase) error { return m.call(f, p) }); err != nil || t.Calls == 0 {
		return err
	}
	if t.Fuel > 0 {
		p = p.WithFuel(t.Fuel)
	}
	return m.phase(stepAgain, func(f *Phase) error {
		var last error
		for range t.Calls {
			last = m.call(f, p)
		}
		return last
	})
}

func (m *meter) call(f *Phase, p *sandbox.Plugin) error {
	_, usage, err := p.Measure(context.Background(), "main", abi.OpDerive, []byte("{}"))
	f.Fuel += usage.Fuel
	f.MemoryBytes = max(f.MemoryBytes, usage.MemoryBytes)
	return err
}

// phase measures one step. The error says that it could not be measured.
func (m *meter) phase(name string, do func(*Phase) error) error {
	settle()
	var f Phase
	m.checks = 0
	before, err := beginPeak()
	if err != nil {
		return err
	}
	cpu := cpuTime()
	problem := do(&f)
	f.CPU = cpuTime() - cpu
	if f.Peak, err = peakSince(before); err != nil {
		return err
	}
	settle()
	after, err := resident()
	if err != nil {
		return err
	}
	f.Done, f.Kept, f.Checks = true, int64(after)-int64(before), m.checks
	f.Class = classOf(problem)
	var e *sandbox.Error
	switch {
	case errors.As(problem, &e):
		f.Error = e.Err.Error()
	case problem != nil:
		f.Error = problem.Error()
	}
	if err := m.serve(); err != nil {
		f.Healthy = err.Error()
	}
	return m.out.Encode(step{name, f})
}

// settle gives back what can be given back. Instances are reset by a goroutine after the answer.
func settle() {
	time.Sleep(time.Millisecond)
	runtime.GC()
	debug.FreeOSMemory()
}

// healthy returns an honest plugin.
func healthy() []byte {
	const page, at = 1, 4096
	var m wasmbuild.Module
	m.Memory(page, -1)
	m.Data(at, []byte("{}"))
	m.Export(abi.ExportMemory, wasmbuild.Memory, 0)
	i32, i64 := []byte{wasmbuild.I32}, []byte{wasmbuild.I64}
	m.Export(abi.ExportAlloc, wasmbuild.Function, m.Function(i32, i32, 0, wasmbuild.Int32(1024)))
	m.Export(abi.ExportCall, wasmbuild.Function,
		m.Function([]byte{wasmbuild.I32, wasmbuild.I32, wasmbuild.I32}, i64, 0, wasmbuild.Int64(at<<32|2)))
	return WithManifest(m.Bytes(), Manifest())
}
