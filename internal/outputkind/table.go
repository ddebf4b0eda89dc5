package outputkind

import (
	"slices"
	"strings"
	"sync"

	"github.com/latticenet/lattice-host/abi"
)

// template is where most workloads have their pods.
const template = "spec.template.spec"

// table returns the rows in the order of group and kind. It never changes.
//
// Stages follow kapp's change groups, which put policies before workloads, and the install order of
// Helm for the kinds of Kubernetes itself.
var table = sync.OnceValue(func() []Kind {
	rows := slices.Concat(core(), workloads(), network(), platform(), groups())
	for i := range rows {
		k := &rows[i]
		if k.Kind != "" && k.Plural == "" {
			k.Plural = plural(k.Kind)
		}
		if k.Merge == "" {
			k.Merge = MergeDeduced
		}
		// What gates can read lives in a namespace: they ask about all else as a whole.
		if k.Scope == ScopeUnknown && len(k.Versions) > 0 {
			k.Scope = ScopeNamespace
		}
	}
	slices.SortFunc(rows, func(a, b Kind) int { return compare(a.GroupKind, b.GroupKind) })
	return rows
})

// plural returns the plural of a kind as the API server forms it for its own kinds.
func plural(kind string) string {
	s := strings.ToLower(kind)
	switch {
	case strings.HasSuffix(s, "s"), strings.HasSuffix(s, "x"), strings.HasSuffix(s, "ch"):
		return s + "es"
	case strings.HasSuffix(s, "y") && !strings.ContainsRune("aeiou", rune(s[len(s)-2])):
		return s[:len(s)-1] + "ies"
	}
	return s + "s"
}

func gk(group, kind string) abi.GroupKind { return abi.GroupKind{Group: group, Kind: kind} }

// core returns the kinds of the core group that are not workloads.
func core() []Kind {
	v1 := []string{"v1"}
	return []Kind{
		{GroupKind: gk("", "Namespace"), Scope: ScopeCluster, Stage: StageScope},
		{GroupKind: gk("", "ConfigMap"), Stage: StageConfig, Versions: v1, Data: true},
		{GroupKind: gk("", "Secret"), Stage: StageConfig, Versions: v1, Data: true, Secret: true},
		{GroupKind: gk("", "ServiceAccount"), Stage: StageConfig, Versions: v1, Merge: "serviceAccount"},
		{GroupKind: gk("", "PersistentVolumeClaim"), Stage: StageConfig, Versions: v1},
		{GroupKind: gk("", "PersistentVolume"), Scope: ScopeCluster, Stage: StageConfig},
		{GroupKind: gk("", "ResourceQuota"), Scope: ScopeNamespace, Stage: StageConfig},
		{GroupKind: gk("", "LimitRange"), Scope: ScopeNamespace, Stage: StageConfig},
		{GroupKind: gk("", "Service"), Stage: StageService, Versions: v1, Merge: "service"},
		{GroupKind: gk("", "Endpoints"), Plural: "endpoints", Scope: ScopeNamespace, Stage: StageService},
	}
}

// workloads returns the kinds that run pods.
func workloads() []Kind {
	v1, pods := []string{"v1"}, []string{template}
	rows := []Kind{
		{GroupKind: gk("", "Pod"), Versions: v1, Merge: "pod", Pods: []string{"spec"}},
		{GroupKind: gk("", "ReplicationController"), Versions: v1, Pods: pods},
		{GroupKind: gk("apps", "Deployment"), Versions: v1, Merge: "workload", Pods: pods},
		{GroupKind: gk("apps", "ReplicaSet"), Versions: v1, Merge: "workload", Pods: pods},
		{GroupKind: gk("apps", "DaemonSet"), Versions: v1, Merge: "workload", Pods: pods},
		{GroupKind: gk("apps", "StatefulSet"), Versions: v1, Merge: "workload", Pods: pods},
		{GroupKind: gk("batch", "Job"), Versions: v1, Merge: "workload", Pods: pods},
		{GroupKind: gk("batch", "CronJob"), Versions: v1, Merge: "cronJob", Pods: []string{"spec.jobTemplate." + template}},
		{GroupKind: gk("batch.volcano.sh", "Job"), Versions: []string{"v1alpha1"}, Merge: "volcanoJob", Pods: []string{"spec.tasks.*.template.spec"}},
		{GroupKind: gk("batch.volcano.sh", "CronJob"), Versions: []string{"v1alpha1"}, Merge: "volcanoCronJob",
			Pods: []string{"spec.jobTemplate.spec.tasks.*.template.spec"}},
	}
	for i := range rows {
		rows[i].Stage = StageWorkload
	}
	return append(rows, Kind{GroupKind: gk("keda.sh", "ScaledJob"), Stage: StageScaler, Versions: []string{"v1alpha1"},
		Pods: []string{"spec.jobTargetRef.template.spec"}})
}

