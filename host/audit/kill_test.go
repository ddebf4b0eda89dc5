package audit_test

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/latticenet/lattice-host/host/audit"
)

// The variables that make the test binary a process that is killed before a step.
const (
	steppedLog   = "LATTICE_TEST_STEPPED_LOG"
	steppedAfter = "LATTICE_TEST_STEPPED_AFTER"
)

const killed = 137

// steppedEvents is how many events the process notes, each in another file.
const steppedEvents = 3

func openStepped(t *testing.T, file string, before func() error) *audit.Log {
	l, err := audit.OpenBefore(t.Context(), file, audit.Options{Key: key(t, 1), RotateBytes: 1}, before)
	check(t, err)
	return l
}

// stepped notes events, prunes, and notes again. It says what it did when it did it.
func stepped(t *testing.T, file string, before func() error, did func(string, int)) {
	l := openStepped(t, file, before)
	for i := range steppedEvents {
		note(t, l, i, i+1)
		did("noted", i)
	}
	last := firstEnd(t, file)
	_, err := l.Prune(t.Context(), last, "ann")
	check(t, err)
	did("pruned", int(last))
	note(t, l, steppedEvents, steppedEvents+1)
	did("noted", steppedEvents)
	check(t, l.Close())
}

// firstEnd returns the last line of the first segment.
func firstEnd(t *testing.T, file string) int64 {
	report, err := verify(t, file)
	check(t, err)
	if len(report.Segments) == 0 {
		t.Fatal("there is no segment")
	}
	return report.Segments[0].Last.Seq
}

// TestSteppedProcess is the process that is killed, when it is told so.
func TestSteppedProcess(t *testing.T) {
	file, ok := os.LookupEnv(steppedLog)
	if !ok {
		return
	}
	left, err := strconv.Atoi(os.Getenv(steppedAfter))
	check(t, err)
	stepped(t, file, func() error {
		if left == 0 {
			os.Exit(killed)
		}
		left--
		return nil
	}, func(what string, n int) { fmt.Println(what, n) })
}

// strange is what follows the end of a log before the process begins.
const strange = "somebody was here\n"

// begun returns a log that was begun, with something strange after its end.
func begun(t *testing.T) (file string) {
	file = filepath.Join(t.TempDir(), "audit.log")
	l := openLog(t, file, 0)
	note(t, l, 100, 102)
	check(t, l.Close())
	check(t, os.WriteFile(file, []byte(read(t, file)+strange), 0o600))
	return file
}

// stride returns how many steps lie between two at which a process is killed. With -short only some
// of them are.
func stride() int {
	if testing.Short() {
		return 7
	}
	return 1
}

// TestKillSteps kills a process before each step that changes something on the disk. No kill looks
// like tampering, nothing that was noted is gone, added bytes are always reported, and the next
// process completes the rest.
func TestKillSteps(t *testing.T) {
	t.Parallel()
	for name, begin := range map[string]func(*testing.T) string{
		"New":   func(t *testing.T) string { return filepath.Join(t.TempDir(), "audit.log") },
		"Begun": begun,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			steps := 0
			stepped(t, begin(t), func() error { steps++; return nil }, func(string, int) {})
			if steps < 100 {
				t.Errorf("there are %d steps to be killed at, want 100 at least", steps)
			}
			if name == "Begun" {
				// After the first events all is the same.
				steps /= 3
			}
			for after := 0; after < steps; after += stride() {
				t.Run(strconv.Itoa(after), func(t *testing.T) {
					t.Parallel()
					killedAt(t, begin(t), after, name == "Begun")
				})
			}
		})
	}
}

