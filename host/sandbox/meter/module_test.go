package meter_test

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/latticenet/lattice-host/host/sandbox/internal/wasmbin"
	"github.com/latticenet/lattice-host/host/sandbox/meter"
	"github.com/latticenet/lattice-host/wasm-tests/wasmbuild"
)

const header = "\x00asm\x01\x00\x00\x00"

func section(id byte, content string) string {
	return string(wasmbuild.Section(nil, id, []byte(content)))
}

// withElements puts an element section in front of the code.
func withElements(wasm []byte, content string) []byte { return insert(wasm, 10, section(9, content)) }

// insert puts bytes in front of a section.
func insert(wasm []byte, before wasmbin.SectionID, what string) []byte {
	m, err := wasmbin.Parse(wasm)
	if err != nil {
		panic(err)
	}
	for _, s := range m.Sections {
		if s.ID == before {
			return []byte(string(wasm[:s.Start]) + what + string(wasm[s.Start:]))
		}
	}
	panic("the section is missing")
}

func TestOptionsName(t *testing.T) {
	t.Parallel()
	var b wasmbuild.Module
	b.GlobalInt32(1)
	b.GlobalInt32(2)
	m, err := meter.Rewrite(b.Bytes(), meter.Options{ImportModule: "host", ImportName: "more", ExportPrefix: "x."})
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"x.global.0", "x.global.1"}, m.GlobalExports); diff != "" || m.FuelExport != "x.fuel" {
		t.Errorf("fuel %s, globals (-want +got):\n%s", m.FuelExport, diff)
	}
	parsed, err := wasmbin.Parse(m.Wasm)
	if err != nil {
		t.Fatal(err)
	}
	if i := parsed.Imports; len(i) != 1 || i[0].Module != "host" || i[0].Name != "more" || i[0].Type.String() != "(i64) -> (i64)" {
		t.Errorf("imports %v", i)
	}
}

// TestGlobalsAreRestorable proves that the exported globals are those of the guest and can be set.
func TestGlobalsAreRestorable(t *testing.T) {
	t.Parallel()
	var b wasmbuild.Module
	b.GlobalInt32(41)
	b.Export("get", wasmbuild.Function, b.Function(nil, oneI32, 0, []byte{wasmbuild.GlobalGet, 0}))
	m := rewrite(t, b.Bytes())
	k := &tank{left: 100}
	i := instantiate(t, newEngine(t, config(), k), m.Wasm)
	type settable interface{ Set(uint64) }
	i.ExportedGlobal(m.GlobalExports[0]).(settable).Set(7)
	i.ExportedGlobal(m.FuelExport).(settable).Set(50)
	got, err := i.ExportedFunction("get").Call(t.Context())
	if err != nil || got[0] != 7 {
		t.Errorf("the global reads %v, %v", got, err)
	}
	if fuel := i.ExportedGlobal(m.FuelExport).Get(); fuel != 49 || k.refills != 0 {
		t.Errorf("%d of 50 are left after a cost of 1 and %d refills", fuel, k.refills)
	}
}

func TestCustomSections(t *testing.T) {
	t.Parallel()
	var b wasmbuild.Module
	b.Custom("kept", []byte("content"))
	b.Custom("name", []byte("\x00\x02\x01m"))
	b.Custom(".debug_info", []byte("x"))
	m, err := wasmbin.Parse(rewrite(t, b.Bytes()).Wasm)
	if err != nil {
		t.Fatal(err)
	}
	if got := m.Custom("kept"); len(got) != 1 || string(got[0]) != "content" {
		t.Errorf("the section is %q", got)
	}
	if len(m.Custom("name"))+len(m.Custom(".debug_info")) > 0 {
		t.Error("sections that describe positions of the original are still there")
	}
}