// network returns the kinds that open and close the network.
func network() []Kind {
	v1 := []string{"v1"}
	beta := []string{"v1", "v1beta1"}
	return []Kind{
		{GroupKind: gk("cilium.io", "CiliumNetworkPolicy"), Stage: StagePolicy, Versions: []string{"v2"}},
		{GroupKind: gk("cilium.io", "TracingPolicyNamespaced"), Plural: "tracingpoliciesnamespaced", Stage: StagePolicy,
			Versions: []string{"v1alpha1"}},
		{GroupKind: gk("networking.k8s.io", "NetworkPolicy"), Stage: StagePolicy, Versions: v1},
		{GroupKind: gk("security.istio.io", "AuthorizationPolicy"), Stage: StagePolicy, Versions: beta},
		{GroupKind: gk("security.istio.io", "PeerAuthentication"), Stage: StagePolicy, Versions: beta},
		{GroupKind: gk("networking.istio.io", "ServiceEntry"), Stage: StagePolicy, Versions: []string{"v1", "v1beta1", "v1alpha3"}},
		{GroupKind: gk("networking.istio.io", "Sidecar"), Scope: ScopeNamespace, Stage: StagePolicy},
		{GroupKind: gk("networking.istio.io", "DestinationRule"), Scope: ScopeNamespace, Stage: StagePolicy},
		// A gateway and the certificates of its listeners wait for each other: a challenge comes
		// through the gateway, and a listener is ready with its certificate. Both are there before
		// the pods that use them.
		{GroupKind: gk("gateway.networking.k8s.io", "Gateway"), Stage: StageService, Versions: beta},
		{GroupKind: gk("cert-manager.io", "Certificate"), Stage: StageService, Versions: v1},
		{GroupKind: gk("gateway.networking.k8s.io", "HTTPRoute"), Stage: StageRoute, Versions: beta},
		{GroupKind: gk("gateway.networking.k8s.io", "GRPCRoute"), Stage: StageRoute, Versions: v1},
		{GroupKind: gk("gateway.networking.k8s.io", "TCPRoute"), Stage: StageRoute, Versions: []string{"v1", "v1alpha2"}},
		{GroupKind: gk("lattice.dev", "LatticeMeshMember"), Stage: StagePolicy, Versions: []string{"v1alpha1"}},
	}
}

// platform returns the kinds that scale, schedule and supply workloads.
func platform() []Kind {
	return []Kind{
		{GroupKind: gk("scheduling.volcano.sh", "PodGroup"), Stage: StageService, Versions: []string{"v1beta1"}},
		{GroupKind: gk("policy", "PodDisruptionBudget"), Stage: StageService, Versions: []string{"v1"}},
		{GroupKind: gk("autoscaling", "HorizontalPodAutoscaler"), Stage: StageScaler, Versions: []string{"v1", "v2"}},
		{GroupKind: gk("keda.sh", "ScaledObject"), Stage: StageScaler, Versions: []string{"v1alpha1"}},
		{GroupKind: gk("keda.sh", "TriggerAuthentication"), Stage: StageConfig, Versions: []string{"v1alpha1"}},
		{GroupKind: gk("keda.sh", "ClusterTriggerAuthentication"), Scope: ScopeCluster, Stage: StageConfig},
		{GroupKind: gk("operator.victoriametrics.com", "VMServiceScrape"), Stage: StageRoute, Versions: []string{"v1beta1"}},
		{GroupKind: gk("external-secrets.io", "ExternalSecret"), Stage: StageConfig, Versions: []string{"v1", "v1beta1"},
			FetchesSecrets: true},
		{GroupKind: gk("external-secrets.io", "ClusterSecretStore"), Scope: ScopeCluster, Stage: StageConfig},
	}
}

// groups returns the rows for all other kinds of a group.
func groups() []Kind {
	stages := []struct {
		stage  int
		groups []string
	}{
		{StageScope, []string{"apiextensions.k8s.io"}},
		{StageConfig, []string{"rbac.authorization.k8s.io", "scheduling.k8s.io", "storage.k8s.io", "external-secrets.io",
			"cert-manager.io", "source.toolkit.fluxcd.io"}},
		{StagePolicy, []string{"cilium.io", "security.istio.io", "lattice.dev"}},
		{StageService, []string{"policy", "scheduling.volcano.sh"}},
		{StageScaler, []string{"keda.sh", "autoscaling"}},
		{StageRoute, []string{"networking.k8s.io", "networking.istio.io", "gateway.networking.k8s.io",
			"operator.victoriametrics.com", "monitoring.coreos.com"}},
		{StageWebhook, []string{"admissionregistration.k8s.io"}},
	}
	var rows []Kind
	for _, s := range stages {
		for _, group := range s.groups {
			rows = append(rows, Kind{GroupKind: gk(group, ""), Stage: s.stage})
		}
	}
	return rows
}
