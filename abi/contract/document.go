package contract

import (
	"github.com/latticenet/lattice-host/abi"
	"github.com/latticenet/lattice-host/abi/cbor"
)

// document checks one document of an answer.
type document struct {
	*checker
	ref abi.Ref
	// path leads to the document.
	path string
}

func (d *document) fail(code Code, field, message string) {
	d.add(Problem{Code: code, Path: cbor.JoinPath(d.path, field), Message: message, Object: d.ref, Field: field})
}

// output checks a whole document, which must say of itself what its reference says: nothing passes
// under a false name.
func (d *document) output(raw cbor.Raw) {
	var self abi.Ref
	if !d.object(raw, &self) {
		return
	}
	for _, part := range [...]struct{ field, ref, document string }{
		{"apiVersion", d.ref.APIVersion, self.APIVersion},
		{"kind", d.ref.Kind, self.Kind},
		{"metadata.namespace", d.ref.Namespace, self.Namespace},
		{"metadata.name", d.ref.Name, self.Name},
	} {
		if part.ref != part.document {
			d.fail(WrongReference, part.field, "the document says "+quoted(part.document)+", its reference "+quoted(part.ref))
		}
	}
}

// fields checks contributed fields.
func (d *document) fields(raw cbor.Raw) {
	var self abi.Ref
	d.object(raw, &self)
}

// object checks what holds for documents and contributed fields, in one pass, and notes what the
// document says of itself.
func (d *document) object(raw cbor.Raw, self *abi.Ref) bool {
	before := len(d.found)
	complete := eachField(raw, func(key string, value cbor.Raw) {
		switch key {
		case "apiVersion":
			self.APIVersion = cbor.TextAt(value)
		case "kind":
			self.Kind = cbor.TextAt(value)
		case "metadata":
			d.metadata(value, self)
		case "status":
			d.serverField("status")
		case "stringData":
			if d.ref.APIVersion == "v1" && d.ref.Kind == "Secret" {
				d.fail(WriteOnly, key, "what is removed from it stays in the cluster; the plugin must write data, in base64")
			}
		}
	})
	if !complete {
		d.found = d.found[:before]
		d.fail(NotAnObject, "", "the document is not an object")
		return false
	}
	if path, found := cbor.NullPath(raw); found {
		d.fail(Null, plain(path), "is null; the plugin must leave it out")
	}
	return true
}

func (d *document) metadata(raw cbor.Raw, self *abi.Ref) {
	eachField(raw, func(key string, value cbor.Raw) {
		switch key {
		case "name":
			self.Name = cbor.TextAt(value)
		case "namespace":
			self.Namespace = cbor.TextAt(value)
		case "creationTimestamp", "generation", "managedFields", "resourceVersion", "selfLink", "uid":
			d.serverField("metadata." + key)
		}
	})
}

func (d *document) serverField(field string) {
	d.fail(ServerField, field, "only a server sets this field; the plugin must leave it out")
}

// eachField calls field for each key of an object, and reports whether raw is an object that could
// be read.
func eachField(raw cbor.Raw, field func(key string, value cbor.Raw)) bool {
	if !cbor.IsObject(raw) {
		return false
	}
	d := cbor.NewDecoder(raw)
	key := ""
	for i := range d.Object() {
		key = d.Key(i, key)
		value := d.Raw()
		if d.Failed() {
			return false
		}
		field(key, value)
	}
	return d.Finish() == nil
}
