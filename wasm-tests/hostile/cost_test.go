//go:build !race

package hostile

import (
	"fmt"
	"maps"
	"os"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/latticenet/lattice-host/abi"
	"github.com/latticenet/lattice-host/registry/release"
	"github.com/latticenet/lattice-host/wasm-tests/builtins"
	"github.com/latticenet/lattice-host/wasm-tests/golden"
	"github.com/latticenet/lattice-host/wasm-tests/hostile/probe"
	"github.com/latticenet/lattice-host/wasm-tests/hostile/shape"
)

func TestMain(m *testing.M) {
	probe.Child()
	os.Exit(m.Run())
}

// costly is a module that makes the host pay for what it does not.
type costly struct {
	name, kind string
	// reason says what the module tries.
	reason   string
	guest    func(*guest)
	manifest func(*abi.Manifest)
	// found is a recipe that replaces guest: one that a search came to, run forever.
	found string
	// ends are the classes of errors that a call may end with if the module is not refused, "" for
	// a good end. Empty means a good end. Which modules are refused, and why, is in
	// testdata/refusals.txt.
	ends []probe.Class
	// again is what the calls after the first may end with, when it is not the same. Empty means
	// ends.
	again []probe.Class
	// calls is the number of calls after the first; 0 means 1,000. Modules whose call takes tens
	// of milliseconds have fewer, under the same bound of memory.
	calls int
}

// The kinds of what a module makes the host pay.
const (
	kindHostMemory = "host memory by instructions"
	kindCompile    = "compiling"
	kindStraight   = "straight code"
	kindInstance   = "making an instance"
	kindStack      = "stack"
	kindPrice      = "price of a unit"
	kindExtism     = "extism"
	kindFound      = "found by a search"
)

// Bounds of every module. Memory is beyond what the process had before.
const (
	maxLoadBytes = 256 << 20
	// maxLoadRatio is the processor time of loading in units of that of a built-in plugin.
	maxLoadRatio = 3
	// maxCallBytes is what a call may take besides the linear memory of its manifest.
	maxCallBytes = 64 << 20
	// maxIdleBytes is what may stay after one call besides linear memory, maxKeptBytes after all
	// calls.
	maxIdleBytes = 16 << 20
	maxKeptBytes = 64 << 20
	// maxStackBytes replaces maxCallBytes for a deep recursion: the engine doubles a stack of up to
	// 50 MB, and the halves are garbage.
	maxStackBytes = 256 << 20
	// maxUnchecked is how many units of fuel a call spends between two checks, on average.
	maxUnchecked = 10_000
	// manyCalls is the number of calls that find what earlier ones left.
	manyCalls = 1_000
	// againFuel limits each of them for what does not end.
	againFuel = 100_000
)

// costs returns every such module.
func costs() []costly {
	return slices.Concat(
		hostMemoryCosts(), localCosts(), valueCosts(), nestingCosts(), sizeCosts(), listCosts(),
		straightCosts(), instanceCosts(), stackCosts(), priceCosts(), extismCosts(), extismBombs(), foundCosts(),
	)
}

func (c *costly) wasm(t *testing.T) []byte {
	t.Helper()
	if c.found != "" {
		return c.fromRecipe(t)
	}
	var g guest
	c.guest(&g)
	m := healthyManifest()
	m.Publisher, m.Name = "mallory", "costly"
	m.Limits = abi.Limits{MemoryBytes: memoryBytes, Fuel: fuel, TimeoutMillis: abi.MaxTimeoutMillis}
	if g.extism {
		m.Transport = abi.TransportExtism
	}
	if c.manifest != nil {
		c.manifest(m)
	}
	return withManifest(g.bytes(), string(m.CanonicalJSON()))
}

// fromRecipe returns the module of a search.
func (c *costly) fromRecipe(t *testing.T) []byte {
	t.Helper()
	recipe, err := shape.Parse(c.found)
	if err != nil {
		t.Fatal(err)
	}
	wasm, err := recipe.Bytes(shape.Forever, abi.Limits{MemoryBytes: abi.MaxMemoryBytes, Fuel: fuel, TimeoutMillis: abi.MaxTimeoutMillis})
	if err != nil {
		t.Fatal(err)
	}
	return wasm
}

// TestCost loads and calls each module in a process of its own.
func TestCost(t *testing.T) {
	builtin := loadOfBuiltin(t)
	var mu sync.Mutex
	refusals := map[string]string{}
	t.Run("module", func(t *testing.T) {
		for _, c := range costs() {
			t.Run(c.name, func(t *testing.T) {
				t.Parallel()
				report := c.measure(t)
				c.judgeLoad(t, report, builtin)
				if report.Load.Class == "" {
					c.judgeCalls(t, report)
					return
				}
				mu.Lock()
				defer mu.Unlock()
				refusals[c.name] = report.Load.Error
			})
		}
	})
	golden.Check(t, "testdata/refusals.txt", lines(refusals))
}

// loadOfBuiltin returns the processor time that loading a built-in plugin takes, the least of
// three.
func loadOfBuiltin(t *testing.T) time.Duration {
	t.Helper()
	modules, err := builtins.Modules()
	if err != nil {
		t.Fatal(err)
	}
	least := time.Duration(1<<63 - 1)
	for range 3 {
		report, err := probe.Run(t.Context(), probe.Task{Wasm: modules["network-policy"].Wasm(), LoadOnly: true})
		if err != nil {
			t.Fatal(err)
		}
		if report.Killed != "" || report.Load.Class != "" {
			t.Fatalf("the built-in plugin does not load: %+v", report)
		}
		least = min(least, report.Load.CPU)
	}
	return least
}

