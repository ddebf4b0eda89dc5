package kube

import "github.com/latticenet/lattice-host/abi/cbor"

// CiliumNetworkPolicy is cilium.io/v2 CiliumNetworkPolicy.
type CiliumNetworkPolicy struct {
	Object
	Spec CiliumRule `json:"spec"`
}

// CiliumRule is the spec of a [CiliumNetworkPolicy].
type CiliumRule struct {
	EndpointSelector LabelSelector `json:"endpointSelector"`
	// EnableDefaultDeny closes a direction also where no rule names it.
	EnableDefaultDeny *CiliumDefaultDeny `json:"enableDefaultDeny,omitempty"`
	Ingress           []CiliumIngress    `json:"ingress,omitempty"`
	// Egress holds encoded [CiliumEgress] items, so that rules which another step wrote can stand
	// among a plugin's own.
	Egress []cbor.Raw `json:"egress,omitempty"`
}

// CiliumDefaultDeny says which directions are closed except for what rules allow. Without it a
// direction without rules is open.
type CiliumDefaultDeny struct {
	Ingress bool `json:"ingress"`
	Egress  bool `json:"egress"`
}

// CiliumIngress allows traffic to the endpoint.
type CiliumIngress struct {
	FromEndpoints []LabelSelector  `json:"fromEndpoints,omitempty"`
	FromEntities  []string         `json:"fromEntities,omitempty"`
	FromCIDR      []string         `json:"fromCIDR,omitempty"`
	ToPorts       []CiliumPortRule `json:"toPorts,omitempty"`
}

// CiliumEgress allows traffic from the endpoint.
type CiliumEgress struct {
	ToEndpoints []LabelSelector  `json:"toEndpoints,omitempty"`
	ToEntities  []string         `json:"toEntities,omitempty"`
	ToCIDR      []string         `json:"toCIDR,omitempty"`
	ToFQDNs     []CiliumFQDN     `json:"toFQDNs,omitempty"`
	ToPorts     []CiliumPortRule `json:"toPorts,omitempty"`
}

// CiliumFQDN selects a DNS name.
type CiliumFQDN struct {
	MatchName    string `json:"matchName,omitempty"`
	MatchPattern string `json:"matchPattern,omitempty"`
}

// CiliumPortRule limits a rule to ports.
type CiliumPortRule struct {
	Ports []CiliumPort   `json:"ports,omitempty"`
	Rules *CiliumL7Rules `json:"rules,omitempty"`
}

// CiliumPort is one port; Cilium wants the number as text.
type CiliumPort struct {
	Port     string `json:"port"`
	Protocol string `json:"protocol,omitempty"`
}

// CiliumL7Rules inspect the traffic itself.
type CiliumL7Rules struct {
	DNS []CiliumFQDN `json:"dns,omitempty"`
}
