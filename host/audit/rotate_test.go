package audit_test

import (
	"bufio"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/latticenet/lattice-host/host/audit"
)

// segmentBytes is the size of a few lines.
const segmentBytes = 550

func openRotating(t testing.TB, file string) *audit.Log {
	t.Helper()
	l, err := audit.Open(t.Context(), file, audit.Options{Key: key(t, 1), Clock: clock(), RotateBytes: segmentBytes})
	check(t, err)
	return l
}

func note(t testing.TB, l *audit.Log, from, to int) {
	t.Helper()
	for i := from; i < to; i++ {
		check(t, l.Append(t.Context(), audit.Event{Kind: "event", Data: map[string]int{"i": i}}))
	}
}

// rotated returns a log with three segments, and their names.
func rotated(t testing.TB) (file string, segments []string) {
	t.Helper()
	file = filepath.Join(t.TempDir(), "audit.log")
	l := openRotating(t, file)
	note(t, l, 0, 14)
	check(t, l.Close())
	report, err := verify(t, file)
	check(t, err)
	for _, s := range report.Segments {
		segments = append(segments, s.File)
	}
	if len(segments) != 3 {
		t.Fatalf("got the segments %q, want 3", segments)
	}
	return file, segments
}

func TestRotate(t *testing.T) {
	t.Parallel()
	file, segments := rotated(t)
	report, err := verify(t, file)
	check(t, err)
	want := []audit.Segment{
		{File: file + ".1-5", First: 1, Last: report.Segments[0].Last}, {File: file + ".6-10", First: 6, Last: report.Segments[1].Last},
		{File: file + ".11-15", First: 11, Last: report.Segments[2].Last},
	}
	want[0].Last.Seq, want[1].Last.Seq, want[2].Last.Seq = 5, 10, 15
	if diff := cmp.Diff(want, report.Segments); diff != "" {
		t.Errorf("-want +got\n%s", diff)
	}
	if report.Events != 14 || report.Checkpoints != 4 || report.Seq != 18 || report.Recovered != 0 || report.Pruned.Seq != 0 {
		t.Errorf("got %+v", report)
	}
	for _, name := range append(slices.Clone(segments), file) {
		for _, name := range []string{name, name + ".head"} {
			info, err := os.Stat(name)
			if err != nil || info.Mode().Perm() != 0o600 {
				t.Errorf("%s: got %v, %v", name, info, err)
			}
		}
	}
	for _, p := range []audit.Position{report.Segments[0].Last, report.Segments[2].Last, report.Position} {
		if _, err := audit.Verify(t.Context(), file, keys(t), audit.VerifyOptions{Known: []audit.Position{p}}); err != nil {
			t.Error(err)
		}
	}
	// A segment can be verified, too, here and elsewhere.
	archive := t.TempDir()
	for i, name := range segments {
		for _, name := range []string{name, name + ".head"} {
			check(t, os.WriteFile(filepath.Join(archive, filepath.Base(name)), []byte(read(t, name)), 0o600))
		}
		for _, dir := range []string{filepath.Dir(file), archive} {
			report, err := verify(t, filepath.Join(dir, filepath.Base(name)))
			if err != nil || report.Seq != int64(5*i+5) || len(report.Segments) != i {
				t.Errorf("got %+v, %v", report, err)
			}
		}
	}
	if _, err := audit.Open(t.Context(), file, audit.Options{Key: key(t, 1), RotateBytes: -1}); err == nil {
		t.Error("a segment of -1 bytes: got no error")
	}
}

