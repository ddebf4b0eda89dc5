package property

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/latticenet/lattice-host/abi"
	"github.com/latticenet/lattice-host/abi/bundle"
	"github.com/latticenet/lattice-host/runtime"
	"github.com/latticenet/lattice-host/wasm-tests/builtins"
)

// count returns how many services are derived.
func count() uint64 {
	if os.Getenv("CI") == "night" {
		return 2000
	}
	return 150
}

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
	bundles, err := Derive(t.Context(), plugins, count(), write)
	if err != nil {
		t.Fatal(err)
	}
	return bundles
}

// TestEqual derives the services twice, and once with the keys of their maps in another order.
func TestEqual(t *testing.T) {
	t.Parallel()
	first, second, other := derived(t, Ordered), derived(t, Ordered), derived(t, Shuffled)
	for i := range first {
		if first[i].Digest() != second[i].Digest() {
			t.Errorf("seed %d: another bundle the second time", i)
		}
		if first[i].Digest() != other[i].Digest() {
			t.Errorf("seed %d: another bundle when maps have another order", i)
		}
	}
}

// TestObjects checks every object that derives from the services.
func TestObjects(t *testing.T) {
	t.Parallel()
	bundles := derived(t, Ordered)
	var run objects
	for _, b := range bundles {
		for _, o := range b.Applied() {
			var content Object
			if err := json.Unmarshal(o.Document, &content); err != nil {
				t.Fatal(err)
			}
			run = append(run, found{of: b.Resource, ref: o.Ref, text: string(o.Document), content: content})
		}
	}
	t.Run("references", func(t *testing.T) { run.noReferenceIsLeft(t) })
	t.Run("canary", func(t *testing.T) { run.noCanary(t) })
	t.Run("lists", func(t *testing.T) { run.listsHaveNoKeyTwice(t) })
	t.Run("selectors", func(t *testing.T) { run.selectorsSelectTheirOwn(t) })
	t.Run("scrapes", func(t *testing.T) { run.portsAreReadOnce(t) })
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

// noCanary proves that a password is in the data of Secrets only.
func (run objects) noCanary(t *testing.T) {
	kept := 0
	for _, o := range run {
		if strings.Contains(o.text, Canary) {
			t.Errorf("%s: %s has the password", o.of, o.ref)
		}
		data, _ := o.content["data"].(Object)
		for key, value := range data {
			text, err := base64.StdEncoding.DecodeString(value.(string))
			if err != nil || !strings.Contains(string(text), Canary) {
				continue
			}
			if kept++; o.ref.Kind != "Secret" {
				t.Errorf("%s: %s has the password under %s", o.of, o.ref, key)
			}
		}
	}
	if kept == 0 {
		t.Error("no Secret has the password")
	}
}

// mergeKeys are the keys of lists that an API server takes for maps, by the field that holds the list.
func mergeKeys() map[string][]string {
	return map[string][]string{
		"containers": {"name"}, "initContainers": {"name"}, "volumes": {"name"}, "volumeMounts": {"mountPath"}, "env": {"name"},
		"imagePullSecrets": {"name"}, "containerPorts": {"containerPort", "protocol"}, "servicePorts": {"port", "protocol"}, "namedPorts": {"name"},
		"listeners": {"name"}, "parentRefs": {"name", "sectionName"}, "volumeClaimTemplates": {"name"}, "topologySpreadConstraints": {"topologyKey", "whenUnsatisfiable"},
	}
}

// listsHaveNoKeyTwice proves that no list has two items with the key by which a server tells them apart.
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

// twice returns the values of keys that two items have; empty when all differ or the list has no keys.
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

// at returns what is below fields; nil when nothing is.
func at(value any, fields ...string) any {
	for _, field := range fields {
		o, _ := value.(Object)
		value = o[field]
	}
	return value
}

// selectorsOf returns the selectors of an object that must select the pods of its own service.
func (o *found) selectorsOf() []any {
	var selectors []any
	switch o.ref.Kind {
	case "Service":
		selectors = append(selectors, at(o.content, "spec", "selector"))
	case "Deployment", "StatefulSet":
		selectors = append(selectors, at(o.content, "spec", "selector", "matchLabels"))
		spread, _ := at(o.content, "spec", "template", "spec", "topologySpreadConstraints").([]any)
		for _, s := range spread {
			selectors = append(selectors, at(s, "labelSelector", "matchLabels"))
		}
	case "PodDisruptionBudget":
		selectors = append(selectors, at(o.content, "spec", "selector", "matchLabels"))
	case "AuthorizationPolicy", "PeerAuthentication":
		if at(o.content, "spec", "targetRefs") == nil {
			selectors = append(selectors, at(o.content, "spec", "selector", "matchLabels"))
		}
	case "CiliumNetworkPolicy":
		selectors = append(selectors, at(o.content, "spec", "endpointSelector", "matchLabels"))
	case "TracingPolicyNamespaced":
		selectors = append(selectors, at(o.content, "spec", "podSelector", "matchLabels"))
	}
	return selectors
}

// selected returns the documents whose objects of some kinds, in a namespace, carry the labels of a selector.
func (run objects) selected(namespace string, selector Object, labels func(*found) any) []abi.Ref {
	var all []abi.Ref
	for i := range run {
		have, ok := labels(&run[i]).(Object)
		if !ok || run[i].ref.Namespace != namespace {
			continue
		}
		matches := true
		for key, value := range selector {
			matches = matches && have[strings.TrimPrefix(key, "k8s:")] == value
		}
		if matches {
			all = append(all, run[i].of)
		}
	}
	return all
}

// podLabels returns the labels of the pods of an object that runs some.
func podLabels(o *found) any { return at(o.content, "spec", "template", "metadata", "labels") }

// selectorsSelectTheirOwn proves that a selector selects the pods of the service that it derives from, and no others of the run.
// A policy of a gateway or waypoint of a namespace selects its pods, which no document has.
func (run objects) selectorsSelectTheirOwn(t *testing.T) {
	spaces := run.byNamespace()
	for i := range run {
		o := &run[i]
		for _, s := range o.selectorsOf() {
			selector, ok := s.(Object)
			if !ok || len(selector) == 0 {
				t.Errorf("%s: %s selects everything", o.of, o.ref)
				continue
			}
			want := []abi.Ref{o.of}
			if gateways(selector) {
				want = nil
			}
			if got := spaces[o.ref.Namespace].selected(o.ref.Namespace, selector, podLabels); !slices.Equal(got, want) {
				t.Errorf("%s: %s selects the pods of %v", o.of, o.ref, got)
			}
		}
	}
}

// gateways reports whether a selector has a label that only the pods of gateways carry.
func gateways(selector Object) bool {
	for _, key := range []string{"gateway.networking.k8s.io/gateway-name", "istio.io/waypoint-for"} {
		if selector[key] != nil || selector["k8s:"+key] != nil {
			return true
		}
	}
	return false
}

func (run objects) byNamespace() map[string]objects {
	spaces := map[string]objects{}
	for _, o := range run {
		spaces[o.ref.Namespace] = append(spaces[o.ref.Namespace], o)
	}
	return spaces
}

// portsAreReadOnce proves that metrics are read of one Service of the service.
func (run objects) portsAreReadOnce(t *testing.T) {
	spaces := run.byNamespace()
	for i := range run {
		o := &run[i]
		if o.ref.Kind != "VMServiceScrape" {
			continue
		}
		selector, _ := at(o.content, "spec", "selector", "matchLabels").(Object)
		services := func(o *found) any {
			if o.ref.Kind != "Service" {
				return nil
			}
			return at(o.content, "metadata", "labels")
		}
		if got := spaces[o.ref.Namespace].selected(o.ref.Namespace, selector, services); !slices.Equal(got, []abi.Ref{o.of}) {
			t.Errorf("%s: %s selects the Services of %v", o.of, o.ref, got)
		}
	}
}

// namesAreOneDocuments proves that a name belongs to an object of one document: where it derives from several, it is the same for
// all of them and carries no document's name, or no set can have both and the error says which.
func (run objects) namesAreOneDocuments(t *testing.T, bundles []*bundle.Bundle) {
	var set []runtime.Bundle
	for _, b := range bundles {
		set = append(set, runtime.BundleOf(b))
	}
	refused := map[string]bool{}
	for _, err := range each(runtime.CheckBundles(set)) {
		var e *runtime.Error
		if !errors.As(err, &e) || !errors.Is(err, runtime.ErrConflict) {
			t.Errorf("the bundles are no set: %v", err)
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
