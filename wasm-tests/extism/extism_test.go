// Package extism holds no code: its tests build the example plugin of the AssemblyScript SDK and
// run it next to the same derivation in Go. They need Node.js, so that they are a module of their
// own.
package extism

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/rogpeppe/go-internal/txtar"

	"github.com/latticenet/lattice-host/abi"
	"github.com/latticenet/lattice-host/abi/cbor"
	"github.com/latticenet/lattice-host/host/sandbox"
	"github.com/latticenet/lattice-host/registry/pack"
	"github.com/latticenet/lattice-host/registry/release"
)

const (
	root   = "../.."
	sdkDir = root + "/plugins/sdk/assemblyscript"
	// tools is where make tools-assemblyscript installs what the SDK depends on.
	tools = root + "/build/assemblyscript/node_modules"
)

// sources copies the SDK to a folder of the test's own and puts its dependencies next to it, as npm
// ci does.
func sources(t testing.TB) string {
	t.Helper()
	if _, err := os.Stat(tools); err != nil {
		t.Fatalf("run make tools-assemblyscript first, it needs Node.js 20 and npm 10 or newer: %v", err)
	}
	dir := t.TempDir()
	if err := os.CopyFS(dir, os.DirFS(sdkDir)); err != nil {
		t.Fatal(err)
	}
	modules, err := filepath.Abs(tools)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(modules, filepath.Join(dir, "node_modules")); err != nil {
		t.Fatal(err)
	}
	return dir
}

func shell(t testing.TB, dir, command string) {
	t.Helper()
	cmd := exec.Command("sh", "-c", command)
	cmd.Dir = dir
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%s: %v\n%s", command, err, out)
	}
}

// compile compiles a plugin of the SDK's folder.
func compile(t testing.TB, dir, file string) string {
	t.Helper()
	shell(t, dir, "npm run --silent build -- "+file+" --outFile plugin.wasm")
	return filepath.Join(dir, "plugin.wasm")
}

