package engine_test

import (
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/latticenet/lattice-host/abi"
	"github.com/latticenet/lattice-host/host/engine"
	"github.com/latticenet/lattice-host/host/resource"
	"github.com/latticenet/lattice-host/internal/problem"
)

// quotas returns a folder with policies that limit a namespace.
func quotas(t testing.TB) string {
	t.Helper()
	dir := t.TempDir()
	for name, text := range map[string]string{
		"quota.yaml": `apiVersion: lattice.dev/v1alpha1
kind: LatticeQuota
metadata: {name: shop, namespace: lattice-system}
spec:
  principal: Lattice::Group::"shop"
  limits: {cpu: "4"}
  maxPerWorkload: {cpu: 700m}
`,
		"namespaces.yaml": `apiVersion: v1
kind: Namespace
metadata: {name: shop, labels: {lattice.dev/group: shop}}
`,
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// random returns a document of a name: it owns a volume or uses another's, calls others and lets
// them call, and asks for more or less.
func random(t testing.TB, r *rand.Rand, name string) *resource.Document {
	t.Helper()
	neighbour := fmt.Sprintf("s%d", r.IntN(6))
	var resources, volumes strings.Builder
	switch r.IntN(3) {
	case 0:
		fmt.Fprintf(&resources, "      data: {type: volume, id: of-%s, params: {size: 1Gi, allowedConsumers: [s0, s1, s2, s3, s4]}}\n", name)
		volumes.WriteString("        volumes: {/data: {source: \"${resources.data}\"}}\n")
	case 1:
		fmt.Fprintf(&resources, "      data: {type: volume, id: of-%s}\n", neighbour)
		volumes.WriteString("        volumes: {/data: {source: \"${resources.data}\"}}\n")
	}
	if r.IntN(2) == 0 && neighbour != name {
		fmt.Fprintf(&resources, "      %s: {type: service, direction: both}\n", neighbour)
	}
	text := "apiVersion: lattice.dev/v1alpha1\nkind: LatticeService\nmetadata: {name: " + name + ", namespace: shop}\nspec:\n  workload:\n" +
		"    service: {ports: {http: {port: 80}}}\n    containers:\n      main:\n        image: " + pinned + "\n" +
		fmt.Sprintf("        resources: {requests: {cpu: %d00m, memory: 64Mi}, limits: {cpu: \"2\", memory: 128Mi}}\n", 1+r.IntN(9)) + volumes.String()
	if resources.Len() > 0 {
		text += "    resources:\n" + resources.String()
	}
	docs, err := resource.Decode(name+".yaml", []byte(text), resource.Options{})
	if err != nil {
		t.Fatalf("%v in\n%s", err, text)
	}
	return docs[0]
}

// results derives every document of a workspace twice, since the first time may take consent away,
// and says what came of each.
func results(t testing.TB, w *engine.Workspace) map[string]string {
	t.Helper()
	all := map[string]string{}
	for range 2 {
		for _, ref := range w.Documents() {
			o, err := w.Derive(t.Context(), ref)
			if err != nil {
				t.Fatal(err)
			}
			text := fmt.Sprint(o.Err())
			for _, d := range o.Results {
				text += " " + d.Bundle.Digest()
			}
			for _, d := range o.Documents[0].Decisions {
				text += " " + d.ID
			}
			all[ref.Name] = text
		}
	}
	return all
}

// together derives documents in one run, and says what came of each as results does.
func together(t testing.TB, e *engine.Engine, documents []*resource.Document) map[string]string {
	t.Helper()
	o, err := e.Derive(t.Context(), engine.Run{Documents: documents})
	if err != nil {
		t.Fatal(err)
	}
	all := map[string]string{}
	for _, d := range o.Results {
		all[d.Document.Ref.Name] = "<nil> " + d.Bundle.Digest()
	}
	for _, j := range o.Denied {
		all[j.Document.Ref.Name] = fmt.Sprint(j.Err())
	}
	for _, j := range o.Documents {
		for _, d := range j.Decisions {
			all[j.Document.Ref.Name] += " " + d.ID
		}
	}
	return all
}

// TestLaw10_OneChangeAmongMany changes documents of a workspace at random, and compares what
// derives with a workspace that is made of the same documents, and with one run of all of them.
func TestLaw10_OneChangeAmongMany(t *testing.T) {
	t.Parallel()
	c := config(t)
	c.Policies.Paths = []string{quotas(t)}
	e := open(t, c)
	for seed := range uint64(40) {
		r := rand.New(rand.NewPCG(seed, 1))
		documents := map[string]*resource.Document{}
		w, err := e.Workspace(t.Context(), nil)
		if err != nil {
			t.Fatal(err)
		}
		for range 20 {
			name := fmt.Sprintf("s%d", r.IntN(6))
			if r.IntN(4) == 0 {
				w.Remove(abi.Ref{APIVersion: "lattice.dev/v1alpha1", Kind: "LatticeService", Namespace: "shop", Name: name})
				delete(documents, name)
				continue
			}
			documents[name] = random(t, r, name)
			if err := w.Put(documents[name]); err != nil {
				t.Fatal(err)
			}
			if r.IntN(3) == 0 {
				results(t, w)
			}
		}
		var list []*resource.Document
		for _, d := range documents {
			list = append(list, d)
		}
		fresh, err := e.Workspace(t.Context(), list)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(results(t, fresh), results(t, w)); diff != "" {
			t.Errorf("seed %d: a changed workspace differs from a fresh one (-fresh +changed):\n%s", seed, diff)
		}
		if diff := cmp.Diff(together(t, e, list), results(t, w)); diff != "" {
			t.Errorf("seed %d: a workspace differs from a run of all documents (-run +workspace):\n%s", seed, diff)
		}
		fresh.Close()
		w.Close()
	}
}

func TestWorkspaceErrors(t *testing.T) {
	t.Parallel()
	e := open(t, config(t))
	if _, err := e.Workspace(t.Context(), []*resource.Document{service(t, "a", pinned), service(t, "a", pinned)}); problem.CodeOf(err) != problem.Invalid {
		t.Errorf("a duplicate: got %v", err)
	}
	w, err := e.Workspace(t.Context(), []*resource.Document{service(t, "a", pinned), service(t, "bad", platformImage)})
	if err != nil {
		t.Fatal(err)
	}
	defer w.Close()
	bad := w.Documents()[1]
	o, err := w.Derive(t.Context(), bad)
	if err != nil || len(o.Failed) != 1 || o.Failed[0].Document.Ref != bad {
		t.Errorf("got %+v, %v", o, err)
	}
	w.Remove(bad)
	if _, err := w.Derive(t.Context(), bad); problem.CodeOf(err) != problem.Invalid {
		t.Errorf("a document that was removed: got %v", err)
	}
}

// TestConsentReturns has an owner denied by a quota that others use up: who mounts its volume
// passes again once the owner does.
func TestConsentReturns(t *testing.T) {
	t.Parallel()
	c := config(t)
	c.Policies.Paths = []string{quotas(t)}
	e := open(t, c)
	with := func(name, cpu, volume string) *resource.Document {
		docs, err := resource.Decode(name+".yaml", []byte("apiVersion: lattice.dev/v1alpha1\nkind: LatticeService\nmetadata: {name: "+name+
			", namespace: shop, annotations: {lattice.dev/owner: "+name+"}}\nspec:\n  workload:\n    containers:\n      main:\n        image: "+pinned+
			"\n        resources: {requests: {cpu: "+cpu+", memory: 64Mi}, limits: {cpu: \"2\", memory: 128Mi}}\n"+
			"        volumes: {/data: {source: \"${resources.data}\"}}\n    resources:\n      data: "+volume+"\n"), resource.Options{})
		if err != nil {
			t.Fatal(err)
		}
		return docs[0]
	}
	owner := with("db", "800m", "{type: volume, id: shared, params: {size: 1Gi, allowedConsumers: [web]}}")
	smaller := with("db", "100m", "{type: volume, id: shared, params: {size: 1Gi, allowedConsumers: [web]}}")
	web := with("web", "100m", "{type: volume, id: shared}")
	w, err := e.Workspace(t.Context(), []*resource.Document{owner, web})
	if err != nil {
		t.Fatal(err)
	}
	defer w.Close()
	passes := func(d *resource.Document, want bool) {
		t.Helper()
		o, err := w.Derive(t.Context(), d.Ref)
		if err != nil || (len(o.Results) == 1) != want {
			t.Errorf("%s passes: %t, want %t: %v, %v", d.Ref.Name, !want, want, o.Err(), err)
		}
	}
	passes(web, true)
	passes(owner, false)
	passes(web, false)
	if err := w.Put(smaller); err != nil {
		t.Fatal(err)
	}
	passes(smaller, true)
	passes(web, true)
	// The quota of all is used up, and free again: the owner passes without a change of its own.
	many, err := resource.Decode("many.yaml", []byte("apiVersion: lattice.dev/v1alpha1\nkind: LatticeService\nmetadata: {name: many, namespace: shop}\n"+
		"spec:\n  replicas: 100\n  workload:\n    containers:\n      main:\n        image: "+pinned+
		"\n        resources: {requests: {cpu: 100m, memory: 64Mi}, limits: {cpu: \"2\", memory: 128Mi}}\n"), resource.Options{})
	if err != nil {
		t.Fatal(err)
	}
	if err := w.Put(many[0]); err != nil {
		t.Fatal(err)
	}
	passes(smaller, false)
	w.Remove(many[0].Ref)
	passes(smaller, true)
	passes(web, true)
}
