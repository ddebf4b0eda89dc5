package kube

// PodGroup is scheduling.volcano.sh/v1beta1 PodGroup.
type PodGroup struct {
	Object
	Spec PodGroupSpec `json:"spec"`
}

// PodGroupSpec is the spec of a [PodGroup].
type PodGroupSpec struct {
	MinMember       int64            `json:"minMember"`
	NetworkTopology *NetworkTopology `json:"networkTopology,omitempty"`
}

// NetworkTopology bounds how far apart in the network the pods of a group run.
type NetworkTopology struct {
	// Mode is hard or soft.
	Mode               string `json:"mode"`
	HighestTierAllowed *int64 `json:"highestTierAllowed,omitempty"`
}
