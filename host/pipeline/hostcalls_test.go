package pipeline_test

import (
	"bytes"
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/latticenet/lattice-host/abi"
	"github.com/latticenet/lattice-host/abi/bundle"
	"github.com/latticenet/lattice-host/host/hostcall"
	"github.com/latticenet/lattice-host/host/pipeline"
	"github.com/latticenet/lattice-host/host/resource"
)

// asker makes the same host call several times and emits nothing.
func asker(t *testing.T, name string, op abi.HostOp, request string, times int) *fake {
	return &fake{
		manifest: manifest(t, name, `capabilities:
- {name: kv, reason: r}
- {name: resources.read, kinds: [{group: lattice.dev, kind: LatticeMeshMember}], reason: r}`),
		derive: func(ctx context.Context, _ *abi.Request) (*abi.Response, []string, error) {
			for range times {
				if _, err := hostcall.Serve(ctx, uint32(op), []byte(request), abi.EncodingJSON); err != nil {
					return nil, nil, err
				}
			}
			return &abi.Response{}, nil, nil
		},
	}
}

func grantAll(string, string) []string {
	return []string{abi.CapabilityKV, abi.CapabilityResourcesRead}
}

const readMembers = `{"apiVersion":"lattice.dev/v1alpha1","kind":"LatticeMeshMember"}`

func TestHostCalls(t *testing.T) {
	t.Parallel()
	plugins := fakes{
		"reader": asker(t, "reader", abi.HostResourcesRead, readMembers, 1),
		"keeper": asker(t, "keeper", abi.HostKVGet, `{"key":"a"}`, 2),
		"quiet":  &fake{manifest: manifest(t, "quiet", ""), derive: always(&abi.Response{})},
	}
	pipelines := memberPipeline(t, "{name: z-reader, plugin: reader}", "{name: a-keeper, plugin: keeper}", "{name: quiet, plugin: quiet}")
	var first []byte
	for range 20 {
		run := hostcall.NewRun(hostcall.Config{Granted: grantAll, Record: true})
		e := engine(t, pipeline.Config{Plugins: plugins, Pipelines: pipelines, HostCalls: run})
		bundles, err := e.DeriveAll(t.Context(), members(t, "one", "two", "three"))
		if err != nil {
			t.Fatal(err)
		}
		tape, err := run.Tape()
		if err != nil {
			t.Fatal(err)
		}
		all := tape
		for _, b := range bundles {
			all = append(append(all, b.JSON()...), '\n')
		}
		if first == nil {
			first = all
		}
		if diff := cmp.Diff(string(first), string(all)); diff != "" {
			t.Fatalf("two runs differ:\n%s", diff)
		}
		var calls []string
		for _, c := range bundles[0].HostCalls {
			calls = append(calls, strings.Join([]string{c.Pipeline, c.Step, c.Op, c.Target}, " "))
		}
		want := []string{
			"members z-reader resources.read LatticeMeshMember.lattice.dev", "members a-keeper kv.get a", "members a-keeper kv.get a",
		}
		if diff := cmp.Diff(want, calls); diff != "" {
			t.Fatal(diff)
		}
	}
	// A document does not find itself, and a bundle with calls can be read again.
	tape, _, _ := bytes.Cut(first, []byte(`{"digest":"sha256:`))
	for _, line := range bytes.Split(tape, []byte("\n")) {
		if bytes.Contains(line, []byte(`"op":"resources.read"`)) && bytes.Count(line, []byte(`"spec":`)) != 2 {
			t.Errorf("the step was not shown the two others: %s", line)
		}
	}
	run := hostcall.NewRun(hostcall.Config{Granted: grantAll})
	b, err := engine(t, pipeline.Config{Plugins: plugins, Pipelines: pipelines, HostCalls: run}).Derive(t.Context(), members(t, "one")[0])
	if err != nil {
		t.Fatal(err)
	}
	again, err := pipeline.ParseBundle(b.JSON())
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(b.HostCalls, again.HostCalls); diff != "" || len(again.HostCalls) != 3 {
		t.Errorf("read again: %v\n%s", again.HostCalls, diff)
	}
	forged := bytes.Replace(b.JSON(), []byte(`"step":"a-keeper","target"`), []byte(`"step":"stranger","target"`), 1)
	if _, err := pipeline.ParseBundle(forged); !errors.Is(err, bundle.ErrBundle) || !strings.Contains(err.Error(), "members/stranger") {
		t.Errorf("a call of no step: %v", err)
	}
}

