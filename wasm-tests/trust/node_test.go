// Package trust holds no code: its tests have programs of others read what this project publishes. Indexes are read by
// tuf-js, release bundles by sigstore-go and @sigstore/verify, and releases are kept by the registry of the Distribution
// project. They need Node.js and large dependencies, so that they are a module of their own.
package trust

import (
	"bytes"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/latticenet/lattice-host/registry/release"
)

// tools is where make tools-trust installs what the scripts depend on.
const tools = "../../build/trust/node_modules"

// script runs one of the scripts in the folder node with input on its standard input, and reads what it prints into output.
func script(t *testing.T, name string, input, output any) {
	t.Helper()
	if _, err := os.Stat(tools); err != nil {
		t.Fatalf("run make tools-trust first, it needs Node.js 20.17 or newer and npm: %v", err)
	}
	modules, err := filepath.Abs(tools)
	check(t, err)
	// Node.js looks for modules beside the script.
	dir := t.TempDir()
	check(t, os.CopyFS(dir, os.DirFS("node")))
	check(t, os.Symlink(modules, filepath.Join(dir, "node_modules")))
	in, err := json.Marshal(input)
	check(t, err)
	cmd := exec.CommandContext(t.Context(), "node", filepath.Join(dir, name))
	cmd.Stdin = bytes.NewReader(in)
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%s: %v\n%s", name, err, stderr.Bytes())
	}
	if err := json.Unmarshal(out, output); err != nil {
		t.Fatalf("%s: %v\n%s", name, err, out)
	}
}

func check(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// key returns the key whose seed repeats the byte n.
func key(t *testing.T, n byte) release.PrivateKey {
	t.Helper()
	k, err := release.GenerateKey(bytes.NewReader(bytes.Repeat([]byte{n}, 32)))
	check(t, err)
	return k
}
