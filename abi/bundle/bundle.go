package bundle

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"slices"

	"github.com/latticenet/lattice-host/abi"
	"github.com/latticenet/lattice-host/abi/cbor"
)

// Schema names the form of a bundle's bytes.
const Schema = "lattice.bundle.v2"

// MaxBytes is the largest bundle that [Parse] reads, in bytes.
const MaxBytes = 64 << 20

// MaxDepth is how deep a bundle nests: its documents and some levels around them.
const MaxDepth = abi.MaxDepth + 8

// ErrBundle marks bytes that are not a bundle.
var ErrBundle = errors.New("not a bundle")

// Bundle is the complete result for one resource. It is built once: its bytes and its digest never
// change, whatever is done to a copy of what they say. Decisions of gates, times, and what servers
// and clients keep books in are not part of it; see [Record].
type Bundle struct {
	Content
	raw    []byte
	digest string
}

// Content is what a bundle says.
type Content struct {
	// Resource is the document that everything derives from.
	Resource abi.Ref `json:"resource"`
	// Document is its canonical JSON, with all defaults and without what a server or client only
	// keeps books in: all that a step may use. With it gates can judge the bundle again, without
	// the file that it came from.
	Document json.RawMessage `json:"document"`
	// Outputs are in the order in which they are applied: by stage, inside a stage by reference.
	Outputs []Output `json:"outputs"`
	// Steps are all steps that ran: those of the resource's pipeline in their order, then those of
	// other pipelines.
	Steps []Step `json:"steps"`
	// HostCalls are what the steps asked the host for, in the order of the steps; absent when they
	// asked for nothing.
	HostCalls []HostCall `json:"hostCalls,omitempty"`
	// Results are the warnings and messages of the steps, sorted by pipeline, step and text.
	Results []Result `json:"results"`
	// Platform is what the steps were told about where the outputs will run.
	Platform abi.Platform `json:"platform"`
	// SettingsDigest is the SHA-256 of all settings.
	SettingsDigest string `json:"settingsDigest"`
	// ApplyIntermediate says that executors get intermediate documents, too: see [Content.Applied].
	ApplyIntermediate bool `json:"applyIntermediate,omitempty"`
}

// Applied returns the outputs that executors apply, in their order. An intermediate document, one
// that was derived in turn, is not among them unless ApplyIntermediate is set: everything that it
// asks for is, and the target need not know its kind.
func (c *Content) Applied() []*Output {
	outputs := make([]*Output, 0, len(c.Outputs))
	for i := range c.Outputs {
		if o := &c.Outputs[i]; !o.Derived || c.ApplyIntermediate {
			outputs = append(outputs, o)
		}
	}
	return outputs
}

// Record is what gates decided about a bundle. It is kept next to the bundle, whose digest it
// names.
type Record struct {
	// Bundle is the digest of the bundle, and Resource its resource.
	Bundle   string  `json:"bundle"`
	Resource abi.Ref `json:"resource"`
	// Decisions are in the order in which they were made.
	Decisions []json.RawMessage `json:"decisions"`
}

// Output is one derived document.
type Output struct {
	Ref abi.Ref `json:"ref"`
	// Document is the object as canonical JSON.
	Document json.RawMessage `json:"document"`
	// Stage is the stage in which the object is applied: the higher, the later.
	Stage int `json:"stage"`
	// Pipeline and Step name the step that emitted the object.
	Pipeline string `json:"pipeline"`
	Step     string `json:"step"`
	// From is the derived document that the object derives from; nil when it is the resource
	// itself.
	From *abi.Ref `json:"from,omitempty"`
	// Derived says that the object was derived in turn, so that what it asks for is among the
	// outputs.
	Derived bool `json:"derived,omitempty"`
	// Owners are the steps that set fields, the one that emitted the object first. All belong to
	// Pipeline.
	Owners []Owner `json:"owners"`
}

// Owner is one step that set fields of an output.
type Owner struct {
	// Step is the step's name.
	Step string `json:"step"`
	// Fields are the fields that it set, in the form of Kubernetes' fieldsV1; absent when it set
	// the whole object.
	Fields json.RawMessage `json:"fields,omitempty"`
}

