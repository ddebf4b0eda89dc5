// Package docs holds no code: its test runs every command in the documentation as it is written.
package docs

import (
	"bytes"
	"context"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/latticenet/lattice-host/wasm-tests/builtins"
)

// commands returns the lines behind "$ " in the console blocks of a document.
func commands(t *testing.T, file string) []string {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	var all []string
	inside := false
	for line := range strings.SplitSeq(string(text), "\n") {
		switch {
		case strings.HasPrefix(line, "```"):
			inside = line == "```console"
		case inside:
			command, ok := strings.CutPrefix(line, "$ ")
			if !ok {
				t.Errorf("%s: a console block holds %q, which is no command", file, line)
			}
			all = append(all, command)
		}
	}
	if len(all) == 0 {
		t.Errorf("%s: no command found", file)
	}
	return all
}

// copyRepository copies what the commands may need to a folder of the test's own.
func copyRepository(t *testing.T, root, to string) {
	t.Helper()
	for _, name := range []string{"go.mod", "go.sum", "abi", "plugins", "examples", "docs", "README.md"} {
		err := filepath.WalkDir(filepath.Join(root, name), func(path string, d fs.DirEntry, err error) error {
			if err != nil {
				return err
			}
			relative, err := filepath.Rel(root, path)
			if err != nil {
				return err
			}
			target := filepath.Join(to, relative)
			if d.IsDir() {
				return os.MkdirAll(target, 0o755)
			}
			data, err := os.ReadFile(path)
			if err != nil {
				return err
			}
			return os.WriteFile(target, data, 0o644)
		})
		if err != nil {
			t.Fatal(err)
		}
	}
}

// reader follows the documentation in a shell.
type reader struct {
	dir string
	env []string
}

func (r reader) run(t *testing.T, command string) {
	t.Helper()
	cmd := exec.CommandContext(context.Background(), "sh", "-c", command)
	cmd.Dir, cmd.Env = r.dir, r.env
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	if err := cmd.Run(); err != nil {
		t.Errorf("%s: %v\n%s", command, err, stderr.Bytes())
		return
	}
	if stdout.Len()+stderr.Len() == 0 {
		t.Errorf("%s: says nothing", command)
	}
}

func TestCommands(t *testing.T) {
	root, err := builtins.Root()
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	copyRepository(t, root, dir)
	bin := filepath.Join(dir, "build")
	build := exec.CommandContext(t.Context(), "go", "build", "-o", filepath.Join(bin, "lattice-host"), "./cmd/lattice-host")
	build.Dir = root
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	home := filepath.Join(bin, "lattice-home")
	if err := os.Mkdir(home, 0o755); err != nil {
		t.Fatal(err)
	}
	r := reader{dir: dir, env: append(os.Environ(),
		"LATTICE_PASSPHRASE=of the test",
		"PATH="+bin+string(os.PathListSeparator)+os.Getenv("PATH"), "LATTICE_HOME=", "LATTICE_PASSPHRASE=correct horse battery staple",
		"LATTICE_CACHE="+filepath.Join(root, "build", "cache", "test"))}

	for _, command := range commands(t, filepath.Join(root, "docs", "trust.md")) {
		r.run(t, command)
	}
	// The other documents begin with an index of the plugins of this repository, in the folder index, and an installation that
	// trusts nobody.
	r.run(t, "rm -r index keys build/lattice-home && mkdir build/lattice-home && echo begins anew")
	r.run(t, "lattice-host key new demo --dir keys")
	for _, name := range builtins.Names() {
		r.run(t, "lattice-host plugin build plugins/builtin/"+name+" --publisher demo -O demo/"+name+".wasm")
		r.run(t, "lattice-host plugin sign demo/"+name+".wasm --key keys/demo.key")
	}
	r.run(t, "lattice-host index init index --keys keys/index")
	r.run(t, "lattice-host index add index demo/*.wasm --keys keys/index --publisher-key keys/demo.pub")
	for _, document := range []string{"docs/operating.md", "docs/authoring.md", "README.md", "docs/policies.md"} {
		for _, command := range commands(t, filepath.Join(root, document)) {
			// CI runs what make makes.
			if !strings.HasPrefix(command, "make ") {
				r.run(t, command)
			}
		}
	}
}

// What the documentation shows as a file is the file.
func TestFilesAreShownAsTheyAre(t *testing.T) {
	root, err := builtins.Root()
	if err != nil {
		t.Fatal(err)
	}
	for document, files := range map[string][]string{
		"docs/authoring.md": {"docs/facts/main.go", "docs/facts/plugin.yaml", "docs/counter/main.go", "docs/counter/plugin.yaml"},
		"docs/operating.md": {"docs/settings.yaml", "docs/pipeline.yaml"},
		"docs/policies.md": {
			"docs/policies-example/shop.cedar", "docs/policies-example/shop_test.yaml", "docs/policies-example/labels.rego",
			"docs/policies-example/quota.yaml", "docs/policies-example/namespaces.yaml", "docs/policies-example/nightly.yaml",
		},
	} {
		text, err := os.ReadFile(filepath.Join(root, document))
		if err != nil {
			t.Fatal(err)
		}
		for _, file := range files {
			content, err := os.ReadFile(filepath.Join(root, file))
			if err != nil {
				t.Fatal(err)
			}
			if !bytes.Contains(text, append([]byte("\n"), append(content, "```"...)...)) {
				t.Errorf("%s does not show %s as it is", document, file)
			}
		}
	}
}
