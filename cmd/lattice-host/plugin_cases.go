package main

import (
	"context"
	"crypto/rand"
	"errors"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"

	"github.com/latticenet/lattice-host/abi"
	"github.com/latticenet/lattice-host/abi/contract"
	"github.com/latticenet/lattice-host/host/conformance"
	"github.com/latticenet/lattice-host/host/engine"
	"github.com/latticenet/lattice-host/host/pipeline"
	"github.com/latticenet/lattice-host/host/resource"
	"github.com/latticenet/lattice-host/host/sandbox"
	"github.com/latticenet/lattice-host/internal/kind"
	"github.com/latticenet/lattice-host/internal/problem"
	"github.com/latticenet/lattice-host/registry/lock"
	"github.com/latticenet/lattice-host/registry/market"
	"github.com/latticenet/lattice-host/registry/pack"
	"github.com/latticenet/lattice-host/registry/release"
)

// caseUsage is what a plugin took for one case.
type caseUsage struct {
	Name string `json:"name"`
	// Calls counts the calls of the plugin, Fuel is what all of them took, CallFuel the most that
	// one did.
	Calls    int   `json:"calls"`
	Fuel     int64 `json:"fuel"`
	CallFuel int64 `json:"callFuel"`
	// MemoryBytes, RequestBytes and AnswerBytes are the most of one call.
	MemoryBytes  uint64 `json:"memoryBytes"`
	RequestBytes int    `json:"requestBytes"`
	AnswerBytes  int    `json:"answerBytes"`
	// StandIns are plugins of the case's pipelines that are not installed: the plugin did not see
	// what they answer.
	StandIns []string `json:"standIns"`
	// Error says why a call failed, or why the plugin was not called.
	Error string `json:"error,omitempty"`
}

func (u *caseUsage) add(c *sandbox.Call) {
	u.Calls++
	u.Fuel += c.Usage.Fuel
	u.CallFuel = max(u.CallFuel, c.Usage.Fuel)
	u.MemoryBytes = max(u.MemoryBytes, c.Usage.MemoryBytes)
	u.RequestBytes = max(u.RequestBytes, c.RequestBytes)
	u.AnswerBytes = max(u.AnswerBytes, c.AnswerBytes)
}

func (u *caseUsage) row() []string {
	number := func(n int64) string { return strconv.FormatInt(n, 10) }
	row := []string{
		"  case", u.Name, number(int64(u.Calls)) + " calls", number(u.Fuel) + " fuel", number(u.CallFuel) + " a call",
		number(int64(u.MemoryBytes>>10)) + " KiB memory", number(int64(u.AnswerBytes)) + " bytes answered",
	}
	if len(u.StandIns) > 0 {
		row = append(row, "without "+strings.Join(u.StandIns, ", "))
	}
	if u.Error != "" {
		row = append(row, u.Error)
	}
	return row
}

// casesOf returns the folder with the cases to run: the one that was named, or that of a plugin's
// folder. Empty runs none.
func casesOf(named, plugin string) string {
	if named != "" || !isPluginFolder(plugin) {
		return named
	}
	testdata := filepath.Join(plugin, "testdata")
	if files, _ := filepath.Glob(filepath.Join(testdata, "*.txtar")); len(files) == 0 {
		return ""
	}
	return testdata
}

// isPluginFolder reports whether a folder holds the source of a plugin.
func isPluginFolder(dir string) bool {
	info, err := os.Stat(filepath.Join(dir, pack.ManifestFile))
	return err == nil && info.Mode().IsRegular()
}

// buildModule builds a plugin's folder and returns the module.
func buildModule(ctx context.Context, dir string) (wasm []byte, err error) {
	to, err := os.MkdirTemp("", "lattice-host-*")
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(to)) }()
	file := filepath.Join(to, "plugin.wasm")
	if _, err := pack.Build(ctx, pack.Options{Dir: dir, Out: file}); err != nil {
		return nil, asInput(err)
	}
	return os.ReadFile(file)
}

// caseRun runs the cases of one plugin.
type caseRun struct {
	plugin *sandbox.Plugin
	others *engine.Plugins

	mu sync.Mutex
	// now is the case that is running, failed what went wrong in any.
	now    *caseUsage
	failed []error
}

