package egress_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/latticenet/lattice-host/abi"
	"github.com/latticenet/lattice-host/plugins/builtin/egress"
	"github.com/latticenet/lattice-host/plugins/sdk/go/plugintest"
)

func service(resources string) string {
	return "apiVersion: lattice.dev/v1alpha1\nkind: LatticeService\nmetadata: {name: jellyfin, namespace: media}\n" +
		"spec:\n  workload:\n    containers: " + containers + "\n    resources: {" + resources + "}\n"
}

func member(spec string) string {
	return "apiVersion: lattice.dev/v1alpha1\nkind: LatticeMeshMember\nmetadata: {name: jellyfin, namespace: media}\n" +
		"spec: {target: {selector: {app: jellyfin}}, " + spec + "}\n"
}

func TestService(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name, reason string
		resources    string
		peers        []string
		want         string // egress
		messages     []string
	}{
		{
			name:      "nothing",
			reason:    "other resources are not egress",
			resources: "db: {type: service}, cache: {type: volume}",
		},
		{
			name:   "order",
			reason: "resources by name, then endpoints by name, whatever their length",
			resources: "bb: {type: external-service, params: {endpoints: {z: 'https://z.example.com', default: 'http://d.example.com/x'}}}, " +
				"a: {type: external-service, direction: both, params: {endpoints: {x: 'https://x.example.com'}}}, " +
				"abc: {type: external-service, id: 'entity:kube-apiserver'}",
			want: `
- {target: {fqdn: x.example.com}, ports: [443], protocol: TCP}
- {target: {entity: kube-apiserver}, ports: [443], protocol: TCP}
- {target: {fqdn: d.example.com}, ports: [80], protocol: TCP}
- {target: {fqdn: z.example.com}, ports: [443], protocol: TCP}`,
		},
		{
			name:   "hosts",
			reason: "an IPv4 address is a /32, an IPv6 address a /128, anything else a name in lower case",
			resources: "a: {type: external-service, params: {resolution: static, endpoints: {" +
				"a: 'tcp://192.0.2.1:5432', b: 'tcp://[2001:DB8::0:1]:5432', c: 'HTTPS://API.Example.com.', d: 'DB.Example.com.:5432', e: 192.0.2.9:53}}}",
			want: `
- {target: {cidr: 192.0.2.1/32}, ports: [5432], protocol: TCP}
- {target: {cidr: 2001:db8::1/128}, ports: [5432], protocol: TCP}
- {target: {fqdn: api.example.com}, ports: [443], protocol: TCP}
- {target: {fqdn: db.example.com}, ports: [5432], protocol: TCP}
- {target: {cidr: 192.0.2.9/32}, ports: [53], protocol: TCP}`,
			messages: []string{`warning spec.workload.resources.a.params.endpoints.c: the endpoint "c" of the external service "a" is a name, which is looked up although resolution is static; use an IP address to avoid that`,
				`warning spec.workload.resources.a.params.endpoints.d: the endpoint "d" of the external service "a" is a name, which is looked up although resolution is static; use an IP address to avoid that`},
		},
		{
			name:   "merging",
			reason: "the ports of one target and protocol are one rule where it first stood, sorted, each once",
			resources: "a: {type: external-service, params: {endpoints: {a: 'https://x.example.com:8443', b: 'udp://x.example.com:53', c: 'https://x.example.com'}}}, " +
				"b: {type: external-service, params: {endpoints: {a: 'https://X.example.com', b: 'http://y.example.com'}}}, " +
				"c: {type: external-service, id: 'entity:world:53'}, d: {type: external-service, id: 'entity:world'}",
			want: `
- {target: {fqdn: x.example.com}, ports: [443, 8443], protocol: TCP}
- {target: {fqdn: x.example.com}, ports: [53], protocol: UDP}
- {target: {fqdn: y.example.com}, ports: [80], protocol: TCP}
- {target: {entity: world}, ports: [53, 443], protocol: TCP}`,
		},
		{
			name:   "a known service",
			reason: "a service of that name in the same namespace is in the mesh; one elsewhere is not meant",
			resources: "db: {type: external-service, params: {endpoints: {a: 'tcp://db.example.com:5432'}}}, " +
				"lake: {type: external-service, params: {endpoints: {a: 'tcp://lake.example.com:5432'}}}",
			peers: []string{
				"{apiVersion: lattice.dev/v1alpha1, kind: LatticeService, metadata: {name: db, namespace: media}, spec: {workload: {containers: " + containers + "}}}",
				"{apiVersion: lattice.dev/v1alpha1, kind: LatticeService, metadata: {name: lake, namespace: data}, spec: {workload: {containers: " + containers + "}}}",
			},
			want:     "[{target: {fqdn: lake.example.com}, ports: [5432], protocol: TCP}]",
			messages: []string{`info spec.workload.resources.db.type: the external service "db" is the service media/db, which is in the mesh; no egress is opened; make the resource's type service to call it through the mesh`},
		},
		{
			name:      "inbound",
			reason:    "what is outside the mesh cannot be a caller",
			resources: "hook: {type: external-service, direction: inbound, params: {endpoints: {a: 'https://hook.example.com'}}}",
			messages:  []string{`warning spec.workload.resources.hook.direction: the external service "hook" is inbound, but nothing outside the mesh can be named as a caller; it is ignored; publish the service with ingress`},
		},
		{
			name:   "problems",
			reason: "all of them are reported, and nothing is contributed",
			resources: "a: {type: external-service}, b: {type: external-service, id: 'entity:mars'}, c: {type: external-service, id: 'entity:world:x'}, " +
				"d: {type: external-service, id: 'entity:world', params: {endpoints: {a: 'https://a.example.com'}}}, " +
				"e: {type: external-service, params: {endpoints: {db: 'postgres://db.example.com', dot: 'https://192.0.2.300', in: 'http://db.other.svc.cluster.local:80', ok: 'https://ok.example.com'}}}",
			messages: []string{
				`error spec.workload.resources.a.params.endpoints: the external service "a" names no endpoint; add one such as default: https://api.example.com, or set id to entity:<entity>`,
				`error spec.workload.resources.b.id: the external service "b": "mars" is not an entity; use one of all, cluster, cluster-mesh, health, host, ingress, init, kube-apiserver, none, remote-node, unmanaged, world`,
				`error spec.workload.resources.c.id: the external service "c" has the port "x", which is not a number from 1 to 65535`,
				`error spec.workload.resources.d.id: the external service "d" is an entity and has endpoints; remove the id or the endpoints`,
				`error spec.workload.resources.e.params.endpoints.db: the endpoint "db" of the external service "e" needs a port, because postgres has no default; write postgres://host:port`,
				`error spec.workload.resources.e.params.endpoints.dot: the endpoint "dot" of the external service "e" has a wrong host: "192.0.2.300" ends like an IP address but is not one; correct the address, or use a host name`,
				`error spec.workload.resources.e.params.endpoints.in: the endpoint "in" of the external service "e" has a wrong host: "db.other.svc.cluster.local" is the name of a Service of this cluster, and an entry of that name would take its callers; call it through the mesh as a resource of the type service, or open the cluster with the id entity:cluster:PORT`,
			},
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			a := unchecked().Derive(t, plugintest.Case{Document: service(tt.resources), Peers: tt.peers})
			if diff := cmp.Diff(tt.messages, a.Messages()); diff != "" {
				t.Errorf("%s: messages: -want +got\n%s", tt.reason, diff)
			}
			if tt.want == "" {
				if len(a.Contributions)+len(a.Outputs) > 0 {
					t.Errorf("%s: got %v", tt.reason, a.Contributions)
				}
				return
			}
			if len(a.Contributions) != 1 || len(a.Outputs) > 0 {
				t.Fatalf("%s: got %d contributions and %d outputs, want one contribution", tt.reason, len(a.Contributions), len(a.Outputs))
			}
			to := abi.Ref{APIVersion: "lattice.dev/v1alpha1", Kind: "LatticeMeshMember", Namespace: "media", Name: "jellyfin"}
			if diff := cmp.Diff(to, a.Contributions[0].Ref); diff != "" {
				t.Errorf("-want +got\n%s", diff)
			}
			want := subject().Canonical(t, "spec:\n  egress: "+strings.ReplaceAll(tt.want, "\n", "\n  "))
			if diff := cmp.Diff(want, plugintest.Text(t, a.Contributions[0].Fields)); diff != "" {
				t.Errorf("%s: -want +got\n%s", tt.reason, diff)
			}
		})
	}
}

