package facts

import "github.com/latticenet/lattice-host/abi"

// kind says how the outputs of a kind are read.
type kind struct {
	// read asks what only this kind can ask; nil when there is no such thing.
	read func(*reader, node)
	// pods are the paths of pod specs; an asterisk stands for every item of a list.
	pods []string
	// data says that the object holds texts that nothing acts on.
	data bool
}

// kindOf returns how a kind is read. A version that is not listed may have another form. All listed kinds live in a
// namespace, and none of them has power beyond what their readers ask about.
func kindOf(r abi.Ref) (k kind, known bool) {
	switch r.APIVersion + " " + r.Kind {
	case "v1 ConfigMap":
		return kind{data: true}, true
	case "v1 Secret":
		return kind{data: true, read: (*reader).secret}, true
	case "v1 ServiceAccount":
		return kind{read: (*reader).serviceAccount}, true
	case "v1 Service":
		return kind{read: (*reader).service}, true
	case "v1 PersistentVolumeClaim":
		return kind{read: (*reader).claim}, true
	case "scheduling.volcano.sh/v1beta1 PodGroup":
		return kind{read: (*reader).podGroup}, true
	case "policy/v1 PodDisruptionBudget":
		return kind{read: (*reader).budget}, true
	case "autoscaling/v1 HorizontalPodAutoscaler", "autoscaling/v2 HorizontalPodAutoscaler":
		return kind{read: (*reader).podAutoscaler}, true
	case "keda.sh/v1alpha1 ScaledObject":
		return kind{read: (*reader).scaledObject}, true
	case "keda.sh/v1alpha1 TriggerAuthentication":
		return kind{read: (*reader).triggerAuthentication}, true
	case "external-secrets.io/v1 ExternalSecret", "external-secrets.io/v1beta1 ExternalSecret":
		return kind{read: (*reader).externalSecret}, true
	}
	if k, known = workloadKind(r); known {
		return k, true
	}
	return networkKind(r)
}

// workloadKind returns how kinds that run pods are read.
func workloadKind(r abi.Ref) (kind, bool) {
	const template = "spec.template.spec"
	switch r.APIVersion + " " + r.Kind {
	case "v1 Pod":
		return kind{pods: []string{"spec"}}, true
	case "apps/v1 Deployment", "apps/v1 ReplicaSet", "apps/v1 DaemonSet", "batch/v1 Job", "v1 ReplicationController":
		return kind{pods: []string{template}}, true
	case "apps/v1 StatefulSet":
		return kind{pods: []string{template}, read: (*reader).statefulSet}, true
	case "batch/v1 CronJob":
		return kind{pods: []string{"spec.jobTemplate." + template}}, true
	case "batch.volcano.sh/v1alpha1 Job":
		return kind{pods: []string{"spec.tasks.*.template.spec"}, read: (*reader).volcanoJob}, true
	case "batch.volcano.sh/v1alpha1 CronJob":
		return kind{pods: []string{"spec.jobTemplate.spec.tasks.*.template.spec"}, read: (*reader).volcanoCronJob}, true
	case "keda.sh/v1alpha1 ScaledJob":
		return kind{pods: []string{"spec.jobTargetRef.template.spec"}, read: (*reader).scaledJob}, true
	}
	return kind{}, false
}

// networkKind returns how kinds that open the network are read.
func networkKind(r abi.Ref) (kind, bool) {
	switch r.APIVersion + " " + r.Kind {
	case "cilium.io/v2 CiliumNetworkPolicy":
		return kind{read: (*reader).ciliumPolicy}, true
	case "cilium.io/v1alpha1 TracingPolicyNamespaced":
		return kind{read: (*reader).tracingPolicy}, true
	case "networking.k8s.io/v1 NetworkPolicy":
		return kind{read: (*reader).networkPolicy}, true
	case "security.istio.io/v1 AuthorizationPolicy", "security.istio.io/v1beta1 AuthorizationPolicy":
		return kind{read: (*reader).authorizationPolicy}, true
	case "security.istio.io/v1 PeerAuthentication", "security.istio.io/v1beta1 PeerAuthentication":
		return kind{read: (*reader).peerAuthentication}, true
	case "networking.istio.io/v1 ServiceEntry", "networking.istio.io/v1beta1 ServiceEntry",
		"networking.istio.io/v1alpha3 ServiceEntry":
		return kind{read: (*reader).serviceEntry}, true
	case "gateway.networking.k8s.io/v1 Gateway", "gateway.networking.k8s.io/v1beta1 Gateway":
		return kind{read: (*reader).gateway}, true
	case "gateway.networking.k8s.io/v1 HTTPRoute", "gateway.networking.k8s.io/v1beta1 HTTPRoute",
		"gateway.networking.k8s.io/v1 GRPCRoute", "gateway.networking.k8s.io/v1 TCPRoute",
		"gateway.networking.k8s.io/v1alpha2 TCPRoute":
		return kind{read: (*reader).route}, true
	case "lattice.dev/v1alpha1 LatticeMeshMember":
		return kind{read: (*reader).meshMember}, true
	}
	return kind{}, false
}
