package hostile

import (
	"slices"
	"strings"

	"github.com/latticenet/lattice-host/abi"
	b "github.com/latticenet/lattice-host/wasm-tests/wasmbuild"
)

// instead returns a change to other bytes.
func instead(text string) func([]byte) []byte { return func([]byte) []byte { return []byte(text) } }

// appending returns a change that appends bytes.
func appending(text string) func([]byte) []byte {
	return func(wasm []byte) []byte { return append(wasm, text...) }
}

// padded returns a change that fills a module up with a custom section until, with its manifest, it
// has size bytes.
func padded(size int, manifest *abi.Manifest) func([]byte) []byte {
	return func(wasm []byte) []byte {
		const name = "padding"
		// The section has its kind, a size of 5 bytes, and a name after its length.
		shipped := len(withManifest(wasm, string(manifest.CanonicalJSON())))
		filling := size - shipped - 1 - 5 - 1 - len(name)
		wasm = append(slices.Grow(wasm, size-len(wasm)), customSection)
		wasm = append(wasm, fiveByteSize(1+len(name)+filling)...)
		wasm = append(wasm, b.Name(name)...)
		return append(wasm, make([]byte, filling)...)
	}
}

// fiveByteSize returns a size in LEB128 with as much padding as the format allows.
func fiveByteSize(n int) []byte {
	return []byte{byte(n) | 0x80, byte(n>>7) | 0x80, byte(n>>14) | 0x80, byte(n>>21) | 0x80, byte(n >> 28)}
}

func fileCases() []hostile {
	largest := hostile{name: "largest-module", reason: "a module of just the size that is allowed", want: ok}
	largest.bytes = padded(abi.MaxModuleBytes, largest.signedManifest())
	tooLarge := hostile{name: "module-too-large", reason: "a module of one byte more than is allowed", want: refused}
	tooLarge.bytes = padded(abi.MaxModuleBytes+1, tooLarge.signedManifest())
	return []hostile{
		{name: "empty-file", reason: "nothing but a manifest section", bytes: instead(""), want: refused},
		{name: "no-module", reason: "text in place of a module", bytes: instead("#!/bin/sh\n"), want: refused},
		{name: "component", reason: "the version of the component model", bytes: instead("\x00asm\x0d\x00\x01\x00"), want: refused},
		{name: "header-only", reason: "a module without anything", bytes: instead(header), want: contract},
		largest, tooLarge,
	}
}

func sectionCases() []hostile {
	return []hostile{
		{name: "section-unknown", reason: "a section with an id that does not exist", bytes: appending("\x3f\x00"), want: refused},
		{name: "section-tag", reason: "the section of a proposal", bytes: appending("\x0d\x01\x00"), want: refused},
		{name: "section-twice", reason: "a second code section", bytes: appending("\x0a\x01\x00"), want: refused},
		{name: "section-out-of-order", reason: "types after the code", bytes: appending("\x01\x01\x00"), want: refused},
		{name: "section-beyond-end", reason: "a section that is longer than the file", bytes: appending("\x00\xff\xff\x03"), want: refused},
		{name: "section-four-gigabytes", reason: "a section of 4 GiB", bytes: appending("\x00\xff\xff\xff\xff\x0f"), want: refused},
		{name: "section-size-33-bits", reason: "a size that does not fit in 32 bits", bytes: appending("\x00\xff\xff\xff\xff\x1f"), want: refused},
		{name: "section-size-overlong", reason: "a size in six bytes", bytes: appending("\x00\x81\x80\x80\x80\x80\x00\x00"), want: refused},
		{name: "section-size-endless", reason: "a size whose last byte never comes", bytes: appending("\x00" + strings.Repeat("\x80", 1000)), want: refused},
		{name: "section-size-padded", reason: "a size in five bytes, as compilers write it", bytes: appending("\x00\x82\x80\x80\x80\x00\x01x"), want: ok},
		{name: "section-trailing-byte", reason: "a byte after the last type", bytes: changed(typeSection, func(content []byte) []byte {
			return append(content, 0)
		}), want: refused},
		{name: "section-list-too-long", reason: "a list of 4 billion types in no bytes", bytes: instead(header + "\x01\x05\xff\xff\xff\xff\x0f"), want: refused},
		{name: "section-name-not-utf8", reason: "a custom section whose name is not UTF-8", bytes: appending("\x00\x03\x02\xff\xfe"), want: refused},
		{name: "section-name-beyond-end", reason: "a name that is longer than its section", bytes: appending("\x00\x02\x7fx"), want: refused},
		{name: "custom-section-flood", reason: "a hundred thousand custom sections", bytes: appending(strings.Repeat("\x00\x01\x00", 100_000)), want: refused},
		{name: "custom-section-twice", reason: "two custom sections of one name, with other content", bytes: appending("\x00\x03\x01ab\x00\x03\x01ac"), want: ok},
		{name: "custom-section-name-twice", reason: "two sections of names, of which tools read the first or the last", bytes: appending(
			strings.Repeat("\x00\x0a\x04name\x00\x03\x02xx", 2)), want: ok},
		{name: "custom-section-terminal", reason: "a custom section named like a command to the terminal", bytes: appending("\x00\x05\x04\x1b[2J"), want: ok},
		{name: "trailing-garbage", reason: "a file with bytes after its last section", bytes: appending("\xde\xad\xbe\xef"), want: refused},
	}
}

