// Package kube holds small typed builders for the objects that derivations emit: just the fields
// they set, written straight to CBOR. Keys are sorted, absent fields leave no trace, and there is
// no status.
package kube

import (
	"github.com/latticenet/lattice-host/abi"
	"github.com/latticenet/lattice-host/abi/cbor"
)

//go:generate go run github.com/latticenet/lattice-host/abi/codecgen -dir . -encode-only -roots ServiceAccount,ConfigMap,Secret,Service,PersistentVolumeClaim,PodDisruptionBudget,Deployment,StatefulSet,CiliumNetworkPolicy,CiliumEgress,AuthorizationPolicy,PeerAuthentication,ServiceEntry,Gateway,HTTPRoute,GRPCRoute,TCPRoute,Certificate,ScaledObject,PodGroup,ExternalSecret,ClusterSecretStore,WorkloadFields,VMServiceScrape,TracingPolicyNamespaced,VolcanoJob,VolcanoCronJob,VolcanoJobFields,VolcanoCronJobFields

// Labels are labels, annotations and other string maps.
type Labels = cbor.Map[string]

// TypeMeta says what an object is.
type TypeMeta struct {
	APIVersion string `json:"apiVersion"`
	Kind       string `json:"kind"`
}

// ObjectMeta is an object's metadata.
type ObjectMeta struct {
	Name        string           `json:"name,omitempty"`
	Namespace   string           `json:"namespace,omitempty"`
	Labels      cbor.Map[string] `json:"labels,omitempty"`
	Annotations cbor.Map[string] `json:"annotations,omitempty"`
}

// Object is the head of every object.
type Object struct {
	TypeMeta
	Metadata ObjectMeta `json:"metadata"`
}

// Ref implements the object interface of package sdk.
func (o *Object) Ref() abi.Ref {
	return abi.Ref{
		APIVersion: o.APIVersion, Kind: o.Kind, Namespace: o.Metadata.Namespace, Name: o.Metadata.Name,
	}
}

// NewObject returns the head of an object.
func NewObject(apiVersion, kind string, meta ObjectMeta) Object {
	return Object{TypeMeta: TypeMeta{APIVersion: apiVersion, Kind: kind}, Metadata: meta}
}

// LabelSelector selects objects by labels.
type LabelSelector struct {
	MatchLabels cbor.Map[string] `json:"matchLabels,omitempty"`
}

// IntOrString is a number, or text when Text is set.
type IntOrString struct {
	Number int64
	Text   string
}

// AppendCBOR appends the number or the text.
func (v *IntOrString) AppendCBOR(b []byte) []byte {
	if v.Text != "" {
		return cbor.AppendString(b, v.Text)
	}
	return cbor.AppendInt(b, v.Number)
}
