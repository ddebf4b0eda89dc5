package audit_test

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"syscall"
	"testing"

	"github.com/latticenet/lattice-host/host/audit"
)

// rechained makes the numbers and the hashes of lines fit again, as anyone who has no key can.
func rechained(lines []string) []string {
	prev := ""
	number, hash := regexp.MustCompile(`"seq":\d+`), regexp.MustCompile(`"prev":"[^"]*"`)
	out := make([]string, len(lines))
	for i, line := range lines {
		line = number.ReplaceAllString(line, fmt.Sprintf(`"seq":%d`, i+1))
		line = hash.ReplaceAllString(line, `"prev":"`+prev+`"`)
		sum := sha256.Sum256([]byte(line))
		prev = "sha256:" + hex.EncodeToString(sum[:])
		out[i] = line
	}
	return out
}

// TestAttack63 changes a log in every way that leaves it readable, with the hashes as they were and
// made to fit.
func TestAttack63(t *testing.T) {
	t.Parallel()
	edits := map[string]func([]string) []string{
		"Edit":            func(l []string) []string { l[1] = strings.Replace(l[1], "deny", "allow", 1); return l },
		"EditFirst":       func(l []string) []string { l[0] = strings.Replace(l[0], "deny", "allow", 1); return l },
		"EditLast":        func(l []string) []string { l[7] = strings.Replace(l[7], "core/web", "core/wab", 1); return l },
		"EditTime":        func(l []string) []string { l[2] = strings.Replace(l[2], `"time":"2026`, `"time":"2025`, 1); return l },
		"Delete":          func(l []string) []string { return slices.Delete(l, 2, 3) },
		"DeleteFirst":     func(l []string) []string { return l[1:] },
		"Reorder":         func(l []string) []string { l[1], l[2] = l[2], l[1]; return l },
		"Duplicate":       func(l []string) []string { return slices.Insert(l, 2, l[1]) },
		"Insert":          func(l []string) []string { return slices.Insert(l, 6, strings.Replace(l[5], "media/4", "media/x", 1)) },
		"Truncate":        func(l []string) []string { return l[:8] },
		"TruncateEvents":  func(l []string) []string { return l[:6] },
		"TruncateToCheck": func(l []string) []string { return l[:5] },
		"TruncateAll":     func([]string) []string { return nil },
		"NoCheckpoints":   func(l []string) []string { return slices.Concat(l[:4], l[5:8]) },
		"MoveCheckpoint":  func(l []string) []string { return slices.Concat(l[:4], l[5:7], l[4:5], l[7:]) },
		"EmptyLine":       func(l []string) []string { return slices.Insert(l, 3, "") },
		"Spelling":        func(l []string) []string { l[1] = strings.Replace(l[1], `,"kind"`, `, "kind"`, 1); return l },
		"LongLine":        func(l []string) []string { l[1] += strings.Repeat(" ", audit.MaxLineBytes); return l },
	}
	for name, edit := range edits {
		for _, rechain := range []bool{false, true} {
			t.Run(fmt.Sprint(name, rechain), func(t *testing.T) {
				t.Parallel()
				file := written(t)
				lines := edit(strings.Split(strings.TrimSuffix(read(t, file), "\n"), "\n"))
				if rechain {
					lines = rechained(lines)
				}
				text := strings.Join(append(lines, ""), "\n")
				if text == read(t, file) {
					t.Fatal("the edit changes nothing")
				}
				check(t, os.WriteFile(file, []byte(text), 0o600))
				report, err := verify(t, file)
				if !errors.Is(err, audit.ErrTampered) || errors.Is(err, audit.ErrTorn) {
					t.Errorf("got %v, want ErrTampered", err)
				}
				if report == nil || report.Seq > 9 {
					t.Errorf("got the report %+v", report)
				}
			})
		}
	}
}