func TestMemberRules(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name, reason string
		egress       string
		want         string // context
		messages     []string
	}{
		{
			name:   "targets",
			reason: "every kind of target in the order of the document; ports are sorted, no ports mean no limit",
			egress: `[{target: {fqdn: API.example.com}, ports: [8443, 443, 443]}, {target: {entity: world}},
  {target: {cidr: 10.0.0.0/8}, ports: [53], protocol: UDP}, {target: {fqdn: "*.example.org"}, ports: [443], protocol: TCP},
  {target: {fqdn: api.example.com}, ports: [53], protocol: UDP}]`,
			want: `
dns: [api.example.com, "*.example.org"]
rules:
- {toFQDNs: [{matchName: api.example.com}], toPorts: [{ports: [{port: "443", protocol: TCP}, {port: "8443", protocol: TCP}]}]}
- {toEntities: [world]}
- {toCIDR: [10.0.0.0/8], toPorts: [{ports: [{port: "53", protocol: UDP}]}]}
- {toFQDNs: [{matchPattern: "*.example.org"}], toPorts: [{ports: [{port: "443", protocol: TCP}]}]}
- {toFQDNs: [{matchName: api.example.com}], toPorts: [{ports: [{port: "53", protocol: UDP}]}]}`,
		},
		{
			name:   "no names",
			reason: "a rule without a name limits no look-up",
			egress: "[{target: {entity: kube-apiserver}, ports: [443]}]",
			want:   "{rules: [{toEntities: [kube-apiserver], toPorts: [{ports: [{port: '443', protocol: TCP}]}]}]}",
		},
		{
			name:   "problems",
			reason: "all of them are reported, and nothing is left",
			egress: `[{target: {}}, {target: {entity: world, fqdn: a.b}}, {target: {entity: mars}}, {target: {cidr: 10.0.0.1/8}},
  {target: {fqdn: "*"}}, {target: {entity: world}}]`,
			messages: []string{
				"error spec.egress.0.target: must have exactly one of entity, cidr and fqdn",
				"error spec.egress.1.target: must have exactly one of entity, cidr and fqdn",
				`error spec.egress.2.target.entity: "mars" is not an entity; use one of all, cluster, cluster-mesh, health, host, ingress, init, kube-apiserver, none, remote-node, unmanaged, world`,
				`error spec.egress.3.target.cidr: "10.0.0.1/8" has bits set after its prefix length; write the first address of the block, or /32 for the one address`,
				`error spec.egress.4.target.fqdn: "*" is not a host name; write it as api.example.com, or *.example.com for the names below one`,
			},
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			// Outside the ambient mesh there are just the rules.
			a := unchecked().Derive(t, plugintest.Case{Document: member("ambient: false, egress: " + tt.egress)})
			if diff := cmp.Diff(tt.messages, a.Messages()); diff != "" {
				t.Errorf("%s: messages: -want +got\n%s", tt.reason, diff)
			}
			if len(a.Outputs) > 0 {
				t.Errorf("there is no waypoint outside the ambient mesh, got %v", a.Names())
			}
			if tt.want == "" {
				if len(a.Context) > 0 {
					t.Errorf("%s: got %v", tt.reason, a.Context)
				}
				return
			}
			if len(a.Context) != 1 || a.Context[0].Key != "egress" {
				t.Fatalf("%s: got the context %v", tt.reason, a.Context)
			}
			if diff := cmp.Diff(subject().Canonical(t, tt.want), plugintest.Text(t, a.Context[0].Value)); diff != "" {
				t.Errorf("%s: -want +got\n%s", tt.reason, diff)
			}
		})
	}
}

