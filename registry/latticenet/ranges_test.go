package latticenet_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/latticenet/lattice-host/registry/latticenet"
)

func TestRange(t *testing.T) {
	t.Parallel()
	tests := []struct {
		version, versions string
		want              bool
	}{
		{"0.8.0-alpha.7", "", true}, {"0.8.0-alpha.7", "*", true}, {"0.8.0-alpha.7", "  ", true}, {"no-version", "*", true},
		{"no-version", ">=0", false}, {"1.2.3.4", ">=0", false}, {"1.x", ">=0", false},
		{"0.8.0-alpha.7", ">=0.8.0-alpha.5", true}, {"0.8.0-alpha.5", ">=0.8.0-alpha.5", true}, {"0.8.0-alpha.4", ">=0.8.0-alpha.5", false},
		{"0.8.0", ">=0.8.0-alpha.5", true}, {"0.8.0-alpha.7", ">=0.8.0-alpha.5, <0.9", true}, {"0.9.0", ">=0.8.0-alpha.5, <0.9", false},
		{"0.9.0-alpha", ">=0.8 <0.9", true}, {"1.0.0", ">=0.8,<0.9,>1", false}, {"1.0.1", ">1 !=1.0.2 <=1.1", true}, {"1.0.2", ">1 !=1.0.2 <=1.1", false},
		{"1", "1.0.0", true}, {"1.0", "=1", true}, {"1.0.0", "==1.0", true}, {"1.0.1", "1", false}, {"v1.0.0", "1", true}, {"1.0.0", "v1", true},
		{"1.0.0+build.5", "1.0.0", true}, {"1.0.0", "!=1.0.0+x", false}, {"01.0.0", "1", true},
		{"99999999999999999999.0.0", ">99999999999999999998", true}, {"99999999999999999998.0.0", ">99999999999999999999", false},
	}
	for _, tc := range tests {
		r, err := latticenet.ParseRange(tc.versions)
		if err != nil {
			t.Errorf("%q: %v", tc.versions, err)
		}
		if got := r.Contains(tc.version); got != tc.want {
			t.Errorf("%q in %q: got %v", tc.version, tc.versions, got)
		}
	}
}

func TestParseRangeRefuses(t *testing.T) {
	t.Parallel()
	for _, s := range []string{
		"^1", "~1", "1.x", "1.*", "*,1", "1 || 2", ">=1 || <0", ">=", ">= 1", "=>1", "<>1", "===1", "!1", "abc", "1-", "1.2.3.4", "1..2", ".1", "1.", "-1",
		"1-a..b", "1-a_b", "1\n", "1;2", "１", ",", " , ", "1 - 2", strings.Repeat("1 ", 200),
	} {
		if r, err := latticenet.ParseRange(s); err == nil {
			t.Errorf("%q is accepted as %v", s, r)
		}
	}
	_, err := latticenet.ParseRange("1, ^2")
	want := `"^2" must be a version directly behind one of >=, <=, >, <, =, ==, != or nothing`
	if diff := cmp.Diff(want, errorText(err)); diff != "" {
		t.Error(diff)
	}
}

// TestVersionsInOrder compares every version of a list with every other one. The prereleases are those of semver.org.
func TestVersionsInOrder(t *testing.T) {
	t.Parallel()
	versions := []string{
		"0", "0.0.1-0", "0.0.1", "0.2.9", "0.3", "0.8.0-alpha.5", "0.8.0-alpha.7", "0.8.0-alpha.10", "0.8.0-beta", "0.8.0", "1.0.0-alpha",
		"1.0.0-alpha.1", "1.0.0-alpha.beta", "1.0.0-beta", "1.0.0-beta.2", "1.0.0-beta.11", "1.0.0-rc.1", "1.0.0", "1.0.1", "1.9", "1.10", "2-a", "2-a-b", "2",
		"10", "20000000000000000000",
	}
	for i, a := range versions {
		for j, b := range versions {
			got, err := latticenet.CompareVersions(a, b)
			check(t, err)
			if want := min(1, max(-1, i-j)); got != want {
				t.Errorf("%s and %s: got %d, want %d", a, b, got, want)
			}
		}
	}
}
