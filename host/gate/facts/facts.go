package facts

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"

	"github.com/latticenet/lattice-host/abi"
	"github.com/latticenet/lattice-host/abi/lattice"
	"github.com/latticenet/lattice-host/host/gate"
	"github.com/latticenet/lattice-host/host/resource"
)

// MaxRequests is how many questions one derivation may raise. What raises more is refused.
const MaxRequests = 16 << 10

// Object is one document.
type Object struct {
	Ref abi.Ref
	// Document is the document as JSON.
	Document json.RawMessage
	// Stage and Step say where an output is applied and which step emitted it. Only [Document]
	// looks at them.
	Stage int
	Step  string
	// Origin says who may have written the document, Place where in a file a field of it is. Only
	// [NewOwners] looks at them: a document without an origin is treated as [gate.FromWith], and
	// without Place messages name no file.
	Origin gate.Origin
	Place  func(field string) string
}

// Input is what there is to judge.
type Input struct {
	// Resource is the document that everything derives from. Its service is the principal of all
	// questions.
	Resource Object
	Outputs  []Object
	// Owners are the owners of volumes; nil knows none.
	Owners *Owners
}

// Reading is an input whose documents are decoded. It does not change, and is safe for concurrent
// use.
type Reading struct {
	in      Input
	source  document
	outputs []document
	problem error
}

// Read decodes the documents of an input.
func Read(in Input) *Reading {
	r := &Reading{in: in, source: read(&in.Resource), outputs: make([]document, len(in.Outputs))}
	r.problem = r.source.problem
	for i := range in.Outputs {
		r.outputs[i] = read(&in.Outputs[i])
		r.problem = cmp.Or(r.problem, r.outputs[i].problem)
	}
	return r
}

// Err is why a document could not be read, or nil. Such a document is asked about as a whole.
func (r *Reading) Err() error { return r.problem }

// Requests returns everything that has to be asked about the outputs, sorted, each question once.
// An input that asks nothing unusual gives none.
func (r *Reading) Requests() []gate.Request {
	f := newFinder(r)
	f.resource()
	for i := range f.outputs {
		f.output(&f.outputs[i])
	}
	return f.sorted()
}

// Document returns what rules look at: the gate, the subject, the resource and the outputs, each
// with its reference. The documents in it are those of the reading: they must not be changed.
func (r *Reading) Document(point gate.Point) (map[string]any, error) {
	if r.problem != nil {
		return nil, r.problem
	}
	outputs := make([]any, len(r.outputs))
	for i := range r.outputs {
		o := &r.in.Outputs[i]
		outputs[i] = map[string]any{
			"ref": refValue(o.Ref), "document": r.outputs[i].root.value, "stage": json.Number(strconv.Itoa(o.Stage)), "step": o.Step,
		}
	}
	return map[string]any{
		"gate": string(point), "subject": Subject(r.in.Resource.Ref), "resource": r.source.root.value, "outputs": outputs,
	}, nil
}

// Subject names a document for a decision, such as LatticeService media/plex.
func Subject(r abi.Ref) string {
	if r.Namespace == "" {
		return r.Kind + " " + r.Name
	}
	return r.Kind + " " + r.Namespace + "/" + r.Name
}

// Principal returns the service that a document describes.
func Principal(r abi.Ref) gate.Entity {
	return gate.Service(r.Namespace, r.Name, strings.ToLower(strings.TrimPrefix(r.Kind, "Lattice")))
}

func refValue(r abi.Ref) map[string]any {
	value := map[string]any{"apiVersion": r.APIVersion, "kind": r.Kind, "name": r.Name}
	if r.Namespace != "" {
		value["namespace"] = r.Namespace
	}
	return value
}

var errTrailing = errors.New("unexpected data after the document")

// decode reads one JSON value, numbers as json.Number.
func decode(data []byte) (any, error) {
	d := json.NewDecoder(bytes.NewReader(data))
	d.UseNumber()
	var value any
	if err := d.Decode(&value); err != nil {
		return nil, err
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return nil, errTrailing
	}
	return value, nil
}

// document is a decoded object; the value is nil when it could not be read.
type document struct {
	ref  abi.Ref
	root node
	// problem is why there is no value.
	problem error
}

// finder collects the questions about one input.
type finder struct {
	in        *Input
	principal gate.Entity
	source    document
	// declared are the ids of the endpoints that the resource names.
	declared map[string]bool
	exposure exposure
	outputs  []document
	index    index
	requests []gate.Request
}

func newFinder(r *Reading) *finder {
	f := &finder{in: &r.in, principal: Principal(r.in.Resource.Ref), source: r.source, outputs: r.outputs}
	f.declared, f.exposure = declaredEndpoints(f.source), exposureOf(f.source)
	f.index = newIndex(&f.source, f.outputs)
	return f
}

