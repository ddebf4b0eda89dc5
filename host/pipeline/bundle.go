package pipeline

import (
	"bytes"
	"encoding/json"
	"errors"
	"slices"
	"strconv"
	"strings"

	"sigs.k8s.io/structured-merge-diff/v6/fieldpath"

	"github.com/latticenet/lattice-host/abi"
	"github.com/latticenet/lattice-host/abi/cbor"
)

// BundleSchema names the form of a bundle's bytes.
const BundleSchema = "lattice.bundle.v1"

// MaxBundleBytes is the largest bundle that [ParseBundle] reads, in bytes.
const MaxBundleBytes = 64 << 20

// maxBundleDepth is how deep a bundle nests: its documents and some levels around them.
const maxBundleDepth = abi.MaxDepth + 8

// ErrBundle marks bytes that are not a bundle.
var ErrBundle = errors.New("not a bundle")

// Bundle is the complete result for one resource.
type Bundle struct {
	// Resource is the document that everything derives from, ResourceDigest the SHA-256 of its JSON with all defaults.
	Resource       abi.Ref `json:"resource"`
	ResourceDigest string  `json:"resourceDigest"`
	// Outputs are in the order in which they are applied: by stage, inside a stage by reference.
	Outputs []BundleOutput `json:"outputs"`
	// Steps are all steps that ran: those of the resource's pipeline in their order, then those of other pipelines.
	Steps []StepRecord `json:"steps"`
	// HostCalls are what the steps asked the host for, in the order of the steps; absent when they asked for nothing.
	HostCalls []HostCallRecord `json:"hostCalls,omitempty"`
	// Results are the warnings and messages of the steps, sorted by pipeline, step and text.
	Results []BundleResult `json:"results"`
	// Platform is what the steps were told about where the outputs will run.
	Platform abi.Platform `json:"platform"`
	// SettingsDigest is the SHA-256 of all settings.
	SettingsDigest string `json:"settingsDigest"`
	// Decisions are what gates decided, each a JSON value in canonical form. See [Bundle.SetDecisions].
	Decisions []json.RawMessage `json:"decisions"`
	// Digest is the SHA-256 of the canonical JSON of everything else.
	Digest string `json:"digest"`
}

// BundleOutput is one derived document.
type BundleOutput struct {
	Ref abi.Ref `json:"ref"`
	// Document is the object as canonical JSON.
	Document json.RawMessage `json:"document"`
	// Stage is the stage in which the object is applied, see [Stage].
	Stage int `json:"stage"`
	// Pipeline and Step name the step that emitted the object.
	Pipeline string `json:"pipeline"`
	Step     string `json:"step"`
	// From is the derived document that the object derives from; nil when it is the resource itself.
	From *abi.Ref `json:"from,omitempty"`
	// Derived says that the object was derived in turn, so that what it asks for is among the outputs.
	Derived bool `json:"derived,omitempty"`
	// Owners are the steps that set fields, the one that emitted the object first. All belong to Pipeline.
	Owners []Owner `json:"owners"`
}

// Owner is one step that set fields of an output.
type Owner struct {
	// Step is the step's name.
	Step string `json:"step"`
	// Fields are the fields that it set, in the form of Kubernetes' fieldsV1; absent when it set the whole object.
	Fields json.RawMessage `json:"fields,omitempty"`
}