func killedAt(t *testing.T, file string, after int, hasStrange bool) {
	c := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestSteppedProcess$")
	c.Env = append(os.Environ(), steppedLog+"="+file, steppedAfter+"="+strconv.Itoa(after))
	out, err := c.CombinedOutput()
	var exit *exec.ExitError
	if !errors.As(err, &exit) || exit.ExitCode() != killed {
		t.Fatalf("%v\n%s", err, out)
	}
	noted, pruned := -1, 0
	for line := range strings.Lines(string(out)) {
		what, text, _ := strings.Cut(strings.TrimSpace(line), " ")
		n, err := strconv.Atoi(text)
		check(t, err)
		if what == "pruned" {
			pruned = n
			continue
		}
		noted = n
	}
	found := finds(t, file, noted, func(err error) bool {
		return err == nil || errors.Is(err, audit.ErrTorn) || noted < 0 && !hasStrange && errors.Is(err, fs.ErrNotExist)
	})
	if int64(pruned) > found.Pruned.Seq {
		t.Errorf("line %d was pruned, got %+v", pruned, found)
	}

	segments, err := filepath.Glob(file + ".[0-9]*-[0-9]")
	check(t, err)
	for _, segment := range segments {
		if _, err := verify(t, segment); err != nil {
			t.Errorf("a segment by itself: %v", err)
		}
	}

	// The next process does something, and completes what was left to do.
	l := openStepped(t, file, nil)
	note(t, l, 1000, 1001)
	if found.Pruned.Seq > 0 {
		if _, err := l.Prune(t.Context(), found.Pruned.Seq, "ann"); err != nil && !errors.Is(err, audit.ErrNoSegment) {
			t.Error(err)
		}
	}
	check(t, l.Close())
	whole := finds(t, file, noted, func(err error) bool { return err == nil })
	finds(t, file, 1000, func(err error) bool { return err == nil })
	if whole.Pruned != found.Pruned {
		t.Errorf("what was pruned: got %+v, then %+v", found.Pruned, whole.Pruned)
	}
	checkPruned(t, file, whole.Pruned.Seq)
	if hasStrange {
		checkStrange(t, file, whole.Pruned.Seq > 0)
	}
}

// checkStrange checks that something strange was kept, and that the log says so unless that line
// was pruned.
func checkStrange(t *testing.T, file string, pruned bool) {
	sum := sha256.Sum256([]byte(strange))
	if !pruned && !strings.Contains(recovered(t, file), "sha256:"+hex.EncodeToString(sum[:])) {
		t.Error("the log does not say what somebody added")
	}
	if got := read(t, file+".torn-"+hex.EncodeToString(sum[:8])); got != strange {
		t.Errorf("what somebody added became %q", got)
	}
}

// finds verifies a log, which must have an event if its number is not negative.
func finds(t *testing.T, file string, number int, may func(error) bool) *audit.Report {
	t.Helper()
	has := number < 0
	report, err := audit.Verify(t.Context(), file, keys(t), audit.VerifyOptions{Visit: func(e *audit.Entry) error {
		var data struct{ I *int }
		if err := json.Unmarshal(e.Data, &data); err != nil {
			return err
		}
		has = has || data.I != nil && *data.I == number
		return nil
	}})
	if !may(err) {
		t.Errorf("got %v", err)
	}
	if report == nil {
		report = new(audit.Report)
	}
	if !has {
		t.Errorf("event %d is gone", number)
	}
	return report
}

// recovered returns what the events of this kind say.
func recovered(t *testing.T, file string) string {
	t.Helper()
	var all strings.Builder
	_, err := audit.Verify(t.Context(), file, keys(t), audit.VerifyOptions{Visit: func(e *audit.Entry) error {
		if e.Kind == audit.KindRecovered {
			all.Write(e.Data)
		}
		return nil
	}})
	check(t, err)
	return all.String()
}

var segmentName = regexp.MustCompile(`^audit\.log\.\d+-(\d+)(\.head)?$`)

// checkPruned checks that nothing is left of the segments with the lines up to a number.
func checkPruned(t *testing.T, file string, last int64) {
	t.Helper()
	entries, err := os.ReadDir(filepath.Dir(file))
	check(t, err)
	for _, e := range entries {
		m := segmentName.FindStringSubmatch(e.Name())
		if m == nil {
			continue
		}
		n, err := strconv.ParseInt(m[1], 10, 64)
		check(t, err)
		if n <= last {
			t.Errorf("%s is left, though it was pruned", e.Name())
		}
	}
}