func manifestCases() []hostile {
	signed := string((&hostile{want: contract}).signedManifest().CanonicalJSON())
	other := strings.Replace(signed, `"fuel":20000000`, `"fuel":20000001`, 1)
	return []hostile{
		{name: "manifest-absent", reason: "no manifest section", sections: []string{}, want: untrusted},
		{name: "manifest-empty", reason: "an empty manifest section", sections: []string{""}, want: untrusted},
		{name: "manifest-not-json", reason: "a manifest that is not JSON", sections: []string{"publisher: mallory"}, want: untrusted},
		{name: "manifest-deep", reason: "a manifest of brackets", sections: []string{strings.Repeat("[", 60_000)}, want: untrusted},
		{name: "manifest-large", reason: "a manifest of 2 MiB", sections: []string{signed + strings.Repeat(" ", 2<<20)}, want: untrusted},
		{name: "manifest-lies", reason: "a manifest with more fuel than was signed", sections: []string{other}, want: untrusted},
		{name: "manifest-twice", reason: "the signed manifest twice", sections: []string{signed, signed}, want: untrusted},
		{name: "manifest-lie-first", reason: "another manifest in front of the signed one", sections: []string{other, signed}, want: untrusted},
		{name: "manifest-duplicate-key", reason: "a manifest that says its limits twice", sections: []string{
			strings.Replace(signed, `"limits":`, `"limits":{},"limits":`, 1),
		}, want: untrusted},
	}
}

// imports returns the shape of a guest that imports one thing.
func imports(module, name string, kind byte, description []byte) func(*guest) {
	return func(g *guest) { g.Import(module, name, kind, description) }
}

// importsFunction returns the shape of a guest that imports one function.
func importsFunction(module, name string, params, results []byte) func(*guest) {
	return func(g *guest) { g.ImportFunction(module, name, params, results) }
}

func importCases() []hostile {
	i64 := []byte{b.I64}
	hostCall := importsFunction(abi.ImportModule, abi.ImportHostCall, i32s(3), i64)
	return []hostile{
		{name: "import-unknown-module", reason: "a function of a foreign host", guest: importsFunction("env", "system", i32s(1), i32s(1)), want: contract},
		{name: "import-unknown-function", reason: "a function that the host does not have", guest: importsFunction(abi.ImportModule, "exec", i32s(3), i64), want: contract},
		{name: "import-next-version", reason: "a function of another version of the contract", guest: importsFunction("lattice_v2", "log", i32s(3), nil), want: contract},
		{name: "import-network", reason: "a function of WASI that opens the network", guest: importsFunction(wasi, "sock_recv", i32s(6), i32s(1)), want: contract},
		{name: "import-wrong-signature", reason: "the log as another type", guest: importsFunction(abi.ImportModule, abi.ImportLog, i32s(2), i64), want: contract},
		{name: "import-host-call", reason: "the host's functions without a capability", guest: hostCall, want: contract},
		{name: "import-meter", reason: "the meter's own function, to fill up on fuel", guest: importsFunction("lattice_meter", "refill", i64, i64), want: contract},
		{name: "import-memory", reason: "memory of the host", guest: imports("env", "memory", b.Memory, b.Limits(1, -1)), want: contract},
		{name: "import-table", reason: "a table of the host", guest: imports("env", "table", b.Table, append([]byte{b.FuncRef}, b.Limits(1, -1)...)), want: contract},
		{name: "import-global", reason: "a variable of the host", guest: imports(abi.ImportModule, "fuel", b.Global, []byte{b.I64, 1}), want: contract},
		{name: "import-tag", reason: "a kind of import that does not exist", guest: imports("env", "tag", 4, []byte{0, 0}), want: refused},
		{name: "import-name-terminal", reason: "a name that clears the terminal", guest: importsFunction("\x1b[2J\u202e", "a\nplugin acme/web: all is well", nil, nil), want: contract},
		{name: "import-name-long", reason: "a name of a megabyte", guest: importsFunction("env", strings.Repeat("x", 1<<20), nil, nil), want: contract},
		{name: "import-name-not-utf8", reason: "a name that is not UTF-8", guest: importsFunction("env", "\xff\xfe", nil, nil), want: refused},
		{name: "import-flood", reason: "fifty thousand imports", guest: func(g *guest) {
			for range 50_000 {
				g.ImportFunction("env", "x", nil, nil)
			}
		}, want: contract},
	}
}

