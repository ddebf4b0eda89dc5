package sandbox

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"runtime/debug"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/latticenet/lattice-host/abi"
	"github.com/latticenet/lattice-host/host/sandbox/meter"
)

// Exit codes of [CompileMain]. The Go runtime ends a process that has no memory with 2.
const (
	compileDone = 0
	// compileRefused says that the engine refused the module, and why is on standard error.
	compileRefused = 3
	// compileFailed says that the module could not be read, or the result not be written.
	compileFailed = 4
)

// The limits of a process that compiles, as multiples of the estimate, and on top: no module that
// was compiled for the estimate came near half of that.
const (
	compileFactor      = 2
	compileBaseMemory  = 256 << 20
	compileTimeFactor  = 10
	compileBaseSeconds = 10
)

// compilingVariable marks the environment of a process that compiles: a program that does something
// else than [CompileMain] must not start further processes without end.
const compilingVariable = "LATTICE_HOST_COMPILING"

// compileGrace is how long a process may take to end after it was killed.
const compileGrace = 5 * time.Second

// compileBudget bounds a process that compiles one module.
type compileBudget struct {
	// memory is in bytes, on top of what the process has when it begins; seconds are processor
	// time.
	memory, seconds int64
}

// newCompileBudget returns the budget for a module with the estimate.
func newCompileBudget(c meter.Compile) compileBudget {
	return compileBudget{
		memory:  compileFactor*c.Memory + compileBaseMemory,
		seconds: int64(compileTimeFactor*c.Time/time.Second) + compileBaseSeconds,
	}
}

// CompileMain is all that a process does that [Config.Compiler] started: it compiles the module
// that standard input has into a folder, within a budget, and returns its exit code. It ends when
// standard input does, and thus with the host.
func CompileMain(args []string, stdin io.Reader, stderr io.Writer) int {
	dir, budget, err := compileArguments(args)
	if err != nil {
		fmt.Fprintln(stderr, err)
		return compileFailed
	}
	// Each thread has a stack of some MiB, and more than compile would only collect garbage.
	runtime.GOMAXPROCS(compilationWorkers)
	debug.SetMemoryLimit(budget.memory)
	if err := budget.limitProcess(); err != nil {
		fmt.Fprintln(stderr, err)
		return compileFailed
	}
	wasm, err := readModule(stdin)
	if err != nil {
		fmt.Fprintln(stderr, err)
		return compileFailed
	}
	go func() {
		_, _ = io.Copy(io.Discard, stdin)
		os.Exit(compileFailed)
	}()
	switch _, err := compileInto(context.Background(), dir, wasm); {
	case err == nil:
		return compileDone
	case isFileError(err):
		fmt.Fprintln(stderr, err)
		return compileFailed
	default:
		fmt.Fprintln(stderr, err)
		return compileRefused
	}
}

// arguments returns what [CompileMain] gets.
func (b compileBudget) arguments(dir string) []string {
	return []string{dir, strconv.FormatInt(b.memory, 10), strconv.FormatInt(b.seconds, 10)}
}

func compileArguments(args []string) (dir string, b compileBudget, err error) {
	if len(args) != 3 {
		return "", b, fmt.Errorf("got %d arguments, want a folder, bytes and seconds", len(args))
	}
	b.memory, err = strconv.ParseInt(args[1], 10, 64)
	if err == nil {
		b.seconds, err = strconv.ParseInt(args[2], 10, 64)
	}
	return args[0], b, err
}

// readModule reads a module that follows its length in 8 bytes.
func readModule(r io.Reader) ([]byte, error) {
	var length [8]byte
	if _, err := io.ReadFull(r, length[:]); err != nil {
		return nil, err
	}
	n := binary.BigEndian.Uint64(length[:])
	if n > meter.MaxBytes*2 {
		return nil, fmt.Errorf("a module of %d bytes is too large", n)
	}
	wasm := make([]byte, n)
	_, err := io.ReadFull(r, wasm)
	return wasm, err
}

// compileInProcess compiles a module as compileInto does, in a process that can be killed and has a
// budget. Whatever the process leaves is below dir.
func (r *Runtime) compileInProcess(ctx context.Context, dir string, m *meter.Module) (file string, err error) {
	return r.runCompiler(ctx, dir, m.Wasm, newCompileBudget(m.Compile))
}

