package main

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestSimilar(t *testing.T) {
	t.Parallel()
	candidates := []string{"derive", "remove", "index", "index add", "plugin build", "plugin sign"}
	tests := map[string]struct {
		reason, typed string
		want          []string
	}{
		"Typo":   {"Two characters may be wrong.", "dervie", []string{"derive"}},
		"Prefix": {"The beginning of a name is meant.", "rem", []string{"remove"}},
		"Nested": {"A subcommand of another command.", "sign", []string{"plugin sign"}},
		"Far":    {"Something else entirely.", "kubernetes", nil},
		"Short":  {"Anything is near two characters.", "xx", nil},
		"Empty":  {"Nothing is near nothing.", "", nil},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if d := cmp.Diff(tc.want, similar(tc.typed, candidates)); d != "" {
				t.Errorf("%s\n%s", tc.reason, d)
			}
		})
	}
}

func TestPrintable(t *testing.T) {
	t.Parallel()
	if got, want := printable("a\tb\nc\x1b[0m\u202e\xffé"), "a\tb\\nc\\x1b[0m\\u202e�é"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}
