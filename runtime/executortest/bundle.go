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

// Bundle returns the bundle of a resource with a ConfigMap for each of objects, named like the
// resource and it, that says value.
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

// ExternalSecret returns the reference of an object that fetches secrets.
func ExternalSecret(name string) abi.Ref {
	return abi.Ref{APIVersion: "external-secrets.io/v1", Kind: "ExternalSecret", Namespace: Namespace, Name: name}
}

// Secretive returns the bundle of a resource with a ConfigMap of its name, and an ExternalSecret
// for each of secrets.
func Secretive(t testing.TB, resource, value string, secrets ...string) runtime.Bundle {
	t.Helper()
	refs := []abi.Ref{ConfigMap(resource)}
	for _, name := range secrets {
		refs = append(refs, ExternalSecret(name))
	}
	return bundleOf(t, resource, value, refs)
}

// content returns what makes an object more than its name.
func content(ref abi.Ref, value string) (field string, content any) {
	if ref.Kind != "ExternalSecret" {
		return "data", map[string]string{"value": value}
	}
	return "spec", map[string]any{
		"secretStoreRef": map[string]string{"kind": "ClusterSecretStore", "name": "vault"},
		"target":         map[string]string{"name": ref.Name},
		"data":           []any{map[string]any{"secretKey": "key", "remoteRef": map[string]string{"key": "media/" + ref.Name}}},
	}
}

func bundleOf(t testing.TB, resource, value string, objects []abi.Ref) runtime.Bundle {
	t.Helper()
	b := bundle.Content{
		Resource: Resource(resource), Document: object(t, Resource(resource), "spec", map[string]string{"value": bundle.Digest([]byte(value))}), Results: []bundle.Result{},
		Steps:   []bundle.Step{{Pipeline: "service", Name: "config", Plugin: "core/config", Version: "1.0.0", Digest: bundle.Digest(nil)}},
		Outputs: []bundle.Output{}, SettingsDigest: bundle.Digest(nil),
	}
	for _, ref := range objects {
		field, data := content(ref, value)
		document := object(t, ref, field, data)
		b.Outputs = append(b.Outputs, bundle.Output{
			Ref: ref, Document: document, Stage: 1, Pipeline: "service", Step: "config", Owners: []bundle.Owner{{Step: "config"}},
		})
	}
	return runtime.BundleOf(bundle.New(b))
}

// object returns an object with one field as canonical JSON.
func object(t testing.TB, ref abi.Ref, field string, value any) json.RawMessage {
	t.Helper()
	document, err := json.Marshal(map[string]any{
		"apiVersion": ref.APIVersion, "kind": ref.Kind, field: value,
		"metadata": map[string]string{"namespace": ref.Namespace, "name": ref.Name},
	})
	if err != nil {
		t.Fatal(err)
	}
	if document, err = bundle.Canonical(document); err != nil {
		t.Fatal(err)
	}
	return document
}
