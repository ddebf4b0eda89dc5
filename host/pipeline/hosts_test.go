package pipeline_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/latticenet/lattice-host/abi"
	"github.com/latticenet/lattice-host/abi/bundle"
	"github.com/latticenet/lattice-host/host/pipeline"
)

// TestSharedHosts warns of a host that entries of several namespaces have, and of no other.
func TestSharedHosts(t *testing.T) {
	t.Parallel()
	of := func(namespace, kind, document string) *bundle.Bundle {
		return bundle.New(bundle.Content{Outputs: []bundle.Output{{
			Ref:      abi.Ref{APIVersion: "networking.istio.io/v1", Kind: kind, Namespace: namespace, Name: "x"},
			Document: []byte(document),
		}}})
	}
	const entry = "ServiceEntry"
	got := pipeline.SharedHosts([]*bundle.Bundle{
		of("b", entry, `{"spec":{"hosts":["one.example.com","two.example.com"]}}`),
		of("a", entry, `{"spec":{"hosts":["two.example.com"]}}`),
		of("a", entry, `{"spec":{"hosts":["two.example.com","three.example.com"]}}`),
		of("c", "VirtualService", `{"spec":{"hosts":["three.example.com"]}}`),
		of("c", entry, `{"spec":5}`),
	})
	want := []string{"the namespaces a, b each make the host two.example.com known to the mesh; each entry is for its own " +
		"namespace, but a mesh that does not heed exportTo routes all of them by the oldest entry"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("-want +got\n%s", diff)
	}
}