// TestAttack63Head changes the head of a log, or puts something else in its place.
func TestAttack63Head(t *testing.T) {
	t.Parallel()
	older := func(t *testing.T, file string) {
		// The checkpoint in the log says that it ends at line 4, and is signed.
		lines := strings.SplitAfter(read(t, file), "\n")
		_, rest, _ := strings.Cut(lines[4], `"data":`)
		envelope, _, _ := strings.Cut(rest, `,"kind"`)
		check(t, os.WriteFile(file, []byte(strings.Join(lines[:4], "")), 0o600))
		check(t, os.WriteFile(file+".head", []byte(envelope), 0o600))
	}
	attacks := map[string]func(t *testing.T, file string){
		"Removed": func(t *testing.T, file string) { check(t, os.Remove(file+".head")) },
		"Empty":   func(t *testing.T, file string) { check(t, os.WriteFile(file+".head", nil, 0o600)) },
		"Large":   func(t *testing.T, file string) { check(t, os.WriteFile(file+".head", make([]byte, 1<<20), 0o600)) },
		"Byte": func(t *testing.T, file string) {
			payload := regexp.MustCompile(`"payload":"[^"]*"`)
			forged := base64.StdEncoding.EncodeToString([]byte(`{"checkpoint":0,"head":"","policyDigest":"","seq":0,"size":0}`))
			check(t, os.WriteFile(file+".head", payload.ReplaceAll([]byte(read(t, file+".head")), []byte(`"payload":"`+forged+`"`)), 0o600))
			check(t, os.Truncate(file, 0))
		},
		"OlderCheckpoint": older,
		"OtherLog": func(t *testing.T, file string) {
			other := filepath.Join(t.TempDir(), "other.log")
			l := openLog(t, other, 4)
			check(t, l.Append(t.Context(), audit.Event{Kind: "other", Data: struct{}{}}))
			check(t, l.Close())
			check(t, os.WriteFile(file+".head", []byte(read(t, other+".head")), 0o600))
		},
		"LogRemoved": func(t *testing.T, file string) { check(t, os.WriteFile(file, nil, 0o600)) },
	}
	for name, attack := range attacks {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			file := written(t)
			attack(t, file)
			_, err := verify(t, file)
			if !errors.Is(err, audit.ErrTampered) {
				t.Errorf("Verify: got %v, want ErrTampered", err)
			}
			_, err = audit.Open(t.Context(), file, audit.Options{Key: key(t, 1)})
			if !errors.Is(err, audit.ErrTampered) {
				t.Errorf("Open: got %v, want ErrTampered", err)
			}
		})
	}
}

// TestAttack63BehindCheckpoint edits what no checkpoint is over yet, without another length.
func TestAttack63BehindCheckpoint(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "audit.log")
	l := openLog(t, file, 0)
	for i := range 3 {
		check(t, l.Append(t.Context(), audit.Event{Kind: "event", Data: map[string]int{"i": i}}))
	}
	for i := range 3 {
		lines := strings.Split(read(t, file), "\n")
		lines[i] = strings.Replace(lines[i], fmt.Sprintf(`{"i":%d}`, i), `{"i":9}`, 1)
		changed := filepath.Join(t.TempDir(), "audit.log")
		check(t, os.WriteFile(changed, []byte(strings.Join(append(rechained(lines[:3]), ""), "\n")), 0o600))
		check(t, os.WriteFile(changed+".head", []byte(read(t, file+".head")), 0o600))
		_, err := verify(t, changed)
		want := changed + ": the audit log was tampered with: the log does not end as its head says: line 3 is not the one that was written"
		if !errors.Is(err, audit.ErrTampered) || err.Error() != want {
			t.Errorf("got %v, want %s", err, want)
		}
	}
}

// TestAttack63Messages checks what people read.
func TestAttack63Messages(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		edit func([]string) []string
		says string
	}{
		"Edit":     {func(l []string) []string { l[1] = strings.Replace(l[1], "deny", "allow", 1); return l }, "line 3: it does not follow line 2 as that is now: one of the two was changed"},
		"Delete":   {func(l []string) []string { return slices.Delete(l, 2, 3) }, "line 3: it says that it is line 4: lines were removed, added or moved"},
		"Truncate": {func(l []string) []string { return l[:8] }, "lines are missing at the end: it has 8, there must be 9"},
		"Spelling": {func(l []string) []string { l[1] = " " + l[1]; return l }, "line 2: it is not as lattice-host writes it; it was edited, or another version wrote it"},
	} {
		file := written(t)
		lines := tc.edit(strings.Split(strings.TrimSuffix(read(t, file), "\n"), "\n"))
		check(t, os.WriteFile(file, []byte(strings.Join(append(lines, ""), "\n")), 0o600))
		_, err := verify(t, file)
		if want := file + ": the audit log was tampered with: " + tc.says; err == nil || err.Error() != want {
			t.Errorf("%s: got %v, want %s", name, err, want)
		}
	}
}