// TestAttack63Segments changes the segments of a log, or takes them away.
func TestAttack63Segments(t *testing.T) {
	t.Parallel()
	move := func(t *testing.T, from, to string) {
		t.Helper()
		check(t, os.Rename(from, to))
		check(t, os.Rename(from+".head", to+".head"))
	}
	edit := func(name, old, replacement string) func(*testing.T, string) {
		return func(t *testing.T, file string) {
			text := read(t, file+name)
			changed := strings.Replace(text, old, replacement, 1)
			if changed == text {
				t.Fatal("the edit changes nothing")
			}
			// What is written again is not a link to another file.
			check(t, os.Remove(file+name))
			check(t, os.WriteFile(file+name, []byte(changed), 0o600))
		}
	}
	tests := map[string]struct {
		attack func(t *testing.T, file string)
		says   string
	}{
		"FirstGone":  {func(t *testing.T, file string) { move(t, file+".1-5", file+".x") }, "the segment audit.log.…-5 is missing, and the lines before it"},
		"MiddleGone": {func(t *testing.T, file string) { move(t, file+".6-10", file+".x") }, "the segment audit.log.…-10 is missing, and the lines before it"},
		"LastGone":   {func(t *testing.T, file string) { move(t, file+".11-15", file+".x") }, "the segment audit.log.…-15 is missing, and the lines before it"},
		"HeadGone":   {func(t *testing.T, file string) { check(t, os.Remove(file+".6-10.head")) }, "6-10.head: the audit log was tampered with: the file is missing, though there is a log"},
		"Renamed":    {func(t *testing.T, file string) { move(t, file+".6-10", file+".6-11") }, "the segment audit.log.…-10 is missing"},
		"Swapped": {func(t *testing.T, file string) {
			move(t, file+".6-10", file+".x")
			move(t, file+".1-5", file+".6-10")
			move(t, file+".x", file+".1-5")
		}, "6-10: the audit log was tampered with: its last line is not the one that the next segment follows"},
		"Edited":    {edit(".6-10", `{"i":5}`, `{"i":6}`), ".6-10: the audit log was tampered with: line 8: it does not follow line 7 as that is now: one of the two was changed"},
		"Rechained": {edit(".1-5", `"prev":""`, `"prev":"`+strings.Repeat("0", 71)+`"`), ".1-5: the audit log was tampered with: line 1: it does not follow line 0"},
		"Cut": {func(t *testing.T, file string) {
			text := read(t, file+".6-10")
			lines := strings.SplitAfter(text, "\n")
			check(t, os.WriteFile(file+".6-10", []byte(strings.Join(lines[:4], "")), 0o600))
		}, ".6-10: the audit log was tampered with: lines are missing at the end: it has 9, there must be 10"},
		"Emptied": {func(t *testing.T, file string) { check(t, os.Truncate(file+".1-5", 0)) }, ".1-5: the audit log was tampered with: lines are missing at the end: it has 0, there must be 5"},
		"Added": {func(t *testing.T, file string) {
			check(t, os.WriteFile(file+".6-10", []byte(read(t, file+".6-10")+"{}\n"), 0o600))
		}, ".6-10: the audit log was tampered with: 3 bytes come after line 10, the last one"},
		"OtherLog": {func(t *testing.T, file string) {
			// Another log of the same key, with the same numbers of lines.
			other := filepath.Join(t.TempDir(), "audit.log")
			l := openRotating(t, other)
			note(t, l, 1, 15)
			check(t, l.Close())
			move(t, other+".6-10", file+".6-10")
		}, ".6-10: the audit log was tampered with: its last line is not the one that the next segment follows"},
		"SegmentAsLog": {func(t *testing.T, file string) {
			// A segment lies there with a signed head. It must not pass for a log that was never
			// longer.
			move(t, file+".1-5", file)
		}, ".head: the audit log was tampered with: it must be of the type application/vnd.lattice.audit.head.v1+json"},
		"LogAsSegment": {func(t *testing.T, file string) { move(t, file, file+".11-15") }, ".head: the audit log was tampered with: the file is missing, though there is a log"},
		"LogGone": {func(t *testing.T, file string) {
			check(t, os.Remove(file))
			if _, err := audit.Open(t.Context(), file, audit.Options{Key: key(t, 1)}); !errors.Is(err, audit.ErrTampered) {
				t.Errorf("Open: got %v, want ErrTampered", err)
			}
			if _, err := os.Lstat(file); !errors.Is(err, os.ErrNotExist) {
				t.Errorf("Open made a file: %v", err)
			}
		}, "audit.log: the audit log was tampered with: the file is missing, its head says that it has lines up to 18"},
		"LogCut":      {func(t *testing.T, file string) { check(t, os.Truncate(file, 0)) }, "lines are missing at the end: it has 15, there must be 18"},
		"LogHeadGone": {func(t *testing.T, file string) { check(t, os.Remove(file+".head")) }, ".head: the audit log was tampered with: the file is missing, though there is a log"},
		"LogsGone": {func(t *testing.T, file string) {
			check(t, errors.Join(os.Remove(file), os.Remove(file+".head")))
			_, err := audit.Open(t.Context(), file, audit.Options{Key: key(t, 1)})
			if !errors.Is(err, audit.ErrTampered) {
				t.Errorf("Open: got %v, want ErrTampered", err)
			}
		}, ".head: the audit log was tampered with: the file is missing, though there is a log"},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			file, _ := rotated(t)
			tc.attack(t, file)
			_, err := verify(t, file)
			if err == nil || !strings.Contains(err.Error(), tc.says) {
				t.Errorf("got %v, want %s", err, tc.says)
			}
			if !errors.Is(err, audit.ErrTampered) {
				t.Errorf("got %v, want ErrTampered", err)
			}
		})
	}
}

