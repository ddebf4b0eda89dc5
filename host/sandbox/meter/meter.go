package meter

import (
	"errors"
	"fmt"
	"math"
	"strings"

	"github.com/latticenet/lattice-host/host/sandbox/internal/wasmbin"
)

// Version numbers the rewriting. It changes whenever the same module would be rewritten differently
// or cost something else, so that it belongs into the key of whatever is kept about a rewritten
// module.
const Version = 9

// Defaults of [Options].
const (
	DefaultImportModule = "lattice_meter"
	DefaultImportName   = "refill"
	DefaultExportPrefix = "lattice_meter:"
)

// maxPages is how many pages a memory with addresses of 32 bits can have.
const maxPages = 1 << 16

// Bounds. That on locals is the implementation limit of the WebAssembly JavaScript Interface, which
// engines need because a byte can declare thousands of locals; that on nesting is far above what
// compilers make.
const (
	// MaxLocals is how many locals and parameters a function may have.
	MaxLocals = 50_000
	// MaxNesting is how deep blocks may nest.
	MaxNesting = 10_000
	// MaxValues is how many values the blocks, branches and calls of one function may hand over,
	// each counting what its type lists. The engine takes about 400 bytes to compile each.
	MaxValues = 250_000
	// MaxReferences is how many functions code may name with ref.func. Each takes a global, and
	// with it some 200 bytes an instance.
	MaxReferences = 4_096
	// MaxBytes is how large a module may be. Rewriting takes memory in proportion: 3 times as much
	// for what compilers make, some 40 times for a function that consists of nothing but branches.
	MaxBytes = 64 << 20
)

// Errors that [Rewrite] returns. Their text has the position in the module in bytes.
var (
	// ErrMalformed says that the bytes are not a module, or refer to what the module does not have.
	ErrMalformed = errors.New("malformed module")
	// ErrUnsupported says that the module uses what is not part of WebAssembly 2.0 or exceeds a
	// limit of this package.
	ErrUnsupported = errors.New("unsupported module")
	// ErrReserved says that the module uses a name that belongs to the meter.
	ErrReserved = errors.New("reserved name")
)

// Options name what the rewritten module shares with its host. Empty fields have the defaults.
type Options struct {
	// ImportModule and ImportName name the host function (i64) -> (i64) that gets the fuel when it
	// is below 0 and returns what the guest goes on with.
	ImportModule, ImportName string
	// ExportPrefix begins the names of the exports that are added.
	ExportPrefix string
	// MaxPages is how many pages of memory the host lets a guest have. To ask for more than that at
	// once, or to copy or fill more, costs next to nothing, because it is certain to be refused or
	// to trap: a guest that runs out of memory must not run out of fuel before. 0 is 65,536, which
	// is as much as a memory can have.
	MaxPages uint32
	// MaxElements is how many elements the host lets a table have; the same holds for more than
	// that. 0 is as many as can be counted.
	MaxElements uint32
}

func (o Options) withDefaults() Options {
	if o.ImportModule == "" {
		o.ImportModule = DefaultImportModule
	}
	if o.ImportName == "" {
		o.ImportName = DefaultImportName
	}
	if o.ExportPrefix == "" {
		o.ExportPrefix = DefaultExportPrefix
	}
	if o.MaxPages == 0 || o.MaxPages > maxPages {
		o.MaxPages = maxPages
	}
	if o.MaxElements == 0 {
		o.MaxElements = math.MaxUint32
	}
	return o
}

// Module is a rewritten module.
type Module struct {
	// Wasm is the module. Its custom section "name" and its debugging information are gone, because
	// they describe positions of the original; other custom sections are as they were.
	Wasm []byte
	// FuelExport is the name of the exported global of type i64 that holds the fuel. It is 0 in an
	// instance whose start function has not run.
	FuelExport string
	// GlobalExports are the names of exports of every mutable global that the guest defines, in the
	// order of their indices. They do not include the fuel.
	GlobalExports []string
	// Resettable is false when instances can have state that is neither in the memory they define
	// nor in what GlobalExports can restore: the module has an instruction that changes a table or
	// drops a segment, imports a memory, a table or a mutable global, or has a mutable global of
	// type v128, of which a host sees only half.
	Resettable bool
	// Elements is how many references the element segments list in all.
	Elements int
	// Compile is what the engine takes to compile Wasm. It is within the limits of the contract.
	Compile Compile
}