func TestRow18_ServiceEntries(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name, reason string
		egress       string
		entry        string // name
		want         string
		ports        string
	}{
		{
			name:   "name",
			reason: "a name is looked up; ports are called by their protocol, UDP gives way to TCP of the same number",
			egress: `[{target: {fqdn: api.example.com}, ports: [53, 80], protocol: UDP}, {target: {fqdn: api.example.com}, ports: [443, 80, 5432]}]`,
			entry:  "se-auto-f0b6ee48",
			want: `
hosts: [api.example.com]
exportTo: ['.']
location: MESH_EXTERNAL
resolution: DNS
ports:
- {number: 53, name: udp-53, protocol: UDP}
- {number: 80, name: http-80, protocol: HTTP}
- {number: 443, name: https-443, protocol: HTTPS}
- {number: 5432, name: tcp-5432, protocol: TCP}`,
			ports: `["53", "80", "443", "5432"]`,
		},
		{
			name:   "IPv4 address",
			reason: "an address is the endpoint of an invented name",
			egress: "[{target: {cidr: 192.0.2.1/32}, ports: [5432]}]",
			entry:  "se-auto-4e43aa43",
			want: `
{hosts: [ip-192-0-2-1.svc.external], exportTo: ['.'], location: MESH_EXTERNAL, resolution: STATIC, endpoints: [{address: 192.0.2.1}],
 ports: [{number: 5432, name: tcp-5432, protocol: TCP}]}`,
			ports: `["5432"]`,
		},
		{
			name:   "IPv6 address",
			reason: "the invented name has all groups, so that it is a DNS name whatever the address",
			egress: "[{target: {cidr: '2001:DB8::/128'}, ports: [443]}]",
			entry:  "se-auto-3244887c",
			want: `
{hosts: [ip-2001-db8-0-0-0-0-0-0.svc.external], exportTo: ['.'], location: MESH_EXTERNAL, resolution: STATIC, endpoints: [{address: "2001:db8::"}],
 ports: [{number: 443, name: https-443, protocol: HTTPS}]}`,
			ports: `["443"]`,
		},
		{
			name:   "block",
			reason: "many addresses are passed on as they were dialled",
			egress: "[{target: {cidr: 10.0.0.0/8}, ports: [443]}]",
			entry:  "se-auto-30bbe613",
			want: `
{hosts: [ip-10-0-0-0-8.svc.external], addresses: [10.0.0.0/8], exportTo: ['.'], location: MESH_EXTERNAL, resolution: NONE,
 ports: [{number: 443, name: https-443, protocol: HTTPS}]}`,
			ports: `["443"]`,
		},
		{
			name:   "pattern",
			reason: "a pattern cannot be looked up",
			egress: "[{target: {fqdn: '*.example.com'}, ports: [443]}]",
			entry:  "se-auto-1a3c0361",
			want: `
{hosts: ["*.example.com"], exportTo: ['.'], location: MESH_EXTERNAL, resolution: NONE, ports: [{number: 443, name: https-443, protocol: HTTPS}]}`,
			ports: `["443"]`,
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			a := subject().Derive(t, plugintest.Case{Document: member("egress: " + tt.egress)})
			if diff := cmp.Diff(subject().Canonical(t, tt.want), a.Spec("ServiceEntry", tt.entry)); diff != "" {
				t.Errorf("%s: -want +got\n%s", tt.reason, diff)
			}
			policy := ""
			for _, o := range a.Outputs {
				if o.Ref.Kind == "AuthorizationPolicy" && o.Ref.Name != "allow-to-waypoint" {
					policy = o.Ref.Name
				}
			}
			want := subject().Canonical(t, `
action: ALLOW
targetRefs: [{group: networking.istio.io, kind: ServiceEntry, name: `+tt.entry+`}]
rules:
- from: [{source: {principals: [`+plugintest.TrustDomain+`/ns/media/sa/jellyfin]}}]
  to: [{operation: {ports: `+tt.ports+`}}]`)
			if diff := cmp.Diff(want, a.Spec("AuthorizationPolicy", policy)); diff != "" {
				t.Errorf("%s: -want +got\n%s", tt.reason, diff)
			}
		})
	}
}

