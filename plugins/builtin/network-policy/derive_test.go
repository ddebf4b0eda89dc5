package networkpolicy_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/latticenet/lattice-host/abi"
	"github.com/latticenet/lattice-host/abi/cbor"
	networkpolicy "github.com/latticenet/lattice-host/plugins/builtin/network-policy"
	"github.com/latticenet/lattice-host/plugins/sdk/go/plugintest"
)

// memberOf returns a LatticeMeshMember with a selector app: <name>.
func memberOf(namespace, name, spec string) string {
	return "apiVersion: lattice.dev/v1alpha1\nkind: LatticeMeshMember\nmetadata: {name: " + name + ", namespace: " + namespace +
		"}\nspec:\n  target: {selector: {app: " + name + "}}\n" + indent(spec)
}

// serviceOf returns a LatticeService with the resources.
func serviceOf(namespace, name, resources string) string {
	return "apiVersion: lattice.dev/v1alpha1\nkind: LatticeService\nmetadata: {name: " + name + ", namespace: " + namespace +
		"}\nspec:\n  workload:\n    containers: " + containers + "\n    resources: {" + resources + "}\n"
}

func indent(s string) string {
	return "  " + strings.ReplaceAll(strings.TrimSpace(s), "\n", "\n  ") + "\n"
}

const serving = "ports: [{name: http, port: 8096, servicePort: 80}, {name: admin, port: 900}]\n"

// The names of what media/jellyfin derives.
const (
	policyName  = "cnp-mesh-3c5caa8d"
	allowName   = "allow-to-3c5caa8d"
	plainName   = "allow-plaintext-3c5caa8d"
	peerName    = "permissive-3c5caa8d"
	kindCilium  = "CiliumNetworkPolicy"
	kindAllow   = "AuthorizationPolicy"
	tunnelRules = `
- toEntities: [cluster, world]
  toPorts: [{ports: [{port: "15008", protocol: TCP}]}]`
)

// nothing is the policy of a member that no one may call.
const nothing = "{action: ALLOW, selector: {matchLabels: {app: jellyfin}}}"

// dnsRule is the rule for name servers with the names, or with none.
func dnsRule(names ...string) string {
	rule := `
- toEndpoints: [{matchLabels: {"k8s:io.kubernetes.pod.namespace": kube-system, "k8s:k8s-app": kube-dns}}]
  toPorts:
  - ports: [{port: "53", protocol: UDP}, {port: "53", protocol: TCP}]`
	if len(names) > 0 {
		rule += "\n    rules:\n      dns:"
	}
	for _, n := range names {
		key := "matchName"
		if strings.HasPrefix(n, "*") {
			key = "matchPattern"
		}
		rule += "\n      - {" + key + `: "` + n + `"}`
	}
	return rule
}

