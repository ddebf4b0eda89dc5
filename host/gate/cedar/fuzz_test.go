package cedar

import (
	"errors"
	"os"
	"path/filepath"
	"testing"

	"github.com/rogpeppe/go-internal/txtar"

	"github.com/latticenet/lattice-host/host/gate"
	"github.com/latticenet/lattice-host/host/gate/cedar/cedartest"
	"github.com/latticenet/lattice-host/internal/problem"
)

// seed adds the inputs of the goldens.
func seed(f *testing.F) {
	files, err := filepath.Glob("testdata/parse/*.txtar")
	if err != nil {
		f.Fatal(err)
	}
	for _, file := range files {
		data, err := os.ReadFile(file)
		if err != nil {
			f.Fatal(err)
		}
		for _, m := range txtar.Parse(data).Files {
			f.Add(m.Data)
		}
	}
}

// FuzzParsePolicies shows that text is refused with a place, or is policies that decide, and that
// are read again from what their description says.
func FuzzParsePolicies(f *testing.F) {
	seed(f)
	f.Fuzz(func(t *testing.T, text []byte) {
		e, err := Parse([]File{{Name: "p", Text: text}})
		if err != nil {
			if !errors.Is(err, problem.Invalid) {
				t.Fatalf("not an error of the input: %v", err)
			}
			return
		}
		again := make([]File, 0, e.Len())
		for _, id := range e.IDs() {
			p, _ := e.Policy(id)
			again = append(again, File{Text: []byte(p.Text)})
		}
		other, err := Parse(again)
		if err != nil {
			t.Fatalf("the text of a policy is not one: %v", err)
		}
		if other.Digest() != e.Digest() {
			t.Error("the text of the policies has another digest")
		}
		sameAnswers(t, e, other)
	})
}

func sameAnswers(t *testing.T, a, b *Engine) {
	t.Helper()
	for _, r := range cedartest.Requests() {
		if got, want := evaluate(t, b, r).Verdict, evaluate(t, a, r).Verdict; got != want {
			t.Errorf("%s: the policies say %s, their text says %s", r.Action, want, got)
		}
	}
}

// FuzzParseDocument shows that a document is loaded, disabled, or reported, and that what is
// reported never allows more.
func FuzzParseDocument(f *testing.F) {
	seed(f)
	f.Fuzz(func(t *testing.T, text []byte) {
		e, err := Parse([]File{{Name: "p", Text: []byte(permitAll)}}, File{Name: "d", Text: text})
		if err != nil {
			t.Fatalf("a document is not an error: %v", err)
		}
		for _, p := range e.Problems() {
			if p.Message == "" || p.Line == 0 {
				t.Errorf("a problem without a place or a message: %+v", p)
			}
		}
		if len(e.closed) > 0 {
			if got := evaluate(t, e, cedartest.Requests()[0]); got.Verdict != gate.Error {
				t.Errorf("%s, although something was left out", got.Verdict)
			}
		}
	})
}
