package schemas_test

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"testing"

	"github.com/latticenet/lattice-host/wasm-tests/schemas"
	"golang.org/x/tools/txtar"
)

// Where the rest of the repository keeps what its plugins emit, seen from this folder.
var (
	pluginDir = filepath.Join("..", "..", "plugins", "builtin")
	goldenDir = filepath.Join("..", "..", "examples", "golden")
)

// wanted is the section of a plugin's test case that holds what the plugin must emit.
const wanted = "want.yaml"

// TestGolden judges everything that the plugins' own tests promise to emit. Those tests compare
// bytes; whether a cluster would take them is decided here. A folder that is missing is an error: a
// test that finds nothing to look at would pass forever.
func TestGolden(t *testing.T) {
	t.Run("plugins", func(t *testing.T) {
		objects := 0
		for _, plugin := range folders(t, pluginDir) {
			t.Run(plugin, func(t *testing.T) {
				dir := filepath.Join(pluginDir, plugin)
				cases := match(t, filepath.Join(dir, "testdata", "*.txtar"))
				if _, err := os.Stat(filepath.Join(dir, "plugin.yaml")); errors.Is(err, fs.ErrNotExist) {
					return
				} else if err != nil {
					t.Fatal(err)
				}
				if len(cases) == 0 {
					t.Fatal("a plugin without testdata/*.txtar: nothing says what it emits")
				}
				for _, file := range cases {
					archive, err := txtar.ParseFile(file)
					if err != nil {
						t.Fatal(err)
					}
					for _, section := range archive.Files {
						if section.Name == wanted {
							objects += judge(t, filepath.Base(file)+": "+wanted, section.Data)
						}
					}
				}
			})
		}
		if objects == 0 {
			t.Fatalf("no plugin in %s promises any object in a section %s", pluginDir, wanted)
		}
	})
	t.Run("examples", func(t *testing.T) {
		files := match(t, filepath.Join(goldenDir, "*.yaml"))
		if len(files) == 0 {
			t.Fatalf("%s holds no *.yaml", goldenDir)
		}
		for _, file := range files {
			text, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			if judge(t, filepath.Base(file), text) == 0 {
				t.Errorf("%s: no object", filepath.Base(file))
			}
		}
	})
}

// judge returns how many objects there were, so that the caller can tell success from nothing to
// do.
func judge(t *testing.T, origin string, text []byte) int {
	t.Helper()
	objects, err := schemas.Documents(text)
	if err != nil {
		t.Errorf("%s: %v", origin, err)
	}
	for i, object := range objects {
		meta, _ := object["metadata"].(map[string]any)
		for _, err := range validator(t).Validate(object) {
			t.Errorf("%s: object %d, %v %v: %v", origin, i+1, object["kind"], meta["name"], err)
		}
	}
	return len(objects)
}

func folders(t *testing.T, dir string) []string {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, entry := range entries {
		if entry.IsDir() {
			names = append(names, entry.Name())
		}
	}
	if len(names) == 0 {
		t.Fatalf("%s holds no folder", dir)
	}
	return names
}

func match(t *testing.T, pattern string) []string {
	t.Helper()
	files, err := filepath.Glob(pattern)
	if err != nil {
		t.Fatal(err)
	}
	return files
}
