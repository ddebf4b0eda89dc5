package crds

import (
	"archive/zip"
	"context"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// small is the source with the smallest archive; a test that needs any real download uses it.
func small() []source {
	for _, s := range sources() {
		if s.module == "istio.io/api" {
			return []source{s}
		}
	}
	panic("istio.io/api is not a source any more")
}

// state is what a folder holds and when it was last written.
func state(t *testing.T, dir string) map[string]time.Time {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	files := map[string]time.Time{}
	for _, entry := range entries {
		info, err := entry.Info()
		if err != nil {
			t.Fatal(err)
		}
		files[entry.Name()] = info.ModTime()
	}
	return files
}

func TestFetch(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "new", "crds")
	if err := Fetch(t.Context(), dir); err != nil {
		t.Fatal(err)
	}
	var want, got []string
	for _, e := range expected(sources()) {
		want = append(want, e.File)
	}
	text, err := os.ReadFile(filepath.Join(dir, Manifest))
	if err != nil {
		t.Fatal(err)
	}
	var m manifest
	if err := json.Unmarshal(text, &m); err != nil {
		t.Fatal(err)
	}
	first := state(t, dir)
	for _, e := range m.CRDs {
		got = append(got, e.File)
		text, err := os.ReadFile(filepath.Join(dir, e.File))
		if err != nil {
			t.Fatal(err)
		}
		if digest(text) != e.SHA256 || !strings.Contains(string(text), "kind: CustomResourceDefinition") {
			t.Errorf("%s is not what the manifest says", e.File)
		}
		if !strings.HasPrefix(e.Version, "v") || !strings.HasPrefix(e.Sum, "h1:") || e.Module == "" || e.Path == "" {
			t.Errorf("the manifest does not say where %s is from: %+v", e.File, e)
		}
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("-pinned +manifest:\n%s", diff)
	}
	if len(first) != len(want)+1 {
		t.Errorf("%d files in the folder, %d CRDs and the manifest expected", len(first), len(want))
	}
	if err := Fetch(t.Context(), dir); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(first, state(t, dir)); diff != "" {
		t.Errorf("the second fetch wrote: -first +second:\n%s", diff)
	}
}

func TestFetchRepairs(t *testing.T) {
	const name = "serviceentries.networking.istio.io.yaml"
	tests := map[string]struct {
		reason string
		damage func(dir string) error
	}{
		"ChangedFile": {
			damage: func(dir string) error { return os.WriteFile(filepath.Join(dir, name), []byte("{}"), 0o644) },
		},
		"MissingFile": {
			damage: func(dir string) error { return os.Remove(filepath.Join(dir, name)) },
		},
		"MissingManifest": {
			damage: func(dir string) error { return os.Remove(filepath.Join(dir, Manifest)) },
		},
		"UnreadableManifest": {
			damage: func(dir string) error { return os.WriteFile(filepath.Join(dir, Manifest), []byte("{"), 0o644) },
		},
		"ShorterManifest": {
			reason: "A manifest that lists less than the pins is not complete, even if all that it lists is there.",
			damage: func(dir string) error {
				return os.WriteFile(filepath.Join(dir, Manifest), []byte(`{"crds":[]}`), 0o644)
			},
		},
		"EarlierVersion": {
			damage: func(dir string) error { return edit(filepath.Join(dir, Manifest), "v1.31.1", "v1.31.0") },
		},
		"EarlierPath": {
			damage: func(dir string) error { return edit(filepath.Join(dir, Manifest), ".gen.yaml", ".yaml") },
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			if err := fetch(t.Context(), dir, small()); err != nil {
				t.Fatal(err)
			}
			if err := test.damage(dir); err != nil {
				t.Fatal(err)
			}
			if complete(dir, readManifest(dir), expected(small())) {
				t.Fatalf("the damage is not noticed. %s", test.reason)
			}
			if err := fetch(t.Context(), dir, small()); err != nil {
				t.Fatal(err)
			}
			if !complete(dir, readManifest(dir), expected(small())) {
				t.Error("the damage is not repaired")
			}
		})
	}
}

