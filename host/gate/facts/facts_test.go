package facts_test

import (
	"encoding/json"
	"slices"
	"strconv"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/latticenet/lattice-host/abi"
	"github.com/latticenet/lattice-host/host/gate"
	"github.com/latticenet/lattice-host/host/gate/facts"
)

// TestBroken gives outputs that are not what they are called: each is asked about as a whole.
func TestBroken(t *testing.T) {
	ref := abi.Ref{APIVersion: "v1", Kind: "ConfigMap", Namespace: "shop", Name: "a"}
	for name, document := range map[string]string{
		"nothing":           ``,
		"no JSON":           `{`,
		"two values":        `{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"a","namespace":"shop"}}{}`,
		"a list":            `[]`,
		"a null":            `null`,
		"another kind":      `{"apiVersion":"v1","kind":"Pod","metadata":{"name":"a","namespace":"shop"}}`,
		"another namespace": `{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"a","namespace":"kube-system"}}`,
		"a version of 1":    `{"apiVersion":1,"kind":"ConfigMap","metadata":{"name":"a","namespace":"shop"}}`,
	} {
		t.Run(name, func(t *testing.T) {
			got := facts.Read(orders(t, facts.Object{Ref: ref, Document: json.RawMessage(document)})).Requests()
			if diff := cmp.Diff("EmitKind Lattice::Kind::\"/ConfigMap\" @ConfigMap shop/a \n", text(got)); diff != "" {
				t.Errorf("-want +got\n%s", diff)
			}
		})
	}
}

func TestTooManyRequests(t *testing.T) {
	ask := func(n int) []gate.Request {
		var images []any
		for i := range n {
			images = append(images, object{"name": "v" + strconv.Itoa(i), "hostPath": object{"path": "/" + strconv.Itoa(i)}})
		}
		p := pod("containers", plain("side"))
		p["volumes"] = images
		return facts.Read(orders(t, output(t, "v1", "Pod", "shop", "orders", object{"spec": p}))).Requests()
	}
	if got := ask(facts.MaxRequests); len(got) != facts.MaxRequests || got[len(got)-1].Refusal != "" {
		t.Errorf("%d questions, the last is %v", len(got), got[len(got)-1])
	}
	got := ask(facts.MaxRequests + 1)
	if len(got) != facts.MaxRequests+1 {
		t.Fatalf("%d questions", len(got))
	}
	want := "the outputs raise 16385 questions, the limit is 16384; derive less from one document"
	if last := got[len(got)-1]; last.Refusal != want {
		t.Errorf("refused because %q, want %q", last.Refusal, want)
	}
}

func TestDocument(t *testing.T) {
	in := orders(t, output(t, "v1", "ConfigMap", "shop", "a", object{"data": object{"n": json.Number("1.50")}}))
	in.Outputs[0].Stage, in.Outputs[0].Step = 1, "deployment"
	got, err := facts.Read(in).Document(gate.Outputs)
	if err != nil {
		t.Fatal(err)
	}
	want := object{
		"gate": "outputs", "subject": "LatticeService shop/orders",
		"resource": object{
			"apiVersion": "lattice.dev/v1alpha1", "kind": "LatticeService",
			"metadata": object{"name": "orders", "namespace": "shop"},
		},
		"outputs": []any{object{
			"ref":   object{"apiVersion": "v1", "kind": "ConfigMap", "namespace": "shop", "name": "a"},
			"stage": json.Number("1"), "step": "deployment",
			"document": object{
				"apiVersion": "v1", "kind": "ConfigMap", "metadata": object{"name": "a", "namespace": "shop"},
				"data": object{"n": json.Number("1.50")},
			},
		}},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("-want +got\n%s", diff)
	}
	in.Outputs[0].Document = json.RawMessage(`{} {}`)
	_, err = facts.Read(in).Document(gate.Outputs)
	if err == nil || err.Error() != "ConfigMap shop/a: unexpected data after the document" {
		t.Errorf("the error is %v", err)
	}
}

func TestPrincipal(t *testing.T) {
	for kind, want := range map[string]string{
		"LatticeService": "service", "LatticeJob": "job", "LatticeModel": "model", "LatticePackage": "package", "Cell": "cell",
	} {
		got := facts.Principal(abi.Ref{APIVersion: "x/v1", Kind: kind, Namespace: "shop", Name: "orders"})
		if diff := cmp.Diff(gate.Service("shop", "orders", want), got); diff != "" {
			t.Errorf("%s: -want +got\n%s", kind, diff)
		}
	}
}

