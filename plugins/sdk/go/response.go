package sdk

import (
	"github.com/latticenet/lattice-host/abi"
	"github.com/latticenet/lattice-host/abi/cbor"
)

// Response collects what a plugin derives.
type Response struct {
	abi.Response
	// encoded holds the documents one after the other. Outputs are parts of it.
	encoded []byte
}

// Object is a document that can be emitted. The typed builders of package kube are objects.
type Object interface {
	abi.Encoder
	// Ref names the object as it names itself.
	Ref() abi.Ref
}

// Emit adds a document that the step owns.
func (r *Response) Emit(o Object) {
	r.Outputs = add(r.Outputs, abi.Output{Ref: o.Ref(), Document: r.encode(o)})
}

// add appends to what has some room from the start: growing it one by one takes an allocation at
// each of the first steps.
func add[T any](list []T, item T) []T {
	if list == nil {
		list = make([]T, 0, 8)
	}
	return append(list, item)
}

// encode returns the encoded value.
func (r *Response) encode(value abi.Encoder) cbor.Raw {
	if r.encoded == nil {
		r.encoded = make([]byte, 0, roomForDocuments)
	}
	start := len(r.encoded)
	r.encoded = value.AppendCBOR(r.encoded)
	return cbor.Raw(r.encoded[start:len(r.encoded):len(r.encoded)])
}

// roomForDocuments is what the documents of most answers fit into, in bytes, and roomForRest the
// rest of the answer.
const (
	roomForDocuments = 6 << 10
	roomForRest      = 1 << 10
)

// Contribute adds fields to a document that another step owns.
func (r *Response) Contribute(to abi.Ref, fields abi.Encoder) {
	r.Contributions = append(r.Contributions, abi.Contribution{Ref: to, Fields: r.encode(fields)})
}

// Leave leaves a value for later steps.
func (r *Response) Leave(key string, value abi.Encoder) {
	r.Context = append(r.Context, abi.ContextEntry{Key: key, Value: r.encode(value)})
}

// Require asks the host for other resources. The step is called again with the answer, and asks for
// the same again: a requirement that is not repeated is taken back.
func (r *Response) Require(q abi.Requirement) { r.Requirements = add(r.Requirements, q) }

// RequireNamed asks for one resource of the lattice.dev group.
func (r *Response) RequireNamed(requirement, apiVersion, kind, namespace, name string) {
	r.Require(abi.Requirement{
		Name: requirement, APIVersion: apiVersion, Kind: kind, Namespace: namespace, MatchName: name,
	})
}

// Error reports a problem that ends the derivation. The message says what is wrong with the field
// and what to do.
func (r *Response) Error(field, message string) { r.result(abi.SeverityError, field, message) }

// Warn reports something that the author of the resource should know.
func (r *Response) Warn(field, message string) { r.result(abi.SeverityWarning, field, message) }

// Info reports something that the author of the resource may want to know.
func (r *Response) Info(field, message string) { r.result(abi.SeverityInfo, field, message) }

// Failed reports whether an error was reported.
func (r *Response) Failed() bool {
	for i := range r.Results {
		if r.Results[i].Severity == abi.SeverityError {
			return true
		}
	}
	return false
}

func (r *Response) result(s abi.Severity, field, message string) {
	r.Results = append(r.Results, abi.Result{Severity: s, Field: field, Message: message})
}

// Fields is an encoded object, for contributions and context built by hand.
type Fields cbor.Raw

// AppendCBOR implements [abi.Encoder].
func (f Fields) AppendCBOR(b []byte) []byte { return cbor.AppendRaw(b, cbor.Raw(f)) }