// TestAttack63Rollback puts an older log back with its own head, which only those who noted a later
// position can see.
func TestAttack63Rollback(t *testing.T) {
	t.Parallel()
	file := written(t)
	log, head := read(t, file), read(t, file+".head")
	l := openLog(t, file, 0)
	check(t, l.Append(t.Context(), audit.Event{Kind: "a", Data: struct{}{}}))
	later := positionOf(t, file)
	check(t, os.WriteFile(file, []byte(log), 0o600))
	check(t, os.WriteFile(file+".head", []byte(head), 0o600))
	if _, err := verify(t, file); err != nil {
		t.Fatalf("an older log with its head must verify: %v", err)
	}
	known := func(p audit.Position) error {
		_, err := audit.Verify(t.Context(), file, keys(t), audit.VerifyOptions{Known: []audit.Position{p}})
		return err
	}
	want := file + ": the audit log was tampered with: lines are missing at the end: it has 9, it once had 10"
	if err := known(later); !errors.Is(err, audit.ErrTampered) || err.Error() != want {
		t.Errorf("got %v, want %s", err, want)
	}
	// Another event in its place makes a log of the same length.
	check(t, l.Append(t.Context(), audit.Event{Kind: "b", Data: struct{}{}}))
	want = file + ": the audit log was tampered with: line 10: it is not the line that was once there"
	if err := known(later); !errors.Is(err, audit.ErrTampered) || err.Error() != want {
		t.Errorf("got %v, want %s", err, want)
	}
}

// TestAttack63DiskFull fails to write: part of the lines, all of them, or the head.
func TestAttack63DiskFull(t *testing.T) {
	t.Parallel()
	event := audit.Event{Kind: "denied", Data: map[string]string{"a": "b"}}
	for name, part := range map[string]int{"Nothing": 0, "Part": 10, "Lines": 1 << 20} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			file := written(t)
			l := openLog(t, file, 0)
			write := l.SetWrite(func(f *os.File, data []byte) error {
				_, err := f.Write(data[:min(part, len(data))])
				return errors.Join(err, syscall.ENOSPC)
			})
			if err := l.Append(t.Context(), event); !errors.Is(err, syscall.ENOSPC) || !strings.HasPrefix(err.Error(), file+": the events cannot be noted: ") {
				t.Fatalf("got %v, want ENOSPC", err)
			}
			report, err := verify(t, file)
			if torn := part > 0; errors.Is(err, audit.ErrTorn) != torn || errors.Is(err, audit.ErrTampered) || (report.Torn > 0) != torn || report.Seq != 9 {
				t.Errorf("got %+v, %v", report, err)
			}
			l.SetWrite(write)
			check(t, l.Append(t.Context(), event))
			report, err = verify(t, file)
			check(t, err)
			recovered := int64(min(part, 1))
			if report.Events != 8 || report.Recovered != recovered || report.Seq != 10+recovered {
				t.Errorf("got %+v", report)
			}
		})
	}
}

// TestAttack63Empty has a log without lines. A file without a head is not what a killed process
// leaves.
func TestAttack63Empty(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		attack func(t *testing.T, file string)
		want   error
	}{
		"Begun":    {func(*testing.T, string) {}, nil},
		"NoFile":   {func(t *testing.T, file string) { check(t, os.Remove(file)) }, nil},
		"NoHead":   {func(t *testing.T, file string) { check(t, os.Remove(file+".head")) }, audit.ErrTampered},
		"Nothing":  {func(t *testing.T, file string) { check(t, errors.Join(os.Remove(file), os.Remove(file+".head"))) }, os.ErrNotExist},
		"OnlyJunk": {func(t *testing.T, file string) { check(t, os.WriteFile(file+".head", nil, 0o600)) }, audit.ErrTampered},
		"Segments": {func(t *testing.T, file string) {
			check(t, errors.Join(os.Remove(file), os.Remove(file+".head"), os.WriteFile(file+".1-5", nil, 0o600)))
		}, audit.ErrTampered},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			file := filepath.Join(t.TempDir(), "audit.log")
			openLog(t, file, 0)
			tc.attack(t, file)
			report, err := verify(t, file)
			if !errors.Is(err, tc.want) || err == nil && report.Seq != 0 {
				t.Errorf("Verify: got %+v, %v, want %v", report, err, tc.want)
			}
			if errors.Is(tc.want, os.ErrNotExist) {
				// A new log begins.
				tc.want = nil
			}
			if _, err := audit.Open(t.Context(), file, audit.Options{Key: key(t, 1)}); !errors.Is(err, tc.want) {
				t.Errorf("Open: got %v, want %v", err, tc.want)
			}
		})
	}
}