func read(o *Object) document {
	value, err := decode(o.Document)
	if err != nil {
		return document{ref: o.Ref, problem: fmt.Errorf("%s: %w", o.Ref, err)}
	}
	return document{ref: o.Ref, root: node{value: value}}
}

// sorted returns the questions in their order, each once.
func (f *finder) sorted() []gate.Request {
	slices.SortFunc(f.requests, compare)
	out := slices.CompactFunc(f.requests, func(a, b gate.Request) bool { return compare(a, b) == 0 })
	if len(out) <= MaxRequests {
		return out
	}
	kind := f.in.Resource.Ref.GroupKind()
	return append(slices.Clip(out[:MaxRequests]), gate.Request{
		Principal: f.principal, Action: gate.ActionEmitKind, Resource: gate.KindOf(kind.Group, kind.Kind),
		Refusal: fmt.Sprintf("the outputs raise %d questions, the limit is %d; derive less from one document",
			len(out), MaxRequests),
	})
}

// compare orders questions. The same port may be asked about with two protocols.
func compare(a, b gate.Request) int {
	protocol := func(r gate.Request) string {
		p, _ := r.Resource.Attributes["protocol"].(string)
		return p
	}
	return cmp.Or(a.Compare(&b), strings.Compare(protocol(a), protocol(b)), strings.Compare(a.Refusal, b.Refusal))
}

// resource asks what the resource itself asks for.
func (f *finder) resource() {
	r := &reader{finder: f, ref: f.source.ref}
	root := f.source.root
	f.volumeReferences(r, root)
	own := f.source.ref.GroupKind()
	if resource.IsMesh(own) {
		r.memberWildcards(r.get(root, "spec"))
	}
	if !f.index.limited {
		r.everyProgram(root.at("spec"))
	}
	// In the host's own kinds the field has one meaning.
	if queue := r.get(root, "spec", "queue"); own.Group == lattice.Group && !queue.missing() {
		r.queue(queue)
	}
}

// output asks about one output.
func (f *finder) output(o *document) {
	r := &reader{finder: f, ref: o.ref, object: o.ref.String(), seen: map[uintptr]bool{}}
	if _, ok := o.root.value.(map[string]any); !ok || !r.isItself(o.root) {
		r.unreadable(o.root)
		return
	}
	k, known := kindOf(o.ref)
	if !known {
		r.unreadable(o.root.at("kind"))
	}
	r.namespace(o.root, known)
	r.kind(o.root, k)
	if !k.Data {
		r.walk(o.root, nil, "")
	}
}

// kind asks what an object of a kind can ask.
func (r *reader) kind(root node, k kind) {
	r.metadata(root.at("metadata"))
	if k.read != nil {
		k.read(r, root)
	}
	for _, path := range k.Pods {
		r.podsAt(root, path)
	}
}

// embedded returns a reader for an object inside another one, such as an item of a list, and asks
// about its kind and namespace as if it were an output: anyone who permits the outer kind does not
// permit whatever it wraps. The reader is nil where there is no object.
func (r *reader) embedded(n node) (kind, *reader) {
	m, _ := n.value.(map[string]any)
	apiVersion, _ := m["apiVersion"].(string)
	own, _ := m["kind"].(string)
	_, metadata := m["metadata"].(map[string]any)
	_, spec := m["spec"].(map[string]any)
	if !n.below || apiVersion == "" || own == "" || !metadata && !spec {
		return kind{}, nil
	}
	inner := &reader{finder: r.finder, object: r.object, seen: r.seen, ref: abi.Ref{
		APIVersion: apiVersion, Kind: own, Namespace: n.at("metadata", "namespace").text(), Name: n.at("metadata", "name").text(),
	}}
	if inner.ref.Namespace == "" {
		inner.ref.Namespace = r.ref.Namespace
	}
	k, known := kindOf(inner.ref)
	if !known {
		inner.unreadable(n.at("kind"))
	}
	inner.namespace(n, known)
	return k, inner
}

// isItself reports whether the document is the one that its reference names, so that it is read as
// what it is.
func (r *reader) isItself(root node) bool {
	metadata := root.at("metadata")
	text := func(n node) string {
		s, _ := n.value.(string)
		return s
	}
	return r.ref == abi.Ref{
		APIVersion: text(root.at("apiVersion")), Kind: text(root.at("kind")),
		Namespace: text(metadata.at("namespace")), Name: text(metadata.at("name")),
	}
}

// namespace asks about an object outside the resource's namespace.
func (r *reader) namespace(root node, known bool) {
	at := root.at("metadata", "namespace")
	switch own := r.in.Resource.Ref.Namespace; {
	case r.ref.Namespace != "" && r.ref.Namespace != own:
		r.foreign(at, r.ref.Namespace)
	case r.ref.Namespace == "" && known:
		// All known kinds are namespaced, and no one can say where this one would go.
		r.unreadable(at)
	}
}

func (r *reader) foreign(n node, namespace string) {
	r.ask(gate.ActionAccessNamespace, gate.NamespaceOf(namespace), n)
}
