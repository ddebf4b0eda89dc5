package property

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/latticenet/lattice-host/abi"
	"github.com/latticenet/lattice-host/abi/bundle"
	"github.com/latticenet/lattice-host/runtime"
	"github.com/latticenet/lattice-host/wasm-tests/builtins"
)

// derived returns what derives from the services. Each of them is valid, and so none may fail.
func derived(t *testing.T, write func(seed uint64) []byte) []*bundle.Bundle {
	t.Helper()
	root, err := builtins.Root()
	if err != nil {
		t.Fatal(err)
	}
	plugins, err := builtins.NewNative(root)
	if err != nil {
		t.Fatal(err)
	}
	bundles, err := Derive(t.Context(), plugins, Count(), write)
	if err != nil {
		t.Fatal(err)
	}
	return bundles
}

// TestBothWorlds derives some of the services with plugins that run both natively and in the
// sandbox, where each answer must be the same, and holds the bundles against those of a run without
// the sandbox.
func TestBothWorlds(t *testing.T) {
	t.Parallel()
	root, err := builtins.Root()
	if err != nil {
		t.Fatal(err)
	}
	plugins, sandbox, err := builtins.NewBoth(t.Context(), root, func(plugin, step string, native, sandbox []byte) {
		t.Errorf("step %s: %s answers other bytes in the sandbox:\nnative  %x\nsandbox %x", step, plugin, native, sandbox)
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := sandbox.Close(context.Background()); err != nil {
			t.Error(err)
		}
	})
	bundles, err := Derive(t.Context(), plugins, Count()/5, Ordered)
	if err != nil {
		t.Fatal(err)
	}
	for i, b := range derived(t, Ordered)[:len(bundles)] {
		if b.Digest() != bundles[i].Digest() {
			t.Errorf("seed %d: another bundle in the sandbox", i)
		}
	}
}

// TestEveryKind holds the kinds that derive against those that the manifests of the plugins name: a
// generator that stops using a feature would make the other tests say less than they seem to.
func TestEveryKind(t *testing.T) {
	t.Parallel()
	root, err := builtins.Root()
	if err != nil {
		t.Fatal(err)
	}
	plugins, err := builtins.NewNative(root)
	if err != nil {
		t.Fatal(err)
	}
	kinds := map[abi.GroupKind]bool{}
	for _, b := range derived(t, Ordered) {
		for _, o := range b.Outputs {
			kinds[o.Ref.GroupKind()] = true
		}
	}
	for name, plugin := range plugins {
		m := plugin.Manifest()
		if !slices.ContainsFunc(m.Derives, func(d abi.Derives) bool { return d.Kind == "LatticeService" }) {
			continue
		}
		for _, kind := range m.Outputs {
			if !kinds[kind] {
				t.Errorf("no service derives a %s, which %s emits", kind, name)
			}
		}
	}
}

// TestEqual derives the services twice, once with the keys of their maps in another order, and once
// from the last to the first.
func TestEqual(t *testing.T) {
	t.Parallel()
	first, second, other := derived(t, Ordered), derived(t, Ordered), derived(t, Shuffled)
	backwards := derived(t, func(seed uint64) []byte { return Ordered(Count() - 1 - seed) })
	slices.Reverse(backwards)
	for i := range first {
		if first[i].Digest() != second[i].Digest() {
			t.Errorf("seed %d: another bundle the second time", i)
		}
		if first[i].Digest() != other[i].Digest() {
			t.Errorf("seed %d: another bundle when maps have another order", i)
		}
		if first[i].Digest() != backwards[i].Digest() {
			t.Errorf("seed %d: another bundle when documents have another order", i)
		}
	}
}

// TestObjects checks every object that derives from the services.
func TestObjects(t *testing.T) {
	t.Parallel()
	bundles := derived(t, Ordered)
	var run, all objects
	for _, b := range bundles {
		for _, o := range b.Outputs {
			var content Object
			if err := json.Unmarshal(o.Document, &content); err != nil {
				t.Fatal(err)
			}
			f := found{of: b.Resource, ref: o.Ref, text: string(o.Document), content: content}
			if all = append(all, f); !o.Derived {
				run = append(run, f)
			}
		}
	}
	t.Run("references", func(t *testing.T) { all.noReferenceIsLeft(t) })
	t.Run("canary", func(t *testing.T) { all.noCanary(t, bundles) })
	t.Run("lists", func(t *testing.T) { run.listsHaveNoKeyTwice(t) })
	t.Run("selectors", func(t *testing.T) { all.selectorsSelectTheirOwn(t) })
	t.Run("references lead", func(t *testing.T) { run.referencesLead(t) })
	t.Run("queries", func(t *testing.T) { run.queriesMatchTheirOwn(t) })
	t.Run("names", func(t *testing.T) { run.namesAreOneDocuments(t, bundles) })
}

// found is an object, and the document that it derives from.
type found struct {
	of, ref abi.Ref
	text    string
	content Object
}

type objects []found

// noReferenceIsLeft proves that no object has a reference that a plugin should have replaced.
func (run objects) noReferenceIsLeft(t *testing.T) {
	for _, o := range run {
		for _, kind := range []string{"metadata.", "cluster.", "env.", "config.", "resources.", "secret.", "pod.", "node."} {
			if strings.Contains(o.text, "${"+kind) {
				t.Errorf("%s: %s has a reference ${%s…}", o.of, o.ref, kind)
			}
		}
	}
}

