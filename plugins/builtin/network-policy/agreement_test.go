package networkpolicy_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/latticenet/lattice-host/plugins/sdk/go/plugintest"
)

// TestRow16_BilateralAgreement opens an edge only where both of its ends declare it, and closes a
// member without callers.
func TestRow16_BilateralAgreement(t *testing.T) {
	t.Parallel()
	const declares = "dependencies: [{name: jellyfin}]"
	const allows = "allowedCallers: [{name: web}]"
	for _, tt := range []struct {
		name, reason string
		spec         string
		peers        []string
		principals   []string
		messages     []string
	}{
		{
			name:       "both",
			reason:     "both ends declare the edge",
			spec:       allows,
			peers:      []string{memberOf("media", "web", declares)},
			principals: []string{"media/sa/web"},
		},
		{
			name:     "only the callee",
			reason:   "the caller does not depend on the member",
			spec:     allows,
			peers:    []string{memberOf("media", "web", "ports: []")},
			messages: []string{"info spec.allowedCallers.0: media/web does not depend on media/jellyfin; the edge is not opened; add media/jellyfin to the dependencies of media/web, or remove the caller"},
		},
		{
			name:   "only the caller",
			reason: "no other document asked the member",
			spec:   "ports: []",
			peers:  []string{memberOf("media", "web", declares)},
		},
		{
			name:   "neither",
			reason: "no edge",
			spec:   "ports: []",
			peers:  []string{memberOf("media", "web", "ports: []")},
		},
		{
			name:     "unknown",
			reason:   "a peer without a document forms no edge",
			spec:     allows,
			messages: []string{"warning spec.allowedCallers.0: no peer document for media/web; the edge is not opened; pass it with --with"},
		},
		{
			name:     "the same name in another namespace",
			reason:   "a reference without a namespace means the declaring namespace, on both ends",
			spec:     allows,
			peers:    []string{memberOf("front", "web", declares), memberOf("media", "web", "dependencies: [{name: jellyfin, namespace: front}]")},
			messages: []string{"info spec.allowedCallers.0: media/web does not depend on media/jellyfin; the edge is not opened; add media/jellyfin to the dependencies of media/web, or remove the caller"},
		},
		{
			name:   "services",
			reason: "a service is read as the member it becomes; principals are sorted",
			spec:   "allowedCallers: [{name: web}, {name: web, namespace: front}, {name: api}]",
			peers: []string{
				serviceOf("media", "web", "jellyfin: {type: service}"),
				serviceOf("front", "web", "tv: {type: service, id: jellyfin, namespace: media}"),
				serviceOf("media", "api", "jellyfin: {type: service, direction: both}"),
			},
			principals: []string{"front/sa/web", "media/sa/api", "media/sa/web"},
		},
		{
			name:   "a member before the service of its name",
			reason: "the member says who it is",
			spec:   allows,
			peers: []string{
				serviceOf("media", "web", "jellyfin: {type: service}"), memberOf("media", "web", declares+"\nserviceAccount: robot"),
			},
			principals: []string{"media/sa/robot"},
		},
		{
			name:   "everyone",
			reason: "every known member that depends on this one, and no other",
			spec:   `allowedCallers: [{name: "*"}]`,
			peers: []string{
				memberOf("media", "web", declares), memberOf("front", "web", declares), memberOf("media", "all", "dependsAll: true"),
				serviceOf("ops", "probe", "jellyfin: {type: service, namespace: media}"), serviceOf("media", "idle", ""),
			},
			principals: []string{"media/sa/all", "media/sa/web", "ops/sa/probe"},
		},
		{
			name:       "the ingress gateway",
			reason:     "it has no document and depends on everyone",
			spec:       "allowedCallers: [{name: media-ingress-istio, namespace: media}]",
			principals: []string{"media/sa/media-ingress-istio"},
		},
		{
			name:     "the ingress gateway of another namespace",
			reason:   "it is a peer like others",
			spec:     "allowedCallers: [{name: front-ingress-istio, namespace: front}]",
			messages: []string{"warning spec.allowedCallers.0: no peer document for front/front-ingress-istio; the edge is not opened; pass it with --with"},
		},
		{
			name:       "own pods",
			reason:     "allowPeerTraffic adds the member's own identity",
			spec:       "allowPeerTraffic: true\nserviceAccount: robot",
			principals: []string{"media/sa/robot"},
		},
		{
			name:       "advertised",
			reason:     "advertised services are principals, each once",
			spec:       allows + "\nadvertise: {allowedServices: [media/web, edge/proxy]}",
			peers:      []string{memberOf("media", "web", declares)},
			principals: []string{"edge/sa/proxy", "media/sa/web"},
		},
		{
			name:     "a dependency that does not allow",
			reason:   "the other side's consent is missing",
			spec:     "dependencies: [{name: db}]",
			peers:    []string{memberOf("media", "db", "allowedCallers: [{name: jellyfin, namespace: front}]")},
			messages: []string{"warning spec.dependencies.0: media/db does not allow media/jellyfin to call it; the edge is not opened; add media/jellyfin to the allowed callers of media/db"},
		},
		{
			name:       "itself",
			reason:     "a member that names itself needs no document",
			spec:       "dependencies: [{name: jellyfin}]\nallowedCallers: [{name: jellyfin}]",
			principals: []string{"media/sa/jellyfin"},
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			document := memberOf("media", "jellyfin", strings.Replace(tt.spec, "ports: []", "", 1)+"\n"+serving)
			a := subject().Derive(t, plugintest.Case{Document: document, Peers: tt.peers})
			if diff := cmp.Diff(tt.messages, a.Messages()); diff != "" {
				t.Errorf("%s: messages: -want +got\n%s", tt.reason, diff)
			}
			if len(tt.principals) == 0 {
				if diff := cmp.Diff([]string{kindAllow + " " + allowName, kindCilium + " " + policyName}, a.Names()); diff != "" {
					t.Errorf("%s: outputs: -want +got\n%s", tt.reason, diff)
				}
				if diff := cmp.Diff(subject().Canonical(t, nothing), a.Spec(kindAllow, allowName)); diff != "" {
					t.Errorf("%s: no one may call: -want +got\n%s", tt.reason, diff)
				}
				return
			}
			want := "action: ALLOW\nselector: {matchLabels: {app: jellyfin}}\nrules:\n- from: [{source: {principals: ["
			for _, p := range tt.principals {
				want += plugintest.TrustDomain + "/ns/" + p + ", "
			}
			want += "]}}]\n  to: [{operation: {ports: [\"900\", \"8096\"]}}]\n"
			if diff := cmp.Diff(subject().Canonical(t, want), a.Spec(kindAllow, allowName)); diff != "" {
				t.Errorf("%s: -want +got\n%s", tt.reason, diff)
			}
		})
	}
}

func TestDependsAll(t *testing.T) {
	t.Parallel()
	a := subject().Derive(t, plugintest.Case{
		Document: memberOf("media", "jellyfin", "dependsAll: true\ndependencies: [{name: gone}]"),
		Peers: []string{
			memberOf("media", "db", "allowedCallers: [{name: jellyfin}]"), memberOf("data", "lake", `allowedCallers: [{name: "*"}]`),
			memberOf("data", "closed", "ports: [{name: a, port: 1}]"),
		},
	})
	want := subject().Canonical(t, "enableDefaultDeny: {ingress: true, egress: true}\nendpointSelector: {matchLabels: {\"k8s:app\": jellyfin}}\negress:"+
		dnsRule("lake.data.svc.cluster.local", "db.media.svc.cluster.local")+tunnelRules)
	if diff := cmp.Diff(want, a.Spec(kindCilium, policyName)); diff != "" {
		t.Errorf("every member that allows it is a callee: -want +got\n%s", diff)
	}
	messages := []string{"warning spec.dependencies.0: no peer document for media/gone; the edge is not opened; pass it with --with"}
	if diff := cmp.Diff(messages, a.Messages()); diff != "" {
		t.Errorf("-want +got\n%s", diff)
	}
}
