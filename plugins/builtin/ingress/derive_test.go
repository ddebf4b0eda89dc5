package ingress_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/latticenet/lattice-host/abi"
	"github.com/latticenet/lattice-host/plugins/builtin/ingress"
	"github.com/latticenet/lattice-host/plugins/sdk/go/plugintest"
)

// service returns a LatticeService that serves the ports http (80) and raw (7000) and has routes.
func service(namespace, name, routes string) string {
	return "apiVersion: lattice.dev/v1alpha1\nkind: LatticeService\nmetadata: {name: " + name + ", namespace: " + namespace +
		"}\nspec:\n  workload:\n    containers: " + containers +
		"\n    service: {ports: {http: {port: 80, targetPort: 3000}, raw: {port: 7000}}}\n  ingress: {routes: {" + routes + "}}\n"
}

// TestRow19_Ingress derives the objects of every kind of route.
func TestRow19_Ingress(t *testing.T) {
	t.Parallel()
	const gateway, policies = "Gateway shop-ingress", "AuthorizationPolicy allow-gw-e02ba5de"
	for _, tt := range []struct {
		name, routes string
		names        []string
		specs        [][2]string
	}{
		{
			name:   "HTTP",
			routes: "web: {hosts: [a.example.com], port: http}",
			names:  []string{policies, "CiliumNetworkPolicy cnp-gw-e02ba5de", gateway, "HTTPRoute front-web-route"},
			specs: [][2]string{
				{gateway, "{gatewayClassName: istio, listeners: [{name: front-web-http-0, hostname: a.example.com, port: 80, protocol: HTTP}]}"},
				{"HTTPRoute front-web-route", `
parentRefs: [{name: shop-ingress, sectionName: front-web-http-0}]
hostnames: [a.example.com]
rules: [{matches: [{path: {type: PathPrefix, value: /}}], backendRefs: [{name: front, port: 80}]}]`},
				{policies, `{selector: {matchLabels: {gateway.networking.k8s.io/gateway-name: shop-ingress}}, action: ALLOW, rules: [{to: [{operation: {ports: ["80"]}}]}]}`},
				{"CiliumNetworkPolicy cnp-gw-e02ba5de", `
endpointSelector: {matchLabels: {"k8s:gateway.networking.k8s.io/gateway-name": shop-ingress}}
enableDefaultDeny: {ingress: true, egress: true}
ingress:
- {fromEntities: [cluster], toPorts: [{ports: [{port: "15008", protocol: TCP}]}]}
- {fromEntities: [cluster, world], toPorts: [{ports: [{port: "80", protocol: TCP}]}]}
egress:
- toEndpoints: [{matchLabels: {"k8s:io.kubernetes.pod.namespace": kube-system, "k8s:k8s-app": kube-dns}}]
  toPorts: [{ports: [{port: "53", protocol: UDP}, {port: "53", protocol: TCP}]}]
- {toEntities: [cluster], toPorts: [{ports: [{port: "15008", protocol: TCP}]}]}`},
			},
		},
		{
			name:   "HTTPS",
			routes: "web: {hosts: [a.example.com], port: http, tls: {}}",
			names: []string{
				policies, "Certificate front-web-cert", "CiliumNetworkPolicy cnp-gw-e02ba5de", gateway, "HTTPRoute front-web-redirect",
				"HTTPRoute front-web-route",
			},
			specs: [][2]string{
				{"Certificate front-web-cert", "{secretName: front-web-tls, dnsNames: [a.example.com], issuerRef: {name: lattice-ca, kind: ClusterIssuer, group: cert-manager.io}}"},
				{"HTTPRoute front-web-route", `
parentRefs: [{name: shop-ingress, sectionName: front-web-https-0}]
hostnames: [a.example.com]
rules: [{matches: [{path: {type: PathPrefix, value: /}}], backendRefs: [{name: front, port: 80}]}]`},
				{"HTTPRoute front-web-redirect", `
parentRefs: [{name: shop-ingress, sectionName: front-web-http-0}]
hostnames: [a.example.com]
rules:
- matches: [{path: {type: PathPrefix, value: /}}]
  filters: [{type: RequestRedirect, requestRedirect: {scheme: https, statusCode: 301}}]`},
				{gateway, `
gatewayClassName: istio
listeners:
- {name: front-web-http-0, hostname: a.example.com, port: 80, protocol: HTTP}
- name: front-web-https-0
  hostname: a.example.com
  port: 443
  protocol: HTTPS
  tls: {mode: Terminate, certificateRefs: [{kind: Secret, name: front-web-tls}]}`},
			},
		},
		{
			name:   "gRPC",
			routes: "api: {kind: GRPCRoute, hosts: [a.example.com], port: http, rules: [{matches: [{grpcMethod: {service: a.B, method: C}}]}]}",
			names:  []string{policies, "CiliumNetworkPolicy cnp-gw-e02ba5de", "GRPCRoute front-api-route", gateway},
			specs: [][2]string{{"GRPCRoute front-api-route", `
parentRefs: [{name: shop-ingress, sectionName: front-api-http-0}]
hostnames: [a.example.com]
rules: [{matches: [{method: {type: Exact, service: a.B, method: C}}], backendRefs: [{name: front, port: 80}]}]`}},
		},
		{
			name:   "TCP",
			routes: "raw: {kind: TCPRoute, port: raw, listenPort: 9000, tls: {secretName: own}}",
			names:  []string{policies, "CiliumNetworkPolicy cnp-gw-e02ba5de", gateway, "TCPRoute front-raw-route"},
			specs: [][2]string{
				{gateway, "{gatewayClassName: istio, listeners: [{name: front-raw-tcp, port: 9000, protocol: TLS, tls: {mode: Terminate, certificateRefs: [{kind: Secret, name: own}]}}]}"},
				{"TCPRoute front-raw-route", "{parentRefs: [{name: shop-ingress, sectionName: front-raw-tcp}], rules: [{backendRefs: [{name: front, port: 7000}]}]}"},
			},
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			a := subject().Derive(t, plugintest.Case{Document: service("shop", "front", tt.routes)})
			if diff := cmp.Diff(tt.names, a.Names()); diff != "" {
				t.Errorf("-want +got\n%s; results: %v", diff, a.Messages())
			}
			for _, s := range tt.specs {
				kind, name, _ := strings.Cut(s[0], " ")
				if diff := cmp.Diff(subject().Canonical(t, s[1]), a.Spec(kind, name)); diff != "" {
					t.Errorf("%s: -want +got\n%s", s[0], diff)
				}
			}
		})
	}
}

