package main

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// wasip1 is the environment that a guest is built in.
func wasip1() []string { return []string{"GOOS=wasip1", "GOARCH=wasm", "CGO_ENABLED=0"} }

// buildGuest builds a main package of this module as a library whose exports are called.
func buildGuest(ctx context.Context, out, pkg string) error {
	return goBuild(ctx, wasip1(), out, pkg, "-buildmode=c-shared")
}

// goBuild builds a main package, stripped as releases are. Paths are left in: without them every
// package of the peers would be compiled once more than vet and the tests did.
func goBuild(ctx context.Context, env []string, out, pkg string, flags ...string) error {
	if err := os.MkdirAll(filepath.Dir(out), 0o755); err != nil {
		return err
	}
	args := append([]string{"build", "-ldflags=-s -w", "-o", out}, flags...)
	_, err := command(ctx, env, "go", append(args, pkg)...)
	return err
}

// command runs a command in the working directory, with more environment, and returns its output.
func command(ctx context.Context, env []string, name string, args ...string) ([]byte, error) {
	return execute(exec.CommandContext(ctx, name, args...), env)
}

// commandIn runs a command in a folder and returns its output.
func commandIn(ctx context.Context, dir, name string, args ...string) ([]byte, error) {
	cmd := exec.CommandContext(ctx, name, args...)
	cmd.Dir = dir
	return execute(cmd, nil)
}

func execute(cmd *exec.Cmd, env []string) ([]byte, error) {
	cmd.Env = append(os.Environ(), env...)
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	if err := cmd.Run(); err != nil {
		return nil, fmt.Errorf("%s: %w\n%s%s", strings.Join(cmd.Args, " "), err, stdout.Bytes(), stderr.Bytes())
	}
	return stdout.Bytes(), nil
}
