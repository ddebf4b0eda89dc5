package meter_test

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"math"
	"strings"
	"testing"

	"github.com/tetratelabs/wazero"

	"github.com/latticenet/lattice-host/host/sandbox/meter"
	"github.com/latticenet/lattice-host/wasm-tests/wasmbuild"
)

// FuzzRewrite looks for bytes that panic, and for modules that the engine and the meter read
// differently: metering a module must keep it as valid as it was, and a function that the engine
// takes must be one for the meter.
func FuzzRewrite(f *testing.F) {
	for _, pattern := range []string{"block", "br_table", "if", "loop", "elem", "global", "bulk", "ref_func", "simd_lane", "start", "memory_grow", "call_indirect", "data", "table_init"} {
		for _, file := range specFiles(f, "v2/testdata/"+pattern+".[0-4].wasm") {
			f.Add(read(f, file))
		}
	}
	f.Add(testModule(countdown()))
	f.Add(testModule(table()))
	f.Add([]byte(header))
	f.Add([]byte(header + "\x01\x05\x01\x60\x00\x01\x7f\x0c\x00"))
	r := wazero.NewRuntimeWithConfig(f.Context(), interpreter())
	f.Cleanup(func() { _ = r.Close(context.Background()) })
	f.Fuzz(func(t *testing.T, wasm []byte) {
		m, err := meter.Rewrite(wasm, meter.Options{})
		if err != nil {
			if !errors.Is(err, meter.ErrMalformed) && !errors.Is(err, meter.ErrUnsupported) && !errors.Is(err, meter.ErrReserved) {
				t.Errorf("the error is of another kind: %v", err)
			}
			// What is not part of WebAssembly 2.0 the engine may take: it reads parts of some
			// proposals even when they are off.
			if inBody(err) && !beyond(err) && !exhausting(wasm, err) && compiles(t.Context(), r, wasm) {
				t.Errorf("the engine takes it: %v", err)
			}
			return
		}
		if len(m.Wasm) > 16*len(wasm)+1024 {
			t.Errorf("%d bytes became %d", len(wasm), len(m.Wasm))
		}
		if exhausting(wasm, nil) {
			return
		}
		_, err = staysAsValid(t.Context(), r, wasm)
		if err != nil {
			t.Error(err)
		}
	})
}

// compiles reports whether the engine takes a module. It panics over some that the meter refuses,
// such as one whose function has a type that does not exist.
func compiles(ctx context.Context, r wazero.Runtime, wasm []byte) (taken bool) {
	defer func() {
		if recover() != nil {
			taken = false
		}
	}()
	m, err := r.CompileModule(ctx, wasm)
	if err == nil {
		_ = m.Close(ctx)
	}
	return err == nil
}

// inBody reports whether a module is refused for an instruction. Outside of functions the engine is
// no judge: it looks at little that no instruction uses, such as the type of a table's elements.
// That the meter takes every form that sections may have is what [TestSpecModulesStayValid] shows.
func inBody(err error) bool {
	return strings.HasPrefix(err.Error(), meter.ErrMalformed.Error()+": function ")
}

// beyond reports whether a module is refused for what is not in WebAssembly 2.0, for a limit, or
// for a reserved name.
func beyond(err error) bool {
	return !errors.Is(err, meter.ErrMalformed) || strings.Contains(err.Error(), "of WebAssembly 2.0")
}

// exhausting reports whether the engine might take gigabytes to read a module, which the meter
// refuses for err: it trusts the lengths of lists, and reads names, which metered modules do not
// have.
func exhausting(wasm []byte, err error) bool {
	return len(wasm) > 1<<16 || bytes.Contains(wasm, []byte("\x04name")) ||
		err != nil && (strings.Contains(err.Error(), "a list ") || longNumber(wasm))
}

// longNumber reports whether a module may hold a number of more than 21 bits, which the engine
// could take for a length.
func longNumber(wasm []byte) bool {
	run := 0
	for _, c := range wasm {
		if c < 0x80 {
			run = 0
			continue
		}
		if run++; run == 3 {
			return true
		}
	}
	return false
}

// FuzzGenerated makes valid functions out of bytes, and compares what they return and leave in
// memory with and without metering, and what they spend with and without merging charges.
func FuzzGenerated(f *testing.F) {
	f.Add([]byte("\x00\x01\x02\x03\x04\x05\x06\x07\x08\x09\x0a\x0b\x0c\x0d\x0e\x0f"), int32(3))
	f.Add([]byte("\x07\x07\x07\x03\x09\x09\x05\x0a\x01\x02\x08\x06\x06\x04\x0b\x0c\x0d"), int32(1))
	f.Add([]byte(strings.Repeat("\x07\x09\x06\x03\x08\x0a\x05\x00", 20)), int32(-1))
	f.Add([]byte(strings.Repeat("\x0e", 60)+"\x0a\x8c\x0b\x01\x96\x0c\x02\xa0\x00\xaa"), int32(2))
	f.Add([]byte("\x0e\x08\x0f\x01\x02\x08\x0f\x00\x00\x0f\x02\x00"), int32(5))
	f.Fuzz(func(t *testing.T, choices []byte, arg int32) {
		if len(choices) > 400 {
			return
		}
		wasm := generate(choices)
		m, err := meter.Rewrite(wasm, meter.Options{})
		if err != nil {
			t.Fatalf("a valid module is refused: %v", err)
		}
		unmerged, err := meter.RewriteUnmerged(wasm)
		if err != nil {
			t.Fatal(err)
		}
		plain := observe(t, wasm, nil, arg)
		metered := observe(t, m.Wasm, m, arg)
		apart := observe(t, unmerged.Wasm, unmerged, arg)
		if plain.result != metered.result || plain.result != apart.result {
			t.Errorf("plain %s, metered %s, unmerged %s", plain.result, metered.result, apart.result)
		}
		if !metered.trapped && metered.spent != apart.spent {
			t.Errorf("spent %d merged and %d unmerged", metered.spent, apart.spent)
		}
	})
}