// TestRotateKilled goes on after each moment at which a process can be killed while it begins
// another file.
func TestRotateKilled(t *testing.T) {
	t.Parallel()
	// full returns a log whose next event goes to another file.
	full := func(t *testing.T) string {
		file := filepath.Join(t.TempDir(), "audit.log")
		l := openRotating(t, file)
		note(t, l, 0, 4)
		check(t, l.Close())
		return file
	}
	// moved is the log when that has happened, and nothing was noted yet.
	moved := func(t *testing.T) string {
		file := full(t)
		l := openRotating(t, file)
		l.SetWrite(func(*os.File, []byte) error { return syscall.ENOSPC })
		if err := l.Append(t.Context(), audit.Event{Kind: "a", Data: struct{}{}}); !errors.Is(err, syscall.ENOSPC) {
			t.Fatalf("got %v, want ENOSPC", err)
		}
		return file
	}
	tests := map[string]struct {
		killed func(t *testing.T) string
		lines  int64
	}{
		"Head": {func(t *testing.T) string {
			file := full(t)
			check(t, os.WriteFile(file+".1-5.head", []byte(read(t, moved(t)+".1-5.head")), 0o600))
			return file
		}, 5},
		"Link": {func(t *testing.T) string {
			file := full(t)
			check(t, os.WriteFile(file+".1-5.head", []byte(read(t, moved(t)+".1-5.head")), 0o600))
			check(t, os.Link(file, file+".1-5"))
			return file
		}, 5},
		"NewHead": {func(t *testing.T) string {
			file := moved(t)
			check(t, os.Remove(file))
			check(t, os.Link(file+".1-5", file))
			return file
		}, 5},
		"NewFile": {moved, 5},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			file := tc.killed(t)
			report, err := verify(t, file)
			if err != nil || report.Seq != tc.lines {
				t.Errorf("got %+v, %v", report, err)
			}
			l := openRotating(t, file)
			note(t, l, 4, 9)
			check(t, l.Close())
			report, err = verify(t, file)
			if err != nil || report.Events != 9 || report.Recovered != 0 || len(report.Segments) != 2 {
				t.Errorf("got %+v, %v", report, err)
			}
		})
	}
}

// TestRotateAnew makes a longer segment than the one that a killed process began, which was to end
// earlier.
func TestRotateAnew(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "audit.log")
	l := openRotating(t, file)
	note(t, l, 0, 4)
	check(t, l.Close())
	check(t, os.Link(file, file+".1-5"))
	check(t, os.WriteFile(file+".1-5.head", []byte("the head of lines up to 5"), 0o600))
	check(t, os.WriteFile(file+".1-3.head", []byte("the head of lines up to 3"), 0o600))
	check(t, os.WriteFile(file+".1-4", []byte("theirs"), 0o600))

	l, err := audit.Open(t.Context(), file, audit.Options{Key: key(t, 1), Clock: clock()})
	check(t, err)
	note(t, l, 4, 6)
	check(t, l.Close())
	l = openRotating(t, file)
	note(t, l, 6, 7)
	check(t, l.Close())
	report, err := verify(t, file)
	if err != nil || report.Events != 7 || len(report.Segments) != 1 || report.Segments[0].File != file+".1-8" {
		t.Errorf("got %+v, %v", report, err)
	}
	for _, name := range []string{".1-5", ".1-5.head", ".1-3.head"} {
		if _, err := os.Lstat(file + name); !errors.Is(err, os.ErrNotExist) {
			t.Errorf("%s is left: %v", name, err)
		}
	}
	if read(t, file+".1-4") != "theirs" {
		t.Error("the file of somebody else was removed")
	}
}

