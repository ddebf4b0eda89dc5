package main

import (
	"bytes"
	"context"
	"encoding/base64"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/latticenet/lattice-host/host/audit"
	"github.com/latticenet/lattice-host/host/gate"
	"github.com/latticenet/lattice-host/internal/problem"
	"github.com/latticenet/lattice-host/runtime"
	"github.com/latticenet/lattice-host/runtime/directory"
	"github.com/latticenet/lattice-host/runtime/executortest"
)

// executing is a program with an audit log and an empty target of its own.
type executing struct {
	*app
	audit, dir string
	target     *target
	stderr     bytes.Buffer
}

func newExecuting(t *testing.T) *executing {
	t.Helper()
	x := &executing{audit: filepath.Join(t.TempDir(), "audit"), dir: filepath.Join(t.TempDir(), "out")}
	x.app = newApp(strings.NewReader(""), new(bytes.Buffer), &x.stderr)
	x.getenv = func(name string) string { return map[string]string{"LATTICE_AUDIT": x.audit}[name] }
	var err error
	if x.target, err = (&targetFlags{to: dirFormat + x.dir, set: defaultSet}).open(x.app); err != nil {
		t.Fatal(err)
	}
	return x
}

// execution returns an approved plan for a bundle.
func (x *executing) execution(t *testing.T, bundles ...runtime.Bundle) *execution {
	t.Helper()
	plan, err := x.target.executor.Plan(t.Context(), &runtime.Desired{Set: x.target.set, Bundles: bundles})
	if err != nil {
		t.Fatal(err)
	}
	decisions := []*gate.Decision{{ID: "decision-1", Point: gate.Execute, Subject: "LatticeService media/web", Reasons: []gate.Reason{}}}
	judged := make([]string, len(bundles))
	for i, b := range bundles {
		judged[i] = b.Digest()
	}
	return &execution{target: x.target, plan: plan, decisions: decisions, approving: decisions, judged: judged}
}