type observation struct {
	result  string
	trapped bool
	spent   int64
}

func observe(t *testing.T, wasm []byte, m *meter.Module, arg int32) observation {
	t.Helper()
	k := &tank{left: math.MaxInt64}
	r := newEngine(t, interpreter(), k)
	defer func() { _ = r.Close(context.Background()) }()
	i := instantiate(t, r, wasm)
	results, err := i.ExportedFunction("f").Call(t.Context(), uint64(uint32(arg)))
	o := observation{result: firstLine(err), trapped: err != nil}
	if err == nil {
		memory, _ := i.Memory().Read(0, 64)
		o.result = string(memory) + string(rune(results[0]&0xfffff))
	}
	if m != nil {
		o.spent = k.spent(t, i, m)
	}
	return o
}

// generator makes a function body that ends by itself: every repetition and call takes from a
// global first. The stack is empty between statements.
type generator struct {
	choices []byte
	code    []byte
	// open are the instructions of the open blocks, outermost first.
	open []byte
}

func (g *generator) choose(n int) int {
	if len(g.choices) == 0 {
		return 0
	}
	c := g.choices[0]
	g.choices = g.choices[1:]
	return int(c) % n
}

// label encodes that of an open block. There can be more than a byte counts.
func (g *generator) label() []byte {
	return binary.AppendUvarint(nil, uint64(g.choose(len(g.open))))
}

// emit appends instructions.
func (g *generator) emit(parts ...any) { g.code = append(g.code, body(parts...)...) }

// tick returns from the function when the budget of the call is spent.
func (g *generator) tick() {
	g.emit([]byte{wasmbuild.GlobalGet, 0}, i32Eqz, begin(wasmbuild.If), wasmbuild.Int32(1), ret, wasmbuild.End,
		[]byte{wasmbuild.GlobalGet, 0}, wasmbuild.Int32(1), i32Sub, []byte{wasmbuild.GlobalSet, 0})
}

// condition pushes a number that depends on what ran.
func (g *generator) condition() {
	g.emit([]byte{wasmbuild.GlobalGet, 0}, wasmbuild.Int32(int32(g.choose(5))), 0x71)
}

func (g *generator) statement() {
	switch g.choose(16) {
	case 0:
		g.emit(localGet(0), wasmbuild.Int32(3), wasmbuild.I32Add, localSet(0))
	case 1:
		// Store the local where another one says.
		g.emit(localGet(0), wasmbuild.Int32(60), 0x71, localGet(0), []byte{0x36, 2, 0})
	case 2:
		g.emit(wasmbuild.Int32(8), wasmbuild.Int32(int32(g.choose(7))), wasmbuild.Int32(int32(g.choose(50))), misc(0x0b, 0))
	case 3:
		g.push(block)
	case 4:
		g.push(wasmbuild.Loop)
		g.tick()
	case 5, 6:
		g.condition()
		g.push(wasmbuild.If)
	case 7:
		if last := len(g.open) - 1; last >= 0 && g.open[last] == wasmbuild.If {
			g.open[last] = wasmbuild.Else
			g.emit(wasmbuild.Else)
		}
	case 8, 9:
		g.pop()
	case 10:
		if len(g.open) > 0 {
			g.tick()
			g.emit(wasmbuild.Br, g.label())
		}
	case 11:
		if len(g.open) > 0 {
			g.tick()
			g.condition()
			g.emit(wasmbuild.BrIf, g.label())
		}
	case 12:
		if len(g.open) > 0 {
			g.tick()
			g.condition()
			g.emit(brTable, 2, g.label(), g.label(), g.label())
		}
	case 13:
		if g.choose(3) == 0 {
			g.emit(localGet(0), ret)
			return
		}
		g.tick()
		g.emit(localGet(0), []byte{wasmbuild.Call, 0}, localSet(0))
	case 14:
		// A loop that begins with a table, as Go makes them.
		g.emit(begin(wasmbuild.Loop), begin(block), begin(block), localGet(1), []byte{brTable, 1, 0, 1})
		g.open = append(g.open, wasmbuild.Loop, block, block)
	case 15:
		if len(g.open) > 0 {
			g.tick()
			g.emit(wasmbuild.Int32(int32(g.choose(3))), localSet(1), wasmbuild.Br, g.label())
		}
	}
}

func (g *generator) push(op byte) {
	g.emit(begin(op))
	g.open = append(g.open, op)
}

func (g *generator) pop() {
	if len(g.open) > 0 {
		g.emit(wasmbuild.End)
		g.open = g.open[:len(g.open)-1]
	}
}

// generate returns a module whose function f has one i32 and returns one.
func generate(choices []byte) []byte {
	g := &generator{choices: choices}
	for len(g.choices) > 0 {
		g.statement()
	}
	for len(g.open) > 0 {
		g.pop()
	}
	g.emit(localGet(0))
	var m wasmbuild.Module
	m.GlobalInt32(50)
	m.Memory(1, 1)
	m.Export("f", wasmbuild.Function, m.Function(oneI32, oneI32, 1, g.code))
	m.Export("memory", wasmbuild.Memory, 0)
	return m.Bytes()
}
