package pipeline

import (
	"slices"
	"strconv"

	"github.com/latticenet/lattice-host/abi"
	"github.com/latticenet/lattice-host/abi/cbor"
)

// answerChecker collects what is wrong with one answer of a step.
type answerChecker struct {
	step *plannedStep
	fail func(object abi.Ref, path, text string)
}

// check holds an answer against the contract and the plugin's manifest.
func (c *answerChecker) check(resp *abi.Response) {
	if len(resp.Outputs) > abi.MaxOutputs {
		c.fail(abi.Ref{}, "outputs", "has "+strconv.Itoa(len(resp.Outputs))+" documents, the limit is "+strconv.Itoa(abi.MaxOutputs))
		return
	}
	for i, o := range resp.Outputs {
		c.output(resp.Outputs[:i], o)
	}
	for i, contribution := range resp.Contributions {
		c.contribution(resp, i, contribution)
	}
	c.context(resp.Context)
	c.results(resp.Results)
}

func (c *answerChecker) output(earlier []abi.Output, o abi.Output) {
	if slices.ContainsFunc(earlier, func(other abi.Output) bool { return other.Ref == o.Ref }) {
		c.fail(o.Ref, "", "the step emits the object twice")
		return
	}
	if kind := o.Ref.GroupKind(); !slices.Contains(c.step.manifest.Outputs, kind) {
		c.fail(o.Ref, "", "the manifest does not declare "+kind.String()+" among its outputs")
		return
	}
	if !c.object(o.Ref, o.Document) {
		return
	}
	c.reference(o.Ref, o.Document)
	c.clean(o.Ref, o.Document)
}

func (c *answerChecker) contribution(resp *abi.Response, i int, contribution abi.Contribution) {
	ref := contribution.Ref
	same := func(other abi.Contribution) bool { return other.Ref == ref }
	switch kind := ref.GroupKind(); {
	case slices.ContainsFunc(resp.Contributions[:i], same):
		c.fail(ref, "", "the step contributes to the object twice; it must put all fields into one contribution")
	case slices.ContainsFunc(resp.Outputs, func(o abi.Output) bool { return o.Ref == ref }):
		c.fail(ref, "", "the step contributes to an object that it emits itself")
	case !slices.Contains(c.step.manifest.Contributes, kind):
		c.fail(ref, "", "the manifest does not declare that the plugin contributes to "+kind.String())
	case c.object(ref, contribution.Fields):
		c.clean(ref, contribution.Fields)
	}
}

// object checks that a document is well-formed and an object.
func (c *answerChecker) object(ref abi.Ref, document cbor.Raw) bool {
	if err := cbor.Validate(document, abi.MaxDepth); err != nil {
		c.fail(ref, "", oneLine(err.Error()))
		return false
	}
	if !cbor.IsObject(document) {
		c.fail(ref, "", "the document is not an object")
		return false
	}
	return true
}

// reference checks that a document is the one that it is sent as.
func (c *answerChecker) reference(ref abi.Ref, document cbor.Raw) {
	if ref.Name == "" {
		c.fail(ref, "metadata.name", "the object has no name")
	}
	said := abi.RefOf(document)
	for _, field := range [...]struct{ path, ref, document string }{
		{"apiVersion", ref.APIVersion, said.APIVersion},
		{"kind", ref.Kind, said.Kind},
		{"metadata.namespace", ref.Namespace, said.Namespace},
		{"metadata.name", ref.Name, said.Name},
	} {
		if field.ref != field.document {
			c.fail(ref, field.path, "the document says "+quoted(field.document)+", its reference "+quoted(field.ref))
		}
	}
}

// serverFields are the fields of metadata that only a server sets.
func serverFields() []string {
	return []string{"creationTimestamp", "generation", "managedFields", "resourceVersion", "selfLink", "uid"}
}

// clean checks that a document holds nothing that a server sets, and no null.
func (c *answerChecker) clean(ref abi.Ref, document cbor.Raw) {
	if cbor.Lookup(document, "status") != nil {
		c.fail(ref, "status", "only a server sets this field; the plugin must leave it out")
	}
	if metadata := cbor.Lookup(document, "metadata"); cbor.IsObject(metadata) {
		for _, name := range serverFields() {
			if cbor.Lookup(metadata, name) != nil {
				c.fail(ref, "metadata."+name, "only a server sets this field; the plugin must leave it out")
			}
		}
	}
	if hasNull(document) {
		path, _ := nullPath(document)
		c.fail(ref, path, "is null; the plugin must leave it out")
	}
}

func (c *answerChecker) context(entries []abi.ContextEntry) {
	for i, e := range entries {
		path := "context." + e.Key
		switch {
		case !slices.Contains(c.step.manifest.ContextProduced, e.Key):
			c.fail(abi.Ref{}, path, "the manifest does not declare that the plugin produces this key")
		case slices.ContainsFunc(entries[:i], func(o abi.ContextEntry) bool { return o.Key == e.Key }):
			c.fail(abi.Ref{}, path, "the key is there twice")
		}
		if err := cbor.Validate(e.Value, abi.MaxDepth); err != nil {
			c.fail(abi.Ref{}, path, oneLine(err.Error()))
		}
	}
}

func (c *answerChecker) results(results []abi.Result) {
	if len(results) > abi.MaxResults {
		c.fail(abi.Ref{}, "results", "has "+strconv.Itoa(len(results))+" messages, the limit is "+strconv.Itoa(abi.MaxResults))
		return
	}
	for i, r := range results {
		path := "results." + strconv.Itoa(i)
		if r.Severity != abi.SeverityError && r.Severity != abi.SeverityWarning && r.Severity != abi.SeverityInfo {
			c.fail(abi.Ref{}, path+".severity", "must be error, warning or info, not "+quoted(string(r.Severity)))
		}
		if r.Message == "" {
			c.fail(abi.Ref{}, path+".message", "is empty")
		}
	}
}

// requirements checks the requirements of one round.
func (c *answerChecker) requirements(requirements []abi.Requirement) {
	if len(requirements) > abi.MaxRequirements {
		c.fail(abi.Ref{}, "requirements", "has "+strconv.Itoa(len(requirements))+" entries, the limit is "+strconv.Itoa(abi.MaxRequirements))
		return
	}
	names := make(map[string]bool, len(requirements))
	for _, r := range requirements {
		path := "requirements." + r.Name
		kind := abi.Ref{APIVersion: r.APIVersion, Kind: r.Kind}.GroupKind()
		switch {
		case r.Name == "":
			c.fail(abi.Ref{}, "requirements", "a requirement has no name")
		case names[r.Name]:
			c.fail(abi.Ref{}, path, "the name is there twice")
		case !slices.Contains(c.step.manifest.Requires, kind):
			c.fail(abi.Ref{}, path, "the manifest does not declare that the plugin requires "+kind.String())
		}
		names[r.Name] = true
	}
}

// quoted puts text from outside in quotes, shortened.
func quoted(s string) string { return strconv.Quote(bounded(s, 80)) }