// TestIndicesMove runs a start function, an export, a call and a table of a module that imports a
// function.
func TestIndicesMove(t *testing.T) {
	t.Parallel()
	var b wasmbuild.Module
	b.ImportFunction("wasi_snapshot_preview1", "sched_yield", nil, oneI32)
	b.GlobalInt32(0)
	b.Table(1, -1)
	set := b.Function(nil, nil, 0, body(wasmbuild.Int32(5), []byte{wasmbuild.GlobalSet, 0}))
	get := b.Function(nil, oneI32, 0, body([]byte{wasmbuild.GlobalGet, 0, wasmbuild.Call, 0}, wasmbuild.I32Add))
	b.Export("f", wasmbuild.Function, b.Function(nil, oneI32, 0, body(wasmbuild.Int32(0), []byte{0x11, 0, 0})))
	b.Start(set)
	wasm := withElements(b.Bytes(), "\x01\x00\x41\x00\x0b\x01"+string(rune(get)))
	i := instantiate(t, newEngine(t, config(), &tank{left: 100}), rewrite(t, wasm).Wasm)
	if got, err := i.ExportedFunction("f").Call(t.Context()); err != nil || got[0] != 5 {
		t.Errorf("got %v, %v", got, err)
	}
}

func TestResettable(t *testing.T) {
	t.Parallel()
	with := func(code ...any) func(*wasmbuild.Module) {
		return func(b *wasmbuild.Module) {
			b.Table(1, -1)
			b.Memory(1, -1)
			b.Function(nil, nil, 0, body(code...))
		}
	}
	null := []byte{wasmbuild.RefNull, wasmbuild.FuncRef}
	zero := wasmbuild.Int32(0)
	for _, c := range []struct {
		reason string
		build  func(*wasmbuild.Module)
		want   bool
	}{
		{"nothing", func(*wasmbuild.Module) {}, true},
		{"a global", func(b *wasmbuild.Module) { b.GlobalInt32(0) }, true},
		{"memory", with(zero, zero, zero, misc(0x0b, 0)), true},
		{"table.get", with(zero, []byte{0x25, 0}, 0x1a), true},
		{"table.size", with(misc(0x10, 0), 0x1a), true},
		{"table.set", with(zero, null, []byte{0x26, 0}), false},
		{"table.grow", with(null, zero, misc(0x0f, 0), 0x1a), false},
		{"table.fill", with(zero, null, zero, misc(0x11, 0)), false},
		{"table.copy", with(zero, zero, zero, misc(0x0e, 0, 0)), false},
		{"table.set where nothing gets", with(ret, zero, null, []byte{0x26, 0}), false},
		{"an imported memory", func(b *wasmbuild.Module) { b.Import("m", "n", wasmbuild.Memory, wasmbuild.Limits(1, -1)) }, false},
		{"an imported table", func(b *wasmbuild.Module) {
			b.Import("m", "n", wasmbuild.Table, append([]byte{0x70}, wasmbuild.Limits(1, -1)...))
		}, false},
		{"an imported mutable global", func(b *wasmbuild.Module) { b.Import("m", "n", wasmbuild.Global, []byte{0x7f, 1}) }, false},
		{"an imported constant", func(b *wasmbuild.Module) { b.Import("m", "n", wasmbuild.Global, []byte{0x7f, 0}) }, true},
	} {
		t.Run(c.reason, func(t *testing.T) {
			t.Parallel()
			var b wasmbuild.Module
			c.build(&b)
			if got := rewrite(t, b.Bytes()).Resettable; got != c.want {
				t.Errorf("resettable is %v", got)
			}
		})
	}
}

// elements returns a module with so many passive segments that list one function, each so often,
// and one that lists it last times.
func elements(each, segments, last int) []byte {
	var b wasmbuild.Module
	b.Function(nil, nil, 0, nil)
	list := func(n int) string {
		return "\x01\x00" + string(wasmbuild.Unsigned(uint32(n))) + strings.Repeat("\x00", n)
	}
	all := string(wasmbuild.Unsigned(uint32(segments+1))) + strings.Repeat(list(each), segments) + list(last)
	return withElements(b.Bytes(), all)
}