// kinds returns the kinds of the events in the log, without checkpoints.
func (x *executing) kinds(t *testing.T) string {
	t.Helper()
	file, keys, err := x.auditLog(new(auditFlags), nil)
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
		attack func(x *execution)
		says   string
	}{
		"OneByte": {
			"One byte of a bundle is another.",
			func(x *execution) {
				raw := x.plan.Bundles[0].Raw
				raw[bytes.Index(raw, []byte(`"value":"1"`))+len(`"value":"`)] = '2'
			}, "the bundle is not one that was judged",
		},
		"OtherBundle": {
			"A whole bundle is another, which is in order.",
			func(x *execution) {
				other := executortest.Bundle(t, "web", "2", "a")
				x.plan.Bundles[0] = other
			}, "the bundle is not one that was judged",
		},
		"OtherSet": {
			"The plan is for another set.",
			func(x *execution) { x.plan.Set = "other" }, "the plan is not the one that was judged",
		},
		"Force": {
			"The plan may do more than it could.",
			func(x *execution) { x.plan.Force = true }, "the plan is not the one that was judged",
		},
		"Hold": {
			"Other resources are left alone.",
			func(x *execution) { x.plan.Hold = append(x.plan.Hold, executortest.Resource("web")) }, "the plan is not the one that was judged",
		},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			x := newExecuting(t)
			e := x.execution(t, executortest.Bundle(t, "web", "1", "a"))
			e.between = func() { tc.attack(e) }
			result, err := x.execute(t.Context(), e)
			if result != nil || !errors.Is(err, runtime.ErrNotApproved) || exitCode(err) != problem.Denied.Exit() || !strings.Contains(err.Error(), tc.says) {
				t.Errorf("%s\ngot %v and exit code %d: %v", tc.reason, result, exitCode(err), err)
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
			e.plan = x.execution(t, planned...).plan
			result, err := x.execute(t.Context(), e)
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
	if _, err := x.execute(t.Context(), x.execution(t, executortest.Bundle(t, "web", "1", "a", "b"))); err != nil {
		t.Fatal(err)
	}
	e := x.execution(t, executortest.Bundle(t, "web", "2", "a", "b"))
	x.target.executor = &partly{x.target.executor}
	if _, err := x.execute(t.Context(), e); exitCode(err) != problem.Conflict.Exit() {
		t.Errorf("got exit code %d: %v", exitCode(err), err)
	}
	file, keys, err := x.auditLog(new(auditFlags), nil)
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
	if _, err := x.execute(t.Context(), x.execution(t, executortest.Bundle(t, "web", "1", "a"))); err != nil {
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
	if _, err := x.execute(t.Context(), e); exitCode(err) != problem.Conflict.Exit() {
		t.Errorf("got exit code %d: %v", exitCode(err), err)
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
				// A log without a line, on a disk that is full: this device says so whatever is written to it.
				_, err := x.openAudit(t.Context())
				return errors.Join(err, os.Remove(filepath.Join(x.audit, auditFile)), os.Symlink("/dev/full", filepath.Join(x.audit, auditFile)))
			}, problem.Internal.Exit(),
		},
		"FolderIsAFile": {
			"There is a file in the folder's place.",
			func(x *executing) error { return os.WriteFile(x.audit, nil, 0o600) }, problem.Internal.Exit(),
		},
		"LogIsAFolder": {
			"There is a folder in the log's place.",
			func(x *executing) error {
				_, err := x.openAudit(t.Context())
				return errors.Join(err, os.Remove(filepath.Join(x.audit, auditFile)), os.Mkdir(filepath.Join(x.audit, auditFile), 0o700))
			}, problem.Internal.Exit(),
		},
		"OpenKey": {
			"Everybody may read the key.",
			func(x *executing) error {
				return errors.Join(x.use(t.Context()), os.Chmod(filepath.Join(x.audit, "audit.key"), 0o644))
			}, problem.Internal.Exit(),
		},
		"KeyGone": {
			"The key was lost.",
			func(x *executing) error {
				return errors.Join(x.use(t.Context()), os.Remove(filepath.Join(x.audit, "audit.key")), os.Remove(filepath.Join(x.audit, "audit.pub")))
			}, problem.Invalid.Exit(),
		},
		"Truncated": {
			"Somebody cut the log.",
			func(x *executing) error {
				return errors.Join(x.use(t.Context()), os.Truncate(filepath.Join(x.audit, auditFile), 10))
			}, problem.Untrusted.Exit(),
		},
		"HeadGone": {
			"Somebody removed the head.",
			func(x *executing) error {
				return errors.Join(x.use(t.Context()), os.Remove(filepath.Join(x.audit, auditFile+".head")))
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
			result, err := x.execute(t.Context(), x.execution(t, executortest.Bundle(t, "web", "1", "a")))
			if result != nil || err == nil || exitCode(err) != tc.want || !strings.HasPrefix(err.Error(), "the audit log cannot be written, so nothing is executed: ") {
				t.Errorf("%s\ngot %v and exit code %d: %v", tc.reason, result, exitCode(err), err)
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
	return x.app.audit(ctx, audit.Event{Kind: "test", Data: struct{}{}})
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
	if _, err := x.execute(t.Context(), e); err != nil || !asked {
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
	if _, err := x.execute(t.Context(), e); err != nil {
		t.Fatal(err)
	}
	if got := strings.Count(x.kinds(t), "decision"); got != 3*maxAppended {
		t.Errorf("the log has %d decisions", got)
	}
}

// TestDirectoryTarget checks how targets are named.
func TestDirectoryTarget(t *testing.T) {
	t.Parallel()
	for to, says := range map[string]string{
		"":              "say where objects go with --to dir=PATH",
		"dir=":          "--to dir= is not known; it can be dir=PATH",
		"kubernetes=x":  "--to kubernetes=x is not known; it can be dir=PATH",
		"/srv/manifest": "--to /srv/manifest is not known; it can be dir=PATH",
	} {
		_, err := (&targetFlags{to: to, set: defaultSet}).open(newExecuting(t).app)
		if err == nil || err.Error() != says || exitCode(err) != problem.Usage.Exit() {
			t.Errorf("%q: got %v", to, err)
		}
	}
	if _, err := (&targetFlags{to: "dir=x", set: "A"}).open(newExecuting(t).app); exitCode(err) != problem.Usage.Exit() {
		t.Errorf("got %v", err)
	}
	executor, err := directory.New("x", directory.Options{Clock: time.Now})
	if err != nil {
		t.Fatal(err)
	}
	abs, err := filepath.Abs("x")
	if err != nil || executor.Target() != "directory:"+abs {
		t.Errorf("got %s, %v", executor.Target(), err)
	}
}

// canary is a secret that must be nowhere but in what is applied.
const canary = "canary-7f3a9c1e5b"

const canaryService = `apiVersion: lattice.dev/v1alpha1
kind: LatticeService
metadata: {name: web, namespace: shop}
spec:
  workload:
    containers:
      main:
        image: ghcr.io/acme/web@sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef
        resources:
          requests: {cpu: 100m, memory: 64Mi}
          limits: {cpu: 200m, memory: 128Mi}
        files:
          /etc/web/key: {binaryContent: CANARY}
`

// canaryPolicy says everything that it can see of what was derived.
const canaryPolicy = `package lattice.outputs

import rego.v1

deny contains msg if {
	some output in input.outputs
	output.document.kind == "Secret"
	msg := sprintf("leaks %v", [json.marshal(output.document)])
}

warn contains msg if {
	some output in input.outputs
	msg := sprintf("says %v", [json.marshal(output.document)])
}
`

// TestAttack64_Canary plants a secret in a Secret that is derived, and looks for it wherever decisions go.
func TestAttack64_Canary(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	encoded := base64.StdEncoding.EncodeToString([]byte(canary))
	dir := t.TempDir()
	file, out := filepath.Join(dir, "web.yaml"), filepath.Join(dir, "out")
	write := func(name, text string) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
		return path
	}
	write("web.yaml", strings.ReplaceAll(canaryService, "CANARY", encoded))
	leaks := write("leaks.rego", canaryPolicy)

	shows := func(what, text string) {
		t.Helper()
		if strings.Contains(text, canary) || strings.Contains(text, encoded) {
			t.Errorf("%s says the secret:\n%s", what, text)
		}
	}
	command := func(want int, args ...string) string {
		t.Helper()
		var stdout, stderr bytes.Buffer
		a := newApp(newReader(""), &stdout, &stderr)
		a.getenv = func(name string) string { return map[string]string{"LATTICE_CACHE": filepath.Join(dir, "cache")}[name] }
		if code := a.run(t.Context(), append([]string{"--home", w.home}, args...)); code != want {
			t.Fatalf("%v: exit code %d\n%s", args, code, stderr.Bytes())
		}
		shows("standard error of "+args[0], stderr.String())
		return stdout.String()
	}
	for _, output := range [][]string{{}, {"-o", "json"}} {
		shows("diff", command(exitDone, append([]string{"diff", "-f", file, "--to", "dir=" + out}, output...)...))
	}
	shows("apply", command(exitDone, "apply", "-f", file, "--to", "dir="+out))
	if text := command(problem.Denied.Exit(), "apply", "-f", file, "--to", "dir="+out, "--policies", leaks, "-o", "json"); text != "" {
		shows("a denied apply", text)
	}
	command(problem.Denied.Exit(), "derive", "-f", file, "--policies", leaks, "--audit")
	shows("status", command(exitDone, "status", "--to", "dir="+out))
	shows("history", command(exitDone, "history", "--to", "dir="+out, "-o", "json"))
	shows("audit show", command(exitDone, "audit", "show", "--last", "1000", "-o", "json"))
	shows("audit show", command(exitDone, "audit", "show", "--last", "1000"))
	command(exitDone, "audit", "verify")
	// Plugins are asked in the first run, and answers kept.
	command(exitDone, "derive", "-f", file, "--record", filepath.Join(dir, "calls.jsonl"))
	for _, folder := range []string{filepath.Join(dir, "cache"), filepath.Join(dir, "calls.jsonl"), w.home} {
		files := 0
		err := filepath.WalkDir(folder, func(path string, d fs.DirEntry, err error) error {
			if err != nil || d.IsDir() {
				return err
			}
			files++
			text, err := os.ReadFile(path)
			if strings.Contains(string(text), canary) || strings.Contains(string(text), encoded) {
				t.Errorf("%s has the secret", path)
			}
			return err
		})
		if err != nil || files == 0 {
			t.Errorf("%s: %d files, %v", folder, files, err)
		}
	}

	log, err := os.ReadFile(filepath.Join(w.home, auditFolder, auditFile))
	if err != nil || !bytes.Contains(log, []byte("leaks ")) {
		t.Fatalf("the log does not have the denial: %v", err)
	}
	shows("the audit log", string(log))
	// The secret is where it belongs, so that the test would find it elsewhere.
	secrets, err := filepath.Glob(filepath.Join(out, "*", "*secret*.yaml"))
	if err != nil || len(secrets) == 0 {
		t.Fatalf("no Secret was applied: %v", err)
	}
	text, err := os.ReadFile(secrets[0])
	if err != nil || !bytes.Contains(text, []byte(encoded)) {
		t.Errorf("the Secret does not hold what it must: %v\n%s", err, text)
	}
	// History keeps it, to put it back: in the bundle, which is nobody else's, and nowhere else.
	bundle := has(t, out, encoded, canary)
	bundle = slices.DeleteFunc(bundle, func(name string) bool { return filepath.Join(out, name) == secrets[0] })
	if len(bundle) != 1 || filepath.Dir(bundle[0]) != filepath.Join(".lattice", "bundles") {
		t.Errorf("the secret is in %q, want the Secret and one bundle", bundle)
	}
	for _, name := range bundle {
		info, err := os.Stat(filepath.Join(out, name))
		if err != nil || info.Mode().Perm() != 0o600 {
			t.Errorf("%s: %v, %v", name, info.Mode(), err)
		}
	}
	command(exitDone, "delete", "--to", "dir="+out, "--all")
	if left := has(t, out, encoded, canary); len(left) > 0 {
		t.Errorf("what was deleted is in %q", left)
	}
}

// has returns the files below a folder that have one of some texts.
func has(t *testing.T, dir string, texts ...string) (names []string) {
	t.Helper()
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		data, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		name, err := filepath.Rel(dir, path)
		if slices.ContainsFunc(texts, func(text string) bool { return bytes.Contains(data, []byte(text)) }) {
			names = append(names, name)
		}
		return err
	})
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		t.Fatal(err)
	}
	return names
}
