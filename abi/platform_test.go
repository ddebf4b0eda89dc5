package abi_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/latticenet/lattice-host/abi"
)

// TestOnly has every fact, and no other, in a platform of that fact alone.
func TestOnly(t *testing.T) {
	whole := abi.Platform{
		ClusterName: "prod", Provider: "aws", TrustDomain: "example.com", Monitoring: abi.Monitoring{Enabled: true}, AppArmor: "RuntimeDefault",
		ImageProviders: []abi.ImageProvider{{Name: "ghcr", Provider: "vault", ID: "a"}}, Queues: []string{"q"},
	}
	for fact, want := range map[string]abi.Platform{
		abi.FactClusterName: {ClusterName: "prod"}, abi.FactProvider: {Provider: "aws"}, abi.FactTrustDomain: {TrustDomain: "example.com"},
		abi.FactMonitoring: {Monitoring: abi.Monitoring{Enabled: true}}, abi.FactAppArmor: {AppArmor: "RuntimeDefault"},
		abi.FactImageProviders: {ImageProviders: whole.ImageProviders}, abi.FactQueues: {Queues: []string{"q"}},
	} {
		if diff := cmp.Diff(want, whole.Only([]string{fact})); diff != "" {
			t.Errorf("%s: -want +got\n%s", fact, diff)
		}
	}
	if diff := cmp.Diff(whole, whole.Only(abi.PlatformFacts())); diff != "" {
		t.Errorf("all facts: -want +got\n%s", diff)
	}
	if diff := cmp.Diff(abi.Platform{}, whole.Only(nil)); diff != "" {
		t.Errorf("no fact: -want +got\n%s", diff)
	}
}