func TestRow17_CiliumNetworkPolicy(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name, reason string
		spec         string
		peers        []string
		egress       string
		ingress      string // expected
		rules        string // expected egress
	}{
		{
			name:   "ambient without peers",
			reason: "no one may enter; name servers and the tunnel are open, and every name can be looked up",
			spec:   serving,
			rules:  dnsRule() + tunnelRules,
		},
		{
			name:    "ambient with a caller",
			reason:  "the caller comes through the tunnel",
			spec:    serving + "allowedCallers: [{name: web}]",
			peers:   []string{memberOf("media", "web", "dependencies: [{name: jellyfin}]")},
			ingress: `[{fromEntities: [cluster], toPorts: [{ports: [{port: "15008", protocol: TCP}]}]}]`,
			rules:   dnsRule() + tunnelRules,
		},
		{
			name:   "ambient with plaintext ports",
			reason: "first the tunnel, then permissive ports from the cluster, then webhook ports from the API server's side",
			spec: `
ports:
- {name: hook, port: 9443, peerAuth: Webhook}
- {name: b, port: 90, peerAuth: Permissive}
- {name: a, port: 80, peerAuth: Permissive}
- {name: strict, port: 70, peerAuth: Strict}`,
			ingress: `
- {fromEntities: [cluster], toPorts: [{ports: [{port: "15008", protocol: TCP}]}]}
- {fromEntities: [cluster], toPorts: [{ports: [{port: "80", protocol: TCP}, {port: "90", protocol: TCP}]}]}
- fromEntities: [cluster, remote-node, kube-apiserver, host, world]
  toPorts: [{ports: [{port: "9443", protocol: TCP}]}]`,
			rules: dnsRule() + tunnelRules,
		},
		{
			name:   "ambient with a load balancer",
			reason: "a caller may keep its address, which is outside the cluster",
			spec: `
ports:
- {name: a, port: 80, peerAuth: Permissive, external: true}
- {name: b, port: 90, peerAuth: Permissive}
- {name: c, port: 53, protocol: UDP, peerAuth: Permissive, external: true}`,
			ingress: `
- {fromEntities: [cluster], toPorts: [{ports: [{port: "15008", protocol: TCP}]}]}
- {fromEntities: [cluster], toPorts: [{ports: [{port: "90", protocol: TCP}]}]}
- {fromEntities: [cluster, world], toPorts: [{ports: [{port: "53", protocol: UDP}, {port: "80", protocol: TCP}]}]}`,
			rules: dnsRule() + tunnelRules,
		},
		{
			name:   "ambient with UDP",
			reason: "the tunnel carries TCP, so that other ports are opened to each caller's pods, and towards each callee's",
			spec: `
allowPeerTraffic: true
ports: [{name: dns, port: 53, protocol: UDP}, {name: dns-tcp, port: 53}]
allowedCallers: [{name: web}]
dependencies: [{name: db}]`,
			peers: []string{
				memberOf("media", "web", "dependencies: [{name: jellyfin}]"),
				memberOf("media", "db", "allowedCallers: [{name: jellyfin}]\nports: [{name: q, port: 7, protocol: UDP}, {name: r, port: 8}]"),
			},
			ingress: `
- {fromEntities: [cluster], toPorts: [{ports: [{port: "15008", protocol: TCP}]}]}
- {fromEndpoints: [{matchLabels: {"k8s:app": jellyfin}}], toPorts: [{ports: [{port: "53", protocol: UDP}]}]}
- {fromEndpoints: [{matchLabels: {"k8s:app": web}}], toPorts: [{ports: [{port: "53", protocol: UDP}]}]}`,
			rules: dnsRule("db.media.svc.cluster.local", "*.media.svc.cluster.local", "*.*.media.svc.cluster.local") + tunnelRules + `
- toEndpoints: [{matchLabels: {"k8s:app": db}}]
  toPorts: [{ports: [{port: "7", protocol: UDP}]}]`,
		},
		{
			name:    "ambient with routes",
			reason:  "the ingress gateway is a caller of a member that has routes",
			spec:    serving + "ingress: {routes: {web: {hosts: [tv.example.com], port: http}}}",
			ingress: `[{fromEntities: [cluster], toPorts: [{ports: [{port: "15008", protocol: TCP}]}]}]`,
			rules:   dnsRule() + tunnelRules,
		},
		{
			name:    "ambient advertised",
			reason:  "callers of other clusters come through the tunnel too",
			spec:    serving + "advertise: {}",
			ingress: `[{fromEntities: [cluster], toPorts: [{ports: [{port: "15008", protocol: TCP}]}]}]`,
			rules:   dnsRule() + tunnelRules,
		},
		{
			name:   "ambient with dependencies and egress",
			reason: "names: egress, then callees; rules: tunnel, callees outside the ambient mesh, egress",
			spec: `
dependencies: [{name: zeta}, {name: db, namespace: data}, {name: lake, namespace: data}]
egress: [{target: {fqdn: api.example.com}, ports: [443], protocol: TCP}]`,
			peers: []string{
				memberOf("media", "zeta", "ambient: false\nports: [{name: b, port: 9}, {name: a, port: 7}]\nallowedCallers: [{name: jellyfin}]"),
				memberOf("data", "db", "allowedCallers: [{name: jellyfin, namespace: media}]\n"+serving),
				memberOf("data", "lake", "ambient: false\nallowedCallers: [{name: jellyfin, namespace: media}]"),
			},
			egress: `{dns: [api.example.com, "*.example.org"], rules: [{toFQDNs: [{matchName: api.example.com}]}, {toEntities: [host]}]}`,
			rules: dnsRule("api.example.com", "*.example.org", "db.data.svc.cluster.local", "lake.data.svc.cluster.local",
				"zeta.media.svc.cluster.local") + tunnelRules + `
- toEndpoints: [{matchLabels: {"k8s:app": lake, "k8s:io.kubernetes.pod.namespace": data}}]
- toEndpoints: [{matchLabels: {"k8s:app": zeta}}]
  toPorts: [{ports: [{port: "7", protocol: TCP}, {port: "9", protocol: TCP}]}]
- toFQDNs: [{matchName: api.example.com}]
- toEntities: [host]`,
		},
		{
			name:   "direct",
			reason: "own pods on every port, plaintext ports, then every caller on all ports; no tunnel",
			spec: "ambient: false\nallowPeerTraffic: true\n" + `
ports: [{name: http, port: 8096}, {name: hook, port: 9443, peerAuth: Webhook}, {name: open, port: 80, peerAuth: Permissive}]
allowedCallers: [{name: web, namespace: front}, {name: radarr}, {name: media-ingress-istio}]`,
			peers: []string{
				memberOf("front", "web", "dependencies: [{name: jellyfin, namespace: media}]"),
				serviceOf("media", "radarr", "jellyfin: {type: service}"),
			},
			ingress: `
- fromEndpoints: [{matchLabels: {"k8s:app": jellyfin}}]
- {fromEntities: [cluster], toPorts: [{ports: [{port: "80", protocol: TCP}]}]}
- fromEntities: [cluster, remote-node, kube-apiserver, host, world]
  toPorts: [{ports: [{port: "9443", protocol: TCP}]}]
- fromEndpoints: [{matchLabels: {"k8s:app": web, "k8s:io.kubernetes.pod.namespace": front}}]
  toPorts: &all [{ports: [{port: "80", protocol: TCP}, {port: "8096", protocol: TCP}, {port: "9443", protocol: TCP}]}]
- {fromEndpoints: [{matchLabels: {"k8s:gateway.networking.k8s.io/gateway-name": media-ingress}}], toPorts: *all}
- {fromEndpoints: [{matchLabels: {"k8s:app.kubernetes.io/name": radarr}}], toPorts: *all}`,
			rules: dnsRule() + `
- toEndpoints: [{matchLabels: {"k8s:app": jellyfin}}]`,
		},
		{
			name:   "direct without ports",
			reason: "a caller of a member that names no port may use them all",
			spec:   "ambient: false\nallowedCallers: [{name: web}]",
			peers:  []string{memberOf("media", "web", "dependencies: [{name: jellyfin}]")},
			ingress: `
- fromEndpoints: [{matchLabels: {"k8s:app": web}}]`,
			rules: dnsRule(),
		},
		{
			name:   "direct with egress and peers",
			reason: "a limit on names must not hide the member's own pods from each other",
			spec:   "ambient: false\nallowPeerTraffic: true\negress: [{target: {fqdn: api.example.com}}]",
			egress: `{dns: [api.example.com], rules: [{toFQDNs: [{matchName: api.example.com}]}]}`,
			ingress: `
- fromEndpoints: [{matchLabels: {"k8s:app": jellyfin}}]`,
			rules: dnsRule("api.example.com", "*.media.svc.cluster.local", "*.*.media.svc.cluster.local") + `
- toEndpoints: [{matchLabels: {"k8s:app": jellyfin}}]
- toFQDNs: [{matchName: api.example.com}]`,
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			c := plugintest.Case{Document: memberOf("media", "jellyfin", tt.spec), Peers: tt.peers}
			if tt.egress != "" {
				c.Context = cbor.Map[string]{{Key: "egress", Value: tt.egress}}
			}
			got := subject().Derive(t, c).Spec(kindCilium, policyName)
			want := "enableDefaultDeny: {ingress: true, egress: true}\nendpointSelector: {matchLabels: {\"k8s:app\": jellyfin}}\n"
			if tt.ingress != "" {
				want += "ingress: " + strings.ReplaceAll(tt.ingress, "\n", "\n  ") + "\n"
			}
			want += "egress:" + strings.ReplaceAll(tt.rules, "\n", "\n  ") + "\n"
			if diff := cmp.Diff(subject().Canonical(t, want), got); diff != "" {
				t.Errorf("%s: -want +got\n%s", tt.reason, diff)
			}
		})
	}
}