// runCases runs a module on the cases in a folder. Err tells which calls of the plugin failed; the
// usages are good all the same.
func (a *app) runCases(ctx context.Context, wasm []byte, dir string) (usages []caseUsage, err error) {
	cases, err := conformance.ReadCases(dir)
	if err != nil {
		return nil, asInput(err)
	}
	module, err := signedForNow(wasm)
	if err != nil {
		return nil, err
	}
	run := new(caseRun)
	runtime, err := sandbox.New(ctx, sandbox.Config{CacheDir: a.cacheDir(), Compiler: a.compiler, Called: run.called})
	if err != nil {
		return nil, asInput(err)
	}
	watchMemory(runtime)
	defer func() {
		if run.others != nil {
			run.others.Wait()
		}
		err = errors.Join(err, runtime.Close(context.WithoutCancel(ctx)))
	}()
	if run.plugin, err = runtime.Load(ctx, module); err != nil {
		return nil, err
	}
	brought, err := kind.ParseAll(run.plugin.Manifest())
	if err != nil {
		return nil, asInput(err)
	}
	table, err := resource.Builtin().With(brought...)
	if err != nil {
		return nil, asInput(err)
	}
	if home, err := a.openHome(); err == nil {
		installed, err := home.Snapshot(ctx, market.Policy{})
		if err != nil {
			return nil, err
		}
		run.others = engine.NewPlugins(installed, runtime, nil)
	} else if !errors.Is(err, errNoHome) {
		return nil, err
	}
	for _, c := range cases {
		c.Table = table
		usage, err := run.run(ctx, c)
		if err != nil {
			return nil, err
		}
		usages = append(usages, *usage)
	}
	return usages, errors.Join(run.failed...)
}

// signedForNow returns a module under a key that is made up and forgotten: it is run to be looked
// at, not because anybody trusts it.
func signedForNow(wasm []byte) (*release.Module, error) {
	key, err := release.GenerateKey(rand.Reader)
	if err != nil {
		return nil, err
	}
	bundle, err := release.Sign(key, wasm)
	if err != nil {
		return nil, asInput(err)
	}
	section, err := release.ManifestSection(wasm)
	if err != nil {
		return nil, asInput(err)
	}
	m, err := abi.ParseManifest(section)
	if err != nil {
		return nil, asInput(err)
	}
	return release.Verify(bundle, wasm, release.Want{
		Publisher: m.Publisher, Name: m.Name, Version: m.Version,
		Digest: release.Digest(wasm), Rule: release.AnyOf(key.Public()),
	})
}

// called counts a call, unless it is one of another plugin, or one that checks settings.
func (r *caseRun) called(c sandbox.Call) {
	m := r.plugin.Manifest()
	if c.Op != abi.OpDerive || c.Plugin != m.Publisher+"/"+m.Name {
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.now.add(&c)
	if c.Err != nil {
		r.now.Error = c.Err.Error()
		r.failed = append(r.failed, c.Err)
	}
}

// broken keeps what the plugin answered against the contract.
func (r *caseRun) broken(u *caseUsage, err error) {
	m := r.plugin.Manifest()
	for _, p := range problem.From(err) {
		var broken *contract.Problem
		if errors.As(p, &broken) && p.Plugin == m.Reference() {
			u.Error = oneLine(p)
			r.failed = append(r.failed, p)
		}
	}
}

// run derives one case. That the derivation fails, or that the document is refused, is not a
// failure of the case: it may be what the case shows. An answer that breaks the contract is one.
func (r *caseRun) run(ctx context.Context, c *conformance.Case) (*caseUsage, error) {
	usage := &caseUsage{Name: c.Name, StandIns: []string{}}
	r.begin(usage)
	kinds, err := c.Kinds()
	if err == nil {
		around := &conformance.Around{Plugin: r.plugin, Find: r.find, Kinds: kinds}
		_, err = c.Derive(ctx, around.Plugins())
		usage.StandIns = append(usage.StandIns, around.StandIns()...)
		r.broken(usage, err)
	}
	switch {
	case ctx.Err() != nil:
		return nil, ctx.Err()
	case usage.Calls == 0 && err != nil:
		usage.Error = oneLine(err)
	case usage.Calls == 0:
		usage.Error = "no step of the pipeline calls the plugin"
	}
	return usage, nil
}

func oneLine(err error) string { return strings.ReplaceAll(err.Error(), "\n", "; ") }

func (r *caseRun) begin(u *caseUsage) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.now = u
}

// find returns an installed plugin, nil when the name is not installed.
func (r *caseRun) find(ctx context.Context, name string) (pipeline.Plugin, error) {
	if r.others == nil {
		return nil, nil
	}
	p, err := r.others.Plugin(ctx, name)
	if errors.Is(err, lock.ErrNotLocked) {
		return nil, nil
	}
	return p, err
}