func TestWaypoint(t *testing.T) {
	t.Parallel()
	a := subject().Derive(t, plugintest.Case{Document: member(
		"serviceAccount: robot, ports: [{name: b, port: 8096}, {name: a, port: 900}], " +
			"egress: [{target: {fqdn: api.example.com}, ports: [443]}, {target: {entity: world}, ports: [80]}]",
	)})
	names := []string{
		"AuthorizationPolicy allow-fqdn-c5c3a6d1", "AuthorizationPolicy allow-to-waypoint",
		"AuthorizationPolicy allow-wp-to-3c5caa8d", "Gateway media-waypoint", "ServiceEntry se-auto-f0b6ee48",
	}
	if diff := cmp.Diff(names, a.Names()); diff != "" {
		t.Fatalf("-want +got\n%s", diff)
	}
	own := "labels: {app.kubernetes.io/managed-by: lattice, app.kubernetes.io/name: jellyfin}"
	for _, tt := range []struct{ reason, kind, name, want string }{
		{
			"the member's own identity may use the entry", "AuthorizationPolicy", "allow-fqdn-c5c3a6d1", `
apiVersion: security.istio.io/v1
kind: AuthorizationPolicy
metadata: {name: allow-fqdn-c5c3a6d1, namespace: media, ` + own + `}
spec:
  action: ALLOW
  targetRefs: [{group: networking.istio.io, kind: ServiceEntry, name: se-auto-f0b6ee48}]
  rules:
  - from: [{source: {principals: [lattice.test.local/ns/media/sa/robot]}}]
    to: [{operation: {ports: ["443"]}}]`,
		},
		{
			"the waypoint may reach the pods", "AuthorizationPolicy", "allow-wp-to-3c5caa8d", `
apiVersion: security.istio.io/v1
kind: AuthorizationPolicy
metadata: {name: allow-wp-to-3c5caa8d, namespace: media, ` + own + `}
spec:
  action: ALLOW
  selector: {matchLabels: {app: jellyfin}}
  rules:
  - from: [{source: {principals: [lattice.test.local/ns/media/sa/media-waypoint]}}]
    to: [{operation: {ports: ["900", "8096"]}}]`,
		},
		{
			"everyone may reach the waypoint", "AuthorizationPolicy", "allow-to-waypoint", `
apiVersion: security.istio.io/v1
kind: AuthorizationPolicy
metadata:
  name: allow-to-waypoint
  namespace: media
  labels: {app.kubernetes.io/managed-by: lattice, app.kubernetes.io/name: allow-to-waypoint}
spec:
  action: ALLOW
  selector: {matchLabels: {istio.io/waypoint-for: service}}
  rules: [{to: [{operation: {ports: ["15008"]}}]}]`,
		},
		{
			"the waypoint says nothing of the member", "Gateway", "media-waypoint", `
apiVersion: gateway.networking.k8s.io/v1
kind: Gateway
metadata:
  name: media-waypoint
  namespace: media
  labels: {app.kubernetes.io/managed-by: lattice, app.kubernetes.io/name: media-waypoint, istio.io/waypoint-for: service}
spec:
  gatewayClassName: istio-waypoint
  listeners: [{name: mesh, port: 15008, protocol: HBONE}]`,
		},
		{
			"the entry uses the waypoint and says nothing of the member", "ServiceEntry", "se-auto-f0b6ee48", `
apiVersion: networking.istio.io/v1
kind: ServiceEntry
metadata:
  name: se-auto-f0b6ee48
  namespace: media
  labels: {app.kubernetes.io/managed-by: lattice, app.kubernetes.io/name: se-auto-f0b6ee48, istio.io/use-waypoint: media-waypoint}
spec:
  hosts: [api.example.com]
  exportTo: ['.']
  location: MESH_EXTERNAL
  resolution: DNS
  ports: [{number: 443, name: https-443, protocol: HTTPS}]`,
		},
	} {
		if diff := cmp.Diff(subject().Canonical(t, tt.want), a.Output(tt.kind, tt.name)); diff != "" {
			t.Errorf("%s: -want +got\n%s", tt.reason, diff)
		}
	}
}

