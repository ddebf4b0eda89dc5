package mesh_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"sigs.k8s.io/yaml"

	"github.com/latticenet/lattice-host/abi"
	"github.com/latticenet/lattice-host/abi/cbor"
	"github.com/latticenet/lattice-host/abi/lattice"
	"github.com/latticenet/lattice-host/plugins/builtin/internal/mesh"
	sdk "github.com/latticenet/lattice-host/plugins/sdk/go"
	"github.com/latticenet/lattice-host/plugins/sdk/go/kube"
	"github.com/latticenet/lattice-host/plugins/sdk/go/plugintest"
)

func TestFromService(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name, reason    string
		service, member string
	}{
		{
			name:   "bare",
			reason: "a service that serves and calls nothing is a member without ports and peers",
			service: `
metadata: {name: jellyfin, namespace: media, labels: {team: tv}}
spec: {workload: {containers: {}}}`,
			member: `
spec:
  target: {selector: {app.kubernetes.io/name: jellyfin}}`,
		},
		{
			name:   "ports",
			reason: "the member has the pods' ports, sorted by name, and the service's port only where a target port is named",
			service: `
metadata: {name: jellyfin, namespace: media}
spec:
  workload:
    containers: {}
    service: {ports: {web: {port: 80, targetPort: 8096}, api: {port: 9000}, zz: {port: 7, targetPort: 7}}}`,
			member: `
spec:
  target: {selector: {app.kubernetes.io/name: jellyfin}}
  ports:
  - {name: api, port: 9000}
  - {name: web, port: 8096, servicePort: 80}
  - {name: zz, port: 7, servicePort: 7}`,
		},
		{
			name:   "external",
			reason: "callers of a LoadBalancer are outside the mesh, so that every port takes plaintext",
			service: `
metadata: {name: jellyfin, namespace: media}
spec:
  workload:
    containers: {}
    service: {serviceType: LoadBalancer, ports: {b: {port: 2}, a: {port: 1}}}`,
			member: `
spec:
  target: {selector: {app.kubernetes.io/name: jellyfin}}
  ports:
  - {name: a, port: 1, peerAuth: Permissive, external: true}
  - {name: b, port: 2, peerAuth: Permissive, external: true}`,
		},
		{
			name:   "two ports to one",
			reason: "a port of the pods is there once for each protocol, under the first name",
			service: `
metadata: {name: jellyfin, namespace: media}
spec:
  workload:
    containers: {}
    service:
      ports:
        http: {port: 80, targetPort: 8080}
        alt: {port: 81, targetPort: 8080, protocol: TCP}
        dns: {port: 8080, protocol: UDP}`,
			member: `
spec:
  target: {selector: {app.kubernetes.io/name: jellyfin}}
  ports:
  - {name: alt, port: 8080, servicePort: 81}
  - {name: dns, port: 8080, protocol: UDP}`,
		},
		{
			name: "peers",
			reason: "callers and dependencies are sorted by namespace and name, once each, with the id before the key; other " +
				"types than service are not peers",
			service: `
metadata: {name: jellyfin, namespace: media}
spec:
  workload:
    containers: {}
    resources:
      web: {type: service, direction: inbound, namespace: front}
      radarr: {type: service, direction: both}
      db: {type: service, id: postgres, namespace: data}
      again: {type: service, id: postgres, namespace: data}
      cache: {type: service}
      stripe: {type: external-service, id: "entity:world"}`,
			member: `
spec:
  target: {selector: {app.kubernetes.io/name: jellyfin}}
  allowedCallers:
  - {name: web, namespace: front}
  - {name: radarr, namespace: media}
  dependencies:
  - {name: postgres, namespace: data}
  - {name: cache, namespace: media}
  - {name: radarr, namespace: media}`,
		},
		{
			name:   "everyone",
			reason: "a caller of * means all others, except the gateway, which routes make a caller; * is not a dependency",
			service: `
metadata: {name: jellyfin, namespace: media}
spec:
  workload:
    containers: {}
    resources:
      all: {type: service, direction: both, id: "*"}
      web: {type: service, direction: inbound}
  ingress: {routes: {public: {hosts: [tv.example.com]}}}
  advertise: {allowedServices: [edge/proxy]}`,
			member: `
spec:
  target: {selector: {app.kubernetes.io/name: jellyfin}}
  allowedCallers:
  - {name: "*"}
  - {name: media-ingress-istio, namespace: media}
  advertise: {allowedServices: [edge/proxy]}`,
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			reader := &plugintest.Subject{YAML: yaml.YAMLToJSON}
			head := "apiVersion: lattice.dev/v1alpha1\nkind: "
			svc, err := sdk.DecodeService(reader.Encode(t, head+"LatticeService"+tt.service))
			if err != nil {
				t.Fatal(err)
			}
			meta := `
metadata:
  name: jellyfin
  namespace: media
  labels: {app.kubernetes.io/managed-by: lattice, app.kubernetes.io/name: jellyfin}`
			want := reader.Canonical(t, head+"LatticeMeshMember"+meta+tt.member)
			if diff := cmp.Diff(want, plugintest.Text(t, mesh.FromService(svc).AppendCBOR(nil))); diff != "" {
				t.Errorf("%s: -want +got\n%s", tt.reason, diff)
			}
		})
	}
}