func TestRow18_AuthorizationPolicies(t *testing.T) {
	t.Parallel()
	const hooks = "ports: [{name: hook, port: 9443, peerAuth: Webhook}, {name: web, port: 80, peerAuth: Permissive}, {name: s, port: 1}]\n"
	for _, tt := range []struct {
		name, reason string
		spec         string
		names        []string
		specs        [][2]string // kind and name separated by a space, spec
	}{
		{
			name:   "plaintext ports",
			reason: "the port that is Strict stays so",
			spec:   hooks,
			names: []string{
				kindAllow + " " + plainName, kindAllow + " " + allowName, kindCilium + " " + policyName, "PeerAuthentication " + peerName,
			},
			specs: [][2]string{
				{kindAllow + " " + allowName, nothing},
				{kindAllow + " " + plainName, `
{action: ALLOW, selector: {matchLabels: {app: jellyfin}}, rules: [{to: [{operation: {ports: ["80", "9443"]}}]}]}`},
				{"PeerAuthentication " + peerName, `
selector: {matchLabels: {app: jellyfin}}
mtls: {mode: STRICT}
portLevelMtls: {"80": {mode: PERMISSIVE}, "9443": {mode: PERMISSIVE}}`},
			},
		},
		{
			name:   "advertised to all",
			reason: "callers of other clusters cannot be named, so that the rule names none",
			spec:   serving + `advertise: {allowedServices: [edge/proxy, "*"]}`,
			names:  []string{kindAllow + " " + allowName, kindCilium + " " + policyName},
			specs: [][2]string{{kindAllow + " " + allowName, `
{action: ALLOW, selector: {matchLabels: {app: jellyfin}}, rules: [{to: [{operation: {ports: ["900", "8096"]}}]}]}`}},
		},
		{
			name:   "advertised without ports",
			reason: "without ports there is nothing to allow, which a policy says",
			spec:   `advertise: {allowedServices: ["*"]}`,
			names:  []string{kindAllow + " " + allowName, kindCilium + " " + policyName},
			specs:  [][2]string{{kindAllow + " " + allowName, nothing}},
		},
		{
			name:   "outside the ambient mesh",
			reason: "Istio does not see the pods",
			spec:   hooks + "ambient: false\nallowPeerTraffic: true",
			names:  []string{kindCilium + " " + policyName},
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			a := subject().Derive(t, plugintest.Case{Document: memberOf("media", "jellyfin", tt.spec)})
			if diff := cmp.Diff(tt.names, a.Names()); diff != "" {
				t.Errorf("%s: outputs: -want +got\n%s; results: %v", tt.reason, diff, a.Messages())
			}
			for _, s := range tt.specs {
				kind, name, _ := strings.Cut(s[0], " ")
				if diff := cmp.Diff(subject().Canonical(t, s[1]), a.Spec(kind, name)); diff != "" {
					t.Errorf("%s: %s: -want +got\n%s", tt.reason, s[0], diff)
				}
			}
		})
	}
}

