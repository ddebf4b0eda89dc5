package lattice

import "github.com/latticenet/lattice-host/abi/cbor"

// ObjectMeta is the part of a Kubernetes object's metadata that a derivation may use. What a server
// or client keeps books in is not: the same document would be another one after it was applied.
type ObjectMeta struct {
	// Name is a DNS label.
	Name string `json:"name"`
	// Namespace is a DNS label; the host fills in "default".
	Namespace string `json:"namespace,omitempty"`
	// Labels and Annotations are carried for templates and selectors. The host takes out
	// annotations in which clients keep books.
	Labels      cbor.Map[string] `json:"labels,omitempty"`
	Annotations cbor.Map[string] `json:"annotations,omitempty"`
}

// LatticeService describes one long-running workload.
type LatticeService struct {
	APIVersion string      `json:"apiVersion"`
	Kind       string      `json:"kind"`
	Metadata   ObjectMeta  `json:"metadata"`
	Spec       ServiceSpec `json:"spec"`
}

// LatticeMeshMember describes one participant of the service mesh.
type LatticeMeshMember struct {
	APIVersion string     `json:"apiVersion"`
	Kind       string     `json:"kind"`
	Metadata   ObjectMeta `json:"metadata"`
	Spec       MemberSpec `json:"spec"`
}

// LatticeJob describes work that ends: tasks of pods that Volcano schedules together.
type LatticeJob struct {
	APIVersion string     `json:"apiVersion"`
	Kind       string     `json:"kind"`
	Metadata   ObjectMeta `json:"metadata"`
	Spec       JobSpec    `json:"spec"`
}

// SecretProvider describes a store that has secrets.
type SecretProvider struct {
	APIVersion string       `json:"apiVersion"`
	Kind       string       `json:"kind"`
	Metadata   ObjectMeta   `json:"metadata"`
	Spec       ProviderSpec `json:"spec"`
}
