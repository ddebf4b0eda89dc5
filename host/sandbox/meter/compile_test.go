package meter_test

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/latticenet/lattice-host/host/sandbox/meter"
	"github.com/latticenet/lattice-host/wasm-tests/wasmbuild"
)

// times repeats instructions that may depend on their number.
func times(n int, part func(i int) []byte) []byte {
	var code []byte
	for i := range n {
		code = append(code, part(i)...)
	}
	return code
}

func same(code ...byte) func(int) []byte { return func(int) []byte { return code } }

// local returns an instruction on a local.
func local(op byte, i int) []byte { return append([]byte{op}, wasmbuild.Unsigned(uint32(i))...) }

// setToGlobal reads a local, so that it is not dead.
func setToGlobal(i int) []byte { return append(local(wasmbuild.LocalGet, i), wasmbuild.GlobalSet, 0) }

// slow returns a module whose function 0 is a leaf, whose function 1 has the code, and whose
// function 2 follows it.
func slow(locals int, parts ...[]byte) []byte {
	var b wasmbuild.Module
	b.Memory(1, 1)
	b.GlobalInt32(0)
	b.Function(nil, oneI32, 0, wasmbuild.Int32(1))
	b.Function(nil, nil, uint32(locals), joined(parts...))
	b.Function(nil, nil, 0, nil)
	return b.Bytes()
}

func joined(parts ...[]byte) []byte {
	var all []byte
	for _, p := range parts {
		all = append(all, p...)
	}
	return all
}

// TestLaw11_CompileIsBounded has, for each thing that takes the engine time, a module that has much
// of it and little else: all are below 100 KB, except where it takes more.
func TestLaw11_CompileIsBounded(t *testing.T) {
	t.Parallel()
	const (
		get, set, br, call = wasmbuild.LocalGet, wasmbuild.LocalSet, wasmbuild.BrIf, wasmbuild.Call
		block, loop, cond  = wasmbuild.Block, wasmbuild.Loop, wasmbuild.If
		none, end          = wasmbuild.NoResult, wasmbuild.End
	)
	var functions wasmbuild.Module
	for range 20_000 {
		functions.Function(nil, nil, 50_000, nil)
	}
	var products wasmbuild.Module
	for i := range 20_000 {
		products.Function(nil, nil, 0, nil)
		products.GlobalInt32(int32(i))
	}
	var parameters wasmbuild.Module
	for range 20_000 {
		parameters.Function(make1000(), nil, 0, nil)
	}
	var reloads wasmbuild.Module
	for range 10_000 {
		reloads.GlobalInt32(0)
	}
	var paid wasmbuild.Module
	paid.Memory(1, -1)
	for range 10_000 {
		paid.GlobalInt32(0)
	}
	reloads.Function(nil, nil, 0, times(10_000, same(call, 0)))
	paid.Function(nil, nil, 0, times(10_000, same(slices.Concat(wasmbuild.Int32(0), wasmbuild.Int32(0), wasmbuild.Int32(0), misc(0x0b, 0))...)))
	for _, c := range []struct {
		reason string
		wasm   []byte
		want   string
	}{
		{"code", slow(1, times(300_000, same(get, 0, wasmbuild.I32Load, 2, 0, wasmbuild.GlobalSet, 0))), "units of code"},
		{"memory", slow(1, times(60_000, same(get, 0, wasmbuild.I32Load, 2, 0, wasmbuild.GlobalSet, 0))), "MiB of memory, at most 294 MiB is allowed for its size"},
		{"loops in each other", slow(1, times(9_000, same(loop, none)), times(9_000, same(get, 0, br, 0, end))), "steps from blocks to what leads to them"},
		{"blocks one after the other", slow(1, times(20_000, same(get, 0, cond, none, end))), "steps from blocks to what leads to them"},
		{"locals read after many branches", slow(2, []byte{block, none}, times(6_000, same(get, 0, br, 0)), times(20_000, same(get, 1, wasmbuild.GlobalSet, 0)), []byte{end}),
			"steps from uses of locals to where they are set"},
		{"locals set between branches", slow(1_500, []byte{block, none}, times(1_500, func(i int) []byte { return joined(wasmbuild.Int32(1), local(set, i), local(get, 0), []byte{br, 0}) }), []byte{end}, times(1_500, setToGlobal)),
			"times a local for an edge between blocks"},
		{"locals set in many conditions", slow(3_000, times(3_000, func(i int) []byte {
			return joined(local(get, 0), []byte{cond, none}, wasmbuild.Int32(1), local(set, i), []byte{end})
		}), times(3_000, setToGlobal)),
			"times a local where blocks join"},
		{"values across blocks", slow(1, times(6_000, same(get, 0)), times(6_000, same(block, none, get, 0, br, 0, call, 0, set, 0, end)), times(5_999, same(wasmbuild.I32Add)), []byte{wasmbuild.GlobalSet, 0}),
			"times a value on the stack across a block"},
		{"values across checks of fuel", slow(1, times(8_000, same(get, 0)), times(20_000, same(call, 2)), times(7_999, same(wasmbuild.I32Add)), []byte{wasmbuild.GlobalSet, 0}),
			"times a value on the stack across a block"},
		{"locals across checks of fuel", slow(4_000, times(20_000, same(call, 2)), times(4_000, setToGlobal)), "times a local where blocks join"},
		{"globals read again after calls", reloads.Bytes(), "times a global that is read again after a call"},
		{"globals read again after a price that an operand says", paid.Bytes(), "times a global that is read again after a call"},
		{"branches to one label", slow(1, []byte{block, none}, times(20_000, same(call, 0, br, 0)), []byte{end}), "steps from blocks to what leads to them"},
		{"labels of one table", slow(1, []byte{block, none, get, 0, wasmbuild.BrTable}, wasmbuild.Unsigned(300_000), times(300_001, same(0)), []byte{end}), "function 1: byte 51: compiling the module up to here takes about 1218 MiB of memory, at most 265 MiB"},
		{"locals of all functions", functions.Bytes(), "MiB of memory, at most"},
		{"functions times globals", products.Bytes(), "compiling the module up to here takes about 2"},
		{"functions times parameters", parameters.Bytes(), "compiling the module up to here takes about"},
	} {
		t.Run(c.reason, func(t *testing.T) {
			t.Parallel()
			_, err := meter.Rewrite(c.wasm, meter.Options{})
			if !errors.Is(err, meter.ErrUnsupported) || !strings.Contains(err.Error(), c.want) || !strings.Contains(err.Error(), "byte ") {
				t.Errorf("%d bytes: got %v, want %q", len(c.wasm), err, c.want)
			}
		})
	}
}

