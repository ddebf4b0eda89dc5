package facts

import (
	"sync"

	"github.com/latticenet/lattice-host/abi"
	"github.com/latticenet/lattice-host/internal/outputkind"
)

// kind says how the outputs of a kind are read.
type kind struct {
	outputkind.Kind
	// read asks what only this kind can ask; nil when there is no such thing.
	read func(*reader, node)
}

// kindOf returns how a kind is read. A version that is not listed may have another form, and a kind
// without versions has power beyond what its reader asks about: both are asked about as a whole,
// too. All known kinds live in a namespace.
func kindOf(r abi.Ref) (k kind, known bool) {
	row, known := outputkind.OfRef(r)
	if !known {
		return kind{read: readers()[r.GroupKind().String()]}, false
	}
	return kind{row, readers()[row.String()]}, true
}

// readers returns what asks about one kind alone.
var readers = sync.OnceValue(func() map[string]func(*reader, node) {
	return map[string]func(*reader, node){
		"Secret":                                       (*reader).secret,
		"ServiceAccount":                               (*reader).serviceAccount,
		"Service":                                      (*reader).service,
		"PersistentVolumeClaim":                        (*reader).claim,
		"PodGroup.scheduling.volcano.sh":               (*reader).podGroup,
		"PodDisruptionBudget.policy":                   (*reader).budget,
		"HorizontalPodAutoscaler.autoscaling":          (*reader).podAutoscaler,
		"ScaledObject.keda.sh":                         (*reader).scaledObject,
		"TriggerAuthentication.keda.sh":                (*reader).triggerAuthentication,
		"Certificate.cert-manager.io":                  (*reader).certificate,
		externalSecret:                                 (*reader).externalSecret,
		"ClusterSecretStore.external-secrets.io":       (*reader).clusterSecretStore,
		"StatefulSet.apps":                             (*reader).statefulSet,
		"Job.batch.volcano.sh":                         (*reader).volcanoJob,
		"CronJob.batch.volcano.sh":                     (*reader).volcanoCronJob,
		"ScaledJob.keda.sh":                            (*reader).scaledJob,
		"CiliumNetworkPolicy.cilium.io":                (*reader).ciliumPolicy,
		"TracingPolicyNamespaced.cilium.io":            (*reader).tracingPolicy,
		"VMServiceScrape.operator.victoriametrics.com": (*reader).serviceScrape,
		"NetworkPolicy.networking.k8s.io":              (*reader).networkPolicy,
		"AuthorizationPolicy.security.istio.io":        (*reader).authorizationPolicy,
		"PeerAuthentication.security.istio.io":         (*reader).peerAuthentication,
		"ServiceEntry.networking.istio.io":             (*reader).serviceEntry,
		"Gateway.gateway.networking.k8s.io":            (*reader).gateway,
		"HTTPRoute.gateway.networking.k8s.io":          (*reader).route,
		"GRPCRoute.gateway.networking.k8s.io":          (*reader).route,
		"TCPRoute.gateway.networking.k8s.io":           (*reader).route,
		"LatticeMeshMember.lattice.dev":                (*reader).meshMember,
	}
})
