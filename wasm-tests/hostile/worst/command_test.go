//go:build !race

package main

import (
	"strings"
	"testing"
)

// TestCommand searches for a moment, in real processes.
func TestCommand(t *testing.T) {
	var out, problems strings.Builder
	code := run(t.Context(), []string{"-time", "1ms", "-shape", `{"functions":[{"body":[{"op":"add","times":1000}]}]}`}, &out, &problems)
	if code != 0 {
		t.Fatalf("exit code %d: %s%s", code, out.String(), problems.String())
	}
	for _, name := range measureNames() {
		if !strings.Contains(out.String(), "\n"+name+" ") {
			t.Errorf("nothing about %s:\n%s", name, out.String())
		}
	}
	for _, args := range [][]string{{"-measure", "weight"}, {"-shape", "{"}, {"-seed", "x"}} {
		if code := run(t.Context(), args, &out, &problems); code != 2 {
			t.Errorf("%q: exit code %d, want 2", args, code)
		}
	}
}
