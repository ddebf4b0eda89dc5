package latticenet_test

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sys/unix"

	"github.com/latticenet/lattice-host/registry/latticenet"
	"github.com/latticenet/lattice-host/registry/latticenet/latticenettest"
)

func TestPackAndImport(t *testing.T) {
	t.Parallel()
	p := packed(t, nil)
	if again := packed(t, nil); !bytes.Equal(p.artifact, again.artifact) || !bytes.Equal(p.document, again.document) {
		t.Error("packing the same files again gives other bytes")
	}
	paths, err := latticenet.ArchivePaths(p.artifact)
	check(t, err)
	want := []string{
		"bin/", "bin/linux-amd64/", "bin/linux-amd64/plugin", "bin/linux-arm64/", "bin/linux-arm64/plugin", "ui/", "ui/assets/",
		"ui/assets.txt", "ui/assets/app-1.js", "ui/index.html",
	}
	if diff := cmp.Diff(want, paths); diff != "" {
		t.Error(diff)
	}

	dir := filepath.Join(t.TempDir(), "plugins")
	imported, err := latticenet.Import(dir, p.verify(t))
	check(t, err)
	digest := latticenet.Digest(p.artifact)
	if diff := cmp.Diff(&latticenet.Imported{Folder: filepath.Join(dir, "acme.web", "1.2.0-alpha.1", digest)}, imported); diff != "" {
		t.Error(diff)
	}
	const folder, file, program = "drwx------", "-rw------- ", "-rwx------ "
	wantTree := map[string]string{
		"manifest.json": file + string(p.document), "artifact": file + string(p.artifact), "bundle": folder, "bundle/bin": folder,
		"bundle/bin/linux-amd64": folder, "bundle/bin/linux-amd64/plugin": program + "\x7fELF amd64",
		"bundle/bin/linux-arm64": folder, "bundle/bin/linux-arm64/plugin": program + "\x7fELF arm64",
		"bundle/ui": folder, "bundle/ui/assets": folder, "bundle/ui/assets.txt": file, "bundle/ui/assets/app-1.js": file + "app()",
		"bundle/ui/index.html": file + "<html>",
	}
	if diff := cmp.Diff(wantTree, tree(t, imported.Folder)); diff != "" {
		t.Error(diff)
	}
	before := tree(t, dir)
	imported, err = latticenet.Import(dir, p.verify(t))
	check(t, err)
	if !imported.Existing {
		t.Error("the plugin was not stored already")
	}
	if diff := cmp.Diff(before, tree(t, dir)); diff != "" {
		t.Error(diff)
	}
	again, err := latticenettest.Pack(os.DirFS(filepath.Join(imported.Folder, "bundle")), "bin/linux-amd64/plugin", "bin/linux-arm64/plugin")
	check(t, err)
	if !bytes.Equal(p.artifact, again) {
		t.Error("packing what was imported gives other bytes")
	}
}