// TestRotateTorn goes on in another file when something follows the checkpoint that the first one
// ends with.
func TestRotateTorn(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "audit.log")
	l := openRotating(t, file)
	note(t, l, 0, 4)
	check(t, l.Close())
	check(t, os.WriteFile(file, []byte(read(t, file)+"torn"), 0o600))
	l = openRotating(t, file)
	note(t, l, 4, 5)
	check(t, l.Close())
	report, err := verify(t, file)
	if err != nil || report.Events != 5 || report.Recovered != 1 || len(report.Segments) != 1 {
		t.Errorf("got %+v, %v", report, err)
	}
}

// TestRotateRestored goes on with a log of which a copy was made just when a process was killed:
// what was one file under two names is two.
func TestRotateRestored(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "audit.log")
	l := openRotating(t, file)
	note(t, l, 0, 4)
	check(t, l.Close())
	text := read(t, file)
	l = openRotating(t, file)
	l.SetWrite(func(*os.File, []byte) error { return syscall.ENOSPC })
	if err := l.Append(t.Context(), audit.Event{Kind: "a", Data: struct{}{}}); !errors.Is(err, syscall.ENOSPC) {
		t.Fatalf("got %v, want ENOSPC", err)
	}
	check(t, os.WriteFile(file, []byte(text), 0o600))
	if report, err := verify(t, file); err != nil || report.Seq != 5 {
		t.Errorf("got %+v, %v", report, err)
	}
	l = openRotating(t, file)
	note(t, l, 4, 5)
	check(t, l.Close())
	if report, err := verify(t, file); err != nil || report.Events != 5 || report.Recovered != 0 {
		t.Errorf("got %+v, %v", report, err)
	}
}

// TestRotateRefused has a file of somebody in place of the segment.
func TestRotateRefused(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "audit.log")
	l := openRotating(t, file)
	note(t, l, 0, 4)
	check(t, os.WriteFile(file+".1-5", []byte("theirs"), 0o600))
	err := l.Append(t.Context(), audit.Event{Kind: "a", Data: struct{}{}})
	if !errors.Is(err, os.ErrExist) || !strings.HasPrefix(err.Error(), file+": the events cannot be noted: the log cannot go on in another file: ") {
		t.Errorf("got %v", err)
	}
	if read(t, file+".1-5") != "theirs" {
		t.Error("the file was replaced")
	}
	check(t, os.Remove(file+".1-5"))
	note(t, l, 4, 5)
	check(t, l.Close())
	if report, err := verify(t, file); err != nil || report.Events != 5 || len(report.Segments) != 1 {
		t.Errorf("got %+v, %v", report, err)
	}
}

// TestRotateProcesses appends through several logs at once, as processes would, while others
// verify.
func TestRotateProcesses(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "audit.log")
	const logs, events = 4, 12
	var writers, readers sync.WaitGroup
	done := make(chan struct{})
	check(t, openRotating(t, file).Close())
	for range 2 {
		readers.Go(func() {
			for {
				select {
				case <-done:
					return
				default:
				}
				// What another one is about to append follows the end.
				if _, err := audit.Verify(t.Context(), file, keys(t), audit.VerifyOptions{}); err != nil {
					t.Error(err)
					return
				}
			}
		})
	}
	for range logs {
		l := openRotating(t, file)
		writers.Go(func() {
			for i := range events {
				if err := l.Append(t.Context(), audit.Event{Kind: "event", Data: map[string]int{"i": i}}); err != nil {
					t.Error(err)
				}
			}
			if err := l.Close(); err != nil {
				t.Error(err)
			}
		})
	}
	writers.Wait()
	close(done)
	readers.Wait()
	report, err := verify(t, file)
	check(t, err)
	if report.Events != logs*events || report.Recovered != 0 || len(report.Segments) < 8 {
		t.Errorf("got %+v", report)
	}
}

