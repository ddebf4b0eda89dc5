package sandbox

import (
	"errors"

	"github.com/latticenet/lattice-host/abi"
	"github.com/latticenet/lattice-host/host/sandbox/extism"
)

// maxVarBytes bounds the names and values of a call's variables together, as Extism's SDKs do by
// default.
const maxVarBytes = 1 << 20

var errVarBytes = errors.New("the variables of a call have at most " + byteSize(maxVarBytes))

// The cost of the host's work for a guest beyond [hostCallFuel], in the units of that.
const (
	// blockFuel is the cost of one block that the kernel walks past.
	blockFuel = 10
	// copyFuel is the cost of a byte that is copied.
	copyFuel = 1
)

// extismLogLevel is what get_log_level answers: Extism's number for debug, so that a PDK sends
// everything. Levels count from trace, which is 0.
const extismLogLevel = 1

// extismCall is what one call of a module made with an Extism PDK runs in.
type extismCall struct {
	*extism.Instance
	// vars are the variables, which Extism lets outlive a call and this host does not.
	vars     map[string][]byte
	varBytes int
}

// extismFunctions returns everything that the host offers to modules made with an Extism PDK: what
// PDKs import from Extism, and WASI, which their languages' runtimes need.
func extismFunctions(native []hostFunction) []hostFunction {
	functions := []hostFunction{
		extismFunction("alloc", "I", "I", func(g *guest, p []uint64) (uint64, error) {
			g.spendOnBlocks(g.extism.Blocks())
			return g.extism.Alloc(p[0])
		}),
		extismFunction("free", "I", "", func(g *guest, p []uint64) (uint64, error) {
			g.spendOnBlocks(g.extism.Blocks())
			return 0, g.extism.Free(p[0])
		}),
		extismFunction("length", "I", "I", extismLength),
		extismFunction("length_unsafe", "I", "I", extismLength),
		extismFunction("load_u8", "I", "i", func(g *guest, p []uint64) (uint64, error) { return g.extism.Load(p[0], 1) }),
		extismFunction("load_u64", "I", "I", func(g *guest, p []uint64) (uint64, error) { return g.extism.Load(p[0], 8) }),
		extismFunction("store_u8", "Ii", "", func(g *guest, p []uint64) (uint64, error) { return 0, g.extism.Store(p[0], 1, p[1]) }),
		extismFunction("store_u64", "II", "", func(g *guest, p []uint64) (uint64, error) { return 0, g.extism.Store(p[0], 8, p[1]) }),
		extismFunction("input_length", "", "I", func(g *guest, _ []uint64) (uint64, error) { return g.extism.InputLength(), nil }),
		extismFunction("input_offset", "", "I", func(g *guest, _ []uint64) (uint64, error) { return g.extism.InputOffset() }),
		extismFunction("input_load_u8", "I", "i", func(g *guest, p []uint64) (uint64, error) { return g.extism.LoadInput(p[0], 1), nil }),
		extismFunction("input_load_u64", "I", "I", func(g *guest, p []uint64) (uint64, error) { return g.extism.LoadInput(p[0], 8), nil }),
		extismFunction("output_set", "II", "", func(g *guest, p []uint64) (uint64, error) {
			g.fuel.spend(copyFuel * int64(min(p[1], abi.MaxResponseBytes)))
			return 0, g.extism.SetOutput(p[0], p[1])
		}),
		extismFunction("error_set", "I", "", extismSetError),
		// There is no configuration: settings are part of the request.
		extismFunction("config_get", "I", "I", extismZero),
		extismFunction("var_get", "I", "I", extismGetVar),
		extismFunction("var_set", "II", "", extismSetVar),
		extismFunction("http_request", "II", "I", func(*guest, []uint64) (uint64, error) {
			return 0, errors.New("a plugin has no network")
		}),
		// PDKs ask for these after a request, and link them together with it.
		extismFunction("http_status_code", "", "i", extismZero),
		extismFunction("http_headers", "", "I", extismZero),
		extismFunction("get_log_level", "", "i", func(*guest, []uint64) (uint64, error) { return extismLogLevel, nil }),
		extismFunction("log_trace", "I", "", extismLog(LevelDebug)),
		extismFunction("log_debug", "I", "", extismLog(LevelDebug)),
		extismFunction("log_info", "I", "", extismLog(LevelInfo)),
		extismFunction("log_warn", "I", "", extismLog(LevelWarning)),
		extismFunction("log_error", "I", "", extismLog(LevelError)),
	}
	for _, f := range native {
		if f.module == wasiModule {
			functions = append(functions, f)
		}
	}
	return functions
}

