package sandbox

import (
	"errors"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/latticenet/lattice-host/abi"
	"github.com/latticenet/lattice-host/wasm-tests/wasmbuild"
)

func TestInspect(t *testing.T) {
	t.Parallel()
	g := guestModule{answer: "{}"}
	g.ImportFunction("lattice_v1", "log", i32x3, noTypes)
	g.Import("env", "g", wasmbuild.Global, []byte{wasmbuild.I32, 0})
	g.Table(1, 10)
	g.GlobalInt32(7)
	g.Start(g.Function(noTypes, noTypes, 0, nil))
	g.Custom("note", []byte("hello"))
	wasm := g.build()
	got, err := Inspect(wasm)
	if err != nil {
		t.Fatal(err)
	}
	if got.Compile == nil || got.Compile.Class != ClassSmall {
		t.Errorf("compiling takes %+v", got.Compile)
	}
	got.Compile = nil
	ten := uint32(10)
	want := &ModuleInfo{
		Size:    len(wasm),
		Imports: []ImportInfo{{"lattice_v1", "log", "function", "(i32, i32, i32) -> ()"}, {"env", "g", "global", ""}},
		Exports: []ExportInfo{
			{"memory", "memory", ""}, {"lattice_v1_alloc", "function", "(i32) -> (i32)"},
			{"lattice_v1_call", "function", "(i32, i32, i32) -> (i64)"},
		},
		Memories:  []LimitsInfo{{Min: 2}},
		Tables:    []LimitsInfo{{Min: 1, Max: &ten}},
		Functions: 4, Globals: 1, DataSegments: 1, Start: true,
		Sections: []SectionInfo{
			{"type", "", 24}, {"import", "", 29}, {"function", "", 6}, {"table", "", 7}, {"memory", "", 5}, {"global", "", 8},
			{"export", "", 49}, {"start", "", 3}, {"code", "", 23}, {"data", "", 11}, {"custom", "note", 12},
		},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("module (-want +got):\n%s", diff)
	}
}

func TestInspectRefuses(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		reason string
		wasm   []byte
		want   string
	}{
		{"nothing", nil, "module: byte 0: this is not a WebAssembly module of version 1"},
		{"text", []byte("(module)"), "module: byte 0: this is not a WebAssembly module of version 1"},
		{"a component", []byte("\x00asm\x0d\x00\x01\x00"), "module: byte 0: this is not a WebAssembly module of version 1"},
		{"too large", make([]byte, abi.MaxModuleBytes+1), "module: has 33554433 bytes, the limit is 32 MiB"},
	} {
		t.Run(c.reason, func(t *testing.T) {
			t.Parallel()
			if _, err := Inspect(c.wasm); err == nil || err.Error() != c.want {
				t.Errorf("got %v, want %s", err, c.want)
			}
		})
	}
}

func TestErrorText(t *testing.T) {
	t.Parallel()
	id := newIdentity(jsonManifest(), "sha256:00")
	for _, c := range []struct {
		reason string
		err    error
		want   string
	}{
		{"with a step", id.fail("main", ErrTrap), "plugin acme/web@1.2.3 (sha256:00): step main: trapped"},
		{"without a step", id.fail("", ErrTimeout), "plugin acme/web@1.2.3 (sha256:00): timed out"},
		{"a step with a line break", id.fail("a\nb", ErrTrap), `plugin acme/web@1.2.3 (sha256:00): step a\nb: trapped`},
	} {
		t.Run(c.reason, func(t *testing.T) {
			t.Parallel()
			if c.err.Error() != c.want || !errors.Is(c.err, ErrPlugin) {
				t.Errorf("got %q, want %q", c.err, c.want)
			}
		})
	}
}

// FuzzInspect looks for modules that make the host panic before the engine sees them. A module that
// is prepared must stay the same for who inspects it, except for its tables and custom sections.
func FuzzInspect(f *testing.F) {
	f.Add((&guestModule{answer: "{}"}).build())
	g := guestModule{answer: "{}"}
	g.ImportFunction("wasi_snapshot_preview1", "fd_write", i32x4, i32)
	g.Table(1, -1)
	g.GlobalInt32(1)
	g.Start(g.Function(noTypes, noTypes, 0, nil))
	g.Custom(abi.ManifestSection, jsonManifest().CanonicalJSON())
	f.Add(g.build())
	f.Add([]byte("\x00asm\x01\x00\x00\x00\x01\x05\xff\xff\xff\xff\x0f"))
	manifest, offered := jsonManifest(), hostFunctions()
	f.Fuzz(func(t *testing.T, wasm []byte) {
		before, err := Inspect(wasm)
		if err != nil {
			return
		}
		m, err := parseModule(wasm)
		if err != nil {
			t.Fatalf("inspected but not parsed: %v", err)
		}
		// Only what keeps the contract is prepared.
		if checkContract(m, manifest, offered).found != nil {
			return
		}
		after, err := Inspect(prepare(wasm, m))
		if err != nil {
			t.Fatalf("not a module any more: %v", err)
		}
		before.Size, before.Tables, before.Sections = after.Size, after.Tables, after.Sections
		if diff := cmp.Diff(before, after); diff != "" {
			t.Errorf("preparing changed the module (-before +after):\n%s", diff)
		}
	})
}
