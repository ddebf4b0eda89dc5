package kube

import "github.com/latticenet/lattice-host/abi/cbor"

// AuthorizationPolicy is security.istio.io/v1 AuthorizationPolicy.
type AuthorizationPolicy struct {
	Object
	Spec AuthorizationPolicySpec `json:"spec"`
}

// AuthorizationPolicySpec is the spec of an [AuthorizationPolicy].
type AuthorizationPolicySpec struct {
	Selector   *LabelSelector      `json:"selector,omitempty"`
	TargetRefs []PolicyTarget      `json:"targetRefs,omitempty"`
	Action     string              `json:"action,omitempty"`
	Rules      []AuthorizationRule `json:"rules,omitempty"`
}

// PolicyTarget names what a policy applies to.
type PolicyTarget struct {
	Group string `json:"group"`
	Kind  string `json:"kind"`
	Name  string `json:"name"`
}

// AuthorizationRule matches requests.
type AuthorizationRule struct {
	From []AuthorizationFrom `json:"from,omitempty"`
	To   []AuthorizationTo   `json:"to,omitempty"`
}

// AuthorizationFrom matches who sends.
type AuthorizationFrom struct {
	Source AuthorizationSource `json:"source"`
}

// AuthorizationSource names senders.
type AuthorizationSource struct {
	Principals []string `json:"principals,omitempty"`
}

// AuthorizationTo matches what is asked for.
type AuthorizationTo struct {
	Operation AuthorizationOperation `json:"operation"`
}

// AuthorizationOperation names ports, as text.
type AuthorizationOperation struct {
	Ports []string `json:"ports,omitempty"`
}

// PeerAuthentication is security.istio.io/v1 PeerAuthentication.
type PeerAuthentication struct {
	Object
	Spec PeerAuthenticationSpec `json:"spec"`
}

// PeerAuthenticationSpec is the spec of a [PeerAuthentication].
type PeerAuthenticationSpec struct {
	Selector *LabelSelector `json:"selector,omitempty"`
	MTLS     *MTLS          `json:"mtls,omitempty"`
	// PortLevelMTLS is keyed by the port number, as text.
	PortLevelMTLS cbor.Map[MTLS] `json:"portLevelMtls,omitempty"`
}

// MTLS is a mode of mutual TLS.
type MTLS struct {
	Mode string `json:"mode"`
}

// ServiceEntry is networking.istio.io/v1 ServiceEntry.
type ServiceEntry struct {
	Object
	Spec ServiceEntrySpec `json:"spec"`
}

// ServiceEntrySpec is the spec of a [ServiceEntry].
type ServiceEntrySpec struct {
	Hosts []string `json:"hosts"`
	// ExportTo are the namespaces that see the entry, . for its own; none means all.
	ExportTo   []string           `json:"exportTo,omitempty"`
	Addresses  []string           `json:"addresses,omitempty"`
	Location   string             `json:"location,omitempty"`
	Resolution string             `json:"resolution,omitempty"`
	Ports      []ServiceEntryPort `json:"ports,omitempty"`
	Endpoints  []WorkloadEntry    `json:"endpoints,omitempty"`
}

// ServiceEntryPort is one port of a [ServiceEntry].
type ServiceEntryPort struct {
	Number   int64  `json:"number"`
	Name     string `json:"name"`
	Protocol string `json:"protocol,omitempty"`
}

// WorkloadEntry is one address of a [ServiceEntry].
type WorkloadEntry struct {
	Address string `json:"address"`
}
