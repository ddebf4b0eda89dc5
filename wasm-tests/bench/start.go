//go:build !lattice_nopeers

package main

import (
	"context"
	"os"
	"path/filepath"

	"github.com/latticenet/lattice-host/wasm-tests/builtins"
)

// The bars of a derivation with every answer kept, and of one that loads and calls every plugin.
const barStart, barLoaded = 4, 3

// measureStart compares whole processes: deriving orders with everything cached, and kubectl
// telling its version.
func measureStart(ctx context.Context, f *fixture) ([]row, error) {
	kubectl := f.build("bench", "kubectl")
	if err := goBuild(ctx, nil, kubectl, "./cmd/kubectl"); err != nil {
		return nil, err
	}
	host := f.build("bench", "lattice-host")
	// With the host's own dependencies, not with this module's.
	if _, err := commandIn(ctx, f.root, "go", "build", "-trimpath", "-ldflags=-s -w", "-o", host, "./cmd/lattice-host"); err != nil {
		return nil, err
	}
	home, err := install(ctx, f, host)
	if err != nil {
		return nil, err
	}
	process := func(name string, args ...string) func() error {
		return func() error { _, err := command(ctx, f.cacheEnv(), name, args...); return err }
	}
	derive := []string{
		"derive", "--home", home, "-f", f.orders.File, "--with", f.orders.PeersFile,
	}
	version := process(kubectl, "version", "--client")
	return f.compareAll([]comparison{
		{"process: derive, all cached / kubectl version --client", barStart, pair{ours: process(host, derive...), peer: version}},
		{
			"process: derive --no-memo, compiled / kubectl version --client", barLoaded,
			pair{ours: process(host, append(derive, "--no-memo")...), peer: version},
		},
	})
}

// cacheEnv keeps what the processes cache away from the user's own cache.
func (f *fixture) cacheEnv() []string {
	return []string{"LATTICE_CACHE=" + f.build("cache", "bench-host")}
}

// install makes an installation of the built-in plugins, by the command itself, and returns its
// folder.
func install(ctx context.Context, f *fixture, host string) (home string, err error) {
	dir := f.build("bench", "installation")
	if err := os.RemoveAll(dir); err != nil {
		return "", err
	}
	home = filepath.Join(dir, "home")
	keys, index := filepath.Join(dir, "keys"), filepath.Join(dir, "index")
	key := func(name string) string { return filepath.Join(keys, name) }
	if err := os.MkdirAll(home, 0o700); err != nil {
		return "", err
	}
	steps := [][]string{{"key", "new", "lattice", "--unencrypted", "--dir", keys}}
	var modules []string
	for _, name := range builtins.Names() {
		file := filepath.Join(dir, name+".wasm")
		if err := os.WriteFile(file, f.modules[name].Wasm(), 0o644); err != nil {
			return "", err
		}
		modules = append(modules, file)
		steps = append(steps, []string{"plugin", "sign", file, "--key", key("lattice.key")})
	}
	steps = append(steps,
		[]string{"index", "init", index, "--unencrypted", "--keys", keys},
		append(append([]string{"index", "add", index}, modules...), "--keys", keys, "--publisher-key", key("lattice.pub")),
		[]string{"index", "trust", key("root.json"), "--location", index, "--home", home},
		[]string{"install", "--all", "--activate", "--home", home},
	)
	for _, args := range steps {
		if _, err := command(ctx, f.cacheEnv(), host, args...); err != nil {
			return "", err
		}
	}
	return home, nil
}
