package main

import (
	"bytes"
	"encoding/base64"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/latticenet/lattice-host/internal/problem"
	"github.com/latticenet/lattice-host/runtime/directory"
)

// TestDirectoryTarget checks how targets are named.
func TestDirectoryTarget(t *testing.T) {
	t.Parallel()
	for to, says := range map[string]string{
		"":              "say where objects go with --to dir=PATH",
		"dir=":          "--to dir= is not known; it can be dir=PATH",
		"kubernetes=x":  "--to kubernetes=x is not known; it can be dir=PATH",
		"/srv/manifest": "--to /srv/manifest is not known; it can be dir=PATH",
	} {
		_, err := (&targetFlags{to: to, set: defaultSet}).open(newApp(newReader(""), new(bytes.Buffer), new(bytes.Buffer)))
		if err == nil || err.Error() != says || exitCode(err) != problem.Usage.Exit() {
			t.Errorf("%q: got %v", to, err)
		}
	}
	if _, err := (&targetFlags{to: "dir=x", set: "A"}).open(newApp(newReader(""), new(bytes.Buffer), new(bytes.Buffer))); exitCode(err) != problem.Usage.Exit() {
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

// TestAttack64_Canary plants a secret in a Secret that is derived, and looks for it wherever
// decisions go.
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

	log, err := os.ReadFile(filepath.Join(w.home, auditFolder, "audit.jsonl"))
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
	// History keeps it, to put it back: in the bundle, which is no one else's, and nowhere else.
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