// TestSharedEntry derives the same entry from every member of a namespace, whatever ports each
// uses, and for each a policy for its own ports.
func TestSharedEntry(t *testing.T) {
	t.Parallel()
	rule := func(name, namespace, endpoint string) string {
		return strings.NewReplacer("name: jellyfin", "name: "+name, "namespace: media", "namespace: "+namespace).
			Replace(service("x: {type: external-service, params: {endpoints: {default: '" + endpoint + "'}}}"))
	}
	a := subject().Derive(t, plugintest.Case{
		Document: member("egress: [{target: {fqdn: api.example.com}, ports: [443]}]"),
		Peers: []string{
			rule("api", "media", "tcp://api.example.com:5432"), rule("other", "media", "https://other.example.com:9"), rule("web", "front", "tcp://api.example.com:6"),
			strings.Replace(member("egress: [{target: {fqdn: api.example.com}, ports: [53], protocol: UDP}]"), "name: jellyfin", "name: dns", 1),
			strings.Replace(member("ambient: false, egress: [{target: {fqdn: api.example.com}, ports: [7]}]"), "name: jellyfin", "name: direct", 1),
		},
	})
	want := subject().Canonical(t, `
hosts: [api.example.com]
exportTo: ['.']
location: MESH_EXTERNAL
resolution: DNS
ports:
- {number: 53, name: udp-53, protocol: UDP}
- {number: 443, name: https-443, protocol: HTTPS}
- {number: 5432, name: tcp-5432, protocol: TCP}`)
	if diff := cmp.Diff(want, a.Spec("ServiceEntry", "se-auto-f0b6ee48")); diff != "" {
		t.Errorf("-want +got\n%s", diff)
	}
	for _, name := range a.Names() {
		kind, policy, _ := strings.Cut(name, " ")
		if spec := a.Spec(kind, policy); strings.HasPrefix(policy, "allow-fqdn-") && (!strings.Contains(spec, `"443"`) || strings.Contains(spec, `"5432"`)) {
			t.Errorf("the policy is not for the member's own port only:\n%s", spec)
		}
	}
}

