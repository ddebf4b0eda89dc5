package checks

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// fakeMake is a make that says what a target says, notes what it was asked for and in what
// environment, and does what $DOES_<target> says.
const fakeMake = `#!/bin/sh
echo "$* LATTICE_UPDATE=$LATTICE_UPDATE RACE=$RACE" >>"$NOTES"
case $1 in
demo) echo "# bundle sha256:1" ;;
test) printf 'ok  \texample.com/a\t0.1s\nok  \texample.com/b\t(cached)\n?   \texample.com/c\t[no test files]\n' ;;
test-*) printf 'ok  \texample.com/%s\t0.1s\n' "$1" ;;
esac
[ "$1" != "${BREAKS%%=*}" ] || eval "${BREAKS#*=}"
`

// TestRun runs .ci/run with a make of its own: all steps in order when nothing fails, and how it
// ends when something does.
func TestRun(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		reason string
		// breaks is a target and what it does.
		breaks string
		// last is the last target that is made, line the last line.
		last, line string
		says       string
	}{
		"Whole":        {"Nothing fails.", "", "bench-smoke", "5 passed, 0 failed", ""},
		"TestFails":    {"A package fails.", `test=printf 'FAIL\texample.com/d\t0.1s\nFAIL\n'; exit 1`, "test", "2 passed, 1 failed", "failed: make test\n"},
		"CheckFails":   {"A step without tests fails.", "check=exit 1", "check", "5 passed, 1 failed", "failed: make check\n"},
		"FuzzFails":    {"A fuzz target fails.", "fuzz-turn=exit 1", "fuzz-turn", "5 passed, 1 failed", "failed: fuzz targets by turns\n"},
		"Golden":       {"A golden file differs.", "test=echo new >golden.txtar", "test-trust", "5 passed, 1 failed", "The tests changed files"},
		"NewFile":      {"A test leaves a file.", "test-cedar=echo new >left.txt", "test-trust", "5 passed, 1 failed", "left.txt"},
		"OtherDigests": {"The second demo has another digest.", `demo=echo "# bundle $(wc -l <"$NOTES")"`, "demo", "0 passed, 1 failed", "failed: make demo"},
		"IgnoredFile":  {"What git ignores may change.", "test=mkdir -p build && echo >build/x", "bench-smoke", "5 passed, 0 failed", ""},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			out, targets, ok := runCI(t, tc.breaks)
			lines := strings.Split(strings.TrimSpace(out), "\n")
			if line := lines[len(lines)-1]; line != tc.line || ok != strings.HasSuffix(line, " 0 failed") || !strings.Contains(out, tc.says) {
				t.Errorf("%s\nit ends with %q, ok %v\n%s", tc.reason, line, ok, out)
			}
			if last := strings.Fields(targets[len(targets)-1])[0]; last != tc.last {
				t.Errorf("%s\nthe last target is %s, want %s", tc.reason, last, tc.last)
			}
			if name != "Whole" {
				return
			}
			want := []string{
				"demo LATTICE_UPDATE= RACE=", "demo LATTICE_UPDATE= RACE=", "test LATTICE_UPDATE=1 RACE=-race",
				"test-assemblyscript LATTICE_UPDATE=1 RACE=-race", "test-cedar LATTICE_UPDATE=1 RACE=-race", "test-trust LATTICE_UPDATE=1 RACE=-race",
				"check LATTICE_UPDATE= RACE=", "fuzz-turn LATTICE_UPDATE= RACE=", "bench-smoke LATTICE_UPDATE= RACE=",
			}
			if got, want := strings.Join(targets, "\n"), strings.Join(want, "\n"); got != want {
				t.Errorf("got\n%s\nwant\n%s", got, want)
			}
			if !regexp.MustCompile(`(?m)^ +\d+s +\d+s  make check$`).MatchString(out) {
				t.Errorf("it does not say how long make check took\n%s", out)
			}
		})
	}
}

// runCI runs .ci/run in a repository with one golden file, and returns what it says and what was
// made.
func runCI(t *testing.T, breaks string) (out string, targets []string, ok bool) {
	t.Helper()
	script, err := os.ReadFile("../../.ci/run")
	if err != nil {
		t.Fatal(err)
	}
	r, bin := newRepository(t), t.TempDir()
	r.write(".ci/run", string(script))
	r.write(".gitignore", "/build/\n")
	r.commit("golden.txtar", "old\n")
	for name, text := range map[string]string{"make": fakeMake, "npm": "#!/bin/sh\n", "gcc": "#!/bin/sh\n"} {
		if err := os.WriteFile(filepath.Join(bin, name), []byte(text), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	notes := filepath.Join(bin, "notes")
	c := exec.CommandContext(t.Context(), "bash", ".ci/run")
	c.Dir = r.dir
	c.Env = append(os.Environ(), "BREAKS="+breaks, "NOTES="+notes, "PATH="+bin+string(os.PathListSeparator)+os.Getenv("PATH"), "LATTICE_UPDATE=", "RACE=")
	said, err := c.CombinedOutput()
	made, readErr := os.ReadFile(notes)
	if readErr != nil {
		t.Fatalf("%v\n%s", readErr, said)
	}
	return string(said), strings.Split(strings.TrimSpace(string(made)), "\n"), err == nil
}
