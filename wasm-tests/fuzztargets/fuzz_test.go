package fuzztargets

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// fakeGo is a go command whose test binary says what a fuzz run may say. It has the targets FuzzX
// and FuzzY.
const fakeGo = `#!/bin/sh
case $1 in
env) echo /cache ;;
list) echo example.com/p ;;
test)
	while [ "$1" != -o ]; do shift; done
	cat >"$2" <<'BINARY'
#!/bin/sh
if [ "$1" = -test.list ]; then
	printf 'FuzzX\nFuzzY\n'
	exit
fi
echo "ran in ${PWD##*/} with ${*%% -test.paniconexit0}"
cat <<'END'
SAYS
END
exit STATUS
BINARY
	chmod +x "$2"
	;;
esac
`

// failingGo is a go command that cannot build.
const failingGo = "#!/bin/sh\necho 'FAIL\tp [build failed]'\nexit 1\n"

// noTestsGo is what a go command does in a package without tests.
const noTestsGo = "#!/bin/sh\necho '?   \tp\t[no test files]'\n"

// script runs the script with a go command in a folder that has a package p, and returns what it
// says.
func script(t *testing.T, goCommand string, args ...string) (out string, status int) {
	t.Helper()
	dir := t.TempDir()
	if err := os.Mkdir(filepath.Join(dir, "p"), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "go"), []byte(goCommand), 0o700); err != nil {
		t.Fatal(err)
	}
	name, err := filepath.Abs("fuzz.sh")
	if err != nil {
		t.Fatal(err)
	}
	c := exec.CommandContext(t.Context(), "sh", append([]string{name}, args...)...)
	c.Dir = dir
	c.Env = append(os.Environ(), "PATH="+dir+string(os.PathListSeparator)+os.Getenv("PATH"))
	said, _ := c.CombinedOutput()
	return string(said), c.ProcessState.ExitCode()
}

// TestFuzzScript runs the script with a test binary that says what a fuzz run may say.
func TestFuzzScript(t *testing.T) {
	tests := map[string]struct {
		says   string
		status string
		want   int
	}{
		"found nothing": {"fuzz: elapsed: 3s\nPASS", "0", 0},
		"the engine's deadline": {
			"fuzz: elapsed: 3s\n--- FAIL: FuzzX (3.13s)\n    context deadline exceeded\nFAIL", "1", 0,
		},
		"a finding": {
			"--- FAIL: FuzzX (0.13s)\n    --- FAIL: FuzzX (0.00s)\n        x_test.go:8: wrong\n    \n" +
				"    Failing input written to testdata/fuzz/FuzzX/1\nFAIL", "1", 1,
		},
		"a target that says the same": {
			"--- FAIL: FuzzX (0.13s)\n    --- FAIL: FuzzX (0.00s)\n        context deadline exceeded\n    \n" +
				"    Failing input written to testdata/fuzz/FuzzX/1\nFAIL", "1", 1,
		},
		"a seed that fails": {
			"failure while testing seed corpus entry: FuzzX/1\n--- FAIL: FuzzX (3.13s)\n    context deadline exceeded\n" +
				"    x_test.go:8: wrong\nFAIL", "1", 1,
		},
		"it ends without a word": {"", "1", 1},
		"usage":                  {"flag provided but not defined", "2", 2},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			out, status := script(t, strings.NewReplacer("SAYS", tt.says, "STATUS", tt.status).Replace(fakeGo), "p", "3s", "FuzzX", "FuzzY")
			if status != tt.want {
				t.Errorf("exit %d, want %d\n%s", status, tt.want, out)
			}
			if says := strings.Contains(out, "FAIL"); says != (tt.want != 0) {
				t.Errorf("exit %d, says FAIL: %v\n%s", tt.want, says, out)
			}
			if tt.want != 0 && (!strings.Contains(out, tt.says) || !strings.Contains(out, "FAIL p FuzzX")) {
				t.Errorf("it does not say\n%s\nbut\n%s", tt.says, out)
			}
			const ran = "ran in p with -test.run ^$ -test.fuzz ^FuzzX$ -test.fuzztime 3s -test.fuzzminimizetime 10x -test.fuzzcachedir /cache/fuzz/example.com/p\n"
			if !strings.Contains(out, ran) {
				t.Errorf("it does not say\n%s\nbut\n%s", ran, out)
			}
			if other := strings.Contains(out, "^FuzzY$"); other != (tt.want == 0) {
				t.Errorf("exit %d, ran the next target: %v\n%s", tt.want, other, out)
			}
		})
	}
}

// TestFuzzScriptRefuses what would fuzz nothing.
func TestFuzzScriptRefuses(t *testing.T) {
	tests := map[string]struct {
		goCommand, target, says string
	}{
		"no such target":  {fakeGo, "FuzzXY", "p has no fuzz target FuzzXY"},
		"part of a name":  {fakeGo, "Fuzz", "p has no fuzz target Fuzz"},
		"a failing build": {failingGo, "FuzzX", "[build failed]"},
		"no tests":        {noTestsGo, "FuzzX", "p has no tests"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			out, status := script(t, tt.goCommand, "p", "3s", tt.target)
			if status != 1 || !strings.Contains(out, tt.says) || strings.Contains(out, "ran in") {
				t.Errorf("exit %d, want 1 and %s\n%s", status, tt.says, out)
			}
		})
	}
}
