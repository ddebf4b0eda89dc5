package resource

import (
	"reflect"

	"github.com/latticenet/lattice-host/abi"
	"github.com/latticenet/lattice-host/abi/cbor"
	"github.com/latticenet/lattice-host/abi/lattice"
	"github.com/latticenet/lattice-host/internal/kind"
	"github.com/latticenet/lattice-host/internal/yamldoc"
)

// The keys of every document.
const (
	keyAPIVersion = "apiVersion"
	keyKind       = "kind"
	keyMetadata   = "metadata"
	keySpec       = "spec"
)

// brought decodes, completes and validates a document of a kind that a plugin brings, of which the
// schema says everything. With problems it returns nothing.
func (d *decoder) brought(k *kind.Kind, root *yamldoc.Node, top *fieldPath, v *validator) (cbor.Raw, []Feature) {
	known := []string{keyAPIVersion, keyKind, keyMetadata, keySpec}
	for i := range root.Members {
		m := &root.Members[i]
		switch m.Key {
		case keyAPIVersion, keyKind, keyMetadata, keySpec, keyStatus:
		default:
			d.fail(m.Place, top.member(m), d.unknownKey(m.Key, known))
		}
	}
	var meta lattice.ObjectMeta
	if m := root.Find(keyMetadata); m == nil || m.Value.Kind == yamldoc.Null {
		d.fail(root.Place, &fieldPath{parent: top, name: keyMetadata}, "is missing; it is required here")
	} else {
		d.value(m.Value, top.member(m), reflect.ValueOf(&meta).Elem())
	}
	if k.IsCluster() {
		v.require(meta.Namespace == "", "metadata.namespace", "a "+k.Kind+" is in no namespace; remove it")
	} else {
		set(&meta.Namespace, defaultNamespace)
	}
	dropBookkeeping(&meta)
	v.metadata(&meta)
	m := root.Find(keySpec)
	if m == nil || m.Value.Kind == yamldoc.Null {
		d.fail(root.Place, &fieldPath{parent: top, name: keySpec}, "is missing; it is required here")
		return nil, nil
	}
	spec := d.raw(withoutNulls(m.Value, k.Spec), top.member(m), nil)
	for _, violation := range k.CheckSpec(spec) {
		if violation.Message == "" {
			d.report(root.LocateKey(violation.Field, violation.Key), top.path(violation.Field), d.unknownKey(violation.Key, violation.Known))
			continue
		}
		v.fail(violation.Field, violation.Message)
	}
	if len(d.problems) > 0 {
		return nil, nil
	}
	spec = k.Spec.AppendDefaults(nil, spec)
	var features []Feature
	for _, use := range k.Uses(spec) {
		features = append(features, Feature{Name: use.Feature, Field: use.Field})
	}
	return encoded(k, &meta, spec), features
}

// withoutNulls leaves out keys without a value: they are treated as absent, except where any value
// is taken.
func withoutNulls(n *yamldoc.Node, s *kind.Schema) *yamldoc.Node {
	if s == nil || s.Free && s.Properties == nil || n.Kind != yamldoc.Map && n.Kind != yamldoc.List {
		return n
	}
	if n.Kind == yamldoc.List {
		list := *n
		list.Items = make([]*yamldoc.Node, len(n.Items))
		for i, item := range n.Items {
			list.Items[i] = withoutNulls(item, s.Items)
		}
		return &list
	}
	mapping := &yamldoc.Node{Kind: n.Kind, Place: n.Place}
	for _, m := range n.Members {
		of := s.Properties[m.Key]
		if of == nil {
			of = s.Values
		}
		if m.Value.Kind == yamldoc.Null && (of == nil || !of.Free) {
			continue
		}
		m.Value = withoutNulls(m.Value, of)
		mapping.Members = append(mapping.Members, m)
	}
	return mapping
}

// encoded returns a document in the form that plugins see, its keys in the order of
// [cbor.KeyOrder].
func encoded(k *kind.Kind, meta *lattice.ObjectMeta, spec cbor.Raw) cbor.Raw {
	dst := cbor.AppendObjectHeader(nil, 4)
	dst = cbor.AppendString(cbor.AppendString(dst, keyKind), k.Kind)
	dst = append(cbor.AppendString(dst, keySpec), spec...)
	// The codec of the metadata is that of the documents that have it.
	metadata := cbor.Lookup((&lattice.LatticeMeshMember{Metadata: *meta}).AppendCBOR(nil), keyMetadata)
	dst = append(cbor.AppendString(dst, keyMetadata), metadata...)
	return cbor.AppendString(cbor.AppendString(dst, keyAPIVersion), k.APIVersion())
}

// IsMesh reports whether documents of a kind say what a participant of the mesh does: whom it
// calls, and who calls it.
func IsMesh(k abi.GroupKind) bool { return has(k, func(k *kind.Kind) bool { return k.Mesh }) }

// IsWorkload reports whether documents of a kind have containers that quotas count.
func IsWorkload(k abi.GroupKind) bool { return has(k, func(k *kind.Kind) bool { return k.Workload }) }

func has(k abi.GroupKind, trait func(*kind.Kind) bool) bool {
	found := Builtin().Find(k)
	return found != nil && trait(found)
}

// Workloads returns the names of the kinds whose documents have containers, sorted.
func Workloads() []string {
	var names []string
	for _, k := range Builtin().Kinds() {
		if k.Workload {
			names = append(names, k.Kind)
		}
	}
	return names
}
