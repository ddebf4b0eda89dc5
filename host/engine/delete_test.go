package engine

import (
	"fmt"
	"testing"
)

func TestSomeOf(t *testing.T) {
	t.Parallel()
	names := make([]string, maxNamed+2)
	for i := range names {
		names[i] = fmt.Sprintf("n%d", i+1)
	}
	const ten = "n1, n2, n3, n4, n5, n6, n7, n8, n9, n10"
	for number, want := range map[int]string{0: "none", maxNamed: ten, maxNamed + 2: ten + " and 2 more, see status -o json"} {
		if got := someOf(names[:number]); got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}
