package pipeline

import (
	"github.com/latticenet/lattice-host/abi"
	"github.com/latticenet/lattice-host/abi/bundle"
)

// The stages of a bundle, in the order in which they are applied. A workload must never run a moment without its
// policies, so that policies have a stage of their own before workloads; a scaler's webhook needs its target, so that
// scalers come behind.
const (
	// StageScope holds what other objects live in: namespaces and definitions.
	StageScope = iota
	// StageConfig holds configuration, identities, permissions and secrets.
	StageConfig
	// StagePolicy holds network, mesh and runtime policies.
	StagePolicy
	// StageService holds what workloads are found by and scheduled with.
	StageService
	// StageWorkload holds workloads, and every kind that has no other stage.
	StageWorkload
	// StageScaler holds autoscalers.
	StageScaler
	// StageRoute holds routes from outside and metrics scrapes.
	StageRoute
	// StageWebhook holds admission webhooks.
	StageWebhook
)

// Stage returns the stage in which objects of a kind are applied. The table follows kapp's change groups, which put
// policies before workloads, and the install order of Helm for the kinds of Kubernetes itself.
func Stage(kind abi.GroupKind) int {
	if stage, ok := stageOfKind(kind); ok {
		return stage
	}
	return StageWorkload
}

func stageOfKind(kind abi.GroupKind) (int, bool) {
	switch kind.Group {
	case "":
		return stageOfCore(kind.Kind)
	case "apiextensions.k8s.io":
		return StageScope, true
	case "rbac.authorization.k8s.io", "scheduling.k8s.io", "storage.k8s.io", "external-secrets.io", "cert-manager.io",
		"source.toolkit.fluxcd.io":
		return StageConfig, true
	case "networking.k8s.io":
		if kind.Kind == "NetworkPolicy" {
			return StagePolicy, true
		}
		return StageRoute, true
	case "networking.istio.io":
		switch kind.Kind {
		case "ServiceEntry", "Sidecar", "DestinationRule":
			return StagePolicy, true
		}
		return StageRoute, true
	case "cilium.io", "security.istio.io", "lattice.dev":
		return StagePolicy, true
	case "policy", "scheduling.volcano.sh":
		return StageService, true
	case "keda.sh":
		if kind.Kind == "TriggerAuthentication" || kind.Kind == "ClusterTriggerAuthentication" {
			return StageConfig, true
		}
		return StageScaler, true
	case "autoscaling":
		return StageScaler, true
	case "gateway.networking.k8s.io", "operator.victoriametrics.com", "monitoring.coreos.com":
		return StageRoute, true
	case "admissionregistration.k8s.io":
		return StageWebhook, true
	}
	return 0, false
}

func stageOfCore(kind string) (int, bool) {
	switch kind {
	case "Namespace":
		return StageScope, true
	case "ConfigMap", "Secret", "ServiceAccount", "PersistentVolumeClaim", "PersistentVolume", "ResourceQuota",
		"LimitRange":
		return StageConfig, true
	case "Service", "Endpoints":
		return StageService, true
	}
	return 0, false
}

// compareOutputs orders outputs by stage, then by reference.
func compareOutputs(a, b *bundle.Output) int {
	if a.Stage != b.Stage {
		return a.Stage - b.Stage
	}
	return a.Ref.Compare(b.Ref)
}