func TestNames(t *testing.T) {
	t.Parallel()
	member := &lattice.LatticeMeshMember{Metadata: lattice.ObjectMeta{Name: "jellyfin", Namespace: "media"}}
	other := &lattice.LatticeMeshMember{Spec: lattice.MemberSpec{ServiceAccount: "robot"}}
	for _, tt := range []struct{ got, want string }{
		{mesh.WaypointName("media"), "media-waypoint"},
		{mesh.IngressAccount("media", ""), "media-ingress-istio"},
		{mesh.Account(mesh.IngressGateway(lattice.MemberRef{Namespace: "media", Name: "media-ingress-istio"})), "media-ingress-istio"},
		{mesh.IngressAccount("media", "istio-remote"), "media-ingress-istio-remote"},
		{mesh.WaypointName(strings.Repeat("n", 54)), strings.Repeat("n", 54) + "-waypoint"},
		{mesh.WaypointName(strings.Repeat("n", 55)), strings.Repeat("n", 45) + "-35c2be7b-waypoint"},
		{mesh.IngressAccount(strings.Repeat("n", 49), ""), strings.Repeat("n", 49) + "-ingress-istio"},
		{mesh.IngressAccount(strings.Repeat("n", 50), ""), strings.Repeat("n", 40) + "-7dd60b1d-ingress-istio"},
		{mesh.Principal("lattice.x.local", "media", mesh.Account(member)), "lattice.x.local/ns/media/sa/jellyfin"},
		{mesh.Account(other), "robot"},
	} {
		if tt.got != tt.want {
			t.Errorf("got %s, want %s", tt.got, tt.want)
		}
	}
}

func TestCiliumSelector(t *testing.T) {
	t.Parallel()
	pods := &lattice.LatticeMeshMember{Metadata: lattice.ObjectMeta{Namespace: "media"}}
	pods.Spec.Target.Selector = cbor.Map[string]{{Key: "app", Value: "x"}}
	whole := &lattice.LatticeMeshMember{Metadata: lattice.ObjectMeta{Namespace: "media"}}
	whole.Spec.Target.Namespace = "media"
	const namespace = "k8s:io.kubernetes.pod.namespace"
	for _, tt := range []struct {
		reason string
		member *lattice.LatticeMeshMember
		from   string
		want   kube.Labels
	}{
		{"no namespace label inside the namespace", pods, "media", kube.Labels{{Key: "k8s:app", Value: "x"}}},
		{"the namespace label from another namespace", pods, "web", kube.Labels{
			{Key: "k8s:app", Value: "x"}, {Key: namespace, Value: "media"},
		}},
		{"a whole namespace has its label and no other", whole, "media", kube.Labels{{Key: namespace, Value: "media"}}},
	} {
		if diff := cmp.Diff(tt.want, mesh.CiliumSelector(tt.member, tt.from).MatchLabels); diff != "" {
			t.Errorf("%s: -want +got\n%s", tt.reason, diff)
		}
	}
}

func TestCiliumPorts(t *testing.T) {
	t.Parallel()
	if got := mesh.CiliumPorts(nil, mesh.TCP); got != nil {
		t.Errorf("no ports give %v, want no limit", got)
	}
	var ports []int64
	for p := range int64(41) {
		ports = append(ports, p+1)
	}
	got := mesh.CiliumPorts(ports, mesh.UDP)
	if len(got) != 2 || len(got[0].Ports) != 40 || len(got[1].Ports) != 1 {
		t.Fatalf("41 ports must be split after the 40th: %v", got)
	}
	if want := (kube.CiliumPort{Port: "41", Protocol: "UDP"}); got[1].Ports[0] != want {
		t.Errorf("got %v, want %v", got[1].Ports[0], want)
	}
}

func TestInsert(t *testing.T) {
	t.Parallel()
	var got []string
	for _, s := range strings.Fields("d a c a b d e a") {
		got = mesh.Insert(got, s, strings.Compare)
	}
	if want := strings.Fields("a b c d e"); !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
}

func TestEgressContext(t *testing.T) {
	t.Parallel()
	want := mesh.Egress{DNS: []string{"api.example.com", "*.example.org"}}
	want.Add(&kube.CiliumEgress{ToEntities: []string{"world"}})
	want.Add(&kube.CiliumEgress{ToCIDR: []string{"192.0.2.1/32"}})
	req := sdk.Request{Request: abi.Request{Context: []abi.ContextEntry{{Key: mesh.EgressKey, Value: want.AppendCBOR(nil)}}}}
	got, left := mesh.ReadEgress(&req)
	if diff := cmp.Diff(want, got); diff != "" || !left {
		t.Errorf("-want +got (left: %v)\n%s", left, diff)
	}
	if _, left := mesh.ReadEgress(new(sdk.Request)); left {
		t.Error("nothing was left")
	}
}

// FuzzReadEgress reads what any other step may have left.
func FuzzReadEgress(f *testing.F) {
	f.Add((&mesh.Egress{DNS: []string{"api.example.com"}, Rules: []cbor.Raw{{0xa0}}}).AppendCBOR(nil))
	f.Add([]byte{0xa1, 0x63, 'd', 'n', 's', 0x81, 0x01})
	f.Fuzz(func(t *testing.T, value []byte) {
		req := sdk.Request{Request: abi.Request{Context: []abi.ContextEntry{{Key: mesh.EgressKey, Value: value}}}}
		e, _ := mesh.ReadEgress(&req)
		for _, rule := range e.Rules {
			if len(rule) == 0 {
				t.Error("an empty rule cannot be appended to a policy")
			}
		}
	})
}
