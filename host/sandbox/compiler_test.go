package sandbox

import (
	"bytes"
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/latticenet/lattice-host/wasm-tests/wasmbuild"
)

// slowModule returns a plugin of some 100 KB that takes about as long to compile as is allowed.
func slowModule() []byte {
	loop := wasmbuild.Body(wasmbuild.Loop, wasmbuild.NoResult, wasmbuild.LocalGet, 0, wasmbuild.BrIf, 0, wasmbuild.End)
	g := guestModule{answer: "{}"}
	for range 11 {
		g.Function(nil, nil, 1, bytes.Repeat(loop, 1100))
	}
	g.Function(nil, nil, 0, bytes.Repeat([]byte{0x01}, 20_000))
	return g.build()
}

// nestedLoops adds a function that takes the engine many seconds.
func nestedLoops(g *guestModule) {
	const depth = 9000
	g.Function(nil, nil, 1, append(bytes.Repeat([]byte{wasmbuild.Loop, wasmbuild.NoResult}, depth),
		bytes.Repeat([]byte{wasmbuild.LocalGet, 0, wasmbuild.BrIf, 0, wasmbuild.End}, depth)...))
}

// waitForChild waits until this process has one that compiles.
func waitForChild(t *testing.T, dir string) {
	t.Helper()
	for deadline := time.Now().Add(time.Minute); time.Now().Before(deadline); time.Sleep(time.Millisecond) {
		if found, _ := filepath.Glob(filepath.Join(dir, "code-1", "scratch", "*", "compile-*", "*")); len(found) > 0 {
			return
		}
	}
	t.Fatal("nothing was compiled within a minute")
}

// TestCompileIsInterrupted proves that Load returns when its context ends, long before the module
// is compiled, that the process is gone then, and that nothing is left.
func TestCompileIsInterrupted(t *testing.T) {
	t.Parallel()
	for name, compiler := range map[string][]string{"InAProcess": ownCompiler(), "InThisProcess": {}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			whole, left, err := loadSlow(t.Context(), t, compiler, func() {})
			if err != nil || left != 1 {
				t.Fatalf("got %v, and %d modules are kept", err, left)
			}
			ctx, cancel := context.WithCancel(t.Context())
			late, left, err := loadSlow(ctx, t, compiler, cancel)
			if !errors.Is(err, context.Canceled) || errors.Is(err, ErrPlugin) {
				t.Errorf("got %v", err)
			}
			// The engine ends between two of the module's functions, a process at once.
			if late > whole/2 {
				t.Errorf("compiling ended %v after the end of its context, and takes %v", late, whole)
			}
			if left > 0 {
				t.Errorf("%d modules are kept", left)
			}
		})
	}
}

// loadSlow loads a module that compiles slowly, and calls began when that has begun. It returns how
// long it took from then on until nothing of it runs, and how many modules the cache has at the
// end.
func loadSlow(ctx context.Context, t *testing.T, compiler []string, began func()) (took time.Duration, kept int, err error) {
	t.Helper()
	dir := t.TempDir()
	r, err := New(t.Context(), Config{CacheDir: dir, Compiler: compiler})
	if err != nil {
		t.Fatal(err)
	}
	var at atomic.Int64
	go func() {
		waitForChild(t, dir)
		at.Store(time.Now().UnixNano())
		began()
	}()
	_, err = r.Load(ctx, sign(t, jsonManifest(), slowModule()))
	if err := r.Close(t.Context()); err != nil {
		t.Error(err)
	}
	took = time.Since(time.Unix(0, at.Load()))
	return took, len(entries(t, dir)), err
}

// TestCompileBudget proves what the author reads when the process that compiles takes more than its
// budget, and that nothing stays. The budget is far below what the module needs.
func TestCompileBudget(t *testing.T) {
	t.Parallel()
	g := guestModule{answer: "{}"}
	nestedLoops(&g)
	bomb := g.build()
	for _, c := range []struct {
		reason string
		budget compileBudget
		want   string
	}{
		{"memory", compileBudget{memory: 24 << 20, seconds: 60}, "compiling it took more than 24 MiB of memory"},
		{"processor time", compileBudget{memory: 1 << 30, seconds: 1}, "compiling it took more than 1 seconds of processor time"},
	} {
		t.Run(c.reason, func(t *testing.T) {
			t.Parallel()
			r := newRuntime(t, Config{CacheDir: t.TempDir()})
			_, err := r.runCompiler(t.Context(), t.TempDir(), bomb, c.budget)
			// With the race detector, its own allocations may be the first that fail; those of a handler of signals may be, too.
			other := err != nil && (strings.Contains(err.Error(), "ThreadSanitizer failed to allocate") ||
				strings.Contains(err.Error(), "perhaps for want of memory"))
			if err == nil || err.Error() != c.want && !other {
				t.Fatalf("got %v, want %s", err, c.want)
			}
			if err := compileError(t.Context(), err); !errors.Is(err, ErrContract) {
				t.Errorf("the plugin is not to blame: %v", err)
			}
		})
	}
}