// StepRecord says which plugin a step was.
type StepRecord struct {
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

// BundleResult is one message of a step.
type BundleResult struct {
	Pipeline string `json:"pipeline"`
	Step     string `json:"step"`
	// Resource is the derived document that the message is about; zero when it is the bundle's own resource.
	Resource abi.Ref      `json:"resource,omitzero"`
	Severity abi.Severity `json:"severity"`
	// Field is a path inside the resource.
	Field   string `json:"field,omitempty"`
	Message string `json:"message"`
}

// ParseBundle reads a bundle, strictly: the bytes must be canonical, but for one line break at the end, and the digest
// must be right. The error satisfies errors.Is with [ErrBundle].
func ParseBundle(data []byte) (*Bundle, error) {
	b, err := parseBundle(bytes.TrimSuffix(data, []byte("\n")))
	if err != nil {
		return nil, &markedError{ErrBundle, "the bundle cannot be read: " + oneLine(err.Error())}
	}
	return b, nil
}

func parseBundle(data []byte) (*Bundle, error) {
	if len(data) > MaxBundleBytes {
		return nil, errors.New("it has " + strconv.Itoa(len(data)) + " bytes, the limit is " + strconv.Itoa(MaxBundleBytes))
	}
	text, err := canonical(data)
	if err != nil {
		return nil, err
	}
	// Known fields in another case, unknown ones and another order of keys all show when the bundle is written again.
	b := new(Bundle)
	if err := json.Unmarshal(text, b); err != nil {
		return nil, err
	}
	if err := b.check(); err != nil {
		return nil, err
	}
	if want := digest(b.appendJSON(nil, false)); b.Digest != want {
		return nil, errors.New("digest is " + quoted(b.Digest) + ", the content has " + want)
	}
	if !bytes.Equal(b.JSON(), data) {
		return nil, errors.New("it is not in canonical form, or has fields that " + BundleSchema + " does not have")
	}
	return b, nil
}

// check looks at what the digest does not tell: a digest is right for any content.
func (b *Bundle) check() error {
	if len(b.Outputs) > abi.MaxOutputs {
		return errors.New("it has " + strconv.Itoa(len(b.Outputs)) + " outputs, the limit is " + strconv.Itoa(abi.MaxOutputs))
	}
	for _, c := range b.HostCalls {
		if b.record(c.Pipeline, c.Step) == nil {
			return errors.New("a host call is of no step of the bundle: " + c.Pipeline + "/" + c.Step)
		}
	}
	seen := make(map[abi.Ref]bool, len(b.Outputs))
	for i := range b.Outputs {
		o := &b.Outputs[i]
		raw, err := cbor.FromJSON(nil, o.Document, abi.MaxDepth)
		switch {
		case err != nil:
			return errors.New(o.Ref.String() + ": " + err.Error())
		case !isObject(raw) || refOf(raw) != o.Ref || o.Ref.Name == "":
			return errors.New(o.Ref.String() + ": the document is another object")
		case seen[o.Ref]:
			return errors.New(o.Ref.String() + ": the object is there twice")
		case len(o.Owners) == 0 || o.Owners[0].Step != o.Step:
			return errors.New(o.Ref.String() + ": the first owner is not the step that emitted the object")
		}
		seen[o.Ref] = true
		if err := b.checkOwners(o); err != nil {
			return errors.New(o.Ref.String() + ": " + err.Error())
		}
	}
	return nil
}

func (b *Bundle) checkOwners(o *BundleOutput) error {
	for _, owner := range o.Owners {
		if b.record(o.Pipeline, owner.Step) == nil {
			return errors.New("its owner is no step of the bundle: " + o.Pipeline + "/" + owner.Step)
		}
		if owner.Fields == nil {
			if len(o.Owners) > 1 {
				return errors.New("one of several owners has no fields: " + owner.Step)
			}
			continue
		}
		set, err := parseFields(owner.Fields)
		if err != nil {
			return err
		}
		again, err := fieldsJSON(set)
		if err != nil {
			return err
		}
		if !bytes.Equal(again, owner.Fields) {
			return errors.New("the fields of an owner are not fieldsV1: " + owner.Step)
		}
	}
	return nil
}

func parseFields(text []byte) (*fieldpath.Set, error) {
	set := new(fieldpath.Set)
	return set, set.FromJSON(bytes.NewReader(text))
}

// record returns the record of a step, or nil.
func (b *Bundle) record(pipeline, step string) *StepRecord {
	i := slices.IndexFunc(b.Steps, func(s StepRecord) bool { return s.Pipeline == pipeline && s.Name == step })
	if i < 0 {
		return nil
	}
	return &b.Steps[i]
}

// Output returns an output, or nil.
func (b *Bundle) Output(ref abi.Ref) *BundleOutput {
	i := slices.IndexFunc(b.Outputs, func(o BundleOutput) bool { return o.Ref == ref })
	if i < 0 {
		return nil
	}
	return &b.Outputs[i]
}

// SetDecisions replaces the decisions, each a JSON value, and makes the digest anew. Their order is kept.
func (b *Bundle) SetDecisions(decisions []json.RawMessage) error {
	texts := make([]json.RawMessage, len(decisions))
	for i, d := range decisions {
		text, err := canonical(d)
		if err != nil {
			return err
		}
		texts[i] = text
	}
	b.Decisions = texts
	b.seal()
	return nil
}

func (b *Bundle) seal() { b.Digest = digest(b.appendJSON(nil, false)) }

// JSON returns the bundle's canonical bytes: keys sorted, no white space.
func (b *Bundle) JSON() []byte { return b.appendJSON(nil, true) }

// compareResults orders results so that no schedule shows.
func compareResults(a, b BundleResult) int {
	for _, pair := range [...][2]string{
		{a.Pipeline, b.Pipeline}, {a.Step, b.Step}, {string(a.Severity), string(b.Severity)}, {a.Field, b.Field},
		{a.Message, b.Message},
	} {
		if d := strings.Compare(pair[0], pair[1]); d != 0 {
			return d
		}
	}
	return a.Resource.Compare(b.Resource)
}