// killedLog names the log that the test binary appends to until it is killed.
const killedLog = "LATTICE_TEST_KILLED_LOG"

// TestKilledProcess is the process that is killed, when it is told so.
func TestKilledProcess(t *testing.T) {
	file, ok := os.LookupEnv(killedLog)
	if !ok {
		return
	}
	for i := 0; ; i++ {
		l := openRotating(t, file)
		note(t, l, i, i+3)
		fmt.Println("noted", i+3)
		check(t, l.Close())
	}
}

// TestKill kills processes that append at any moment.
func TestKill(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "audit.log")
	noted := int64(0)
	for i := range 12 {
		c := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestKilledProcess$")
		c.Env = append(os.Environ(), killedLog+"="+file)
		out, err := c.StdoutPipe()
		check(t, err)
		check(t, c.Start())
		// Whatever the machine has to do, each process notes something before it is killed.
		var begun sync.Once
		for lines := bufio.NewScanner(out); lines.Scan(); {
			if !strings.HasPrefix(lines.Text(), "noted") {
				t.Fatalf("the process says %s", lines.Text())
			}
			noted += 3
			begun.Do(func() { time.AfterFunc(time.Duration(7*i)*time.Millisecond, func() { _ = c.Process.Kill() }) })
		}
		if err := c.Wait(); err == nil {
			t.Fatal("the process ended by itself")
		}
		if report, err := verify(t, file); err != nil && !errors.Is(err, audit.ErrTorn) || report.Events < noted {
			t.Fatalf("got %+v, %v; %d events were noted", report, err, noted)
		}
	}
	l := openRotating(t, file)
	note(t, l, 0, 1)
	check(t, l.Close())
	report, err := verify(t, file)
	check(t, err)
	if noted == 0 || report.Events <= noted || len(report.Segments) == 0 {
		t.Errorf("got %+v; %d events were noted", report, noted)
	}
}

func TestPrune(t *testing.T) {
	t.Parallel()
	file, segments := rotated(t)
	before, err := verify(t, file)
	check(t, err)
	l := openRotating(t, file)
	for _, last := range []int64{0, 4, 18} {
		_, err := l.Prune(t.Context(), last, "ann")
		want := fmt.Sprintf("%s: no segment ends there: line %d; segments end with the lines 5 10 15", file, last)
		if !errors.Is(err, audit.ErrNoSegment) || err.Error() != want {
			t.Errorf("got %v, want %s", err, want)
		}
	}
	removed, err := l.Prune(t.Context(), 10, "ann")
	check(t, err)
	if len(removed) != 2 || removed[1].Last != before.Segments[1].Last {
		t.Errorf("got %+v", removed)
	}
	for _, name := range segments[:2] {
		for _, name := range []string{name, name + ".head"} {
			if _, err := os.Stat(name); !errors.Is(err, os.ErrNotExist) {
				t.Errorf("%s is there: %v", name, err)
			}
		}
	}
	var found string
	report, err := audit.Verify(t.Context(), file, keys(t), audit.VerifyOptions{Visit: func(e *audit.Entry) error {
		if e.Kind == audit.KindPruned {
			found = string(e.Data)
		}
		return nil
	}})
	check(t, err)
	end := before.Segments[1].Last
	if report.Pruned != end || report.Seq != 19 || report.Events != 7 || len(report.Segments) != 1 || !report.First.After(before.First) {
		t.Errorf("got %+v", report)
	}
	if want := `{"files":["audit.log.1-5","audit.log.6-10"],"head":"` + end.Head + `","seq":10,"user":"ann"}`; found != want {
		t.Errorf("got %s, want %s", found, want)
	}
	known := func(p audit.Position) error {
		_, err := audit.Verify(t.Context(), file, keys(t), audit.VerifyOptions{Known: []audit.Position{p}})
		return err
	}
	check(t, known(end))
	check(t, known(before.Position))
	if err := known(audit.Position{Seq: 10, Head: before.Head}); !errors.Is(err, audit.ErrTampered) {
		t.Errorf("got %v, want ErrTampered", err)
	}
	want := file + ": line 5 was removed on purpose with those up to line 10: compare a later one"
	if err := known(before.Segments[0].Last); err == nil || errors.Is(err, audit.ErrTampered) || err.Error() != want {
		t.Errorf("got %v, want %s", err, want)
	}
	// What is left can be verified by itself, where the log lies next to it.
	if report, err := verify(t, segments[2]); err != nil || report.Pruned != end {
		t.Errorf("got %+v, %v", report, err)
	}
	// The rest is still needed, also by what is noted later, and a second time there is nothing to
	// remove.
	note(t, l, 14, 20)
	if _, err := l.Prune(t.Context(), 10, "ann"); !errors.Is(err, audit.ErrNoSegment) {
		t.Errorf("got %v, want ErrNoSegment", err)
	}
	check(t, l.Close())
	if report, err := verify(t, file); err != nil || report.Pruned != end {
		t.Errorf("got %+v, %v", report, err)
	}
	check(t, os.Remove(segments[2]))
	if _, err := verify(t, file); !errors.Is(err, os.ErrNotExist) && !errors.Is(err, audit.ErrTampered) {
		t.Errorf("got %v, want ErrTampered", err)
	}
	if _, err := l.Prune(t.Context(), 15, "ann"); !errors.Is(err, audit.ErrClosed) {
		t.Errorf("got %v, want ErrClosed", err)
	}
}

