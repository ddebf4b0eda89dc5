package resource

import (
	"reflect"

	"github.com/latticenet/lattice-host/abi"
	"github.com/latticenet/lattice-host/abi/cbor"
	"github.com/latticenet/lattice-host/abi/lattice"
	"github.com/latticenet/lattice-host/internal/problem"
	"github.com/latticenet/lattice-host/internal/yamldoc"
)

// Options relax what is required of a document. The zero value is the strict form.
type Options struct {
	// AllowTags accepts images that are named by a tag, or by nothing, instead of a digest.
	AllowTags bool
}

// Document is one valid document with its defaults filled in. Exactly one of Service and Member is set.
type Document struct {
	// Ref names the document.
	Ref abi.Ref
	// Service is set for a LatticeService.
	Service *lattice.LatticeService
	// Member is set for a LatticeMeshMember.
	Member *lattice.LatticeMeshMember

	file string
	// root is nil for derived documents.
	root *yamldoc.Node
}

// CBOR returns the document as deterministic CBOR, as plugins receive it.
func (d *Document) CBOR() cbor.Raw {
	if d.Service != nil {
		return d.Service.AppendCBOR(nil)
	}
	return d.Member.AppendCBOR(nil)
}

// JSON returns the document as canonical JSON: equal documents give equal bytes.
func (d *Document) JSON() []byte {
	// What AppendCBOR writes is always well-formed.
	data, err := cbor.ToJSON(nil, d.CBOR())
	if err != nil {
		return nil
	}
	return data
}

// Labels returns the labels of the document.
func (d *Document) Labels() cbor.Map[string] { return d.metadata().Labels }

func (d *Document) metadata() *lattice.ObjectMeta {
	if d.Service != nil {
		return &d.Service.Metadata
	}
	return &d.Member.Metadata
}

// Position returns the place of a field path such as spec.workload.containers.main.image, or that of its nearest
// ancestor that exists in the file. Derived documents have no positions.
func (d *Document) Position(field string) problem.Position {
	if d.root == nil {
		return problem.Position{}
	}
	at := d.root.Locate(field)
	return at.In(d.file)
}

// Object names the document for a message, such as "LatticeService media/jellyfin".
func (d *Document) Object() string { return objectName(d.Ref) }

func objectName(r abi.Ref) string {
	if r.Kind == "" || r.Name == "" {
		return problem.Shorten(r.Kind)
	}
	return problem.Shorten(r.Kind) + " " + problem.Shorten(r.Namespace) + "/" + problem.Shorten(r.Name)
}

// Decode reads every document of one file. The name of the file is used in positions only. An error is [problem.List] and
// holds everything that is wrong; there are no documents then.
func Decode(file string, data []byte, o Options) ([]*Document, error) {
	docs, problems := decodeFile(file, data, o)
	problems = append(problems, doubles(docs)...)
	if err := problems.Err(); err != nil {
		return nil, err
	}
	return docs, nil
}

// JSON reads one document and returns it as plugins receive it, as [Document.JSON]. The error is [problem.List]. It is what package
// plugintest of the Go SDK reads documents with, so that a test refuses what a host refuses.
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

// FromDerived reads a document that a plugin emitted, with the same strictness. The problems have no positions.
func FromDerived(doc cbor.Raw, o Options) (*Document, error) {
	if err := cbor.Validate(doc, abi.MaxDepth); err != nil {
		return nil, problem.List{{Message: "the derived document is malformed: " + err.Error()}}
	}
	text, err := cbor.ToJSON(nil, doc)
	if err != nil {
		return nil, problem.List{{Message: "the derived document is malformed: " + err.Error()}}
	}
	// Defaults and the place of free parameters make a document somewhat larger than what its user wrote.
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
	d.root = nil
	return d, nil
}

