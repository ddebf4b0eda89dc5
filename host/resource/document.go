package resource

import (
	"reflect"
	"slices"
	"strings"
	"sync"
	"weak"

	"github.com/latticenet/lattice-host/abi"
	"github.com/latticenet/lattice-host/abi/cbor"
	"github.com/latticenet/lattice-host/internal/problem"
	"github.com/latticenet/lattice-host/internal/yamldoc"
)

// Options say what is a valid document. The zero value is the strict form of the host's own kinds.
type Options struct {
	// AllowTags accepts images that are named by a tag, or by nothing, instead of a digest.
	AllowTags bool
	// WaiveCPULimit accepts containers without a limit of cpu.
	WaiveCPULimit bool
	// Kinds are the kinds that are read; nil means [Builtin].
	Kinds *Table
	// LeftOut is called for each document that is for another program and was not read; nil drops
	// what it would say.
	LeftOut func(problem.Problem)
}

func (o *Options) kinds() *Table {
	if o.Kinds == nil {
		return Builtin()
	}
	return o.Kinds
}

// Document is one valid document with its defaults filled in. It does not change, and is small: it
// has the encoded form, and reads its file again where a position is asked for.
type Document struct {
	// Ref names the document.
	Ref abi.Ref

	content  cbor.Raw
	features []Feature
	// source is the file, of which the document is the one at index; nil for derived documents.
	source *source
	index  int
}

// source is the text of one file. What it was parsed into is kept for as long as somebody else
// needs it: positions are asked for a few times at once, or never.
type source struct {
	file string
	data []byte

	mu     sync.Mutex
	parsed weak.Pointer[tree]
}

// tree is what a file was parsed into.
type tree struct{ roots []*yamldoc.Node }

// root returns the document at an index, parsed again when it is gone.
func (s *source) root(index int) *yamldoc.Node {
	s.mu.Lock()
	defer s.mu.Unlock()
	t := s.parsed.Value()
	if t == nil {
		// The file was parsed before: its problems were reported then.
		roots, _ := yamldoc.Parse(s.data, yamldoc.MaxBytes)
		for i := range roots {
			roots[i], _ = complete(roots[i])
		}
		t = &tree{roots}
		s.parsed = weak.Make(t)
	}
	return t.roots[index]
}

// CBOR returns the document as deterministic CBOR, as plugins receive it. It must not be changed.
func (d *Document) CBOR() cbor.Raw { return d.content }

// JSON returns the document as canonical JSON: equal documents give equal bytes.
func (d *Document) JSON() []byte {
	// What was encoded is always well-formed.
	data, err := cbor.ToJSON(nil, d.content)
	if err != nil {
		return nil
	}
	return data
}

// Labels returns the labels of the document.
func (d *Document) Labels() cbor.Map[string] {
	labels := cbor.Lookup(d.content, "metadata", "labels")
	if labels == nil {
		return nil
	}
	var m cbor.Map[string]
	decoder, key := cbor.NewDecoder(labels), ""
	for i := range decoder.Object() {
		key = decoder.Key(i, key)
		m = append(m, cbor.Entry[string]{Key: key, Value: decoder.String()})
	}
	slices.SortFunc(m, func(a, b cbor.Entry[string]) int { return strings.Compare(a.Key, b.Key) })
	return m
}

// Features returns what the document uses, sorted by name and field, each once.
func (d *Document) Features() []Feature { return slices.Clone(d.features) }

// UsesAny reports whether the document uses one of some features.
func (d *Document) UsesAny(names []string) bool {
	return slices.ContainsFunc(d.features, func(f Feature) bool { return slices.Contains(names, f.Name) })
}

// Position returns the place of a field path such as spec.workload.containers.main.image, or that
// of its nearest ancestor that exists in the file. Derived documents have no positions.
func (d *Document) Position(field string) problem.Position {
	if d.source == nil {
		return problem.Position{}
	}
	at := d.source.root(d.index).Locate(field)
	return at.In(d.source.file)
}

// Object names the document for a message, such as "LatticeService media/jellyfin".
func (d *Document) Object() string { return objectName(d.Ref) }

func objectName(r abi.Ref) string {
	if r.Kind == "" || r.Name == "" {
		return problem.Shorten(r.Kind)
	}
	name := problem.Shorten(r.Name)
	if r.Namespace != "" {
		name = problem.Shorten(r.Namespace) + "/" + name
	}
	return problem.Shorten(r.Kind) + " " + name
}

