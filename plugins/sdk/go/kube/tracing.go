package kube

// TracingPolicyNamespaced is cilium.io/v1alpha1 TracingPolicyNamespaced of Tetragon.
type TracingPolicyNamespaced struct {
	Object
	Spec TracingPolicySpec `json:"spec"`
}

// TracingPolicySpec is the spec of a [TracingPolicyNamespaced].
type TracingPolicySpec struct {
	KProbes     []KProbe      `json:"kprobes"`
	PodSelector LabelSelector `json:"podSelector"`
}

// KProbe watches calls of one function of the kernel.
type KProbe struct {
	// Call is the name of the function.
	Call      string           `json:"call"`
	Syscall   bool             `json:"syscall"`
	Args      []KProbeArg      `json:"args,omitempty"`
	Selectors []KProbeSelector `json:"selectors,omitempty"`
}

// KProbeArg is an argument of the function that selectors compare.
type KProbeArg struct {
	Index int64  `json:"index"`
	Type  string `json:"type"`
	Label string `json:"label,omitempty"`
}

// KProbeSelector acts on calls whose arguments all match.
type KProbeSelector struct {
	MatchArgs    []KProbeMatch  `json:"matchArgs,omitempty"`
	MatchActions []KProbeAction `json:"matchActions,omitempty"`
}

// KProbeMatch compares one argument.
type KProbeMatch struct {
	Index    int64    `json:"index"`
	Operator string   `json:"operator"`
	Values   []string `json:"values,omitempty"`
}

// KProbeAction is what happens to the caller.
type KProbeAction struct {
	Action string `json:"action"`
}
