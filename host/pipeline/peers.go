package pipeline

import (
	"context"
	"slices"
	"sort"
	"strings"

	"github.com/latticenet/lattice-host/abi"
	"github.com/latticenet/lattice-host/abi/cbor"
	"github.com/latticenet/lattice-host/abi/lattice"
	"github.com/latticenet/lattice-host/host/resource"
)

// Resolver finds the resources that a requirement asks for. It is safe for concurrent use.
type Resolver interface {
	// Resolve returns the resources, as documents with apiVersion, kind and metadata, in any order.
	// It is not an error that nothing matches.
	Resolve(ctx context.Context, step string, r abi.Requirement) ([]cbor.Raw, error)
}

// peer is one document as requirements see it.
type peer struct {
	ref abi.Ref
	raw cbor.Raw
}

type kindKey struct{ apiVersion, kind string }

// peers finds documents by what requirements ask for. Of several documents of one reference, the
// first counts.
type peers map[kindKey]*kindPeers

// kindPeers are the documents of one kind, each once. In a fleet of thousands, a requirement for
// one of them must not look at all of them.
type kindPeers struct {
	// all is sorted by namespace, then name; so are those of one name.
	all    []*peer
	byName map[string][]*peer
}

func newPeers(documents []*resource.Document) peers {
	index := peers{}
	for _, d := range documents {
		key := kindKey{d.Ref.APIVersion, d.Ref.Kind}
		if index[key] == nil {
			index[key] = &kindPeers{byName: map[string][]*peer{}}
		}
		index[key].all = append(index[key].all, &peer{d.Ref, d.CBOR()})
	}
	for _, k := range index {
		slices.SortStableFunc(k.all, func(a, b *peer) int { return a.ref.Compare(b.ref) })
		k.all = slices.CompactFunc(k.all, func(a, b *peer) bool { return a.ref == b.ref })
		for _, p := range k.all {
			k.byName[p.ref.Name] = append(k.byName[p.ref.Name], p)
		}
	}
	return index
}

// put adds a document, of which there must be none.
func (p peers) put(d *resource.Document) {
	key := kindKey{d.Ref.APIVersion, d.Ref.Kind}
	if p[key] == nil {
		p[key] = &kindPeers{byName: map[string][]*peer{}}
	}
	added := &peer{d.Ref, d.CBOR()}
	p[key].all = inserted(p[key].all, added)
	p[key].byName[d.Ref.Name] = inserted(p[key].byName[d.Ref.Name], added)
}

// remove removes a document.
func (p peers) remove(ref abi.Ref) {
	k := p[kindKey{ref.APIVersion, ref.Kind}]
	if k == nil {
		return
	}
	k.all = without(k.all, ref)
	if k.byName[ref.Name] = without(k.byName[ref.Name], ref); len(k.byName[ref.Name]) == 0 {
		delete(k.byName, ref.Name)
	}
}

// place returns where a document is, or would be, in a sorted list.
func place(list []*peer, ref abi.Ref) (int, bool) {
	return slices.BinarySearchFunc(list, ref, func(p *peer, ref abi.Ref) int { return p.ref.Compare(ref) })
}

func inserted(list []*peer, p *peer) []*peer {
	at, _ := place(list, p.ref)
	return slices.Insert(list, at, p)
}

func without(list []*peer, ref abi.Ref) []*peer {
	if at, found := place(list, ref); found {
		return slices.Delete(list, at, at+1)
	}
	return list
}

// match returns what a requirement asks for, but not the document self, sorted by namespace and
// name.
func (p peers) match(r abi.Requirement, self abi.Ref) []cbor.Raw {
	k := p[kindKey{r.APIVersion, r.Kind}]
	if k == nil {
		return nil
	}
	var found []cbor.Raw
	for _, candidate := range k.candidates(r.Namespace, r.MatchName) {
		if candidate.ref != self && candidate.labeled(r.MatchLabels) {
			found = append(found, candidate.raw)
		}
	}
	return found
}

// candidates returns the documents of a namespace and a name, sorted by namespace and name. An
// empty string matches any.
func (k *kindPeers) candidates(namespace, name string) []*peer {
	found := k.all
	if name != "" {
		found = k.byName[name]
	}
	if namespace != "" {
		found = inNamespace(found, namespace)
	}
	return found
}

// inNamespace returns the part of a list, sorted by namespace, that is in one.
func inNamespace(list []*peer, namespace string) []*peer {
	from := sort.Search(len(list), func(i int) bool { return list[i].ref.Namespace >= namespace })
	to := sort.Search(len(list), func(i int) bool { return list[i].ref.Namespace > namespace })
	return list[from:to]
}

// labeled reports whether the document has all of these labels, or owns the volumes that they stand
// for.
func (p *peer) labeled(labels cbor.Map[string]) bool {
	for _, want := range labels {
		if !lattice.HasLabel(p.raw, want.Key, want.Value) {
			return false
		}
	}
	return true
}

// resolve answers a requirement from the other documents and then from the engine's own resolver; a
// document that both know comes from the documents.
func (d *derivation) resolve(ctx context.Context, step string, r abi.Requirement) ([]cbor.Raw, error) {
	found := d.peers.match(r, d.root.Ref)
	if d.engine.resolver == nil {
		return found, nil
	}
	more, err := d.engine.resolver.Resolve(ctx, step, r)
	if err != nil {
		return nil, err
	}
	more = slices.DeleteFunc(more, func(raw cbor.Raw) bool { return abi.RefOf(raw) == d.root.Ref })
	return sortedDocuments(found, more), nil
}

// sortedDocuments returns documents sorted by namespace and name. Of several of one reference, the
// first counts.
func sortedDocuments(found, more []cbor.Raw) []cbor.Raw {
	all := make([]peer, 0, len(found)+len(more))
	for _, raw := range slices.Concat(found, more) {
		all = append(all, peer{ref: abi.RefOf(raw), raw: raw})
	}
	slices.SortStableFunc(all, func(a, b peer) int { return a.ref.Compare(b.ref) })
	all = slices.CompactFunc(all, func(a, b peer) bool { return a.ref == b.ref })
	answer := make([]cbor.Raw, len(all))
	for i, p := range all {
		answer[i] = p.raw
	}
	return answer
}

// resolve answers a requirement as the derivation does, and from the documents that were derived
// together with the run's own.
func (r *run) resolve(ctx context.Context, step string, w abi.Requirement) ([]cbor.Raw, error) {
	found, err := r.derivation.resolve(ctx, step, w)
	siblings := r.siblings.match(w, r.doc.Ref)
	if err != nil || len(siblings) == 0 {
		return found, err
	}
	return sortedDocuments(found, siblings), nil
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