// TestRow19_OneGateway derives the same Gateway from every service of a namespace, which a target
// demands of shared objects.
func TestRow19_OneGateway(t *testing.T) {
	t.Parallel()
	services := []string{
		service("shop", "front", "web: {hosts: [a.example.com], port: http, tls: {}}"),
		service("shop", "api", "v1: {hosts: [a.example.com, api.example.com], port: http, tls: {}}, raw: {kind: TCPRoute, port: raw, listenPort: 9000}"),
		service("shop", "idle", "x: {hosts: ['*.example.com'], port: http}"),
	}
	var first string
	for i, document := range services {
		var peers []string
		for j, other := range services {
			if i != j {
				peers = append([]string{other}, peers...)
			}
		}
		got := subject().Derive(t, plugintest.Case{Document: document, Peers: peers}).Output("Gateway", "shop-ingress")
		if i == 0 {
			first = got
		}
		if diff := cmp.Diff(first, got); diff != "" || got == "" {
			t.Errorf("the Gateway of service %d: -first +this\n%s", i, diff)
		}
	}
	if n := strings.Count(first, `"hostname": "a.example.com"`); n != 2 {
		t.Errorf("a host has %d listeners, want one for HTTP and one for HTTPS", n)
	}
}

// TestPortOfHTTP refuses a port that HTTP has already.
func TestPortOfHTTP(t *testing.T) {
	t.Parallel()
	a := subject().Derive(t, plugintest.Case{Document: service("shop", "front",
		"a: {hosts: [a.example.com], port: http}, b: {kind: TCPRoute, port: raw, listenPort: 80}")})
	want := []string{"error spec.ingress.routes.b: the port 80 of the gateway is taken; choose another listenPort, here or in the route a of front"}
	if diff := cmp.Diff(want, a.Messages()); diff != "" {
		t.Errorf("-want +got\n%s", diff)
	}
}

// TestNothing asks for nothing where there are no routes.
func TestNothing(t *testing.T) {
	t.Parallel()
	document := strings.Replace(service("shop", "front", ""), "  ingress: {routes: {}}\n", "", 1)
	a := subject().Derive(t, plugintest.Case{Document: document})
	if len(a.Outputs)+len(a.Requirements)+len(a.Results) > 0 {
		t.Errorf("got %v, %v and %v", a.Names(), a.Requirements, a.Messages())
	}
}

func TestKind(t *testing.T) {
	t.Parallel()
	s := subject()
	s.Documents = nil
	req := abi.Request{ABI: abi.Version, Resource: s.Encode(t, "{apiVersion: v1, kind: Pod, metadata: {name: x}}")}
	var resp abi.Response
	if _, err := abi.Decode(ingress.Plugin().Serve(abi.OpDerive, req.AppendCBOR(nil)), abi.EncodingCBOR, abi.MaxResponseBytes, &resp); err != nil {
		t.Fatal(err)
	}
	want := []abi.Result{{
		Severity: abi.SeverityError,
		Message:  `ingress derives from LatticeService and LatticeMeshMember, not from "Pod"; use it in the pipeline of one of these kinds`,
	}}
	if diff := cmp.Diff(want, resp.Results); diff != "" {
		t.Errorf("-want +got\n%s", diff)
	}
}

func FuzzServe(f *testing.F) {
	for _, message := range plugintest.Seeds() {
		f.Add(message)
	}
	f.Fuzz(func(t *testing.T, message []byte) { plugintest.CheckServe(t, ingress.Plugin(), message) })
}