// Step says which plugin a step was.
type Step struct {
	Pipeline string `json:"pipeline"`
	Name     string `json:"name"`
	// Plugin is publisher/name.
	Plugin  string `json:"plugin"`
	Version string `json:"version"`
	// Digest is that of the plugin's module.
	Digest string `json:"digest"`
	// Settings is the SHA-256 of the step's settings; empty when it has none.
	Settings string `json:"settings,omitempty"`
}

// HostCall is one host call that a step made.
type HostCall struct {
	Pipeline string `json:"pipeline"`
	Step     string `json:"step"`
	// Resource is the derived document that the step derived from; zero when it is the bundle's own
	// resource.
	Resource abi.Ref `json:"resource,omitzero"`
	// Op is the operation, such as http.get, and Target what it was about: a key, a URL or a kind.
	Op     string `json:"op"`
	Target string `json:"target,omitempty"`
	// Request and Answer are the SHA-256 of the messages as canonical JSON.
	Request string `json:"request"`
	Answer  string `json:"answer"`
}

// Result is one message of a step.
type Result struct {
	Pipeline string `json:"pipeline"`
	Step     string `json:"step"`
	// Resource is the derived document that the message is about; zero when it is the bundle's own
	// resource.
	Resource abi.Ref      `json:"resource,omitzero"`
	Severity abi.Severity `json:"severity"`
	// Field is a path inside the resource.
	Field   string `json:"field,omitempty"`
	Message string `json:"message"`
}

// New builds a bundle. Documents and fields must be canonical JSON, and are kept as parts of the
// bundle's bytes; nothing of content may be changed afterwards.
func New(content Content) *Bundle {
	b := &Bundle{Content: content}
	b.Outputs = slices.Clone(content.Outputs)
	b.build()
	return b
}

// Parse reads a bundle, strictly: the bytes must be canonical, except for one line break at the
// end, and the digest must be right. The error satisfies errors.Is with [ErrBundle].
func Parse(data []byte) (*Bundle, error) {
	b, err := parse(bytes.TrimSuffix(data, []byte("\n")))
	if err != nil {
		return nil, &Error{err}
	}
	return b, nil
}

// Error says why bytes are not a bundle. It satisfies errors.Is with [ErrBundle].
type Error struct{ Err error }

func (e *Error) Error() string        { return "the bundle cannot be read: " + e.Err.Error() }
func (e *Error) Unwrap() error        { return e.Err }
func (e *Error) Is(target error) bool { return target == ErrBundle }

func parse(data []byte) (*Bundle, error) {
	if len(data) > MaxBytes {
		return nil, fmt.Errorf("it has %d bytes, the limit is %d", len(data), MaxBytes)
	}
	text, err := Canonical(data)
	if err != nil {
		return nil, err
	}
	var head struct {
		Schema string `json:"schema"`
		Digest string `json:"digest"`
	}
	// Known fields in another case, unknown ones and another order of keys all show when the bundle
	// is written again.
	b := new(Bundle)
	if err := errors.Join(json.Unmarshal(text, &head), json.Unmarshal(text, &b.Content)); err != nil {
		return nil, err
	}
	if head.Schema != Schema {
		return nil, fmt.Errorf("its form is %.80q, this program reads %s; derive and apply the document again", head.Schema, Schema)
	}
	if err := b.check(); err != nil {
		return nil, err
	}
	b.build()
	if b.digest != head.Digest {
		return nil, fmt.Errorf("digest is %.80q, the content has %s", head.Digest, b.digest)
	}
	if !bytes.Equal(b.raw, data) {
		return nil, errors.New("it is not in canonical form, or has fields that " + Schema + " does not have")
	}
	return b, nil
}

