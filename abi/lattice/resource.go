package lattice

import "github.com/latticenet/lattice-host/abi/cbor"

// Resource is something that a workload uses or offers.
type Resource struct {
	// Type is service, external-service, volume, secret, gpu, existing-secret, existing-configmap
	// or a custom type.
	//
	//kind:maxLength 63
	Type string `json:"type"`
	// Class selects a variant of the type.
	Class string `json:"class,omitempty"`
	// ID names the resource outside this document.
	//
	//kind:maxLength 253
	ID string `json:"id,omitempty"`
	// Metadata carries annotations for provisioners.
	Metadata *ResourceMetadata `json:"metadata,omitempty"`
	// Params depend on the type.
	Params *ResourceParams `json:"params,omitempty"`
	// Direction of a service resource: outbound (default), inbound or both.
	//
	//kind:enum outbound inbound both
	//kind:default "outbound"
	Direction string `json:"direction,omitempty"`
	// Namespace of a service resource; default the document's own.
	//
	//kind:maxLength 63
	Namespace string `json:"namespace,omitempty"`
}

// ResourceMetadata carries annotations for provisioners.
type ResourceMetadata struct {
	// Annotations are what the provisioner reads.
	//
	//kind:values.maxLength 262144
	Annotations cbor.Map[string] `json:"annotations,omitempty"`
}

// ResourceParams are the parameters of a resource; which ones apply depends on its type. Custom
// holds those of custom types, as they were written.
//
//kind:free
type ResourceParams struct {
	// Provider of a secret: the store that has it.
	Provider string `json:"provider,omitempty"`
	// Keys of a secret: those that the workload needs.
	Keys []string `json:"keys,omitempty"`
	// RefreshInterval of a secret: how often it is fetched, such as 1h.
	RefreshInterval string `json:"refreshInterval,omitempty"`
	// SecretType of a secret: the type of the Secret that is made.
	SecretType string `json:"secretType,omitempty"`
	// Size of a volume, such as 10Gi. A volume with a size is owned by this document.
	Size string `json:"size,omitempty"`
	// StorageClass of a volume.
	StorageClass string `json:"storageClass,omitempty"`
	// AccessMode of a volume: ReadWriteOnce (default), ReadWriteOncePod, ReadWriteMany or
	// ReadOnlyMany.
	AccessMode string `json:"accessMode,omitempty"`
	// Scratch makes a volume a directory that is empty at first and ends with its pod. Containers
	// share it at any path.
	Scratch *bool `json:"scratch,omitempty"`
	// PerReplica gives each replica a volume of its own, and makes the service a StatefulSet.
	PerReplica *bool `json:"perReplica,omitempty"`
	// Medium of a scratch volume: empty, or Memory.
	Medium string `json:"medium,omitempty"`
	// SizeLimit of a scratch volume, such as 1Gi.
	SizeLimit string `json:"sizeLimit,omitempty"`
	// AllowedConsumers of a volume: the services that may use it, as namespace/name or *.
	AllowedConsumers []string `json:"allowedConsumers,omitempty"`
	// Endpoints of an external service: URLs by name.
	Endpoints cbor.Map[string] `json:"endpoints,omitempty"`
	// Resolution of an external service: dns or static.
	Resolution string `json:"resolution,omitempty"`
	// Count of GPUs that a pod gets.
	Count *int64 `json:"count,omitempty"`
	// Memory of a GPU share: 20Gi, 512Mi or a number of MiB.
	Memory string `json:"memory,omitempty"`
	// Compute of a GPU share, in percent.
	Compute *int64 `json:"compute,omitempty"`
	// Model of the GPU.
	Model string `json:"model,omitempty"`
	// Tolerations of the taints of GPU nodes. Default true.
	Tolerations *bool `json:"tolerations,omitempty"`
	// Custom holds the parameters of a resource of a custom type.
	Custom cbor.Map[cbor.Raw] `json:"custom,omitempty"`
}