func edit(file, old, replacement string) error {
	text, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	if !strings.Contains(string(text), old) {
		return errors.New(file + " does not contain " + old)
	}
	return os.WriteFile(file, []byte(strings.ReplaceAll(string(text), old, replacement)), 0o644)
}

func TestFetchRemovesOnlyItsOwn(t *testing.T) {
	dir := t.TempDir()
	for name, text := range map[string]string{
		"old.example.com.yaml":  "from an earlier pin",
		"mine.example.com.yaml": "put there by hand",
		Manifest:                `{"crds":[{"file":"old.example.com.yaml"},{"file":"../outside.yaml"},{"file":"gone.yaml"}]}`,
		"../outside.yaml":       "not in the folder at all",
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if err := fetch(t.Context(), dir, small()); err != nil {
		t.Fatal(err)
	}
	got := map[string]bool{}
	for _, name := range []string{"old.example.com.yaml", "mine.example.com.yaml", "../outside.yaml"} {
		_, err := os.Stat(filepath.Join(dir, name))
		got[name] = err == nil
	}
	want := map[string]bool{"old.example.com.yaml": false, "mine.example.com.yaml": true, "../outside.yaml": true}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
}

func TestFetchErrors(t *testing.T) {
	tests := map[string]struct {
		reason string
		change func(s *source)
		setup  func(t *testing.T) context.Context
		want   string
	}{
		"AnotherChecksum": {
			change: func(s *source) { s.sum = "h1:x" },
			want:   "download istio.io/api@v1.31.1: the checksum is " + small()[0].sum + ", pinned is h1:x",
		},
		"NotAvailable": {
			change: func(s *source) { s.version = "v0.0.1-nonexistent" },
			setup: func(t *testing.T) context.Context {
				t.Setenv("GOPROXY", "off")
				return t.Context()
			},
			want: "download istio.io/api@v0.0.1-nonexistent: module lookup disabled by GOPROXY=off",
		},
		"NoSuchPath": {
			change: func(s *source) { s.files[0].path = "crds.yaml" },
			want:   "istio.io/api@v1.31.1: crds.yaml: open istio.io/api@v1.31.1/crds.yaml: file does not exist",
		},
		"OtherCRDs": {
			reason: "Upstream moving a CRD must not shrink what is validated without anybody noticing.",
			change: func(s *source) {
				s.files[0].path = "kubernetes/customresourcedefinitions.gen.yaml"
				s.files[0].crds = s.files[0].crds[1:]
			},
			want: "istio.io/api@v1.31.1: kubernetes/customresourcedefinitions.gen.yaml: holds the CRDs " +
				strings.Join(small()[0].files[0].crds, ", ") + "; expected " + strings.Join(small()[0].files[0].crds[1:], ", "),
		},
		"NoGoCommand": {
			setup: func(t *testing.T) context.Context {
				t.Setenv("PATH", "")
				return t.Context()
			},
			want: `CRDs are downloaded with the go command: exec: "go": executable file not found in $PATH`,
		},
		"Cancelled": {
			setup: func(t *testing.T) context.Context {
				ctx, cancel := context.WithCancel(t.Context())
				cancel()
				return ctx
			},
			want: "download CRDs: context canceled",
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			pinned, ctx := small(), t.Context()
			if test.change != nil {
				test.change(&pinned[0])
			}
			if test.setup != nil {
				ctx = test.setup(t)
			}
			dir := t.TempDir()
			err := fetch(ctx, dir, pinned)
			if err == nil {
				t.Fatal("no error")
			}
			if diff := cmp.Diff(test.want, err.Error()); diff != "" {
				t.Errorf("%s\n-want +got:\n%s", test.reason, diff)
			}
			if _, err := os.Stat(filepath.Join(dir, Manifest)); err == nil {
				t.Error("a fetch that failed wrote a manifest")
			}
		})
	}
}

