package engine

import (
	"bytes"
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/latticenet/lattice-host/host/audit"
	"github.com/latticenet/lattice-host/host/gate"
	"github.com/latticenet/lattice-host/internal/problem"
	"github.com/latticenet/lattice-host/registry/release"
	"github.com/latticenet/lattice-host/runtime"
	"github.com/latticenet/lattice-host/runtime/directory"
	"github.com/latticenet/lattice-host/runtime/executortest"
)

// executing is an engine with an audit log and an empty target of its own.
type executing struct {
	*Engine
	setup  *setup
	audit  AuditLog
	dir    string
	target *Target
}

func newExecuting(t *testing.T) *executing {
	t.Helper()
	x := &executing{audit: AuditLog{Dir: filepath.Join(t.TempDir(), "audit")}, dir: filepath.Join(t.TempDir(), "out")}
	var err error
	if x.Engine, err = Open(Config{Audit: x.audit, Caller: "tester"}); err != nil {
		t.Fatal(err)
	}
	x.setup = x.current
	executor, err := directory.New(x.dir, directory.Options{Clock: time.Now})
	if err != nil {
		t.Fatal(err)
	}
	x.target = &Target{Executor: executor, Kind: "directory", Name: x.dir, Set: "default"}
	return x
}

// execution returns an approved plan for a bundle.
func (x *executing) execution(t *testing.T, bundles ...runtime.Bundle) *Execution {
	t.Helper()
	plan, err := x.target.Executor.Plan(t.Context(), &runtime.Desired{Set: x.target.Set, Bundles: bundles})
	if err != nil {
		t.Fatal(err)
	}
	decisions := []*gate.Decision{{ID: "decision-1", Point: gate.Execute, Subject: "LatticeService media/web", Reasons: []gate.Reason{}}}
	judged := make([]string, len(bundles))
	for i, b := range bundles {
		judged[i] = b.Digest()
	}
	return &Execution{setup: x.setup, Target: x.target, Plan: plan, decisions: decisions, approving: decisions, judged: judged}
}

// kinds returns the kinds of the events in the log, without checkpoints.
func (x *executing) kinds(t *testing.T) string {
	t.Helper()
	file, keys, err := x.log()
	if err != nil {
		t.Fatal(err)
	}
	var kinds []string
	_, err = audit.Verify(t.Context(), file, keys, audit.VerifyOptions{Visit: func(e *audit.Entry) error {
		if e.Kind != audit.KindCheckpoint {
			kinds = append(kinds, e.Kind)
		}
		return nil
	}})
	if err != nil {
		t.Fatal(err)
	}
	return strings.Join(kinds, " ")
}

// log returns the audit log and the key that it is signed with.
func (x *executing) log() (string, []release.PublicKey, error) {
	key, err := release.ReadPublicKey(PublicKeyFile(x.audit.File()))
	return x.audit.File(), []release.PublicKey{key}, err
}

// nothing checks that the target was not touched.
func (x *executing) nothing(t *testing.T) {
	t.Helper()
	if _, err := os.Stat(x.dir); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("the target is there: %v", err)
	}
}

// TestAttack62 changes what was judged between the decision and its execution.
func TestAttack62(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		reason string
		attack func(x *Execution)
		says   string
	}{
		"OneByte": {
			"One byte of a bundle is another.",
			func(x *Execution) {
				raw := x.Plan.Bundles[0].Raw
				raw[bytes.Index(raw, []byte(`"value":"1"`))+len(`"value":"`)] = '2'
			}, "the bundle is not one that was judged",
		},
		"OtherBundle": {
			"A whole bundle is another, which is in order.",
			func(x *Execution) {
				other := executortest.Bundle(t, "web", "2", "a")
				x.Plan.Bundles[0] = other
			}, "the bundle is not one that was judged",
		},
		"OtherSet": {
			"The plan is for another set.",
			func(x *Execution) { x.Plan.Set = "other" }, "the plan is not the one that was judged",
		},
		"Force": {
			"The plan may do more than it could.",
			func(x *Execution) { x.Plan.Force = true }, "the plan is not the one that was judged",
		},
		"Hold": {
			"Other resources are left alone.",
			func(x *Execution) { x.Plan.Hold = append(x.Plan.Hold, executortest.Resource("web")) }, "the plan is not the one that was judged",
		},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			x := newExecuting(t)
			e := x.execution(t, executortest.Bundle(t, "web", "1", "a"))
			e.between = func() { tc.attack(e) }
			result, err := x.Apply(t.Context(), e)
			if result != nil || !errors.Is(err, runtime.ErrNotApproved) || problem.CodeOf(err).Exit() != problem.Denied.Exit() || !strings.Contains(err.Error(), tc.says) {
				t.Errorf("%s\ngot %v and exit code %d: %v", tc.reason, result, problem.CodeOf(err).Exit(), err)
			}
			x.nothing(t)
			if got := x.kinds(t); got != "decision execution.bundle execution.approved execution.failed" {
				t.Errorf("the log says %s", got)
			}
		})
	}
}

