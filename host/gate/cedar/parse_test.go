package cedar

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/rogpeppe/go-internal/txtar"

	"github.com/latticenet/lattice-host/internal/problem"
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

// TestParse shows every problem as a user reads it, the policies that are left, and what a decision
// says because of them.
func TestParse(t *testing.T) {
	golden(t, "testdata/parse/*.txtar", func(t *testing.T, members []txtar.File) string {
		e, err := parse(members)
		if err != nil {
			if !errors.Is(err, problem.Invalid) {
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

func TestLimits(t *testing.T) {
	t.Run("policies", func(t *testing.T) {
		var files []File
		for i := range maxPolicies/1000 + 1 {
			var b strings.Builder
			for j := range 1000 {
				fmt.Fprintf(&b, "@id(\"p%d\") permit (principal, action == Lattice::Action::\"Admit\", resource);\n", 1000*i+j)
			}
			files = append(files, File{Text: []byte(b.String())})
		}
		const want = "there are more than 10000 Cedar policies; one policy may be about many services"
		if _, err := Parse(files); err == nil || err.Error() != want {
			t.Errorf("got %v", err)
		}
	})
	t.Run("a file of documents", func(t *testing.T) {
		e, err := Parse(nil, File{Name: "d.yaml", Text: []byte(strings.Repeat("#", maxDocumentBytes+1))})
		if err != nil {
			t.Fatal(err)
		}
		const want = "d.yaml:1:1: the file is larger than 1 MiB; split it into several files"
		if got := e.Problems().Error(); got != want || len(e.closed) != 1 {
			t.Errorf("got %s, %d reasons", got, len(e.closed))
		}
	})
	t.Run("the text of a document", func(t *testing.T) {
		text := "apiVersion: lattice.dev/v1alpha1\nkind: CedarPolicy\nmetadata: {name: a}\nspec:\n  policies: |\n    // " +
			strings.Repeat("x", maxFileBytes) + "\n"
		e, err := Parse(nil, File{Name: "d.yaml", Text: []byte(text)})
		if err != nil {
			t.Fatal(err)
		}
		const want = "d.yaml:6:5: CedarPolicy a: spec.policies: the policies have 262148 bytes, the limit is 262144; split them"
		if got := e.Problems().Error(); got != want || len(e.closed) != 1 {
			t.Errorf("got %s, %d reasons", got, len(e.closed))
		}
	})
}

// TestPartOfFile shows that places are those in the whole file.
func TestPartOfFile(t *testing.T) {
	e, err := Parse(
		[]File{{Name: "a.cedar", Line: 10, Text: []byte("\n  " + permitAll)}},
		File{Name: "d.yaml", Line: 20, Text: []byte("apiVersion: lattice.dev/v1alpha1\r\nkind: CedarPolicy\r\nmetadata: {name: a}\r\nspec:\r\n  policies: |\r\n    " +
			"// First.\r\n     @id(\"x\") forbid (principal, action, resource);\r\n")},
		File{Name: "e.yaml", Line: 30, Text: []byte("kind: Nothing")},
	)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, id := range e.IDs() {
		p, _ := e.Policy(id)
		got = append(got, p.Position+" "+id)
	}
	got = append(got, e.Problems()[0].String())
	if diff := cmp.Diff([]string{"a.cedar:11:3 p", "d.yaml:26:6 a_x", "e.yaml:30:1"}, got); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
}
