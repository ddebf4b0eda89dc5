package engine_test

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/latticenet/lattice-host/host/audit"
	"github.com/latticenet/lattice-host/host/engine"
	"github.com/latticenet/lattice-host/host/gate"
	"github.com/latticenet/lattice-host/host/resource"
	"github.com/latticenet/lattice-host/internal/problem"
	"github.com/latticenet/lattice-host/registry/release"
	"github.com/latticenet/lattice-host/runtime/directory"
	"github.com/latticenet/lattice-host/wasm-tests/builtins"
)

// config returns an engine's configuration with the built-in plugins as ordinary Go.
func config(t testing.TB) engine.Config {
	t.Helper()
	root, err := builtins.Root()
	if err != nil {
		t.Fatal(err)
	}
	plugins, err := builtins.NewNative(root)
	if err != nil {
		t.Fatal(err)
	}
	return engine.Config{Plugins: plugins, Audit: engine.AuditLog{Dir: filepath.Join(t.TempDir(), "audit")}, Caller: "tester"}
}

func open(t testing.TB, c engine.Config) *engine.Engine {
	t.Helper()
	e, err := engine.Open(c)
	if err != nil {
		t.Fatal(err)
	}
	return e
}

// service returns a LatticeService.
func service(t testing.TB, name, spec string) *resource.Document {
	t.Helper()
	docs, err := resource.Decode(name+".yaml", []byte(`apiVersion: lattice.dev/v1alpha1
kind: LatticeService
metadata: {name: `+name+`, namespace: shop}
spec:
  workload:
    containers:
      main:
        image: `+spec+`
        resources: {requests: {cpu: 100m, memory: 64Mi}, limits: {cpu: 200m, memory: 128Mi}}
`), resource.Options{})
	if err != nil {
		t.Fatal(err)
	}
	return docs[0]
}

var pinned = "ghcr.io/acme/web@sha256:" + strings.Repeat("0123456789abcdef", 4)

// platformImage is an image that the settings of the deployment step would have to name.
const platformImage = `"."`

func names(list []engine.Derived) string {
	var all []string
	for _, d := range list {
		all = append(all, d.Document.Ref.Name)
	}
	return strings.Join(all, " ")
}

// TestDeriveEach derives the good documents of a run next to one whose step fails.
func TestDeriveEach(t *testing.T) {
	t.Parallel()
	e := open(t, config(t))
	run := engine.Run{Documents: []*resource.Document{service(t, "a", pinned), service(t, "bad", platformImage), service(t, "c", pinned)}}
	if _, err := e.Derive(t.Context(), run); problem.CodeOf(err) != problem.Invalid || !strings.HasPrefix(err.Error(), "bad.yaml:8:16: ") {
		t.Errorf("all or nothing: got %v", err)
	}
	o, err := e.DeriveEach(t.Context(), run)
	if err != nil {
		t.Fatal(err)
	}
	if got := names(o.Results); got != "a c" {
		t.Errorf("got %s", got)
	}
	if len(o.Failed) != 1 || o.Failed[0].Document.Ref.Name != "bad" || !strings.HasPrefix(o.Failed[0].Err.Error(), "bad.yaml:8:16: ") {
		t.Errorf("got %v", o.Failed)
	}
	if err := o.Err(); problem.CodeOf(err) != problem.Invalid {
		t.Errorf("got %v", err)
	}
}

// TestDeriveEachTwice fails all documents of one name, and no other.
func TestDeriveEachTwice(t *testing.T) {
	t.Parallel()
	e := open(t, config(t))
	o, err := e.DeriveEach(t.Context(), engine.Run{Documents: []*resource.Document{service(t, "a", pinned), service(t, "b", pinned), service(t, "a", pinned)}})
	if err != nil || names(o.Results) != "b" || len(o.Failed) != 2 {
		t.Errorf("got %v, %v, %v", names(o.Results), o.Failed, err)
	}
}

// TestReload replaces the configuration while documents are derived: each run is judged by one set
// of policies from its begin to its end.
func TestReload(t *testing.T) {
	t.Parallel()
	allow := config(t)
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "no.cedar"), []byte("@id(\"no\")\nforbid(principal, action == Lattice::Action::\"Admit\", resource);\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	deny := allow
	deny.Policies.Paths = []string{dir}
	e := open(t, allow)
	documents := []*resource.Document{service(t, "a", pinned), service(t, "b", pinned), service(t, "c", pinned)}
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			for range 20 {
				o, err := e.Derive(t.Context(), engine.Run{Documents: documents})
				if err != nil || len(o.Results) != 0 && len(o.Results) != 3 || len(o.Results)+len(o.Denied) != 3 {
					t.Errorf("got %d and %d, %v", len(o.Results), len(o.Denied), err)
					return
				}
			}
		})
	}
	for i := range 20 {
		if err := e.Reload([]engine.Config{deny, allow}[i%2]); err != nil {
			t.Error(err)
		}
	}
	wg.Wait()
	// What is wrong changes nothing.
	wrong := allow
	wrong.Policies.Paths = []string{filepath.Join(dir, "missing")}
	if err := e.Reload(wrong); err == nil {
		t.Error("a configuration without its policies was taken")
	}
	if o, err := e.Derive(t.Context(), engine.Run{Documents: documents}); err != nil || len(o.Results) != 3 {
		t.Errorf("got %v", err)
	}
	e.Close()
}

