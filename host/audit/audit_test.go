package audit_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/latticenet/lattice-host/host/audit"
	"github.com/latticenet/lattice-host/host/gate"
	"github.com/latticenet/lattice-host/registry/release"
)

func key(t testing.TB, seed byte) release.PrivateKey {
	t.Helper()
	k, err := release.GenerateKey(bytes.NewReader(bytes.Repeat([]byte{seed}, 32)))
	check(t, err)
	return k
}

func keys(t testing.TB) []release.PublicKey { return []release.PublicKey{key(t, 1).Public()} }

func check(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// clock returns a clock that goes on by a second with each look.
func clock() func() time.Time {
	now := time.Date(2026, 1, 2, 3, 4, 5, 6, time.FixedZone("x", 3600))
	return func() time.Time { now = now.Add(time.Second); return now }
}

func openLog(t testing.TB, file string, every int) *audit.Log {
	t.Helper()
	l, err := audit.Open(t.Context(), file, audit.Options{Key: key(t, 1), Every: every, Clock: clock()})
	check(t, err)
	return l
}

func decision(subject string) *gate.Decision {
	return &gate.Decision{
		ID: "decision-1", Point: gate.Execute, Subject: subject, Verdict: gate.Deny, PolicyDigest: release.Digest([]byte("policies")),
		InputDigest: release.Digest([]byte(subject)), Reasons: []gate.Reason{{Engine: "cedar", Verdict: gate.Deny, Message: "<no>"}},
	}
}

// written returns a log of some lines: events, a checkpoint in the middle and one at the end.
func written(t testing.TB) (file string) {
	t.Helper()
	file = filepath.Join(t.TempDir(), "audit.log")
	l := openLog(t, file, 4)
	for i := range 6 {
		check(t, l.Append(t.Context(), audit.Decision(decision(fmt.Sprint("LatticeService media/", i)))))
	}
	check(t, l.Append(t.Context(), audit.Event{Kind: "plugin.installed", Data: map[string]any{"plugin": "core/web@1.0.0"}}))
	check(t, l.Close())
	return file
}

func verify(t testing.TB, file string) (*audit.Report, error) {
	t.Helper()
	return audit.Verify(t.Context(), file, keys(t), audit.VerifyOptions{})
}

// positionOf returns where the log ends.
func positionOf(t testing.TB, file string) audit.Position {
	t.Helper()
	report, err := verify(t, file)
	check(t, err)
	return report.Position
}

func read(t testing.TB, file string) string {
	t.Helper()
	data, err := os.ReadFile(file)
	check(t, err)
	return string(data)
}

func TestLog(t *testing.T) {
	t.Parallel()
	file := written(t)
	const golden = "testdata/audit.log"
	got := read(t, file)
	if os.Getenv("LATTICE_UPDATE") != "" {
		check(t, os.WriteFile(golden, []byte(got), 0o644))
	}
	if diff := cmp.Diff(read(t, golden), got); diff != "" {
		t.Errorf("-want +got (LATTICE_UPDATE=1 rewrites it)\n%s", diff)
	}
	var kinds []string
	report, err := audit.Verify(t.Context(), file, keys(t), audit.VerifyOptions{Visit: func(e *audit.Entry) error {
		kinds = append(kinds, e.Kind)
		return nil
	}})
	check(t, err)
	at := func(second int) time.Time { return time.Date(2026, 1, 2, 2, 4, second, 6, time.UTC) }
	want := &audit.Report{
		Position: report.Position, PolicyDigest: decision("").PolicyDigest, Events: 7, Checkpoints: 2, First: at(6), Last: at(14),
	}
	want.Seq = 9
	if diff := cmp.Diff(want, report); diff != "" {
		t.Errorf("-want +got\n%s", diff)
	}
	if diff := cmp.Diff("decision decision decision decision checkpoint decision decision plugin.installed checkpoint", strings.Join(kinds, " ")); diff != "" {
		t.Errorf("-want +got\n%s", diff)
	}
	for _, name := range []string{file, file + ".head"} {
		info, err := os.Stat(name)
		if err != nil || info.Mode().Perm() != 0o600 {
			t.Errorf("%s: got %v, %v", name, info.Mode(), err)
		}
	}
}

func TestOpenAgain(t *testing.T) {
	t.Parallel()
	file := written(t)
	l := openLog(t, file, 0)
	check(t, l.Close())
	before, err := verify(t, file)
	check(t, err)
	if before.Seq != 9 {
		t.Errorf("a log that nothing was appended to has %d lines, want 9", before.Seq)
	}
	l = openLog(t, file, 0)
	check(t, l.Append(t.Context()))
	check(t, l.Append(t.Context(), audit.Event{Kind: "a", Data: struct{}{}}, audit.Event{Kind: "b", Data: struct{}{}}))
	position := positionOf(t, file)
	if position.Seq != 11 {
		t.Errorf("got line %d, want 11", position.Seq)
	}
	check(t, l.Close())
	check(t, l.Close())
	if err := l.Append(t.Context(), audit.Event{Kind: "a", Data: struct{}{}}); !errors.Is(err, audit.ErrClosed) {
		t.Errorf("got %v, want ErrClosed", err)
	}
	report, err := verify(t, file)
	check(t, err)
	if report.Seq != 12 || report.Checkpoints != 3 || report.PolicyDigest != before.PolicyDigest {
		t.Errorf("got %+v", report)
	}
	for _, p := range []audit.Position{before.Position, position, report.Position, {}} {
		if _, err := audit.Verify(t.Context(), file, keys(t), audit.VerifyOptions{Known: []audit.Position{p}}); err != nil {
			t.Error(err)
		}
	}
}

// TestProcesses appends through several logs at once, as processes would.
func TestProcesses(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "audit.log")
	const logs, events = 4, 10
	var wait sync.WaitGroup
	for range logs {
		l := openLog(t, file, 8)
		wait.Go(func() {
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
	wait.Wait()
	report, err := verify(t, file)
	check(t, err)
	if report.Events != logs*events || report.Recovered != 0 || report.Checkpoints < events*logs/8 {
		t.Errorf("got %+v", report)
	}
}

func TestAppendRefuses(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "audit.log")
	l := openLog(t, file, 0)
	big := map[string]string{"a": strings.Repeat("x", audit.MaxLineBytes)}
	for name, tc := range map[string]struct {
		event audit.Event
		says  string
	}{
		"NoKind":     {audit.Event{Data: struct{}{}}, `: "" is not the kind of an event; use lower-case words, with dots or hyphens between them`},
		"Kind":       {audit.Event{Kind: "A\nb", Data: struct{}{}}, `: "A\nb" is not the kind of an event; use lower-case words, with dots or hyphens between them`},
		"Checkpoint": {audit.Event{Kind: "checkpoint", Data: struct{}{}}, ": events of kind checkpoint are written by the log itself"},
		"Recovered":  {audit.Event{Kind: "recovered", Data: struct{}{}}, ": events of kind recovered are written by the log itself"},
		"NoData":     {audit.Event{Kind: "a"}, ": the data of an event of kind a is not an object"},
		"List":       {audit.Event{Kind: "a", Data: []int{1}}, ": the data of an event of kind a is not an object"},
		"Long":       {audit.Event{Kind: "a", Data: big}, ": an event of kind a makes a line of 1048734 bytes, the limit is 1048576"},
		"Verdict":    {audit.Decision(&gate.Decision{Verdict: 9}), ": json: error calling MarshalText for type gate.Verdict: verdict 9 is unknown"},
	} {
		err := l.Append(t.Context(), audit.Event{Kind: "good", Data: struct{}{}}, tc.event)
		if err == nil || err.Error() != file+tc.says {
			t.Errorf("%s: got %v, want %s", name, err, file+tc.says)
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := l.Append(ctx, audit.Event{Kind: "a", Data: struct{}{}}); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v, want Canceled", err)
	}
	if report, err := verify(t, file); err != nil || report.Seq != 0 {
		t.Errorf("something was noted: %+v, %v", report, err)
	}
	if _, err := audit.Open(t.Context(), file, audit.Options{}); err == nil {
		t.Error("a log without a key: got no error")
	}
	if _, err := audit.Open(t.Context(), file, audit.Options{Key: key(t, 1), Every: -1}); err == nil {
		t.Error("a checkpoint every -1 lines: got no error")
	}
}

// TestKeys changes the key of a log.
func TestKeys(t *testing.T) {
	t.Parallel()
	file := written(t)
	_, err := audit.Open(t.Context(), file, audit.Options{Key: key(t, 2)})
	if !errors.Is(err, audit.ErrTampered) {
		t.Errorf("another key: got %v, want ErrTampered", err)
	}
	l, err := audit.Open(t.Context(), file, audit.Options{Key: key(t, 2), Trusted: keys(t)})
	check(t, err)
	check(t, l.Append(t.Context(), audit.Event{Kind: "a", Data: struct{}{}}))
	check(t, l.Close())
	for name, tc := range map[string]struct {
		keys []release.PublicKey
		want error
	}{
		"Both": {append(keys(t), key(t, 2).Public()), nil},
		"Old":  {keys(t), audit.ErrTampered},
		"New":  {[]release.PublicKey{key(t, 2).Public()}, audit.ErrTampered},
		"None": {nil, audit.ErrTampered},
	} {
		if _, err := audit.Verify(t.Context(), file, tc.keys, audit.VerifyOptions{}); !errors.Is(err, tc.want) {
			t.Errorf("%s: got %v, want %v", name, err, tc.want)
		}
	}
}

func BenchmarkAppend(b *testing.B) {
	l := openLog(b, filepath.Join(b.TempDir(), "audit.log"), 0)
	d := audit.Decision(decision("LatticeService media/web"))
	for b.Loop() {
		check(b, l.Append(b.Context(), d))
	}
}

func BenchmarkVerify(b *testing.B) {
	file := filepath.Join(b.TempDir(), "audit.log")
	l := openLog(b, file, 0)
	events := make([]audit.Event, 1000)
	for i := range events {
		events[i] = audit.Decision(decision("LatticeService media/web"))
	}
	check(b, l.Append(b.Context(), events...))
	check(b, l.Close())
	for b.Loop() {
		_, err := verify(b, file)
		check(b, err)
	}
}