// TestAttack62Judged plans for other bytes than those that were judged, which are in order as well.
func TestAttack62Judged(t *testing.T) {
	t.Parallel()
	one, two, more := executortest.Bundle(t, "web", "1", "a"), executortest.Bundle(t, "web", "2", "a"), executortest.Bundle(t, "api", "1", "a")
	for name, planned := range map[string][]runtime.Bundle{"Other": {two}, "More": {one, more}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			x := newExecuting(t)
			e := x.execution(t, one)
			e.Plan = x.execution(t, planned...).Plan
			result, err := x.Apply(t.Context(), e)
			if result != nil || !errors.Is(err, runtime.ErrNotApproved) {
				t.Errorf("got %v, %v", result, err)
			}
			x.nothing(t)
		})
	}
}

// TestPartlyDone checks what the log says when somebody changes a file while a plan is applied.
func TestPartlyDone(t *testing.T) {
	t.Parallel()
	x := newExecuting(t)
	if _, err := x.Apply(t.Context(), x.execution(t, executortest.Bundle(t, "web", "1", "a", "b"))); err != nil {
		t.Fatal(err)
	}
	e := x.execution(t, executortest.Bundle(t, "web", "2", "a", "b"))
	x.target.Executor = &partly{x.target.Executor}
	if _, err := x.Apply(t.Context(), e); problem.CodeOf(err).Exit() != problem.Conflict.Exit() {
		t.Errorf("got exit code %d: %v", problem.CodeOf(err).Exit(), err)
	}
	file, keys, err := x.log()
	if err != nil {
		t.Fatal(err)
	}
	last := ""
	_, err = audit.Verify(t.Context(), file, keys, audit.VerifyOptions{Visit: func(e *audit.Entry) error {
		if e.Kind == eventFailed {
			last = string(e.Data)
		}
		return nil
	}})
	if err != nil || !strings.Contains(last, `"updated":1}`) || !strings.Contains(last, `"revision":2,`) || !strings.Contains(last, `"error":"somebody`) {
		t.Errorf("got %s, %v", last, err)
	}
}

// partly does half of a plan.
type partly struct{ runtime.Executor }

func (p *partly) Apply(context.Context, *runtime.Plan, *runtime.Approval, runtime.ApplyOptions) (*runtime.Result, error) {
	return &runtime.Result{Revision: 2, Changes: []runtime.Change{{Action: runtime.Update}}},
		problem.Problem{Cause: runtime.ErrConflict, Message: "somebody changed the rest"}
}

// TestAttack62Target changes the target between the decision and its execution.
func TestAttack62Target(t *testing.T) {
	t.Parallel()
	x := newExecuting(t)
	if _, err := x.Apply(t.Context(), x.execution(t, executortest.Bundle(t, "web", "1", "a"))); err != nil {
		t.Fatal(err)
	}
	if got := x.kinds(t); got != "decision execution.bundle execution.approved execution.done" {
		t.Errorf("the log says %s", got)
	}
	files, err := filepath.Glob(filepath.Join(x.dir, "*", "*.yaml"))
	if err != nil || len(files) != 1 {
		t.Fatalf("got %v, %v", files, err)
	}
	e := x.execution(t, executortest.Bundle(t, "web", "2", "a"))
	e.between = func() {
		if err := os.WriteFile(files[0], []byte("theirs"), 0o644); err != nil {
			t.Error(err)
		}
	}
	if _, err := x.Apply(t.Context(), e); problem.CodeOf(err).Exit() != problem.Conflict.Exit() {
		t.Errorf("got exit code %d: %v", problem.CodeOf(err).Exit(), err)
	}
	if text, err := os.ReadFile(files[0]); err != nil || string(text) != "theirs" {
		t.Errorf("got %q, %v", text, err)
	}
}

