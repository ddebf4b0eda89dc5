package meter_test

import (
	"errors"
	"math"
	"strings"
	"testing"

	"github.com/latticenet/lattice-host/host/sandbox/meter"
	"github.com/latticenet/lattice-host/wasm-tests/wasmbuild"
)

// refFunc returns a ref.func.
func refFunc(index uint32) []byte { return append([]byte{0xd2}, wasmbuild.Unsigned(index)...) }

// TestReferencesAllocateNothing has a function that names others with ref.func hundreds of times.
// The engine would keep a function instance on the heap for each, as long as the module's instance.
func TestReferencesAllocateNothing(t *testing.T) {
	const names = 500
	var b wasmbuild.Module
	imported := b.ImportFunction(meter.DefaultImportModule+"_other", "f", nil, nil)
	b.Table(2, -1)
	var code []byte
	for range names {
		code = append(append(code, refFunc(0)...), 0x1a)
		code = append(append(code, refFunc(1)...), 0x1a)
	}
	// What a reference refers to is still what it was: the first function of the module, through
	// the table.
	code = append(code, body(wasmbuild.Int32(1), refFunc(1), []byte{0x26, 0}, wasmbuild.Int32(1), []byte{0x11, 0, 0})...)
	first := b.Function(nil, nil, 0, nil)
	f := b.Function(nil, nil, 0, code)
	b.Elements(0, imported, first)
	b.Export("f", wasmbuild.Function, f)

	m := rewrite(t, b.Bytes())
	k := &tank{left: math.MaxInt64}
	r := newEngine(t, config(), k)
	if _, err := r.NewHostModuleBuilder(meter.DefaultImportModule + "_other").NewFunctionBuilder().
		WithFunc(func() {}).Export("f").Instantiate(t.Context()); err != nil {
		t.Fatal(err)
	}
	function := instantiate(t, r, m.Wasm).ExportedFunction("f")
	perCall := testing.AllocsPerRun(10, func() {
		if _, err := function.Call(t.Context()); err != nil {
			t.Fatal(err)
		}
	})
	if perCall > 10 {
		t.Errorf("a call that names functions %d times allocates %v times", 2*names, perCall)
	}
}

// TestReferencesAreBounded has functions that name as many functions as they may, and one more.
func TestReferencesAreBounded(t *testing.T) {
	t.Parallel()
	module := func(n uint32) []byte {
		var b wasmbuild.Module
		var code []byte
		indices := make([]uint32, n)
		for i := range n {
			indices[i] = b.Function(nil, nil, 0, nil)
			code = append(append(code, refFunc(i)...), 0x1a)
		}
		b.PassiveElements(indices...)
		b.Function(nil, nil, 0, code)
		return b.Bytes()
	}
	rewrite(t, module(meter.MaxReferences))
	_, err := meter.Rewrite(module(meter.MaxReferences+1), meter.Options{})
	if !errors.Is(err, meter.ErrUnsupported) || !strings.Contains(err.Error(), "functions name more than 4096 functions with ref.func") {
		t.Errorf("got %v", err)
	}
}

// TestUndeclaredReferences has functions named by nothing but ref.func, which is not valid. The
// global that the meter adds for a reference would make it so.
func TestUndeclaredReferences(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		reason  string
		declare func(*wasmbuild.Module)
		valid   bool
	}{
		{"by nothing", func(*wasmbuild.Module) {}, false},
		{"by the start function", func(b *wasmbuild.Module) { b.Start(0) }, false},
		{"by an export", func(b *wasmbuild.Module) { b.Export("g", wasmbuild.Function, 0) }, true},
		{"by an element segment", func(b *wasmbuild.Module) { b.PassiveElements(0) }, true},
		{"by a global", func(b *wasmbuild.Module) { b.Global(wasmbuild.FuncRef, []byte{0xd2, 0}) }, true},
	} {
		t.Run(c.reason, func(t *testing.T) {
			t.Parallel()
			var b wasmbuild.Module
			b.Function(nil, nil, 0, nil)
			b.Function(nil, nil, 0, body(refFunc(0), 0x1a))
			c.declare(&b)
			m, err := meter.Rewrite(b.Bytes(), meter.Options{})
			if c.valid {
				if err != nil {
					t.Fatal(err)
				}
				instantiate(t, newEngine(t, config(), &tank{left: math.MaxInt64}), m.Wasm)
				return
			}
			if !errors.Is(err, meter.ErrMalformed) || !strings.Contains(err.Error(), "no export, global or element segment names") {
				t.Errorf("got %v", err)
			}
		})
	}
}
