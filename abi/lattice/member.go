package lattice

import "github.com/latticenet/lattice-host/abi/cbor"

// MemberSpec is the spec of a [LatticeMeshMember].
type MemberSpec struct {
	// Target selects the member's pods.
	Target MemberTarget `json:"target"`
	// Ports are what the member serves.
	Ports []MemberPort `json:"ports,omitempty"`
	// AllowedCallers may call the member. A name of * allows every caller.
	AllowedCallers []MemberRef `json:"allowedCallers,omitempty"`
	// Dependencies are the members that this one calls.
	Dependencies []MemberRef `json:"dependencies,omitempty"`
	// Egress are targets outside the mesh.
	Egress []EgressRule `json:"egress,omitempty"`
	// AllowPeerTraffic lets the member's pods call each other.
	AllowPeerTraffic bool `json:"allowPeerTraffic,omitempty"`
	// DependsAll makes every member a dependency.
	DependsAll bool `json:"dependsAll,omitempty"`
	// Ingress publishes routes to the member.
	Ingress *Ingress `json:"ingress,omitempty"`
	// ServiceAccount is the identity of the pods; default the member's name.
	ServiceAccount string `json:"serviceAccount,omitempty"`
	// Ambient says that the pods are in the ambient mesh. Default true.
	Ambient *bool `json:"ambient,omitempty"`
	// Advertise makes the member known to other clusters.
	Advertise *Advertise `json:"advertise,omitempty"`
}

// MemberTarget is either a selector or a namespace.
type MemberTarget struct {
	Selector  cbor.Map[string] `json:"selector,omitempty"`
	Namespace string           `json:"namespace,omitempty"`
}

// MemberPort is one port of a member.
type MemberPort struct {
	// Port is the pods' port.
	Port int64 `json:"port"`
	// ServicePort is the port of the Service in front, when it differs.
	ServicePort *int64 `json:"servicePort,omitempty"`
	// Name is a DNS label.
	Name string `json:"name"`
	// PeerAuth is Strict (default), Permissive or Webhook.
	PeerAuth string `json:"peerAuth,omitempty"`
}

// MemberRef names a member; without a namespace, one in the namespace of the document.
type MemberRef struct {
	Name      string `json:"name"`
	Namespace string `json:"namespace,omitempty"`
}

// EgressRule allows traffic to one target outside the mesh.
type EgressRule struct {
	Target EgressTarget `json:"target"`
	Ports  []int64      `json:"ports,omitempty"`
	// Protocol is TCP (default) or UDP.
	Protocol string `json:"protocol,omitempty"`
}

// EgressTarget is exactly one of a Cilium entity, a CIDR block and a host name.
type EgressTarget struct {
	Entity string `json:"entity,omitempty"`
	CIDR   string `json:"cidr,omitempty"`
	FQDN   string `json:"fqdn,omitempty"`
}
