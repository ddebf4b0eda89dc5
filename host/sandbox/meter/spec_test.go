package meter_test

import (
	"context"
	"encoding/json"
	"errors"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/tetratelabs/wazero"
	"github.com/tetratelabs/wazero/api"

	"github.com/latticenet/lattice-host/host/sandbox/meter"
)

// specDir returns the folder of the WebAssembly specification's tests that the engine's module
// carries.
var specDir = sync.OnceValues(func() (string, error) {
	out, err := exec.Command("go", "list", "-m", "-f", "{{.Dir}}", "github.com/tetratelabs/wazero").Output()
	return filepath.Join(strings.TrimSpace(string(out)), "internal", "integration_test", "spectest"), err
})

func specFiles(t testing.TB, pattern string) []string {
	t.Helper()
	dir, err := specDir()
	if err != nil {
		t.Fatal(err)
	}
	files, err := filepath.Glob(filepath.Join(dir, filepath.FromSlash(pattern)))
	if err != nil || len(files) == 0 {
		t.Fatalf("no files %s in %s: %v", pattern, dir, err)
	}
	return files
}

func read(t testing.TB, file string) []byte {
	t.Helper()
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// TestSpecModulesStayValid proves for every module of the specification's tests, for all versions
// and proposals, that metering neither breaks a module that the engine takes nor repairs one that
// it refuses.
func TestSpecModulesStayValid(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		reason, pattern string
		// least is how many modules the engine takes at least, so that the test cannot run empty.
		least int
		// refusals says that the modules use proposals, some of which the engine lets pass.
		refusals bool
	}{
		{reason: "version 1", pattern: "v1/testdata/*.wasm", least: 600},
		{reason: "version 2", pattern: "v2/testdata/*.wasm", least: 1500},
		{reason: "proposals", pattern: "[^v]*/testdata/*.wasm", least: 50, refusals: true},
	} {
		t.Run(c.reason, func(t *testing.T) {
			t.Parallel()
			ctx := t.Context()
			r := wazero.NewRuntimeWithConfig(ctx, interpreter())
			defer func() { _ = r.Close(ctx) }()
			valid := 0
			for _, file := range specFiles(t, c.pattern) {
				name := filepath.Base(file)
				taken, err := staysAsValid(ctx, r, read(t, file))
				if err != nil && (!c.refusals || !errors.Is(err, errRefused)) {
					t.Errorf("%s: %v", name, err)
				}
				if taken {
					valid++
				}
			}
			if valid < c.least {
				t.Errorf("the engine took %d modules only", valid)
			}
		})
	}
}

// errRefused says that a module is refused that the engine would take.
var errRefused = errors.New("a valid module is refused")

// staysAsValid compares what the engine says to a module and to its metered form, and reports
// whether it takes the former.
func staysAsValid(ctx context.Context, r wazero.Runtime, wasm []byte) (bool, error) {
	plain, plainErr := r.CompileModule(ctx, wasm)
	if plainErr == nil {
		_ = plain.Close(ctx)
	}
	m, err := meter.Rewrite(wasm, meter.Options{})
	if err != nil {
		if plainErr == nil {
			return true, errors.Join(errRefused, err)
		}
		return false, nil
	}
	metered, meteredErr := r.CompileModule(ctx, m.Wasm)
	if meteredErr == nil {
		_ = metered.Close(ctx)
	}
	switch {
	case plainErr == nil && meteredErr != nil:
		return true, meteredErr
	case plainErr != nil && meteredErr == nil:
		return false, errors.New("an invalid module becomes valid: " + plainErr.Error())
	}
	return plainErr == nil, nil
}

// script is a test of the specification.
type script struct {
	Commands []command `json:"commands"`
}

type command struct {
	Type, Name, Filename, As string
	Line                     int
	Action                   struct {
		Type, Module, Field string
		Args                []value
	}
}

type value struct {
	Type     string          `json:"type"`
	LaneType string          `json:"lane_type"`
	Value    json.RawMessage `json:"value"`
}

