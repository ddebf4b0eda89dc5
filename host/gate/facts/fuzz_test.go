package facts_test

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/latticenet/lattice-host/abi"
	"github.com/latticenet/lattice-host/host/gate"
	"github.com/latticenet/lattice-host/host/gate/facts"
)

// kinds are some that are read in ways of their own.
func kinds() [][2]string {
	return [][2]string{
		{"v1", "Secret"}, {"v1", "Service"}, {"v1", "ServiceAccount"}, {"v1", "Pod"}, {"v1", "PersistentVolumeClaim"},
		{"apps/v1", "Deployment"}, {"apps/v1", "StatefulSet"}, {"batch/v1", "CronJob"}, {"batch.volcano.sh/v1alpha1", "Job"},
		{"batch.volcano.sh/v1alpha1", "CronJob"}, {"cilium.io/v2", "CiliumNetworkPolicy"},
		{"cilium.io/v1alpha1", "TracingPolicyNamespaced"}, {"networking.k8s.io/v1", "NetworkPolicy"},
		{"security.istio.io/v1", "AuthorizationPolicy"}, {"security.istio.io/v1", "PeerAuthentication"},
		{"networking.istio.io/v1", "ServiceEntry"}, {"gateway.networking.k8s.io/v1", "Gateway"},
		{"gateway.networking.k8s.io/v1", "HTTPRoute"}, {"keda.sh/v1alpha1", "ScaledObject"},
		{"external-secrets.io/v1", "ExternalSecret"}, {"lattice.dev/v1alpha1", "LatticeMeshMember"}, {"example.com/v1", "Thing"},
	}
}

// FuzzRead reads any document as any kind. What cannot be read is asked about, and the same is
// asked every time.
func FuzzRead(f *testing.F) {
	for i := range kinds() {
		f.Add(byte(i), []byte(`{"spec":{"containers":[{"image":"a"}],"ingress":[{}],"egress":[{"toFQDNs":[{"matchName":"a"}]}]}}`))
	}
	f.Add(byte(5), []byte(`{"spec":{"template":{"metadata":null,"spec":{"hostNetwork":"true","volumes":[1]}}}}`))
	f.Add(byte(15), []byte(`{"spec":{"ports":[{"number":1e9}],"endpoints":[{"ports":{"":1}}],"hosts":[null]}}`))
	f.Add(byte(21), []byte(`{"ociVersion":1,"process":[],"linux":{"namespaces":{"type":"pid"}}}`))
	f.Add(byte(0), []byte(`not JSON`))
	f.Fuzz(func(t *testing.T, which byte, data []byte) {
		k := kinds()[int(which)%len(kinds())]
		var document map[string]any
		if json.Unmarshal(data, &document) == nil && document != nil {
			document["apiVersion"], document["kind"] = k[0], k[1]
			document["metadata"] = object{"name": "orders", "namespace": "shop"}
			data, _ = json.Marshal(document)
		} else {
			document = nil
		}
		ref := abi.Ref{APIVersion: k[0], Kind: k[1], Namespace: "shop", Name: "orders"}
		in := orders(t, facts.Object{Ref: ref, Document: data})
		in.Owners = facts.NewOwners([]facts.Object{in.Outputs[0], in.Resource})
		got := facts.Read(in).Requests()
		if document == nil && len(got) == 0 {
			t.Error("what cannot be read asks nothing")
		}
		if !slices.IsSortedFunc(got, func(a, b gate.Request) int { return a.Compare(&b) }) {
			t.Error("the questions are not sorted")
		}
		if diff := cmp.Diff(got, facts.Read(in).Requests()); diff != "" {
			t.Errorf("other questions the second time:\n%s", diff)
		}
	})
}

// nest wraps a pod into objects and lists at random, and returns where it is.
func nest(random *rand.Rand, value any) (any, string) {
	path := ""
	for range random.IntN(8) {
		if random.IntN(3) == 0 {
			before := random.IntN(3)
			list := make([]any, before, before+1)
			for i := range list {
				list[i] = object{"x": "y"}
			}
			value, path = append(list, value), fmt.Sprintf(".%d%s", before, path)
			continue
		}
		keys := []string{
			"spec", "template", "labels", "data", "selector", "annotations", "tasks", "containers", "volumes", "secret", "image",
		}
		key := keys[random.IntN(len(keys))]
		value, path = object{key: value, "other": "text"}, "."+key+path
	}
	return value, path
}

// TestPrivilegedAnywhere adds privileged to a container in every list of containers, wherever the
// pod is.
func TestPrivilegedAnywhere(t *testing.T) {
	for seed := range uint64(1000) {
		random := rand.New(rand.NewPCG(seed, 1))
		list := []string{"containers", "initContainers", "ephemeralContainers"}[random.IntN(3)]
		c := plain("side")
		value, path := nest(random, pod(list, c))
		k := kinds()[random.IntN(len(kinds()))]
		if k[1] == "Secret" {
			continue
		}
		ask := func() []gate.Request {
			return facts.Read(orders(t, output(t, k[0], k[1], "shop", "orders", object{"spec": value}))).Requests()
		}
		found := func(requests []gate.Request) bool {
			return slices.ContainsFunc(requests, func(r gate.Request) bool { return line(r) == overriding("privileged") })
		}
		if found(ask()) {
			t.Fatalf("seed %d: found what is not there at spec%s of %s", seed, path, k[1])
		}
		context(c)["privileged"] = true
		if !found(ask()) {
			t.Fatalf("seed %d: privileged at spec%s of %s is not found", seed, path, k[1])
		}
	}
}
