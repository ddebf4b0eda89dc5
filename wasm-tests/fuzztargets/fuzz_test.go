package fuzztargets

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// TestFuzzScript runs the script with a go command that says what a fuzz run may say.
func TestFuzzScript(t *testing.T) {
	tests := map[string]struct {
		says   string
		status string
		want   int
	}{
		"found nothing": {"fuzz: elapsed: 3s\nPASS\nok  	p	3.1s", "0", 0},
		"the engine's deadline": {
			"fuzz: elapsed: 3s\n--- FAIL: FuzzX (3.13s)\n    context deadline exceeded\nFAIL\nexit status 1\nFAIL	p	3.1s", "1", 0,
		},
		"a finding": {
			"--- FAIL: FuzzX (0.13s)\n    --- FAIL: FuzzX (0.00s)\n        x_test.go:8: wrong\n    \n" +
				"    Failing input written to testdata/fuzz/FuzzX/1\nFAIL\nexit status 1\nFAIL	p	3.1s", "1", 1,
		},
		"a target that says the same": {
			"--- FAIL: FuzzX (0.13s)\n    --- FAIL: FuzzX (0.00s)\n        context deadline exceeded\n    \n" +
				"    Failing input written to testdata/fuzz/FuzzX/1\nFAIL\nexit status 1\nFAIL	p	3.1s", "1", 1,
		},
		"a seed that fails": {
			"failure while testing seed corpus entry: FuzzX/1\n--- FAIL: FuzzX (3.13s)\n    context deadline exceeded\n" +
				"    x_test.go:8: wrong\nFAIL\nexit status 1\nFAIL	p	3.1s", "1", 1,
		},
		"it does not build": {"FAIL	p [build failed]\nFAIL", "1", 1},
		"usage":             {"flag provided but not defined", "2", 2},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			bin := t.TempDir()
			script := "#!/bin/sh\ncat <<'END'\n" + tt.says + "\nEND\nexit " + tt.status + "\n"
			if err := os.WriteFile(filepath.Join(bin, "go"), []byte(script), 0o700); err != nil {
				t.Fatal(err)
			}
			c := exec.CommandContext(t.Context(), "sh", "fuzz.sh", "p", "FuzzX", "3s")
			c.Env = append(os.Environ(), "PATH="+bin+string(os.PathListSeparator)+os.Getenv("PATH"))
			out, _ := c.CombinedOutput()
			if got := c.ProcessState.ExitCode(); got != tt.want {
				t.Errorf("exit %d, want %d\n%s", got, tt.want, out)
			}
			if says := strings.Contains(string(out), "FAIL"); says != (tt.want == 1) {
				t.Errorf("exit %d, says FAIL: %v\n%s", tt.want, says, out)
			}
			if tt.want != 0 && !strings.Contains(string(out), tt.says) {
				t.Errorf("it does not say\n%s\nbut\n%s", tt.says, out)
			}
		})
	}
}