// Decode reads every document of one file. The name of the file is used in positions only.
// Documents for other programs are left out when the file has one that is read. An error is
// [problem.List] and holds everything that is wrong; there are no documents then.
func Decode(file string, data []byte, o Options) ([]*Document, error) {
	docs, problems := decodeFile(file, data, o, false)
	problems = append(problems, doubles(docs)...)
	if err := problems.Err(); err != nil {
		return nil, err
	}
	return docs, nil
}

// JSON reads one document and returns it as plugins receive it, as [Document.JSON]. The error is
// [problem.List]. It is what package plugintest of the Go SDK reads documents with, so that a test
// refuses what a host refuses.
func (o Options) JSON(data []byte) ([]byte, error) {
	docs, err := Decode("document", data, o)
	if err != nil {
		return nil, err
	}
	if len(docs) != 1 {
		return nil, problem.List{{Position: problem.Position{File: "document"}, Message: "must hold one document"}}
	}
	return docs[0].JSON(), nil
}

// FromDerived reads a document that a plugin emitted, with the same strictness. The problems have
// no positions.
func FromDerived(doc cbor.Raw, o Options) (*Document, error) {
	if err := cbor.Validate(doc, abi.MaxDepth); err != nil {
		return nil, problem.List{{Message: "the derived document is malformed: " + err.Error()}}
	}
	text, err := cbor.ToJSON(nil, doc)
	if err != nil {
		return nil, problem.List{{Message: "the derived document is malformed: " + err.Error()}}
	}
	// Defaults and the place of free parameters make a document somewhat larger than what its user
	// wrote.
	root, f := yamldoc.ParseJSON(text, 4*yamldoc.MaxValues, abi.MaxDepth)
	if f != nil {
		return nil, problem.List{{Message: "the derived document is malformed: " + f.Message}}
	}
	d, problems := decodeDocument("", root, o, true)
	for i := range problems {
		problems[i].Position = problem.Position{}
	}
	if err := problems.Err(); err != nil {
		return nil, err
	}
	return d, nil
}

// decodeFile returns the documents that could be named, and all problems of the file. A file
// inFolder was not named by the user, so it may hold nothing but documents for other programs.
func decodeFile(file string, data []byte, o Options, inFolder bool) ([]*Document, problem.List) {
	roots, f := yamldoc.Parse(data, yamldoc.MaxBytes)
	var problems problem.List
	if f != nil {
		problems = append(problems, problem.Problem{Position: f.In(file), Message: f.Message})
	}
	if f == nil && len(roots) == 0 && !inFolder {
		problems = append(problems, problem.Problem{Position: problem.Position{File: file}, Message: "the file holds no document"})
	}
	foreign := make([]string, len(roots))
	mixed := inFolder
	for i, root := range roots {
		foreign[i] = o.kinds().foreign(root)
		mixed = mixed || foreign[i] == ""
	}
	from := &source{file: file, data: data, parsed: weak.Make(&tree{roots})}
	var docs []*Document
	for i, root := range roots {
		if mixed && foreign[i] != "" {
			if o.LeftOut != nil {
				o.LeftOut(leftOut(file, root, foreign[i]))
			}
			continue
		}
		d, ps := decodeDocument(file, root, o, false)
		problems = append(problems, ps...)
		if d != nil {
			d.source, d.index = from, i
			docs = append(docs, d)
		}
	}
	return docs, problems
}

// decodeDocument decodes, completes and validates one document. With problems, the document is
// returned as far as it could be read, or nil when not even its kind is known.
func decodeDocument(file string, root *yamldoc.Node, o Options, derived bool) (_ *Document, problems problem.List) {
	top := &fieldPath{at: root.Place}
	kinds := o.kinds()
	kind := kinds.read(root.TextOf("apiVersion"), root.TextOf("kind"))
	doc := &Document{Ref: refOf(root, kind)}
	d := newDecoder(file, objectName(doc.Ref), derived)
	d.check(root, top)
	root, done := complete(root)
	if done.fault != "" {
		d.fail(root.Locate("spec."+keyDefaults), top.path("spec."+keyDefaults), done.fault)
		return nil, d.problems
	}
	defer func() { problems = done.atDefaults(problems) }()
	switch {
	case root.Kind != yamldoc.Map:
		d.mismatch(root, top, "a mapping with apiVersion, kind, metadata and spec")
		return nil, d.problems
	case kind == nil:
		d.unknownKind(kinds, root, top)
		return nil, d.problems
	}
	d.kind, d.root = kind, root
	v := &validator{kind: kind.Kind, name: file, object: d.object, root: root, in: inSpec, options: o, collector: d.collector}
	if kind.model == nil {
		doc.content, doc.features = d.brought(kind.Kind, root, top, v)
		return doc, d.problems
	}
	m := kind.model()
	d.value(root, top, reflect.ValueOf(m.value()).Elem())
	set(&m.metadata().Namespace, kind.home())
	dropBookkeeping(m.metadata())
	m.defaults()
	v.metadata(m.metadata())
	m.validate(v)
	doc.content = m.value().AppendCBOR(nil)
	v.limits(cbor.Lookup(doc.content, "spec"))
	if len(d.problems) == 0 {
		doc.features = m.features()
	}
	return doc, d.problems
}