// TestCompilerFails proves what happens when the program that compiles cannot be started, fails or
// is killed.
func TestCompilerFails(t *testing.T) {
	t.Parallel()
	guest := func() []byte {
		g := guestModule{answer: "{}"}
		return g.build()
	}
	shell, err := exec.LookPath("sh")
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		reason   string
		compiler []string
		// want is in the error, log in a warning; the plugin loads when want is empty.
		want, log string
	}{
		{"no such program", []string{filepath.Join(t.TempDir(), "none")}, "", "no such file or directory, so that it is done in this process"},
		{"refused", []string{shell, "-c", "echo bad type >&2; exit 3"}, "breaks the contract: module: bad type", ""},
		{"no disk", []string{shell, "-c", "echo disk full >&2; exit 4"}, "", "disk full, so that acme/web@1.2.3 is compiled again in every process"},
		{"out of memory", []string{shell, "-c", "echo 'fatal error: runtime: out of memory' >&2; exit 2"}, "breaks the contract: module: compiling it took more than", ""},
		{"crashed", []string{shell, "-c", "kill -SEGV $$"}, "breaks the contract: module: the process that compiled it crashed, perhaps for want of memory", ""},
		{"killed", []string{shell, "-c", "kill -9 $$"}, "breaks the contract: module: the process that compiled it was killed, perhaps for want of memory", ""},
		{"broken", []string{shell, "-c", "echo panic: x >&2; exit 2"}, "breaks the contract: module: the process that compiled it failed (exit status 2): panic: x", ""},
		{"talkative", []string{shell, "-c", "yes >&2 & sleep 0.2; kill $!; exit 3"}, "breaks the contract: module: y", ""},
	} {
		t.Run(c.reason, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			var log messages
			r, err := New(t.Context(), Config{CacheDir: dir, Compiler: c.compiler, Log: log.add})
			if err != nil {
				t.Fatal(err)
			}
			_, err = r.Load(t.Context(), sign(t, jsonManifest(), guest()))
			switch {
			case c.want == "" && err != nil, c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want) || !errors.Is(err, ErrContract)):
				t.Errorf("got %v, want %q", err, c.want)
			}
			if warned := strings.Join(log.texts(), "\n"); !strings.Contains(warned, c.log) || c.log == "" && warned != "" {
				t.Errorf("warnings %q, want %q", warned, c.log)
			}
			if err := r.Close(t.Context()); err != nil {
				t.Error(err)
			}
			entries(t, dir)
		})
	}
}

// TestCompilerSeesNothing proves that the process gets nothing of the environment.
func TestCompilerSeesNothing(t *testing.T) {
	t.Parallel()
	env, err := exec.LookPath("env")
	if err != nil {
		t.Fatal(err)
	}
	out := filepath.Join(t.TempDir(), "env")
	r := newRuntime(t, Config{CacheDir: t.TempDir(), Compiler: []string{"/bin/sh", "-c", env + " > " + out + "; exit 3"}})
	if _, err := r.Load(t.Context(), sign(t, jsonManifest(), slowModule())); !errors.Is(err, ErrContract) {
		t.Fatal(err)
	}
	got, err := os.ReadFile(out)
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(got)) {
		if name, _, _ := strings.Cut(line, "="); name != compilingVariable && name != "PWD" && name != "_" && name != "SHLVL" && name != "OLDPWD" {
			t.Errorf("the process sees %s", line)
		}
	}
}

// TestCompileMainRefuses proves that the process refuses what no host gives it.
func TestCompileMainRefuses(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	for _, c := range []struct {
		reason string
		args   []string
		stdin  string
		code   int
		want   string
	}{
		{"no arguments", nil, "", compileFailed, "got 0 arguments, want a folder, bytes and seconds\n"},
		{"no number", []string{dir, "x", "1"}, "", compileFailed, `strconv.ParseInt: parsing "x": invalid syntax` + "\n"},
	} {
		var stderr bytes.Buffer
		if code := CompileMain(c.args, strings.NewReader(c.stdin), &stderr); code != c.code || stderr.String() != c.want {
			t.Errorf("%s: got %d and %q, want %d and %q", c.reason, code, stderr.String(), c.code, c.want)
		}
	}
	for _, stdin := range []string{"", "\x00\x00\x00\x00\x00\x00\x00\x05abc", "\xff\xff\xff\xff\xff\xff\xff\xff"} {
		if _, err := readModule(strings.NewReader(stdin)); err == nil {
			t.Errorf("%q was read", stdin)
		}
	}
}

// TestCheck proves that what cannot be compiled is refused without the engine, and that the
// estimate is a property of the module.
func TestCheck(t *testing.T) {
	t.Parallel()
	manifest := jsonManifest()
	good := sign(t, manifest, slowModule()).Wasm()
	info, err := Check(manifest, good)
	if err != nil {
		t.Fatal(err)
	}
	if info.Class != ClassSmall || info.Millis <= 0 || info.MemoryBytes <= 0 {
		t.Errorf("got %+v", info)
	}
	inspected, err := Inspect(good)
	if err != nil || inspected.Compile == nil || *inspected.Compile != info {
		t.Errorf("Inspect says %+v, %v; Check says %+v", inspected.Compile, err, info)
	}
	g := guestModule{answer: "{}"}
	nestedLoops(&g)
	bad := sign(t, manifest, g.build()).Wasm()
	_, err = Check(manifest, bad)
	const want = "at most 1.5s is allowed for one function"
	if !errors.Is(err, ErrContract) || !strings.Contains(err.Error(), want) {
		t.Errorf("got %v, want %q", err, want)
	}
	if inspected, err := Inspect(bad); err != nil || inspected.Compile != nil || !strings.Contains(inspected.CompileError, want) {
		t.Errorf("Inspect says %+v, %v", inspected, err)
	}
}
