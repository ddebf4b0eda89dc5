package kube

import "github.com/latticenet/lattice-host/abi/cbor"

// ExternalSecret is external-secrets.io/v1 ExternalSecret.
type ExternalSecret struct {
	Object
	Spec ExternalSecretSpec `json:"spec"`
}

// ExternalSecretSpec is the spec of an [ExternalSecret].
type ExternalSecretSpec struct {
	RefreshInterval string               `json:"refreshInterval,omitempty"`
	SecretStoreRef  SecretStoreRef       `json:"secretStoreRef"`
	Target          ExternalSecretTarget `json:"target"`
	// Data has one item a key, DataFrom all keys of a secret.
	Data     []ExternalSecretData     `json:"data,omitempty"`
	DataFrom []ExternalSecretDataFrom `json:"dataFrom,omitempty"`
}

// SecretStoreRef names a store.
type SecretStoreRef struct {
	Kind string `json:"kind"`
	Name string `json:"name"`
}

// ExternalSecretTarget is the Secret that is made.
type ExternalSecretTarget struct {
	Name     string                  `json:"name"`
	Template *ExternalSecretTemplate `json:"template,omitempty"`
}

// ExternalSecretTemplate says what is written into the Secret. With Data, only the keys of Data
// are.
type ExternalSecretTemplate struct {
	EngineVersion string           `json:"engineVersion"`
	Type          string           `json:"type,omitempty"`
	Metadata      TemplateMetadata `json:"metadata"`
	Data          cbor.Map[string] `json:"data,omitempty"`
}

// TemplateMetadata is the metadata of the Secret; without a template it is that of the
// [ExternalSecret].
type TemplateMetadata struct {
	Labels cbor.Map[string] `json:"labels,omitempty"`
}

// ExternalSecretData fetches one key.
type ExternalSecretData struct {
	SecretKey string    `json:"secretKey"`
	RemoteRef RemoteRef `json:"remoteRef"`
}

// RemoteRef names a secret of the store, and a property of it.
type RemoteRef struct {
	Key      string `json:"key"`
	Property string `json:"property,omitempty"`
}

// ExternalSecretDataFrom fetches every key of a secret.
type ExternalSecretDataFrom struct {
	Extract RemoteRef `json:"extract"`
}

// ClusterSecretStore is external-secrets.io/v1 ClusterSecretStore.
type ClusterSecretStore struct {
	Object
	Spec ClusterSecretStoreSpec `json:"spec"`
}

// ClusterSecretStoreSpec is the spec of a [ClusterSecretStore].
type ClusterSecretStoreSpec struct {
	// Provider has one key, the kind of the store.
	Provider cbor.Map[cbor.Raw] `json:"provider"`
	// Conditions say which namespaces may use the store; none means all.
	Conditions []StoreCondition `json:"conditions,omitempty"`
}

// StoreCondition selects namespaces.
type StoreCondition struct {
	Namespaces []string `json:"namespaces,omitempty"`
}

// WorkloadFields are what a step adds to the pods of a workload that another step owns.
type WorkloadFields struct {
	Metadata FieldsMetadata     `json:"metadata"`
	Spec     WorkloadFieldsSpec `json:"spec"`
}

// FieldsMetadata are annotations that a step adds to an object that another step owns.
type FieldsMetadata struct {
	Annotations cbor.Map[string] `json:"annotations,omitempty"`
}

// WorkloadFieldsSpec is the spec of [WorkloadFields].
type WorkloadFieldsSpec struct {
	Template PodTemplateFields `json:"template"`
}

// PodTemplateFields are what a step adds to a pod template.
type PodTemplateFields struct {
	Metadata FieldsMetadata `json:"metadata"`
	Spec     PodFields      `json:"spec"`
}

// PodFields are what a step adds to a pod.
type PodFields struct {
	ImagePullSecrets []LocalReference  `json:"imagePullSecrets,omitempty"`
	InitContainers   []ContainerFields `json:"initContainers,omitempty"`
	Containers       []ContainerFields `json:"containers,omitempty"`
	Volumes          []Volume          `json:"volumes,omitempty"`
}

// ContainerFields are what a step adds to the container of a name.
type ContainerFields struct {
	Name         string          `json:"name"`
	EnvFrom      []EnvFromSource `json:"envFrom,omitempty"`
	Env          []EnvVar        `json:"env,omitempty"`
	VolumeMounts []VolumeMount   `json:"volumeMounts,omitempty"`
}
