package outputkind_test

import (
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/latticenet/lattice-host/abi"
	"github.com/latticenet/lattice-host/internal/outputkind"
)

func TestRow33_Stages(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]int{
		"Namespace": outputkind.StageScope, "CustomResourceDefinition.apiextensions.k8s.io": outputkind.StageScope,
		"ServiceAccount": outputkind.StageConfig, "ConfigMap": outputkind.StageConfig, "ExternalSecret.external-secrets.io": outputkind.StageConfig,
		"TriggerAuthentication.keda.sh":   outputkind.StageConfig,
		"NetworkPolicy.networking.k8s.io": outputkind.StagePolicy, "CiliumNetworkPolicy.cilium.io": outputkind.StagePolicy,
		"AuthorizationPolicy.security.istio.io": outputkind.StagePolicy, "TracingPolicyNamespaced.cilium.io": outputkind.StagePolicy,
		"ServiceEntry.networking.istio.io": outputkind.StagePolicy, "LatticeMeshMember.lattice.dev": outputkind.StagePolicy,
		"Service": outputkind.StageService, "PodDisruptionBudget.policy": outputkind.StageService, "PodGroup.scheduling.volcano.sh": outputkind.StageService,
		"Deployment.apps": outputkind.StageWorkload, "Job.batch.volcano.sh": outputkind.StageWorkload, "Pod": outputkind.StageWorkload, "Thing.example.com": outputkind.StageWorkload,
		"ScaledObject.keda.sh": outputkind.StageScaler, "HorizontalPodAutoscaler.autoscaling": outputkind.StageScaler,
		"Ingress.networking.k8s.io": outputkind.StageRoute, "VirtualService.networking.istio.io": outputkind.StageRoute,
		"HTTPRoute.gateway.networking.k8s.io": outputkind.StageRoute, "VMServiceScrape.operator.victoriametrics.com": outputkind.StageRoute,
		"ValidatingWebhookConfiguration.admissionregistration.k8s.io": outputkind.StageWebhook,
	} {
		kind, group, _ := strings.Cut(text, ".")
		if got := outputkind.Of(abi.GroupKind{Group: group, Kind: kind}).Stage; got != want {
			t.Errorf("%s: stage %d, want %d", text, got, want)
		}
	}
}

// TestRows checks what every row owes those who read it.
func TestRows(t *testing.T) {
	t.Parallel()
	rows := outputkind.All()
	plural := regexp.MustCompile(`^[a-z]+s$|^tracingpoliciesnamespaced$`)
	for i, k := range rows {
		if i > 0 && rows[i-1].GroupKind == k.GroupKind {
			t.Errorf("%s: two rows", k)
		}
		if k.Scope == outputkind.ScopeUnknown || !plural.MatchString(k.Plural) {
			t.Errorf("%s: scope %d, plural %q", k, k.Scope, k.Plural)
		}
		if len(k.Versions) > 0 && k.Scope != outputkind.ScopeNamespace {
			t.Errorf("%s: gates take what they can read to be in a namespace", k)
		}
		if len(k.Pods) > 0 && len(k.Versions) == 0 {
			t.Errorf("%s: paths of pods without a version that has them", k)
		}
		if got := outputkind.Of(k.GroupKind); got.Plural != k.Plural || got.Stage != k.Stage {
			t.Errorf("%s: Of returns another row: %v", k, got)
		}
	}
}

func TestPlurals(t *testing.T) {
	t.Parallel()
	for kind, want := range map[abi.GroupKind]string{
		{Kind: "Endpoints"}: "endpoints", {Kind: "Service"}: "services",
		{Group: "networking.k8s.io", Kind: "NetworkPolicy"}:          "networkpolicies",
		{Group: "gateway.networking.k8s.io", Kind: "Gateway"}:        "gateways",
		{Group: "networking.istio.io", Kind: "ServiceEntry"}:         "serviceentries",
		{Group: "cilium.io", Kind: "TracingPolicyNamespaced"}:        "tracingpoliciesnamespaced",
		{Group: "example.com", Kind: "Thing"}:                        "",
		{Group: "cilium.io", Kind: "CiliumClusterwideNetworkPolicy"}: "",
	} {
		if got := outputkind.Of(kind).Plural; got != want {
			t.Errorf("%s: plural %q, want %q", kind, got, want)
		}
	}
}

// TestReadable checks that only the exact group and version of a row are read: another form could
// hide something.
func TestReadable(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]bool{
		"v1 Secret": true, "v2 Secret": false, "/v1 Secret": false, "apps/v1 Secret": false,
		"apps/v1 Deployment": true, "apps/v1beta1 Deployment": false, "apps/x/v1 Deployment": false, "v1 Deployment": false,
		"keda.sh/v1alpha1 ScaledJob": true, "v1 Namespace": false, "example.com/v1 Thing": false,
	} {
		apiVersion, kind, _ := strings.Cut(text, " ")
		if _, got := outputkind.OfRef(abi.Ref{APIVersion: apiVersion, Kind: kind}); got != want {
			t.Errorf("%s: readable %t, want %t", text, got, want)
		}
	}
}

func TestSecrets(t *testing.T) {
	t.Parallel()
	var holds, fetches []string
	for _, k := range outputkind.All() {
		if k.Secret {
			holds = append(holds, k.String())
		}
		if k.FetchesSecrets {
			fetches = append(fetches, k.String())
		}
	}
	if !slices.Equal(holds, []string{"Secret"}) || !slices.Equal(fetches, []string{"ExternalSecret.external-secrets.io"}) {
		t.Errorf("hold secrets: %v, fetch secrets: %v", holds, fetches)
	}
}
