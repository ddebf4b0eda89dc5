package kube

import "github.com/latticenet/lattice-host/abi/cbor"

// ScaledObject is keda.sh/v1alpha1 ScaledObject.
type ScaledObject struct {
	Object
	Spec ScaledObjectSpec `json:"spec"`
}

// ScaledObjectSpec is the spec of a [ScaledObject].
type ScaledObjectSpec struct {
	ScaleTargetRef  ScaleTarget    `json:"scaleTargetRef"`
	MinReplicaCount *int64         `json:"minReplicaCount,omitempty"`
	MaxReplicaCount *int64         `json:"maxReplicaCount,omitempty"`
	Triggers        []ScaleTrigger `json:"triggers"`
}

// ScaleTarget names what is scaled.
type ScaleTarget struct {
	APIVersion string `json:"apiVersion,omitempty"`
	Kind       string `json:"kind,omitempty"`
	Name       string `json:"name"`
}

// ScaleTrigger is one reason to scale.
type ScaleTrigger struct {
	Type       string           `json:"type"`
	MetricType string           `json:"metricType,omitempty"`
	Metadata   cbor.Map[string] `json:"metadata"`
}
