package wasmbin_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/latticenet/lattice-host/host/sandbox/internal/wasmbin"
	"github.com/latticenet/lattice-host/wasm-tests/wasmbuild"
)

const header = "\x00asm\x01\x00\x00\x00"

func TestParse(t *testing.T) {
	t.Parallel()
	var b wasmbuild.Module
	b.ImportFunction("host", "f", []byte{wasmbuild.I32, wasmbuild.I64}, nil)
	b.Memory(1, 4)
	b.Table(3, -1)
	f := b.Function(nil, []byte{wasmbuild.I64}, 1, wasmbuild.Int64(-5))
	start := b.Function(nil, nil, 0, nil)
	b.Start(start)
	b.Export("memory", wasmbuild.Memory, 0)
	b.Export("f", wasmbuild.Function, f)
	b.Custom("a", []byte("one"))
	b.Custom("a", []byte("two"))
	wasm := b.Bytes()
	m, err := wasmbin.Parse(wasm)
	if err != nil {
		t.Fatal(err)
	}
	imported := wasmbin.FuncType{Params: []wasmbin.ValueType{wasmbin.I32, wasmbin.I64}, Results: []wasmbin.ValueType{}}
	if diff := cmp.Diff([]wasmbin.Import{{Module: "host", Name: "f", Type: imported}}, m.Imports); diff != "" {
		t.Errorf("imports (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]wasmbin.Limits{{Min: 1, Max: 4, HasMax: true}}, m.Memories); diff != "" {
		t.Errorf("memories (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]wasmbin.Table{{Element: wasmbin.FuncRef, Limits: wasmbin.Limits{Min: 3}}}, m.Tables); diff != "" {
		t.Errorf("tables (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([][]byte{[]byte("one"), []byte("two")}, m.Custom("a")); diff != "" {
		t.Errorf("custom sections (-want +got):\n%s", diff)
	}
	e, ok := m.Export("f")
	if ft, _ := m.FunctionType(e.Index); !ok || ft.String() != "() -> (i64)" || !m.HasStart {
		t.Errorf("export %v %v, start %v", e, ft, m.HasStart)
	}
	if _, ok := m.Export("g"); ok {
		t.Error("an export that does not exist was found")
	}
	if _, ok := m.FunctionType(3); ok {
		t.Error("a function that does not exist has a type")
	}
	end := len(header)
	for _, s := range m.Sections {
		if s.Start != end {
			t.Errorf("section %s begins at %d, the one before ends at %d", s.ID, s.Start, end)
		}
		end = s.End
	}
	if end != len(wasm) {
		t.Errorf("the sections end at %d of %d", end, len(wasm))
	}
}

func section(id byte, content string) string {
	return string(wasmbuild.Section(nil, id, []byte(content)))
}

func TestParseRefuses(t *testing.T) {
	t.Parallel()
	const oneType = "\x01\x60\x00\x00"
	for _, c := range []struct{ reason, rest, want string }{
		{"half a section", "\x01", "byte 9: the module ends early"},
		{"a section beyond the end", "\x01\x05\x00", "byte 9: a length goes beyond the end"},
		{"a length of 33 bits", "\x01\xff\xff\xff\xff\x1f", "byte 9: a number does not fit in 32 bits"},
		{"a length of six bytes", "\x01\x80\x80\x80\x80\x80\x00", "byte 9: a number does not fit in 32 bits"},
		{"an unknown section", section(15, ""), "byte 8: section 15 is not part of WebAssembly 2.0"},
		{"an unknown form of type", section(1, "\x01\x40\x00"), "byte 11: a type that is not a function is not part of WebAssembly 2.0"},
		{"a double section", section(1, "\x00") + section(1, "\x00"), "byte 11: the type section is double or out of order"},
		{"sections out of order", section(3, "\x00") + section(1, "\x00"), "byte 11: the type section is double or out of order"},
		{"a data count after the code", section(10, "\x00") + section(12, "\x00"), "byte 11: the data count section is double or out of order"},
		{"bytes after a section", section(1, "\x00\x00"), "byte 11: bytes follow the end of the type section"},
		{"a list that lies", section(1, "\xff\xff\xff\xff\x0f"), "byte 10: a list goes beyond its section"},
		{"an unknown value type", section(1, "\x01\x60\x01\x01\x00"), "byte 13: type 0x1 is not a type of WebAssembly 2.0"},
		{"a function without type", section(3, "\x01\x00"), "byte 11: a function has a type that does not exist"},
		{"a function without code", section(1, oneType) + section(3, "\x01\x00"), "byte 18: the module declares 1 functions and has code for 0"},
		{"an import with a strange name", section(2, "\x01\x01\xff\x00\x00\x00"), "byte 11: a name is not UTF-8"},
		{"a custom section with a strange name", section(0, "\x01\xff"), "byte 10: a name is not UTF-8"},
		{"a custom section without a name", section(0, ""), "byte 10: the module ends early"},
		{"a global that is half mutable", section(2, "\x01\x00\x00\x03\x7f\x02"), "byte 15: a global is neither constant nor mutable"},
		{"a memory that begins above its end", section(5, "\x01\x01\x02\x01"), "byte 11: a maximum is below its minimum"},
		{"a table of numbers", section(4, "\x01\x7f\x00\x01"), "byte 11: a table of i32 does not exist"},
		{"an export of a function that does not exist", section(7, "\x01\x01a\x00\x00"), `byte 15: the export "a" names a function that does not exist`},
		{"an export of something unknown", section(7, "\x01\x01a\x07\x00"), "byte 13: an export of kind 7 is not part of WebAssembly 2.0"},
		{"a double export", section(7, "\x02\x01a\x02\x00\x01a\x02\x00"), `byte 19: the export "a" is double`},
		{"a start function that does not exist", section(8, "\x00"), "byte 11: the start function does not exist or is not () -> ()"},
	} {
		t.Run(c.reason, func(t *testing.T) {
			t.Parallel()
			_, err := wasmbin.Parse([]byte(header + c.rest))
			if err == nil || err.Error() != c.want || !wasmbin.IsMalformed(err) || wasmbin.IsUnsupported(err) {
				t.Errorf("got %v, want %s", err, c.want)
			}
		})
	}
}

// What proposals and later versions have is valid, and is not called malformed.
func TestParseDoesNotSupport(t *testing.T) {
	t.Parallel()
	const oneType = "\x01\x60\x00\x00"
	for _, c := range []struct{ reason, rest, want string }{
		{"a section of tags", section(13, ""), "byte 8: section 13 is not part of WebAssembly 2.0"},
		{"a type that is not a function", section(1, "\x01\x5f\x00"), "byte 11: a type that is not a function is not part of WebAssembly 2.0"},
		{"an imported tag", section(1, oneType) + section(2, "\x01\x00\x00\x04\x00\x00"), "byte 19: an import of kind 4 is not part of WebAssembly 2.0"},
		{"a shared memory", section(5, "\x01\x03\x01\x01"), "byte 11: shared memory, 64-bit addresses and pages of other sizes are not part of WebAssembly 2.0"},
		{"a memory of 64-bit addresses", section(5, "\x01\x04\x01"), "byte 11: shared memory, 64-bit addresses and pages of other sizes are not part of WebAssembly 2.0"},
		{"a group of types", section(1, "\x01\x4e\x00"), "byte 11: a type that is not a function is not part of WebAssembly 2.0"},
		{"a typed reference", section(1, "\x01\x60\x01\x64\x00\x00"), "byte 13: type 0x64 is not a type of WebAssembly 2.0"},
		{"an exception", section(1, "\x01\x60\x01\x69\x00\x00"), "byte 13: type 0x69 is not a type of WebAssembly 2.0"},
		{"a table with an initial value", section(4, "\x01\x40\x00\x70\x00\x01\xd0\x70\x0b"), "byte 11: a table with an initial value is not part of WebAssembly 2.0"},
		{"an exported tag", section(7, "\x01\x01a\x04\x00"), "byte 13: an export of kind 4 is not part of WebAssembly 2.0"},
		{"too many sections", strings.Repeat(section(0, "\x01a"), 4097), "byte 16392: the module has more than 4096 sections"},
	} {
		t.Run(c.reason, func(t *testing.T) {
			t.Parallel()
			_, err := wasmbin.Parse([]byte(header + c.rest))
			if err == nil || err.Error() != c.want || !wasmbin.IsUnsupported(err) || wasmbin.IsMalformed(err) {
				t.Errorf("got %v, want %s", err, c.want)
			}
		})
	}
	if _, err := wasmbin.Parse([]byte("\x00asm\x0d\x00\x01\x00")); !wasmbin.IsUnsupported(err) {
		t.Errorf("a component gives %v", err)
	}
}

// FuzzParse looks for bytes that make the parser panic or read outside of the module.
func FuzzParse(f *testing.F) {
	var b wasmbuild.Module
	b.ImportFunction("host", "f", []byte{wasmbuild.I32}, nil)
	b.Memory(1, 4)
	b.Table(3, -1)
	b.Start(b.Function(nil, nil, 0, nil))
	b.Export("memory", wasmbuild.Memory, 0)
	b.Custom("a", []byte("one"))
	f.Add(b.Bytes())
	f.Add([]byte(header + section(13, "")))
	f.Add([]byte(header + section(7, "\x01\x01a\x00\x00")))
	f.Fuzz(func(t *testing.T, wasm []byte) {
		m, err := wasmbin.Parse(wasm)
		if err != nil {
			if wasmbin.IsMalformed(err) == wasmbin.IsUnsupported(err) {
				t.Errorf("the error is of another kind: %v", err)
			}
			return
		}
		end := len(header)
		for _, s := range m.Sections {
			if s.Start != end || s.End <= s.Start || s.End > len(wasm) {
				t.Fatalf("section %s lies from %d to %d, the one before ends at %d", s.ID, s.Start, s.End, end)
			}
			end = s.End
		}
		for i := range m.Functions {
			if _, ok := m.FunctionType(uint32(i)); !ok {
				t.Errorf("function %d has no type", i)
			}
		}
	})
}
