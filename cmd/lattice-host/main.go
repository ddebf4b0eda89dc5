// Command lattice-host derives, from small documents that describe workloads, everything that must
// run. Signed plugins in a sandbox do the deriving; see the help text of each command.
package main

import (
	"context"
	"io"
	"os"
	"os/signal"
	"runtime"
	"syscall"
	"time"

	"github.com/latticenet/lattice-host/host/hostcall/httpget"
	"github.com/latticenet/lattice-host/host/sandbox"
)

// grace is how long an interrupted command may take to come to an end. Files appear under their
// names complete or not at all, so that nothing breaks when it takes longer.
const grace = time.Second

func main() {
	if len(os.Args) > 1 && os.Args[1] == compileCommand {
		os.Exit(sandbox.CompileMain(os.Args[2:], os.Stdin, os.Stderr))
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	// A second signal ends the process at once.
	context.AfterFunc(ctx, stop)
	a := newApp(os.Stdin, os.Stdout, os.Stderr)
	a.compiler = ownCompiler()
	os.Exit(a.run(ctx, os.Args[1:]))
}

// compileCommand is the command that no help shows: the sandbox calls it to compile a module in a
// process of its own.
const compileCommand = "compile-module"

// ownCompiler returns the command line of this program for [sandbox.Config.Compiler], nothing if it
// cannot be known.
func ownCompiler() []string {
	// A new version may have replaced the file since, but not what runs.
	program := "/proc/self/exe"
	if runtime.GOOS != "linux" {
		var err error
		if program, err = os.Executable(); err != nil {
			return nil
		}
	}
	return []string{program, compileCommand}
}

func newApp(stdin io.Reader, stdout, stderr io.Writer) *app {
	return &app{
		stdin: stdin, stdout: stdout, stderr: stderr, getenv: os.Getenv, now: time.Now, pages: httpget.New(),
		ask: terminalAsker(stdin, stderr),
	}
}

// run runs one command line and returns the exit code. It returns soon after ctx is done, even
// while reading from a pipe that no one writes to.
func (a *app) run(ctx context.Context, args []string) int {
	root := newRoot(a)
	root.SetArgs(args)
	a.args = args
	done := make(chan error, 1)
	go func() { done <- root.ExecuteContext(ctx) }()
	select {
	case err := <-done:
		return a.finish(ctx, err)
	case <-ctx.Done():
	}
	select {
	case err := <-done:
		return a.finish(ctx, err)
	case <-time.After(grace):
		return a.finish(ctx, context.Cause(ctx))
	}
}
