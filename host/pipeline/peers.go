package pipeline

import (
	"context"
	"slices"
	"strings"

	"github.com/latticenet/lattice-host/abi"
	"github.com/latticenet/lattice-host/abi/cbor"
	"github.com/latticenet/lattice-host/host/resource"
)

// Resolver finds the resources that a requirement asks for. It is safe for concurrent use.
type Resolver interface {
	// Resolve returns the resources, as documents with apiVersion, kind and metadata, in any order. It is not an error
	// that nothing matches.
	Resolve(ctx context.Context, step string, r abi.Requirement) ([]cbor.Raw, error)
}

// NewResolver returns a Resolver over documents. Of several documents of one reference, the first counts.
func NewResolver(documents []*resource.Document) Resolver { return newPeers(documents) }

// peer is one document as requirements see it.
type peer struct {
	ref    abi.Ref
	raw    cbor.Raw
	labels cbor.Map[string]
}

type kindKey struct{ apiVersion, kind string }

// peers is a Resolver over documents; those of one kind are sorted by namespace and name.
type peers map[kindKey][]peer

func newPeers(documents []*resource.Document) peers {
	index := peers{}
	for _, d := range documents {
		key := kindKey{d.Ref.APIVersion, d.Ref.Kind}
		index[key] = append(index[key], peer{d.Ref, d.CBOR(), d.Labels()})
	}
	for key, list := range index {
		slices.SortStableFunc(list, func(a, b peer) int { return a.ref.Compare(b.ref) })
		index[key] = slices.CompactFunc(list, func(a, b peer) bool { return a.ref == b.ref })
	}
	return index
}

// Resolve implements [Resolver].
func (p peers) Resolve(_ context.Context, _ string, r abi.Requirement) ([]cbor.Raw, error) {
	return p.match(r, abi.Ref{}), nil
}

// match returns what a requirement asks for, but not the document self.
func (p peers) match(r abi.Requirement, self abi.Ref) []cbor.Raw {
	var found []cbor.Raw
	for _, candidate := range p[kindKey{r.APIVersion, r.Kind}] {
		if candidate.ref != self && candidate.matches(r) {
			found = append(found, candidate.raw)
		}
	}
	return found
}

func (p *peer) matches(r abi.Requirement) bool {
	if r.Namespace != "" && p.ref.Namespace != r.Namespace || r.MatchName != "" && p.ref.Name != r.MatchName {
		return false
	}
	for _, want := range r.MatchLabels {
		if got := p.labels.Get(want.Key); got == nil || *got != want.Value {
			return false
		}
	}
	return true
}

// resolve answers a requirement from the other documents and then from the engine's own resolver; a document that both
// know comes from the documents.
func (d *derivation) resolve(ctx context.Context, step string, r abi.Requirement) ([]cbor.Raw, error) {
	found := d.peers.match(r, d.root.Ref)
	if d.engine.resolver == nil {
		return found, nil
	}
	more, err := d.engine.resolver.Resolve(ctx, step, r)
	if err != nil {
		return nil, err
	}
	all := make([]peer, 0, len(found)+len(more))
	for _, raw := range slices.Concat(found, more) {
		if ref := refOf(raw); ref != d.root.Ref {
			all = append(all, peer{ref: ref, raw: raw})
		}
	}
	slices.SortStableFunc(all, func(a, b peer) int { return a.ref.Compare(b.ref) })
	all = slices.CompactFunc(all, func(a, b peer) bool { return a.ref == b.ref })
	answer := make([]cbor.Raw, len(all))
	for i, p := range all {
		answer[i] = p.raw
	}
	return answer, nil
}

// requirementText names a requirement for people.
func requirementText(r abi.Requirement) string {
	var b strings.Builder
	b.WriteString(r.Name + " (" + abi.Ref{APIVersion: r.APIVersion, Kind: r.Kind}.GroupKind().String())
	if r.Namespace != "" {
		b.WriteString(" in " + r.Namespace)
	}
	if r.MatchName != "" {
		b.WriteString(" named " + r.MatchName)
	}
	separator := " with "
	for _, l := range r.MatchLabels {
		b.WriteString(separator + l.Key + "=" + l.Value)
		separator = ", "
	}
	return bounded(b.String(), 200) + ")"
}