// noCanary proves that a password is in the data of Secrets only: neither in other objects, as it
// is or encoded, nor in what the steps say.
func (run objects) noCanary(t *testing.T, bundles []*bundle.Bundle) {
	kept := 0
	for _, o := range run {
		if strings.Contains(o.text, Canary) {
			t.Errorf("%s: %s has the password", o.of, o.ref)
		}
		for _, encoded := range encodedCanary() {
			switch {
			case !strings.Contains(o.text, encoded):
			case o.ref.Kind == "Secret":
				kept++
			default:
				t.Errorf("%s: %s has the password in base64", o.of, o.ref)
			}
		}
	}
	if kept == 0 {
		t.Error("no Secret has the password")
	}
	for _, b := range bundles {
		for _, r := range b.Results {
			if strings.Contains(r.Field+r.Message, Canary) {
				t.Errorf("%s: a message has the password: %s", b.Resource, r.Message)
			}
		}
	}
}

// encodedCanary returns what base64 makes of the password inside of longer text, which depends on
// where in the text it is.
func encodedCanary() []string {
	var all []string
	for before := range 3 {
		text := base64.StdEncoding.EncodeToString([]byte(strings.Repeat("x", before) + Canary))
		// The first group of four has bytes of what is before, and the last one may have some of
		// what follows.
		all = append(all, text[4:len(text)-4])
	}
	return all
}

// mergeKeys are the keys of lists that an API server takes for maps, by the field that holds the
// list.
func mergeKeys() map[string][]string {
	return map[string][]string{
		"containers": {"name"}, "initContainers": {"name"}, "volumes": {"name"}, "volumeMounts": {"mountPath"}, "env": {"name"},
		"imagePullSecrets": {"name"}, "containerPorts": {"containerPort", "protocol"}, "servicePorts": {"port", "protocol"}, "namedPorts": {"name"},
		"listeners": {"name"}, "parentRefs": {"name", "sectionName"}, "volumeClaimTemplates": {"name"}, "topologySpreadConstraints": {"topologyKey", "whenUnsatisfiable"},
	}
}

// listsHaveNoKeyTwice proves that no list has two items with the key by which a server tells them
// apart.
func (run objects) listsHaveNoKeyTwice(t *testing.T) {
	for _, o := range run {
		walk(o.content, "", func(field string, items []any) {
			names := []string{field}
			if field == "ports" && o.ref.Kind == "Service" {
				names = []string{"servicePorts", "namedPorts"}
			} else if field == "ports" && (o.ref.Kind == "Deployment" || o.ref.Kind == "StatefulSet") {
				names = []string{"containerPorts"}
			}
			for _, name := range names {
				if key := twice(items, mergeKeys()[name]); key != "" {
					t.Errorf("%s: %s: %s has %s twice", o.of, o.ref, field, key)
				}
			}
		})
	}
}

// walk calls visit with every list and the field that holds it.
func walk(value any, field string, visit func(field string, items []any)) {
	switch v := value.(type) {
	case Object:
		for key, item := range v {
			walk(item, key, visit)
		}
	case []any:
		visit(field, v)
		for _, item := range v {
			walk(item, field, visit)
		}
	}
}

// twice returns the values of keys that two items have; empty when all differ or the list has no
// keys.
func twice(items []any, keys []string) string {
	known := map[string]bool{}
	for _, item := range items {
		o, ok := item.(Object)
		if !ok || keys == nil {
			return ""
		}
		var values []any
		for _, key := range keys {
			values = append(values, o[key])
		}
		key := string(encoded(values))
		if known[key] {
			return key
		}
		known[key] = true
	}
	return ""
}

// namesAreOneDocuments proves that a name belongs to an object of one document: where it derives
// from several, it is the same for all of them and carries no document's name, or no set can have
// both and the error says which.
func (run objects) namesAreOneDocuments(t *testing.T, bundles []*bundle.Bundle) {
	var set []runtime.Bundle
	for _, b := range bundles {
		set = append(set, runtime.BundleOf(b))
	}
	refused := map[string]bool{}
	for _, err := range each(runtime.CheckBundles(set)) {
		var e *runtime.Error
		if !errors.As(err, &e) || !errors.Is(err, runtime.ErrConflict) {
			t.Errorf("the bundles are not a set: %v", err)
			continue
		}
		refused[e.Object] = true
	}
	first := map[abi.Ref]*found{}
	conflicts := 0
	for i := range run {
		o := &run[i]
		other := first[o.ref]
		switch {
		case other == nil:
			first[o.ref] = o
		case other.of == o.of:
			t.Errorf("%s derives %s twice", o.of, o.ref)
		case refused[o.ref.String()]:
			conflicts++
		case other.text != o.text:
			t.Errorf("%s and %s derive different objects %s, and no error says so", other.of, o.of, o.ref)
		case at(o.content, "metadata", "labels", "app.kubernetes.io/name") == o.of.Name:
			t.Errorf("%s and %s derive the same object %s, which is called a part of one", other.of, o.of, o.ref)
		}
	}
	if conflicts == 0 {
		t.Error("no two names meet; the names of services and containers are chosen to meet")
	}
}

// each returns the errors of a joined one.
func each(err error) []error {
	if joined, ok := err.(interface{ Unwrap() []error }); ok {
		return joined.Unwrap()
	}
	if err == nil {
		return nil
	}
	return []error{err}
}
