package pipeline

import (
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"slices"
	"strconv"
	"strings"

	"sigs.k8s.io/structured-merge-diff/v6/fieldpath"
	"sigs.k8s.io/structured-merge-diff/v6/typed"

	"github.com/latticenet/lattice-host/abi"
	"github.com/latticenet/lattice-host/abi/bundle"
	"github.com/latticenet/lattice-host/abi/cbor"
)

// maxConflicts is how many conflicts of one contribution are listed one by one.
const maxConflicts = 16

// maxValue bounds a value in a message, in bytes.
const maxValue = 80

// applied is what one step set on an object.
type applied struct {
	step *plannedStep
	tree any
	set  *fieldpath.Set
}

// merge puts the contributions into the document and notes who owns what. An object of one step
// stays as it is.
func (o *object) merge() []error {
	if len(o.contributions) == 0 {
		o.owners = []bundle.Owner{{Step: o.owner.name}}
		return nil
	}
	engine, key := o.run.derivation.engine, o.mergeKey()
	if m, ok := engine.merges.Get(key); ok {
		o.take(m)
		return nil
	}
	kind := engine.schemas.of(o.ref.GroupKind())
	live, first, err := apply(kind, o.owner, o.document)
	if err != nil {
		return []error{o.bad(o.owner, err)}
	}
	managers := []applied{first}
	var errs []error
	for _, c := range o.contributions {
		config, set, err := apply(kind, c.step, c.fields)
		if err != nil {
			errs = append(errs, o.bad(c.step, err))
			continue
		}
		merged, conflicts, err := combine(live, config)
		switch {
		case err != nil:
			errs = append(errs, o.bad(c.step, err))
			continue
		case len(conflicts) > 0:
			errs = append(errs, o.conflicts(managers, set, conflicts)...)
			continue
		}
		live = merged
		managers = append(managers, set)
	}
	if len(errs) > 0 {
		return errs
	}
	m, errs := o.finish(live, managers)
	if len(errs) > 0 {
		return errs
	}
	engine.merges.Put(key, m, m.size())
	o.take(m)
	return nil
}

// maxMergesBytes bounds the merged documents that an engine keeps: some thousand large objects.
const maxMergesBytes = 16 << 20

// merged is what merging came to. It depends on the kind and the documents alone, so that it holds
// as long as they are the same.
type merged struct {
	document cbor.Raw
	// fields are, in the order in which the steps were merged, what each set, as canonical JSON in
	// the form of fieldsV1.
	fields [][]byte
}

// mergeKey is the SHA-256 of all that merging depends on.
type mergeKey [sha256.Size]byte

func (o *object) mergeKey() mergeKey {
	h := sha256.New()
	part := func(b []byte) {
		// The lengths keep parts apart.
		h.Write(binary.BigEndian.AppendUint64(nil, uint64(len(b))))
		h.Write(b)
	}
	part([]byte(o.ref.GroupKind().Group))
	part([]byte(o.ref.GroupKind().Kind))
	part(o.document)
	for _, c := range o.contributions {
		part(c.fields)
	}
	return mergeKey(h.Sum(nil))
}

func (m *merged) size() int {
	size := len(m.document)
	for _, f := range m.fields {
		size += len(f)
	}
	return size
}

// take makes a merged document that of the object.
func (o *object) take(m *merged) {
	o.document = m.document
	o.owners = make([]bundle.Owner, len(m.fields))
	for i, fields := range m.fields {
		step := o.owner
		if i > 0 {
			step = o.contributions[i-1].step
		}
		o.owners[i] = bundle.Owner{Step: step.name, Fields: fields}
	}
}

// apply reads what one step sets.
func apply(kind typed.ParseableType, step *plannedStep, document cbor.Raw) (*typed.TypedValue, applied, error) {
	tree, err := toTree(document)
	if err != nil {
		return nil, applied{}, err
	}
	value, err := kind.FromUnstructured(tree)
	if err != nil {
		return nil, applied{}, err
	}
	set, err := value.ToFieldSet()
	if err != nil {
		return nil, applied{}, err
	}
	return value, applied{step, tree, set}, nil
}

// combine merges a contribution. Every field of live has an owner, so that each one that would
// change is a conflict.
func combine(live, config *typed.TypedValue) (*typed.TypedValue, []fieldpath.Path, error) {
	merged, err := live.Merge(config)
	if err != nil {
		return nil, nil, err
	}
	changes, err := live.Compare(merged)
	if err != nil {
		return nil, nil, err
	}
	var paths []fieldpath.Path
	changes.Modified.Iterate(func(p fieldpath.Path) { paths = append(paths, p.Copy()) })
	changes.Removed.Iterate(func(p fieldpath.Path) {
		// Below a field that became another type, everything is gone; the field itself says enough.
		if !slices.ContainsFunc(paths, func(outer fieldpath.Path) bool {
			return len(outer) <= len(p) && outer.Equals(p[:len(outer)])
		}) {
			paths = append(paths, p.Copy())
		}
	})
	return merged, paths, nil
}