func TestNoWaypoint(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		reason, spec string
		messages     []string
	}{
		{"an entity has no host", "egress: [{target: {entity: world}, ports: [443]}]", nil},
		{"a member without egress", "ports: [{name: a, port: 1}]", nil},
		{"the waypoint routes by port", "egress: [{target: {fqdn: api.example.com}}]", []string{
			"warning spec.egress.0.ports: no ports are named for api.example.com, and the waypoint routes by port; the network policy alone limits the traffic; name the ports to check the caller's identity too",
		}},
	} {
		a := subject().Derive(t, plugintest.Case{Document: member(tt.spec)})
		if len(a.Outputs) > 0 {
			t.Errorf("%s: got %v", tt.reason, a.Names())
		}
		if diff := cmp.Diff(tt.messages, a.Messages()); diff != "" {
			t.Errorf("%s: -want +got\n%s", tt.reason, diff)
		}
	}
}

func TestKind(t *testing.T) {
	t.Parallel()
	req := abi.Request{ABI: abi.Version, Resource: unchecked().Encode(t, "{apiVersion: v1, kind: Pod, metadata: {name: x}}")}
	var resp abi.Response
	if _, err := abi.Decode(egress.Plugin().Serve(abi.OpDerive, req.AppendCBOR(nil)), abi.EncodingCBOR, abi.MaxResponseBytes, &resp); err != nil {
		t.Fatal(err)
	}
	want := []abi.Result{{
		Severity: abi.SeverityError,
		Message:  `egress derives from LatticeService, LatticeJob and LatticeMeshMember, not from "Pod"; use it in the pipeline of one of these kinds`,
	}}
	if diff := cmp.Diff(want, resp.Results); diff != "" {
		t.Errorf("-want +got\n%s", diff)
	}
}

func FuzzServe(f *testing.F) {
	for _, message := range plugintest.Seeds() {
		f.Add(message)
	}
	f.Fuzz(func(t *testing.T, message []byte) { plugintest.CheckServe(t, egress.Plugin(), message) })
}