// TestDeclaredMember reads what the author of a mesh member wrote: its pods are run by others, and
// it may be a namespace.
func TestDeclaredMember(t *testing.T) {
	policy := func(selector object) facts.Object {
		return output(t, "cilium.io/v2", "CiliumNetworkPolicy", "shop", "p", object{
			"spec": object{"endpointSelector": selector},
		})
	}
	labels := func(m object) object { return object{"matchLabels": m} }
	tests := map[string]struct {
		target, selector object
		foreign          bool
	}{
		"its selector":        {object{"selector": object{"app": "db"}}, labels(object{"k8s:app": "db"}), false},
		"more than selected":  {object{"selector": object{"app": "db", "tier": "x"}}, labels(object{"k8s:app": "db"}), true},
		"less than selected":  {object{"selector": object{"app": "db"}}, labels(object{"app": "db", "tier": "x"}), false},
		"others":              {object{"selector": object{"app": "db"}}, labels(object{"app": "web"}), true},
		"its namespace":       {object{"namespace": "shop"}, labels(object{"k8s:io.kubernetes.pod.namespace": "shop"}), false},
		"everything in it":    {object{"namespace": "shop"}, object{}, false},
		"of another one":      {object{"namespace": "bank"}, object{}, true},
		"nothing is declared": {object{}, object{}, true},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			in := facts.Input{Outputs: []facts.Object{policy(tt.selector)}}
			in.Resource = output(t, "lattice.dev/v1alpha1", "LatticeMeshMember", "shop", "db", object{
				"spec": object{"target": tt.target},
			})
			got := slices.ContainsFunc(facts.Read(in).Requests(), func(r gate.Request) bool { return r.Action == gate.ActionEmitKind })
			if got != tt.foreign {
				t.Errorf("asked about as a whole: %t, want %t", got, tt.foreign)
			}
		})
	}
	in := facts.Input{Resource: output(t, "lattice.dev/v1alpha1", "LatticeMeshMember", "shop", "db", object{
		"spec": object{"dependsAll": true},
	})}
	if diff := cmp.Diff("AllowWildcard Lattice::Mesh::\"outbound\" @ spec.dependsAll\n", text(facts.Read(in).Requests())); diff != "" {
		t.Errorf("-want +got\n%s", diff)
	}
}

// TestRequestsNameTheirAttributes holds what policies can ask of a resource against the types that
// Cedar has for it.
func TestRequestsNameTheirAttributes(t *testing.T) {
	c := plain("side")
	c["image"] = "registry.example.com:5000/team/app:v1"
	in := orders(t,
		output(t, "v1", "Pod", "shop", "orders", object{"spec": pod("containers", c)}),
		output(t, "networking.istio.io/v1", "ServiceEntry", "shop", "e", object{"spec": object{
			"hosts": []any{"api.example.com"}, "ports": []any{object{"number": 443, "name": "a", "protocol": "HTTPS"}},
		}}))
	var got []gate.Entity
	for _, r := range facts.Read(in).Requests() {
		got = append(got, r.Resource)
	}
	want := []gate.Entity{
		gate.ExternalEndpoint("api.example.com", 443, "tcp"),
		gate.ImageRef("registry.example.com:5000/team/app:v1", "registry.example.com:5000", "team/app", "v1"),
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("-want +got\n%s", diff)
	}
}

// TestDeclared tells endpoints that the document names from those that a plugin thought of.
func TestDeclared(t *testing.T) {
	entry := func(host string, port int) facts.Object {
		return output(t, "networking.istio.io/v1", "ServiceEntry", "shop", "e", object{"spec": object{
			"hosts": []any{host}, "ports": []any{object{"number": port, "name": "a", "protocol": "TCP"}},
		}})
	}
	resource := func(kind string, spec object) facts.Object {
		return output(t, "lattice.dev/v1alpha1", kind, "shop", "orders", object{"spec": spec})
	}
	service := resource("LatticeService", object{"workload": object{"resources": object{
		"api":  object{"type": "external-service", "params": object{"endpoints": object{"a": "https://API.example.com/v1", "b": "tcp://db.example.com:5432"}}},
		"peer": object{"type": "service", "params": object{"endpoints": object{"a": "https://peer.example.com"}}},
	}}})
	member := resource("LatticeMeshMember", object{"egress": []any{object{"target": object{"fqdn": "api.example.com"}, "ports": []any{443}}}})
	tests := map[string]struct {
		resource facts.Object
		host     string
		port     int
		want     bool
	}{
		"URL":           {service, "api.example.com", 443, true},
		"Port":          {service, "db.example.com", 5432, true},
		"OtherPort":     {service, "api.example.com", 80, false},
		"OtherHost":     {service, "evil.example.com", 443, false},
		"Subdomain":     {service, "x.api.example.com", 443, false},
		"OtherType":     {service, "peer.example.com", 443, false},
		"Member":        {member, "api.example.com", 443, true},
		"MemberOther":   {member, "api.example.com", 8443, false},
		"NoPortIsNoOne": {service, "api.example.com", 0, false},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			in := facts.Input{Resource: tt.resource, Outputs: []facts.Object{entry(tt.host, tt.port)}}
			for _, r := range facts.Read(in).Requests() {
				if r.Action == gate.ActionAccessExternalEndpoint && r.Object != "" {
					if _, got := r.Resource.Attributes[gate.AttributeDeclared]; got != tt.want {
						t.Errorf("%s: declared is %t, want %t", r.Resource, got, tt.want)
					}
					return
				}
			}
			t.Error("nothing is asked about the endpoint")
		})
	}
}

// TestDottedKey has two pods whose paths read the same: both are judged.
func TestDottedKey(t *testing.T) {
	second := pod("containers", plain("side"))
	second["hostNetwork"] = true
	got := facts.Read(orders(t, output(t, "apps/v1", "Deployment", "shop", "orders", object{"spec": object{
		"template":      object{"spec": pod("containers", plain("side"))},
		"template.spec": second,
	}}))).Requests()
	if !slices.ContainsFunc(got, func(r gate.Request) bool { return line(r) == overriding("hostNetwork") }) {
		t.Errorf("no question about the network of the second pod:\n%s", text(got))
	}
}
