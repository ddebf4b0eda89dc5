// Package docs holds no code: its test runs every command in the documentation as it is written.
package docs

import (
	"bytes"
	"context"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/latticenet/lattice-host/wasm-tests/builtins"
)

// commands returns the lines after "$ " in the console blocks of a document.
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
				t.Errorf("%s: a console block holds %q, which is not a command", file, line)
			}
			all = append(all, command)
		}
	}
	if len(all) == 0 {
		t.Errorf("%s: no command found", file)
	}
	return all
}

// copied is what the commands may need of the repository.
func copied() []string {
	return []string{"go.mod", "go.sum", "abi", "plugins", "host/resource", "internal", "examples", "docs", "README.md"}
}

// copyRepository copies it to a folder of the test's own.
func copyRepository(t *testing.T, root, to string) {
	t.Helper()
	for _, name := range copied() {
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

// reader follows one page of the documentation in a shell: what a command exports, and where it
// goes, holds for the next one.
type reader struct {
	dir string
	env []string
	// state is the file that keeps both.
	state string
}

// quiet are commands that say nothing when all is well.
var quiet = regexp.MustCompile(`^(export|mkdir|cd) `)

func (r reader) run(t *testing.T, command string) {
	t.Helper()
	script := `if [ -e "$READER" ]; then . "$READER"; fi
` + command + `
status=$?; { export -p; printf 'cd "%s"\n' "$PWD"; } >"$READER"; exit $status`
	cmd := exec.CommandContext(context.Background(), "sh", "-c", script)
	cmd.Dir, cmd.Env = r.dir, append(slices.Clone(r.env), "READER="+r.state)
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	if err := cmd.Run(); err != nil {
		t.Errorf("%s: %v\n%s", command, err, stderr.Bytes())
		return
	}
	if stdout.Len()+stderr.Len() == 0 && !quiet.MatchString(command) {
		t.Errorf("%s: says nothing", command)
	}
}

// TestCommands does what every page says, in a copy of the repository after make demo, each page as
// if in a new terminal.
func TestCommands(t *testing.T) {
	root, err := builtins.Root()
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	copyRepository(t, root, dir)
	build := exec.CommandContext(t.Context(), "go", "build", "-o", filepath.Join(dir, "build", "lattice-host"), "./cmd/lattice-host")
	build.Dir = root
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	env := append(os.Environ(), "LATTICE_HOME=", "LATTICE_AUDIT=", "LATTICE_CACHE="+filepath.Join(root, "build", "cache", "test"),
		// Somebody at a terminal types one.
		"LATTICE_PASSPHRASE=correct horse battery staple")
	// What make demo does with what make build made.
	demo := exec.CommandContext(t.Context(), "sh", "examples/demo.sh")
	demo.Dir, demo.Env = dir, env
	if out, err := demo.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	pages, err := filepath.Glob(filepath.Join(root, "docs", "plugins", "*.md"))
	if err != nil || len(pages) == 0 {
		t.Fatalf("no page of a plugin: %v", err)
	}
	for _, document := range []string{"README.md", "docs/authoring.md", "docs/operating.md", "docs/policies.md", "docs/trust.md", "docs/json.md", "docs/kinds.md", "docs/from-a-manifest.md"} {
		pages = append(pages, filepath.Join(root, document))
	}
	for _, page := range pages {
		r := reader{dir: dir, env: env, state: filepath.Join(t.TempDir(), "state")}
		for _, command := range commands(t, page) {
			// CI runs what make makes.
			if !strings.HasPrefix(command, "make ") {
				r.run(t, command)
			}
		}
	}
	notInTheWay(t, dir)
}

// notInTheWay checks that who follows the documentation leaves nothing in the checkout but in
// build, which git ignores.
func notInTheWay(t *testing.T, dir string) {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		if !slices.Contains(append(copied(), "host", "build"), e.Name()) {
			t.Errorf("the commands leave %s in the folder of the repository; let them write below build", e.Name())
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
		"docs/authoring.md": {
			"docs/facts/derive.go", "docs/facts/main.go", "docs/facts/derive_test.go", "docs/facts/plugin.yaml",
			"docs/counter/main.go", "docs/counter/plugin.yaml", "docs/database/plugin.yaml", "docs/database/database.schema.yaml",
		},
		"docs/operating.md": {"docs/platform.yaml", "docs/settings.yaml", "docs/pipeline.yaml"},
		"docs/from-a-manifest.md": {
			"docs/manifests/kubernetes/grafana.yaml", "docs/manifests/kubernetes/indexer.yaml", "docs/manifests/kubernetes/redis.yaml",
			"docs/manifests/kubernetes/reports.yaml", "docs/manifests/kubernetes/web.yaml", "docs/manifests/lattice/grafana.yaml",
			"docs/manifests/lattice/indexer.yaml", "docs/manifests/lattice/redis.yaml", "docs/manifests/lattice/reports.yaml",
			"docs/manifests/lattice/web.yaml", "docs/manifests/shop.cedar",
		},
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
