package executortest

import (
	"encoding/json"
	"testing"

	"github.com/latticenet/lattice-host/abi"
	"github.com/latticenet/lattice-host/abi/bundle"
	"github.com/latticenet/lattice-host/runtime"
)

// Namespace is that of all resources and objects.
const Namespace = "media"

// Resource returns the reference of a resource.
func Resource(name string) abi.Ref {
	return abi.Ref{APIVersion: "lattice.dev/v1alpha1", Kind: "LatticeService", Namespace: Namespace, Name: name}
}

// ConfigMap returns the reference of an object.
func ConfigMap(name string) abi.Ref {
	return abi.Ref{APIVersion: "v1", Kind: "ConfigMap", Namespace: Namespace, Name: name}
}

// Bundle returns the bundle of a resource with a ConfigMap for each of objects, named like the resource and it, that says
// value.
func Bundle(t testing.TB, resource, value string, objects ...string) runtime.Bundle {
	t.Helper()
	refs := make([]abi.Ref, len(objects))
	for i, name := range objects {
		refs[i] = ConfigMap(resource + "-" + name)
	}
	return bundleOf(t, resource, value, refs)
}

// Shared returns the bundle of a resource with ConfigMaps that other resources may have, too.
func Shared(t testing.TB, resource, value string, objects ...string) runtime.Bundle {
	t.Helper()
	refs := make([]abi.Ref, len(objects))
	for i, name := range objects {
		refs[i] = ConfigMap(name)
	}
	return bundleOf(t, resource, value, refs)
}

func bundleOf(t testing.TB, resource, value string, objects []abi.Ref) runtime.Bundle {
	t.Helper()
	b := &bundle.Bundle{
		Resource: Resource(resource), ResourceDigest: bundle.Digest([]byte(resource + value)), Results: []bundle.Result{},
		Steps:   []bundle.Step{{Pipeline: "service", Name: "config", Plugin: "core/config", Version: "1.0.0", Digest: bundle.Digest(nil)}},
		Outputs: []bundle.Output{}, SettingsDigest: bundle.Digest(nil), Decisions: []json.RawMessage{},
	}
	for _, ref := range objects {
		document, err := json.Marshal(map[string]any{
			"apiVersion": ref.APIVersion, "kind": ref.Kind, "data": map[string]string{"value": value},
			"metadata": map[string]string{"namespace": ref.Namespace, "name": ref.Name},
		})
		if err != nil {
			t.Fatal(err)
		}
		b.Outputs = append(b.Outputs, bundle.Output{
			Ref: ref, Document: document, Stage: 1, Pipeline: "service", Step: "config", Owners: []bundle.Owner{{Step: "config"}},
		})
	}
	b.Seal()
	read, err := runtime.ReadBundle(b.JSON())
	if err != nil {
		t.Fatal(err)
	}
	return read
}
