package mesh

import (
	"github.com/latticenet/lattice-host/abi/cbor"
	sdk "github.com/latticenet/lattice-host/plugins/sdk/go"
	"github.com/latticenet/lattice-host/plugins/sdk/go/kube"
)

// EgressKey is the context key under which an egress step leaves an [Egress] for the step that
// writes the network policy.
const EgressKey = "egress"

// Egress is what a member's network policy says about targets outside the mesh.
type Egress struct {
	// DNS are the names that the pods must be able to look up, in the order of the rules. A name
	// that begins with an asterisk is a pattern.
	DNS []string
	// Rules are encoded [kube.CiliumEgress] items.
	Rules []cbor.Raw
}

// AppendCBOR implements the encoder interface of package abi.
func (e *Egress) AppendCBOR(b []byte) []byte {
	o := cbor.BeginObject(b)
	o.OptStrings("dns", e.DNS)
	o.Key("rules")
	o.B = cbor.AppendList(o.B, e.Rules, func(b []byte, r *cbor.Raw) []byte { return cbor.AppendRaw(b, *r) })
	return o.End()
}

// Add appends a rule.
func (e *Egress) Add(rule *kube.CiliumEgress) { e.Rules = append(e.Rules, rule.AppendCBOR(nil)) }

// ReadEgress reads what a step left, and whether one did.
func ReadEgress(req *sdk.Request) (e Egress, left bool) {
	v, left := req.ContextValue(EgressKey)
	for name := range v.Get("dns").Items() {
		e.DNS = append(e.DNS, name.String())
	}
	for rule := range v.Get("rules").Items() {
		e.Rules = append(e.Rules, cbor.Raw(rule))
	}
	return e, left
}

// dnsPort is where name servers listen.
const dnsPort = "53"

// DNS lets pods look up names at the cluster's name servers: these, or all names when the list is
// empty.
func DNS(names []string) *kube.CiliumEgress {
	rule := kube.CiliumPortRule{Ports: []kube.CiliumPort{{Port: dnsPort, Protocol: UDP}, {Port: dnsPort, Protocol: TCP}}}
	if len(names) > 0 {
		rule.Rules = &kube.CiliumL7Rules{}
		for _, name := range names {
			rule.Rules.DNS = append(rule.Rules.DNS, CiliumName(name))
		}
	}
	return &kube.CiliumEgress{ToEndpoints: []kube.LabelSelector{KubeDNS()}, ToPorts: []kube.CiliumPortRule{rule}}
}
