package sandbox

import (
	"bytes"
	"slices"

	"github.com/latticenet/lattice-host/abi"
	"github.com/latticenet/lattice-host/host/sandbox/extism"
	"github.com/latticenet/lattice-host/host/sandbox/internal/wasmbin"
)

// maxTableElements bounds the table of functions that indirect calls go through. The engine keeps 8
// bytes for each, and the largest modules that compilers make have some ten thousand.
const maxTableElements = 1_000_000

// maxPages is how many pages of 64 KiB WebAssembly 2.0 lets a memory have.
const maxPages = 1 << 16

// signature returns a function type from a letter for each parameter and result: i is an i32, I an
// i64.
func signature(params, results string) wasmbin.FuncType {
	return wasmbin.FuncType{Params: valueTypes(params), Results: valueTypes(results)}
}

func valueTypes(letters string) []wasmbin.ValueType {
	types := make([]wasmbin.ValueType, len(letters))
	for i := range types {
		types[i] = wasmbin.I32
		if letters[i] == 'I' {
			types[i] = wasmbin.I64
		}
	}
	return types
}

// contract checks a module against ABI 1 and its manifest.
type contract struct {
	violations
	module   *wasmbin.Module
	manifest *abi.Manifest
}

// checkContract returns what a module breaks. Offered are the host's functions.
func checkContract(m *wasmbin.Module, manifest *abi.Manifest, offered []hostFunction) violations {
	c := contract{module: m, manifest: manifest}
	c.imports(offered)
	c.exports()
	c.memory()
	c.tables()
	c.manifestSection()
	return c.violations
}

func (c *contract) imports(offered []hostFunction) {
	for _, i := range c.module.Imports {
		if problem := c.importProblem(i, offered); problem != "" {
			c.add("imports %s %s.%s, %s", i.Kind, printable(i.Module, maxShownName), printable(i.Name, maxShownName), problem)
		}
	}
}

func (c *contract) importProblem(i wasmbin.Import, offered []hostFunction) string {
	if i.Kind != wasmbin.KindFunction {
		return "a plugin may import functions only"
	}
	if i.Module == abi.ImportModule && i.Name == abi.ImportHostCall && len(c.manifest.Capabilities) == 0 {
		return "which is for plugins whose manifest asks for a capability"
	}
	at := slices.IndexFunc(offered, func(f hostFunction) bool { return f.module == i.Module && f.name == i.Name })
	switch {
	case at < 0:
		return "which the host does not offer"
	case !equalTypes(i.Type, offered[at].signature):
		return "as " + printable(i.Type.String(), maxShownName) + ", must be " + offered[at].signature.String()
	}
	return ""
}

func (c *contract) exports() {
	if c.manifest.Transport == abi.TransportExtism {
		c.function(abi.ExtismDerive, signature("", "i"), true)
		c.function(abi.ExtismValidate, signature("", "i"), len(c.manifest.SettingsSchema) > 0)
		return
	}
	memory, ok := c.module.Export(abi.ExportMemory)
	if !ok || memory.Kind != wasmbin.KindMemory {
		c.add("does not export its memory as %q", abi.ExportMemory)
	}
	c.function(abi.ExportAlloc, signature("i", "i"), true)
	c.function(abi.ExportCall, signature("iii", "I"), true)
	c.function(abi.ExportInitialize, signature("", ""), false)
}

func (c *contract) function(name string, want wasmbin.FuncType, required bool) {
	e, found := c.module.Export(name)
	if !found {
		if required {
			c.add("does not export the function %s %s", name, want)
		}
		return
	}
	if e.Kind != wasmbin.KindFunction {
		c.add("exports %s as a %s, must be a function %s", name, e.Kind, want)
		return
	}
	if t, _ := c.module.FunctionType(e.Index); !equalTypes(t, want) {
		c.add("exports %s as %s, must be %s", name, printable(t.String(), maxShownName), want)
	}
}

func (c *contract) memory() {
	// An imported memory was refused as an import.
	if n := len(c.module.Memories); n != 1 {
		c.add("has %d memories, must have exactly one", n)
		return
	}
	if l := c.module.Memories[0]; l.HasMax && l.Max > maxPages {
		c.add("has a memory that may have %d pages, there are at most %d", l.Max, maxPages)
	}
	limit := memoryLimit(c.manifest.Limits)
	least := uint64(c.module.Memories[0].Min) * pageSize
	if c.manifest.Transport == abi.TransportExtism {
		least += extism.KernelBytes
	}
	if least > limit {
		c.add("begins with %s of memory, its limit is %s (limits.memoryBytes of the manifest)", byteSize(least), byteSize(limit))
	}
}

func (c *contract) tables() {
	if n := len(c.module.Tables); n > 1 {
		c.add("has %d tables, at most one is allowed", n)
	}
	for _, t := range c.module.Tables {
		if t.Limits.Min > maxTableElements {
			c.add("has a table of %d elements, the limit is %d", t.Limits.Min, maxTableElements)
		}
	}
}

// manifestSection checks again what verifying the release has checked: it costs little, and a
// module that runs under another manifest than its own would have limits and rights that no one
// signed.
func (c *contract) manifestSection() {
	sections := c.module.Custom(abi.ManifestSection)
	if len(sections) != 1 {
		c.add("has %d sections %s, must have exactly one", len(sections), abi.ManifestSection)
		return
	}
	inside, err := abi.ParseManifest(sections[0])
	if err != nil {
		c.add("section %s: %s", abi.ManifestSection, printable(err.Error(), maxShownLine))
		return
	}
	if !bytes.Equal(inside.CanonicalJSON(), c.manifest.CanonicalJSON()) {
		c.add("section %s: differs from the signed manifest", abi.ManifestSection)
	}
}

func equalTypes(a, b wasmbin.FuncType) bool {
	return slices.Equal(a.Params, b.Params) && slices.Equal(a.Results, b.Results)
}