// TestRefuses has one module for each thing that is refused. Above all, an index one beyond what
// the module has must not get to what the meter adds.
func TestRefuses(t *testing.T) {
	t.Parallel()
	// base has one function type, function, global, table, memory, data segment and element
	// segment, each with index 0.
	base := func(code ...any) []byte {
		var b wasmbuild.Module
		b.GlobalInt32(0)
		b.Table(1, -1)
		b.Memory(1, -1)
		b.Function(nil, nil, 0, body(code...))
		b.Data(0, []byte("x"))
		return insert(withElements(b.Bytes(), "\x01\x00\x41\x00\x0b\x01\x00"), 10, section(12, "\x01"))
	}
	raw := func(sections ...string) []byte { return []byte(header + strings.Join(sections, "")) }
	zero := wasmbuild.Int32(0)
	deep := func(n int) []byte {
		var code []byte
		for range n {
			code = append(code, begin(block)...)
		}
		for range n {
			code = append(code, wasmbuild.End)
		}
		return code
	}
	rewrite(t, base(deep(meter.MaxNesting)))
	rewrite(t, elements(1_000, meter.MaxElements/1_000, 0))
	rewrite(t, elements(0, meter.MaxSegments-1, 0))
	for _, c := range []struct {
		reason string
		wasm   []byte
		kind   error
		text   string
	}{
		{"global.get of the fuel", base([]byte{wasmbuild.GlobalGet, 1}, 0x1a), meter.ErrMalformed, "malformed module: function 0: byte 55: a global does not exist"},
		{"global.set of the fuel", base(wasmbuild.Int64(1), []byte{wasmbuild.GlobalSet, 1}), meter.ErrMalformed, "a global does not exist"},
		{"the fuel in a constant expression", raw(section(6, "\x01\x7e\x00\x23\x01\x0b")), meter.ErrMalformed, "byte 14: a global does not exist"},
		{"the fuel as an export", raw(section(6, "\x01\x7f\x01\x41\x00\x0b"), section(7, "\x01\x01f\x03\x01")), meter.ErrMalformed, `the export "f" names a global that does not exist`},
		{"a call of a helper", base([]byte{wasmbuild.Call, 1}), meter.ErrMalformed, "a function does not exist"},
		{"a reference of a helper", base([]byte{0xd2, 1}, 0x1a), meter.ErrMalformed, "a function does not exist"},
		{"a helper as an export", raw(section(7, "\x01\x01f\x00\x00")), meter.ErrMalformed, `the export "f" names a function that does not exist`},
		{"a helper as an element", raw(section(9, "\x01\x01\x00\x01\x00")), meter.ErrMalformed, "a function does not exist"},
		{"a helper as an element's expression", raw(section(9, "\x01\x05\x70\x01\xd2\x00\x0b")), meter.ErrMalformed, "a function does not exist"},
		{"a helper as the start function", raw(section(8, "\x00")), meter.ErrMalformed, "the start function does not exist"},
		{"a helper's type for a block", base([]byte{block, 1, wasmbuild.End}), meter.ErrMalformed, "a type does not exist"},
		{"a helper's type for a call by table", base(zero, []byte{0x11, 1, 0}), meter.ErrMalformed, "a type does not exist"},
		{"a helper's type for a function", raw(section(3, "\x01\x00")), meter.ErrMalformed, "a function has a type that does not exist"},
		{"a local too many", base(localGet(0), 0x1a), meter.ErrMalformed, "a local does not exist"},
		{"a table too many", base(zero, []byte{0x25, 1}, 0x1a), meter.ErrMalformed, "a table does not exist"},
		{"a table too many for a call", base(zero, []byte{0x11, 0, 1}), meter.ErrMalformed, "a table does not exist"},
		{"a memory too many", base([]byte{0x3f, 1}, 0x1a), meter.ErrMalformed, "a memory does not exist"},
		{"a data segment too many", base(misc(0x09, 1)), meter.ErrMalformed, "a data segment does not exist"},
		{"an element segment too many", base(misc(0x0d, 1)), meter.ErrMalformed, "an element segment does not exist"},
		{"a label too many", base(br(1)), meter.ErrMalformed, "a label does not exist"},
		{"a label too many in a table", base(zero, []byte{brTable, 1, 0, 1}), meter.ErrMalformed, "a label does not exist"},
		{"a table of labels beyond the end", base(zero, []byte{brTable, 0xff, 0xff, 0xff, 0xff, 0x0f}), meter.ErrMalformed, "a list goes beyond its section"},
		{"an index too many where nothing gets", base(ret, []byte{wasmbuild.GlobalGet, 1}, 0x1a), meter.ErrMalformed, "a global does not exist"},
		{"access to a missing memory", raw(section(1, "\x01\x60\x00\x00"), section(3, "\x01\x00"), section(10, "\x01\x07\x00\x41\x00\x28\x02\x00\x0b")), meter.ErrMalformed, "memory does not exist"},
		{"an else without if", base(begin(block), wasmbuild.Else, wasmbuild.End), meter.ErrMalformed, "an else does not belong to an if"},
		{"a second else", base(zero, begin(wasmbuild.If), wasmbuild.Else, wasmbuild.Else, wasmbuild.End), meter.ErrMalformed, "an else does not belong to an if"},
		{"code after the end", base(wasmbuild.End), meter.ErrMalformed, "bytes follow the end of a function"},
		{"a function without end", base(begin(block)), meter.ErrMalformed, "the module ends early"},
		{"a constant of 33 bits", base([]byte{wasmbuild.I32Const, 0xff, 0xff, 0xff, 0xff, 0x4f}, 0x1a), meter.ErrMalformed, "a number does not fit in 32 bits"},
		{"an alignment beyond all types", base(zero, []byte{0x28, 5, 0}, 0x1a), meter.ErrMalformed, "a wrong alignment"},
		{"a type of block of a proposal", base([]byte{block, 0x6e, wasmbuild.End}), meter.ErrUnsupported, "a block has a type that is not part of WebAssembly 2.0"},
		{"a type of block in two bytes", base([]byte{block, 0xc0, 0x7f, wasmbuild.End}), meter.ErrMalformed, "a block has a type that is not part of WebAssembly 2.0"},
		{"an instruction that is not constant", raw(section(6, "\x01\x7f\x00\x41\x01\x41\x01\x6d\x0b")), meter.ErrMalformed, "an instruction is not constant"},
		{"a constant that is computed", raw(section(6, "\x01\x7f\x00\x41\x01\x41\x01\x6a\x0b")), meter.ErrUnsupported, "byte 17: a constant that is computed is not part of WebAssembly 2.0"},
		{"a structure as a constant", raw(section(6, "\x01\x6f\x00\xfb\x01\x00\x0b")), meter.ErrUnsupported, "a constant that is computed is not part of WebAssembly 2.0"},
		{"a typed null", base([]byte{0xd0, 0x6e}, 0x1a), meter.ErrUnsupported, "a null is of a type that is not part of WebAssembly 2.0"},
		{"a null of a defined type", base([]byte{0xd0, 0x00}, 0x1a), meter.ErrUnsupported, "a null is of a type that is not part of WebAssembly 2.0"},
		{"a null of a number", base([]byte{0xd0, 0x7f}, 0x1a), meter.ErrMalformed, "a null is of a type that is not part of WebAssembly 2.0"},
		{"an access that names a memory", base(zero, []byte{0x28, 0x42, 0, 0}, 0x1a), meter.ErrUnsupported, "a wrong alignment or memory does not exist"},
		{"typed elements", raw(section(9, "\x01\x05\x6e\x00")), meter.ErrUnsupported, "an element segment is of a kind that is not part of WebAssembly 2.0"},
		{"a call by reference", base([]byte{0x14, 0}), meter.ErrUnsupported, "0x14"},
		{"too many elements", elements(1_000, meter.MaxElements/1_000, 1), meter.ErrUnsupported, "byte 200826: the element segments list more than 200000 references in all"},
		{"too many element segments", elements(0, meter.MaxSegments, 0), meter.ErrUnsupported, "byte 22: the module has 100001 element segments, the limit is 100000"},
		{"too many data segments", raw(section(11, "\xa1\x8d\x06")), meter.ErrMalformed, "a list goes beyond its section"},
		{"too many data segments, which are there", raw(section(11, "\xa1\x8d\x06"+strings.Repeat("\x01\x00", meter.MaxSegments+1))), meter.ErrUnsupported, "byte 12: the module has 100001 data segments, the limit is 100000"},
		{"too many globals", raw(section(6, "\xa1\x9c\x01"+strings.Repeat("\x7f\x00\x41\x00\x0b", meter.MaxGlobals+1))), meter.ErrUnsupported, "byte 12: the module has 20001 globals, the limit is 20000"},
		{"bytes after the data", raw(section(11, "\x00\x00")), meter.ErrMalformed, "bytes follow the end of the data section"},
		{"a double section", raw(section(1, "\x00"), section(1, "\x00")), meter.ErrMalformed, "the type section is double or out of order"},
		{"two memories", raw(section(5, "\x02\x00\x01\x00\x01")), meter.ErrUnsupported, "a module with 2 memories is not part of WebAssembly 2.0"},
		{"exceptions", base([]byte{0x08, 0}), meter.ErrUnsupported, "unsupported module: function 0: byte 54: exception handling instruction 0x08"},
		{"tail calls", base([]byte{0x12, 0}), meter.ErrUnsupported, "tail call instruction 0x12"},
		{"garbage collection", base([]byte{0xfb, 0}), meter.ErrUnsupported, "garbage collection instruction 0xfb"},
		{"atomics", base([]byte{0xfe, 0}), meter.ErrUnsupported, "atomic instruction 0xfe"},
		{"an unknown instruction", base([]byte{0x27}), meter.ErrUnsupported, "unknown instruction 0x27"},
		{"an unknown instruction after 0xfc", base(misc(0x12)), meter.ErrUnsupported, "unknown instruction 0xfc 0x12"},
		{"a relaxed vector instruction", base([]byte{0xfd, 0x80, 0x02}), meter.ErrUnsupported, "unknown instruction 0xfd 0x80"},
		{"a vector instruction in a long form", base([]byte{0xfd, 0x8c, 0x00}), meter.ErrUnsupported, "unknown instruction 0xfd 0x8c"},
		{"a gap among the vector instructions", base([]byte{0xfd, 0x9a, 0x01}), meter.ErrUnsupported, "unknown instruction 0xfd 0x9a"},
		{"too many locals", raw(section(1, "\x01\x60\x00\x00"), section(3, "\x01\x00"), section(10, "\x01\x06\x01\xd1\x86\x03\x7f\x0b")), meter.ErrUnsupported, "more than 50000 locals"},
		{"blocks too deep", base(deep(meter.MaxNesting + 1)), meter.ErrUnsupported, "more than 10000 deep"},
		{"an import of the host's", raw(section(1, "\x01\x60\x00\x00"), section(2, "\x01\x0dlattice_meter\x01x\x00\x00")), meter.ErrReserved, `the module imports "x" from "lattice_meter"`},
		{"an export of the host's", raw(section(5, "\x01\x00\x01"), section(7, "\x01\x12lattice_meter:fuel\x02\x00")), meter.ErrReserved, `the module exports "lattice_meter:fuel"`},
	} {
		t.Run(c.reason, func(t *testing.T) {
			t.Parallel()
			_, err := meter.Rewrite(c.wasm, meter.Options{})
			if !errors.Is(err, c.kind) || !strings.Contains(err.Error(), c.text) {
				t.Errorf("got %v, want %v with %q", err, c.kind, c.text)
			}
		})
	}
}

// TestVersion fails when modules are rewritten differently under the same version.
func TestVersion(t *testing.T) {
	t.Parallel()
	const version, want = 9, "3f4eb67653203fdf"
	sum := sha256.Sum256(rewrite(t, testModule(body(localGet(0), []byte{0x28, 0, 0, wasmbuild.Call, 0, 0x1a}, table(), countdown(), dispatching(1, 1, 1, 0), refFunc(0), 0x1a,
		localGet(0), []byte{wasmbuild.Call, 0}, begin(wasmbuild.If), work(20), localGet(0), wasmbuild.Int32(0), []byte{0x28, 0, 0, 0x36, 0, 0},
		wasmbuild.End, wasmbuild.Int32(0), wasmbuild.Int32(0), wasmbuild.Int32(0), misc(0x0a, 0, 0)))).Wasm)
	if got := hex.EncodeToString(sum[:8]); got != want || meter.Version != version {
		t.Errorf("version %d gives %s, want version %d and %s: raise the version", meter.Version, got, version, want)
	}
}