// bad reports a document whose known lists cannot be merged, such as two containers of one name.
func (o *object) bad(step *plannedStep, err error) error {
	text := err.Error()
	var invalid typed.ValidationErrors
	if errors.As(err, &invalid) {
		texts := make([]string, len(invalid))
		for i, e := range invalid {
			texts[i] = strings.TrimPrefix(e.Error(), ".")
		}
		slices.Sort(texts)
		text = strings.Join(slices.Compact(texts), "; ")
	}
	return o.run.stepError(step, o.ref, "", badAnswer("the object cannot be merged: "+oneLine(text)))
}

func (o *object) conflicts(managers []applied, set applied, paths []fieldpath.Path) []error {
	var errs []error
	for i, p := range paths {
		path := pathText(p)
		if i == maxConflicts {
			errs = append(errs, o.run.stepError(set.step, o.ref, path,
				conflict("and "+strconv.Itoa(len(paths)-i-1)+" more fields are conflicts")))
			break
		}
		for _, m := range managers {
			if touches(m.set, p) {
				errs = append(errs, o.run.stepError(set.step, o.ref, path, conflict(o.disagreement(m, set, p))))
			}
		}
	}
	return errs
}

func (o *object) disagreement(m, set applied, p fieldpath.Path) string {
	who := m.step.text()
	if o.ref.GroupKind() == (abi.GroupKind{Kind: "Secret"}) {
		return "the step sets another value than " + who + " (values of a Secret are not shown); remove one of the steps or change its settings"
	}
	return "the step sets " + valueText(set.tree, p) + ", " + who + " set " + valueText(m.tree, p) +
		"; remove one of the steps or change its settings"
}

// finish writes down what merging came to.
func (o *object) finish(live *typed.TypedValue, managers []applied) (*merged, []error) {
	document, err := appendTree(nil, live.AsValue().Unstructured())
	if err != nil {
		return nil, []error{o.bad(o.owner, err)}
	}
	done := &merged{document: document, fields: make([][]byte, len(managers))}
	for i, m := range managers {
		if done.fields[i], err = fieldsJSON(m.set); err != nil {
			return nil, []error{o.bad(m.step, err)}
		}
	}
	return done, nil
}

// fieldsJSON returns a set as canonical JSON in the form of fieldsV1.
func fieldsJSON(set *fieldpath.Set) ([]byte, error) {
	text, err := set.ToJSON()
	if err != nil {
		return nil, err
	}
	return bundle.Canonical(text)
}

// touches reports whether a set holds a field, something below it, or something atomic around it.
func touches(set *fieldpath.Set, p fieldpath.Path) bool {
	for i, e := range p {
		below, ok := set.Children.Get(e)
		if i == len(p)-1 {
			return ok || set.Members.Has(e)
		}
		if !ok {
			return set.Members.Has(e)
		}
		set = below
	}
	return false
}

// pathText writes a path as people do: spec.template.spec.containers[name=main].image.
func pathText(p fieldpath.Path) string {
	text := ""
	for _, e := range p {
		text = cbor.JoinPath(text, elementText(e))
	}
	return text
}

func elementText(e fieldpath.PathElement) string {
	switch {
	case e.FieldName != nil:
		return *e.FieldName
	case e.Key != nil:
		keys := make([]string, len(*e.Key))
		for i, k := range *e.Key {
			keys[i] = k.Name + "=" + plainText(k.Value.Unstructured())
		}
		return "[" + strings.Join(keys, ",") + "]"
	case e.Value != nil:
		return "[=" + plainText((*e.Value).Unstructured()) + "]"
	case e.Index != nil:
		return "[" + strconv.Itoa(*e.Index) + "]"
	}
	return "[]"
}

// plainText is treeText without the quotes of text.
func plainText(tree any) string {
	if s, ok := tree.(string); ok && !strings.HasPrefix(s, mark) {
		return s
	}
	if f, ok := tree.(float64); ok {
		return strconv.FormatFloat(f, 'f', -1, 64)
	}
	return treeText(tree)
}

// valueText returns the value that a tree has at a path, shortened.
func valueText(tree any, p fieldpath.Path) string {
	for _, e := range p {
		below, ok := child(tree, e)
		if !ok {
			break
		}
		tree = below
	}
	return bounded(treeText(tree), maxValue)
}

// child returns what a path element leads to.
func child(tree any, e fieldpath.PathElement) (any, bool) {
	switch v := tree.(type) {
	case map[string]any:
		if e.FieldName == nil {
			return nil, false
		}
		below, ok := v[*e.FieldName]
		return below, ok
	case []any:
		for _, item := range v {
			if isItem(item, e) {
				return item, true
			}
		}
	}
	return nil, false
}

// isItem reports whether a path element names an item of a list. A key that the item lacks has its
// default.
func isItem(item any, e fieldpath.PathElement) bool {
	if e.Value != nil {
		return plainText(item) == plainText((*e.Value).Unstructured())
	}
	fields, ok := item.(map[string]any)
	if e.Key == nil || !ok {
		return false
	}
	for _, k := range *e.Key {
		want := plainText(k.Value.Unstructured())
		got, ok := fields[k.Name]
		if ok && plainText(got) != want || !ok && want != keyDefault(k.Name) {
			return false
		}
	}
	return true
}

// keyDefault returns the default of a list key in the merge schema.
func keyDefault(key string) string {
	switch key {
	case "protocol":
		return "TCP"
	case "operator":
		return "Equal"
	}
	return ""
}