func (r *Runtime) runCompiler(ctx context.Context, dir string, wasm []byte, budget compileBudget) (file string, err error) {
	if os.Getenv(compilingVariable) != "" {
		return "", &noProcessError{errors.New("this process was started to compile, and does not start others")}
	}
	ctx, cancel := context.WithTimeoutCause(ctx, budget.wallTime(), errCompileTime)
	defer cancel()
	command := append(r.config.Compiler[1:len(r.config.Compiler):len(r.config.Compiler)], budget.arguments(dir)...)
	cmd := exec.CommandContext(ctx, r.config.Compiler[0], command...)
	// Some programs do by their name what they do.
	cmd.Args[0] = os.Args[0]
	// Nothing else of the environment: what decides about the result is in the arguments.
	cmd.Env, cmd.Dir, cmd.WaitDelay = []string{compilingVariable + "=1"}, dir, compileGrace
	var output boundedBuffer
	cmd.Stderr = &output
	stdin, err := cmd.StdinPipe()
	if err != nil {
		return "", err
	}
	if err := cmd.Start(); err != nil {
		return "", &noProcessError{err}
	}
	// It fails when the process has ended, and that says why.
	_, _ = stdin.Write(binary.BigEndian.AppendUint64(nil, uint64(len(wasm))))
	_, _ = stdin.Write(wasm)
	ended := cmd.Wait()
	if ctx.Err() != nil {
		return "", budget.timeProblem(context.Cause(ctx))
	}
	if ended != nil {
		return "", budget.explain(cmd.ProcessState, output.String())
	}
	folder, err := onlyEntry(dir)
	if err != nil {
		return "", err
	}
	name, err := onlyEntry(filepath.Join(dir, folder))
	return filepath.Join(dir, folder, name), err
}

// errCompileTime is the cause when a process took too long.
var errCompileTime = errors.New("compiling took too long")

// noProcessError says that no process could be started, so that the module has to be compiled in
// this one.
type noProcessError struct{ error }

func (e *noProcessError) Unwrap() error { return e.error }

// wallTime is how long the process may take while others have the cores.
func (b compileBudget) wallTime() time.Duration {
	return time.Minute + 10*time.Duration(b.seconds)*time.Second
}

func (b compileBudget) timeProblem(cause error) error {
	if errors.Is(cause, errCompileTime) {
		return fmt.Errorf("compiling it took longer than %s", b.wallTime())
	}
	return cause
}

// explain says why the process failed.
func (b compileBudget) explain(state *os.ProcessState, output string) error {
	switch {
	case state.ExitCode() == compileRefused:
		return errors.New(output)
	case state.ExitCode() == compileFailed:
		return &fs.PathError{Op: "compile", Path: "scratch", Err: errors.New(output)}
	case containsAny(output, "out of memory", "cannot allocate memory", "pthread_create failed"):
		return fmt.Errorf("compiling it took more than %s of memory", byteSize(b.memory))
	case state.UserTime()+state.SystemTime() >= time.Duration(b.seconds)*time.Second:
		return fmt.Errorf("compiling it took more than %d seconds of processor time", b.seconds)
	case state.String() == "signal: killed":
		return errors.New("the process that compiled it was killed, perhaps for want of memory")
	case state.String() == "signal: segmentation fault":
		// Memory may run out where the Go runtime cannot say so, such as in its handler of signals.
		return errors.New("the process that compiled it crashed, perhaps for want of memory")
	}
	first, _, _ := strings.Cut(output, "\n")
	return fmt.Errorf("the process that compiled it failed (%s): %s", state, first)
}

// containsAny reports whether a text has one of the parts, as the Go runtime and the C library
// write them.
func containsAny(text string, parts ...string) bool {
	return slices.ContainsFunc(parts, func(part string) bool { return strings.Contains(text, part) })
}

// boundedBuffer keeps the begin of what is written to it.
type boundedBuffer struct{ kept bytes.Buffer }

func (b *boundedBuffer) Write(p []byte) (int, error) {
	b.kept.Write(p[:min(len(p), abi.MaxLogBytes-b.kept.Len())])
	return len(p), nil
}

func (b *boundedBuffer) String() string { return strings.TrimSpace(b.kept.String()) }
