package facts_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/rogpeppe/go-internal/txtar"

	"github.com/latticenet/lattice-host/host/gate"
	"github.com/latticenet/lattice-host/host/gate/facts"
)

// TestSharedEntry takes the endpoints of an entry as declared where another document of the
// namespace names them, and in no other kind of output.
func TestSharedEntry(t *testing.T) {
	t.Parallel()
	archive, err := txtar.ParseFile("testdata/declared/shared-entry.txtar")
	if err != nil {
		t.Fatal(err)
	}
	files := map[string][]facts.Object{}
	for _, f := range archive.Files {
		files[f.Name] = documents(t, f.Data)
	}
	in := facts.Input{
		Resource: files["resource.yaml"][0], Outputs: files["outputs.yaml"],
		Owners: facts.NewOwners(append(files["run.yaml"], files["resource.yaml"]...)),
	}
	got := map[string]bool{}
	for _, r := range facts.Read(in).Requests() {
		if r.Action == gate.ActionAccessExternalEndpoint {
			got[r.Object+" "+r.Resource.ID] = r.Resource.Attributes[gate.AttributeDeclared] == true
		}
	}
	const entry, policy = "ServiceEntry.networking.istio.io shop/shared ", "CiliumNetworkPolicy.cilium.io shop/orders "
	want := map[string]bool{
		entry + "api.example.com:443": true, entry + "api.example.com:5432": true, entry + "api.example.com:6": false,
		policy + "api.example.com:5432": false,
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("-want +got\n%s", diff)
	}
}