func (c *costly) measure(t *testing.T) *probe.Report {
	t.Helper()
	task := probe.Task{Wasm: c.wasm(t), Calls: manyCalls, Fuel: againFuel, MaxCPU: 10 * time.Second}
	if c.calls > 0 {
		task.Calls = c.calls
	}
	switch {
	case c.kind == kindStraight:
		task.FuelSlice, task.Fuel = 1, littleFuel
	case !slices.Equal(c.ends, spends):
		// It must come to its own end.
		task.Fuel = 0
	}
	if os.Getenv("CI") == "night" {
		task.Calls, task.MaxCPU = manyCalls, 10*time.Minute
	}
	report, err := probe.Run(t.Context(), task)
	if err != nil {
		t.Fatal(err)
	}
	if report.Killed != "" {
		t.Fatalf("%s: the process died in the phase %s", c.reason, report.Killed)
	}
	return report
}

// endings returns what the first call and those after it may end with.
func (c *costly) endings() (first, again []probe.Class) {
	first, again = c.ends, c.again
	if len(first) == 0 {
		first = []probe.Class{""}
	}
	if len(again) == 0 {
		again = first
	}
	return first, again
}

// position is how a refusal says where in the module.
var position = regexp.MustCompile(`byte \d+|function \d+|segment \d+`)

func (c *costly) judgeLoad(t *testing.T, report *probe.Report, builtin time.Duration) {
	t.Helper()
	load := report.Load
	switch {
	case load.Class == "":
	case load.Class != probe.Contract:
		t.Errorf("%s: loading ended with %s", c.reason, load.Error)
	case !position.MatchString(load.Error):
		t.Errorf("the message does not say where: %s", load.Error)
	}
	presentable(t, load.Error)
	if load.Peak > maxLoadBytes {
		t.Errorf("loading took %d MiB, at most %d are allowed", load.Peak>>20, maxLoadBytes>>20)
	}
	if load.CPU > maxLoadRatio*builtin {
		t.Errorf("loading took %.1f times as long as a built-in plugin, at most %d are allowed",
			float64(load.CPU)/float64(builtin), maxLoadRatio)
	}
	if load.Healthy != "" {
		t.Errorf("the host does not serve the next call: %s", load.Healthy)
	}
}

func (c *costly) judgeCalls(t *testing.T, report *probe.Report) {
	t.Helper()
	m, err := abi.ParseManifest(manifestOf(t, c.wasm(t)))
	if err != nil {
		t.Fatal(err)
	}
	limits := m.Limits
	first, again := c.endings()
	for _, p := range []struct {
		name        string
		phase       probe.Phase
		ends        []probe.Class
		calls, kept int64
	}{
		{"the first call", report.First, first, 1, maxIdleBytes + limits.MemoryBytes},
		{"the last call", report.Again, again, manyCalls, maxKeptBytes},
	} {
		if !slices.Contains(p.ends, p.phase.Class) {
			t.Errorf("%s: %s ended with %q (%s), must be one of %q", c.reason, p.name, p.phase.Class, p.phase.Error, p.ends)
		}
		presentable(t, p.phase.Error)
		if p.phase.Fuel > p.calls*limits.Fuel {
			t.Errorf("%s spent %d of %d units of fuel", p.name, p.phase.Fuel, p.calls*limits.Fuel)
		}
		if most := c.callBytes(limits); p.phase.Peak > most {
			t.Errorf("%s took %d MiB, at most %d are allowed", p.name, p.phase.Peak>>20, most>>20)
		}
		if p.phase.Kept > p.kept {
			t.Errorf("%s left %d MiB, at most %d are allowed", p.name, p.phase.Kept>>20, p.kept>>20)
		}
		if c.kind == kindStraight && p.phase.Class == "" && p.phase.Fuel > p.phase.Checks*maxUnchecked {
			t.Errorf("%s spent %d units of fuel with %d checks", p.name, p.phase.Fuel, p.phase.Checks)
		}
		if p.phase.Healthy != "" {
			t.Errorf("after %s the host does not serve the next: %s", p.name, p.phase.Healthy)
		}
	}
}

// callBytes returns how much memory a call may take.
func (c *costly) callBytes(l abi.Limits) uint64 {
	if c.kind == kindStack {
		return maxStackBytes
	}
	return uint64(l.MemoryBytes) + maxCallBytes
}

// manifestOf returns the manifest section of a module.
func manifestOf(t *testing.T, wasm []byte) []byte {
	t.Helper()
	section, err := release.ManifestSection(wasm)
	if err != nil {
		t.Fatal(err)
	}
	return section
}

// lines returns the texts by name.
func lines(texts map[string]string) string {
	var all strings.Builder
	for _, name := range slices.Sorted(maps.Keys(texts)) {
		fmt.Fprintf(&all, "%s: %s\n", name, texts[name])
	}
	return all.String()
}

// TestCostsAreEnough keeps cases from getting lost: each kind has at least five, each name is there
// once.
func TestCostsAreEnough(t *testing.T) {
	const least = 5
	names, kinds := map[string]bool{}, map[string]int{}
	for _, c := range costs() {
		if names[c.name] || c.reason == "" {
			t.Errorf("%q is not the only one of its name, or has no reason", c.name)
		}
		names[c.name] = true
		kinds[c.kind]++
	}
	for _, kind := range []string{kindHostMemory, kindCompile, kindStraight, kindInstance, kindStack, kindPrice, kindExtism, kindFound} {
		if kinds[kind] < least {
			t.Errorf("%s: %d modules, at least %d are wanted", kind, kinds[kind], least)
		}
	}
}
