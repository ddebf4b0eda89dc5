package resource

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"

	"github.com/latticenet/lattice-host/internal/problem"
	"github.com/latticenet/lattice-host/internal/yamldoc"
)

func document(name string) string {
	return "apiVersion: lattice.dev/v1alpha1\nkind: LatticeMeshMember\nmetadata: {name: " + name + "}\nspec: {target: {namespace: shop}}\n"
}

func writeFiles(t *testing.T, files map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	for name, data := range files {
		file := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, []byte(data), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func TestRead(t *testing.T) {
	t.Parallel()
	dir := writeFiles(t, map[string]string{
		"b.yml":                         document("b1") + "---\n" + document("b2"),
		"a.yaml":                        document("a"),
		"c.json":                        `[{"apiVersion":"lattice.dev/v1alpha1","kind":"LatticeMeshMember","metadata":{"name":"c"},"spec":{"target":{"namespace":"shop"}}}]`,
		"d.txt":                         "no document",
		".hidden.yaml":                  "no: document",
		"below/e.yaml":                  document("e"),
		"empty/f.txt":                   "",
		"folder.yaml/x":                 "",
		"other.name":                    document("other"),
		"mixed/f.yaml":                  "apiVersion: v1\nkind: Namespace\nmetadata: {name: shop}\n---\n" + document("f") + "---\napiVersion: lattice.dev/v1alpha1\nkind: CedarPolicy\nmetadata: {name: p}\n",
		"mixed/chart/values.yaml":       "replicas: 1\n",
		"mixed/chart/Kustomization.yml": "apiVersion: kustomize.config.k8s.io/v1beta1\nkind: Kustomization\n",
		"mixed/note.yaml":               "# nothing\n",
		".near/g.yaml":                  strings.Replace(document("g"), "lattice.dev", "latice.dev", 1),
		".foreign/h.yaml":               "apiVersion: v1\nkind: Namespace\nmetadata: {name: shop}\n",
	})
	if err := os.Symlink(filepath.Join(dir, "below"), filepath.Join(dir, "link.yaml")); err != nil {
		t.Fatal(err)
	}
	for name, tc := range map[string]struct {
		reason string
		paths  []string
		want   []string
		err    string
	}{
		"Folder":        {"the files of a folder and those below in the order of their names", []string{"."}, []string{"a", "b1", "b2", "e", "c", "f"}, ""},
		"Files":         {"files in the order given, whatever their names", []string{"other.name", "below/e.yaml"}, []string{"other", "e"}, ""},
		"Stdin":         {"standard input among files", []string{"a.yaml", "-", "below"}, []string{"a", "stdin", "e"}, ""},
		"Missing":       {"every missing file is named", []string{"a.yaml", "nope.yaml", "nope"}, nil, "DIR/nope: the file does not exist; check the path\nDIR/nope.yaml: the file does not exist; check the path"},
		"MissingTwice":  {"one problem is reported once", []string{"nope", "nope"}, nil, "DIR/nope: the file does not exist; check the path"},
		"Recursive":     {"documents for other programs are left out", []string{"mixed"}, []string{"f"}, ""},
		"Mixed":         {"they are in a file, too, that has one to read", []string{"mixed/f.yaml"}, []string{"f"}, ""},
		"Near":          {"a misspelt group is a mistake", []string{".near"}, nil, "DIR/.near/g.yaml:1:13: LatticeMeshMember default/g: apiVersion: the string \"latice.dev/v1alpha1\" is not known; this installation reads LatticeJob, LatticeMeshMember, LatticeService and SecretProvider of lattice.dev/v1alpha1"},
		"Foreign":       {"a file that is named must have something to read", []string{".foreign/h.yaml"}, nil, "DIR/.foreign/h.yaml:1:13: Namespace default/shop: apiVersion: the string \"v1\" is not known; this installation reads LatticeJob, LatticeMeshMember, LatticeService and SecretProvider of lattice.dev/v1alpha1"},
		"ForeignFolder": {"and so must a folder", []string{".foreign"}, nil, "DIR/.foreign: neither the folder nor one below holds a document in a *.yaml, *.yml or *.json file"},
		"EmptyFolder":   {"a folder without documents is a mistake", []string{"empty"}, nil, "DIR/empty: neither the folder nor one below holds a document in a *.yaml, *.yml or *.json file"},
		"Twice":         {"no name may be there twice", []string{"a.yaml", "."}, nil, "DIR/a.yaml:3:18: LatticeMeshMember default/a: metadata.name: the document is a duplicate, the first is at DIR/a.yaml:3:18; rename or remove one"},
		"NoPaths":       {"no input is a mistake", nil, nil, "there is no input; name a file, a folder, or - for standard input"},
		"NotADoc":       {"problems of all files are reported", []string{".hidden.yaml", "d.txt"}, nil, "DIR/.hidden.yaml:1:1: apiVersion: is missing; this installation reads LatticeJob, LatticeMeshMember, LatticeService and SecretProvider of lattice.dev/v1alpha1\nDIR/d.txt:1:1: want a mapping with apiVersion, kind, metadata and spec, got the string \"no document\""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			paths := make([]string, len(tc.paths))
			for i, p := range tc.paths {
				if paths[i] = p; p != "-" {
					paths[i] = filepath.Join(dir, p)
				}
			}
			docs, err := Read(paths, strings.NewReader(document("stdin")), Options{})
			var got []string
			for _, d := range docs {
				got = append(got, d.Ref.Name)
			}
			if diff := cmp.Diff(tc.want, got); diff != "" {
				t.Errorf("%s (-want +got):\n%s", tc.reason, diff)
			}
			text := ""
			if err != nil {
				text = strings.ReplaceAll(err.Error(), dir, "DIR")
			}
			if diff := cmp.Diff(tc.err, text); diff != "" {
				t.Errorf("%s (-want +got):\n%s", tc.reason, diff)
			}
			if err != nil && !errors.Is(err, problem.Invalid) {
				t.Errorf("%s: want problem.Invalid", tc.reason)
			}
		})
	}
}

var errBoom = errors.New("boom")

// failing is a file system whose files fail in one way.
type failing struct {
	fstest.MapFS
	open, stat, read, list error
}

func (f failing) Open(name string) (fs.File, error) {
	if f.open != nil {
		return nil, &fs.PathError{Op: "open", Path: name, Err: f.open}
	}
	file, err := f.MapFS.Open(name)
	return failingFile{file, f}, err
}

type failingFile struct {
	fs.File
	how failing
}

func (f failingFile) Stat() (fs.FileInfo, error) {
	if f.how.stat != nil {
		return nil, f.how.stat
	}
	return f.File.Stat()
}

func (f failingFile) Read(p []byte) (int, error) {
	if f.how.read != nil {
		return 0, f.how.read
	}
	return f.File.Read(p)
}

func (f failingFile) ReadDir(n int) ([]fs.DirEntry, error) {
	if f.how.list != nil {
		return nil, f.how.list
	}
	return f.File.(fs.ReadDirFile).ReadDir(n)
}

func TestReadFails(t *testing.T) {
	t.Parallel()
	files := fstest.MapFS{"dir/a.yaml": {Data: []byte(document("a"))}}
	for name, tc := range map[string]struct {
		reason, path string
		files        failing
		want         string
	}{
		"Permission":   {"a file that may not be read", "dir/a.yaml", failing{files, fs.ErrPermission, nil, nil, nil}, "dir/a.yaml: permission to read it is missing"},
		"Open":         {"the system's answer, without its operation", "dir/a.yaml", failing{files, errBoom, nil, nil, nil}, "dir/a.yaml: cannot be read: boom"},
		"Stat":         {"a file without status", "dir/a.yaml", failing{files, nil, errBoom, nil, nil}, "dir/a.yaml: cannot be read: boom"},
		"ReadFile":     {"a file that breaks off", "dir/a.yaml", failing{files, nil, nil, errBoom, nil}, "dir/a.yaml: cannot be read: boom"},
		"ReadInFolder": {"and in a folder", "dir", failing{files, nil, nil, errBoom, nil}, "dir/a.yaml: cannot be read: boom"},
		"List":         {"a folder that cannot be listed", "dir", failing{files, nil, nil, nil, errBoom}, "dir: cannot be read: boom"},
		"Nothing":      {"nothing fails", "dir", failing{MapFS: files}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := reader{opener: tc.files}.read([]string{tc.path})
			got := ""
			if err != nil {
				got = err.Error()
			}
			if got != tc.want {
				t.Errorf("%s: got %q, want %q", tc.reason, got, tc.want)
			}
		})
	}
}

