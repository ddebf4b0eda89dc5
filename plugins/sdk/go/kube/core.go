package kube

import "github.com/latticenet/lattice-host/abi/cbor"

// ServiceAccount is v1 ServiceAccount.
type ServiceAccount struct {
	Object
	AutomountServiceAccountToken *bool `json:"automountServiceAccountToken,omitempty"`
}

// ConfigMap is v1 ConfigMap.
type ConfigMap struct {
	Object
	Data cbor.Map[string] `json:"data,omitempty"`
}

// Secret is v1 Secret.
type Secret struct {
	Object
	Type string `json:"type,omitempty"`
	// Data values are base64. There is no stringData: server-side apply does not remove what was
	// written through it.
	Data cbor.Map[string] `json:"data,omitempty"`
}

// Service is v1 Service.
type Service struct {
	Object
	Spec ServiceSpec `json:"spec"`
}

// ServiceSpec is the spec of a [Service].
type ServiceSpec struct {
	Type                     string           `json:"type,omitempty"`
	ClusterIP                string           `json:"clusterIP,omitempty"`
	PublishNotReadyAddresses *bool            `json:"publishNotReadyAddresses,omitempty"`
	Selector                 cbor.Map[string] `json:"selector,omitempty"`
	Ports                    []ServicePort    `json:"ports,omitempty"`
}

// ServicePort is one port of a [Service].
type ServicePort struct {
	Name       string       `json:"name,omitempty"`
	Port       int64        `json:"port"`
	TargetPort *IntOrString `json:"targetPort,omitempty"`
	Protocol   string       `json:"protocol,omitempty"`
}

// PersistentVolumeClaim is v1 PersistentVolumeClaim.
type PersistentVolumeClaim struct {
	Object
	Spec PersistentVolumeClaimSpec `json:"spec"`
}

// PersistentVolumeClaimSpec is the spec of a [PersistentVolumeClaim].
type PersistentVolumeClaimSpec struct {
	AccessModes      []string        `json:"accessModes,omitempty"`
	Resources        VolumeResources `json:"resources"`
	StorageClassName string          `json:"storageClassName,omitempty"`
}

// VolumeResources are the requests of a claim.
type VolumeResources struct {
	Requests cbor.Map[string] `json:"requests,omitempty"`
}

// PodDisruptionBudget is policy/v1 PodDisruptionBudget.
type PodDisruptionBudget struct {
	Object
	Spec PodDisruptionBudgetSpec `json:"spec"`
}

// PodDisruptionBudgetSpec is the spec of a [PodDisruptionBudget].
type PodDisruptionBudgetSpec struct {
	MinAvailable *IntOrString  `json:"minAvailable,omitempty"`
	Selector     LabelSelector `json:"selector"`
}

// Deployment is apps/v1 Deployment.
type Deployment struct {
	Object
	Spec DeploymentSpec `json:"spec"`
}

// DeploymentSpec is the spec of a [Deployment].
type DeploymentSpec struct {
	Replicas *int64              `json:"replicas,omitempty"`
	Selector LabelSelector       `json:"selector"`
	Strategy *DeploymentStrategy `json:"strategy,omitempty"`
	Template PodTemplate         `json:"template"`
}

// StatefulSet is apps/v1 StatefulSet.
type StatefulSet struct {
	Object
	Spec StatefulSetSpec `json:"spec"`
}

// StatefulSetSpec is the spec of a [StatefulSet].
type StatefulSetSpec struct {
	ServiceName          string                  `json:"serviceName,omitempty"`
	Replicas             *int64                  `json:"replicas,omitempty"`
	Selector             LabelSelector           `json:"selector"`
	Template             PodTemplate             `json:"template"`
	VolumeClaimTemplates []PersistentVolumeClaim `json:"volumeClaimTemplates,omitempty"`
}

// DeploymentStrategy says how pods are replaced.
type DeploymentStrategy struct {
	Type          string         `json:"type,omitempty"`
	RollingUpdate *RollingUpdate `json:"rollingUpdate,omitempty"`
}

// RollingUpdate bounds a rolling replacement.
type RollingUpdate struct {
	MaxUnavailable *IntOrString `json:"maxUnavailable,omitempty"`
	MaxSurge       *IntOrString `json:"maxSurge,omitempty"`
}