// TestMetrics lets the platform's monitoring read metrics, where there is one, and nothing else.
func TestMetrics(t *testing.T) {
	t.Parallel()
	const ports = "ports: [{name: http, port: 8096}, {name: metrics, port: 9090}]\n"
	for _, tt := range []struct {
		name, spec string
		enabled    bool
		want       string
	}{
		{"off", ports, false, nothing},
		{"on", ports, true, `{action: ALLOW, selector: {matchLabels: {app: jellyfin}}, rules: [
{from: [{source: {principals: [` + plugintest.TrustDomain + `/ns/monitoring/sa/vmagent]}}], to: [{operation: {ports: ["9090"]}}]}]}`},
		{"no port of that name", serving, true, nothing},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			a := subject().Derive(t, plugintest.Case{
				Document: memberOf("media", "jellyfin", tt.spec), Platform: &abi.Platform{TrustDomain: plugintest.TrustDomain, Monitoring: abi.Monitoring{Enabled: tt.enabled}},
			})
			if diff := cmp.Diff(subject().Canonical(t, tt.want), a.Spec(kindAllow, allowName)); diff != "" {
				t.Errorf("-want +got\n%s", diff)
			}
			if open := strings.Contains(a.Spec(kindCilium, policyName), "fromEntities"); open != (tt.want != nothing) {
				t.Errorf("the tunnel is open: %t", open)
			}
		})
	}
}

