package extism

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/latticenet/lattice-host/host/sandbox/internal/wasmbin"
	"github.com/latticenet/lattice-host/host/sandbox/meter"
	"github.com/latticenet/lattice-host/wasm-tests/wasmbuild"
)

// imports returns a module that imports from Extism and from elsewhere. It has a start function if
// start is true.
func imports(start bool) []byte {
	var m wasmbuild.Module
	m.ImportFunction("extism:host/env", "alloc", []byte{wasmbuild.I64}, []byte{wasmbuild.I64})
	m.ImportFunction("wasi_snapshot_preview1", "sched_yield", nil, []byte{wasmbuild.I32})
	m.ImportFunction("extism:host/env", "free", []byte{wasmbuild.I64}, nil)
	m.Memory(1, -1)
	m.Data(0, []byte("data"))
	m.Export("derive", wasmbuild.Function, m.Function(nil, []byte{wasmbuild.I32}, 0, wasmbuild.Int32(0)))
	if start {
		m.Start(m.Function(nil, nil, 0, nil))
	}
	m.Custom("kept", []byte("content"))
	return m.Bytes()
}

func metered(t testing.TB, wasm []byte) []byte {
	t.Helper()
	m, err := meter.Rewrite(wasm, meter.Options{})
	if err != nil {
		t.Fatal(err)
	}
	return m.Wasm
}

func TestRewrite(t *testing.T) {
	for _, start := range []bool{false, true} {
		before := metered(t, imports(start))
		out, err := rewrite(before)
		if err != nil {
			t.Fatal(err)
		}
		in, err := wasmbin.Parse(before)
		if err != nil {
			t.Fatal(err)
		}
		m, err := wasmbin.Parse(out)
		if err != nil {
			t.Fatal(err)
		}
		var names []string
		for _, i := range m.Imports {
			names = append(names, i.Module+" "+i.Name)
		}
		want := []string{
			"lattice:extism:host/env alloc", "wasi_snapshot_preview1 sched_yield", "lattice:extism:host/env free", "lattice_meter refill",
		}
		if diff := cmp.Diff(want, names); diff != "" {
			t.Errorf("imports (-want +got):\n%s", diff)
		}
		if e, found := m.Export(ownStart); !found || e.Index != uint32(len(in.Functions)) || !m.HasStart || m.StartFunction != e.Index {
			t.Errorf("the start function is %+v, %t, %d", e, m.HasStart, m.StartFunction)
		}
		if len(m.Functions) != len(in.Functions)+1 || len(m.Custom("kept")) != 1 || m.DataSegments != in.DataSegments {
			t.Errorf("something else changed: %+v", m)
		}
	}
}

func TestRewriteRefuses(t *testing.T) {
	var memory wasmbuild.Module
	memory.Import("host", "memory", wasmbuild.Memory, []byte{0, 1})
	for wasm, want := range map[string]string{
		"text":                    "byte 0: this is not a WebAssembly module of version 1",
		"\x00asm\x01\x00\x00\x00": "has no functions or no exports",
		string(memory.Bytes()):    `imports memory "memory", may import functions only`,
	} {
		if _, err := rewrite([]byte(wasm)); err == nil || err.Error() != want {
			t.Errorf("got %v, want %s", err, want)
		}
	}
}

// FuzzRewrite looks for modules that make rewriting panic, or that are not the same outside of what
// is added.
func FuzzRewrite(f *testing.F) {
	f.Add(imports(false))
	f.Add(metered(f, imports(true)))
	f.Fuzz(func(t *testing.T, wasm []byte) {
		out, err := rewrite(wasm)
		if err != nil {
			return
		}
		before, err := wasmbin.Parse(wasm)
		if err != nil {
			t.Fatalf("a module that does not parse was rewritten: %v", err)
		}
		after, err := wasmbin.Parse(out)
		if err != nil {
			t.Fatalf("the rewritten module does not parse: %v", err)
		}
		if len(after.Imports) != len(before.Imports) || len(after.Functions) != len(before.Functions)+1 || len(after.Exports) != len(before.Exports)+1 {
			t.Error("more changed than was added")
		}
	})
}
