package sandbox

import (
	"cmp"
	"context"
	"encoding/binary"
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/tetratelabs/wazero/api"
	"github.com/tetratelabs/wazero/experimental"

	"github.com/latticenet/lattice-host/abi"
	"github.com/latticenet/lattice-host/host/sandbox/internal/wasmbin"
	"github.com/latticenet/lattice-host/host/sandbox/meter"
)

// The variables that name a module, built without -s so that its functions have names, and files
// with requests.
const (
	profileModule   = "LATTICE_PROFILE_MODULE"
	profileRequests = "LATTICE_PROFILE_REQUESTS"
)

// shownFunctions is how many functions a profile shows.
const shownFunctions = 60

// BenchmarkFuelProfile prints which functions of a guest the fuel of calls goes to. Fuel is the
// same in every run, so that a change of a few units is a change of the code.
func BenchmarkFuelProfile(b *testing.B) {
	wasm, requests := profileInputs(b)
	p := newFuelProfile(b, wasm)
	// The first call makes the instance, which is not part of a call.
	p.call(b, requests[0])
	for b.Loop() {
		p.functions, p.total = map[uint32]*spent{}, 0
		for _, request := range requests {
			p.call(b, request)
		}
	}
	_, _ = fmt.Fprintln(os.Stderr, p)
}

func profileInputs(b *testing.B) (wasm []byte, requests [][]byte) {
	file := os.Getenv(profileModule)
	if file == "" {
		return buildGoGuest(b).wasm, [][]byte{[]byte("{}")}
	}
	wasm, err := os.ReadFile(file)
	if err != nil {
		b.Fatal(err)
	}
	for _, file := range strings.Fields(os.Getenv(profileRequests)) {
		request, err := os.ReadFile(file)
		if err != nil {
			b.Fatal(err)
		}
		requests = append(requests, request)
	}
	if len(requests) == 0 {
		b.Fatal(profileRequests + " names no file")
	}
	return wasm, requests
}

// fuelProfile listens to the functions of a module and notes what each spends itself, and with all
// that it calls.
type fuelProfile struct {
	names     map[uint32]string
	fuel      string
	plugin    *Plugin
	open      []spending
	functions map[uint32]*spent
	total     int64
}

// spending is a function that runs.
type spending struct {
	begin, inner int64
}

// spent is what all calls of a function took together.
type spent struct {
	name        string
	self, total int64
	calls       int
}

func newFuelProfile(b *testing.B, wasm []byte) *fuelProfile {
	m, err := parseModule(wasm)
	if err != nil {
		b.Fatal(err)
	}
	p := &fuelProfile{
		names: functionNames(wasm, m), fuel: meter.DefaultExportPrefix + "fuel", functions: map[uint32]*spent{},
	}
	ctx := experimental.WithFunctionListenerFactory(b.Context(), p)
	if p.plugin, err = newRuntime(b, Config{}).Load(ctx, sign(b, jsonManifest(), wasm)); err != nil {
		b.Fatal(err)
	}
	return p
}

func (p *fuelProfile) call(b *testing.B, request []byte) {
	if _, err := p.plugin.Call(b.Context(), "", abi.OpDerive, request); err != nil {
		b.Fatal(err)
	}
}

// spent returns what the call has spent so far.
func (p *fuelProfile) spent(ctx context.Context, m api.Module) int64 {
	tank := &guestOf(ctx).fuel
	return tank.size - tank.left - int64(m.ExportedGlobal(p.fuel).Get())
}

// NewFunctionListener listens to the guest only: what the host does is not metered.
func (p *fuelProfile) NewFunctionListener(d api.FunctionDefinition) experimental.FunctionListener {
	if d.ModuleName() != "" {
		return nil
	}
	return p
}

// Before is called where a function begins.
func (p *fuelProfile) Before(ctx context.Context, m api.Module, _ api.FunctionDefinition, _ []uint64, _ experimental.StackIterator) {
	p.open = append(p.open, spending{begin: p.spent(ctx, m)})
}

// After is called where a function ends.
func (p *fuelProfile) After(ctx context.Context, m api.Module, d api.FunctionDefinition, _ []uint64) {
	last := len(p.open) - 1
	all := p.spent(ctx, m) - p.open[last].begin
	f := p.functions[d.Index()]
	if f == nil {
		// The meter imports one function more.
		f = &spent{name: p.names[d.Index()-1]}
		p.functions[d.Index()] = f
	}
	f.calls++
	f.total += all
	f.self += all - p.open[last].inner
	p.open = p.open[:last]
	if last == 0 {
		p.total += all
		return
	}
	p.open[last-1].inner += all
}

// Abort is called for a function that traps, which ends the profile.
func (p *fuelProfile) Abort(context.Context, api.Module, api.FunctionDefinition, error) {}

// String is a table, the function that spends most first.
func (p *fuelProfile) String() string {
	functions := slices.SortedFunc(maps.Values(p.functions), func(a, b *spent) int {
		return cmp.Or(cmp.Compare(b.self, a.self), cmp.Compare(a.name, b.name))
	})
	var text strings.Builder
	fmt.Fprintf(&text, "%10s %6s %10s %7s  function\n", "self", "share", "total", "calls")
	for _, f := range functions[:min(len(functions), shownFunctions)] {
		fmt.Fprintf(&text, "%10d %5.1f%% %10d %7d  %s\n", f.self, 100*float64(f.self)/float64(p.total), f.total, f.calls, f.name)
	}
	return text.String()
}

// functionNames reads the function names of the custom section "name" (appendix of the WebAssembly
// specification).
func functionNames(wasm []byte, m *wasmbin.Module) map[uint32]string {
	names := map[uint32]string{}
	for _, s := range m.Sections {
		if s.ID != wasmbin.SectionCustom {
			continue
		}
		section := nameReader(wasm[s.Start+1 : s.End])
		section.uint32()
		if section.text() != "name" {
			continue
		}
		for len(section) > 0 {
			kind := section[0]
			section = section[1:]
			size := section.uint32()
			part := section[:size]
			section = section[size:]
			const functions = 1
			if kind != functions {
				continue
			}
			for range part.uint32() {
				index := part.uint32()
				names[index] = part.text()
			}
		}
	}
	return names
}

// nameReader reads what the Go toolchain wrote.
type nameReader []byte

func (r *nameReader) uint32() uint32 {
	v, n := binary.Uvarint(*r)
	*r = (*r)[n:]
	return uint32(v)
}

func (r *nameReader) text() string {
	n := r.uint32()
	text := string((*r)[:n])
	*r = (*r)[n:]
	return text
}
