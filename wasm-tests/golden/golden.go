// Package golden compares what a test got with a file.
package golden

import (
	"os"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// Check fails the test when a file does not hold what was got. With LATTICE_UPDATE=1 in the
// environment it writes the file, unless that has the same bytes: tests of other packages may be
// reading it.
func Check(t *testing.T, file, got string) {
	t.Helper()
	want, err := os.ReadFile(file)
	if os.Getenv("LATTICE_UPDATE") == "1" {
		if err == nil && string(want) == got {
			return
		}
		if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got); diff != "" {
		t.Errorf("%s: -want +got (LATTICE_UPDATE=1 rewrites it)\n%s", file, diff)
	}
}