// refOf returns what a document says of itself; kind is nil when it is not known.
func refOf(root *yamldoc.Node, kind *row) abi.Ref {
	r := abi.Ref{APIVersion: root.TextOf("apiVersion"), Kind: root.TextOf("kind")}
	if kind == nil || !kind.IsCluster() {
		r.Namespace = kind.home()
	}
	if m := root.Find("metadata"); m != nil {
		r.Name = m.Value.TextOf("name")
		if ns := m.Value.TextOf("namespace"); ns != "" {
			r.Namespace = ns
		}
	}
	return r
}

// unknownKind says which of apiVersion and kind is wrong, and what there is.
func (d *decoder) unknownKind(kinds *Table, root *yamldoc.Node, top *fieldPath) {
	field, complaint := "kind", "is missing"
	switch version, kind := root.Find("apiVersion"), root.Find("kind"); {
	case version == nil || version.Value.Kind == yamldoc.Null:
		field = "apiVersion"
	case !kinds.knowsVersion(version.Value.Text):
		field, complaint = "apiVersion", version.Value.Describe()+" is not known"
	case kind != nil && kind.Value.Kind != yamldoc.Null:
		complaint = kind.Value.Describe() + " is not known"
	}
	at := root.Locate(field)
	d.fail(at, &fieldPath{parent: top, name: field}, complaint+"; this installation reads "+kinds.text())
}

// doubles reports documents that have kind, namespace and name in common with an earlier one, and
// workloads whose pods would be called alike.
func doubles(docs []*Document) problem.List {
	first, claims := map[abi.Ref]*Document{}, map[abi.Ref]claim{}
	var problems problem.List
	for _, d := range docs {
		if d.Ref.Name == "" {
			continue
		}
		other, ok := first[d.Ref]
		if !ok {
			first[d.Ref] = d
			problems = append(problems, otherKind(claims, d)...)
			continue
		}
		problems = append(problems, problem.Problem{
			Position: d.Position("metadata.name"),
			Object:   d.Object(),
			Field:    "metadata.name",
			Message:  "the document is a duplicate, the first is at " + other.Position("metadata.name").String() + "; rename or remove one",
		})
	}
	return problems
}

// claim is a document that gives a name to pods, and the field that does.
type claim struct {
	*Document
	field string
}

// otherKind notes the names that a workload gives to pods, and reports those that another one gives
// already: the accounts and policies of both would be called alike.
func otherKind(claims map[abi.Ref]claim, d *Document) problem.List {
	if !IsWorkload(d.Ref.GroupKind()) {
		return nil
	}
	var problems problem.List
	take := func(name, field string) {
		key := abi.Ref{Namespace: d.Ref.Namespace, Name: name}
		other, taken := claims[key]
		if !taken || other.Document == d {
			claims[key] = claim{d, field}
			return
		}
		what := "the name is that of the "
		if field != fieldName {
			what = "the pods are called " + name + ", as those of the "
		}
		problems = append(problems, problem.Problem{
			Position: d.Position(field), Object: d.Object(), Field: field,
			Message: what + other.Object() + " at " + other.Position(other.field).String() +
				", and what is derived from both would be called alike; rename one",
		})
	}
	take(d.Ref.Name, fieldName)
	tasks := cbor.Lookup(d.content, keySpec, keyTasks)
	if !cbor.IsObject(tasks) {
		return problems
	}
	decoder, task := cbor.NewDecoder(tasks), ""
	for i := range decoder.Object() {
		task = decoder.Key(i, task)
		decoder.Skip()
		take(d.Ref.Name+"-"+task, string(fieldTask(task)))
	}
	return problems
}

// fieldName is the path of a document's name.
const fieldName = "metadata.name"
