package resource_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/latticenet/lattice-host/host/resource"
)

// TestGolden reads the input of every archive in testdata: input.yaml or input.json, with the words
// allow-tags and waive-cpu-limit in options. want-error holds the text of the error, want.json the
// documents and want-features what they use. LATTICE_UPDATE=1 writes what is there into the
// archives.
func TestGolden(t *testing.T) {
	t.Parallel()
	archives, err := filepath.Glob("testdata/*.txtar")
	if err != nil || len(archives) == 0 {
		t.Fatalf("no archives: %v", err)
	}
	for _, name := range archives {
		t.Run(strings.TrimSuffix(filepath.Base(name), ".txtar"), func(t *testing.T) {
			t.Parallel()
			golden(t, name)
		})
	}
}

func golden(t *testing.T, name string) {
	t.Helper()
	data, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	a := parseArchive(data)
	var want []archiveFile
	got := archive{comment: a.comment}
	var input archiveFile
	var o resource.Options
	for _, f := range a.files {
		if strings.HasPrefix(f.name, "want") {
			want = append(want, f)
			continue
		}
		got.files = append(got.files, f)
		if f.name == "options" {
			o.AllowTags = strings.Contains(string(f.data), "allow-tags")
			o.WaiveCPULimit = strings.Contains(string(f.data), "waive-cpu-limit")
			continue
		}
		input = f
	}
	results := outcome(t, input.name, input.data, o)
	if os.Getenv("LATTICE_UPDATE") != "" {
		got.files = append(got.files, results...)
		if err := os.WriteFile(name, got.format(), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	if diff := cmp.Diff(texts(want), texts(results)); diff != "" {
		t.Errorf("%s (-want +got):\n%s", strings.TrimSpace(string(a.comment)), diff)
	}
}

func texts(files []archiveFile) map[string]string {
	m := map[string]string{}
	for _, f := range files {
		m[f.name] = string(f.data)
	}
	return m
}

func outcome(t *testing.T, name string, data []byte, o resource.Options) []archiveFile {
	t.Helper()
	docs, err := resource.Decode(name, data, o)
	if err != nil {
		return []archiveFile{{"want-error", []byte(err.Error() + "\n")}}
	}
	var document, features bytes.Buffer
	for _, d := range docs {
		if err := json.Indent(&document, d.JSON(), "", "  "); err != nil {
			t.Fatal(err)
		}
		document.WriteByte('\n')
		for _, f := range d.Features() {
			fmt.Fprintf(&features, "%s: %s %s\n", d.Object(), f.Name, f.Field)
		}
		again, err := resource.FromDerived(d.CBOR(), o)
		if err != nil {
			t.Errorf("the document is not accepted in the form that plugins see: %v", err)
			continue
		}
		if diff := cmp.Diff(d.CBOR(), again.CBOR()); diff != "" {
			t.Errorf("FromDerived(...): -want, +got:\n%s", diff)
		}
	}
	return []archiveFile{{"want.json", document.Bytes()}, {"want-features", features.Bytes()}}
}
