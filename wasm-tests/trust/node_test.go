// Package trust holds no code: its tests have programs of others read what this project publishes.
// Indexes are read by tuf-js, release bundles by sigstore-go and @sigstore/verify, and releases are
// kept by the registry of the Distribution project. They need Node.js and large dependencies, so
// that they are a module of their own.
package trust

import (
	"bytes"
	"encoding/json"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"

	"github.com/latticenet/lattice-host/registry/release"
)

// tools is where make tools-trust installs what the scripts depend on.
const tools = "../../build/trust/node_modules"

// script is a running script of the folder node, which answers one question after the other.
type script struct {
	mu     sync.Mutex
	ask    *json.Encoder
	answer *json.Decoder
	stderr bytes.Buffer
}

// start runs a script until the test and its subtests have ended.
func start(t *testing.T, name string) *script {
	t.Helper()
	if _, err := os.Stat(tools); err != nil {
		t.Fatalf("run make tools-trust first, it needs Node.js 20.17 or newer and npm: %v", err)
	}
	modules, err := filepath.Abs(tools)
	check(t, err)
	// Node.js looks for modules next to the script.
	dir := t.TempDir()
	check(t, os.CopyFS(dir, os.DirFS("node")))
	check(t, os.Symlink(modules, filepath.Join(dir, "node_modules")))
	s := &script{}
	cmd := exec.Command("node", filepath.Join(dir, name))
	cmd.Stderr = &s.stderr
	in, err := cmd.StdinPipe()
	check(t, err)
	out, err := cmd.StdoutPipe()
	check(t, err)
	check(t, cmd.Start())
	t.Cleanup(func() {
		if err := errors.Join(in.Close(), cmd.Wait()); err != nil {
			t.Errorf("%s: %v\n%s", name, err, s.stderr.Bytes())
		}
	})
	s.ask, s.answer = json.NewEncoder(in), json.NewDecoder(out)
	return s
}

// call asks the script a question and reads its answer, which is an error when there is one in it.
func (s *script) call(t *testing.T, question, answer any) error {
	t.Helper()
	s.mu.Lock()
	defer s.mu.Unlock()
	check(t, s.ask.Encode(question))
	var raw json.RawMessage
	check(t, s.answer.Decode(&raw))
	var refused struct {
		Error string `json:"error"`
	}
	check(t, json.Unmarshal(raw, &refused))
	if refused.Error != "" {
		return errors.New(refused.Error)
	}
	check(t, json.Unmarshal(raw, answer))
	return nil
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