// TestPruneKilled removes again what a process was killed over.
func TestPruneKilled(t *testing.T) {
	t.Parallel()
	file, segments := rotated(t)
	kept := map[string]string{}
	for _, name := range segments[:2] {
		for _, name := range []string{name, name + ".head"} {
			kept[name] = read(t, name)
		}
	}
	l := openRotating(t, file)
	_, err := l.Prune(t.Context(), 10, "ann")
	check(t, err)
	for name, text := range kept {
		check(t, os.WriteFile(name, []byte(text), 0o600))
	}
	report, err := verify(t, file)
	if err != nil || report.Pruned.Seq != 10 || len(report.Segments) != 1 {
		t.Errorf("got %+v, %v", report, err)
	}
	if removed, err := l.Prune(t.Context(), 10, "ann"); err != nil || len(removed) != 2 {
		t.Errorf("got %+v, %v", removed, err)
	}
	again, err := verify(t, file)
	if err != nil || again.Seq != report.Seq {
		t.Errorf("it is noted twice: %+v, %v", again, err)
	}
}

// TestPruneUnfinished prunes what a killed process made a segment before the log went on after it.
func TestPruneUnfinished(t *testing.T) {
	t.Parallel()
	file, _ := rotated(t)
	segment := file + ".16-18"
	check(t, os.Link(file, segment))
	check(t, os.WriteFile(segment+".head", []byte(read(t, file+".11-15.head")), 0o600))
	l := openRotating(t, file)
	if _, err := l.Prune(t.Context(), 18, "ann"); !errors.Is(err, audit.ErrNoSegment) || strings.HasSuffix(err.Error(), "18") {
		t.Errorf("got %v, want ErrNoSegment", err)
	}
	if report, err := verify(t, file); err != nil || report.Seq != 18 {
		t.Errorf("got %+v, %v", report, err)
	}
}

// TestClockBack sets the clock back: the order of the lines holds, and it is reported.
func TestClockBack(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "audit.log")
	now := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	l, err := audit.Open(t.Context(), file, audit.Options{Key: key(t, 1), Clock: func() time.Time { return now }})
	check(t, err)
	for _, step := range []time.Duration{0, -time.Hour, 0, time.Minute, -time.Second} {
		now = now.Add(step)
		note(t, l, 0, 1)
	}
	check(t, l.Close())
	report, err := verify(t, file)
	if err != nil || report.Backwards != 2 {
		t.Errorf("got %+v, %v", report, err)
	}
}