// TestAttack63_DiskFull checks that nothing is executed when what was decided cannot be noted.
func TestAttack63_DiskFull(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		reason string
		// spoil makes the audit log something that cannot be written.
		spoil func(x *executing) error
		want  int
	}{
		"Full": {
			"There is no room for another line.",
			func(x *executing) error {
				// A log without a line, on a disk that is full: this device says so whatever is
				// written to it.
				_, err := x.audit.Open(t.Context())
				return errors.Join(err, os.Remove(filepath.Join(x.audit.Dir, auditFile)), os.Symlink("/dev/full", filepath.Join(x.audit.Dir, auditFile)))
			}, problem.Internal.Exit(),
		},
		"FolderIsAFile": {
			"There is a file in the folder's place.",
			func(x *executing) error { return os.WriteFile(x.audit.Dir, nil, 0o600) }, problem.Internal.Exit(),
		},
		"LogIsAFolder": {
			"There is a folder in the log's place.",
			func(x *executing) error {
				_, err := x.audit.Open(t.Context())
				return errors.Join(err, os.Remove(filepath.Join(x.audit.Dir, auditFile)), os.Mkdir(filepath.Join(x.audit.Dir, auditFile), 0o700))
			}, problem.Internal.Exit(),
		},
		"OpenKey": {
			"Everybody may read the key.",
			func(x *executing) error {
				return errors.Join(x.use(t.Context()), os.Chmod(filepath.Join(x.audit.Dir, "audit.key"), 0o644))
			}, problem.Internal.Exit(),
		},
		"KeyGone": {
			"The key was lost.",
			func(x *executing) error {
				return errors.Join(x.use(t.Context()), os.Remove(filepath.Join(x.audit.Dir, "audit.key")), os.Remove(filepath.Join(x.audit.Dir, "audit.pub")))
			}, problem.Invalid.Exit(),
		},
		"Truncated": {
			"Somebody cut the log.",
			func(x *executing) error {
				return errors.Join(x.use(t.Context()), os.Truncate(filepath.Join(x.audit.Dir, auditFile), 10))
			}, problem.Untrusted.Exit(),
		},
		"HeadGone": {
			"Somebody removed the head.",
			func(x *executing) error {
				return errors.Join(x.use(t.Context()), os.Remove(filepath.Join(x.audit.Dir, auditFile+".head")))
			}, problem.Untrusted.Exit(),
		},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			x := newExecuting(t)
			if err := tc.spoil(x); err != nil {
				t.Fatal(err)
			}
			result, err := x.Apply(t.Context(), x.execution(t, executortest.Bundle(t, "web", "1", "a")))
			if result != nil || err == nil || problem.CodeOf(err).Exit() != tc.want || !strings.HasPrefix(err.Error(), "the audit log cannot be written, so nothing is executed: ") {
				t.Errorf("%s\ngot %v and exit code %d: %v", tc.reason, result, problem.CodeOf(err).Exit(), err)
			}
			if name == "Full" && !errors.Is(err, syscall.ENOSPC) {
				t.Errorf("the disk is not full: %v", err)
			}
			x.nothing(t)
		})
	}
}

// use notes something.
func (x *executing) use(ctx context.Context) error {
	return x.audit.Note(ctx, audit.Event{Kind: "test", Data: struct{}{}})
}

// TestAuditOrder checks that what is decided is on the disk before anything is written.
func TestAuditOrder(t *testing.T) {
	t.Parallel()
	x := newExecuting(t)
	e := x.execution(t, executortest.Bundle(t, "web", "1", "a"))
	asked := false
	e.between = func() {
		asked = true
		x.nothing(t)
		if got := x.kinds(t); got != "decision execution.bundle execution.approved" {
			t.Errorf("the log says %s", got)
		}
	}
	if _, err := x.Apply(t.Context(), e); err != nil || !asked {
		t.Fatal(err, asked)
	}
}

// TestAuditMany checks that what does not go into the log at once goes there in parts.
func TestAuditMany(t *testing.T) {
	t.Parallel()
	x := newExecuting(t)
	e := x.execution(t, executortest.Bundle(t, "web", "1", "a"))
	for len(e.decisions) < 3*maxAppended {
		e.decisions = append(e.decisions, &gate.Decision{
			ID: "decision-2", Point: gate.Admit, Reasons: []gate.Reason{{Message: strings.Repeat("x", 16<<10)}},
		})
	}
	if _, err := x.Apply(t.Context(), e); err != nil {
		t.Fatal(err)
	}
	if got := strings.Count(x.kinds(t), "decision"); got != 3*maxAppended {
		t.Errorf("the log has %d decisions", got)
	}
}