// TestSpecRunsAlike runs the specification's tests with and without metering and compares all
// results and traps.
func TestSpecRunsAlike(t *testing.T) {
	t.Parallel()
	var results atomic.Int64
	t.Cleanup(func() {
		if n := results.Load(); n < 30_000 {
			t.Errorf("only %d calls had results", n)
		}
	})
	for _, file := range specFiles(t, "v2/testdata/*.json") {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".json"), func(t *testing.T) {
			t.Parallel()
			var s script
			if err := json.Unmarshal(read(t, file), &s); err != nil {
				t.Fatal(err)
			}
			dir := filepath.Dir(file)
			plain := runScript(t, dir, s, func(wasm []byte) []byte { return wasm })
			metered := runScript(t, dir, s, func(wasm []byte) []byte {
				return rewrite(t, wasm).Wasm
			})
			for _, line := range metered {
				if strings.Contains(line, ": results") {
					results.Add(1)
				}
			}
			if diff := cmp.Diff(plain, metered); diff != "" {
				t.Errorf("(-plain +metered):\n%s", diff)
			}
		})
	}
}

// runScript runs the commands that call functions and returns a line about each.
func runScript(t *testing.T, dir string, s script, prepare func([]byte) []byte) []string {
	t.Helper()
	r := newEngine(t, config(), &tank{left: math.MaxInt64})
	defer func() { _ = r.Close(context.Background()) }()
	host := read(t, filepath.Join(dir, "..", "..", "testdata", "spectest.wasm"))
	if _, err := r.InstantiateWithConfig(t.Context(), host, wazero.NewModuleConfig()); err != nil {
		t.Fatal(err)
	}
	var log []string
	named := map[string]api.Module{}
	var last api.Module
	for i, c := range s.Commands {
		at := strconv.Itoa(c.Line) + ": "
		switch c.Type {
		case "module":
			// A module gets the name of a register command after it, because the engine takes names
			// at the start only.
			as := ""
			if i+1 < len(s.Commands) && s.Commands[i+1].Type == "register" {
				as = s.Commands[i+1].As
			}
			m, err := r.InstantiateWithConfig(t.Context(), prepare(read(t, filepath.Join(dir, c.Filename))), wazero.NewModuleConfig().WithName(as))
			log = append(log, at+firstLine(err))
			last = m
			if err == nil && c.Name != "" {
				named[c.Name] = m
			}
		case "action", "assert_return", "assert_trap", "assert_exhaustion":
			if c.Action.Type != "invoke" {
				continue
			}
			m := last
			if c.Action.Module != "" {
				m = named[c.Action.Module]
			}
			if m != nil {
				log = append(log, at+invoke(t, m, c))
			}
		}
	}
	return log
}

func invoke(t *testing.T, m api.Module, c command) string {
	t.Helper()
	f := m.ExportedFunction(c.Action.Field)
	if f == nil {
		return "no function " + c.Action.Field
	}
	var params []uint64
	for _, v := range c.Action.Args {
		params = append(params, v.words(t)...)
	}
	results, err := f.Call(t.Context(), params...)
	if err != nil {
		return firstLine(err)
	}
	line := "results"
	for i, r := range results {
		// References are addresses.
		if types := f.Definition().ResultTypes(); len(types) == len(results) && types[i] == 0x70 && r != 0 {
			r = 1
		}
		line += " " + strconv.FormatUint(r, 16)
	}
	return line
}

func firstLine(err error) string {
	if err == nil {
		return "ok"
	}
	line, _, _ := strings.Cut(err.Error(), "\n")
	return line
}

// words returns a value as the engine takes it.
func (v value) words(t *testing.T) []uint64 {
	t.Helper()
	var one string
	if v.Type != "v128" {
		if err := json.Unmarshal(v.Value, &one); err != nil {
			t.Fatal(err)
		}
		word := number(one)
		// Zero is the null reference, so that references from outside count from 1.
		if v.Type == "externref" && one != "null" {
			word++
		}
		return []uint64{word}
	}
	var lanes []string
	if err := json.Unmarshal(v.Value, &lanes); err != nil {
		t.Fatal(err)
	}
	words := make([]uint64, 2)
	width := 128 / len(lanes)
	for i, lane := range lanes {
		words[i*width/64] |= number(lane) & (math.MaxUint64 >> (64 - width)) << (i * width % 64)
	}
	return words
}

// number returns the bits of a number. Any pattern does for the words that mean several.
func number(s string) uint64 {
	if n, err := strconv.ParseInt(s, 10, 64); err == nil {
		return uint64(n)
	}
	n, _ := strconv.ParseUint(s, 10, 64)
	return n
}