// Rewrite returns the module with fuel accounting and with its mutable globals exported. Equal
// modules and options give equal bytes. The error satisfies [ErrMalformed], [ErrUnsupported] or
// [ErrReserved].
func Rewrite(wasm []byte, o Options) (*Module, error) {
	return rewrite(wasm, o, true)
}

// rewrite merges charges unless told not to, which costs the same fuel and more time.
func rewrite(wasm []byte, o Options, merge bool) (*Module, error) {
	if len(wasm) > MaxBytes {
		return nil, fmt.Errorf("%w: it has %d bytes, at most %d are read", ErrUnsupported, len(wasm), MaxBytes)
	}
	m, err := wasmbin.Parse(wasm)
	if err != nil {
		return nil, describe(err)
	}
	w := newRewriter(wasm, m, o.withDefaults())
	w.code.merge = merge
	if err := w.checkNames(); err != nil {
		return nil, err
	}
	if err := w.checkIndices(); err != nil {
		return nil, err
	}
	out, err := w.module()
	if err != nil {
		return nil, describe(err)
	}
	return &Module{
		Wasm:          out,
		FuelExport:    w.options.ExportPrefix + "fuel",
		GlobalExports: w.globalExports,
		Resettable:    w.resettable(),
		Elements:      w.listed,
		Compile:       w.code.compilation.estimate(),
	}, nil
}

// describe gives an error of the parser the kind that this package promises.
func describe(err error) error {
	kind := ErrUnsupported
	if wasmbin.IsMalformed(err) {
		kind = ErrMalformed
	}
	return fmt.Errorf("%w: %w", kind, err)
}

// unsupported says what in a module is not supported. [describe] adds the kind.
func unsupported(offset int, format string, args ...any) error {
	return fmt.Errorf("byte %d: %s", offset, fmt.Sprintf(format, args...))
}

// checkNames refuses names that the rewritten module needs.
func (w *rewriter) checkNames() error {
	for _, i := range w.in.Imports {
		if i.Module == w.options.ImportModule {
			return fmt.Errorf("%w: the module imports %q from %q, which only the host may", ErrReserved, i.Name, i.Module)
		}
	}
	for _, e := range w.in.Exports {
		if strings.HasPrefix(e.Name, w.options.ExportPrefix) {
			return fmt.Errorf("%w: the module exports %q; names that begin with %q are the host's", ErrReserved, e.Name, w.options.ExportPrefix)
		}
	}
	return nil
}

// checkIndices refuses what the parser leaves to its caller: exports that name nothing, and several
// memories.
func (w *rewriter) checkIndices() error {
	if len(w.in.Memories) > 1 {
		return fmt.Errorf("%w: a module with %d memories is not part of WebAssembly 2.0", ErrUnsupported, len(w.in.Memories))
	}
	for _, e := range w.in.Exports {
		if int64(e.Index) >= int64(w.count(e.Kind)) {
			return fmt.Errorf("%w: the export %q names a %s that does not exist", ErrMalformed, e.Name, e.Kind)
		}
	}
	return nil
}

// count returns how many things of a kind the original has, imported ones included.
func (w *rewriter) count(kind wasmbin.Kind) int {
	switch kind {
	case wasmbin.KindFunction:
		return len(w.in.Functions)
	case wasmbin.KindTable:
		return len(w.in.Tables)
	case wasmbin.KindMemory:
		return len(w.in.Memories)
	default:
		return w.code.globals
	}
}

func (w *rewriter) resettable() bool {
	for _, i := range w.in.Imports {
		switch i.Kind {
		case wasmbin.KindMemory, wasmbin.KindTable:
			return false
		case wasmbin.KindGlobal:
			if i.Global.Mutable {
				return false
			}
		}
	}
	return !w.code.hiddenState && !w.halfVisibleGlobal
}