func TestWholeNamespace(t *testing.T) {
	t.Parallel()
	document := "apiVersion: lattice.dev/v1alpha1\nkind: LatticeMeshMember\nmetadata: {name: jellyfin, namespace: media}\n" +
		"spec:\n  target: {namespace: media}\n  allowPeerTraffic: true\n" + indent(serving)
	a := subject().Derive(t, plugintest.Case{Document: document})
	want := subject().Canonical(t, `
apiVersion: cilium.io/v2
kind: CiliumNetworkPolicy
metadata:
  name: cnp-mesh-3c5caa8d
  namespace: media
  labels: {app.kubernetes.io/managed-by: lattice, app.kubernetes.io/name: jellyfin}
spec:
  enableDefaultDeny: {ingress: true, egress: true}
  endpointSelector: {matchLabels: {"k8s:io.kubernetes.pod.namespace": media}}
  ingress: [{fromEntities: [cluster], toPorts: [{ports: [{port: "15008", protocol: TCP}]}]}]
  egress:`+strings.ReplaceAll(dnsRule()+tunnelRules, "\n", "\n  "))
	if diff := cmp.Diff(want, a.Output(kindCilium, policyName)); diff != "" {
		t.Errorf("a namespace is selected by its label: -want +got\n%s", diff)
	}
	if got := a.Spec(kindAllow, allowName); strings.Contains(got, "selector") {
		t.Errorf("a policy without a selector is for the whole namespace, got\n%s", got)
	}
}

func TestProblems(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name, document string
		context        cbor.Map[string]
		want           []string
	}{
		{
			name:     "egress that no step covers",
			document: memberOf("media", "jellyfin", "egress: [{target: {entity: world}}]"),
			want:     []string{`error spec.egress: the egress rules are not covered by any installed step; add a step with a plugin that covers "egress" before this one, or remove the rules`},
		},
		{
			name: "everything that policies cannot express",
			document: "apiVersion: lattice.dev/v1alpha1\nkind: LatticeMeshMember\nmetadata: {name: x, namespace: media}\n" +
				"spec: {target: {namespace: other}, ports: [{name: a, port: 1, peerAuth: Webhook}]," +
				` allowedCallers: [{name: "*", namespace: web}], dependencies: [{name: "*"}]}`,
			want: []string{
				`error spec.target.namespace: the namespace "other" is not the member's own, and policies reach only pods of their own namespace; move the member to the namespace other`,
				"error spec.target.selector: ports that take plaintext need a selector, because Istio exempts ports of selected pods only; select the pods by label, or make every port Strict",
				"error spec.allowedCallers.0.namespace: a caller of * means every caller of every namespace; leave namespace out, or name the callers",
				"error spec.dependencies.0.name: a dependency cannot be *; name the member, or set dependsAll",
			},
		},
		{
			name: "no target",
			document: "apiVersion: lattice.dev/v1alpha1\nkind: LatticeMeshMember\nmetadata: {name: x, namespace: media}\n" +
				"spec: {target: {}}",
			want: []string{"error spec.target: selects nothing; set selector to the pods' labels, or namespace"},
		},
		{
			name:     "advertised to what is not a service",
			document: memberOf("media", "jellyfin", "advertise: {allowedServices: [web, a/b/c, /x, a/b]}"),
			want: []string{
				`error spec.advertise.allowedServices.0: "web" is neither namespace/name nor *`,
				`error spec.advertise.allowedServices.1: "a/b/c" is neither namespace/name nor *`,
				`error spec.advertise.allowedServices.2: "/x" is neither namespace/name nor *`,
			},
		},
		{
			name:     "dependencies outside the ambient mesh",
			document: memberOf("media", "jellyfin", "ambient: false\ndependencies: [{name: jellyfin}]\nallowedCallers: [{name: jellyfin}]"),
			want:     []string{"warning spec.dependencies: media/jellyfin is not in the ambient mesh, so that no egress rule leads to media/jellyfin; make it ambient, or allow the traffic under spec.egress"},
		},
		{
			name:     "a service that depends on everyone",
			document: serviceOf("media", "jellyfin", `all: {type: service, id: "*"}`),
			want:     []string{`error spec.workload.resources.all.id: the resource "all" depends on *, but only callers can be everyone; name the service, or set the direction to inbound`},
		},
		{
			name:     "a port that the mesh does not carry",
			document: serviceOf("media", "jellyfin", "") + "    service: {ports: {dns: {port: 53, protocol: UDP}, web: {port: 80, protocol: TCP}}}\n",
			want:     []string{`info spec.workload.service.ports.dns.protocol: the port "dns" is UDP, and the mesh carries TCP only; the network policy alone decides who may use it, and the traffic is not encrypted`},
		},
		{
			name:     "pods in the node's network",
			document: serviceOf("media", "jellyfin", "") + "  hostNetwork: true\n",
			want:     []string{"warning spec.hostNetwork: pods in the node's network have the node's identity: no network policy selects them and they are not in the mesh, so that nothing limits who calls them or whom they call; remove hostNetwork, or limit it with a firewall of the nodes"},
		},
		{
			name:     "no workload",
			document: "apiVersion: lattice.dev/v1alpha1\nkind: LatticeService\nmetadata: {name: x}\nspec: {}",
			want:     []string{"error spec: the field workload is missing"},
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			a := saying(tt.want).Derive(t, plugintest.Case{Document: tt.document, Context: tt.context})
			if diff := cmp.Diff(tt.want, a.Messages()); diff != "" {
				t.Errorf("-want +got\n%s", diff)
			}
		})
	}
}