// endless counts what is read from it.
type endless struct{ read int }

func (e *endless) Read(p []byte) (int, error) {
	for i := range p {
		p[i] = '#'
	}
	e.read += len(p)
	return len(p), nil
}

func TestReadStops(t *testing.T) {
	t.Parallel()
	input := new(endless)
	_, err := Read([]string{"-"}, input, Options{})
	if err == nil || err.Error() != "<stdin>: the file is larger than 8 MiB; split it into several files" {
		t.Errorf("Read(-) = %v", err)
	}
	if input.read > yamldoc.MaxBytes+1 {
		t.Errorf("read %d bytes, want at most one more than the limit", input.read)
	}
	if _, err := Read([]string{"-"}, nil, Options{}); err == nil || err.Error() != "<stdin>: there is no standard input" {
		t.Errorf("Read(-) without input = %v", err)
	}
	if _, err := Read([]string{"-"}, io.MultiReader(), Options{}); err == nil || err.Error() != "<stdin>: the file holds no document" {
		t.Errorf("Read(-) of nothing = %v", err)
	}
}

// What is left out of a folder is said, with the reason.
func TestReadLeftOut(t *testing.T) {
	t.Parallel()
	dir := writeFiles(t, map[string]string{
		"a.yaml": "apiVersion: v1\nkind: Namespace\nmetadata: {name: shop}\n---\n" + document("a") +
			"---\napiVersion: lattice.dev/v1alpha1\nkind: CedarPolicy\nmetadata: {name: p}\n",
		"chart/values.yaml": "replicas: 1\n",
	})
	var got []string
	o := Options{LeftOut: func(p problem.Problem) { got = append(got, strings.ReplaceAll(p.Error(), dir, "DIR")) }}
	if _, err := Read([]string{dir}, nil, o); err != nil {
		t.Fatal(err)
	}
	want := []string{
		"DIR/a.yaml:1:1: Namespace default/shop: left out: it is not of a kind that this installation reads",
		"DIR/a.yaml:10:1: CedarPolicy default/p: left out: policies are read with --policies",
		"DIR/chart/values.yaml:1:1: left out: it has neither apiVersion nor kind",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}