func TestHostCallsWithoutARun(t *testing.T) {
	t.Parallel()
	said := ""
	plugin := asker(t, "keeper", abi.HostKVGet, "", 0)
	plugin.derive = func(ctx context.Context, _ *abi.Request) (*abi.Response, []string, error) {
		answer, err := hostcall.Serve(ctx, uint32(abi.HostKVGet), []byte(`{"key":"a"}`), abi.EncodingJSON)
		said = string(answer)
		return &abi.Response{}, nil, err
	}
	e := engine(t, pipeline.Config{Plugins: fakes{"keeper": plugin}, Pipelines: memberPipeline(t, "{name: keeper, plugin: keeper}")})
	b, err := e.Derive(t.Context(), members(t, "one")[0])
	if err != nil || !strings.Contains(said, `"code":"denied"`) || strings.Contains(string(b.JSON()), "hostCalls") {
		t.Errorf("the plugin was answered %s; %v", said, err)
	}
}

func TestHostCallBudgetIsShared(t *testing.T) {
	t.Parallel()
	plugins := fakes{
		"one": asker(t, "one", abi.HostKVGet, `{"key":"a"}`, abi.MaxHostCalls/2),
		"two": asker(t, "two", abi.HostKVGet, `{"key":"a"}`, abi.MaxHostCalls/2),
		"all": asker(t, "all", abi.HostKVGet, `{"key":"a"}`, abi.MaxHostCalls+1),
		"few": asker(t, "few", abi.HostKVGet, `{"key":"a"}`, 1),
	}
	derive := func(steps ...string) error {
		e := engine(t, pipeline.Config{
			Plugins: plugins, Pipelines: memberPipeline(t, steps...), HostCalls: hostcall.NewRun(hostcall.Config{Granted: grantAll}),
		})
		_, err := e.DeriveAll(t.Context(), members(t, "m", "n"))
		return err
	}
	if err := derive("{name: one, plugin: one}", "{name: two, plugin: two}"); err != nil {
		t.Errorf("64 calls of two steps: %v", err)
	}
	if err := derive("{name: all, plugin: all}"); err != nil {
		t.Errorf("65 calls of one step: %v", err)
	}
	err := derive("{name: one, plugin: one}", "{name: two, plugin: two}", "{name: few, plugin: few}")
	if !errors.Is(err, hostcall.ErrBudget) || strings.Count(err.Error(), "\n") != 1 ||
		!strings.Contains(err.Error(), "members.yaml:4:18: LatticeMeshMember media/m: too many host calls: the steps few (lattice/few@1.0.0), one") {
		t.Errorf("65 calls of three steps: %v", err)
	}
}

// Outputs that are derived in turn share the budget, and their calls are distinguished.
func TestHostCallsOfDerivedDocuments(t *testing.T) {
	t.Parallel()
	var outputs []abi.Output
	for _, name := range []string{"xa", "xb"} {
		outputs = append(outputs, output(t, memberYAML(name)))
	}
	parent := asker(t, "parent", abi.HostKVGet, `{"key":"a"}`, 1)
	parent.manifest = manifest(t, "parent", `derives: [{group: lattice.dev, kind: LatticeService, covers: [workload]}]
outputs: [{group: lattice.dev, kind: LatticeMeshMember}]
capabilities: [{name: kv, reason: r}]`)
	ask := parent.derive
	parent.derive = func(ctx context.Context, req *abi.Request) (*abi.Response, []string, error) {
		_, _, err := ask(ctx, req)
		return &abi.Response{Outputs: outputs}, nil, err
	}
	service, err := pipeline.ParsePipelines("p.yaml", []byte(`apiVersion: lattice.dev/v1
kind: Pipeline
metadata: {name: services}
spec:
  for: {group: lattice.dev, kind: LatticeService}
  steps: [{name: parent, plugin: parent}]
`))
	if err != nil {
		t.Fatal(err)
	}
	run := hostcall.NewRun(hostcall.Config{Granted: grantAll})
	e := engine(t, pipeline.Config{
		Plugins:   fakes{"parent": parent, "child": asker(t, "child", abi.HostKVGet, `{"key":"b"}`, 1)},
		Pipelines: append(service, memberPipeline(t, "{name: child, plugin: child}")...), HostCalls: run,
	})
	services, err := resource.Decode("service.yaml", []byte(`apiVersion: lattice.dev/v1alpha1
kind: LatticeService
metadata: {name: orders, namespace: media}
spec:
  workload:
    containers:
      main:
        image: ghcr.io/acme/orders@sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef
        resources: {requests: {cpu: 100m, memory: 64Mi}, limits: {cpu: 200m, memory: 128Mi}}
`), resource.Options{})
	if err != nil {
		t.Fatal(err)
	}
	b, err := e.Derive(t.Context(), services[0])
	if err != nil {
		t.Fatal(err)
	}
	var calls []string
	for _, c := range b.HostCalls {
		calls = append(calls, c.Step+" "+c.Resource.Name+" "+c.Target)
	}
	if diff := cmp.Diff([]string{"parent  a", "child xa b", "child xb b"}, calls); diff != "" {
		t.Error(diff)
	}
}