func TestKind(t *testing.T) {
	t.Parallel()
	req := abi.Request{ABI: abi.Version, Resource: unchecked().Encode(t, "{apiVersion: v1, kind: Pod, metadata: {name: x}}")}
	var resp abi.Response
	answer := networkpolicy.Plugin().Serve(abi.OpDerive, req.AppendCBOR(nil))
	if _, err := abi.Decode(answer, abi.EncodingCBOR, abi.MaxResponseBytes, &resp); err != nil {
		t.Fatal(err)
	}
	want := []abi.Result{{
		Severity: abi.SeverityError,
		Message:  `network-policy derives from LatticeService, LatticeJob and LatticeMeshMember, not from "Pod"; use it in the pipeline of one of these kinds`,
	}}
	if diff := cmp.Diff(want, resp.Results); diff != "" {
		t.Errorf("-want +got\n%s", diff)
	}
}

func TestService(t *testing.T) {
	t.Parallel()
	a := subject().Derive(t, plugintest.Case{
		Document: serviceOf("media", "jellyfin", "web: {type: service, direction: inbound}"),
	})
	want := subject().Canonical(t, `
apiVersion: lattice.dev/v1alpha1
kind: LatticeMeshMember
metadata:
  name: jellyfin
  namespace: media
  labels: {app.kubernetes.io/managed-by: lattice, app.kubernetes.io/name: jellyfin}
spec:
  target: {selector: {app.kubernetes.io/name: jellyfin}}
  allowedCallers: [{name: web, namespace: media}]`)
	if diff := cmp.Diff(want, a.Output("LatticeMeshMember", "jellyfin")); diff != "" {
		t.Errorf("-want +got\n%s", diff)
	}
	if len(a.Requirements) > 0 {
		t.Errorf("a service needs no other document, got %v", a.Requirements)
	}
}

// TestManyPeers asks for every document once single requirements would be too many.
func TestManyPeers(t *testing.T) {
	t.Parallel()
	var refs strings.Builder
	for i := range 300 {
		refs.WriteString("{name: p" + strings.Repeat("x", i%20) + string(rune('a'+i%26)) + ", namespace: ns" + strings.Repeat("y", i/20) + "},")
	}
	a := subject().Derive(t, plugintest.Case{
		Document: memberOf("media", "jellyfin", "dependencies: ["+refs.String()+"]"),
	})
	if len(a.Requirements) != 3 || len(a.Results) != 300 {
		t.Errorf("got %d requirements and %d results, want 3 and 300", len(a.Requirements), len(a.Results))
	}
}

func FuzzServe(f *testing.F) {
	for _, message := range plugintest.Seeds() {
		f.Add(message)
	}
	f.Fuzz(func(t *testing.T, message []byte) { plugintest.CheckServe(t, networkpolicy.Plugin(), message) })
}