// TestWay derives, plans, applies, explains, rolls back and deletes, and reads of all of it in the
// audit log.
func TestWay(t *testing.T) {
	t.Parallel()
	c := config(t)
	e := open(t, c)
	dir := filepath.Join(t.TempDir(), "out")
	executor, err := directory.New(dir, directory.Options{Clock: time.Now})
	if err != nil {
		t.Fatal(err)
	}
	target := &engine.Target{Executor: executor, Kind: "directory", Name: dir, Set: "default"}
	apply := func(docs ...*resource.Document) *engine.Outcome {
		t.Helper()
		o, err := e.Derive(t.Context(), engine.Run{Documents: docs})
		if err != nil {
			t.Fatal(err)
		}
		x, err := e.Plan(t.Context(), o, target, false)
		if err != nil || x.Plan == nil {
			t.Fatal(err)
		}
		if _, err := e.Apply(t.Context(), x); err != nil {
			t.Fatal(err)
		}
		return o
	}
	o := apply(service(t, "web", pinned))
	explained, err := o.Explain("deployment/web", "spec.template.spec.containers[name=main].image")
	if err != nil || string(explained.Value) != `"`+pinned+`"` || len(explained.Steps) != 1 || explained.Steps[0].Name != "deployment" {
		t.Errorf("got %+v, %v", explained, err)
	}
	apply(service(t, "web", pinned), service(t, "api", pinned))
	x, err := e.Delete(t.Context(), target, []string{"LatticeService/shop/api"}, nil)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := e.Apply(t.Context(), x); err != nil {
		t.Error(err)
	}
	if _, err := e.Delete(t.Context(), target, []string{"LatticeService/none"}, nil); problem.CodeOf(err) != problem.Invalid {
		t.Errorf("got %v", err)
	}
	status, err := executor.Observe(t.Context(), "default")
	if err != nil || len(status.Bundles) != 1 || status.Bundles[0].Digest != o.Results[0].Bundle.Digest() {
		t.Errorf("got %+v, %v", status, err)
	}
	key, err := release.ReadPublicKey(engine.PublicKeyFile(c.Audit.File()))
	if err != nil {
		t.Fatal(err)
	}
	events := map[string]int{}
	_, err = audit.Verify(t.Context(), c.Audit.File(), []release.PublicKey{key}, audit.VerifyOptions{Visit: func(e *audit.Entry) error {
		events[e.Kind]++
		return nil
	}})
	if err != nil || events["execution.done"] != 3 || events["execution.failed"] != 0 {
		t.Errorf("got %v, %v", events, err)
	}
}

// TestNotApproved applies a plan that a gate denied.
func TestNotApproved(t *testing.T) {
	t.Parallel()
	c := config(t)
	dir := t.TempDir()
	policy := "@id(\"no\")\nforbid(principal, action == Lattice::Action::\"Execute\", resource);\n"
	if err := os.WriteFile(filepath.Join(dir, "no.cedar"), []byte(policy), 0o644); err != nil {
		t.Fatal(err)
	}
	executor, err := directory.New(filepath.Join(dir, "out"), directory.Options{Clock: time.Now})
	if err != nil {
		t.Fatal(err)
	}
	target := &engine.Target{Executor: executor, Kind: "directory", Name: dir, Set: "default"}
	c.Policies.Paths = []string{filepath.Join(dir, "no.cedar")}
	e := open(t, c)
	o, err := e.Derive(t.Context(), engine.Run{Documents: []*resource.Document{service(t, "web", pinned)}})
	if err != nil {
		t.Fatal(err)
	}
	x, err := e.Plan(t.Context(), o, target, false)
	if err != nil || x.Plan != nil || len(x.Denied) != 1 || x.Denied[0].Decisions[2].Verdict == gate.Allow {
		t.Fatalf("got %+v, %v", x, err)
	}
	if err := e.Deny(t.Context(), x); err != nil {
		t.Error(err)
	}
	if _, err := os.Stat(filepath.Join(dir, "out")); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the target was touched: %v", err)
	}
}