// decodeFile returns the documents that could be named, and all problems of the file.
func decodeFile(file string, data []byte, o Options) ([]*Document, problem.List) {
	roots, f := yamldoc.Parse(data, yamldoc.MaxBytes)
	var problems problem.List
	if f != nil {
		problems = append(problems, problem.Problem{Position: f.In(file), Message: f.Message})
	}
	if f == nil && len(roots) == 0 {
		problems = append(problems, problem.Problem{Position: problem.Position{File: file}, Message: "the file holds no document"})
	}
	var docs []*Document
	for _, root := range roots {
		d, ps := decodeDocument(file, root, o, false)
		problems = append(problems, ps...)
		if d != nil {
			docs = append(docs, d)
		}
	}
	return docs, problems
}

// decodeDocument decodes, completes and validates one document. With problems, the document is returned as far as it
// could be read, or nil when not even its kind is known.
func decodeDocument(file string, root *yamldoc.Node, o Options, derived bool) (*Document, problem.List) {
	top := &fieldPath{at: root.Place}
	doc := &Document{file: file, root: root, Ref: refOf(root)}
	d := newDecoder(file, objectName(doc.Ref), derived)
	d.check(root, top)
	var target any
	switch {
	case root.Kind != yamldoc.Map:
		d.mismatch(root, top, "a mapping with apiVersion, kind, metadata and spec")
		return nil, d.problems
	case doc.Ref.APIVersion == lattice.APIVersion && doc.Ref.Kind == lattice.KindService:
		doc.Service = new(lattice.LatticeService)
		target = doc.Service
	case doc.Ref.APIVersion == lattice.APIVersion && doc.Ref.Kind == lattice.KindMeshMember:
		doc.Member = new(lattice.LatticeMeshMember)
		target = doc.Member
	default:
		d.unknownKind(root, top)
		return nil, d.problems
	}
	d.value(root, top, reflect.ValueOf(target).Elem())
	doc.fillDefaults()
	doc.dropBookkeeping()
	v := &validator{doc: doc, options: o, collector: d.collector}
	v.document()
	return doc, v.problems
}

func refOf(root *yamldoc.Node) abi.Ref {
	r := abi.Ref{APIVersion: root.TextOf("apiVersion"), Kind: root.TextOf("kind"), Namespace: defaultNamespace}
	if m := root.Find("metadata"); m != nil {
		r.Name = m.Value.TextOf("name")
		if ns := m.Value.TextOf("namespace"); ns != "" {
			r.Namespace = ns
		}
	}
	return r
}

// unknownKind says which of apiVersion and kind is wrong, and what there is.
func (d *decoder) unknownKind(root *yamldoc.Node, top *fieldPath) {
	const known = "this program reads " + lattice.KindService + " and " + lattice.KindMeshMember + " of " + lattice.APIVersion
	field, complaint := "kind", "is missing"
	switch version, kind := root.Find("apiVersion"), root.Find("kind"); {
	case version == nil || version.Value.Kind == yamldoc.Null:
		field = "apiVersion"
	case version.Value.Text != lattice.APIVersion:
		field, complaint = "apiVersion", version.Value.Describe()+" is not known"
	case kind != nil && kind.Value.Kind != yamldoc.Null:
		complaint = kind.Value.Describe() + " is not known"
	}
	at := root.Locate(field)
	d.fail(at, &fieldPath{parent: top, name: field}, complaint+"; "+known)
}

// doubles reports documents that have kind, namespace and name in common with an earlier one.
func doubles(docs []*Document) problem.List {
	first := map[abi.Ref]*Document{}
	var problems problem.List
	for _, d := range docs {
		if d.Ref.Name == "" {
			continue
		}
		other, ok := first[d.Ref]
		if !ok {
			first[d.Ref] = d
			continue
		}
		problems = append(problems, problem.Problem{
			Position: d.Position("metadata.name"),
			Object:   d.Object(),
			Field:    "metadata.name",
			Message:  "the document is there twice, the first stands at " + other.Position("metadata.name").String() + "; rename or remove one",
		})
	}
	return problems
}
