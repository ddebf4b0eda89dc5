package cedar

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/rogpeppe/go-internal/txtar"

	"github.com/latticenet/lattice-host/host/resource"
)

// update tells tests to write what they got as what they want.
func update() bool { return os.Getenv("LATTICE_UPDATE") == "1" }

// golden compares what f makes of each archive of a folder with the member want.
func golden(t *testing.T, pattern string, f func(t *testing.T, members []txtar.File) string) {
	t.Helper()
	files, err := filepath.Glob(pattern)
	if err != nil || len(files) == 0 {
		t.Fatalf("%s: no files, %v", pattern, err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txtar"), func(t *testing.T) {
			archive, err := txtar.ParseFile(file)
			if err != nil {
				t.Fatal(err)
			}
			var input []txtar.File
			want := ""
			for _, m := range archive.Files {
				if m.Name == "want" {
					want = string(m.Data)
					continue
				}
				input = append(input, m)
			}
			got := f(t, input)
			if update() {
				archive.Files = append(input, txtar.File{Name: "want", Data: []byte(got)})
				if err := os.WriteFile(file, txtar.Format(archive), 0o600); err != nil {
					t.Fatal(err)
				}
				return
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("-want +got:\n%s", diff)
			}
		})
	}
}

// parse parses the *.cedar members as policies, and the others as documents.
func parse(members []txtar.File) (*Engine, error) {
	var files, documents []File
	for _, m := range members {
		f := File{Name: m.Name, Text: m.Data}
		if strings.HasSuffix(m.Name, ".cedar") {
			files = append(files, f)
		} else {
			documents = append(documents, f)
		}
	}
	return Parse(files, documents...)
}

// TestParse shows every problem as a user reads it, the policies that are left, and what a decision says because of them.
func TestParse(t *testing.T) {
	golden(t, "testdata/parse/*.txtar", func(t *testing.T, members []txtar.File) string {
		e, err := parse(members)
		if err != nil {
			if !errors.Is(err, resource.ErrInvalid) {
				t.Errorf("the error is not one of the input: %v", err)
			}
			return err.Error() + "\n"
		}
		var b strings.Builder
		for _, id := range e.IDs() {
			p, _ := e.Policy(id)
			b.WriteString(p.Position + ": policy " + id + "\n")
		}
		for _, p := range e.Problems() {
			b.WriteString(p.Error() + "\n")
		}
		for _, r := range e.closed {
			b.WriteString("closed: " + r.Position + ": " + r.Message + "\n")
		}
		return b.String()
	})
}
