package versions_test

import (
	"strings"
	"testing"

	"github.com/latticenet/lattice-host/registry/versions"
)

// TestRange asks both ways: what may be chosen is told narrowly, what a warning concerns
// generously.
func TestRange(t *testing.T) {
	t.Parallel()
	tests := []struct {
		text, version string
		has, covers   bool
	}{
		{"<1.2.3", "1.2.2", true, true},
		{"<1.2.3", "1.2.3", false, false},
		{"<1.2.3", "1.2.3-rc.1", false, true},
		{"<1.2.3", "1.0.0-rc.1", false, true},
		{"<1.2.3", "2.0.0-rc.1", false, false},
		{"<1.2.3", "1.2.2+build.7", true, true},
		{">=2", "2.0.0-rc.1", false, true},
		{"^1.2", "1.2.0-rc.1", false, true},
		{"^1.2", "1.9.0-rc.1", false, true},
		{"^1.2", "2.0.0-rc.1", false, false},
		{">1.2.3", "1.2.3-rc.1", false, false},
		{"~1.2", "1.2.9", true, true},
		{"1.x", "1.9.9", true, true},
		{"*", "3.0.0-alpha.1", false, true},
		{">=1.2, <2", "1.5.0", true, true},
		{"<1 || >=3", "3.1.0-beta", false, true},
		{"<1 || >=3", "2.0.0", false, false},
		{">=1.2.3-rc.1", "1.2.3-rc.2", true, true},
		{"^1", "99999999999999999999.0.0", false, true},
	}
	for _, tc := range tests {
		r, err := versions.Parse(tc.text)
		if err != nil {
			t.Fatal(err)
		}
		if has, covers := r.Has(tc.version), r.Covers(tc.version); has != tc.has || covers != tc.covers {
			t.Errorf("%s and %s: has %v, covers %v; want %v, %v", tc.text, tc.version, has, covers, tc.has, tc.covers)
		}
	}
}

func TestRangeRefused(t *testing.T) {
	t.Parallel()
	for name, text := range map[string]string{
		"Empty": "", "Word": "newest", "Lines": "<1\n", "Control": "<1\x00", "Letters": "<1.2.3\u00e9", "Open": "<", "Long": strings.Repeat("<1.0.0 ", 20),
	} {
		if _, err := versions.Parse(text); err == nil || !strings.Contains(err.Error(), "must be a range of versions") {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// FuzzRange reads any range: what may be chosen from one is concerned by a warning of it.
func FuzzRange(f *testing.F) {
	for _, text := range []string{"^1", "<1.2.3 || >=2.0.0-rc.1", "~1.2 - 3", "!=1", "1.x, >0"} {
		f.Add(text, "1.2.3-rc.1+x")
	}
	f.Fuzz(func(t *testing.T, text, version string) {
		r, err := versions.Parse(text)
		if err == nil && r.Has(version) && !r.Covers(version) {
			t.Errorf("%q may be chosen from %q, and is not covered", version, text)
		}
	})
}