func make1000() []byte {
	types := make([]byte, 1000)
	for i := range types {
		types[i] = wasmbuild.I64
	}
	return types
}

// TestCompileOfDeadCode proves that what is never compiled does not count.
func TestCompileOfDeadCode(t *testing.T) {
	t.Parallel()
	dead := slow(1, []byte{wasmbuild.Return}, times(9_000, same(wasmbuild.Loop, wasmbuild.NoResult)),
		times(9_000, same(wasmbuild.LocalGet, 0, wasmbuild.BrIf, 0, wasmbuild.End)))
	if _, err := meter.Rewrite(dead, meter.Options{}); err != nil {
		t.Error(err)
	}
}

// TestHonestModulesCompile proves that modules as compilers make them are far from every bound: a
// third for a function, for time and for memory. The large one has the longest functions of the
// standard library.
func TestHonestModulesCompile(t *testing.T) {
	t.Parallel()
	for name, wasm := range map[string][]byte{"deployment": builtin(t, "deployment"), "keda": builtin(t, "keda"), "large": largeGuest(t)} {
		estimate, err := meter.CompilesWithin(wasm, 3)
		if err != nil {
			t.Errorf("%s: %v", name, err)
		}
		t.Logf("%s: %d bytes, %+v", name, len(wasm), estimate)
	}
}

// largeGuest builds a guest of more than 13 MiB.
func largeGuest(t *testing.T) []byte {
	t.Helper()
	file := filepath.Join(t.TempDir(), "large.wasm")
	c := exec.Command("go", "build", "-trimpath", "-buildvcs=false", "-buildmode=c-shared", "-ldflags=-s", "-o", file, "./testdata/large")
	c.Env, c.Stderr = append(os.Environ(), "GOOS=wasip1", "GOARCH=wasm"), os.Stderr
	if err := c.Run(); err != nil {
		t.Fatal(err)
	}
	wasm, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if len(wasm) < 13<<20 {
		t.Errorf("the guest has %d bytes only", len(wasm))
	}
	return wasm
}
