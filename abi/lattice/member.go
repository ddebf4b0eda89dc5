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
	//
	//kind:maxLength 253
	ServiceAccount string `json:"serviceAccount,omitempty"`
	// PodNames is the headless Service below which single pods of the member have names: callers
	// may look those up.
	//
	//kind:maxLength 63
	PodNames string `json:"podNames,omitempty"`
	// Ambient says that the pods are in the ambient mesh. Default true.
	Ambient *bool `json:"ambient,omitempty"`
	// Advertise makes the member known to other clusters.
	Advertise *Advertise `json:"advertise,omitempty"`
}

// MemberTarget is either a selector or a namespace.
type MemberTarget struct {
	// Selector is the labels of the pods.
	//
	//kind:maxProperties 64
	//kind:values.maxLength 63
	Selector cbor.Map[string] `json:"selector,omitempty"`
	// Namespace means all pods of a namespace.
	//
	//kind:maxLength 63
	Namespace string `json:"namespace,omitempty"`
}

// MemberPort is one port of a member.
type MemberPort struct {
	// Port is the pods' port.
	//
	//kind:minimum 1
	//kind:maximum 65535
	Port int64 `json:"port"`
	// ServicePort is the port of the Service in front, when it differs.
	//
	//kind:minimum 1
	//kind:maximum 65535
	ServicePort *int64 `json:"servicePort,omitempty"`
	// Name is a DNS label.
	//
	//kind:maxLength 63
	Name string `json:"name"`
	// PeerAuth is Strict (default), Permissive or Webhook.
	//
	//kind:enum Strict Permissive Webhook
	//kind:default "Strict"
	PeerAuth string `json:"peerAuth,omitempty"`
	// Protocol is TCP (default), UDP or SCTP.
	//
	//kind:enum TCP UDP SCTP
	//kind:default "TCP"
	Protocol string `json:"protocol,omitempty"`
	// External admits callers from outside the cluster to a Permissive port, as a LoadBalancer
	// needs.
	External bool `json:"external,omitempty"`
}

// MemberRef names a member; without a namespace, one in the namespace of the document.
type MemberRef struct {
	// Name is the name of the member, or * for every caller.
	//
	//kind:maxLength 253
	Name string `json:"name"`
	// Namespace is that of the member; default the document's.
	//
	//kind:maxLength 63
	Namespace string `json:"namespace,omitempty"`
}

// EgressRule allows traffic to one target outside the mesh.
type EgressRule struct {
	// Target is what may be reached.
	Target EgressTarget `json:"target"`
	// Ports are the ports of the target; none means all.
	//
	//kind:items.minimum 1
	//kind:items.maximum 65535
	Ports []int64 `json:"ports,omitempty"`
	// Protocol is TCP (default) or UDP.
	//
	//kind:enum TCP UDP
	//kind:default "TCP"
	Protocol string `json:"protocol,omitempty"`
}

// EgressTarget is exactly one of a Cilium entity, a CIDR block and a host name.
type EgressTarget struct {
	// Entity is one that Cilium knows, such as world.
	//
	//kind:enum all world host remote-node cluster init health unmanaged kube-apiserver ingress none
	Entity string `json:"entity,omitempty"`
	// CIDR is a block of addresses such as 10.0.0.0/8.
	//
	//kind:maxLength 64
	CIDR string `json:"cidr,omitempty"`
	// FQDN is a host name, or *.example.com.
	//
	//kind:maxLength 255
	FQDN string `json:"fqdn,omitempty"`
}