// load packs, signs and loads a plugin. Module is empty for Go source.
func load(t testing.TB, r *sandbox.Runtime, dir, module string) *sandbox.Plugin {
	t.Helper()
	file := filepath.Join(t.TempDir(), "plugin.wasm")
	packed, err := pack.Build(t.Context(), pack.Options{Dir: dir, Module: module, Out: file})
	if err != nil {
		t.Fatal(err)
	}
	wasm, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	key, err := release.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	bundle, err := release.Sign(key, wasm)
	if err != nil {
		t.Fatal(err)
	}
	m := packed.Manifest
	verified, err := release.Verify(bundle, wasm, release.Want{
		Publisher: m.Publisher, Name: m.Name, Version: m.Version, Digest: packed.Digest, Rule: release.AnyOf(key.Public()),
	})
	if err != nil {
		t.Fatal(err)
	}
	p, err := r.Load(t.Context(), verified)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// plugins are the same derivation in two languages.
type plugins struct{ assemblyScript, golang *sandbox.Plugin }

// TestExample compiles the example once: that takes seconds.
func TestExample(t *testing.T) {
	r, err := sandbox.New(t.Context(), sandbox.Config{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := r.Close(context.Background()); err != nil {
			t.Error(err)
		}
	})
	dir := sources(t)
	module := compile(t, dir, "example/plugin.ts")
	p := plugins{load(t, r, filepath.Join(dir, "example"), module), load(t, r, "goplugin", "")}
	t.Run("derive", func(t *testing.T) { testDerive(t, p) })
	t.Run("validate", func(t *testing.T) { testValidate(t, p) })
	t.Run("fails", func(t *testing.T) { testFails(t, p.assemblyScript) })
	t.Run("module", func(t *testing.T) { testModule(t, dir, module) })
}

// testDerive holds both plugins to the goldens: a request in the section request.json, the answer
// in want.json.
func testDerive(t *testing.T, p plugins) {
	files, err := filepath.Glob("testdata/*.txtar")
	if err != nil || len(files) < 5 {
		t.Fatalf("%d goldens, %v", len(files), err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txtar"), func(t *testing.T) {
			archive, err := txtar.ParseFile(file)
			if err != nil {
				t.Fatal(err)
			}
			request := request(t, file)
			golang, assemblyScript := derive(t, p.golang, request), derive(t, p.assemblyScript, request)
			if diff := cmp.Diff(golang, assemblyScript); diff != "" {
				t.Errorf("the same derivation differs (-go +assemblyscript):\n%s", diff)
			}
			if os.Getenv("LATTICE_UPDATE") == "1" {
				archive.Files[1].Data = []byte(golang)
				if err := os.WriteFile(file, txtar.Format(archive), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			if diff := cmp.Diff(string(archive.Files[1].Data), assemblyScript); diff != "" {
				t.Errorf("-want +got (LATTICE_UPDATE=1 rewrites it)\n%s", diff)
			}
		})
	}
}

// request returns the request of a golden.
func request(t testing.TB, file string) *abi.Request {
	t.Helper()
	archive, err := txtar.ParseFile(file)
	if err != nil {
		t.Fatal(err)
	}
	request := new(abi.Request)
	if _, err := abi.Decode(archive.Files[0].Data, abi.EncodingJSON, abi.MaxRequestBytes, request); err != nil {
		t.Fatal(err)
	}
	return request
}

// derive calls a plugin twice and returns the answer as JSON for people.
func derive(t *testing.T, p *sandbox.Plugin, request *abi.Request) string {
	t.Helper()
	var answers []string
	for range 2 {
		response, unknown, err := p.Derive(t.Context(), request)
		if err != nil || len(unknown) > 0 {
			t.Fatalf("%v, unknown keys %q", err, unknown)
		}
		text, err := cbor.ToJSON(nil, response.AppendCBOR(nil))
		if err != nil {
			t.Fatal(err)
		}
		var indented bytes.Buffer
		if err := json.Indent(&indented, text, "", "  "); err != nil {
			t.Fatal(err)
		}
		answers = append(answers, indented.String()+"\n")
	}
	if answers[0] != answers[1] {
		t.Error("the same request gave another answer")
	}
	return answers[0]
}

func testValidate(t *testing.T, p plugins) {
	for _, plugin := range []*sandbox.Plugin{p.assemblyScript, p.golang} {
		for settings, want := range map[string][]abi.Result{
			`{"note":"ünïcode"}`:                     nil,
			`{"forbiddenRegistry":"docker.io"}`:      nil,
			`{"forbiddenRegistry":"docker.io/evil"}`: {{Severity: abi.SeverityError, Field: "forbiddenRegistry", Message: "must be a host, without a path"}},
		} {
			raw, err := cbor.FromJSON(nil, []byte(settings), abi.MaxDepth)
			if err != nil {
				t.Fatal(err)
			}
			answer, unknown, err := plugin.Validate(t.Context(), &abi.ValidateRequest{ABI: abi.Version, Settings: raw})
			if err != nil || len(unknown) > 0 {
				t.Fatalf("%s: %v, %q", settings, err, unknown)
			}
			if diff := cmp.Diff(want, answer.Results); diff != "" {
				t.Errorf("%s (-want +got):\n%s", settings, diff)
			}
		}
	}
}

// An exception in AssemblyScript is the plugin's failure, with its message.
func testFails(t *testing.T, p *sandbox.Plugin) {
	_, err := p.Call(t.Context(), "main", abi.OpDerive, []byte(`{"resource":[`))
	if !errors.Is(err, sandbox.ErrTrap) || !strings.Contains(err.Error(), "step main: in derive: trapped: unreachable, last message: ") {
		t.Errorf("got %v", err)
	}
}

// testModule proves that the module asks for nothing but the kernel, and that the same source gives
// the same bytes.
func testModule(t *testing.T, dir, module string) {
	first, err := os.ReadFile(module)
	if err != nil {
		t.Fatal(err)
	}
	second, err := os.ReadFile(compile(t, dir, "example/plugin.ts"))
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(first, second) {
		t.Error("the same source gives another module")
	}
	info, err := sandbox.Inspect(first)
	if err != nil {
		t.Fatal(err)
	}
	for _, i := range info.Imports {
		if i.Module != abi.ExtismModule {
			t.Errorf("the module imports %s.%s", i.Module, i.Name)
		}
	}
}

// The commands for AssemblyScript in the documentation work as they are written.
func TestDocumentation(t *testing.T) {
	text, err := os.ReadFile(root + "/docs/authoring.md")
	if err != nil {
		t.Fatal(err)
	}
	_, rest, found := strings.Cut(string(text), "## Other languages: Extism")
	_, rest, begins := strings.Cut(rest, "```sh\n")
	block, _, ends := strings.Cut(rest, "```")
	if !found || !begins || !ends {
		t.Fatal("docs/authoring.md has no commands for Extism")
	}
	// npm ci is what make tools-assemblyscript has done.
	commands, found := strings.CutPrefix(block, "npm ci\n")
	if !found {
		t.Fatalf("the first command is not npm ci: %s", block)
	}
	dir := sources(t)
	bin, err := filepath.Abs(filepath.Join(t.TempDir(), "bin"))
	if err != nil {
		t.Fatal(err)
	}
	shell(t, root, "go build -o "+bin+"/lattice-host ./cmd/lattice-host")
	shell(t, dir, "set -e; PATH="+bin+":$PATH; "+commands)
}
