package meter

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/latticenet/lattice-host/host/sandbox/internal/wasmbin"
)

// engine returns the version and the folder of the engine that the module is built with.
func engine(t *testing.T) (version, dir string) {
	t.Helper()
	out, err := exec.Command("go", "list", "-m", "-f", "{{.Version}}\n{{.Dir}}", "github.com/tetratelabs/wazero").Output()
	if err != nil {
		t.Fatal(err)
	}
	version, dir, _ = strings.Cut(strings.TrimSpace(string(out)), "\n")
	return version, dir
}

// TestCostsAreOfThisEngine fails when the engine was replaced and [Costs] not read again.
func TestCostsAreOfThisEngine(t *testing.T) {
	t.Parallel()
	version, dir := engine(t)
	if version != EngineVersion {
		t.Errorf("the engine is %s, the table was read from %s: read the engine's source for each row again", version, EngineVersion)
	}
	sources := map[string][]string{}
	for _, c := range Costs() {
		if c.What == "" || c.Paid == "" {
			t.Errorf("%+v does not say who pays", c)
		}
		lines, found := sources[c.Source]
		if !found {
			data, err := os.ReadFile(filepath.Join(dir, "internal", filepath.FromSlash(c.Source)))
			if err != nil {
				t.Fatal(err)
			}
			lines = strings.Split(string(data), "\n")
			sources[c.Source] = lines
		}
		if c.Line < 1 || c.Line > len(lines) || c.Text == "" || !strings.Contains(lines[c.Line-1], c.Text) {
			t.Errorf("%s: %s:%d does not say %q", c.What, c.Source, c.Line, c.Text)
		}
	}
}

// accepts reports whether the meter takes an instruction, whatever its operands.
func accepts(prefix, op byte) bool {
	code := []byte{op}
	if prefix == opVectorPrefix && op >= 0x80 {
		code = append(code, 1)
	}
	if prefix != 0 {
		code = append([]byte{prefix}, code...)
	}
	in := &wasmbin.Module{
		Types: []wasmbin.FuncType{{}}, Functions: []uint32{0}, Tables: make([]wasmbin.Table, 1), Memories: make([]wasmbin.Limits, 1),
		DataSegments: 1, Elements: 1,
	}
	c := &coder{in: in, globals: 1, locals: 1, declared: []bool{true}, references: map[uint32]uint32{}, leaves: make([]leaf, 1)}
	// Operands of 0 suit every instruction; br_table and v128.const take most of them.
	c.r = wasmbin.NewReader(append(code, make([]byte, 32)...), 0)
	c.flow.reset(0, &c.work)
	c.frames = []frame{{op: opIf, segment: none, arm: none, edges: none}, {op: opIf, segment: none, arm: none, edges: none}}
	return c.instruction() == nil
}

// TestCostsAreComplete finds the row of every instruction that the meter takes.
func TestCostsAreComplete(t *testing.T) {
	t.Parallel()
	rows := map[Class]int{}
	for i, c := range Costs() {
		for _, class := range c.Classes {
			for op := int(class.First); op <= int(class.Last); op++ {
				one := Class{class.Prefix, byte(op), byte(op)}
				if _, double := rows[one]; double {
					t.Errorf("0x%02x 0x%02x has two rows", one.Prefix, op)
				}
				rows[one] = i
			}
		}
	}
	taken := 0
	for _, prefix := range []byte{0, opMiscPrefix, opVectorPrefix} {
		for op := range 256 {
			// Prefixes are not instructions, and a number above 0x7f begins a longer one after
			// opMiscPrefix.
			skip := prefix == 0 && (op == opMiscPrefix || op == opVectorPrefix) || prefix == opMiscPrefix && op > 0x7f
			if skip || !accepts(prefix, byte(op)) {
				continue
			}
			taken++
			if _, found := rows[Class{prefix, byte(op), byte(op)}]; !found {
				t.Errorf("instruction 0x%02x 0x%02x has no row", prefix, op)
			}
		}
	}
	if taken != 437 {
		t.Errorf("the meter takes %d instructions", taken)
	}
}