// TestTorn ends a process at every byte of an append, and adds lines as somebody else would.
func TestTorn(t *testing.T) {
	t.Parallel()
	file := written(t)
	log, head := read(t, file), read(t, file+".head")
	l := openLog(t, file, 0)
	check(t, l.Append(t.Context(), audit.Event{Kind: "a", Data: struct{}{}}))
	extra := strings.TrimPrefix(read(t, file), log)
	if extra == "" {
		t.Fatal("nothing was appended")
	}
	for n := 1; n <= len(extra); n += 7 {
		dir := t.TempDir()
		file := filepath.Join(dir, "audit.log")
		check(t, os.WriteFile(file, []byte(log+extra[:n]), 0o600))
		check(t, os.WriteFile(file+".head", []byte(head), 0o600))
		report, err := verify(t, file)
		want := fmt.Sprintf("%s: the audit log is torn: %d bytes come after line 9, the signed end: a process was killed, or somebody added them; the next event moves them away", file, n)
		if !errors.Is(err, audit.ErrTorn) || err.Error() != want || report.Torn != int64(n) {
			t.Errorf("got %v, want %s", err, want)
		}
		l := openLog(t, file, 0)
		check(t, l.Append(t.Context(), audit.Event{Kind: "b", Data: struct{}{}}))
		check(t, l.Close())
		var found string
		report, err = audit.Verify(t.Context(), file, keys(t), audit.VerifyOptions{Visit: func(e *audit.Entry) error {
			if e.Kind == audit.KindRecovered {
				found = string(e.Data)
			}
			return nil
		}})
		check(t, err)
		sum := sha256.Sum256([]byte(extra[:n]))
		digest := hex.EncodeToString(sum[:])
		want = fmt.Sprintf(`{"bytes":%d,"digest":"sha256:%s","file":"audit.log.torn-%s"}`, n, digest, digest[:16])
		if found != want || report.Recovered != 1 || report.Seq != 12 {
			t.Errorf("got %s and %+v, want %s", found, report, want)
		}
		if kept := read(t, file+".torn-"+digest[:16]); kept != extra[:n] {
			t.Errorf("got %q, want %q", kept, extra[:n])
		}
	}
}

// TestAttack64 notes what cannot be noted. Nothing of it is repeated in the error. That no secret
// reaches a log is tested where decisions are made: in host/gate/rego and, with the whole command,
// in cmd/lattice-host.
func TestAttack64(t *testing.T) {
	t.Parallel()
	const canary = "c4n4ry-5ecret"
	l := openLog(t, filepath.Join(t.TempDir(), "audit.log"), 1)
	err := l.Append(t.Context(), audit.Event{Kind: "object", Data: []string{canary}})
	if err == nil || strings.Contains(err.Error(), canary) {
		t.Errorf("got %v", err)
	}
}

// FuzzVerify changes a log and its head. Only what was written is right.
func FuzzVerify(f *testing.F) {
	file := written(f)
	log, head := read(f, file), read(f, file+".head")
	f.Add([]byte(log), []byte(head))
	f.Add([]byte(log[:len(log)/2]), []byte(head))
	f.Add([]byte(log+log), []byte(head))
	f.Add([]byte(strings.Join(rechained(strings.Split(log, "\n")), "\n")), []byte(head))
	f.Add([]byte{}, []byte("{}"))
	public := keys(f)
	dir := f.TempDir()
	f.Fuzz(func(t *testing.T, changed, changedHead []byte) {
		file := filepath.Join(dir, "audit.log")
		check(t, os.WriteFile(file, changed, 0o600))
		check(t, os.WriteFile(file+".head", changedHead, 0o600))
		_, err := audit.Verify(t.Context(), file, public, audit.VerifyOptions{})
		switch {
		case err == nil && string(changed) != log:
			t.Fatalf("another log is right:\n%s\n%s", changed, changedHead)
		case errors.Is(err, audit.ErrTorn) && !strings.HasPrefix(string(changed), log):
			t.Fatalf("another log is torn:\n%s", changed)
		case err == nil || errors.Is(err, audit.ErrTampered) || errors.Is(err, audit.ErrTorn):
		default:
			t.Fatalf("got %v, want ErrTampered", err)
		}
	})
}
