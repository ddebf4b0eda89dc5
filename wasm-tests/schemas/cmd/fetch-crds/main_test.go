package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/latticenet/lattice-host/wasm-tests/schemas/crds"
)

func TestRun(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "crds")
	blocked := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(blocked, nil, 0o644); err != nil {
		t.Fatal(err)
	}
	type result struct {
		Code           int
		Stdout, Stderr string
	}
	tests := map[string]struct {
		args    []string
		outside bool
		want    result
	}{
		"Fetches":       {args: []string{"-out", dir}, want: result{Stdout: dir + "\n"}},
		"FolderIsAFile": {args: []string{"-out", blocked}, want: result{Code: 1, Stderr: "fetch-crds: mkdir " + blocked + ": not a directory\n"}},
		"Argument":      {args: []string{dir}, want: result{Code: 2, Stderr: "fetch-crds: unexpected argument \"" + dir + "\"\n"}},
		"OutsideOfRepo": {outside: true, want: result{Code: 2, Stderr: "fetch-crds: CWD is not inside the module github.com/latticenet/lattice-host; use -out\n"}},
		"UnknownFlag":   {args: []string{"-x"}, want: result{Code: 2, Stderr: "flag provided but not defined: -x\n" + usage}},
		"Help":          {args: []string{"-h"}, want: result{Stderr: usage}},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			cwd := t.TempDir()
			if test.outside {
				t.Chdir(cwd)
			}
			var stdout, stderr strings.Builder
			code := run(t.Context(), test.args, &stdout, &stderr)
			got := result{code, stdout.String(), strings.ReplaceAll(stderr.String(), cwd, "CWD")}
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Errorf("-want +got:\n%s", diff)
			}
		})
	}
	if _, err := os.Stat(filepath.Join(dir, crds.Manifest)); err != nil {
		t.Error(err)
	}
}

const usage = "Usage of fetch-crds:\n  -out string\n    \tfolder to fill (default build/crds of the repository)\n"
