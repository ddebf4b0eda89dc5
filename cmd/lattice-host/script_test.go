package main

import (
	"context"
	"os"
	"path/filepath"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"
)

func TestMain(m *testing.M) {
	if len(os.Args) > 1 && os.Args[1] == compileCommand {
		main()
	}
	testscript.Main(m, map[string]func(){"lattice-host": main})
}

// TestScript runs every script in testdata/script. LATTICE_UPDATE=1 writes what is there into the
// files that scripts compare with.
//
// Scripts find signed plugins in $PLUGINS, the examples in $EXAMPLES, an index with them in $INDEX,
// keys in $KEYS, source in $SOURCES, and an installation with all of them in $DEMOHOME, which they
// must copy before they change it.
func TestScript(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	testscript.Run(t, testscript.Params{
		Dir:                 filepath.Join("testdata", "script"),
		UpdateScripts:       os.Getenv("LATTICE_UPDATE") != "",
		RequireExplicitExec: true,
		RequireUniqueNames:  true,
		Setup:               w.setup,
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"run":      cmdRun,
			"same":     cmdSame,
			"mask":     cmdMask,
			"flip":     cmdFlip,
			"eachblob": cmdEachBlob,
			"make":     cmdMake,
			"form":     cmdForm,
		},
	})
}

// world is what all scripts share.
type world struct {
	sources, examples, plugins, index, keys, home, cache string
	goEnv                                                map[string]string
}

// newWorld builds, signs and installs the built-in plugins and those in testdata, with the
// program's own commands.
func newWorld(t *testing.T) *world {
	t.Helper()
	root, err := filepath.Abs(filepath.Join("..", ".."))
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	w := &world{
		sources:  filepath.Join(root, "cmd", "lattice-host", "testdata", "plugins"),
		examples: filepath.Join(root, "examples"),
		plugins:  filepath.Join(dir, "plugins"), index: filepath.Join(dir, "index"), keys: filepath.Join(dir, "keys"),
		home: filepath.Join(dir, "home"), cache: filepath.Join(root, "build", "cache", "test"),
		goEnv: goEnv(t),
	}
	must(t, "key", "new", "demo", "--dir", w.keys, "--unencrypted")
	indexKeys, demoKey := filepath.Join(w.keys, "index"), filepath.Join(w.keys, "demo.key")
	var modules []string
	for _, source := range pluginFolders(t, root) {
		module := filepath.Join(w.plugins, filepath.Base(source)+".wasm")
		must(t, "plugin", "build", source, "--publisher", "demo", "-O", module)
		must(t, "plugin", "sign", module, "--key", demoKey)
		modules = append(modules, module)
	}
	must(t, "index", "init", w.index, "--keys", indexKeys, "--unencrypted")
	add := []string{"index", "add", w.index, "--keys", indexKeys, "--publisher-key", filepath.Join(w.keys, "demo.pub")}
	must(t, append(add, modules...)...)
	must(t, "--home", w.home, "index", "trust", filepath.Join(indexKeys, "root.json"), "--location", w.index)
	must(t, "--home", w.home, "install", "--all", "--activate")
	return w
}

func pluginFolders(t *testing.T, root string) []string {
	t.Helper()
	var folders []string
	for _, pattern := range []string{"plugins/builtin/*/plugin.yaml", "cmd/lattice-host/testdata/plugins/*/plugin.yaml"} {
		manifests, err := filepath.Glob(filepath.Join(root, filepath.FromSlash(pattern)))
		if err != nil || len(manifests) == 0 {
			t.Fatalf("no plugins in %s: %v", pattern, err)
		}
		for _, m := range manifests {
			folders = append(folders, filepath.Dir(m))
		}
	}
	return folders
}

// must runs a command of the program, which must succeed.
func must(t *testing.T, args ...string) {
	t.Helper()
	if code, _, stderr := invoke(t.Context(), "", args...); code != exitDone {
		t.Fatalf("lattice-host %q: exit code %d\n%s", args, code, stderr)
	}
}

func (w *world) setup(env *testscript.Env) error {
	for name, value := range w.goEnv {
		env.Setenv(name, value)
	}
	env.Setenv("SOURCES", w.sources)
	env.Setenv("EXAMPLES", w.examples)
	env.Setenv("PLUGINS", w.plugins)
	env.Setenv("INDEX", w.index)
	env.Setenv("KEYS", w.keys)
	env.Setenv("DEMOHOME", w.home)
	env.Setenv("LATTICE_HOME", w.home)
	env.Setenv("LATTICE_CACHE", w.cache)
	env.Setenv("LATTICE_AUDIT", filepath.Join(env.WorkDir, "audit"))
	return nil
}

// invoke runs the program in this process.
func invoke(ctx context.Context, stdin string, args ...string) (code int, stdout, stderr string) {
	return invokeFrom(ctx, newReader(stdin), args...)
}
