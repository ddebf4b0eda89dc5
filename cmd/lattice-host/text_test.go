package main

import (
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestCompareNatural(t *testing.T) {
	t.Parallel()
	want := []string{"", "a", "a.yaml:1:9", "a.yaml:2", "a.yaml:2:10", "a.yaml:02:11", "a.yaml:10:1", "a10", "ab", "b1"}
	for _, shuffle := range [][]int{{9, 8, 7, 6, 5, 4, 3, 2, 1, 0}, {5, 0, 7, 3, 9, 1, 8, 2, 6, 4}} {
		var got []string
		for _, i := range shuffle {
			got = append(got, want[i])
		}
		slices.SortFunc(got, compareNatural)
		if d := cmp.Diff(want, got); d != "" {
			t.Error(d)
		}
	}
}

// FuzzCompareNatural checks that the order is one.
func FuzzCompareNatural(f *testing.F) {
	f.Add("a:9", "a:10", "a:010")
	f.Add("1", "01", "a")
	f.Fuzz(func(t *testing.T, a, b, c string) {
		if compareNatural(a, b) != -compareNatural(b, a) {
			t.Errorf("%q and %q are before each other", a, b)
		}
		if (compareNatural(a, b) == 0) != (a == b) {
			t.Errorf("%q and %q are taken for equal", a, b)
		}
		if compareNatural(a, b) < 0 && compareNatural(b, c) < 0 && compareNatural(a, c) >= 0 {
			t.Errorf("%q, %q and %q go in a circle", a, b, c)
		}
	})
}

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
