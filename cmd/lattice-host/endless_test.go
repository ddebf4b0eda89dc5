package main

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/latticenet/lattice-host/abi"
	"github.com/latticenet/lattice-host/internal/problem"
	"github.com/latticenet/lattice-host/wasm-tests/wasmbuild"
)

// endlessFuel is what the plugin that may run out of fuel gets: a tenth of a second's worth or so.
const endlessFuel = 100_000_000

// silentModule returns a plugin that the sandbox takes and that answers nothing.
func silentModule() []byte {
	m := silent()
	return m.Bytes()
}

// slowModule returns one that takes a compiler many seconds.
func slowModule() []byte {
	const depth = 9000
	m := silent()
	m.Function(nil, nil, 1, append(bytes.Repeat([]byte{wasmbuild.Loop, wasmbuild.NoResult}, depth),
		bytes.Repeat([]byte{wasmbuild.LocalGet, 0, wasmbuild.BrIf, 0, wasmbuild.End}, depth)...))
	return m.Bytes()
}

func silent() *wasmbuild.Module {
	var m wasmbuild.Module
	m.Memory(1, 1)
	m.Export(abi.ExportMemory, wasmbuild.Memory, 0)
	m.Export(abi.ExportAlloc, wasmbuild.Function, m.Function([]byte{wasmbuild.I32}, []byte{wasmbuild.I32}, 0, wasmbuild.Int32(4096)))
	m.Export(abi.ExportCall, wasmbuild.Function,
		m.Function([]byte{wasmbuild.I32, wasmbuild.I32, wasmbuild.I32}, []byte{wasmbuild.I64}, 0, wasmbuild.Int64(0)))
	return &m
}

// endlessModule logs that it spins and then does.
func endlessModule() []byte {
	const at, text = 1024, "spinning"
	i32 := []byte{wasmbuild.I32}
	i32x3 := []byte{wasmbuild.I32, wasmbuild.I32, wasmbuild.I32}
	var m wasmbuild.Module
	log := m.ImportFunction(abi.ImportModule, abi.ImportLog, i32x3, nil)
	m.Memory(1, 1)
	m.Data(at, []byte(text))
	m.Export(abi.ExportMemory, wasmbuild.Memory, 0)
	m.Export(abi.ExportAlloc, wasmbuild.Function, m.Function(i32, i32, 0, wasmbuild.Int32(4096)))
	m.Export(abi.ExportCall, wasmbuild.Function, m.Function(i32x3, []byte{wasmbuild.I64}, 0, wasmbuild.Body(
		wasmbuild.Int32(1), wasmbuild.Int32(at), wasmbuild.Int32(int32(len(text))), wasmbuild.Call, wasmbuild.Unsigned(log),
		wasmbuild.Loop, wasmbuild.NoResult, wasmbuild.Br, 0, wasmbuild.End, wasmbuild.Unreachable)))
	return m.Bytes()
}

// endlessWorld is an installation of a plugin with an endless loop.
type endlessWorld struct{ dir, home string }