// exportsInstead returns the shape of a guest that exports something else under a name of the
// contract.
func exportsInstead(name string, kind byte, index func(g *guest) uint32) func(*guest) {
	return func(g *guest) {
		g.drop = []string{name}
		g.Export(name, kind, index(g))
	}
}

// drops returns the shape of a guest that lacks exports.
func drops(names ...string) func(*guest) { return func(g *guest) { g.drop = names } }

func exportCases() []hostile {
	global := func(g *guest) uint32 { g.GlobalInt32(0); return 0 }
	function := func(params, results []byte, body []byte) func(*guest) uint32 {
		return func(g *guest) uint32 { return g.Function(params, results, 0, body) }
	}
	missing := func(*guest) uint32 { return 99 }
	return []hostile{
		{name: "export-nothing", reason: "no exports at all", guest: drops(abi.ExportMemory, abi.ExportAlloc, abi.ExportCall), want: contract},
		{name: "export-no-memory", reason: "memory is not exported", guest: drops(abi.ExportMemory), want: contract},
		{name: "export-no-alloc", reason: "no alloc", guest: drops(abi.ExportAlloc), want: contract},
		{name: "export-no-call", reason: "no call", guest: drops(abi.ExportCall), want: contract},
		{name: "export-alloc-global", reason: "alloc is a variable", guest: exportsInstead(abi.ExportAlloc, b.Global, global), want: contract},
		{name: "export-memory-function", reason: "memory is a function", guest: exportsInstead(abi.ExportMemory, b.Function, function(nil, nil, nil)), want: contract},
		{name: "export-call-type", reason: "call returns half of what it must", guest: exportsInstead(abi.ExportCall, b.Function, function(i32s(3), i32s(1), b.Int32(0))), want: contract},
		{name: "export-initialize-type", reason: "_initialize wants a parameter", guest: exportsInstead(abi.ExportInitialize, b.Function, function(i32s(1), nil, nil)), want: contract},
		{name: "export-initialize-global", reason: "_initialize is a variable", guest: exportsInstead(abi.ExportInitialize, b.Global, global), want: contract},
		{name: "export-twice", reason: "call is exported twice", guest: func(g *guest) {
			g.Export(abi.ExportCall, b.Function, g.Function(i32s(3), []byte{b.I64}, 0, packed(0, 1)))
		}, want: refused},
		{name: "export-missing-function", reason: "call is a function that does not exist", guest: exportsInstead(abi.ExportCall, b.Function, missing), want: refused},
		{name: "export-missing-memory", reason: "memory is one that does not exist", guest: exportsInstead(abi.ExportMemory, b.Memory, missing), want: refused},
		{name: "export-missing-global", reason: "a variable that does not exist", guest: exportsInstead("x", b.Global, missing), want: refused},
		{name: "export-unknown-kind", reason: "a kind of export that does not exist", guest: exportsInstead("x", 9, missing), want: refused},
		{name: "export-meter", reason: "a name that belongs to the meter", guest: exportsInstead("lattice_meter:fuel", b.Global, global), want: contract},
		{name: "export-name-not-utf8", reason: "a name that is not UTF-8", guest: exportsInstead("\xff", b.Global, global), want: refused},
		{name: "export-flood", reason: "fifty thousand names for alloc", guest: func(g *guest) {
			alloc := g.Function(i32s(1), i32s(1), 0, b.Int32(requestAt))
			for i := range 50_000 {
				g.Export("x"+string(rune(i+0x10000)), b.Function, alloc)
			}
		}, want: ok},
	}
}
