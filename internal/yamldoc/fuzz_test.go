package yamldoc

import (
	"testing"
	"unicode/utf8"
)

// FuzzOpen checks that every problem has a place inside the file, and that what is read can be
// written.
func FuzzOpen(f *testing.F) {
	for _, seed := range []string{
		"", "a: b\n", "a: &x {b: 1}\nc: *x\n", "<<: {a: 1}\n<<: {b: 2}\n", "a: [\n", "\ta: b", "a: b\na: c\n", `{"a": [1, "\u00e9", null, 1e3]}`,
		"- 010\n- .nan\n- !!binary AA\n", "a: |\n  b\n---\nc: d\n", "apiVersion: v1\nkind: List\nitems: [{a: b}]\n",
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		r, documents := Open("f", data, 1<<16)
		for _, n := range documents {
			var v any
			r.Decode(n, &v)
			if len(r.Problems) > 0 {
				continue
			}
			if text, err := r.JSON(n); err != nil || !utf8.Valid(text) {
				t.Errorf("got %q: %v", text, err)
			}
		}
		for _, p := range r.Problems {
			if p.Message == "" || p.Line < 0 || p.Column < 0 || p.Column > len(data)+1 {
				t.Errorf("%+v", p)
			}
		}
	})
}
