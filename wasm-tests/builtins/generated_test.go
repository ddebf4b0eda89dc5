package builtins

import (
	"testing"

	"github.com/latticenet/lattice-host/abi"
	"github.com/latticenet/lattice-host/abi/cbor"
	"github.com/latticenet/lattice-host/abi/lattice"
	"github.com/latticenet/lattice-host/host/pipeline"
	"github.com/latticenet/lattice-host/host/resource"
)

// generatedDocuments is how many documents are derived natively and in the sandbox: as many as are
// peers of each other.
const generatedDocuments = neighborhood

// Generated returns the documents of the seeds from 0.
func generated(tb testing.TB, n int) []*resource.Document {
	tb.Helper()
	var all []*resource.Document
	for seed := range uint64(n) {
		docs, err := resource.Decode("generated.json", Generate(seed), resource.Options{})
		if err != nil {
			tb.Fatalf("seed %d: %v\n%s", seed, err, Generate(seed))
		}
		all = append(all, docs...)
	}
	return all
}

// monitored is the platform of the generated documents, which scale by custom metrics too.
func monitored() *pipeline.Settings {
	s := pipeline.DefaultSettings()
	s.Platform.Monitoring = abi.Monitoring{Enabled: true}
	return s
}

func TestGeneratedDocumentsAreEqualInBothWorlds(t *testing.T) {
	docs := generated(t, generatedDocuments)
	// The pairs compare every single answer, and the engine goes on with the sandbox's.
	engine, err := pipeline.New(t.Context(), pipeline.Config{Plugins: pairs(t), Settings: monitored()})
	if err != nil {
		t.Fatal(err)
	}
	bundles, err := engine.DeriveAll(t.Context(), docs)
	if err != nil {
		t.Fatal(err)
	}
	kinds := map[string]bool{}
	for _, b := range bundles {
		for _, o := range b.Outputs {
			kinds[o.Ref.GroupKind().String()] = true
		}
	}
	// A generator that stops using a feature would make this test say less than it seems to.
	for _, kind := range []string{
		"ServiceAccount", "ConfigMap", "Secret", "Service", "PersistentVolumeClaim", "Deployment.apps",
		"PodDisruptionBudget.policy", "ScaledObject.keda.sh", "LatticeMeshMember.lattice.dev", "CiliumNetworkPolicy.cilium.io",
		"AuthorizationPolicy.security.istio.io", "PeerAuthentication.security.istio.io", "ServiceEntry.networking.istio.io",
		"Gateway.gateway.networking.k8s.io", "VMServiceScrape.operator.victoriametrics.com", "TracingPolicyNamespaced.cilium.io",
	} {
		if !kinds[kind] {
			t.Errorf("no generated document derives a %s", kind)
		}
	}
}

// A service that more and more others name would make a fleet of ten times as many more than ten
// times the work.
func TestGeneratedDocumentsNameTheirNeighbors(t *testing.T) {
	const n = 3 * neighborhood
	hood := make(map[string]int, n)
	for seed := range n {
		hood[generatedName(uint64(seed))] = seed / neighborhood
	}
	named := 0
	for seed, doc := range generated(t, n) {
		var svc lattice.LatticeService
		svc.DecodeCBOR(cbor.NewDecoder(doc.CBOR()))
		for _, r := range svc.Spec.Workload.Resources {
			if r.Value.Type != "service" {
				continue
			}
			named++
			if got, known := hood[r.Value.ID]; !known || got != seed/neighborhood {
				t.Errorf("%s names %s, which is not in its neighborhood", doc.Object(), r.Value.ID)
			}
		}
	}
	if named < n {
		t.Errorf("%d documents name %d peers, want one each or more", n, named)
	}
}