func newEndlessWorld(t *testing.T, limits string) *endlessWorld {
	t.Helper()
	w := &endlessWorld{dir: t.TempDir()}
	w.home = w.file("home")
	for name, text := range map[string]string{
		"spin/plugin.yaml": "{schema: lattice.manifest.v1, publisher: acme, name: spin, version: 1.0.0, abi: 1, encoding: json, " +
			"derives: [{group: lattice.dev, kind: LatticeMeshMember, covers: [mesh]}], limits: " + limits + "}",
		"raw.wasm": string(endlessModule()),
		"pipeline.yaml": "apiVersion: lattice.dev/v1\nkind: Pipeline\nmetadata: {name: spin}\n" +
			"spec: {for: {group: lattice.dev, kind: LatticeMeshMember}, steps: [{name: spin, plugin: spin}]}\n",
		"member.yaml": "apiVersion: lattice.dev/v1alpha1\nkind: LatticeMeshMember\nmetadata: {name: a, namespace: b}\n" +
			"spec: {target: {selector: {x: y}}, ports: [{name: p, port: 80}]}\n",
	} {
		if err := os.MkdirAll(filepath.Dir(w.file(name)), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(w.file(name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	must(t, "key", "new", "acme", "--unencrypted", "--dir", w.dir)
	must(t, "plugin", "build", w.file("spin"), "--module", w.file("raw.wasm"), "-O", w.file("spin.wasm"))
	must(t, "plugin", "sign", w.file("spin.wasm"), "--key", w.file("acme.key"))
	must(t, "index", "init", w.file("index"), "--keys", w.file("keys"), "--unencrypted")
	must(t, "index", "add", w.file("index"), w.file("spin.wasm"), "--keys", w.file("keys"), "--publisher-key", w.file("acme.pub"))
	must(t, "--home", w.home, "index", "trust", w.file("keys/root.json"), "--location", w.file("index"))
	must(t, "--home", w.home, "install", "--all", "--activate")
	return w
}

func (w *endlessWorld) file(name string) string {
	return filepath.Join(w.dir, filepath.FromSlash(name))
}

func (w *endlessWorld) derive() []string {
	return []string{"--home", w.home, "derive", "-v", "-f", w.file("member.yaml"), "--pipeline", w.file("pipeline.yaml")}
}

// program returns the real program as a process of its own.
func (w *endlessWorld) program(ctx context.Context, t *testing.T, args ...string) *exec.Cmd {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	c := exec.CommandContext(ctx, self, args...)
	// TestMain takes the program for what it is called.
	c.Args[0] = "lattice-host"
	c.Env = append(os.Environ(), "LATTICE_CACHE="+w.file("cache"))
	return c
}

// exitCodeOf returns the exit code of a process that has ended.
func exitCodeOf(t *testing.T, err error) int {
	t.Helper()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		t.Fatal(err)
	}
	if exit == nil {
		return 0
	}
	return exit.ExitCode()
}

// patience bounds what should take a moment.
const patience = 20 * time.Second

// TestEndlessPluginRunsOutOfFuel lets a plugin with an endless loop run: it is blamed, and the fuel
// that it was given named.
func TestEndlessPluginRunsOutOfFuel(t *testing.T) {
	t.Parallel()
	w := newEndlessWorld(t, fmt.Sprintf("{fuel: %d}", endlessFuel))
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	var stderr strings.Builder
	c := w.program(ctx, t, w.derive()...)
	c.Stderr = &stderr
	stdout, err := c.Output()
	if code := exitCodeOf(t, err); code != problem.Plugin.Exit() || len(stdout) > 0 {
		t.Errorf("exit code %d, want %d; it printed %q", code, problem.Plugin.Exit(), stdout)
	}
	want := fmt.Sprintf("out of fuel: it spent its %d units of fuel (limits.fuel of the manifest)\n", endlessFuel)
	if !strings.HasSuffix(stderr.String(), want) || !strings.Contains(stderr.String(), "acme/spin@1.0.0") {
		t.Errorf("standard error is %q, must name the plugin and end with %q", stderr.String(), want)
	}
}

// TestEndlessPluginIsInterrupted sends the signals of Ctrl-C and of a service manager to the
// program while its plugin is in an endless loop with more fuel than it can spend.
func TestEndlessPluginIsInterrupted(t *testing.T) {
	t.Parallel()
	w := newEndlessWorld(t, fmt.Sprintf("{fuel: %d, timeoutMillis: %d}", int64(abi.MaxFuel), abi.MaxTimeoutMillis))
	for _, signal := range []os.Signal{os.Interrupt, syscall.SIGTERM} {
		t.Run(signal.String(), func(t *testing.T) {
			ctx, cancel := context.WithTimeout(t.Context(), patience)
			defer cancel()
			c := w.program(ctx, t, w.derive()...)
			stderr, err := c.StderrPipe()
			if err != nil {
				t.Fatal(err)
			}
			if err := c.Start(); err != nil {
				t.Fatal(err)
			}
			lines := bufio.NewReader(stderr)
			first, err := lines.ReadString('\n')
			if err != nil || !strings.HasSuffix(first, "spinning\n") {
				t.Errorf("the plugin does not say that it runs: %q, %v", first, err)
			}
			begin := time.Now()
			if err := c.Process.Signal(signal); err != nil {
				t.Fatal(err)
			}
			rest, err := io.ReadAll(lines)
			if err != nil {
				t.Fatal(err)
			}
			code := exitCodeOf(t, c.Wait())
			t.Logf("it ended %s after the signal", time.Since(begin))
			if code != problem.Interrupted.Exit() || string(rest) != "interrupted\n" {
				t.Errorf("exit code %d, want %d; it said %q", code, problem.Interrupted.Exit(), rest)
			}
		})
	}
}