// extismFunction returns a function of Extism. An error ends the guest.
func extismFunction(name, params, results string, call func(*guest, []uint64) (uint64, error)) hostFunction {
	return hostFunction{abi.ExtismModule, name, signature(params, results), func(f frame, stack []uint64) {
		g := f.guest
		if g.extism.Instance == nil {
			panic(misuseError(abi.ExtismModule + "." + name + " was called by the start function, before there is anything to call"))
		}
		result, err := call(g, stack)
		if errors.Is(err, extism.ErrMemory) {
			panic(err)
		}
		if err != nil {
			panic(misuseError(abi.ExtismModule + "." + name + " was called: " + err.Error()))
		}
		if results != "" {
			stack[0] = result
		}
	}}
}

// spendOnBlocks takes fuel for a walk of the kernel past n blocks.
func (g *guest) spendOnBlocks(n int) { g.fuel.spend(blockFuel * int64(n)) }

func extismZero(*guest, []uint64) (uint64, error) { return 0, nil }

func extismLength(g *guest, p []uint64) (uint64, error) { return g.extism.Length(p[0]), nil }

// extismText returns the text in a block, at most as much of it as is logged.
func (g *guest) extismText(offset uint64) ([]byte, error) {
	text, err := g.extism.Bytes(offset)
	if err != nil {
		return nil, err
	}
	text = text[:min(len(text), abi.MaxLogBytes)]
	g.fuel.spend(logByteFuel * int64(len(text)))
	return text, nil
}

func extismSetError(g *guest, p []uint64) (uint64, error) {
	text, err := g.extismText(p[0])
	if err != nil {
		return 0, err
	}
	g.extism.SetError(text)
	// A guest may trap after it, which says less.
	g.log.words.hear(printable(text, abi.MaxLogBytes))
	return 0, nil
}

func extismLog(level Level) func(*guest, []uint64) (uint64, error) {
	return func(g *guest, p []uint64) (uint64, error) {
		text, err := g.extismText(p[0])
		if err != nil {
			return 0, err
		}
		g.log.message(level, text)
		return 0, nil
	}
}

func extismGetVar(g *guest, p []uint64) (uint64, error) {
	name, err := g.extism.Bytes(p[0])
	if err != nil {
		return 0, err
	}
	g.fuel.spend(copyFuel * int64(len(name)))
	value, found := g.extism.vars[string(name)]
	if !found {
		return 0, nil
	}
	g.fuel.spend(copyFuel * int64(len(value)))
	g.spendOnBlocks(g.extism.Blocks())
	return g.extism.New(value)
}

func extismSetVar(g *guest, p []uint64) (uint64, error) {
	key, err := g.extism.Bytes(p[0])
	if err != nil {
		return 0, err
	}
	var value []byte
	if p[1] != 0 {
		if value, err = g.extism.Bytes(p[1]); err != nil {
			return 0, err
		}
	}
	g.fuel.spend(copyFuel * int64(len(key)+len(value)))
	// Before anything is copied: a block has up to 64 MiB.
	if len(key)+len(value) > maxVarBytes {
		return 0, errVarBytes
	}
	return 0, g.extism.setVar(string(key), value, p[1] != 0)
}

// setVar sets a variable, or removes it.
func (c *extismCall) setVar(name string, value []byte, keep bool) error {
	size := c.varBytes
	if old, found := c.vars[name]; found {
		size -= len(name) + len(old)
	}
	if !keep {
		delete(c.vars, name)
		c.varBytes = size
		return nil
	}
	if size += len(name) + len(value); size > maxVarBytes {
		return errVarBytes
	}
	c.vars[name] = append([]byte(nil), value...)
	c.varBytes = size
	return nil
}