// check looks at what the digest does not tell: a digest is right for any content.
func (b *Bundle) check() error {
	if len(b.Outputs) > abi.MaxOutputs {
		return fmt.Errorf("it has %d outputs, the limit is %d", len(b.Outputs), abi.MaxOutputs)
	}
	for _, c := range b.HostCalls {
		if b.Step(c.Pipeline, c.Step) == nil {
			return fmt.Errorf("a host call is of no step of the bundle: %.80q", c.Pipeline+"/"+c.Step)
		}
	}
	if err := b.checkDocument(); err != nil {
		return err
	}
	seen := make(map[abi.Ref]bool, len(b.Outputs))
	for i := range b.Outputs {
		o := &b.Outputs[i]
		if err := b.checkOutput(o); err != nil {
			return fmt.Errorf("%.200q: %w", o.Ref, err)
		}
		if seen[o.Ref] {
			return fmt.Errorf("%.200q: the object is a duplicate", o.Ref)
		}
		seen[o.Ref] = true
	}
	return nil
}

func (b *Bundle) checkDocument() error {
	raw, err := cbor.FromJSON(nil, b.Document, abi.MaxDepth)
	switch {
	case err != nil:
		return fmt.Errorf("the document of the resource: %w", err)
	case !cbor.IsObject(raw) || abi.RefOf(raw) != b.Resource:
		return errors.New("the document is not that of the resource")
	}
	return nil
}

func (b *Bundle) checkOutput(o *Output) error {
	raw, err := cbor.FromJSON(nil, o.Document, abi.MaxDepth)
	switch {
	case err != nil:
		return err
	case !cbor.IsObject(raw) || abi.RefOf(raw) != o.Ref || o.Ref.Name == "":
		return errors.New("the document is another object")
	case len(o.Owners) == 0 || o.Owners[0].Step != o.Step:
		return errors.New("the first owner is not the step that emitted the object")
	}
	for _, owner := range o.Owners {
		switch {
		case b.Step(o.Pipeline, owner.Step) == nil:
			return fmt.Errorf("its owner is not a step of the bundle: %.80q", o.Pipeline+"/"+owner.Step)
		case owner.Fields == nil && len(o.Owners) > 1:
			return fmt.Errorf("one of several owners has no fields: %.80q", owner.Step)
		case owner.Fields != nil && owner.Fields[0] != '{':
			return fmt.Errorf("the fields of an owner are not fieldsV1: %.80q", owner.Step)
		}
	}
	return nil
}

// Step returns the record of a step, or nil.
func (b *Bundle) Step(pipeline, name string) *Step {
	i := slices.IndexFunc(b.Steps, func(s Step) bool { return s.Pipeline == pipeline && s.Name == name })
	if i < 0 {
		return nil
	}
	return &b.Steps[i]
}

// Output returns an output, or nil.
func (b *Bundle) Output(ref abi.Ref) *Output {
	i := slices.IndexFunc(b.Outputs, func(o Output) bool { return o.Ref == ref })
	if i < 0 {
		return nil
	}
	return &b.Outputs[i]
}

// Digest returns the SHA-256 of the canonical JSON of everything but the digest itself, as sha256:
// and 64 lower-case hexadecimal digits. It is the one name of the bundle, in plans, inventories,
// logs and histories.
func (b *Bundle) Digest() string { return b.digest }

// Equal reports whether two bundles have the same bytes.
func (b *Bundle) Equal(other *Bundle) bool {
	if b == nil || other == nil {
		return b == other
	}
	return bytes.Equal(b.raw, other.raw)
}

// JSON returns the bundle's canonical bytes: keys sorted, no white space. They must not be changed.
func (b *Bundle) JSON() []byte { return b.raw }

// Canonical returns a JSON text in the form that it has in a bundle: keys sorted bytewise, no white
// space.
func Canonical(text []byte) ([]byte, error) {
	raw, err := cbor.FromJSON(nil, text, MaxDepth)
	if err != nil {
		return nil, err
	}
	return cbor.ToJSON(nil, raw)
}

// Digest returns the SHA-256 of data as sha256: and 64 lower-case hexadecimal digits.
func Digest(data []byte) string {
	sum := sha256.Sum256(data)
	return digestText(sum[:])
}

func digestText(sum []byte) string { return "sha256:" + hex.EncodeToString(sum) }
