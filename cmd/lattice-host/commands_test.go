package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/latticenet/lattice-host/internal/problem"
	"github.com/latticenet/lattice-host/registry/lock"
)

// run runs one command line and returns the exit code.
func run(ctx context.Context, args []string, stdin io.Reader, stdout, stderr io.Writer) int {
	return newApp(stdin, stdout, stderr).run(ctx, args)
}

// exitCode returns the code for an error.
func exitCode(err error) int { return problem.CodeOf(err).Exit() }

func newReader(s string) io.Reader { return strings.NewReader(s) }

func invokeFrom(ctx context.Context, stdin io.Reader, args ...string) (code int, stdout, stderr string) {
	var out, errs bytes.Buffer
	code = run(ctx, args, stdin, &out, &errs)
	return code, out.String(), errs.String()
}

// goEnv returns what the go command needs in a script, whose environment is empty.
func goEnv(t *testing.T) map[string]string {
	t.Helper()
	data, err := exec.CommandContext(t.Context(), "go", "env", "-json", "GOCACHE", "GOMODCACHE", "GOPATH", "GOTOOLCHAIN").Output()
	if err != nil {
		t.Fatal(err)
	}
	env := map[string]string{}
	if err := json.Unmarshal(data, &env); err != nil {
		t.Fatal(err)
	}
	env["GOPROXY"] = "off"
	return env
}

// cmdRun is "run CODE COMMAND ARGS...": the command must exit with the code.
func cmdRun(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: run CODE COMMAND ARGS...")
	}
	want, err := strconv.Atoi(args[0])
	ts.Check(err)
	if got := runProgram(ts, args[1:]); got != want {
		ts.Fatalf("exit code %d, want %d", got, want)
	}
}

// runProgram runs a program and returns its exit code.
func runProgram(ts *testscript.TestScript, args []string) int {
	err := ts.Exec(args[0], args[1:]...)
	var exit *exec.ExitError
	if errors.As(err, &exit) {
		return exit.ExitCode()
	}
	ts.Check(err)
	return exitDone
}

// cmdSame is "same N COMMAND ARGS...": the command must succeed N times and print the same.
func cmdSame(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: same N COMMAND ARGS...")
	}
	n, err := strconv.Atoi(args[0])
	ts.Check(err)
	first := ""
	for i := range n {
		ts.Check(ts.Exec(args[1], args[2:]...))
		switch out := ts.ReadFile("stdout"); {
		case i == 0:
			first = out
		case out != first:
			ts.Fatalf("run %d printed something else", i+1)
		}
	}
}

// cmdMask is "mask FILE": it writes FILE.masked, in which what differs between machines and
// compilers is replaced.
func cmdMask(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 {
		ts.Fatalf("usage: mask FILE")
	}
	text := ts.ReadFile(args[0])
	for _, name := range []string{"WORK", "DEMOHOME", "PLUGINS", "INDEX", "KEYS", "SOURCES", "EXAMPLES"} {
		text = strings.ReplaceAll(text, ts.Getenv(name), "$"+name)
	}
	for _, m := range []struct{ pattern, with string }{
		{`sha256:[0-9a-f]{12,64}`, "sha256:…"},
		{`ed25519-[0-9a-f]{16}`, "ed25519-…"},
		{`[0-9a-f]{64}`, "…"},
		{`decision-[0-9a-f]{16}`, "decision-…"},
		{`(builtin/[a-z-]+\.(?:yaml|cedar|rego)):[0-9]+:[0-9]+`, "$1:…"},
		{`go1\.[0-9]+(\.[0-9]+)?`, "go…"},
		{`"size": [0-9]+`, `"size": …`},
		{`[0-9]+ bytes`, "… bytes"},
	} {
		text = regexp.MustCompile(m.pattern).ReplaceAllString(text, m.with)
	}
	ts.Check(os.WriteFile(ts.MkAbs(args[0]+".masked"), []byte(text), 0o644))
}

// cmdFlip is "flip FILE": it changes one bit in the middle of a file.
func cmdFlip(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 {
		ts.Fatalf("usage: flip FILE")
	}
	ts.Check(flip(ts.MkAbs(args[0])))
}

func flip(file string) error {
	data, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	data[len(data)/2] ^= 1
	return os.WriteFile(file, data, 0o644)
}