func TestImportVersion1(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	p := signed(t, v1(), []byte("program"))
	folder := p.store(t, dir)
	want := map[string]string{"manifest.json": "-rw------- " + string(p.document), "artifact": "-rw------- program"}
	if diff := cmp.Diff(want, tree(t, folder)); diff != "" {
		t.Error(diff)
	}
	m := v1()
	m.Version = ""
	_, err := latticenet.Import(dir, signed(t, m, []byte("program")).verify(t))
	if got, want := errorText(err), "acme.web: version: is missing, a plugin is stored under it"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestImportSaysWhatIsThereToo(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	first := packed(t, nil)
	first.store(t, dir)
	second := packed(t, func(_ *latticenet.Manifest, f fstest.MapFS) { f["new"] = &fstest.MapFile{} })
	imported, err := latticenet.Import(dir, second.verify(t))
	check(t, err)
	want := []string{"acme.web/1.2.0-alpha.1/" + latticenet.Digest(first.artifact)}
	if diff := cmp.Diff(want, imported.Others); diff != "" {
		t.Error(diff)
	}
}

func errorText(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}

// TestAttack42_StoredFilesChanged changes what was stored in every way: importing again does not
// accept it.
func TestAttack42_StoredFilesChanged(t *testing.T) {
	t.Parallel()
	write := func(name, data string) func(testing.TB, string) {
		return func(t testing.TB, folder string) {
			check(t, os.WriteFile(filepath.Join(folder, name), []byte(data), 0o600))
		}
	}
	replace := func(name string, with func(path string) error) func(testing.TB, string) {
		return func(t testing.TB, folder string) {
			path := filepath.Join(folder, name)
			check(t, os.RemoveAll(path))
			check(t, with(path))
		}
	}
	tests := map[string]struct {
		reason string
		change func(t testing.TB, folder string)
		says   string
	}{
		"Content":      {"A program of the same length.", write("bundle/bin/linux-amd64/plugin", "\x7fELF evil!"), "plugin: is not what was imported"},
		"Longer":       {"Something is appended.", write("bundle/ui/index.html", "<html><script>"), "index.html: is not what was imported"},
		"Shorter":      {"Something is cut off.", write("bundle/ui/index.html", "<html"), "index.html: is not what was imported"},
		"Added":        {"A file is added.", write("bundle/ui/evil.js", ""), "evil.js: was not imported"},
		"AddedNext":    {"A file is added next to the bundle.", write("evil", ""), "evil: was not imported"},
		"Removed":      {"A file is removed.", replace("bundle/ui/index.html", func(string) error { return nil }), "no such file"},
		"Mode":         {"A text may be executed.", func(t testing.TB, f string) { check(t, os.Chmod(filepath.Join(f, "bundle/ui/index.html"), 0o700)) }, "has the mode -rwx------"},
		"OpenMode":     {"Others may write.", func(t testing.TB, f string) { check(t, os.Chmod(filepath.Join(f, "bundle/ui/index.html"), 0o666)) }, "has the mode -rw-rw-rw-"},
		"FolderMode":   {"Others may add files.", func(t testing.TB, f string) { check(t, os.Chmod(filepath.Join(f, "bundle/ui"), 0o777)) }, "bundle/ui: has the mode -rwxrwxrwx"},
		"Link":         {"A link to a file of the same content.", replace("bundle/ui/index.html", func(p string) error { return linkToCopy(p, "<html>") }), "index.html: was not imported"},
		"OutsideLink":  {"A link that leads out.", replace("bundle/ui/index.html", func(p string) error { return os.Symlink("/etc/passwd", p) }), "index.html"},
		"Pipe":         {"Opening must not wait.", replace("bundle/ui/index.html", func(p string) error { return unix.Mkfifo(p, 0o600) }), "index.html: has the mode prw-------"},
		"FolderToFile": {"A folder becomes a file.", replace("bundle/ui", func(p string) error { return os.WriteFile(p, nil, 0o600) }), "not a directory"},
		"EmptyFolder":  {"A folder is added.", func(t testing.TB, f string) { check(t, os.Mkdir(filepath.Join(f, "bundle/x"), 0o700)) }, "bundle/x: was not imported"},
		"Manifest":     {"The manifest has white space more.", func(t testing.TB, f string) { appendTo(t, filepath.Join(f, "manifest.json"), " ") }, "manifest.json: is not what was imported"},
		"Artifact":     {"The artifact is another one.", func(t testing.TB, f string) { appendTo(t, filepath.Join(f, "artifact"), " ") }, "artifact: is not what was imported"},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			p := packed(t, nil)
			folder := p.store(t, dir)
			tc.change(t, folder)
			before := tree(t, dir)
			if _, err := latticenet.Import(dir, p.verify(t)); err == nil || !strings.Contains(err.Error(), tc.says) {
				t.Errorf("%s\nwant an error that says %q, got %v", tc.reason, tc.says, err)
			}
			if diff := cmp.Diff(before, tree(t, dir)); diff != "" {
				t.Errorf("importing changed what is there: %s", diff)
			}
		})
	}
}

// vpn returns the plugin that v2 depends on.
func vpn(t testing.TB, version string) plugin {
	t.Helper()
	m := &latticenet.Manifest{
		ID: "acme.vpn", Name: "VPN", Type: latticenet.TypeWasm, Capabilities: []string{"kv:read"}, Version: version, Publisher: "acme",
	}
	return signed(t, m, []byte("vpn "+version))
}

func appendTo(t testing.TB, path, text string) {
	t.Helper()
	data, err := os.ReadFile(path)
	check(t, err)
	check(t, os.WriteFile(path, append(data, text...), 0o600))
}

// linkToCopy puts a copy into the root of all and a link to it under the path.
func linkToCopy(path, content string) error {
	root := path
	for range 6 {
		root = filepath.Dir(root)
	}
	if err := os.WriteFile(filepath.Join(root, ".copy"), []byte(content), 0o600); err != nil {
		return err
	}
	return os.Symlink("../../../../../.copy", path)
}