func TestResults(t *testing.T) {
	two := []source{{module: "a", version: "v1", sum: "h1:a"}, {module: "b", version: "v1", sum: "h1:b"}}
	tests := map[string]struct {
		reason string
		output string
		want   string
	}{
		"AllReasons": {
			reason: "One run tells everything that is wrong.",
			output: `{"Path":"a","Version":"v1","Error":"gone"}{"Path":"b","Version":"v1","Sum":"h1:x"}`,
			want:   "download a@v1: gone\ndownload b@v1: the checksum is h1:x, pinned is h1:b",
		},
		"MissingAnswer": {
			output: `{"Path":"a","Version":"v1","Sum":"h1:a","Zip":"a.zip"}`,
			want:   "download b@v1: no answer",
		},
		"UnexpectedModule": {
			output: `{"Path":"a","Version":"v1","Sum":"h1:a"}{"Path":"b","Version":"v1","Sum":"h1:b"}{"Path":"c","Version":"v1"}`,
			want:   "download c@v1: it was not requested",
		},
		"NotJSON": {
			output: "go: help",
			want:   "go mod download: unexpected output: invalid character 'g' looking for beginning of value",
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			_, err := results(strings.NewReader(test.output), two)
			if err == nil {
				t.Fatal("no error")
			}
			if diff := cmp.Diff(test.want, err.Error()); diff != "" {
				t.Errorf("%s\n-want +got:\n%s", test.reason, diff)
			}
		})
	}
}

func TestExtract(t *testing.T) {
	crd := func(name, plural string) string {
		return "kind: CustomResourceDefinition\nmetadata: {name: " + name + "}\nspec: {group: x.io, names: {plural: " + plural + "}}\n"
	}
	tests := map[string]struct {
		text string
		want string
	}{
		"NotACRD":    {text: "kind: Pod", want: "m@v1: a.yaml: document 1: a Pod, not a CustomResourceDefinition"},
		"WrongName":  {text: "# licence\n---\n" + crd("b.x.io", "a"), want: `m@v1: a.yaml: document 2: the CRD is named "b.x.io", its kind demands "a.x.io"`},
		"Twice":      {text: crd("a.x.io", "a") + "---\n" + crd("a.x.io", "a"), want: "m@v1: a.yaml: document 2: a.x.io is a duplicate"},
		"OneTooMany": {text: crd("a.x.io", "a") + "---\n" + crd("b.x.io", "b"), want: "m@v1: a.yaml: holds the CRDs a.x.io, b.x.io; expected a.x.io"},
		"NotYAML":    {text: "a: b: c", want: "m@v1: a.yaml: document 1: error converting YAML to JSON: yaml: mapping values are not allowed in this context"},
		"Right":      {text: "# licence\n---\n" + crd("a.x.io", "a")},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			archive := filepath.Join(t.TempDir(), "m.zip")
			pack(t, archive, "m@v1/a.yaml", test.text)
			found, err := extract(archive, source{module: "m", version: "v1", files: []file{{path: "a.yaml", crds: []string{"a.x.io"}}}})
			got := ""
			if err != nil {
				got = err.Error()
			} else if diff := cmp.Diff(map[string][]byte{"a.x.io": []byte(crd("a.x.io", "a"))}, found); diff != "" {
				t.Errorf("-want +got:\n%s", diff)
			}
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Errorf("error: -want +got:\n%s", diff)
			}
		})
	}
}

func pack(t *testing.T, archive, name, text string) {
	t.Helper()
	out, err := os.Create(archive)
	if err != nil {
		t.Fatal(err)
	}
	w := zip.NewWriter(out)
	entry, err := w.Create(name)
	if err != nil {
		t.Fatal(err)
	}
	_, err = entry.Write([]byte(text))
	if err := errors.Join(err, w.Close(), out.Close()); err != nil {
		t.Fatal(err)
	}
}

func TestDir(t *testing.T) {
	root := t.TempDir()
	nested := filepath.Join(root, "a", "nested", "b")
	if err := os.MkdirAll(nested, 0o755); err != nil {
		t.Fatal(err)
	}
	for dir, module := range map[string]string{root: rootModule, filepath.Dir(nested): rootModule + "/a/nested"} {
		if err := os.WriteFile(filepath.Join(dir, "go.mod"), []byte("module "+module+"\n"), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	t.Chdir(nested)
	got, err := Dir()
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(filepath.Join(root, "build", "crds"), got); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}

	outside := t.TempDir()
	t.Chdir(outside)
	if _, err := Dir(); err == nil || err.Error() != outside+" is not inside the module "+rootModule {
		t.Errorf("outside of the repository: %v", err)
	}
}