// cmdEachBlob is "eachblob PLUGIN... -- COMMAND ARGS...": it changes one byte of each file of the
// plugins in a copy of $DEMOHOME, one after the other, and runs the command, which must exit with
// 11, name the plugin and print nothing.
func cmdEachBlob(ts *testscript.TestScript, neg bool, args []string) {
	split := slices.Index(args, "--")
	if neg || split < 1 || split == len(args)-1 {
		ts.Fatalf("usage: eachblob PLUGIN... -- COMMAND ARGS...")
	}
	l, err := lock.Read(filepath.Join(ts.Getenv("DEMOHOME"), lock.FileName))
	ts.Check(err)
	for _, name := range args[:split] {
		p, err := l.Find(name)
		ts.Check(err)
		for _, digest := range []string{p.Digest, p.Bundle} {
			checkFlipped(ts, p, digest, args[split+1:])
		}
	}
}

func checkFlipped(ts *testscript.TestScript, p lock.Plugin, digest string, command []string) {
	home, err := os.MkdirTemp(ts.MkAbs("."), "flipped-")
	ts.Check(err)
	ts.Check(os.CopyFS(home, os.DirFS(ts.Getenv("DEMOHOME"))))
	ts.Check(flip(filepath.Join(home, "store", "blobs", "sha256", strings.TrimPrefix(digest, "sha256:"))))
	code := runProgram(ts, append(slices.Clone(command), "--home", home))
	if code != problem.Untrusted.Exit() {
		ts.Fatalf("%s with a changed %s: exit code %d, want %d", p.Reference(), digest, code, problem.Untrusted.Exit())
	}
	if stderr := ts.ReadFile("stderr"); !strings.Contains(stderr, p.Reference()+": "+p.Digest) {
		ts.Fatalf("%s with a changed %s is not named", p.Reference(), digest)
	}
	if command[1] != "verify" && ts.ReadFile("stdout") != "" {
		ts.Fatalf("%s with a changed %s: something was printed", p.Reference(), digest)
	}
}

// cmdMake is "make KIND FILE": it makes a file that cannot be written in a script.
func cmdMake(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: make KIND FILE")
	}
	file := ts.MkAbs(args[1])
	if args[0] == "latticenet" {
		ts.Check(makeLatticeNet(file))
		return
	}
	if args[0] == "socket" {
		listener, err := (&net.ListenConfig{}).Listen(context.Background(), "unix", file)
		ts.Check(err)
		ts.Defer(func() { _ = listener.Close() })
		return
	}
	content, ok := map[string]func() string{
		"large": func() string { return strings.Repeat("# twenty million bytes of comment\n", 20_000_000/34) },
		"many":  manyDocuments,
		"deep":  func() string { return strings.Repeat("[", 10_000) + strings.Repeat("]", 10_000) },
		"indented": func() string {
			var b strings.Builder
			for i := range 10_000 {
				fmt.Fprintf(&b, "%sa:\n", strings.Repeat(" ", min(i, 400)))
			}
			return b.String()
		},
		"bomb":   bomb,
		"nul":    func() string { return "kind: Lattice\x00Service\n" },
		"empty":  func() string { return "" },
		"module": func() string { return string(silentModule()) },
		"slow":   func() string { return string(slowModule()) },
	}[args[0]]
	if !ok {
		ts.Fatalf("make: unknown kind %s", args[0])
	}
	ts.Check(os.WriteFile(file, []byte(content()), 0o644))
}

// manyDocuments returns ten thousand documents without a fault of their own.
func manyDocuments() string {
	const image = "ghcr.io/acme/orders@sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
	const amounts = "{cpu: 100m, memory: 64Mi}"
	var b strings.Builder
	for i := range 10_000 {
		fmt.Fprintf(&b, "---\n{apiVersion: lattice.dev/v1alpha1, kind: LatticeService, metadata: {name: orders-%d}, spec: {workload: {containers: "+
			"{main: {image: '%s', resources: {requests: %s, limits: %s}}}}}}\n", i, image, amounts, amounts)
	}
	return b.String()
}

// bomb returns anchors that stand for a thousand million values.
func bomb() string {
	text := "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n"
	for i := 1; i < 9; i++ {
		text += fmt.Sprintf("a%d: &a%d [%s*a%d]\n", i, i, strings.Repeat(fmt.Sprintf("*a%d, ", i-1), 9), i-1)
	}
	return text
}
